//! Where records come from: files, or standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::ValueEnum;
use thiserror::Error;

/// The format of a file of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RecordFormat {
    /// Comma-separated values (RFC 4180) with a header line.
    Csv,
    /// A JSON object a line.
    Jsonl,
}

impl RecordFormat {
    /// The format that a path's ending stands for.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

/// Why an input cannot be read on.
#[derive(Debug, Error)]
pub enum InputError {
    /// It cannot be opened.
    #[error("cannot open `{input}`")]
    Open {
        /// The input: a path, or `-`.
        input: String,
        /// Why.
        source: io::Error,
    },
    /// Reading failed.
    #[error("cannot read `{input}` at line {line}")]
    Read {
        /// The input.
        input: String,
        /// The line that was to be read, from 1.
        line: u64,
        /// Why.
        source: io::Error,
    },
    /// Its format cannot be told.
    #[error(
        "cannot tell the format of `{0}`: expected a name that ends in .csv or .jsonl, or a format flag"
    )]
    Format(String),
    /// It does not begin as its format must.
    #[error("`{input}`: {reason}")]
    Header {
        /// The input.
        input: String,
        /// What is wrong.
        reason: String,
    },
    /// A column is not there.
    #[error("`{input}` has no column `{field}`; its columns are: {found}")]
    Column {
        /// The input.
        input: String,
        /// The column that was looked for.
        field: String,
        /// The columns that are there, separated by commas.
        found: String,
    },
}

impl InputError {
    pub(super) fn header(input: &str, reason: &str) -> Self {
        Self::Header { input: input.to_owned(), reason: reason.to_owned() }
    }
}

/// An opened input.
pub struct ReviewInput {
    /// What it is called in refusals and errors: its path, or `-`.
    pub name: String,
    /// Its format.
    pub format: RecordFormat,
    /// Its size in bytes, where that is known beforehand.
    pub bytes: Option<u64>,
    /// Its contents.
    pub contents: Box<dyn BufRead + Send>,
}

/// Opens a file, or standard input for `-`. The format is that of the path's ending unless
/// `format` is given; standard input is taken for JSON lines.
///
/// Each byte read is added to `read`.
///
/// # Errors
///
/// An input that cannot be opened, or whose format cannot be told.
pub fn open_input(
    path: &Path,
    format: Option<RecordFormat>,
    read: &Arc<AtomicU64>,
) -> Result<ReviewInput, InputError> {
    let name = path.display().to_string();
    if path == Path::new("-") {
        return Ok(ReviewInput {
            name,
            format: format.unwrap_or(RecordFormat::Jsonl),
            bytes: None,
            contents: Box::new(BufReader::new(CountedRead {
                input: io::stdin(),
                read: Arc::clone(read),
            })),
        });
    }
    let format = match format.or_else(|| RecordFormat::of_path(path)) {
        Some(format) => format,
        None => return Err(InputError::Format(name)),
    };
    let open_error = |source| InputError::Open { input: name.clone(), source };
    let file = File::open(path).map_err(open_error)?;
    let metadata = file.metadata().map_err(open_error)?;
    if metadata.is_dir() {
        return Err(open_error(io::ErrorKind::IsADirectory.into()));
    }
    let bytes = metadata.is_file().then_some(metadata.len());
    let counted = CountedRead { input: file, read: Arc::clone(read) };
    let contents = Box::new(BufReader::with_capacity(1 << 16, counted));
    Ok(ReviewInput { name, format, bytes, contents })
}

/// Counts the bytes that are read through it.
struct CountedRead<R> {
    input: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for CountedRead<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.input.read(buffer)?;
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}
