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
    /// Matrix scaling (Guo et al., 2017).
    Matrix(MatrixScaling),
    /// Isotonic regression of each class against the rest (Zadrozny and Elkan, 2002), a curve
    /// for each class over its softmax; what comes of it is divided by its sum.
    Isotonic(Vec<IsotonicCurve>),
}

/// A linear map of the logarithms of the softmax; the softmax of what comes of it is taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatrixScaling {
    /// What the logarithm for each class (rows) adds to each class (columns).
    pub weights: Vec<Vec<f64>>,
    /// What is added to each class.
    pub intercept: Vec<f64>,
}

/// A non-decreasing function from 0 … 1 to 0 … 1: straight between its points, level beyond
/// them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IsotonicCurve {
    /// Where the points stand, in ascending order.
    pub inputs: Vec<f64>,
    /// The value at each point, in ascending order.
    pub outputs: Vec<f64>,
}

impl IsotonicCurve {
    /// The value at `input`.
    #[must_use]
    pub fn at(&self, input: f64) -> f64 {
        let right = self.inputs.partition_point(|&point| point < input);
        let Some(left) = right.checked_sub(1) else {
            return self.outputs.first().copied().unwrap_or(0.0);
        };
        let (Some(&x1), Some(&y1)) = (self.inputs.get(right), self.outputs.get(right)) else {
            return self.outputs.last().copied().unwrap_or(0.0);
        };
        let (x0, y0) = (self.inputs[left], self.outputs[left]);
        y0 + (y1 - y0) * (input - x0) / (x1 - x0)
    }

    fn is_valid(&self) -> bool {
        let ascending = |numbers: &[f64]| numbers.is_sorted_by(|a, b| a <= b);
        let within = |numbers: &[f64]| numbers.iter().all(|n| (0.0..=1.0).contains(n));
        !self.inputs.is_empty()
            && self.inputs.len() == self.outputs.len()
            && within(&self.inputs)
            && within(&self.outputs)
            && self.inputs.is_sorted_by(|a, b| a < b)
            && ascending(&self.outputs)
    }
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
            Self::Matrix(MatrixScaling { weights, intercept }) => {
                log_softmax_in_place(scores);
                let mut mapped = intercept.clone();
                for (score, row) in scores.iter().zip(weights) {
                    mapped.iter_mut().zip(row).for_each(|(sum, weight)| *sum += weight * score);
                }
                softmax_in_place(&mut mapped);
                scores.copy_from_slice(&mapped);
            }
            Self::Isotonic(curves) => {
                softmax_in_place(scores);
                let values = || scores.iter().zip(curves).map(|(&score, curve)| curve.at(score));
                let sum: f64 = values().sum();
                // All curves may be at 0: then the softmax is all that is known.
                if sum > 0.0 {
                    for (score, curve) in scores.iter_mut().zip(curves) {
                        *score = curve.at(*score) / sum;
                    }
                }
            }
        }
    }

    /// Whether it is one for so many labels, with numbers in their range.
    #[must_use]
    pub fn fits(&self, labels: usize) -> bool {
        let numbers =
            |numbers: &[f64]| numbers.len() == labels && numbers.iter().all(|n| n.is_finite());
        match self {
            Self::Softmax => true,
            Self::Temperature(temperature) => temperature.is_finite() && *temperature > 0.0,
            Self::Matrix(MatrixScaling { weights, intercept }) => {
                weights.len() == labels
                    && weights.iter().all(|row| numbers(row))
                    && numbers(intercept)
            }
            Self::Isotonic(curves) => {
                curves.len() == labels && curves.iter().all(IsotonicCurve::is_valid)
            }
        }
    }
}

/// Turns scores into the logarithms of their softmax.
pub(crate) fn log_softmax_in_place(scores: &mut [f64]) {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = scores.iter().map(|score| (score - highest).exp()).sum();
    let log_sum = highest + sum.ln();
    scores.iter_mut().for_each(|score| *score -= log_sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probabilities(calibrator: &Calibrator, scores: [f64; 2]) -> Vec<f64> {
        let mut scores = scores.to_vec();
        calibrator.probabilities(&mut scores);
        scores
    }

    #[test]
    fn the_identity_matrix_is_the_softmax_whatever_is_added_to_all_scores() {
        let identity = Calibrator::Matrix(MatrixScaling {
            weights: vec![vec![1.0, 0.0], vec![0.0, 1.0]],
            intercept: vec![0.0, 0.0],
        });
        let plain = probabilities(&Calibrator::Softmax, [1.0, -0.5]);
        for scores in [[1.0, -0.5], [101.0, 99.5]] {
            let mapped = probabilities(&identity, scores);
            assert!((mapped[0] - plain[0]).abs() < 1e-12, "{mapped:?}");
        }
    }

    #[test]
    fn a_curve_is_straight_between_its_points_and_level_beyond() {
        let curve = IsotonicCurve { inputs: vec![0.2, 0.6], outputs: vec![0.1, 0.5] };
        for (input, output) in [(0.0, 0.1), (0.2, 0.1), (0.4, 0.3), (0.6, 0.5), (1.0, 0.5)] {
            assert!((curve.at(input) - output).abs() < 1e-12, "{input}");
        }
        let level = IsotonicCurve { inputs: vec![0.0], outputs: vec![0.3] };
        let both = Calibrator::Isotonic(vec![level.clone(), curve]);
        let found = probabilities(&both, [0.0, 0.0]);
        assert!((found[0] - 0.3 / 0.7).abs() < 1e-12, "{found:?}");
        assert!(both.fits(2) && !both.fits(3));
        let zero = IsotonicCurve { inputs: vec![0.0], outputs: vec![0.0] };
        let nothing = Calibrator::Isotonic(vec![zero.clone(), zero]);
        assert_eq!(probabilities(&nothing, [0.0, 0.0]), [0.5, 0.5]);
    }

    #[test]
    fn what_is_no_calibrator_does_not_fit() {
        assert!(!Calibrator::Temperature(0.0).fits(2));
        let falling = IsotonicCurve { inputs: vec![0.1, 0.2], outputs: vec![0.5, 0.4] };
        assert!(!Calibrator::Isotonic(vec![falling.clone(), falling]).fits(2));
        let short = MatrixScaling { weights: vec![vec![1.0, 0.0]], intercept: vec![0.0, 0.0] };
        assert!(!Calibrator::Matrix(short).fits(2));
    }
}
