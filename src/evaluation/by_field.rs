//! Metrics for each value of a field of the records.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::metrics::{Metrics, Scored};
use crate::model::LabelSet;

/// Metrics for each value that a field holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricsByField {
    /// The field.
    pub field: String,
    /// The metrics of the records with each of its values, in order of the values.
    pub values: BTreeMap<String, Metrics>,
}

impl MetricsByField {
    /// The metrics of predictions, each with the value that its record holds in `field`.
    pub fn of<'a>(
        labels: &LabelSet,
        field: &str,
        scored: impl IntoIterator<Item = (&'a str, &'a Scored)>,
    ) -> Self {
        let mut groups: BTreeMap<&str, Vec<&Scored>> = BTreeMap::new();
        for (value, scored) in scored {
            groups.entry(value).or_default().push(scored);
        }
        let values = groups
            .into_iter()
            .map(|(value, scored)| (value.to_owned(), Metrics::of(labels, scored)))
            .collect();
        Self { field: field.to_owned(), values }
    }

    /// A line for each value: rows, accuracy, macro F1, log loss, and the recall of each label.
    #[must_use]
    pub fn table(&self) -> String {
        let widths = self.values.keys().map(|value| value.chars().count());
        let width = widths.max().unwrap_or(0).max(self.field.chars().count());
        let mut table = String::new();
        // Writing to a string cannot fail.
        let _ = write!(
            table,
            "{:width$}  {:>7}  {:>8}  {:>8}  {:>8}",
            self.field, "rows", "accuracy", "macro F1", "log loss"
        );
        for class in self.values.values().next().map_or(&[][..], |metrics| &metrics.classes) {
            let _ = write!(table, "  {:>14}", format!("recall {}", class.label));
        }
        table.push('\n');
        for (value, metrics) in &self.values {
            let Metrics { rows, accuracy, macro_f1, log_loss, classes, .. } = metrics;
            let _ = write!(
                table,
                "{value:width$}  {rows:>7}  {accuracy:>8.4}  {macro_f1:>8.4}  {log_loss:>8.4}"
            );
            for class in classes {
                let recall = if class.support == 0 {
                    "–".to_owned()
                } else {
                    format!("{:.4}", class.recall)
                };
                let _ = write!(table, "  {recall:>14}");
            }
            table.push('\n');
        }
        table
    }
}
