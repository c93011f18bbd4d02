//! Options that several commands share.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

use clap::Args;
use serde::Serialize;

use super::failure::Failure;
use crate::model::RiskClassifier;
use crate::records::database::DatabaseAddress;
use crate::records::{
    FieldNames, InputMeter, InputOptions, OutputFile, RecordFormat, ReviewReader, TextEncoding,
};

/// The shipped model, where the program is started in its repository.
const DEFAULT_MODEL: &str = "models/post-loan-risk";

/// Which model to use.
#[derive(Debug, Args)]
pub(super) struct ModelOption {
    /// A version folder, or a folder of versions: then the one its `production` file names,
    /// otherwise the highest
    #[arg(long, value_name = "FOLDER", default_value = DEFAULT_MODEL, env = "POSTLOAN_MODEL")]
    model: PathBuf,
}

impl ModelOption {
    pub(super) fn open(&self) -> Result<RiskClassifier, Failure> {
        Ok(RiskClassifier::open(&self.model)?)
    }

    pub(super) fn path(&self) -> &Path {
        &self.model
    }
}

/// Which fields of a record mean what, and how records are laid out.
#[derive(Debug, Args)]
pub(super) struct RecordOptions {
    /// The field that holds a record's id
    #[arg(long, value_name = "FIELD", default_value = "id")]
    pub(super) id_field: String,
    /// The field that holds the comment
    #[arg(long, value_name = "FIELD", default_value = "text")]
    pub(super) text_field: String,
    /// The format of the input, where it is not that of the file's ending
    #[arg(long, value_name = "FORMAT")]
    input_format: Option<RecordFormat>,
    /// The encoding of a CSV input [default: UTF-8 or GB18030, told by its beginning]
    #[arg(long, value_name = "ENCODING")]
    encoding: Option<TextEncoding>,
    /// The sheet of an Excel input [default: the first]
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// The query that gives the comments of an input that is a database, with the columns that
    /// the fields name; it can only read
    #[arg(long, value_name = "SQL")]
    query: Option<String>,
    /// The environment variable that holds the password of an input that is a database
    #[arg(long, value_name = "VARIABLE")]
    password_env: Option<String>,
}

impl RecordOptions {
    pub(super) fn input_options(&self) -> InputOptions {
        InputOptions {
            format: self.input_format,
            encoding: self.encoding,
            sheet: self.sheet.clone(),
            query: self.query.clone(),
            password_env: self.password_env.clone(),
        }
    }

    /// Opens a file of comments.
    pub(super) fn open(&self, file: &Path) -> Result<ReviewReader<'static>, Failure> {
        let fields = FieldNames {
            id: Some(self.id_field.clone()),
            text: self.text_field.clone(),
            required: Vec::new(),
            optional: Vec::new(),
        };
        Ok(ReviewReader::open(file, &self.input_options(), fields, &InputMeter::new())?)
    }
}

/// How many threads to work on.
#[derive(Debug, Args)]
pub(super) struct ThreadOption {
    /// How many threads to work on; the result is the same with any number [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

impl ThreadOption {
    pub(super) fn count(&self) -> NonZeroUsize {
        let cores = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.threads.unwrap_or_else(cores)
    }

    /// Makes `rayon` use that many threads in this process.
    pub(super) fn apply(&self) -> Result<(), Failure> {
        rayon::ThreadPoolBuilder::new()
            .num_threads(self.count().get())
            .build_global()
            .map_err(|error| Failure::usage(error.to_string()))
    }
}

/// Prepares to write the file at `path`, which appears whole or not at all.
pub(super) fn create_output(path: &Path) -> Result<OutputFile, Failure> {
    check_output(path)?;
    OutputFile::create(path).map_err(|error| cannot_write(path, error))
}

/// Whether `path` can be the name of a file that is written. Where it is the address of a
/// database, it is not repeated: there may be a password in it.
pub(super) fn check_output(path: &Path) -> Result<(), Failure> {
    if path.to_str().is_some_and(DatabaseAddress::is_meant_by) {
        return Err(Failure::usage(
            "an output is a file, not a database; `postloan nightly` writes to a database",
        ));
    }
    Ok(())
}

/// A file cannot be written.
pub(super) fn cannot_write(path: &Path, error: io::Error) -> Failure {
    Failure::output(error).context(format!("cannot write `{}`", path.display()))
}

/// Writes `contents` to a prepared file and puts it in its place.
pub(super) fn write_output(mut output: OutputFile, contents: &str) -> Result<(), Failure> {
    output
        .write_all(contents.as_bytes())
        .and_then(|()| output.commit())
        .map_err(|error| Failure::output(error).context("cannot write the output"))
}

/// Writes to standard output.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut output = anstream::stdout();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .map_err(|error| Failure::output(error).context("cannot write to standard output"))
}

/// Writes `value` to standard output as JSON.
pub(super) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::output(io::Error::from(error)))?;
    print(&format!("{json}\n"))
}

/// Writes a line to standard error, for people; what comes of it does not matter.
pub(super) fn tell(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// `text` without line breaks and other control characters, which could disturb a terminal.
pub(super) fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
