//! `postloan evaluate`: how good a model is on labelled comments.

use std::path::PathBuf;

use clap::Args;
use rayon::prelude::*;
use serde::Serialize;

use super::Outcome;
use super::decide::estimate_prior;
use super::decisions::{DecisionOptions, PriorOption};
use super::failure::Failure;
use super::options::{
    ModelOption, RecordOptions, ThreadOption, create_output, print, print_json, tell, write_output,
};
use super::report::{ReportOptions, report_of_model};
use crate::evaluation::{
    Calibration, Metrics, MetricsByField, Origin, Scored, confusion_table, metrics_table,
};
use crate::model::{LabelError, RiskClassifier, hexadecimal};
use crate::records::{FieldNames, Review, ReviewCollection};

/// Options of `postloan evaluate`.
#[derive(Debug, Args)]
pub(super) struct EvaluateArgs {
    /// Files of labelled comments (.csv, .jsonl, .xlsx, .parquet; .gz, .zst), databases
    /// (sqlite:PATH, postgres://…, gaussdb://…; see --query), or `-` for standard input
    #[arg(required = true, value_name = "DATA")]
    data: Vec<PathBuf>,
    /// The field that holds the label
    #[arg(long, value_name = "FIELD", default_value = "label")]
    label_field: String,
    /// Split the metrics by the values of a field, too; may be given more than once
    #[arg(long, value_name = "FIELD")]
    by: Vec<String>,
    /// Print everything as JSON on standard output
    #[arg(long)]
    json: bool,
    /// Write a report to this HTML file, for people. Comments that were predicted wrong stand in
    /// it: keep it as you keep the data
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    page: ReportOptions,
    #[command(flatten)]
    model: ModelOption,
    #[command(flatten)]
    decisions: DecisionOptions,
    #[command(flatten)]
    records: RecordOptions,
    #[command(flatten)]
    threads: ThreadOption,
}

/// What is printed for a machine.
#[derive(Debug, Serialize)]
struct Evaluation {
    model: String,
    /// Whether the model was trained on one of the files.
    seen_in_training: bool,
    metrics: Metrics,
    calibration: Calibration,
    /// The fields the metrics are split by, each with the metrics for each of its values.
    by: Vec<MetricsByField>,
}

pub(super) fn run(args: &EvaluateArgs) -> Result<Outcome, Failure> {
    args.threads.apply()?;
    let report = args.report.as_deref().map(create_output).transpose()?;
    let mut classifier = args.model.open()?;
    // Only a report names comments.
    let id_field = args.report.as_ref().map(|_| &args.records.id_field);
    let fields = FieldNames {
        id: None,
        text: args.records.text_field.clone(),
        required: vec![args.label_field.clone()],
        optional: args.by.iter().chain(id_field).cloned().collect(),
    };
    let collection = ReviewCollection::read(&args.data, &args.records.input_options(), &fields)?;
    if collection.reviews.is_empty() {
        return Err(Failure::input("there are no labelled comments in the data".to_owned()));
    }
    let reviews = &collection.reviews;
    let mut policy = args.decisions.over(classifier.policy(), classifier.labels())?;
    if args.decisions.prior == Some(PriorOption::Estimate) {
        let texts: Vec<&str> = reviews.iter().map(|review| review.text.as_str()).collect();
        policy.prior = Some(estimate_prior(&classifier, &texts)?.shares);
    }
    classifier = classifier.with_policy(policy).map_err(|e| Failure::usage(e.to_string()))?;
    let scored = score(&classifier, reviews, &args.label_field)?;
    let labels = classifier.labels();
    let by: Vec<MetricsByField> = (0..)
        .zip(&args.by)
        .map(|(position, field): (usize, _)| {
            let values = reviews.iter().map(|review| review.optional[position].as_str());
            MetricsByField::of(labels, field, values.zip(&scored))
        })
        .collect();
    let trained_on = &classifier.manifest().data.files;
    let seen_in_training = collection.inputs.iter().any(|input| {
        trained_on.iter().any(|file| file.digest.sha256 == hexadecimal(&input.sha256))
    });
    if seen_in_training {
        tell("the model was trained on these comments: its figures here say nothing of new ones");
    }
    if let Some(output) = report {
        let origin = if seen_in_training { Origin::SeenInTraining } else { Origin::NewComments };
        let html = report_of_model(
            &classifier,
            &args.page,
            reviews,
            &args.by,
            &scored,
            (origin, Some(&classifier)),
        )?;
        write_output(output, &html)?;
    }
    let evaluation = Evaluation {
        model: classifier.id().to_string(),
        seen_in_training,
        metrics: Metrics::of(labels, &scored),
        calibration: Calibration::of(&scored),
        by,
    };
    if args.json {
        print_json(&evaluation)?
    } else {
        print(&evaluation.table())?
    }
    Ok(Outcome::Done)
}

/// What the model says of each review, on all threads.
fn score(
    classifier: &RiskClassifier,
    reviews: &[Review],
    label_field: &str,
) -> Result<Vec<Scored>, Failure> {
    let place = |review: &Review| format!("field `{label_field}` at line {}", review.line);
    // Labels first: a wrong one is known before any work is done.
    let truths = reviews
        .iter()
        .map(|review| classifier.labels().class_of(&review.required[0]).map_err(|e| (review, e)))
        .collect::<Result<Vec<_>, (&Review, LabelError)>>()
        .map_err(|(review, error)| Failure::from(error).context(place(review)))?;
    reviews
        .par_iter()
        .zip(truths)
        .map_init(
            || classifier.worker(),
            |worker, (review, truth)| match worker.classify(&review.text) {
                Ok(prediction) => Ok(Scored {
                    truth,
                    predicted: prediction.class,
                    probabilities: prediction.probabilities,
                }),
                Err(error) => Err((review.line, error)),
            },
        )
        .collect::<Result<Vec<Scored>, _>>()
        .map_err(|(line, error)| Failure::input(error).context(format!("line {line}")))
}

impl Evaluation {
    fn table(&self) -> String {
        let Metrics { rows, accuracy, macro_f1, log_loss, .. } = self.metrics;
        let mut table = format!(
            "{} on {rows} comments: accuracy {accuracy:.4}, macro F1 {macro_f1:.4}, log loss \
             {log_loss:.4}, ECE {:.4}, Brier {:.4}\n\n{}\n{}",
            self.model,
            self.calibration.expected_error,
            self.calibration.brier,
            metrics_table(&self.metrics),
            confusion_table(&self.metrics)
        );
        for by in &self.by {
            table += &format!("\n{}", by.table());
        }
        table
    }
}
