//! The model that answers, with a pool of workers of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crossbeam_queue::ArrayQueue;
use jiff::Timestamp;

use super::contract::v1;
use super::contract::v1::review_error::Reason;
use super::metrics::{Metrics, ModelMetrics};
use super::predictions::{self, ReviewFailure};
use crate::model::{ClassIndex, Prediction, RiskClassifier, Worker};

/// How many idle workers are kept; there are never more busy ones than threads.
const IDLE_WORKERS: usize = 256;

/// A model that answers calls.
///
/// Its workers belong to it, so that a model that was replaced leaves nothing behind once its
/// last call has ended.
#[derive(Debug)]
pub(super) struct ModelInUse {
    classifier: RiskClassifier,
    workers: ArrayQueue<Box<Worker>>,
    since: Timestamp,
    metrics: ModelMetrics,
}

impl ModelInUse {
    pub(super) fn new(classifier: RiskClassifier, metrics: &Metrics) -> Self {
        let metrics = metrics.of_model(&classifier);
        let workers = ArrayQueue::new(IDLE_WORKERS);
        Self { classifier, workers, since: Timestamp::now(), metrics }
    }

    pub(super) fn classifier(&self) -> &RiskClassifier {
        &self.classifier
    }

    pub(super) fn since(&self) -> Timestamp {
        self.since
    }

    /// Classifies a review, with an explanation if that is asked for.
    pub(super) fn classify(
        &self,
        review: &v1::Review,
        explain_top_k: u32,
        max_text_chars: usize,
    ) -> Result<v1::Prediction, ReviewFailure> {
        let text = text_of(&review.text, max_text_chars)?;
        if explain_top_k == 0 {
            return Ok(predictions::prediction(&self.classifier, &self.decide(text)?));
        }
        let explained = self.with_worker(|worker| worker.explain(text))??;
        self.count(&explained.prediction);
        let mut prediction = predictions::prediction(&self.classifier, &explained.prediction);
        prediction.explanation = Some(predictions::explanation(&explained, text, explain_top_k));
        Ok(prediction)
    }

    /// Classifies a text.
    pub(super) fn decide(&self, text: &str) -> Result<Prediction, ReviewFailure> {
        let prediction = self.with_worker(|worker| worker.classify(text))??;
        self.count(&prediction);
        Ok(prediction)
    }

    fn count(&self, prediction: &Prediction) {
        let class: ClassIndex = prediction.class;
        self.metrics.predicted(class, prediction.confidence());
    }

    /// A panic costs its own review and worker, nothing else.
    fn with_worker<T>(&self, work: impl FnOnce(&mut Worker) -> T) -> Result<T, ReviewFailure> {
        let mut worker = self.workers.pop().unwrap_or_else(|| Box::new(self.classifier.worker()));
        let done = catch_unwind(AssertUnwindSafe(|| work(&mut worker)));
        let done = done.map_err(|_| {
            ReviewFailure::new(Reason::Internal, "the server failed on this review")
        })?;
        // A full pool has enough of them.
        let _ = self.workers.push(worker);
        Ok(done)
    }
}

/// The text of a review, if it is one and within the limit.
pub(super) fn text_of(bytes: &[u8], max_chars: usize) -> Result<&str, ReviewFailure> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let byte = error.valid_up_to() + 1;
        let message = format!("the text is not valid UTF-8 (byte {byte} of it is wrong)");
        ReviewFailure::new(Reason::InvalidUtf8, message)
    })?;
    // A character has at least one byte: most comments need no counting.
    if text.len() > max_chars {
        let chars = text.chars().count();
        if chars > max_chars {
            let message = format!("the comment has {chars} characters; the limit is {max_chars}");
            return Err(ReviewFailure::new(Reason::TextTooLong, message));
        }
    }
    Ok(text)
}
