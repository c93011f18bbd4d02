//! Tables going to a file of any format, a row after another.

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::encoding::{EncodedWriter, TextEncoding};
use super::excel_writer::ExcelWriter;
use super::input::RecordFormat;
use super::parquet_writer::ParquetWriter;

/// The format of an output, and the encoding if it is a CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputFormat {
    /// The format.
    pub format: RecordFormat,
    /// The encoding of a CSV. The other formats have their own.
    pub encoding: TextEncoding,
}

impl From<RecordFormat> for OutputFormat {
    fn from(format: RecordFormat) -> Self {
        Self { format, encoding: TextEncoding::Utf8 }
    }
}

/// What kind of values a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text, which no program may take for something else: `007` stays, `=1+1` is no formula.
    Text,
    /// A floating-point number.
    Number,
    /// A whole number.
    Count,
}

/// How grave a value is, which a spreadsheet shows by colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// The least grave: green.
    Good,
    /// Between: yellow.
    Watch,
    /// The gravest: red.
    Bad,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// How wide a spreadsheet shows it, in characters.
    pub width: u16,
    /// The values that a spreadsheet colours.
    pub tones: Vec<(String, Tone)>,
}

impl Column {
    /// A column without colours.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: ColumnKind, width: u16) -> Self {
        Self { name: name.into(), kind, width, tones: Vec::new() }
    }

    /// The column with these values coloured.
    #[must_use]
    pub fn with_tones(self, tones: Vec<(String, Tone)>) -> Self {
        Self { tones, ..self }
    }
}

/// A value in a row. It is of its column's kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Missing,
    /// Text.
    Text(&'a str),
    /// A floating-point number.
    Number(f64),
    /// A whole number.
    Count(u64),
}

/// Writes rows. Numbers are written with as many digits as give the same bits back.
pub struct TableWriter<W: Write + Send> {
    columns: Vec<Column>,
    rows: Rows<W>,
}

enum Rows<W: Write + Send> {
    Csv(Box<csv::Writer<EncodedWriter<W>>>),
    Jsonl(W),
    Xlsx(Box<ExcelWriter<W>>),
    Parquet(Box<ParquetWriter<W>>),
}

impl<W: Write + Send> TableWriter<W> {
    /// A writer of the given columns. The header is written at once.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn new(
        output: W,
        format: impl Into<OutputFormat>,
        columns: Vec<Column>,
    ) -> io::Result<Self> {
        let OutputFormat { format, encoding } = format.into();
        let rows = match format {
            RecordFormat::Csv => {
                let mut writer = csv::Writer::from_writer(EncodedWriter::new(output, encoding));
                writer.write_record(columns.iter().map(|column| &column.name))?;
                Rows::Csv(Box::new(writer))
            }
            RecordFormat::Jsonl => Rows::Jsonl(output),
            RecordFormat::Xlsx => Rows::Xlsx(Box::new(ExcelWriter::new(output, &columns)?)),
            RecordFormat::Parquet => Rows::Parquet(Box::new(ParquetWriter::new(output, &columns)?)),
        };
        Ok(Self { columns, rows })
    }

    /// Writes a row, which has a cell for each column.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn write(&mut self, row: &[Cell<'_>]) -> io::Result<()> {
        match &mut self.rows {
            Rows::Csv(writer) => {
                for cell in row {
                    match cell {
                        Cell::Missing => writer.write_field("")?,
                        Cell::Text(text) => writer.write_field(text)?,
                        Cell::Number(number) => writer.write_field(format!("{number:?}"))?,
                        Cell::Count(number) => writer.write_field(number.to_string())?,
                    }
                }
                writer.write_record(None::<&[u8]>)?;
                Ok(())
            }
            Rows::Jsonl(output) => {
                serde_json::to_writer(&mut *output, &JsonRow { columns: &self.columns, row })?;
                output.write_all(b"\n")
            }
            Rows::Xlsx(writer) => writer.write(row),
            Rows::Parquet(writer) => writer.write(row),
        }
    }

    /// The columns it writes.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Ends writing and gives the output back.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn into_inner(self) -> io::Result<W> {
        match self.rows {
            Rows::Csv(writer) => writer
                .into_inner()
                .map(EncodedWriter::into_inner)
                .map_err(|error| error.into_error()),
            Rows::Jsonl(output) => Ok(output),
            Rows::Xlsx(writer) => writer.into_inner(),
            Rows::Parquet(writer) => writer.into_inner(),
        }
    }
}

/// A row as a JSON object whose keys are the columns, in their order.
struct JsonRow<'a> {
    columns: &'a [Column],
    row: &'a [Cell<'a>],
}

impl Serialize for JsonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.row.len()))?;
        for (column, cell) in self.columns.iter().zip(self.row) {
            let name = &column.name;
            match cell {
                Cell::Missing => map.serialize_entry(name, &())?,
                Cell::Text(text) => map.serialize_entry(name, text)?,
                Cell::Number(number) => map.serialize_entry(name, number)?,
                Cell::Count(number) => map.serialize_entry(name, number)?,
            }
        }
        map.end()
    }
}
