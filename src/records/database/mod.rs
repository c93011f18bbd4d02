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

/// Inserts rows into `table`. A row whose `key` is there already takes its place.
///
/// A server is sent many rows at a time, in a few sizes only, so that it need not read a new
/// statement for every number of rows. SQLite, which is asked without a way between, is fastest
/// with one statement for all rows: it looks each parameter up among all of the statement.
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
    /// Statements have at most so many parameters: 65,535 in PostgreSQL.
    const PARAMETERS: usize = 32_000;
    let sizes: &[usize] = match database.kind() {
        DatabaseKind::Sqlite => &[],
        DatabaseKind::Postgres | DatabaseKind::GaussDb => &[1024, 256, 64, 16, 4],
    };
    let conflict = on_conflict(database.kind(), columns, key);
    let mut rows = rows;
    while let Some(first) = rows.first() {
        let fits = |size: &usize| *size <= rows.len() && size * columns.len() <= PARAMETERS;
        let size = sizes.iter().copied().find(fits).unwrap_or(1);
        let (now, later) = rows.split_at(size);
        let values = places(columns.len(), size);
        let statement =
            format!("INSERT INTO {table} ({}) VALUES {values}{conflict}", columns.join(", "));
        match size {
            1 => database.execute(&statement, first)?,
            _ => database.execute(&statement, &now.concat())?,
        };
        rows = later;
    }
    Ok(())
}

/// `($1, $2), ($3, $4)` for two columns and two rows.
fn places(columns: usize, rows: usize) -> String {
    let row = |row: usize| {
        let places = (1..=columns).map(|column| format!("${}", row * columns + column));
        format!("({})", places.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_parameters_go_on_from_row_to_row() {
        assert_eq!(places(3, 1), "($1, $2, $3)");
        assert_eq!(places(2, 3), "($1, $2), ($3, $4), ($5, $6)");
    }

    #[test]
    fn a_row_whose_key_is_there_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("sqlite:{}", folder.path().join("a.db").display());
        let mut database = connect(&DatabaseAddress::parse(&address).unwrap()).unwrap();
        database.run("CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT)").unwrap();
        let mut put = |rows: &[(i64, &str)]| {
            let rows: Vec<Row> = rows.iter().map(|(k, v)| vec![(*k).into(), (*v).into()]).collect();
            upsert(&mut *database, "t", &["k", "v"], &["k"], &rows).unwrap();
            database.query("SELECT k, v FROM t ORDER BY k", &[]).unwrap()
        };
        put(&[(1, "a"), (2, "b")]);
        let rows = put(&[(2, "c"), (3, "d")]);
        let expected = [(1, "a"), (2, "c"), (3, "d")];
        assert_eq!(rows, expected.map(|(k, v)| vec![Value::Integer(k), v.into()]));
    }
}
