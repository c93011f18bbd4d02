//! Reviews out of records, whatever they come in.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use super::database::DatabaseAddress;
use super::database_reader::DatabaseReader;
use super::encoding::decoded;
use super::excel_reader::ExcelReader;
use super::framing::Layout;
use super::input::{InputError, InputMeter, InputOptions, RawInput, RecordFormat};
use super::parquet_reader::ParquetReader;
use super::refusal::Refusal;
use super::text_reader::TextReader;

/// Which fields of a record mean what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldNames {
    /// The record's id. With `None`, records are numbered by their lines.
    pub id: Option<String>,
    /// The comment.
    pub text: String,
    /// Further fields that must be there and not empty, such as the label.
    pub required: Vec<String>,
    /// Further fields that may be missing or empty in a record.
    pub optional: Vec<String>,
}

/// One comment with the fields that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The line it begins on, from 1.
    pub line: u64,
    /// Its id.
    pub id: String,
    /// The comment.
    pub text: String,
    /// The values of [`FieldNames::required`], in their order.
    pub required: Vec<String>,
    /// The values of [`FieldNames::optional`], in their order; empty where there is none.
    pub optional: Vec<String>,
}

/// What a source gives for a record: a review, or a [`Refusal`], after which reading goes on; or
/// an [`InputError`] that ends it.
pub type ReviewItem = Result<Result<Review, Refusal>, InputError>;

/// Anything that gives reviews, one after another: every format is read behind this.
pub trait ReviewSource: Iterator<Item = ReviewItem> + Send {}

impl<S: Iterator<Item = ReviewItem> + Send> ReviewSource for S {}

/// Reads reviews from a file of any format, or from a database, in bounded memory but for Excel.
pub struct ReviewReader<'a> {
    name: Arc<str>,
    short_name: String,
    bytes: Option<u64>,
    source: Box<dyn ReviewSource + 'a>,
}

impl<'a> ReviewReader<'a> {
    /// Opens a file, or standard input for `-`, or a database where `path` is the address of one,
    /// and reads its header.
    ///
    /// The format is that of the path's ending unless `options` give one; standard input is
    /// taken for JSON lines. A CSV is in UTF-8 or GB18030, told by its beginning unless `options`
    /// name one. What is read is added to `meter`.
    ///
    /// # Errors
    ///
    /// An input that cannot be opened, whose format cannot be told, or that has no such columns.
    pub fn open(
        path: &Path,
        options: &InputOptions,
        fields: FieldNames,
        meter: &InputMeter,
    ) -> Result<Self, InputError> {
        if let Some(text) = path.to_str()
            && DatabaseAddress::is_meant_by(text)
        {
            let address = DatabaseAddress::parse(text)?.read_only();
            let (name, short_name) = (address.to_string().into(), address.short_name());
            let source = Box::new(DatabaseReader::open(address, options, fields, meter)?);
            return Ok(Self { name, short_name, bytes: None, source });
        }
        let raw = RawInput::open(path, options)?;
        let short_name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into();
        let name: Arc<str> = raw.name.as_str().into();
        let mut bytes = raw.bytes;
        let read_error = |source| InputError::Read { input: name.to_string(), line: 1, source };
        let source: Box<dyn ReviewSource> = match raw.format {
            RecordFormat::Csv | RecordFormat::Jsonl => {
                let layout = match raw.format {
                    RecordFormat::Csv => Layout::QuotedLines,
                    _ => Layout::Lines,
                };
                let encoding = match layout {
                    Layout::QuotedLines => options.encoding,
                    // JSON is UTF-8 by its standard.
                    Layout::Lines => Some(options.encoding.unwrap_or_default()),
                };
                let input = BufReader::with_capacity(1 << 16, raw.contents(meter)?);
                let input = decoded(input, encoding).map_err(read_error)?;
                Box::new(TextReader::new(&name, input, layout, fields)?)
            }
            format => {
                bytes = None;
                let mut file = raw.file(meter)?;
                file.seek(SeekFrom::Start(0)).map_err(read_error)?;
                Self::of_file(Arc::clone(&name), file, format, options, fields)?
            }
        };
        Ok(Self { name, short_name, bytes, source })
    }

    fn of_file(
        name: Arc<str>,
        file: File,
        format: RecordFormat,
        options: &InputOptions,
        fields: FieldNames,
    ) -> Result<Box<dyn ReviewSource>, InputError> {
        Ok(match format {
            RecordFormat::Xlsx => Box::new(ExcelReader::new(
                name,
                BufReader::new(file),
                options.sheet.as_deref(),
                fields,
            )?),
            _ => Box::new(ParquetReader::new(name, file, fields)?),
        })
    }

    /// Reads text that is UTF-8 from `input`, which is called `name` in refusals and errors.
    ///
    /// # Errors
    ///
    /// An input that cannot be read, is not UTF-8 in its header, has no such columns, or is of a
    /// format that is no text.
    pub fn new(
        name: &str,
        input: impl BufRead + Send + 'a,
        format: RecordFormat,
        fields: FieldNames,
    ) -> Result<Self, InputError> {
        let layout = match format {
            RecordFormat::Csv => Layout::QuotedLines,
            RecordFormat::Jsonl => Layout::Lines,
            RecordFormat::Xlsx | RecordFormat::Parquet => {
                let source = io::Error::new(io::ErrorKind::Unsupported, "this format is no text");
                return Err(InputError::Open { input: name.to_owned(), source });
            }
        };
        let source = Box::new(TextReader::new(name, input, layout, fields)?);
        Ok(Self { name: name.into(), short_name: name.to_owned(), bytes: None, source })
    }

    /// What it is called in refusals and errors: its path, or `-`, or a database's address without
    /// the password.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What it is called where nobody is to know where it was: without folders, host and user.
    #[must_use]
    pub fn short_name(&self) -> &str {
        &self.short_name
    }

    /// How many bytes there are to be read, where that is known beforehand.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.bytes
    }
}

impl std::fmt::Debug for ReviewReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReviewReader").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Iterator for ReviewReader<'_> {
    type Item = ReviewItem;

    fn next(&mut self) -> Option<ReviewItem> {
        self.source.next()
    }
}
