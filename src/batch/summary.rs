//! What a batch did, in numbers.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::duplicates::DuplicateReport;
use crate::model::{ClassIndex, RiskClassifier};

/// What a batch did. `read` is `classified` plus `refused`, which was checked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BatchSummary {
    /// The model, as `name/version`.
    pub model: String,
    /// Records read.
    pub read: u64,
    /// Records classified.
    pub classified: u64,
    /// Records refused.
    pub refused: u64,
    /// Records classified, by label, in the order of the model's labels.
    pub by_label: Vec<LabelCount>,
    /// Records refused, by the code of the reason.
    pub refused_by_reason: BTreeMap<&'static str, u64>,
    /// Ids that stood more than once.
    pub duplicate_ids: DuplicateReport,
    /// From the first record read to the last one written.
    pub seconds: f64,
    /// Records read a second.
    pub records_per_second: f64,
}

/// How many records got a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelCount {
    /// The label's id.
    pub label: String,
    /// How many records.
    pub count: u64,
}

impl LabelCount {
    /// How many records got `label`, by what `counts` say.
    #[must_use]
    pub fn of(counts: &[Self], label: &str) -> u64 {
        counts.iter().find(|count| count.label == label).map_or(0, |count| count.count)
    }
}

/// What became of records, as part of a line for a person or a log.
#[derive(Debug)]
pub(crate) struct Counts<'a, R> {
    pub(crate) refused: u64,
    pub(crate) refused_by_reason: &'a BTreeMap<R, u64>,
    pub(crate) classified: u64,
    pub(crate) model: &'a str,
    pub(crate) by_label: &'a [LabelCount],
}

impl<R: fmt::Display> fmt::Display for Counts<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused", self.refused)?;
        for (place, (code, count)) in self.refused_by_reason.iter().enumerate() {
            write!(f, "{}{count} {code}", if place == 0 { " (" } else { ", " })?;
        }
        let close = if self.refused_by_reason.is_empty() { "" } else { ")" };
        write!(f, "{close}, {} classified by {}:", self.classified, self.model)?;
        for (place, LabelCount { label, count }) in self.by_label.iter().enumerate() {
            write!(f, "{} {count} {label}", if place == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl BatchSummary {
    pub(super) fn new(classifier: &RiskClassifier) -> Self {
        let labels = classifier.labels().iter();
        Self {
            model: classifier.id().to_string(),
            read: 0,
            classified: 0,
            refused: 0,
            by_label: labels
                .map(|label| LabelCount { label: label.id.clone(), count: 0 })
                .collect(),
            refused_by_reason: BTreeMap::new(),
            duplicate_ids: DuplicateReport::default(),
            seconds: 0.0,
            records_per_second: 0.0,
        }
    }

    pub(super) fn count(&mut self, class: ClassIndex) {
        self.classified += 1;
        self.by_label[class].count += 1;
    }

    pub(super) fn refuse(&mut self, code: &'static str) {
        self.refused += 1;
        *self.refused_by_reason.entry(code).or_default() += 1;
    }

    pub(super) fn finish(&mut self, read: u64, duplicates: DuplicateReport, elapsed: Duration) {
        self.read = read;
        self.duplicate_ids = duplicates;
        self.seconds = elapsed.as_secs_f64();
        self.records_per_second = read as f64 / self.seconds.max(1e-9);
    }
}

/// One line, for a person or a log.
impl fmt::Display for BatchSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = Counts {
            refused: self.refused,
            refused_by_reason: &self.refused_by_reason,
            classified: self.classified,
            model: &self.model,
            by_label: &self.by_label,
        };
        write!(f, "{} records read, {counts}", self.read)?;
        if self.duplicate_ids.count > 0 {
            write!(f, "; {} with the id of an earlier record", self.duplicate_ids.count)?;
        }
        write!(f, "; {:.2} s, {:.0} records/s", self.seconds, self.records_per_second)
    }
}
