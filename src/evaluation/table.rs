//! Metrics as plain text, for a terminal and for a model card.

use std::fmt::Write as _;

use super::metrics::Metrics;

/// Precision, recall and F1 of each label, a line each, under a heading.
#[must_use]
pub fn metrics_table(metrics: &Metrics) -> String {
    let width = label_width(metrics);
    let mut table = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        table,
        "{:width$}  {:>9}  {:>9}  {:>9}  {:>7}  {:>9}",
        "label", "precision", "recall", "F1", "rows", "predicted"
    );
    for class in &metrics.classes {
        let _ = writeln!(
            table,
            "{:width$}  {:>9.4}  {:>9.4}  {:>9.4}  {:>7}  {:>9}",
            class.label, class.precision, class.recall, class.f1, class.support, class.predicted
        );
    }
    table
}

/// The confusion matrix: labels given by people down, predicted ones across.
#[must_use]
pub fn confusion_table(metrics: &Metrics) -> String {
    let width = label_width(metrics).max("given \\ predicted".len());
    let mut table = String::new();
    let _ = write!(table, "{:width$}", "given \\ predicted");
    for class in &metrics.classes {
        let _ = write!(table, "  {:>9}", class.label);
    }
    table.push('\n');
    for (class, row) in metrics.classes.iter().zip(&metrics.confusion) {
        let _ = write!(table, "{:width$}", class.label);
        for count in row {
            let _ = write!(table, "  {count:>9}");
        }
        table.push('\n');
    }
    table
}

fn label_width(metrics: &Metrics) -> usize {
    metrics.classes.iter().map(|class| class.label.chars().count()).max().unwrap_or(0).max(8)
}
