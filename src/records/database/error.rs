//! What a database says when it cannot do something.

use thiserror::Error;

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseErrorKind {
    /// The connection is gone, or there was none: another one may do.
    ConnectionLost,
    /// A transaction got in another's way: it may do next time.
    Conflict,
    /// A row like that is there already.
    Duplicate,
    /// Anything else: it would fail again.
    Permanent,
}

/// What a database says when it cannot do something. There is no value of a row in it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{database}: {message}")]
pub struct DatabaseError {
    /// Whether trying again can help.
    pub kind: DatabaseErrorKind,
    /// Which database, without its password.
    pub database: String,
    /// What happened.
    pub message: String,
}

impl DatabaseError {
    /// Whether trying again can help.
    #[must_use]
    pub fn can_be_retried(&self) -> bool {
        matches!(self.kind, DatabaseErrorKind::ConnectionLost | DatabaseErrorKind::Conflict)
    }
}
