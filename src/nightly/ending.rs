//! How a night's run ends: its counts are compared, and it is written down.

use super::error::NightlyError;
use super::job::Night;
use super::ledger::{self, Counts, Due, Ending, Run, Status, Times};
use super::summary::{NightlySummary, RunStatus};

/// A run that is done, and what is still to be told of it.
#[derive(Debug)]
pub(super) struct Handover {
    pub(super) summary: NightlySummary,
    pub(super) due: Due,
}

impl Night<'_> {
    /// Compares what is in the sink with what was in the source, and ends the run.
    pub(super) fn finish(
        &mut self,
        run: &Run,
        rows: u64,
        times: Times,
    ) -> Result<Handover, NightlyError> {
        let (job, date, owner) = (&self.config.job, &self.date, &self.owner);
        let labels = &self.labels;
        let counts = self
            .sink
            .retry(|database| ledger::count_rows(database, run.id, labels))
            .map_err(NightlyError::Sink)?;
        let reread = |run: &Run| Run { seconds: times.seconds, ..run.clone() };
        let stored = self
            .sink
            .retry(|database| ledger::read_run(database, run.id))
            .map_err(NightlyError::Sink)?;
        let mut run = stored.unwrap_or_else(|| reread(run));
        run.seconds = times.seconds;
        run.classifying_seconds = times.classifying_seconds;
        let read = run.progress.read;
        let (classified, refused) = (counts.classified, counts.refused);
        let balanced = rows == read
            && read == classified + refused
            && (classified, refused) == (run.classified, run.refused);
        if !balanced {
            let source_rows = rows;
            return Err(NightlyError::Unreconciled { source_rows, read, classified, refused });
        }
        let (status, exit_code, told) = match (read, refused) {
            (0, _) => (Status::Empty, 10, RunStatus::SourceEmpty),
            (_, 0) => (Status::Done, 0, RunStatus::Done),
            _ => (Status::Done, 6, RunStatus::Done),
        };
        let due =
            Due { report: self.config.report.is_some(), message: self.config.notify.is_some() };
        let ending = Ending { status, exit_code, source: rows, message: None, times, due };
        let held = self
            .sink
            .transaction(|database| {
                ledger::end_run(database, job, date, owner, run.id, Some(&counts), &ending)
            })
            .map_err(NightlyError::Sink)?;
        if !held {
            // The commit may have been kept although the connection was lost in its moment.
            let ended = self
                .sink
                .retry(|database| ledger::read_run(database, run.id))
                .map_err(NightlyError::Sink)?;
            if ended.is_none_or(|ended| ended.status != status) {
                return Err(NightlyError::LockLost);
            }
        }
        let run = Run { exit_code: Some(exit_code.into()), ..run };
        Ok(Handover { summary: self.summary(&run, rows, told, counts), due })
    }

    /// Writes a failure to the run's row, if the sink can be reached and the lock is still held.
    pub(super) fn record_failure(&mut self, run: &Run, error: &NightlyError) {
        let (job, date, owner) = (&self.config.job, &self.date, &self.owner);
        if matches!(error, NightlyError::LockLost | NightlyError::Sink(_)) {
            return;
        }
        let status = match error {
            NightlyError::Unreconciled { .. } => Status::Unreconciled,
            _ => Status::Failed,
        };
        let source = match error {
            NightlyError::Unreconciled { source_rows, .. } => *source_rows,
            NightlyError::TooMany { found, .. } => *found,
            _ => run.source,
        };
        let message = Some(error.to_string());
        let exit_code = error.exit_code();
        let _ = self.sink.transaction(|database| {
            let now = ledger::read_run(database, run.id)?.unwrap_or_else(|| run.clone());
            let times =
                Times { seconds: now.seconds, classifying_seconds: now.classifying_seconds };
            let message = message.clone();
            let due = Due::default();
            let ending = Ending { status, exit_code, source, message, times, due };
            ledger::end_run(database, job, date, owner, run.id, None, &ending)
        });
    }

    /// A run in numbers.
    pub(super) fn summary(
        &self,
        run: &Run,
        source: u64,
        status: RunStatus,
        counts: Counts,
    ) -> NightlySummary {
        let outside = 1.0 - run.classifying_seconds / run.seconds.max(1e-9);
        NightlySummary {
            job: self.config.job.clone(),
            date: self.date.clone(),
            run: run.id,
            status,
            model: run.model.clone(),
            source,
            read: run.progress.read,
            classified: counts.classified,
            refused: counts.refused,
            needs_human: run.needs_human,
            by_label: counts.by_label,
            refused_by_reason: counts.refused_by_reason,
            starts: run.starts,
            seconds: run.seconds,
            share_outside_classification: outside.clamp(0.0, 1.0),
            exit_code: run.exit_code.and_then(|code| u8::try_from(code).ok()).unwrap_or(0),
            file: None,
            report: None,
            notified: None,
        }
    }
}
