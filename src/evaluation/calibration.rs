//! Whether probabilities mean what they say.

use serde::{Deserialize, Serialize};

use super::metrics::Scored;

/// Whether probabilities mean what they say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The expected calibration error (Naeini et al., 2015): the mean over bins of
    /// |accuracy − confidence|, weighted by their predictions. 0 is best.
    pub expected_error: f64,
    /// The Brier score (1950): the mean over comments of Σₖ (pₖ − yₖ)², from 0 (best) to 2.
    pub brier: f64,
    /// Predictions by their confidence, in bins of equal width from 0 to 1.
    pub bins: Vec<ConfidenceBin>,
}

/// The predictions whose confidence lies in one bin.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ConfidenceBin {
    /// How many they are.
    pub rows: u64,
    /// The mean of their confidence.
    pub confidence: f64,
    /// The share of them whose most likely class is the true one.
    pub accuracy: f64,
}

impl Calibration {
    /// How many bins there are: what is usual since Guo et al. (2017).
    pub const BINS: usize = 15;

    /// The calibration of some predictions. The confidence of a prediction is its highest
    /// probability, whatever was decided.
    pub fn of<'a>(scored: impl IntoIterator<Item = &'a Scored>) -> Self {
        let mut bins = vec![ConfidenceBin::default(); Self::BINS];
        let (mut rows, mut squares) = (0_u64, 0.0);
        for one in scored {
            let mut likely = 0;
            for (class, &probability) in one.probabilities.iter().enumerate() {
                if probability > one.probabilities[likely] {
                    likely = class;
                }
                let truth = f64::from(u8::from(class == one.truth));
                squares += (probability - truth).powi(2);
            }
            let confidence = one.probabilities[likely];
            // The bins are (0, 1/15], (1/15, 2/15] …
            let bin = (confidence * Self::BINS as f64).ceil() as usize;
            let bin = &mut bins[bin.clamp(1, Self::BINS) - 1];
            bin.rows += 1;
            bin.confidence += confidence;
            bin.accuracy += f64::from(u8::from(likely == one.truth));
            rows += 1;
        }
        let mut error = 0.0;
        for bin in bins.iter_mut().filter(|bin| bin.rows > 0) {
            error += (bin.accuracy - bin.confidence).abs();
            bin.confidence /= bin.rows as f64;
            bin.accuracy /= bin.rows as f64;
        }
        let rows = (rows as f64).max(1.0);
        Self { expected_error: error / rows, brier: squares / rows, bins }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(truth: usize, probabilities: [f64; 2]) -> Scored {
        Scored { truth, predicted: 0, probabilities: probabilities.to_vec() }
    }

    #[test]
    fn calibration_follows_its_definitions() {
        // Two predictions at 0.8, of which one is right; one at 0.6, which is right.
        let calibration =
            Calibration::of(&[scored(0, [0.8, 0.2]), scored(1, [0.8, 0.2]), scored(1, [0.4, 0.6])]);
        assert!((calibration.expected_error - (2.0 * 0.3 + 0.4) / 3.0).abs() < 1e-12);
        assert!((calibration.brier - (0.08 + 1.28 + 0.32) / 3.0).abs() < 1e-12);
        let filled: Vec<_> = calibration.bins.iter().filter(|bin| bin.rows > 0).collect();
        assert_eq!((filled[0].rows, filled[1].rows, filled[1].accuracy), (1, 2, 0.5));
    }

    #[test]
    fn nothing_has_no_error() {
        let calibration = Calibration::of([]);
        assert_eq!((calibration.expected_error, calibration.brier), (0.0, 0.0));
    }

    #[test]
    fn certainty_is_in_the_last_bin() {
        let calibration = Calibration::of(&[scored(0, [1.0, 0.0])]);
        assert_eq!(calibration.bins[Calibration::BINS - 1].rows, 1);
    }
}
