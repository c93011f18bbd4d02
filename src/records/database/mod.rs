//! Databases behind one trait: SQLite, PostgreSQL, and GaussDB, which speaks PostgreSQL's protocol
//! after a login of its own.

mod address;
mod error;
mod gaussdb_login;
mod postgres;
mod review_query;
mod sqlite;
mod stream;
mod value;

pub use address::{DatabaseAddress, DatabaseAddressError, DatabaseKind};
pub use error::{DatabaseError, DatabaseErrorKind};
pub use review_query::{Page, ReviewQuery, ReviewQueryError, SourceCount};
pub use value::Value;

use std::str::Utf8Error;

use postgres::PostgresDatabase;
use sqlite::SqliteDatabase;

/// A row of a result: numbers and text.
pub type Row = Vec<Value>;

/// A row of a result that is streamed: everything as text, `None` for a null.
pub type TextRow = Vec<Result<Option<String>, Utf8Error>>;

/// A connection to a database, whichever it is.
///
/// Parameters are written `$1`, `$2`, … in every statement.
pub trait Database: Send {
    /// Which database it is.
    fn kind(&self) -> DatabaseKind;

    /// Runs one statement and gives the number of rows it changed.
    ///
    /// # Errors
    ///
    /// What the database says.
    fn execute(&mut self, statement: &str, parameters: &[Value]) -> Result<u64, DatabaseError>;

    /// Runs one statement and gives its rows, all at once.
    ///
    /// # Errors
    ///
    /// What the database says, or a column that is neither text nor a number.
    fn query(&mut self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, DatabaseError>;

    /// The names of the columns that a query without parameters gives.
    ///
    /// # Errors
    ///
    /// What the database says.
    fn columns(&mut self, query: &str) -> Result<Vec<String>, DatabaseError>;

    /// Runs a query without parameters and gives `take` its rows, one after another, in bounded
    /// memory: of each the `columns`, by their places. `take` says whether it wants more.
    ///
    /// # Errors
    ///
    /// What the database says.
    fn stream(
        &mut self,
        query: &str,
        columns: &[usize],
        take: &mut dyn FnMut(TextRow) -> bool,
    ) -> Result<(), DatabaseError>;

    /// Runs statements without parameters, separated by semicolons.
    ///
    /// # Errors
    ///
    /// What the database says.
    fn run(&mut self, statements: &str) -> Result<(), DatabaseError>;

    /// Begins a transaction that will write.
    ///
    /// # Errors
    ///
    /// What the database says.
    fn begin(&mut self) -> Result<(), DatabaseError> {
        self.run("BEGIN")
    }

    /// Ends the transaction and keeps what it did.
    ///
    /// # Errors
    ///
    /// What the database says. If the connection was lost, nobody knows whether it was kept.
    fn commit(&mut self) -> Result<(), DatabaseError> {
        self.run("COMMIT")
    }

    /// Ends the transaction as if it had not been. A lost connection has done so by itself.
    fn rollback(&mut self) {
        let _ = self.run("ROLLBACK");
    }
}

/// Connects to the database at `address`.
///
/// # Errors
///
/// A database that is not there, or refuses.
pub fn connect(address: &DatabaseAddress) -> Result<Box<dyn Database>, DatabaseError> {
    Ok(match address.kind() {
        DatabaseKind::Sqlite => Box::new(SqliteDatabase::open(address)?),
        DatabaseKind::Postgres | DatabaseKind::GaussDb => {
            Box::new(PostgresDatabase::connect(address)?)
        }
    })
}

/// Inserts rows into `table`, many at a time. A row whose `key` is there already takes its place.
///
/// # Errors
///
/// What the database says.
pub fn upsert(
    database: &mut dyn Database,
    table: &str,
    columns: &[&str],
    key: &[&str],
    rows: &[Row],
) -> Result<(), DatabaseError> {
    /// Statements have at most so many parameters: 65,535 in PostgreSQL, 32,766 in SQLite.
    const PARAMETERS: usize = 16_000;
    let conflict = on_conflict(database.kind(), columns, key);
    for rows in rows.chunks(PARAMETERS / columns.len()) {
        let mut statement = format!("INSERT INTO {table} ({}) VALUES ", columns.join(", "));
        let mut parameters = Vec::with_capacity(rows.len() * columns.len());
        for row in rows {
            statement += if parameters.is_empty() { "(" } else { ", (" };
            for value in row {
                parameters.push(value.clone());
                let comma = if parameters.len() % columns.len() == 1 { "" } else { ", " };
                statement += &format!("{comma}${}", parameters.len());
            }
            statement += ")";
        }
        statement += &conflict;
        database.execute(&statement, &parameters)?;
    }
    Ok(())
}

fn on_conflict(kind: DatabaseKind, columns: &[&str], key: &[&str]) -> String {
    let others = columns.iter().filter(|column| !key.contains(column));
    match kind {
        DatabaseKind::Sqlite | DatabaseKind::Postgres => {
            let set: Vec<String> = others.map(|c| format!("{c} = excluded.{c}")).collect();
            format!(" ON CONFLICT ({}) DO UPDATE SET {}", key.join(", "), set.join(", "))
        }
        DatabaseKind::GaussDb => {
            let set: Vec<String> = others.map(|c| format!("{c} = VALUES({c})")).collect();
            format!(" ON DUPLICATE KEY UPDATE {}", set.join(", "))
        }
    }
}
