//! The work of a night: reading, classifying and committing, page after page.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::calendar::now;
use super::connection::Connection;
use super::ending::Handover;
use super::error::NightlyError;
use super::event::{Event, Observer};
use super::job::Night;
use super::ledger::{self, Batch, Run, Times};
use super::lock::Owner;
use super::results::RowMaker;
use super::source::{SourceReader, SourceSettings};
use crate::batch::{PipelineError, PipelineSettings, classify_in_order};

/// How many chunks may be under way for each worker: enough to go on with while a batch is
/// committed.
const CHUNKS_PER_WORKER: usize = 48;

impl Night<'_> {
    /// Reads, classifies and commits what is left of `run`, and ends it.
    pub(super) fn work(&mut self, run: &Run, taken_over: bool) -> Result<Handover, NightlyError> {
        let start = Instant::now();
        let limits = &self.config.limits;
        let address = self.config.source_address()?;
        let query = self.config.query(&address)?;
        let connection = Connection::new(address, limits.attempts, Arc::clone(self.observer));
        let settings = SourceSettings {
            query,
            date: self.date.clone(),
            page: limits.page,
            id_field: self.config.source.id_field.clone(),
            text_field: self.config.source.text_field.clone(),
        };
        let mut source = SourceReader::new(connection, settings, run.progress.clone());
        let rows = source.count_rows().map_err(NightlyError::Source)?.rows;
        if rows > limits.comments {
            return Err(NightlyError::TooMany { found: rows, limit: limits.comments });
        }
        let done = run.progress.read;
        (self.observer)(Event::Started { run: run.id, rows, done, taken_over });

        let threads = self.config.threads.or_else(|| thread::available_parallelism().ok());
        let settings = PipelineSettings {
            threads: threads.unwrap_or(std::num::NonZeroUsize::MIN),
            chunks_per_worker: CHUNKS_PER_WORKER,
            reasons: if self.config.sink.with_reasons { self.config.sink.reasons } else { 0 },
        };
        let maker = RowMaker {
            run: run.id,
            date: &self.date,
            classifier: self.classifier,
            model: self.model.clone(),
        };
        let mut batch = Batch::default();
        let mut committer = Committer {
            sink: &mut self.sink,
            observer: self.observer,
            job: &self.config.job,
            owner: &self.owner,
            run,
            start,
        };
        let piped = classify_in_order(
            self.classifier,
            &mut source,
            settings,
            |row| row.refusal.is_none().then_some(row.text.as_str()),
            |chunk| {
                let time = now();
                for (row, verdict) in chunk {
                    // Rows of one id are not parted: a run goes on after an id.
                    if batch.rows() >= limits.page
                        && (row.id.is_none() || batch.progress.last_key.as_ref() != Some(&row.key))
                    {
                        committer.commit(&mut batch)?;
                    }
                    maker.add(&mut batch, row, verdict, &time);
                }
                Ok(())
            },
        );
        let classifying = match piped {
            Ok(summary) => summary.classifying,
            Err(PipelineError::Source(error)) => return Err(NightlyError::Source(error)),
            Err(PipelineError::Sink(error)) => return Err(error),
        };
        if batch.rows() > 0 {
            committer.commit(&mut batch)?;
        }
        // Asked again at the end, for comments may have come meanwhile.
        let rows = source.count_rows().map_err(NightlyError::Source)?.rows;
        let threads = settings.threads.get() as f64;
        let times = Times {
            seconds: run.seconds + start.elapsed().as_secs_f64(),
            classifying_seconds: run.classifying_seconds + classifying.as_secs_f64() / threads,
        };
        self.finish(run, rows, times)
    }
}

/// Commits batches.
struct Committer<'a> {
    sink: &'a mut Connection,
    observer: &'a Observer,
    job: &'a str,
    owner: &'a Owner,
    run: &'a Run,
    start: Instant,
}

impl Committer<'_> {
    fn commit(&mut self, batch: &mut Batch) -> Result<(), NightlyError> {
        let Self { sink, job, owner, run, start, .. } = self;
        let times = Times {
            seconds: run.seconds + start.elapsed().as_secs_f64(),
            // Known at the end of a start; what a killed one classified is not counted.
            classifying_seconds: run.classifying_seconds,
        };
        let held = sink
            .transaction(|database| {
                ledger::commit_batch(database, job, owner, run.id, batch, times)
            })
            .map_err(NightlyError::Sink)?;
        if !held {
            return Err(NightlyError::LockLost);
        }
        (self.observer)(Event::Committed { rows: batch.progress.read });
        let progress = std::mem::take(&mut batch.progress);
        *batch = Batch { progress, ..Batch::default() };
        Ok(())
    }
}
