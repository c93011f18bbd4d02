//! Trying a model before it answers anybody.

use std::path::Path;

use super::bundle::ModelError;
use super::classifier::RiskClassifier;

/// A comment to try a model with before it answers anybody.
const TRIAL: &str = "经营正常，按时还款；但近三个月流水下降40%，且法人电话停机，已逾期35天。";
/// How often, so that its memory is where it will be needed.
const TRIALS: usize = 50;

/// Opens a model and tries it, before it is trusted with other people's comments.
///
/// # Errors
///
/// As [`RiskClassifier::open`], or a trial comment gets no probabilities.
pub fn load_and_try(folder: &Path) -> Result<RiskClassifier, ModelError> {
    let classifier = RiskClassifier::open(folder)?;
    let mut worker = classifier.worker();
    for _ in 0..TRIALS {
        let sum = worker.classify(TRIAL).map(|tried| tried.probabilities.iter().sum::<f64>());
        // NaN is not within any distance of 1.
        if !sum.is_ok_and(|sum| (sum - 1.0).abs() < 1e-9) {
            let reason = "a trial comment gets no probabilities that sum to 1".to_owned();
            return Err(ModelError::Invalid { path: folder.to_owned(), reason });
        }
    }
    Ok(classifier)
}
