//! A night from beginning to end.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::calendar::{BusinessDate, now};
use super::config::NightlyConfig;
use super::connection::Connection;
use super::error::NightlyError;
use super::export::export;
use super::history::{self, RiskyReview};
use super::ledger::{self, Batch, Counts, Ending, Run, Status, Times};
use super::lock::{self, Acquired, Heart, Owner};
use super::night_report::{self, ModelFacts, Report, ReportedReview};
use super::notify::{self, Message};
use super::results::RowMaker;
use super::schema;
use super::source::SourceReader;
use super::summary::{NightlySummary, RunStatus};
use crate::batch::{PipelineError, PipelineSettings, classify, classify_in_order};
use crate::model::RiskClassifier;
use crate::records::database::DatabaseErrorKind;

/// How many chunks may be under way for each worker: enough to go on with while a batch is
/// committed.
const CHUNKS_PER_WORKER: usize = 48;

/// How many reasons the report gives for each of the riskiest reviews.
const REPORT_REASONS: usize = 5;

/// Whether a date that is done may be done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunMode {
    /// A date that is done stays as it is.
    Once,
    /// A new run beside the old one, which counts until the new one is done.
    Rerun,
}

/// What happens on the way, for a terminal or a log.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A run begins, or goes on.
    Started {
        /// Its number.
        run: i64,
        /// Rows of the source.
        rows: u64,
        /// Rows that had been done before.
        done: u64,
        /// Whether the lock of a copy that died was taken over.
        taken_over: bool,
    },
    /// So many rows are committed.
    Committed {
        /// Rows that are done.
        rows: u64,
    },
    /// Something is tried again.
    Retrying {
        /// Which database.
        database: String,
        /// Why.
        message: String,
        /// After which time.
        wait: Duration,
    },
}

/// Told of what happens. The source tells from a thread of its own.
pub type Observer = Arc<dyn Fn(Event) + Send + Sync>;

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
    let summary = night.locked(mode, taken_over);
    drop(heart);
    let mut summary = summary.inspect_err(|_| night.release())?;
    if let Some(path) = config.sink_file(&night.date)
        && (summary.status == RunStatus::Done
            // Killed after the run was done and before its file was.
            || (summary.status == RunStatus::AlreadyDone
                && summary.model == night.model
                && !path.exists()))
    {
        export(&mut night.sink, summary.run, &classifier, &path)?;
        summary.file = Some(path.display().to_string());
    }
    if summary.status != RunStatus::AlreadyDone {
        night.tell(&mut summary)?;
    }
    Ok(summary)
}

/// A night under way.
struct Night<'a> {
    config: &'a NightlyConfig,
    date: String,
    model: String,
    labels: Vec<&'a str>,
    classifier: &'a RiskClassifier,
    owner: Owner,
    sink: Connection,
    observer: &'a Observer,
}

impl Night<'_> {
    /// Writes the report and sends the message, as far as they are wanted.
    fn tell(&mut self, summary: &mut NightlySummary) -> Result<(), NightlyError> {
        let labels = self.classifier.labels();
        let (report, notify) = (self.config.report.as_ref(), self.config.notify.as_ref());
        if report.is_none() && notify.is_none() {
            return Ok(());
        }
        let sink = &mut self.sink;
        let wanted = [report.map(|report| report.riskiest), notify.map(|notify| notify.riskiest)];
        let most = wanted.into_iter().flatten().max().unwrap_or(0);
        let past =
            history::past_runs(sink, &self.config.job, &self.date).map_err(NightlyError::Sink)?;
        let riskiest = history::riskiest(sink, summary.run, most).map_err(NightlyError::Sink)?;
        let mut link = None;
        if let Some(config) = report {
            let reviews = riskiest.iter().take(config.riskiest).cloned().collect();
            let contents = Report {
                summary: summary.clone(),
                past: past.iter().map(Into::into).collect(),
                riskiest: self.explain(reviews, config.with_text)?,
                confidence_histogram: history::confidence_histogram(&mut self.sink, summary.run)
                    .map_err(NightlyError::Sink)?,
                model: ModelFacts::of(self.classifier),
            };
            let page = night_report::write(&contents, labels, config.language, &config.folder)
                .map_err(|source| NightlyError::Write {
                    path: config.folder.display().to_string(),
                    source,
                })?;
            let file = page.file_name().unwrap_or_default().to_string_lossy().into_owned();
            link = config.link.as_ref().map(|link| link.replace("{file}", &file));
            summary.report = Some(page.display().to_string());
        }
        if let Some(config) = notify {
            let riskiest = &riskiest[..riskiest.len().min(config.riskiest)];
            let message = Message { summary, labels, past: &past, riskiest, link };
            summary.notified = Some(notify::send(config, &message));
        }
        Ok(())
    }

    /// Why the riskiest reviews are what they are: their comments are read and classified again.
    fn explain(
        &self,
        reviews: Vec<RiskyReview>,
        with_text: bool,
    ) -> Result<Vec<ReportedReview>, NightlyError> {
        let address = self.config.source_address()?;
        let query = self.config.query(&address)?;
        let attempts = self.config.limits.attempts;
        let mut source = Connection::new(address, attempts, Arc::clone(self.observer));
        let mut worker = self.classifier.worker();
        reviews
            .into_iter()
            .map(|review| {
                let text = source
                    .retry(|database| query.text(database, &self.date, &review.key))
                    .map_err(NightlyError::Source)?;
                // A comment that changed since, or went away, has no reasons.
                let verdict =
                    text.as_deref().map(|text| classify(&mut worker, text, REPORT_REASONS));
                let reasons = match verdict {
                    Some(Ok(verdict)) => verdict.reasons.into_iter().map(|r| r.term).collect(),
                    _ => Vec::new(),
                };
                Ok(ReportedReview::new(review, reasons, text.filter(|_| with_text)))
            })
            .collect()
    }

    /// Gives the lock back after a failure. If that fails, too, it grows stale.
    fn release(&mut self) {
        let (job, owner) = (&self.config.job, &self.owner);
        let _ = self.sink.retry(|database| lock::release(database, job, owner));
    }

    /// The job, with the lock held. The lock is given back if a run was ended.
    fn locked(&mut self, mode: RunMode, taken_over: bool) -> Result<NightlySummary, NightlyError> {
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
                self.release();
                let source = run.source;
                return Ok(self.summary(&run, source, RunStatus::AlreadyDone, counts));
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

    /// Reads, classifies and commits what is left of `run`, and ends it.
    fn work(&mut self, run: &Run, taken_over: bool) -> Result<NightlySummary, NightlyError> {
        let start = Instant::now();
        let limits = &self.config.limits;
        let address = self.config.source_address()?;
        let query = self.config.query(&address)?;
        let reader = |progress| {
            let connection =
                Connection::new(address.clone(), limits.attempts, Arc::clone(self.observer));
            let source = &self.config.source;
            let fields = (source.id_field.clone(), source.text_field.clone());
            let date = self.date.clone();
            SourceReader::new(connection, query.clone(), date, limits.page, fields, progress)
        };
        let mut source = reader(run.progress.clone());
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

    /// Compares what is in the sink with what was in the source, and ends the run.
    fn finish(
        &mut self,
        run: &Run,
        rows: u64,
        times: Times,
    ) -> Result<NightlySummary, NightlyError> {
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
        let ending = Ending { status, exit_code, source: rows, message: None, times };
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
        Ok(self.summary(&Run { exit_code: Some(exit_code.into()), ..run }, rows, told, counts))
    }

    /// Writes a failure to the run's row, if the sink can be reached and the lock is still held.
    fn record_failure(&mut self, run: &Run, error: &NightlyError) {
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
            let ending = Ending { status, exit_code, source, message, times };
            ledger::end_run(database, job, date, owner, run.id, None, &ending)
        });
    }

    fn summary(&self, run: &Run, source: u64, status: RunStatus, counts: Counts) -> NightlySummary {
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
