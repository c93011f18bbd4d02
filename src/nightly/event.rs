//! How a job is asked for, and what it tells on its way.

use std::sync::Arc;
use std::time::Duration;

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
