//! Predictions, reasons and refusals in the contract's words.

use std::ops::Range;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::contract::v1;
use crate::model::{
    ClassifyError, Explanation, LabelSet, Manifest, Phrase, Phrases, Prediction, Reason,
    RiskClassifier,
};

/// The domain of this service's error reasons, for `google.rpc.ErrorInfo`.
pub(super) const ERROR_DOMAIN: &str = "postloan.v1";

/// Why a review was not classified. There is no word of the comment in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReviewFailure {
    pub(super) reason: v1::review_error::Reason,
    pub(super) message: String,
}

impl ReviewFailure {
    pub(super) fn new(reason: v1::review_error::Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    pub(super) fn code(&self) -> Code {
        match self.reason {
            v1::review_error::Reason::Internal => Code::Internal,
            _ => Code::InvalidArgument,
        }
    }

    /// As the end of a call.
    pub(super) fn into_status(self) -> Status {
        invalid(self.code(), self.reason.as_str_name(), self.message)
    }

    /// As the result of one review among others.
    pub(super) fn into_error(self) -> v1::ReviewError {
        v1::ReviewError {
            code: self.code().into(),
            reason: self.reason.into(),
            message: self.message,
        }
    }
}

impl From<ClassifyError> for ReviewFailure {
    fn from(error: ClassifyError) -> Self {
        let reason = match error {
            ClassifyError::Empty => v1::review_error::Reason::EmptyText,
            ClassifyError::TooLong { .. } => v1::review_error::Reason::TextTooLong,
        };
        Self::new(reason, error.to_string())
    }
}

/// A status with a reason for machines.
pub(super) fn invalid(code: Code, reason: &str, message: impl Into<String>) -> Status {
    let details = ErrorDetails::with_error_info(reason, ERROR_DOMAIN, []);
    Status::with_error_details(code, message, details)
}

/// A prediction in the contract's words.
pub(super) fn prediction(classifier: &RiskClassifier, prediction: &Prediction) -> v1::Prediction {
    let labels = classifier.labels();
    let label = labels.get(prediction.class);
    let probabilities = labels.iter().zip(&prediction.probabilities);
    v1::Prediction {
        label: label.id.clone(),
        display_name: label.name.clone(),
        severity: label.severity,
        confidence: prediction.confidence(),
        probabilities: probabilities
            .map(|(label, &probability)| v1::LabelProbability {
                label: label.id.clone(),
                probability,
            })
            .collect(),
        most_likely_label: labels.get(prediction.most_likely).id.clone(),
        needs_human: prediction.needs_human,
        explanation: None,
        model: Some(model_version(classifier)),
    }
}

/// The model's name and version.
pub(super) fn model_version(classifier: &RiskClassifier) -> v1::ModelVersion {
    let id = classifier.id();
    v1::ModelVersion { name: id.name.clone(), version: id.version }
}

/// The labels of a model.
pub(super) fn labels(labels: &LabelSet) -> Vec<v1::Label> {
    let label = |label: &crate::model::Label| v1::Label {
        id: label.id.clone(),
        display_name: label.name.clone(),
        severity: label.severity,
    };
    labels.iter().map(label).collect()
}

/// What a model was trained on, and how it scored.
pub(super) fn training(manifest: &Manifest) -> v1::Training {
    let metric = |name: &str| manifest.metrics.get("metrics")?.get(name)?.as_f64();
    v1::Training {
        reviews: manifest.data.rows as u64,
        reviews_by_label: manifest.data.rows_by_label.iter().map(|&rows| rows as u64).collect(),
        files: manifest
            .data
            .files
            .iter()
            .map(|file| v1::TrainingFile {
                name: file.name.clone(),
                sha256: file.digest.sha256.clone(),
                bytes: file.digest.bytes,
            })
            .collect(),
        software: manifest.software.clone(),
        accuracy: metric("accuracy"),
        macro_f1: metric("macro_f1"),
        log_loss: metric("log_loss"),
        // A manifest that was read can be written.
        manifest_json: serde_json::to_string(manifest).unwrap_or_default(),
    }
}

/// The strongest `top_k` reasons and phrases of an explanation of `text`.
pub(super) fn explanation(explanation: &Explanation, text: &str, top_k: u32) -> v1::Explanation {
    let positions = CharPositions::of(text);
    let supporting = explanation.supporting(top_k as usize);
    let phrases = Phrases::of(text, &explanation.reasons);
    let phrase = |phrase: &Phrase| v1::Phrase {
        words: phrase.words(text).to_owned(),
        contribution: phrase.contribution,
        range: Some(positions.range(&phrase.range)),
    };
    v1::Explanation {
        reasons: supporting.iter().map(|found| reason(found, text, &positions)).collect(),
        score: explanation.score,
        intercept: explanation.intercept,
        phrases: phrases.supporting(top_k as usize).iter().map(phrase).collect(),
    }
}

fn reason(reason: &Reason, text: &str, positions: &CharPositions) -> v1::Reason {
    v1::Reason {
        term: reason.term.clone(),
        words: reason.words(text).to_owned(),
        contribution: reason.contribution,
        ranges: reason.ranges.iter().map(|range| positions.range(range)).collect(),
    }
}

/// For every byte of a text, how many characters begin before it.
struct CharPositions(Vec<u32>);

impl CharPositions {
    fn of(text: &str) -> Self {
        let mut before = 0;
        let mut positions = Vec::with_capacity(text.len() + 1);
        for character in text.chars() {
            positions.extend(std::iter::repeat_n(before, character.len_utf8()));
            before += 1;
        }
        positions.push(before);
        Self(positions)
    }

    fn at(&self, byte: usize) -> u32 {
        self.0.get(byte).copied().unwrap_or_default()
    }

    fn range(&self, range: &Range<usize>) -> v1::TextRange {
        v1::TextRange {
            start_byte: offset(range.start),
            end_byte: offset(range.end),
            start_char: self.at(range.start),
            end_char: self.at(range.end),
        }
    }
}

/// A comment is far shorter than 4 GiB.
fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_code_points_whatever_their_length_in_bytes() {
        let positions = CharPositions::of("a逾𠮷b");
        let starts = [0, 1, 4, 8, 9].map(|byte| positions.at(byte));
        assert_eq!(starts, [0, 1, 2, 3, 4]);
    }
}
