//! The comments of a date, one after another, from where a run left off.

use std::collections::VecDeque;

use super::connection::Connection;
use crate::records::RefusalReason;
use crate::records::database::{DatabaseError, ReviewQuery, SourceCount, Value};

/// A row of the source.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SourceRow {
    /// Its place in the order of the ids, from 1.
    pub(super) position: u64,
    /// Its id as the source orders it; null for rows without one, which come last.
    pub(super) key: Value,
    /// Its id.
    pub(super) id: Option<String>,
    /// Its comment.
    pub(super) text: String,
    /// Why it is not taken, if it is not.
    pub(super) refusal: Option<RefusalReason>,
}

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Progress {
    /// Rows that are done.
    pub(super) read: u64,
    /// The key of the last of them.
    pub(super) last_key: Option<Value>,
}

/// Which rows are read, and how.
#[derive(Debug, Clone)]
pub(super) struct SourceSettings {
    pub(super) query: ReviewQuery,
    pub(super) date: String,
    /// How many rows are read at once.
    pub(super) page: usize,
    pub(super) id_field: String,
    pub(super) text_field: String,
}

/// Reads the rows of a date by pages.
pub(super) struct SourceReader {
    connection: Connection,
    settings: SourceSettings,
    progress: Progress,
    rows: VecDeque<SourceRow>,
    /// Rows without an id that are still to be refused, once it was asked how many there are.
    without_id: Option<u64>,
    more_pages: bool,
    failed: bool,
}

impl SourceReader {
    /// Goes on after `progress`.
    pub(super) fn new(
        connection: Connection,
        settings: SourceSettings,
        progress: Progress,
    ) -> Self {
        Self {
            connection,
            settings,
            more_pages: progress.last_key != Some(Value::Null),
            progress,
            rows: VecDeque::new(),
            without_id: None,
            failed: false,
        }
    }

    /// How many rows there are now.
    pub(super) fn count_rows(&mut self) -> Result<SourceCount, DatabaseError> {
        let Self { connection, settings: SourceSettings { query, date, .. }, .. } = self;
        connection.retry(|database| query.count(database, date))
    }

    /// Reads the next page, if there is one.
    fn read_page(&mut self) -> Result<(), DatabaseError> {
        let Self { connection, settings, progress, .. } = self;
        let SourceSettings { query, date, page, .. } = settings;
        let after = progress.last_key.as_ref();
        let page = connection.retry(|database| query.page(database, date, after, *page))?;
        self.more_pages = page.more;
        for (key, id, text) in page.rows {
            let refusal = self.refusal(&key, id.as_deref(), text.is_none());
            self.progress.read += 1;
            self.progress.last_key = Some(key.clone());
            self.rows.push_back(SourceRow {
                position: self.progress.read,
                key,
                id,
                text: text.unwrap_or_default(),
                refusal,
            });
        }
        Ok(())
    }

    fn refusal(&self, key: &Value, id: Option<&str>, no_text: bool) -> Option<RefusalReason> {
        let id = id.unwrap_or_default();
        if id.trim().is_empty() {
            Some(RefusalReason::MissingField(self.settings.id_field.clone()))
        } else if id.contains('\0') {
            Some(RefusalReason::Malformed("the id holds a null character".to_owned()))
        } else if self.progress.last_key.as_ref() == Some(key) {
            Some(RefusalReason::RepeatedId)
        } else if no_text {
            Some(RefusalReason::MissingField(self.settings.text_field.clone()))
        } else {
            None
        }
    }

    /// A row without an id, if there is one left. All that can be said of it is that it is there.
    fn row_without_id(&mut self) -> Result<Option<SourceRow>, DatabaseError> {
        let left = match self.without_id {
            Some(left) => left,
            None => {
                let count = self.count_rows()?;
                // They come last: what is done beyond the others are some of them.
                let done = self.progress.read.saturating_sub(count.rows - count.without_id);
                match self.progress.last_key {
                    Some(Value::Null) => count.without_id.saturating_sub(done),
                    _ => count.without_id,
                }
            }
        };
        self.without_id = Some(left.saturating_sub(1));
        if left == 0 {
            return Ok(None);
        }
        self.progress.read += 1;
        self.progress.last_key = Some(Value::Null);
        Ok(Some(SourceRow {
            position: self.progress.read,
            key: Value::Null,
            id: None,
            text: String::new(),
            refusal: Some(RefusalReason::MissingField(self.settings.id_field.clone())),
        }))
    }

    fn next_row(&mut self) -> Result<Option<SourceRow>, DatabaseError> {
        while self.rows.is_empty() && self.more_pages {
            self.read_page()?;
        }
        match self.rows.pop_front() {
            Some(row) => Ok(Some(row)),
            None => self.row_without_id(),
        }
    }
}

impl Iterator for SourceReader {
    type Item = Result<SourceRow, DatabaseError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let row = self.next_row();
        self.failed = row.is_err();
        row.transpose()
    }
}
