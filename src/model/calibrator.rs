//! From scores to probabilities that mean what they say.

use serde::{Deserialize, Serialize};

use super::linear::softmax_in_place;

/// How scores become probabilities. It is fitted on scores that are out of fold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calibrator {
    /// The softmax of the scores.
    #[default]
    Softmax,
    /// The softmax of the scores divided by a temperature above 0 (Guo et al., 2017).
    Temperature(f64),
}

impl Calibrator {
    /// Turns scores into probabilities that sum to 1.
    pub fn probabilities(&self, scores: &mut [f64]) {
        match self {
            Self::Softmax => softmax_in_place(scores),
            Self::Temperature(temperature) => {
                scores.iter_mut().for_each(|score| *score /= temperature);
                softmax_in_place(scores);
            }
        }
    }
}
