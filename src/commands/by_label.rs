//! A number for each label, as it stands on the command line.

use std::str::FromStr;

use super::failure::Failure;
use crate::model::LabelSet;
use crate::training::ClassWeights;

/// A number for each label by name, such as `normal=0.8,watch=0.13,risky=0.07`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ByLabel(Vec<(String, f64)>);

impl FromStr for ByLabel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let entry = |part: &str| {
            let (label, number) = part.split_once('=')?;
            let number: f64 = number.trim().parse().ok()?;
            (number.is_finite() && number >= 0.0).then(|| (label.trim().to_owned(), number))
        };
        let entries = text.split(',').map(|part| {
            entry(part).ok_or_else(|| {
                format!("expected `label=number` with a number of 0 or more, found `{part}`")
            })
        });
        Ok(Self(entries.collect::<Result<_, String>>()?))
    }
}

impl ByLabel {
    /// The numbers in the order of `labels`, each of which must be named once.
    pub(super) fn in_order(&self, labels: &LabelSet, option: &str) -> Result<Vec<f64>, Failure> {
        let mut numbers = vec![None; labels.len()];
        for (label, number) in &self.0 {
            let class = labels
                .class_of(label)
                .map_err(|error| Failure::usage(format!("{option}: {error}")))?;
            if numbers[class].replace(*number).is_some() {
                return Err(Failure::usage(format!("{option} names `{label}` twice")));
            }
        }
        let number = |(class, number): (usize, Option<f64>)| {
            number.ok_or_else(|| {
                Failure::usage(format!("{option} says nothing of `{}`", labels.get(class).id))
            })
        };
        numbers.into_iter().enumerate().map(number).collect()
    }
}

/// `balanced`, or a weight for each label.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ClassWeightsOption {
    Balanced,
    Given(ByLabel),
}

impl FromStr for ClassWeightsOption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "balanced" => Ok(Self::Balanced),
            _ => text.parse().map(Self::Given),
        }
    }
}

impl ClassWeightsOption {
    pub(super) fn of(&self, labels: &LabelSet) -> Result<ClassWeights, Failure> {
        Ok(match self {
            Self::Balanced => ClassWeights::Balanced,
            Self::Given(weights) => {
                ClassWeights::Given(weights.in_order(labels, "--class-weights")?)
            }
        })
    }
}
