//! How scores become decisions, as it stands on the command line.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;

use super::by_label::ByLabel;
use super::failure::Failure;
use crate::model::{DecisionPolicy, LabelSet, RiskClassifier, default_costs};

/// Ways to decide that differ from those kept with the model.
#[derive(Debug, Default, Args)]
pub(super) struct DecisionOptions {
    /// The share of each label where the model is used, such as
    /// `normal=0.80,watch=0.13,risky=0.07`: probabilities are corrected by Bayes' rule
    /// [default: the model's]
    #[arg(long, value_name = "SHARES", help_heading = "Decisions")]
    pub(super) prior: Option<PriorOption>,
    /// A TOML file of what wrong decisions cost (see data/costs.toml), or `default`: the label of
    /// the least expected cost is decided [default: the model's]
    #[arg(long, value_name = "FILE", help_heading = "Decisions")]
    costs: Option<PathBuf>,
    /// Where no label is as probable as this, the comment is for a human [default: the model's]
    #[arg(long, value_name = "PROBABILITY", help_heading = "Decisions")]
    human_below: Option<f64>,
}

/// A share for each label, or `estimate`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum PriorOption {
    /// As given.
    Given(ByLabel),
    /// From the comments themselves.
    Estimate,
}

impl FromStr for PriorOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "estimate" => Ok(Self::Estimate),
            _ => text.parse().map(Self::Given),
        }
    }
}

impl DecisionOptions {
    /// `policy` with what was given in the place of what it says. A prior that is to be estimated
    /// is left to the caller.
    pub(super) fn over(
        &self,
        policy: &DecisionPolicy,
        labels: &LabelSet,
    ) -> Result<DecisionPolicy, Failure> {
        let mut policy = policy.clone();
        if let Some(PriorOption::Given(shares)) = &self.prior {
            let mut shares = shares.in_order(labels, "--prior")?;
            let sum: f64 = shares.iter().sum();
            // Shares are often given to two digits.
            if (sum - 1.0).abs() <= 0.02 {
                shares.iter_mut().for_each(|share| *share /= sum);
            }
            policy.prior = Some(shares);
        }
        if let Some(path) = &self.costs {
            policy.costs = Some(read_costs(path, labels)?);
        }
        policy.human_below = self.human_below.or(policy.human_below);
        policy.check(labels.len()).map_err(|error| Failure::usage(error.to_string()))?;
        Ok(policy)
    }

    /// The classifier with these ways to decide, for a command that cannot estimate a prior.
    pub(super) fn apply(&self, classifier: RiskClassifier) -> Result<RiskClassifier, Failure> {
        if self.prior == Some(PriorOption::Estimate) {
            return Err(Failure::usage(
                "this command cannot estimate a prior: `postloan estimate-prior` prints one to \
                 give here",
            ));
        }
        let policy = self.over(classifier.policy(), classifier.labels())?;
        classifier.with_policy(policy).map_err(|error| Failure::usage(error.to_string()))
    }
}

/// Reads a cost file: a table for each label that may be right, with what each other label costs
/// in its place.
fn read_costs(path: &Path, labels: &LabelSet) -> Result<Vec<Vec<f64>>, Failure> {
    if path == Path::new("default") {
        return default_costs(labels).ok_or_else(|| {
            Failure::usage(
                "there are no default costs for labels without severity: give a file of costs",
            )
        });
    }
    let refuse = |reason: String| Failure::usage(format!("`{}`: {reason}", path.display()));
    let source = fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
    let tables: BTreeMap<String, BTreeMap<String, f64>> =
        toml::from_str(&source).map_err(|error| refuse(error.to_string()))?;
    for label in tables.keys().chain(tables.values().flat_map(|costs| costs.keys())) {
        labels.class_of(label).map_err(|error| refuse(error.to_string()))?;
    }
    let cost = |right: &str, decided: &str| match tables.get(right).and_then(|t| t.get(decided)) {
        Some(cost) => Ok(*cost),
        None if right == decided => Ok(0.0),
        None => Err(refuse(format!(
            "it does not say what `{decided}` costs where `{right}` is right: expected `{decided} \
             = NUMBER` in table [{right}]"
        ))),
    };
    labels
        .iter()
        .map(|right| labels.iter().map(|decided| cost(&right.id, &decided.id)).collect())
        .collect()
}
