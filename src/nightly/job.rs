//! A night from beginning to end.

use std::sync::Arc;

use super::calendar::BusinessDate;
use super::config::NightlyConfig;
use super::connection::Connection;
use super::ending::Handover;
use super::error::NightlyError;
use super::event::{Observer, RunMode};
use super::ledger::{self, Run};
use super::lock::{self, Acquired, Heart, Owner};
use super::schema;
use super::summary::{NightlySummary, RunStatus};
use crate::model::RiskClassifier;
use crate::records::database::DatabaseErrorKind;

/// Does the job for `date`.
///
/// # Errors
///
/// Whatever kept it from being done; the run's row has it, too, if the sink could be reached.
pub fn run(
    config: &NightlyConfig,
    date: BusinessDate,
    mode: RunMode,
    observer: &Observer,
) -> Result<NightlySummary, NightlyError> {
    let classifier = RiskClassifier::open(&config.model)?;
    let attempts = config.limits.attempts;
    let sink = |attempts| -> Result<Connection, NightlyError> {
        Ok(Connection::new(config.sink_address()?, attempts, Arc::clone(observer)))
    };
    let mut night = Night {
        config,
        date: date.to_string(),
        model: classifier.id().to_string(),
        labels: classifier.labels().ids(),
        classifier: &classifier,
        owner: Owner::this_process(),
        sink: sink(attempts)?,
        observer,
    };
    let version = night.sink.retry(schema::migrate).map_err(NightlyError::Sink)?;
    if version > schema::LATEST {
        return Err(NightlyError::Schema { found: version, known: schema::LATEST });
    }
    let (job, stale) = (&config.job, config.limits.stale_lock_seconds);
    let acquired =
        lock::acquire(&mut night.sink, job, &night.owner, stale).map_err(NightlyError::Sink)?;
    let taken_over = match acquired {
        Acquired::Free => false,
        Acquired::TakenOver => true,
        Acquired::Held(owner, seconds) => {
            let owner = owner.as_str().to_owned();
            return Err(NightlyError::Locked { owner, seconds, stale });
        }
    };
    let heart = Heart::start(sink(1)?, job.clone(), night.owner.clone(), stale);
    let told = night.locked(mode, taken_over).and_then(|done| night.hand_over(done));
    drop(heart);
    // If that fails, the lock grows stale.
    let (job, owner) = (&config.job, &night.owner);
    let _ = night.sink.retry(|database| lock::release(database, job, owner));
    told
}

/// A night under way.
pub(super) struct Night<'a> {
    pub(super) config: &'a NightlyConfig,
    pub(super) date: String,
    pub(super) model: String,
    pub(super) labels: Vec<&'a str>,
    pub(super) classifier: &'a RiskClassifier,
    pub(super) owner: Owner,
    pub(super) sink: Connection,
    pub(super) observer: &'a Observer,
}

impl Night<'_> {
    /// The job, with the lock held.
    fn locked(&mut self, mode: RunMode, taken_over: bool) -> Result<Handover, NightlyError> {
        let (job, date) = (&self.config.job, &self.date);
        if mode == RunMode::Once {
            let current = self
                .sink
                .retry(|database| ledger::current_run(database, job, date))
                .map_err(NightlyError::Sink)?;
            if let Some(run) = current {
                let labels = &self.labels;
                let counts = self
                    .sink
                    .retry(|database| ledger::count_rows(database, run.id, labels))
                    .map_err(NightlyError::Sink)?;
                let summary = self.summary(&run, run.source, RunStatus::AlreadyDone, counts);
                return Ok(Handover { summary, due: run.due });
            }
        }
        let run = self.begin()?;
        let ended = self.work(&run, taken_over);
        if let Err(error) = &ended {
            self.record_failure(&run, error);
        }
        ended
    }

    fn begin(&mut self) -> Result<Run, NightlyError> {
        let (job, date, model) = (&self.config.job, &self.date, &self.model);
        loop {
            let begun =
                self.sink.transaction(|database| ledger::begin_run(database, job, date, model));
            match begun {
                // Another job took the same number: the next one is free.
                Err(error) if error.kind == DatabaseErrorKind::Duplicate => {}
                begun => return begun.map_err(NightlyError::Sink),
            }
        }
    }
}
