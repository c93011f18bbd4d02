//! Reviews out of a query with a date, a page after another.

use thiserror::Error;

use super::address::DatabaseKind;
use super::error::DatabaseError;
use super::value::Value;
use super::{Database, Row};

/// What is wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReviewQueryError {
    /// Nothing in it depends on the date.
    #[error("the query does not use :date, so that it would give the same comments every day")]
    NoDate,
    /// A field's name cannot be written in SQL.
    #[error("`{0}` cannot be the name of a column: it is empty, or has a quotation mark in it")]
    FieldName(String),
}

/// A query that gives the reviews of a business date.
///
/// It is wrapped, not changed: pages are cut by the order of the ids, so that no row is read
/// twice and none is skipped, however long it takes and wherever it is taken up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewQuery {
    count: String,
    first_page: String,
    next_page: String,
    one: String,
}

/// Some reviews, in the order of their ids.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// For each row: the id as the database orders it, the id as text, the comment.
    pub rows: Vec<(Value, Option<String>, Option<String>)>,
    /// Whether there may be more.
    pub more: bool,
}

/// How many rows there are, and of how many the id is null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceCount {
    /// All rows.
    pub rows: u64,
    /// Those without an id.
    pub without_id: u64,
}

impl ReviewQuery {
    /// Wraps `query`, in which `:date` stands for the business date.
    ///
    /// # Errors
    ///
    /// A query without a date, or fields that cannot be columns.
    pub fn new(
        kind: DatabaseKind,
        query: &str,
        id_field: &str,
        text_field: &str,
    ) -> Result<Self, ReviewQueryError> {
        let query = query.trim().trim_end_matches(';');
        let (query, dates) = with_date_parameter(query);
        if dates == 0 {
            return Err(ReviewQueryError::NoDate);
        }
        let quoted = |name: &str| match name.is_empty() || name.contains('"') {
            true => Err(ReviewQueryError::FieldName(name.to_owned())),
            false => Ok(format!("q.\"{name}\"")),
        };
        let (id, text) = (quoted(id_field)?, quoted(text_field)?);
        // SQLite orders values by their own types; elsewhere a column has one, and text becomes it.
        let key = match kind {
            DatabaseKind::Sqlite => id.clone(),
            _ => format!("CAST({id} AS text)"),
        };
        let columns = format!("{key}, CAST({id} AS text), CAST({text} AS text)");
        let from = format!("FROM ({query}) q");
        // The comment decides among rows of one id, so that their order is always the same.
        let order = format!("ORDER BY {id}, {text}");
        Ok(Self {
            count: format!("SELECT count(*), count({id}) {from}"),
            first_page: format!("SELECT {columns} {from} WHERE {id} IS NOT NULL {order} LIMIT $2"),
            next_page: format!("SELECT {columns} {from} WHERE {id} > $2 {order} LIMIT $3"),
            one: format!("SELECT CAST({text} AS text) {from} WHERE {id} = $2 {order} LIMIT 1"),
        })
    }

    /// Counts the rows of a date.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub fn count(
        &self,
        database: &mut dyn Database,
        date: &str,
    ) -> Result<SourceCount, DatabaseError> {
        let rows = database.query(&self.count, &[date.into()])?;
        let number = |column: usize| {
            let value = rows.first().and_then(|row| row.get(column)).and_then(Value::as_integer);
            value.and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
        };
        Ok(SourceCount { rows: number(0), without_id: number(0) - number(1).min(number(0)) })
    }

    /// The rows whose ids follow `after`, at most `limit` of them.
    ///
    /// Rows of one id stay together: the last id of a full page is left to the next one, unless
    /// the page has no other.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub fn page(
        &self,
        database: &mut dyn Database,
        date: &str,
        after: Option<&Value>,
        limit: usize,
    ) -> Result<Page, DatabaseError> {
        let mut limit = limit.max(2);
        loop {
            let size = Value::from(limit as u64);
            let rows = match after {
                None => database.query(&self.first_page, &[date.into(), size])?,
                Some(after) => {
                    database.query(&self.next_page, &[date.into(), after.clone(), size])?
                }
            };
            let more = rows.len() == limit;
            let mut rows: Vec<_> = rows.into_iter().map(columns).collect();
            if more {
                let last = rows.last().map(|(key, ..)| key.clone());
                let whole = rows.partition_point(|(key, ..)| Some(key) != last.as_ref());
                if whole == 0 {
                    // All of one id: a larger page shows where it ends.
                    limit *= 2;
                    continue;
                }
                rows.truncate(whole);
            }
            return Ok(Page { rows, more });
        }
    }

    /// The comment of an id.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub fn text(
        &self,
        database: &mut dyn Database,
        date: &str,
        key: &Value,
    ) -> Result<Option<String>, DatabaseError> {
        let rows = database.query(&self.one, &[date.into(), key.clone()])?;
        Ok(rows.into_iter().flatten().next().and_then(Value::into_text))
    }
}

fn columns(row: Row) -> (Value, Option<String>, Option<String>) {
    let mut values = row.into_iter();
    let mut next = || values.next().unwrap_or(Value::Null);
    (next(), next().into_text(), next().into_text())
}

/// `query` with `$1` for each `:date`, and how many there were. In quotes, in comments and in a
/// cast (`::date`) it means something else.
fn with_date_parameter(query: &str) -> (String, usize) {
    const NAME: &str = ":date";
    let (mut written, mut dates) = (String::new(), 0);
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        let skip_to = |end: &str, from: usize| {
            rest[from..].find(end).map_or(rest.len(), |place| from + place + end.len())
        };
        let taken = match first {
            '\'' | '"' => skip_to(&first.to_string(), 1),
            '-' if rest.starts_with("--") => skip_to("\n", 2),
            '/' if rest.starts_with("/*") => skip_to("*/", 2),
            ':' if rest.starts_with("::") => 2,
            ':' if rest.starts_with(NAME)
                && !rest[NAME.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_') =>
            {
                written += "$1";
                dates += 1;
                rest = &rest[NAME.len()..];
                continue;
            }
            _ => first.len_utf8(),
        };
        written += &rest[..taken];
        rest = &rest[taken..];
    }
    (written, dates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_a_parameter_wherever_it_is_one() {
        let query = "select ':date', x::date -- :date\n from \"t:date\" where d = :date or :dates";
        let (written, dates) = with_date_parameter(query);
        assert_eq!(dates, 1);
        assert!(written.contains("where d = $1 or :dates"), "{written}");
        let none = ReviewQuery::new(DatabaseKind::Sqlite, "select 1", "id", "text");
        assert_eq!(none, Err(ReviewQueryError::NoDate));
        let quoted = ReviewQuery::new(DatabaseKind::Sqlite, "select :date", "i\"d", "text");
        assert_eq!(quoted, Err(ReviewQueryError::FieldName("i\"d".to_owned())));
    }
}
