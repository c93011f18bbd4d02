//! Where records come from: files, or standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use clap::ValueEnum;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::compression::Compression;
use super::database::{DatabaseAddressError, DatabaseError};
use super::encoding::TextEncoding;

/// The format of a file of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RecordFormat {
    /// Comma-separated values (RFC 4180) with a header line.
    Csv,
    /// A JSON object a line.
    Jsonl,
    /// An Excel workbook.
    Xlsx,
    /// Apache Parquet.
    Parquet,
}

impl RecordFormat {
    /// The format that a path's ending stands for, before `.gz` or `.zst`.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let (_, path) = Compression::of_path(path);
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "xlsx" => Some(Self::Xlsx),
            "parquet" => Some(Self::Parquet),
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
        "cannot tell the format of `{0}`: expected a name that ends in .csv, .jsonl, .xlsx or \
         .parquet, or a format flag"
    )]
    Format(String),
    /// It is no address of a database, though it is written like one.
    #[error("cannot open the input")]
    Address(#[from] DatabaseAddressError),
    /// It is a database, and nothing says which of its records are meant.
    #[error("`{0}` is a database: --query must say which records to read of it")]
    NoQuery(String),
    /// The variable that was to hold a password does not.
    #[error("the environment variable `{0}` is not set, or is not UTF-8")]
    Password(String),
    /// A database cannot be reached, or refuses.
    #[error("cannot read the database")]
    Database(#[from] DatabaseError),
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

/// How an input is to be read, where it does not tell by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputOptions {
    /// Its format, if not that of its name's ending.
    pub format: Option<RecordFormat>,
    /// The encoding of a CSV, if not to be told by its beginning.
    pub encoding: Option<TextEncoding>,
    /// The sheet of a workbook, if not its first.
    pub sheet: Option<String>,
    /// The query that gives the records of a database.
    pub query: Option<String>,
    /// The environment variable that holds a database's password, if the address does not.
    pub password_env: Option<String>,
}

impl From<Option<RecordFormat>> for InputOptions {
    fn from(format: Option<RecordFormat>) -> Self {
        Self { format, ..Self::default() }
    }
}

/// Counts the bytes that are read of inputs and, if asked to, digests them. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct InputMeter {
    bytes: Arc<AtomicU64>,
    digest: Option<Arc<Mutex<Sha256>>>,
}

impl InputMeter {
    /// Counts only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts, and digests.
    #[must_use]
    pub fn with_digest() -> Self {
        Self { digest: Some(Arc::default()), ..Self::default() }
    }

    /// How many bytes were read so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The SHA-256 digest of what was read so far.
    #[must_use]
    pub fn sha256(&self) -> Option<[u8; 32]> {
        let digest = self.digest.as_ref()?;
        let digest = digest.lock().unwrap_or_else(PoisonError::into_inner);
        Some(digest.clone().finalize().into())
    }

    /// Whether what is read is digested, too.
    pub(super) fn digests(&self) -> bool {
        self.digest.is_some()
    }

    /// Counts what is not digested.
    pub(super) fn count(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn add(&self, bytes: &[u8]) {
        self.count(bytes.len());
        if let Some(digest) = &self.digest {
            digest.lock().unwrap_or_else(PoisonError::into_inner).update(bytes);
        }
    }
}

/// An input as it stands on disk or comes in: perhaps compressed, in whatever encoding.
pub(super) struct RawInput {
    pub(super) name: String,
    pub(super) format: RecordFormat,
    /// Its size in bytes, where that is known beforehand.
    pub(super) bytes: Option<u64>,
    compression: Compression,
    place: Place,
}

enum Place {
    /// A plain file, which can be read at any point.
    File(File),
    /// A pipe or a device.
    Stream(Box<dyn Read + Send>),
}

impl RawInput {
    pub(super) fn open(path: &Path, options: &InputOptions) -> Result<Self, InputError> {
        let name = path.display().to_string();
        if path == Path::new("-") {
            return Ok(Self {
                name,
                format: options.format.unwrap_or(RecordFormat::Jsonl),
                bytes: None,
                compression: Compression::None,
                place: Place::Stream(Box::new(io::stdin())),
            });
        }
        let format = match options.format.or_else(|| RecordFormat::of_path(path)) {
            Some(format) => format,
            None => return Err(InputError::Format(name)),
        };
        let open_error = |source| InputError::Open { input: name.clone(), source };
        let file = File::open(path).map_err(open_error)?;
        let metadata = file.metadata().map_err(open_error)?;
        if metadata.is_dir() {
            return Err(open_error(io::ErrorKind::IsADirectory.into()));
        }
        let (bytes, place) = match metadata.is_file() {
            true => (Some(metadata.len()), Place::File(file)),
            false => (None, Place::Stream(Box::new(file))),
        };
        let (compression, _) = Compression::of_path(path);
        Ok(Self { name, format, bytes, compression, place })
    }

    /// Its contents from the beginning to the end, decompressed.
    pub(super) fn contents(self, meter: &InputMeter) -> Result<Box<dyn Read + Send>, InputError> {
        let meter = meter.clone();
        let reader = match self.place {
            Place::File(file) => self.compression.reader(MeteredRead { input: file, meter }),
            Place::Stream(input) => self.compression.reader(MeteredRead { input, meter }),
        };
        reader.map_err(|source| InputError::Read { input: self.name, line: 1, source })
    }

    /// Its contents as a file that can be read at any point: a compressed one, or a stream, is
    /// first copied to a temporary file. Everything is metered here and now.
    pub(super) fn file(self, meter: &InputMeter) -> Result<File, InputError> {
        let name = self.name.clone();
        let read_error = |source| InputError::Read { input: name.clone(), line: 1, source };
        if let (Place::File(file), Compression::None) = (&self.place, self.compression) {
            if meter.digests() {
                let mut input = MeteredRead { input: file, meter: meter.clone() };
                io::copy(&mut input, &mut io::sink()).map_err(read_error)?;
            }
            return file.try_clone().map_err(read_error);
        }
        let mut contents = self.contents(meter)?;
        let mut copy = tempfile::tempfile().map_err(read_error)?;
        io::copy(&mut contents, &mut copy).map_err(read_error)?;
        Ok(copy)
    }
}

/// Meters what is read through it.
struct MeteredRead<R> {
    input: R,
    meter: InputMeter,
}

impl<R: Read> Read for MeteredRead<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.input.read(buffer)?;
        self.meter.add(&buffer[..bytes]);
        Ok(bytes)
    }
}
