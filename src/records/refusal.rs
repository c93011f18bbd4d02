//! Why a record was not taken: always by place and reason, never by its text.

use std::sync::Arc;

use thiserror::Error;

/// A record that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{input}, line {line}: {reason}")]
pub struct Refusal {
    /// The input it came from: a path, or `-`.
    pub input: Arc<str>,
    /// The line it begins on, from 1.
    pub line: u64,
    /// Its id, where that could be read.
    pub id: Option<String>,
    /// Why.
    pub reason: RefusalReason,
}

/// Why a record was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RefusalReason {
    /// A field, or the whole line, is not UTF-8.
    #[error("{what} is not valid UTF-8 (byte {byte} of it is wrong)")]
    Encoding {
        /// The field, or `the line`.
        what: String,
        /// The position of the first wrong byte, from 1.
        byte: usize,
    },
    /// The line is no record of its format.
    #[error("{0}")]
    Malformed(String),
    /// A field that must be there is not, or is empty.
    #[error("field `{0}` is missing or empty")]
    MissingField(String),
    /// A field holds something else than text or a number.
    #[error("field `{field}` is {found}; expected a string")]
    FieldType {
        /// The field.
        field: String,
        /// What it is.
        found: &'static str,
    },
    /// The record is longer than a reader takes.
    #[error("the record is longer than {limit} bytes")]
    RecordTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// An earlier record has the same id, where ids must differ.
    #[error("an earlier record has the same id")]
    RepeatedId,
    /// There is nothing visible in the comment.
    #[error("the comment is empty")]
    EmptyComment,
    /// The comment is over the limit.
    #[error("the comment has {chars} characters; the limit is {limit}")]
    CommentTooLong {
        /// Its length in characters.
        chars: usize,
        /// The limit in characters.
        limit: usize,
    },
}

impl RefusalReason {
    /// A word for each kind of reason, for machines: stable from release to release.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Encoding { .. } => "encoding",
            Self::Malformed(_) => "malformed",
            Self::MissingField(_) => "missing_field",
            Self::FieldType { .. } => "field_type",
            Self::RecordTooLong { .. } => "record_too_long",
            Self::RepeatedId => "repeated_id",
            Self::EmptyComment => "empty_comment",
            Self::CommentTooLong { .. } => "comment_too_long",
        }
    }
}
