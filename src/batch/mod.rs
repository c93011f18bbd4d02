//! The nightly job's core: a stream of reviews in, predictions and refusals out, in input order,
//! on all cores, in memory that does not grow with the input.
//!
//! A reader, some workers and a writer run at once. The reader cuts the stream into chunks and
//! queues, for the writer, the place where each chunk's result will appear: so results are
//! written in order although workers finish as they please, and the two bounded queues bound
//! what is in memory.

mod duplicates;
mod summary;
mod tones;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use thiserror::Error;

use crate::model::{ClassifyError, Prediction, RiskClassifier, Worker};
use crate::records::{
    InputError, PredictionRow, PredictionWriter, Refusal, RefusalReason, RefusalWriter, Review,
};

pub use duplicates::{DuplicateReport, DuplicatedId};
pub use summary::BatchSummary;
pub use tones::tones;

use duplicates::DuplicateFinder;

/// A chunk is closed at this many records, or …
const CHUNK_RECORDS: usize = 128;
/// … at this many bytes of comments.
const CHUNK_BYTES: usize = 1 << 18;
/// How many chunks may be under way for each worker.
const CHUNKS_PER_WORKER: usize = 4;

/// A review and the input it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcedReview {
    /// The input: a path, or `-`.
    pub input: std::sync::Arc<str>,
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

/// A record on its way from the reader to a worker, and from a worker to the writer.
enum Outcome {
    Classified(SourcedReview, Prediction),
    Refused(Refusal),
}

/// Records for a worker, and where to put what becomes of them.
struct Job {
    records: Vec<Result<SourcedReview, Refusal>>,
    outcomes: Sender<Vec<Outcome>>,
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

    let read = thread::scope(|scope| {
        let capacity = threads.get() * CHUNKS_PER_WORKER;
        let (jobs, jobs_to_do) = bounded::<Job>(capacity);
        let (places, results) = bounded::<Receiver<Vec<Outcome>>>(capacity);
        let reader = scope.spawn(move || read_chunks(source, &jobs, &places));
        for _ in 0..threads.get() {
            let jobs = jobs_to_do.clone();
            let mut worker = classifier.worker();
            scope.spawn(move || {
                for Job { records, outcomes } in jobs {
                    let done = records.into_iter().map(|record| classify(&mut worker, record));
                    // The writer has given up if nobody waits for them.
                    let _ = outcomes.send(done.collect());
                }
            });
        }
        drop(jobs_to_do);
        for outcomes in results {
            // A worker that went away without an answer has panicked; the scope passes that on.
            for outcome in outcomes.recv().unwrap_or_default() {
                match outcome {
                    Outcome::Classified(SourcedReview { input, review }, prediction) => {
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
                    Outcome::Refused(refusal) => {
                        rejects.write(&refusal).map_err(BatchError::Rejects)?;
                        summary.refuse(refusal.reason.code());
                    }
                }
            }
            written(predictions.written() + rejects.written());
        }
        match reader.join() {
            Ok(read) => read.map_err(BatchError::Input),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })?;

    let (classified, refused) = (predictions.written(), rejects.written());
    if read != classified + refused {
        return Err(BatchError::Unbalanced { read, classified, refused });
    }
    summary.finish(read, duplicates.report(), start.elapsed());
    Ok(summary)
}

/// Reads to the end, or until nobody wants more, and gives the number of records read.
fn read_chunks(
    source: impl Iterator<Item = SourceItem>,
    jobs: &Sender<Job>,
    places: &Sender<Receiver<Vec<Outcome>>>,
) -> Result<u64, InputError> {
    let mut read = 0;
    let mut chunk = Vec::new();
    let mut bytes = 0;
    let send = |records| {
        let (outcomes, place) = bounded(1);
        places.send(place).is_ok() && jobs.send(Job { records, outcomes }).is_ok()
    };
    for record in source {
        let record = record?;
        read += 1;
        bytes += record.as_ref().map_or(0, |sourced| sourced.review.text.len());
        chunk.push(record);
        if chunk.len() == CHUNK_RECORDS || bytes >= CHUNK_BYTES {
            bytes = 0;
            if !send(std::mem::take(&mut chunk)) {
                return Ok(read);
            }
        }
    }
    if !chunk.is_empty() {
        send(chunk);
    }
    Ok(read)
}

fn classify(worker: &mut Worker, record: Result<SourcedReview, Refusal>) -> Outcome {
    let sourced = match record {
        Ok(sourced) => sourced,
        Err(refusal) => return Outcome::Refused(refusal),
    };
    match worker.classify(&sourced.review.text) {
        Ok(prediction) => Outcome::Classified(sourced, prediction),
        Err(error) => Outcome::Refused(Refusal {
            input: sourced.input,
            line: sourced.review.line,
            id: Some(sourced.review.id),
            reason: match error {
                ClassifyError::Empty => RefusalReason::EmptyComment,
                ClassifyError::TooLong { chars, limit } => {
                    RefusalReason::CommentTooLong { chars, limit }
                }
            },
        }),
    }
}
