//! The nightly job: a day's comments from a database, classified into a database, exactly once.
//!
//! Results, refusals and how far the run has come are committed in one transaction, so a job that
//! was killed at any moment goes on from its last commit. Who holds the lock is asked in that
//! transaction, too: a copy that lost it cannot commit any more.

mod calendar;
mod config;
mod connection;
pub mod demo;
mod ending;
mod error;
mod event;
mod export;
mod history;
mod job;
mod ledger;
mod lock;
mod night_report;
mod notify;
mod results;
mod schema;
mod source;
mod summary;
mod telling;
mod work;

pub use calendar::{BusinessDate, BusinessDateError};
pub use config::{
    ConfigError, Limits, NightlyConfig, NotifyConfig, NotifyFormat, ReportConfig, SinkConfig,
    SourceConfig,
};
pub use error::NightlyError;
pub use event::{Event, Observer, RunMode};
pub use job::run;
pub use summary::{NightlySummary, RunStatus};
