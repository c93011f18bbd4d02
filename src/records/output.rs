//! Writing predictions and refusals, into files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::ser::{Serialize, SerializeMap, Serializer};
use tempfile::NamedTempFile;

use super::input::RecordFormat;
use super::refusal::Refusal;

/// A file that is written beside its place and appears there by [`commit`](Self::commit), or
/// standard output (`-`), a pipe or a device, which are written as they are.
///
/// Dropped without a commit, a file leaves no trace.
#[derive(Debug)]
pub struct OutputFile {
    target: Target,
}

#[derive(Debug)]
enum Target {
    Beside { draft: BufWriter<NamedTempFile>, path: PathBuf },
    Direct(BufWriter<File>),
    Standard(BufWriter<io::Stdout>),
}

impl OutputFile {
    /// Prepares to write `path`.
    ///
    /// # Errors
    ///
    /// Its folder does not exist or cannot be written, or it is a folder itself.
    pub fn create(path: &Path) -> io::Result<Self> {
        const BUFFER: usize = 1 << 16;
        if path == Path::new("-") {
            let target = Target::Standard(BufWriter::with_capacity(BUFFER, io::stdout()));
            return Ok(Self { target });
        }
        match fs::metadata(path) {
            Ok(existing) if existing.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            // A rename would put a plain file in the place of a pipe or a device.
            Ok(existing) if !existing.is_file() => {
                let file = File::options().write(true).open(path)?;
                let target = Target::Direct(BufWriter::with_capacity(BUFFER, file));
                return Ok(Self { target });
            }
            _ => {}
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut draft = tempfile::Builder::new();
        draft.prefix(".postloan-").suffix(".partial");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any new file: all the rights that the umask leaves.
            draft.permissions(fs::Permissions::from_mode(0o666));
        }
        let draft = BufWriter::with_capacity(BUFFER, draft.tempfile_in(folder)?);
        Ok(Self { target: Target::Beside { draft, path: path.to_owned() } })
    }

    /// Writes out what is buffered and puts the file in its place.
    ///
    /// # Errors
    ///
    /// Anything that kept it from being whole on disk; then its place is as it was.
    pub fn commit(self) -> io::Result<()> {
        match self.target {
            Target::Standard(mut output) => output.flush(),
            Target::Direct(mut output) => output.flush(),
            Target::Beside { draft, path } => {
                let draft = draft.into_inner().map_err(io::IntoInnerError::into_error)?;
                draft.as_file().sync_all()?;
                draft.persist(&path).map_err(|error| error.error)?;
                #[cfg(unix)]
                if let Some(folder) = path.parent() {
                    let folder =
                        if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
                    File::open(folder)?.sync_all()?;
                }
                Ok(())
            }
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Beside { draft, .. } => draft.write(bytes),
            Target::Direct(output) => output.write(bytes),
            Target::Standard(output) => output.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Beside { draft, .. } => draft.flush(),
            Target::Direct(output) => output.flush(),
            Target::Standard(output) => output.flush(),
        }
    }
}

/// CSV or JSON lines going to `W`.
enum RowWriter<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Jsonl(W),
}

impl<W: Write> RowWriter<W> {
    fn new(output: W, format: RecordFormat) -> Self {
        match format {
            RecordFormat::Csv => Self::Csv(Box::new(csv::Writer::from_writer(output))),
            RecordFormat::Jsonl => Self::Jsonl(output),
        }
    }

    fn into_inner(self) -> io::Result<W> {
        match self {
            Self::Csv(writer) => {
                writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
            }
            Self::Jsonl(output) => Ok(output),
        }
    }
}

/// The columns of a file of predictions: `id, label, confidence, p_<label>…, model`, then those
/// that were kept from the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredictionColumns {
    /// The ids of the labels, in the order of the probabilities.
    pub labels: Vec<String>,
    /// The fields kept from the input.
    pub kept: Vec<String>,
}

impl PredictionColumns {
    fn probability(label: &str) -> String {
        format!("p_{label}")
    }

    /// All names in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = vec!["id".to_owned(), "label".to_owned(), "confidence".to_owned()];
        names.extend(self.labels.iter().map(|label| Self::probability(label)));
        names.push("model".to_owned());
        names.extend(self.kept.iter().cloned());
        names
    }
}

/// One prediction to be written.
#[derive(Debug, Clone, Copy)]
pub struct PredictionRow<'a> {
    /// The record's id.
    pub id: &'a str,
    /// The id of the predicted label.
    pub label: &'a str,
    /// The probability of the predicted label.
    pub confidence: f64,
    /// The probability of each label, in the order of the columns.
    pub probabilities: &'a [f64],
    /// The model, as `name/version`.
    pub model: &'a str,
    /// The values kept from the input, in the order of the columns.
    pub kept: &'a [String],
}

/// Writes predictions. Numbers are written with as many digits as give the same bits back.
pub struct PredictionWriter<W: Write> {
    rows: RowWriter<W>,
    columns: PredictionColumns,
    names: Vec<String>,
    written: u64,
}

impl<W: Write> PredictionWriter<W> {
    /// A writer of the given columns. The header of a CSV is written at once.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn new(output: W, format: RecordFormat, columns: PredictionColumns) -> io::Result<Self> {
        let names = columns.names();
        let mut rows = RowWriter::new(output, format);
        if let RowWriter::Csv(writer) = &mut rows {
            writer.write_record(&names)?;
        }
        Ok(Self { rows, columns, names, written: 0 })
    }

    /// Writes one prediction.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn write(&mut self, row: &PredictionRow<'_>) -> io::Result<()> {
        match &mut self.rows {
            RowWriter::Csv(writer) => {
                for field in [row.id, row.label] {
                    writer.write_field(field)?;
                }
                for number in std::iter::once(&row.confidence).chain(row.probabilities) {
                    writer.write_field(format!("{number:?}"))?;
                }
                writer.write_field(row.model)?;
                for field in row.kept {
                    writer.write_field(field)?;
                }
                writer.write_record(None::<&[u8]>)?;
            }
            RowWriter::Jsonl(output) => {
                serde_json::to_writer(&mut *output, &JsonRow { row, names: &self.names })?;
                output.write_all(b"\n")?;
            }
        }
        self.written += 1;
        Ok(())
    }

    /// How many predictions were written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The columns it writes.
    #[must_use]
    pub fn columns(&self) -> &PredictionColumns {
        &self.columns
    }

    /// Ends writing and gives the output back.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn into_inner(self) -> io::Result<W> {
        self.rows.into_inner()
    }
}

/// A prediction as a JSON object whose keys are the columns, in their order.
struct JsonRow<'a> {
    row: &'a PredictionRow<'a>,
    names: &'a [String],
}

impl Serialize for JsonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = self.row;
        let mut map = serializer.serialize_map(Some(self.names.len()))?;
        let mut names = self.names.iter();
        for text in [row.id, row.label] {
            map.serialize_entry(&names.next(), text)?;
        }
        for number in std::iter::once(&row.confidence).chain(row.probabilities) {
            map.serialize_entry(&names.next(), number)?;
        }
        map.serialize_entry(&names.next(), row.model)?;
        for text in row.kept {
            map.serialize_entry(&names.next(), text)?;
        }
        map.end()
    }
}

/// Writes refusals: `input, line, id, reason, detail`. There is no text of a comment in them.
pub struct RefusalWriter<W: Write> {
    rows: RowWriter<W>,
    written: u64,
}

impl<W: Write> RefusalWriter<W> {
    const COLUMNS: [&str; 5] = ["input", "line", "id", "reason", "detail"];

    /// A writer of refusals. The header of a CSV is written at once.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn new(output: W, format: RecordFormat) -> io::Result<Self> {
        let mut rows = RowWriter::new(output, format);
        if let RowWriter::Csv(writer) = &mut rows {
            writer.write_record(Self::COLUMNS)?;
        }
        Ok(Self { rows, written: 0 })
    }

    /// Writes one refusal.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn write(&mut self, refusal: &Refusal) -> io::Result<()> {
        let id = refusal.id.as_deref();
        let (line, code) = (refusal.line, refusal.reason.code());
        let detail = refusal.reason.to_string();
        match &mut self.rows {
            RowWriter::Csv(writer) => {
                let line = line.to_string();
                writer.write_record([&*refusal.input, &line, id.unwrap_or(""), code, &detail])?;
            }
            RowWriter::Jsonl(output) => {
                let object = serde_json::json!({
                    "input": &*refusal.input, "line": line, "id": id, "reason": code,
                    "detail": detail,
                });
                serde_json::to_writer(&mut *output, &object)?;
                output.write_all(b"\n")?;
            }
        }
        self.written += 1;
        Ok(())
    }

    /// How many refusals were written.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Ends writing and gives the output back.
    ///
    /// # Errors
    ///
    /// The output cannot be written.
    pub fn into_inner(self) -> io::Result<W> {
        self.rows.into_inner()
    }
}
