//! What is told of a run that is done: its file, its report, its message.
//!
//! All of it happens with the lock held. What is due stands in the run's row from the moment it is
//! done: a job that is killed here leaves it to the next start.

use std::sync::Arc;

use super::connection::Connection;
use super::ending::Handover;
use super::error::NightlyError;
use super::export::export;
use super::history::{self, RiskyReview};
use super::job::Night;
use super::ledger::{self, Due};
use super::night_report::{self, ModelFacts, Report, ReportedReview};
use super::notify::{self, Message};
use super::summary::{NightlySummary, RunStatus};
use crate::batch::classify;

/// How many reasons the report gives for each of the riskiest reviews.
const REPORT_REASONS: usize = 5;

impl Night<'_> {
    /// Tells whatever is due of a run, and gives its summary with what was told.
    pub(super) fn hand_over(&mut self, done: Handover) -> Result<NightlySummary, NightlyError> {
        let Handover { mut summary, due } = done;
        // Of a run by another model, this one could not say why.
        if summary.model != self.model {
            return Ok(summary);
        }
        if let Some(path) = self.config.sink_file(&self.date)
            && match summary.status {
                RunStatus::Done => true,
                RunStatus::AlreadyDone => !path.exists(),
                RunStatus::SourceEmpty => false,
            }
        {
            export(&mut self.sink, summary.run, self.classifier, &path)?;
            summary.file = Some(path.display().to_string());
        }
        self.tell(&mut summary, due)?;
        Ok(summary)
    }

    /// Writes the report and sends the message, as far as they are due and wanted.
    fn tell(&mut self, summary: &mut NightlySummary, due: Due) -> Result<(), NightlyError> {
        let labels = self.classifier.labels();
        let report = self.config.report.as_ref();
        let due_report = report.filter(|_| due.report);
        let notify = self.config.notify.as_ref().filter(|_| due.message);
        if due_report.is_none() && notify.is_none() {
            return Ok(());
        }
        let mut told = summary.clone();
        if told.status == RunStatus::AlreadyDone {
            // Told late, but of the run as it was.
            told.status = RunStatus::Done;
        }
        let sink = &mut self.sink;
        let wanted =
            [due_report.map(|report| report.riskiest), notify.map(|notify| notify.riskiest)];
        let most = wanted.into_iter().flatten().max().unwrap_or(0);
        let past =
            history::past_runs(sink, &self.config.job, &self.date).map_err(NightlyError::Sink)?;
        let riskiest = history::riskiest(sink, summary.run, most).map_err(NightlyError::Sink)?;
        if let Some(config) = due_report {
            let reviews = riskiest.iter().take(config.riskiest).cloned().collect();
            let contents = Report {
                summary: told.clone(),
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
            self.settle(summary.run, Due { report: false, ..due })?;
            told.report = Some(page.display().to_string());
        }
        if let Some(config) = notify {
            let riskiest = &riskiest[..riskiest.len().min(config.riskiest)];
            let file = night_report::page_name(summary);
            let link = report.and_then(|report| report.link.as_ref());
            let link = link.map(|link| link.replace("{file}", &file));
            let message = Message { summary: &told, labels, past: &past, riskiest, link };
            let sent = notify::send(config, &message);
            if sent == notify::SENT {
                self.settle(summary.run, Due { report: false, message: false })?;
            }
            summary.notified = Some(sent);
        }
        summary.report = told.report;
        Ok(())
    }

    /// Writes down what is still due.
    fn settle(&mut self, run: i64, due: Due) -> Result<(), NightlyError> {
        self.sink
            .retry(|database| ledger::write_due(database, run, due))
            .map_err(NightlyError::Sink)
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
}
