//! What a night's run did, in numbers.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::batch::{Counts, LabelCount};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Everything is classified or refused, and the counts add up.
    Done,
    /// The source has no comment of the date.
    SourceEmpty,
    /// It had been done before; nothing was done now.
    AlreadyDone,
}

/// What a night's run did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NightlySummary {
    /// The job.
    pub job: String,
    /// The business date.
    pub date: String,
    /// The run's number.
    pub run: i64,
    /// How it stands.
    pub status: RunStatus,
    /// The model, as `name/version`.
    pub model: String,
    /// Comments in the source.
    pub source: u64,
    /// Comments read: classified plus refused, which was checked.
    pub read: u64,
    /// Results in the sink.
    pub classified: u64,
    /// Refusals in the sink.
    pub refused: u64,
    /// Results that a person is to look at.
    pub needs_human: u64,
    /// Results by label, in the order of the model's labels.
    pub by_label: Vec<LabelCount>,
    /// Refusals by the code of their reason.
    pub refused_by_reason: BTreeMap<String, u64>,
    /// How often it was started: more than once, if it was interrupted.
    pub starts: i64,
    /// How long it worked, over all starts.
    pub seconds: f64,
    /// Of this, the share in which the threads did not classify.
    pub share_outside_classification: f64,
    /// The exit code.
    pub exit_code: u8,
    /// The file the results were written to, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// Whether the message got through, if one was to be sent: `sent`, or what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notified: Option<String>,
}

impl NightlySummary {
    /// How many results have a label.
    #[must_use]
    pub fn count(&self, label: &str) -> u64 {
        LabelCount::of(&self.by_label, label)
    }
}

/// One line, for a person or a log.
impl fmt::Display for NightlySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, run, .. } = self;
        match self.status {
            RunStatus::SourceEmpty => {
                return write!(f, "{date}: the source has no comments of this date");
            }
            RunStatus::AlreadyDone => write!(f, "{date}: done already, as run {run}")?,
            RunStatus::Done => write!(f, "{date}: run {run} is done")?,
        }
        let counts = Counts {
            refused: self.refused,
            refused_by_reason: &self.refused_by_reason,
            classified: self.classified,
            model: &self.model,
            by_label: &self.by_label,
        };
        write!(f, "; {} read, {counts}", self.read)?;
        if self.needs_human > 0 {
            write!(f, "; {} for a person to look at", self.needs_human)?;
        }
        let rate = self.read as f64 / self.seconds.max(1e-9);
        write!(f, "; {:.2} s, {rate:.0} records/s", self.seconds)?;
        if self.starts > 1 {
            write!(f, ", {} starts", self.starts)?;
        }
        Ok(())
    }
}
