//! `postloan batch`: the nightly job on files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Outcome;
use super::decisions::DecisionOptions;
use super::failure::Failure;
use super::options::{
    ModelOption, RecordOptions, ThreadOption, cannot_write, check_output, create_output,
    print_json, tell,
};
use crate::batch::{BatchSummary, SourceItem, SourcedReview, classify_stream, tones};
use crate::records::{
    FieldNames, InputMeter, OutputFormat, PredictionColumns, PredictionWriter, RecordFormat,
    RefusalWriter, ReviewReader, TextEncoding,
};

/// Options of `postloan batch`.
#[derive(Debug, Args)]
pub(super) struct BatchArgs {
    /// Files of comments (.csv, .jsonl, .xlsx, .parquet; also .gz, .zst), databases
    /// (sqlite:PATH, postgres://…, gaussdb://…; see --query), or `-` for standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Where the predictions go (.csv, .jsonl, .xlsx, .parquet; .gz, .zst), or `-` for standard
    /// output. The file appears whole at the end, or not at all
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// The format of the output, where it is not that of the file's ending
    #[arg(long, value_name = "FORMAT")]
    output_format: Option<RecordFormat>,
    /// The encoding of a CSV output
    #[arg(long, value_name = "ENCODING", default_value = "utf-8")]
    output_encoding: TextEncoding,
    /// Where refused records go, each by input, line, id and reason, never with its text
    /// [default: beside the output, as NAME.rejects.csv; to standard error for `-`]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Fields of the input to keep in the output
    #[arg(long, value_name = "FIELD,...", value_delimiter = ',')]
    keep: Vec<String>,
    /// Print the summary as JSON on standard output (on standard error if predictions go there)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelOption,
    #[command(flatten)]
    decisions: DecisionOptions,
    #[command(flatten)]
    records: RecordOptions,
    #[command(flatten)]
    threads: ThreadOption,
}

pub(super) fn run(args: &BatchArgs) -> Result<Outcome, Failure> {
    let (output_format, rejects_path) = args.check_outputs()?;
    let classifier = args.decisions.apply(args.model.open()?)?;
    let columns = PredictionColumns {
        labels: classifier.labels().ids().into_iter().map(str::to_owned).collect(),
        tones: tones(classifier.labels()),
        decisions: classifier.policy().is_set(),
        kept: args.keep.clone(),
    };
    check_columns(&columns)?;
    let output_error = |error| cannot_write(&args.output, error);
    let rejects_error = |error| cannot_write(&rejects_path, error);
    let encoded = |format| OutputFormat { format, encoding: args.output_encoding };
    let mut predictions =
        PredictionWriter::new(create_output(&args.output)?, encoded(output_format), columns)
            .map_err(output_error)?;
    let rejects_format = encoded(RecordFormat::of_path(&rejects_path).unwrap_or(RecordFormat::Csv));
    let mut rejects =
        RefusalWriter::new(create_output(&rejects_path)?, rejects_format).map_err(rejects_error)?;

    // After the outputs, for standard input may have a reader wait.
    let meter = InputMeter::new();
    let (source, bytes) = args.open_inputs(&meter)?;
    let progress = progress_bar(bytes);
    let summary = classify_stream(
        &classifier,
        source,
        &mut predictions,
        &mut rejects,
        args.threads.count(),
        |written| {
            progress.set_position(meter.bytes());
            progress.set_message(written.to_string());
        },
    )?;
    progress.finish_and_clear();

    // The rejects first: predictions never stand without them.
    let rejects = rejects.into_inner().map_err(rejects_error)?;
    let predictions = predictions.into_inner().map_err(output_error)?;
    rejects.commit().map_err(rejects_error)?;
    predictions.commit().map_err(output_error)?;
    report(args, &summary, &rejects_path)?;
    Ok(if summary.refused == 0 { Outcome::Done } else { Outcome::SomeRefused })
}

impl BatchArgs {
    /// The format of the output and the path of the rejects, if both can be what they are.
    fn check_outputs(&self) -> Result<(RecordFormat, PathBuf), Failure> {
        check_output(&self.output)?;
        let to_stdout = self.output == Path::new("-");
        let format = self.output_format.or_else(|| RecordFormat::of_path(&self.output));
        let format = match format {
            Some(format) => format,
            None if to_stdout => RecordFormat::Jsonl,
            None => {
                return Err(Failure::usage(format!(
                    "cannot tell the format of `{}`: expected a name that ends in .csv, \
                     .jsonl, .xlsx or .parquet, or --output-format",
                    self.output.display()
                )));
            }
        };
        let rejects = match &self.rejects {
            Some(path) => path.clone(),
            None if to_stdout || !is_plain_place(&self.output) => PathBuf::from("/dev/stderr"),
            None => rejects_beside(&self.output),
        };
        for input in &self.inputs {
            for (written, what) in [(&self.output, "the output"), (&rejects, "the rejects file")] {
                if is_plain_place(written) && same_file(input, written) {
                    return Err(Failure::usage(format!(
                        "`{}` is an input; {what} must be another file",
                        written.display()
                    )));
                }
            }
        }
        if same_file(&self.output, &rejects) || (to_stdout && rejects == Path::new("-")) {
            return Err(Failure::usage("the output and the rejects file must be two files"));
        }
        Ok((format, rejects))
    }

    /// The reviews of all inputs one after another, and their size in bytes where that is known.
    ///
    /// All inputs are opened at once, so that a missing one is known before any work is done.
    fn open_inputs(
        &self,
        meter: &InputMeter,
    ) -> Result<(impl Iterator<Item = SourceItem> + Send + use<>, Option<u64>), Failure> {
        let fields = FieldNames {
            id: Some(self.records.id_field.clone()),
            text: self.records.text_field.clone(),
            required: Vec::new(),
            optional: self.keep.clone(),
        };
        let mut readers = Vec::new();
        let mut bytes = Some(0);
        for path in &self.inputs {
            let options = self.records.input_options();
            let reader = ReviewReader::open(path, &options, fields.clone(), meter)?;
            bytes = bytes.zip(reader.bytes()).map(|(sum, more)| sum + more);
            readers.push(reader);
        }
        let source = readers.into_iter().flat_map(|reader| {
            let name = Arc::clone(reader.name());
            reader.map(move |record| -> SourceItem {
                let input = Arc::clone(&name);
                Ok(record?.map(|review| SourcedReview { input, review }))
            })
        });
        Ok((source, bytes))
    }
}

fn check_columns(columns: &PredictionColumns) -> Result<(), Failure> {
    let mut seen = std::collections::BTreeSet::new();
    match columns.names().into_iter().find(|name| !seen.insert(name.clone())) {
        Some(name) => Err(Failure::usage(format!("--keep {name}: there is such a column already"))),
        None => Ok(()),
    }
}

/// `NAME.rejects.csv` for `NAME.csv`, `NAME.parquet` or `NAME.csv.gz`.
fn rejects_beside(output: &Path) -> PathBuf {
    let compressed = output.extension().is_some_and(|ending| {
        ["gz", "zst", "zstd"].iter().any(|known| ending.eq_ignore_ascii_case(known))
    });
    let named = if compressed { output.with_extension("") } else { output.to_owned() };
    named.with_extension("rejects.csv")
}

/// Whether `path` is, or will be, a plain file.
fn is_plain_place(path: &Path) -> bool {
    path != Path::new("-") && path.metadata().map_or(true, |metadata| metadata.is_file())
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        // A file that does not exist yet is told by its name.
        _ => a == b,
    }
}

/// A bar on a terminal; elsewhere it draws nothing.
fn progress_bar(bytes: Option<u64>) -> ProgressBar {
    let (bar, template) = match bytes {
        Some(bytes) => (
            ProgressBar::new(bytes),
            "{wide_bar} {bytes}/{total_bytes}, {msg} records, {eta} to go",
        ),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes}, {msg} records, {elapsed}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn report(args: &BatchArgs, summary: &BatchSummary, rejects: &Path) -> Result<(), Failure> {
    for duplicate in &summary.duplicate_ids.first {
        let crate::batch::DuplicatedId { id, input, line } = duplicate;
        tell(&format!("{input}, line {line}: id `{id}` stands in an earlier record, too"));
    }
    if !summary.duplicate_ids.complete {
        tell("too many ids to look for all duplicates: later ones were compared with the first");
    }
    if args.json {
        if args.output == Path::new("-") {
            // Predictions have standard output to themselves.
            tell(&serde_json::to_string(summary).unwrap_or_default());
            return Ok(());
        }
        return print_json(summary);
    }
    tell(&summary.to_string());
    if summary.refused > 0 && is_plain_place(rejects) {
        tell(&format!("refused records are listed in `{}`", rejects.display()));
    }
    Ok(())
}
