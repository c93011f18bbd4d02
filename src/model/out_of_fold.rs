//! What a model's likes said of its training data out of fold: labels and probabilities, no text
//! and no id.

use std::fmt::Write as _;

use super::label::{ClassIndex, LabelSet};

/// Out-of-fold predictions: each row's label, and the probability of each class by a model that
/// was trained without the row's fold, before calibration and prior: [`scores`](Self::scores) go
/// through the calibrator of a [`DecisionPolicy`](super::DecisionPolicy) once, as those of a new
/// comment do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutOfFold {
    /// The class of each row.
    pub classes: Vec<ClassIndex>,
    /// The probabilities of each row.
    pub probabilities: Vec<Vec<f64>>,
}

/// Below this a probability is written as this.
const LEAST: f64 = 1e-9;

impl OutOfFold {
    /// The score of each class for each row, up to a constant: the logarithms of the
    /// probabilities.
    pub fn scores(&self) -> impl ExactSizeIterator<Item = (ClassIndex, Vec<f64>)> {
        let rows = self.classes.iter().zip(&self.probabilities);
        rows.map(|(&class, row)| (class, row.iter().map(|p| p.max(LEAST).ln()).collect()))
    }

    /// As CSV: a header of `label` and the labels, then each row's label and probabilities.
    #[must_use]
    pub(super) fn to_csv(&self, labels: &LabelSet) -> Vec<u8> {
        let mut csv = "label".to_owned();
        for label in labels.iter() {
            csv.push(',');
            csv.push_str(&label.id);
        }
        csv.push('\n');
        for (&class, row) in self.classes.iter().zip(&self.probabilities) {
            csv.push_str(&labels.get(class).id);
            for probability in row {
                // Writing to a string cannot fail.
                let _ = write!(csv, ",{:.9}", probability.max(LEAST));
            }
            csv.push('\n');
        }
        csv.into_bytes()
    }

    pub(super) fn parse(csv: &str, labels: &LabelSet) -> Result<Self, String> {
        let mut parsed = Self::default();
        for (line, row) in csv.lines().enumerate().skip(1) {
            let mut cells = row.split(',');
            let class = cells.next().and_then(|label| labels.class_of(label).ok());
            let probabilities: Option<Vec<f64>> =
                cells.map(|cell| cell.parse().ok().filter(|p| (0.0..=1.0).contains(p))).collect();
            match (class, probabilities) {
                (Some(class), Some(row)) if row.len() == labels.len() => {
                    parsed.classes.push(class);
                    parsed.probabilities.push(row);
                }
                _ => {
                    return Err(format!(
                        "line {}: expected a label and {} probabilities",
                        line + 1,
                        labels.len()
                    ));
                }
            }
        }
        Ok(parsed)
    }
}
