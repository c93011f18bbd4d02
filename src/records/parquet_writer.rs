//! Writing Parquet, a row group after another.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, Repetition, Type as PhysicalType};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::table::{Cell, Column, ColumnKind};

/// A row group is closed at this many rows, or …
const GROUP_ROWS: usize = 1 << 16;
/// … at this many bytes of text.
const GROUP_BYTES: usize = 1 << 25;

/// Writes columns that may all hold nothing: strings, doubles and 64-bit integers.
pub(super) struct ParquetWriter<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<Values>,
    rows: usize,
    bytes: usize,
}

/// The values of a column in the row group under way, and for each row whether it has one.
struct Values {
    present: Vec<i16>,
    data: Data,
}

enum Data {
    Text(Vec<ByteArray>),
    Number(Vec<f64>),
    Count(Vec<i64>),
}

fn parquet_error(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

impl<W: Write + Send> ParquetWriter<W> {
    pub(super) fn new(output: W, columns: &[Column]) -> io::Result<Self> {
        let fields = columns
            .iter()
            .map(|column| {
                let (physical, converted) = match column.kind {
                    ColumnKind::Text => (PhysicalType::BYTE_ARRAY, ConvertedType::UTF8),
                    ColumnKind::Number => (PhysicalType::DOUBLE, ConvertedType::NONE),
                    ColumnKind::Count => (PhysicalType::INT64, ConvertedType::NONE),
                };
                Type::primitive_type_builder(&column.name, physical)
                    .with_converted_type(converted)
                    .with_repetition(Repetition::OPTIONAL)
                    .build()
                    .map(Arc::new)
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(parquet_error)?;
        let schema =
            Type::group_type_builder("rows").with_fields(fields).build().map_err(parquet_error)?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(output, Arc::new(schema), Arc::new(properties))
            .map_err(parquet_error)?;
        let columns = columns
            .iter()
            .map(|column| Values {
                present: Vec::new(),
                data: match column.kind {
                    ColumnKind::Text => Data::Text(Vec::new()),
                    ColumnKind::Number => Data::Number(Vec::new()),
                    ColumnKind::Count => Data::Count(Vec::new()),
                },
            })
            .collect();
        Ok(Self { writer, columns, rows: 0, bytes: 0 })
    }

    pub(super) fn write(&mut self, row: &[Cell<'_>]) -> io::Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(row) {
            let present = match (&mut column.data, *cell) {
                (Data::Text(values), Cell::Text(text)) => {
                    self.bytes += text.len();
                    values.push(text.into());
                    1
                }
                (Data::Number(values), Cell::Number(number)) => {
                    values.push(number);
                    1
                }
                (Data::Count(values), Cell::Count(number)) => {
                    values.push(i64::try_from(number).map_err(io::Error::other)?);
                    1
                }
                (_, Cell::Missing) => 0,
                (_, cell) => {
                    let reason = format!("a value of another kind than its column's: {cell:?}");
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
                }
            };
            column.present.push(present);
        }
        self.rows += 1;
        if self.rows == GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.write_group().map_err(parquet_error)?;
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        let mut columns = self.columns.iter_mut();
        while let (Some(mut writer), Some(Values { present, data })) =
            (group.next_column()?, columns.next())
        {
            let levels = Some(present.as_slice());
            match (writer.untyped(), &mut *data) {
                (ColumnWriter::ByteArrayColumnWriter(writer), Data::Text(values)) => {
                    writer.write_batch(values, levels, None)?;
                    values.clear();
                }
                (ColumnWriter::DoubleColumnWriter(writer), Data::Number(values)) => {
                    writer.write_batch(values, levels, None)?;
                    values.clear();
                }
                (ColumnWriter::Int64ColumnWriter(writer), Data::Count(values)) => {
                    writer.write_batch(values, levels, None)?;
                    values.clear();
                }
                _ => return Err(ParquetError::General("a column of another type".to_owned())),
            }
            present.clear();
            writer.close()?;
        }
        group.close()?;
        self.rows = 0;
        self.bytes = 0;
        Ok(())
    }

    pub(super) fn into_inner(mut self) -> io::Result<W> {
        if self.rows > 0 {
            self.write_group().map_err(parquet_error)?;
        }
        self.writer.into_inner().map_err(parquet_error)
    }
}
