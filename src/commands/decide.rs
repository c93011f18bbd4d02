//! `postloan decide`: sets how a model decides. `postloan estimate-prior`: how common each label
//! is in comments that nobody labelled.

use std::path::PathBuf;

use clap::Args;
use rayon::prelude::*;
use serde::Serialize;

use super::Outcome;
use super::decisions::{DecisionOptions, PriorOption};
use super::failure::Failure;
use super::options::{ModelOption, RecordOptions, ThreadOption, print, print_json};
use crate::evaluation::{DecisionSummary, PriorEstimate, confidence_for_precision};
use crate::model::{
    DecisionPolicy, LabelSet, ModelBundle, ModelStore, RiskClassifier, resolve_version,
};
use crate::records::{FieldNames, ReviewCollection};

/// Options of `postloan decide`.
#[derive(Debug, Args)]
pub(super) struct DecideArgs {
    #[command(flatten)]
    model: ModelOption,
    #[command(flatten)]
    decisions: DecisionOptions,
    /// Choose the threshold of --human-below so that decisions above it are right as often as
    /// this, by the model's out-of-fold predictions
    #[arg(long, value_name = "SHARE", help_heading = "Decisions", conflicts_with = "human_below")]
    human_precision: Option<f64>,
    /// Forget the model's prior, costs and threshold first
    #[arg(long, help_heading = "Decisions")]
    reset: bool,
    /// Only say what it comes to; write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print the result as JSON on standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Decided {
    model: Option<PathBuf>,
    policy: DecisionPolicy,
    /// What the highest score alone comes to, out of fold, under the same prior.
    highest_score: Option<DecisionSummary>,
    /// What the policy comes to.
    decided: Option<DecisionSummary>,
}

pub(super) fn run(args: &DecideArgs) -> Result<Outcome, Failure> {
    if args.decisions.prior == Some(PriorOption::Estimate) {
        return Err(Failure::usage(
            "`postloan estimate-prior DATA` estimates a prior; give what it prints",
        ));
    }
    let folder = resolve_version(args.model.path())?;
    let mut bundle = ModelBundle::read(&folder)?;
    let labels = bundle.manifest.labels.clone();
    let mut policy = bundle.decisions.clone();
    if args.reset {
        policy = DecisionPolicy { prior: None, costs: None, human_below: None, ..policy };
    }
    policy = args.decisions.over(&policy, &labels)?;
    if let Some(precision) = args.human_precision {
        policy.human_below = Some(threshold(&bundle, &policy, precision)?);
    }
    policy.check(labels.len()).map_err(|error| Failure::usage(error.to_string()))?;

    let summary = |policy: &DecisionPolicy| {
        let rows = bundle.out_of_fold.as_ref()?.scores();
        Some(DecisionSummary::of(policy, &labels, rows))
    };
    let plain = DecisionPolicy { costs: None, human_below: None, ..policy.clone() };
    let (highest_score, decided) = (summary(&plain), summary(&policy));
    bundle.decisions = policy.clone();
    let path = match args.dry_run {
        true => None,
        false => Some(save(&bundle, &folder)?),
    };
    let result = Decided { model: path, policy, highest_score, decided };
    if args.json {
        print_json(&result)?;
    } else {
        print(&result.table(&labels))?;
    }
    Ok(Outcome::Done)
}

/// Writes the bundle as the next version beside `folder`.
fn save(bundle: &ModelBundle, folder: &std::path::Path) -> Result<PathBuf, Failure> {
    let versions = folder.parent().unwrap_or(folder);
    let card = std::fs::read_to_string(folder.join(ModelBundle::CARD)).unwrap_or_default();
    let from = &bundle.manifest.model;
    let saved = ModelStore::new(versions).save(bundle, |id| {
        format!("{card}\n## How it decides\n\n{id} is {from} with other decisions: see `decisions.json`.\n")
    })?;
    Ok(saved.path)
}

fn threshold(
    bundle: &ModelBundle,
    policy: &DecisionPolicy,
    precision: f64,
) -> Result<f64, Failure> {
    if !(0.0..=1.0).contains(&precision) {
        return Err(Failure::usage("--human-precision is a share from 0 to 1"));
    }
    let rows = bundle.out_of_fold.as_ref().ok_or_else(|| {
        Failure::usage(
            "the model has no out-of-fold predictions to choose a threshold by: train it with \
             cross-validation, or give --human-below",
        )
    })?;
    confidence_for_precision(policy, rows.scores(), precision).ok_or_else(|| {
        Failure::usage(format!("no threshold makes decisions right as often as {precision}"))
    })
}

impl Decided {
    fn table(&self, labels: &LabelSet) -> String {
        let mut text = String::new();
        let shares = |shares: &[f64]| {
            let parts: Vec<String> = labels
                .iter()
                .zip(shares)
                .map(|(label, share)| format!("{}={share:.4}", label.id))
                .collect();
            parts.join(",")
        };
        if let Some(prior) = &self.policy.prior {
            text += &format!("prior        {}\n", shares(prior));
        }
        if let Some(threshold) = self.policy.human_below {
            text += &format!("to a human   below {threshold:.4}\n");
        }
        match (&self.highest_score, &self.decided) {
            (Some(highest), Some(decided)) => {
                text += &format!(
                    "\nout of fold    accuracy  {}  needless/1000  to a human  right of the rest\n",
                    labels
                        .iter()
                        .map(|label| format!("recall {:<7}", label.id))
                        .collect::<Vec<_>>()
                        .join("  ")
                );
                for (name, summary) in [("highest score", highest), ("decided", decided)] {
                    let recall: Vec<String> =
                        summary.recall.iter().map(|recall| format!("{recall:>14.4}")).collect();
                    text += &format!(
                        "{name:<13}  {:>8.4}  {}  {:>13.1}  {:>10.4}  {:>17.4}\n",
                        summary.accuracy,
                        recall.join("  "),
                        summary.needless_per_thousand,
                        summary.to_human,
                        summary.automatic_accuracy
                    );
                }
            }
            _ => text += "the model was not cross-validated: what this comes to is not known\n",
        }
        match &self.model {
            Some(path) => text += &format!("\nwritten to {}\n", path.display()),
            None => text += "\nnothing was written\n",
        }
        text
    }
}

/// Options of `postloan estimate-prior`.
#[derive(Debug, Args)]
pub(super) struct EstimatePriorArgs {
    /// Files or databases of comments; labels are not needed
    #[arg(required = true, value_name = "DATA")]
    data: Vec<PathBuf>,
    /// Print the result as JSON on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model: ModelOption,
    #[command(flatten)]
    records: RecordOptions,
    #[command(flatten)]
    threads: ThreadOption,
}

pub(super) fn run_estimate_prior(args: &EstimatePriorArgs) -> Result<Outcome, Failure> {
    args.threads.apply()?;
    let classifier = args.model.open()?;
    let fields = FieldNames {
        id: None,
        text: args.records.text_field.clone(),
        required: Vec::new(),
        optional: Vec::new(),
    };
    let collection = ReviewCollection::read(&args.data, &args.records.input_options(), &fields)?;
    let texts: Vec<&str> = collection.reviews.iter().map(|review| review.text.as_str()).collect();
    let estimate = estimate_prior(&classifier, &texts)?;
    if args.json {
        print_json(&estimate)?;
    } else {
        let parts: Vec<String> = classifier
            .labels()
            .iter()
            .zip(&estimate.shares)
            .map(|(label, share)| format!("{}={share:.4}", label.id))
            .collect();
        print(&format!("{}\n", parts.join(",")))?;
    }
    Ok(Outcome::Done)
}

/// Estimates how common each label is in `texts`, of which the empty and over-long are left out.
pub(super) fn estimate_prior(
    classifier: &RiskClassifier,
    texts: &[&str],
) -> Result<PriorEstimate, Failure> {
    let policy = classifier.policy().clone();
    if policy.training_shares.is_empty() {
        return Err(Failure::usage(
            "the model does not know the label shares of its training data",
        ));
    }
    let plain = DecisionPolicy { prior: None, costs: None, ..policy };
    let shares = plain.training_shares.clone();
    let unprejudiced = (classifier.clone().with_policy(plain))
        .map_err(|error| Failure::usage(error.to_string()))?;
    let probabilities: Vec<Vec<f64>> = texts
        .par_iter()
        .map_init(|| unprejudiced.worker(), |worker, text| worker.classify(text))
        .filter_map(Result::ok)
        .map(|prediction| prediction.probabilities)
        .collect();
    PriorEstimate::of(&probabilities, &shares)
        .ok_or_else(|| Failure::input("there are no comments to estimate a prior from".to_owned()))
}
