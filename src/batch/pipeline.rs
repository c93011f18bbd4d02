//! Classifying a stream of records on all cores, in their order.
//!
//! A reader, some workers and a writer run at once. The reader cuts the stream into chunks and
//! queues, for the writer, the place where each chunk's result will appear: so results are
//! written in order although workers finish as they please, and the two bounded queues bound
//! what is in memory.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::model::{ClassifyError, Prediction, RiskClassifier, Worker};

/// A chunk is closed at this many records, or …
const CHUNK_RECORDS: usize = 128;
/// … at this many bytes of comments.
const CHUNK_BYTES: usize = 1 << 18;

/// How a stream is classified.
#[derive(Debug, Clone, Copy)]
pub struct PipelineSettings {
    /// How many workers classify.
    pub threads: NonZeroUsize,
    /// How many chunks, of at most 128 records and 256 KiB, may be under way for each worker.
    pub chunks_per_worker: usize,
    /// How many reasons are wanted for each record. With none, it is only classified, which is
    /// faster.
    pub reasons: usize,
}

/// What the classifier says of a comment.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The prediction.
    pub prediction: Prediction,
    /// The strongest reasons for it.
    pub reasons: Vec<VerdictReason>,
}

/// A reason, for others to read.
#[derive(Debug, Clone, PartialEq)]
pub struct VerdictReason {
    /// The term in the model's vocabulary.
    pub term: String,
    /// What it added to the score.
    pub contribution: f64,
    /// The words of the comment.
    pub words: String,
}

/// What ends a stream before its end.
#[derive(Debug)]
pub enum PipelineError<S, W> {
    /// The source.
    Source(S),
    /// Whoever takes the results.
    Sink(W),
}

/// What a pipeline did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PipelineSummary {
    /// How many records were read.
    pub read: u64,
    /// How long the workers classified, together.
    pub classifying: Duration,
}

/// A record with what became of it: `None` if it has no text to be classified.
pub type Classified<T> = (T, Option<Result<Verdict, ClassifyError>>);

/// Records for a worker, and where to put what becomes of them.
struct Job<T> {
    records: Vec<T>,
    results: Sender<Vec<Classified<T>>>,
}

/// Classifies `text_of` each record of `source` and gives the records to `take`, in their order, a
/// chunk at a time.
///
/// # Errors
///
/// The first error of the source or of `take`, which ends the stream.
pub fn classify_in_order<T: Send, S: Send, W>(
    classifier: &RiskClassifier,
    source: impl Iterator<Item = Result<T, S>> + Send,
    settings: PipelineSettings,
    text_of: impl Fn(&T) -> Option<&str> + Sync,
    mut take: impl FnMut(Vec<Classified<T>>) -> Result<(), W>,
) -> Result<PipelineSummary, PipelineError<S, W>> {
    let classifying = AtomicU64::new(0);
    let read = thread::scope(|scope| {
        let capacity = settings.threads.get() * settings.chunks_per_worker;
        let (jobs, jobs_to_do) = bounded::<Job<T>>(capacity);
        let (places, results) = bounded::<Receiver<Vec<Classified<T>>>>(capacity);
        let text_of = &text_of;
        let reader = scope.spawn(move || read_chunks(source, text_of, &jobs, &places));
        for _ in 0..settings.threads.get() {
            let jobs = jobs_to_do.clone();
            let mut worker = classifier.worker();
            let classifying = &classifying;
            scope.spawn(move || {
                for Job { records, results } in jobs {
                    let start = Instant::now();
                    let classified = records
                        .into_iter()
                        .map(|record| {
                            let text = text_of(&record);
                            let verdict = text.map(|t| classify(&mut worker, t, settings.reasons));
                            (record, verdict)
                        })
                        .collect();
                    let nanoseconds = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
                    classifying.fetch_add(nanoseconds, Ordering::Relaxed);
                    // The writer has given up if nobody waits for them.
                    let _ = results.send(classified);
                }
            });
        }
        drop(jobs_to_do);
        for chunk in results {
            // A worker that went away without an answer has panicked; the scope passes that on.
            take(chunk.recv().unwrap_or_default()).map_err(PipelineError::Sink)?;
        }
        match reader.join() {
            Ok(read) => read.map_err(PipelineError::Source),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })?;
    let classifying = Duration::from_nanos(classifying.into_inner());
    Ok(PipelineSummary { read, classifying })
}

/// Reads to the end, or until nobody wants more, and gives the number of records read.
fn read_chunks<T, S>(
    source: impl Iterator<Item = Result<T, S>>,
    text_of: impl Fn(&T) -> Option<&str>,
    jobs: &Sender<Job<T>>,
    places: &Sender<Receiver<Vec<Classified<T>>>>,
) -> Result<u64, S> {
    let mut read = 0;
    let mut chunk = Vec::new();
    let mut bytes = 0;
    let send = |records| {
        let (results, place) = bounded(1);
        places.send(place).is_ok() && jobs.send(Job { records, results }).is_ok()
    };
    for record in source {
        let record = record?;
        read += 1;
        bytes += text_of(&record).map_or(0, str::len);
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

/// What `worker` says of `text`, with at most `reasons` reasons.
///
/// # Errors
///
/// A comment that cannot be classified.
pub fn classify(worker: &mut Worker, text: &str, reasons: usize) -> Result<Verdict, ClassifyError> {
    if reasons == 0 {
        return Ok(Verdict { prediction: worker.classify(text)?, reasons: Vec::new() });
    }
    let explanation = worker.explain(text)?;
    let reasons = explanation.supporting(reasons).iter().map(|reason| VerdictReason {
        term: reason.term.clone(),
        contribution: reason.contribution,
        words: reason.words(text).to_owned(),
    });
    Ok(Verdict { reasons: reasons.collect(), prediction: explanation.prediction })
}
