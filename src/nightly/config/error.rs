//! What can be wrong with the settings of a nightly job.

use std::io;

use thiserror::Error;

use crate::records::database::{DatabaseAddressError, ReviewQueryError};

/// What is wrong with the settings.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It is not of the form it must be.
    #[error("`{path}`: {message}")]
    Form {
        /// The file.
        path: String,
        /// What is wrong, and where.
        message: String,
    },
    /// An address is none.
    #[error("[{section}] database")]
    Address {
        /// The section of the settings.
        section: &'static str,
        /// What is wrong.
        source: DatabaseAddressError,
    },
    /// The query is none.
    #[error("[source] query")]
    Query(#[from] ReviewQueryError),
    /// A value cannot be what it is.
    #[error("{field}: {reason}")]
    Value {
        /// Where it stands.
        field: &'static str,
        /// What is wrong.
        reason: String,
    },
}
