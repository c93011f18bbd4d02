//! PostgreSQL, and GaussDB after its login.

use std::error::Error;
use std::io;
use std::pin::pin;
use std::time::Duration;

use futures_util::stream::{StreamExt, TryStreamExt};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::config::{Config, SslMode};
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, NoTls, Statement};

use super::address::{DatabaseAddress, DatabaseKind};
use super::error::{DatabaseError, DatabaseErrorKind};
use super::gaussdb_login::log_in;
use super::stream;
use super::value::Value;
use super::{Database, Row, TextRow};

/// After this long without an answer a connection counts as lost.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(1800);

/// How many rows of a stream are taken up at once.
const STREAMED: usize = 256;

/// How many prepared statements are kept.
const PREPARED: usize = 32;

/// A connection, and the runtime it lives on.
pub(super) struct PostgresDatabase {
    runtime: Runtime,
    client: Client,
    prepared: Vec<(String, Statement)>,
    kind: DatabaseKind,
    name: String,
}

impl PostgresDatabase {
    pub(super) fn connect(address: &DatabaseAddress) -> Result<Self, DatabaseError> {
        let name = address.to_string();
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| connect_error(&name, &error))?;
        let connecting = async {
            let mut stream =
                stream::open(address).await.map_err(|error| connect_error(&name, &error))?;
            if address.kind() == DatabaseKind::GaussDb {
                stream =
                    log_in(stream, address).await.map_err(|error| connect_error(&name, &error))?;
            }
            let mut config = Config::new();
            config
                // The stream has TLS already, if any.
                .ssl_mode(SslMode::Disable)
                .user(&address.user)
                .dbname(&address.database)
                .application_name(&address.application);
            if let Some(password) = &address.password {
                config.password(password);
            }
            config.connect_raw(stream, NoTls).await.map_err(|error| database_error(&name, &error))
        };
        let (client, connection) = runtime.block_on(connecting)?;
        // It ends with the runtime; what goes wrong with it, the client's calls tell.
        runtime.spawn(async move { drop(connection.await) });
        let mut database =
            Self { runtime, client, prepared: Vec::new(), kind: address.kind(), name };
        if address.read_only {
            database.run("SET default_transaction_read_only = on")?;
        }
        Ok(database)
    }

    /// Waits for `call`, but not forever.
    fn wait<T>(
        &self,
        call: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, DatabaseError> {
        let limited = async { tokio::time::timeout(STATEMENT_TIMEOUT, call).await };
        match self.runtime.block_on(limited) {
            Ok(result) => result.map_err(|error| database_error(&self.name, &error)),
            Err(_) => Err(DatabaseError {
                kind: DatabaseErrorKind::ConnectionLost,
                database: self.name.clone(),
                message: format!("no answer in {} seconds", STATEMENT_TIMEOUT.as_secs()),
            }),
        }
    }

    fn prepare(&mut self, statement: &str) -> Result<Statement, DatabaseError> {
        if let Some((_, prepared)) = self.prepared.iter().find(|(text, _)| text == statement) {
            return Ok(prepared.clone());
        }
        let prepared = self.wait(self.client.prepare(statement))?;
        if self.prepared.len() == PREPARED {
            self.prepared.remove(0);
        }
        self.prepared.push((statement.to_owned(), prepared.clone()));
        Ok(prepared)
    }
}

/// An error before there was a connection. A server that restarts refuses for a while.
fn connect_error(name: &str, error: &io::Error) -> DatabaseError {
    let kind = match error.kind() {
        io::ErrorKind::InvalidInput
        | io::ErrorKind::Unsupported
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::InvalidData => DatabaseErrorKind::Permanent,
        _ => DatabaseErrorKind::ConnectionLost,
    };
    DatabaseError { kind, database: name.to_owned(), message: error.to_string() }
}

fn database_error(name: &str, error: &tokio_postgres::Error) -> DatabaseError {
    let (kind, message) = match error.as_db_error() {
        Some(said) => {
            let code = said.code().code();
            let kind = match code {
                "40001" | "40P01" | "55P03" => DatabaseErrorKind::Conflict,
                "23505" => DatabaseErrorKind::Duplicate,
                "57P01" | "57P02" | "57P03" | "53300" => DatabaseErrorKind::ConnectionLost,
                _ if code.starts_with("08") => DatabaseErrorKind::ConnectionLost,
                _ => DatabaseErrorKind::Permanent,
            };
            // Errors about data (classes 22 and 23) may quote it, which must not be told.
            let message = match &code[..2] {
                "22" | "23" => format!("an error about the data, SQLSTATE {code}"),
                _ => format!("{} (SQLSTATE {code})", said.message()),
            };
            (kind, message)
        }
        None => {
            let mut source: Option<&(dyn Error + 'static)> = Some(error);
            let mut kind = if error.is_closed() {
                DatabaseErrorKind::ConnectionLost
            } else {
                DatabaseErrorKind::Permanent
            };
            let mut message = error.to_string();
            while let Some(cause) = source {
                if cause.is::<io::Error>() {
                    kind = DatabaseErrorKind::ConnectionLost;
                    message = cause.to_string();
                }
                source = cause.source();
            }
            (kind, message)
        }
    };
    DatabaseError { kind, database: name.to_owned(), message }
}

/// A parameter goes as text, whatever the statement takes it for: the server reads it.
impl ToSql for Value {
    fn to_sql(
        &self,
        _type: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Self::Real(number) => out.extend_from_slice(format!("{number:?}").as_bytes()),
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_type: &Type) -> bool {
        true
    }

    fn encode_format(&self, _type: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *kind {
            Type::INT2 => Self::Integer(i16::from_sql(kind, raw)?.into()),
            Type::INT4 => Self::Integer(i32::from_sql(kind, raw)?.into()),
            Type::INT8 => Self::Integer(i64::from_sql(kind, raw)?),
            Type::FLOAT4 => Self::Real(f32::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => Self::Real(f64::from_sql(kind, raw)?),
            _ => Self::Text(String::from_sql(kind, raw)?),
        })
    }

    fn from_sql_null(_type: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT2 | Type::INT4 | Type::INT8 | Type::FLOAT4 | Type::FLOAT8)
            || <String as FromSql>::accepts(kind)
    }
}

fn references(parameters: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    parameters.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

impl Database for PostgresDatabase {
    fn kind(&self) -> DatabaseKind {
        self.kind
    }

    fn execute(&mut self, statement: &str, parameters: &[Value]) -> Result<u64, DatabaseError> {
        let statement = self.prepare(statement)?;
        self.wait(self.client.execute(&statement, &references(parameters)))
    }

    fn query(&mut self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        let statement = self.prepare(statement)?;
        let rows = self.wait(self.client.query(&statement, &references(parameters)))?;
        rows.iter()
            .map(|row| (0..row.len()).map(|column| row.try_get(column)).collect())
            .collect::<Result<_, _>>()
            .map_err(|error| database_error(&self.name, &error))
    }

    fn columns(&mut self, query: &str) -> Result<Vec<String>, DatabaseError> {
        let statement = self.prepare(query)?;
        match statement.params() {
            [] => Ok(statement.columns().iter().map(|column| column.name().to_owned()).collect()),
            _ => Err(DatabaseError {
                kind: DatabaseErrorKind::Permanent,
                database: self.name.clone(),
                message: "the query has parameters, for which there are no values".to_owned(),
            }),
        }
    }

    fn stream(
        &mut self,
        query: &str,
        columns: &[usize],
        take: &mut dyn FnMut(TextRow) -> bool,
    ) -> Result<(), DatabaseError> {
        // By place, for names may stand twice; and as text, which the server makes of any type.
        let places = 0..self.columns(query)?.len();
        let names: Vec<String> = places.map(|place| format!("c{place}")).collect();
        let casts: Vec<String> =
            columns.iter().map(|place| format!("CAST(q.c{place} AS text)")).collect();
        let statement =
            format!("SELECT {} FROM (\n{query}\n) AS q ({})", casts.join(", "), names.join(", "));
        let statement = self.prepare(&statement)?;
        let none: [&(dyn ToSql + Sync); 0] = [];
        let rows = self.wait(self.client.query_raw(&statement, none))?;
        let mut rows = pin!(rows);
        loop {
            // The connection reads no further than rows are taken from it.
            let some: Vec<_> = self.wait(rows.as_mut().take(STREAMED).try_collect())?;
            let more = some.len() == STREAMED;
            for row in some {
                let values = (0..row.len()).map(|column| row.try_get(column).map(Ok));
                let values = values.collect::<Result<TextRow, _>>();
                if !take(values.map_err(|error| database_error(&self.name, &error))?) {
                    return Ok(());
                }
            }
            if !more {
                return Ok(());
            }
        }
    }

    fn run(&mut self, statements: &str) -> Result<(), DatabaseError> {
        self.wait(self.client.batch_execute(statements))
    }
}
