//! How good predictions are, against labels that people gave.

mod metrics;
mod table;

pub use metrics::{ClassMetrics, Metrics, Scored, Spread};
pub use table::{confusion_table, metrics_table};
