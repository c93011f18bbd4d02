//! Why a night's job was not done.

use std::io;

use thiserror::Error;

use super::config::ConfigError;
use crate::model::ModelError;
use crate::records::database::DatabaseError;

/// Why a night's job was not done. What was committed stays, and the next start goes on from it.
#[derive(Debug, Error)]
pub enum NightlyError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The source, after all retries.
    #[error("the source is not available, or refuses: {0}")]
    Source(#[source] DatabaseError),
    /// More comments than can be meant.
    #[error(
        "the source has {found} comments of this date; the limit is {limit}: is the query right?"
    )]
    TooMany {
        /// How many there are.
        found: u64,
        /// How many there may be.
        limit: u64,
    },
    /// The sink, after all retries.
    #[error("the sink is not available, or refuses: {0}")]
    Sink(#[source] DatabaseError),
    /// The sink was made by a later release.
    #[error("the tables of the sink are of version {found}; this release knows {known}")]
    Schema {
        /// Its version.
        found: i64,
        /// The latest that is known.
        known: i64,
    },
    /// Another copy is at work.
    #[error(
        "another copy of this job is running: {owner}, last heard of {seconds} seconds ago; its \
         lock can be taken over after {stale} seconds of silence"
    )]
    Locked {
        /// Who holds the lock.
        owner: String,
        /// When it was heard of last.
        seconds: i64,
        /// When a lock is stale.
        stale: u32,
    },
    /// Another copy took over while this one was silent.
    #[error("another copy of this job took over, for this one was not heard of for too long")]
    LockLost,
    /// The counts do not add up.
    #[error(
        "the counts do not add up: the source has {source_rows} comments of this date, {read} were \
         read, {classified} results and {refused} refusals are in the sink; start the job \
         again for a fresh run"
    )]
    Unreconciled {
        /// Rows of the source, at the end.
        source_rows: u64,
        /// Rows read.
        read: u64,
        /// Results in the sink.
        classified: u64,
        /// Refusals in the sink.
        refused: u64,
    },
    /// A file cannot be written.
    #[error("cannot write `{path}`")]
    Write {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
}

impl NightlyError {
    /// The exit code of the program: stable from release to release.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => 2,
            Self::Source(_) | Self::TooMany { .. } => 3,
            Self::Model(_) => 4,
            Self::Sink(_) | Self::Schema { .. } | Self::Write { .. } => 5,
            Self::Locked { .. } | Self::LockLost => 8,
            Self::Unreconciled { .. } => 9,
        }
    }
}
