//! The nightly job's core: a stream of reviews in, predictions and refusals out, in input order,
//! on all cores, in memory that does not grow with the input.

mod duplicates;
mod pipeline;
mod summary;
mod tones;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use thiserror::Error;

use crate::model::{ClassifyError, Prediction, RiskClassifier};
use crate::records::{
    InputError, PredictionRow, PredictionWriter, Refusal, RefusalReason, RefusalWriter, Review,
};

pub use duplicates::{DuplicateReport, DuplicatedId};
pub use pipeline::{
    Classified, PipelineError, PipelineSettings, PipelineSummary, Verdict, VerdictReason, classify,
    classify_in_order,
};
pub(crate) use summary::Counts;
pub use summary::{BatchSummary, LabelCount};
pub use tones::tones;

use duplicates::DuplicateFinder;

/// How many chunks may be under way for each worker.
const CHUNKS_PER_WORKER: usize = 4;

/// A review and the input it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcedReview {
    /// The input: a path, or `-`.
    pub input: Arc<str>,
    /// The review. Its optional fields are those to be kept in the output.
    pub review: Review,
}

/// What a stream of records gives: a review, or a refusal; or an error that ends it.
pub type SourceItem = Result<Result<SourcedReview, Refusal>, InputError>;

/// Why a batch was given up. Nothing of its output is to be used.
#[derive(Debug, Error)]
pub enum BatchError {
    /// The input cannot be read on.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The predictions cannot be written.
    #[error("cannot write the predictions")]
    Output(#[source] io::Error),
    /// The refusals cannot be written.
    #[error("cannot write the rejects")]
    Rejects(#[source] io::Error),
    /// The counts do not add up: a defect of this program, found before any harm was done.
    #[error(
        "the counts do not add up: {read} records read, {classified} predictions and {refused} \
         rejects written"
    )]
    Unbalanced {
        /// Records read.
        read: u64,
        /// Predictions written.
        classified: u64,
        /// Refusals written.
        refused: u64,
    },
}

/// Classifies all records of `source` on `threads` threads and writes, in their order, the
/// predictions to `predictions` and the refusals to `rejects`.
///
/// `written` is called with the number of records written so far, now and then.
///
/// # Errors
///
/// The input ends in an error, an output cannot be written, or the counts do not add up.
pub fn classify_stream<P: Write + Send, R: Write + Send>(
    classifier: &RiskClassifier,
    source: impl Iterator<Item = SourceItem> + Send,
    predictions: &mut PredictionWriter<P>,
    rejects: &mut RefusalWriter<R>,
    threads: NonZeroUsize,
    mut written: impl FnMut(u64),
) -> Result<BatchSummary, BatchError> {
    let start = Instant::now();
    let mut summary = BatchSummary::new(classifier);
    let mut duplicates = DuplicateFinder::default();
    let model = classifier.id().to_string();

    let settings = PipelineSettings { threads, chunks_per_worker: CHUNKS_PER_WORKER, reasons: 0 };
    let read = classify_in_order(classifier, source, settings, comment, |chunk| {
        for (record, verdict) in chunk {
            match outcome(record, verdict) {
                Ok((SourcedReview { input, review }, prediction)) => {
                    duplicates.see(&review.id, &input, review.line);
                    let label = classifier.labels().get(prediction.class);
                    predictions
                        .write(&PredictionRow {
                            id: &review.id,
                            label: &label.id,
                            confidence: prediction.confidence(),
                            probabilities: &prediction.probabilities,
                            model: &model,
                            most_likely: &classifier.labels().get(prediction.most_likely).id,
                            needs_human: prediction.needs_human,
                            kept: &review.optional,
                        })
                        .map_err(BatchError::Output)?;
                    summary.count(prediction.class);
                }
                Err(refusal) => {
                    rejects.write(&refusal).map_err(BatchError::Rejects)?;
                    summary.refuse(refusal.reason.code());
                }
            }
        }
        written(predictions.written() + rejects.written());
        Ok(())
    });
    let read = match read {
        Ok(PipelineSummary { read, .. }) => read,
        Err(PipelineError::Source(error)) => return Err(error.into()),
        Err(PipelineError::Sink(error)) => return Err(error),
    };

    let (classified, refused) = (predictions.written(), rejects.written());
    if read != classified + refused {
        return Err(BatchError::Unbalanced { read, classified, refused });
    }
    summary.finish(read, duplicates.report(), start.elapsed());
    Ok(summary)
}

/// A record as it is read.
type Record = Result<SourcedReview, Refusal>;

fn comment(record: &Record) -> Option<&str> {
    record.as_ref().ok().map(|sourced| sourced.review.text.as_str())
}

/// What became of a record: a prediction or a refusal.
fn outcome(
    record: Record,
    verdict: Option<Result<Verdict, ClassifyError>>,
) -> Result<(SourcedReview, Prediction), Refusal> {
    let sourced = record?;
    let refusal = |reason| Refusal {
        input: Arc::clone(&sourced.input),
        line: sourced.review.line,
        id: Some(sourced.review.id.clone()),
        reason,
    };
    match verdict {
        Some(Ok(verdict)) => Ok((sourced, verdict.prediction)),
        Some(Err(error)) => Err(refusal(refusal_reason(error))),
        // A review has a text.
        None => Err(refusal(RefusalReason::EmptyComment)),
    }
}

/// Why a comment that cannot be classified is refused.
#[must_use]
pub fn refusal_reason(error: ClassifyError) -> RefusalReason {
    match error {
        ClassifyError::Empty => RefusalReason::EmptyComment,
        ClassifyError::TooLong { chars, limit } => RefusalReason::CommentTooLong { chars, limit },
    }
}
