//! SQLite.

use std::str::Utf8Error;
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, params_from_iter};

use super::address::{DatabaseAddress, DatabaseKind};
use super::error::{DatabaseError, DatabaseErrorKind};
use super::value::Value;
use super::{Database, Row, TextRow};

/// How long a statement waits for another connection's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to a file of SQLite.
pub(super) struct SqliteDatabase {
    connection: Connection,
    name: String,
}

impl SqliteDatabase {
    pub(super) fn open(address: &DatabaseAddress) -> Result<Self, DatabaseError> {
        let name = address.to_string();
        let error = |error: rusqlite::Error| database_error(&name, &error);
        let access = match address.read_only {
            true => OpenFlags::SQLITE_OPEN_READ_ONLY,
            false => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        };
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&address.path, flags).map_err(error)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(error)?;
        connection.set_prepared_statement_cache_capacity(32);
        if !address.read_only {
            // Readers and the writer do not wait for one another; a commit is on disk.
            connection
                .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
                .map_err(error)?;
        }
        Ok(Self { connection, name })
    }
}

fn database_error(name: &str, error: &rusqlite::Error) -> DatabaseError {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DatabaseErrorKind::Conflict,
        Some(ErrorCode::ConstraintViolation) => DatabaseErrorKind::Duplicate,
        _ => DatabaseErrorKind::Permanent,
    };
    let message = match error {
        // Its words name tables and columns, or what SQLite could not do: no values.
        rusqlite::Error::SqliteFailure(code, message) => {
            message.clone().unwrap_or_else(|| code.to_string())
        }
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        rusqlite::Error::InvalidColumnType(_, column, kind) => {
            format!("column `{column}` holds {kind}")
        }
        other => other.to_string(),
    };
    DatabaseError { kind, database: name.to_owned(), message }
}

/// A value written out, where it is UTF-8.
fn text_of(value: ValueRef<'_>) -> Result<Option<String>, Utf8Error> {
    Ok(Some(match value {
        ValueRef::Null => return Ok(None),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => str::from_utf8(bytes)?.to_owned(),
    }))
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

impl Database for SqliteDatabase {
    fn kind(&self) -> DatabaseKind {
        DatabaseKind::Sqlite
    }

    fn execute(&mut self, statement: &str, parameters: &[Value]) -> Result<u64, DatabaseError> {
        let result = self
            .connection
            .prepare_cached(statement)
            .and_then(|mut statement| statement.execute(params_from_iter(parameters)));
        result.map(|rows| rows as u64).map_err(|error| database_error(&self.name, &error))
    }

    fn query(&mut self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        let query = || {
            let mut statement = self.connection.prepare_cached(statement)?;
            let columns = statement.column_count();
            let mut rows = statement.query(params_from_iter(parameters))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let values = (0..columns).map(|column| {
                    Ok(match row.get_ref(column)? {
                        ValueRef::Null => Value::Null,
                        ValueRef::Integer(number) => Value::Integer(number),
                        ValueRef::Real(number) => Value::Real(number),
                        // Bytes that are no UTF-8 are told by the replacement character.
                        ValueRef::Text(text) | ValueRef::Blob(text) => {
                            Value::Text(String::from_utf8_lossy(text).into_owned())
                        }
                    })
                });
                found.push(values.collect::<rusqlite::Result<Row>>()?);
            }
            Ok(found)
        };
        query().map_err(|error| database_error(&self.name, &error))
    }

    fn columns(&mut self, query: &str) -> Result<Vec<String>, DatabaseError> {
        let prepared = self.connection.prepare_cached(query);
        let names = prepared.map(|statement| statement.column_names().map(str::to_owned).collect());
        names.map_err(|error| database_error(&self.name, &error))
    }

    fn stream(
        &mut self,
        query: &str,
        columns: &[usize],
        take: &mut dyn FnMut(TextRow) -> bool,
    ) -> Result<(), DatabaseError> {
        let mut stream = || {
            let mut statement = self.connection.prepare_cached(query)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let values = columns.iter().map(|&column| Ok(text_of(row.get_ref(column)?)));
                if !take(values.collect::<rusqlite::Result<TextRow>>()?) {
                    break;
                }
            }
            Ok(())
        };
        stream().map_err(|error| database_error(&self.name, &error))
    }

    fn run(&mut self, statements: &str) -> Result<(), DatabaseError> {
        self.connection
            .execute_batch(statements)
            .map_err(|error| database_error(&self.name, &error))
    }

    fn begin(&mut self) -> Result<(), DatabaseError> {
        // At once for writing: a transaction that turned from reading to writing would fail.
        self.run("BEGIN IMMEDIATE")
    }
}
