//! The tables of the sink, by versions.

use crate::records::database::{Database, DatabaseError, DatabaseErrorKind, DatabaseKind};

/// How a database calls types and moments.
pub(super) struct Dialect {
    pub(super) text: &'static str,
    pub(super) integer: &'static str,
    pub(super) real: &'static str,
    pub(super) date: &'static str,
    pub(super) time: &'static str,
    /// Seconds since 1970, by the database's clock.
    pub(super) epoch: &'static str,
    /// The function for the whole part of a number; empty where a cast cuts it off.
    pub(super) floor: &'static str,
}

impl Dialect {
    pub(super) fn of(kind: DatabaseKind) -> Self {
        match kind {
            DatabaseKind::Sqlite => Self {
                text: "TEXT",
                integer: "INTEGER",
                real: "REAL",
                date: "TEXT",
                time: "TEXT",
                epoch: "CAST(strftime('%s', 'now') AS INTEGER)",
                floor: "",
            },
            DatabaseKind::Postgres | DatabaseKind::GaussDb => Self {
                text: "TEXT",
                integer: "BIGINT",
                real: "DOUBLE PRECISION",
                date: "DATE",
                time: "TIMESTAMP WITH TIME ZONE",
                epoch: "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS BIGINT)",
                floor: "FLOOR",
            },
        }
    }
}

impl Dialect {
    /// An expression for the whole part of a positive number.
    pub(super) fn whole(&self, expression: &str) -> String {
        format!("CAST({}({expression}) AS {})", self.floor, self.integer)
    }
}

/// What each version adds to the one before. What stands here never changes: a sink in
/// production has it.
const MIGRATIONS: [&str; 2] = [
    "
CREATE TABLE postloan_run (
    run_id {integer} NOT NULL PRIMARY KEY,
    job {text} NOT NULL,
    business_date {date} NOT NULL,
    status {text} NOT NULL,
    is_current {integer} NOT NULL,
    model {text} NOT NULL,
    source_count {integer},
    read_count {integer} NOT NULL,
    classified {integer} NOT NULL,
    refused {integer} NOT NULL,
    needs_human {integer} NOT NULL,
    last_key {text},
    starts {integer} NOT NULL,
    started_at {time} NOT NULL,
    finished_at {time},
    seconds {real} NOT NULL,
    classifying_seconds {real} NOT NULL,
    exit_code {integer},
    message {text}
);
CREATE INDEX postloan_run_by_date ON postloan_run (job, business_date);
CREATE TABLE postloan_run_label (
    run_id {integer} NOT NULL,
    label {text} NOT NULL,
    position {integer} NOT NULL,
    label_count {integer} NOT NULL,
    PRIMARY KEY (run_id, label)
);
CREATE TABLE postloan_result (
    run_id {integer} NOT NULL,
    review_id {text} NOT NULL,
    business_date {date} NOT NULL,
    label {text} NOT NULL,
    most_likely {text} NOT NULL,
    confidence {real} NOT NULL,
    risk {real} NOT NULL,
    probabilities {text} NOT NULL,
    needs_human {integer} NOT NULL,
    reasons {text},
    model {text} NOT NULL,
    source_key {text} NOT NULL,
    classified_at {time} NOT NULL,
    PRIMARY KEY (run_id, review_id)
);
CREATE TABLE postloan_rejected (
    run_id {integer} NOT NULL,
    source_row {integer} NOT NULL,
    review_id {text},
    reason {text} NOT NULL,
    detail {text} NOT NULL,
    PRIMARY KEY (run_id, source_row)
);
CREATE TABLE postloan_lock (
    job {text} NOT NULL PRIMARY KEY,
    owner {text} NOT NULL,
    acquired_at {integer} NOT NULL,
    heartbeat_at {integer} NOT NULL
);
CREATE VIEW postloan_current_result AS
    SELECT result.*, run.job FROM postloan_result result
    JOIN postloan_run run ON run.run_id = result.run_id
    WHERE run.is_current = 1;
",
    "
ALTER TABLE postloan_run ADD COLUMN report_due {integer} NOT NULL DEFAULT 0;
ALTER TABLE postloan_run ADD COLUMN message_due {integer} NOT NULL DEFAULT 0;
",
];

/// The latest version.
pub(super) const LATEST: i64 = MIGRATIONS.len() as i64;

/// Brings the tables to the latest version and gives the version that is there, which may be a
/// later one.
pub(super) fn migrate(database: &mut dyn Database) -> Result<i64, DatabaseError> {
    let dialect = Dialect::of(database.kind());
    let fill = |statements: &str| {
        statements
            .replace("{text}", dialect.text)
            .replace("{integer}", dialect.integer)
            .replace("{real}", dialect.real)
            .replace("{date}", dialect.date)
            .replace("{time}", dialect.time)
    };
    // Two copies may begin at once: the one that comes second finds the work done.
    let created = database.run(&fill(
        "CREATE TABLE IF NOT EXISTS postloan_schema (version {integer} NOT NULL PRIMARY KEY)",
    ));
    match created {
        Err(error) if error.kind != DatabaseErrorKind::Duplicate => return Err(error),
        _ => {}
    }
    loop {
        let rows = database.query("SELECT max(version) FROM postloan_schema", &[])?;
        let version = rows.first().and_then(|row| row[0].as_integer()).unwrap_or(0);
        let next = usize::try_from(version).unwrap_or(usize::MAX);
        let Some(statements) = MIGRATIONS.get(next) else {
            return Ok(version);
        };
        database.begin()?;
        // The number first: its key lets only one copy go on.
        let migrated = database
            .execute("INSERT INTO postloan_schema (version) VALUES ($1)", &[(version + 1).into()])
            .and_then(|_| database.run(&fill(statements)))
            .and_then(|()| database.commit());
        if let Err(error) = migrated {
            database.rollback();
            if error.kind != DatabaseErrorKind::Duplicate {
                return Err(error);
            }
        }
    }
}
