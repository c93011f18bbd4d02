//! How good predictions are, against labels that people gave.

mod by_field;
mod metrics;
mod table;

pub use by_field::MetricsByField;
pub use metrics::{ClassMetrics, Metrics, Scored, Spread};
pub use table::{confusion_table, metrics_table};
