//! How good predictions are, against labels that people gave.

mod by_field;
mod calibration;
mod curves;
mod decisions;
mod interval;
mod metrics;
mod prior;
mod report;
mod table;
mod terms;

pub use by_field::MetricsByField;
pub use calibration::{Calibration, ConfidenceBin};
pub use curves::{OperatingPoint, ThresholdCurve};
pub use decisions::{DecisionSummary, confidence_for_precision, decided_metrics};
pub use interval::wilson_interval;
pub use metrics::{ClassMetrics, Metrics, Scored, Spread};
pub use prior::PriorEstimate;
pub use report::{EvaluationReport, LENGTH_FIELD, LearningPoint, Mistake, Origin, length_band};
pub use table::{confusion_table, metrics_table};
pub use terms::{StrongestTerms, TermShare};
