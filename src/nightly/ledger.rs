//! The runs of a job: which there are, how far each has come, and which one counts.

use std::collections::BTreeMap;

use super::calendar::now;
use super::lock::{Owner, beat};
use super::source::Progress;
use crate::batch::LabelCount;
use crate::records::database::{Database, DatabaseError, Row, Value, upsert};

/// A run, as its row tells.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub(super) id: i64,
    pub(super) status: Status,
    pub(super) is_current: bool,
    pub(super) model: String,
    pub(super) source: u64,
    pub(super) progress: Progress,
    pub(super) classified: u64,
    pub(super) refused: u64,
    pub(super) needs_human: u64,
    pub(super) starts: i64,
    pub(super) seconds: f64,
    pub(super) classifying_seconds: f64,
    pub(super) exit_code: Option<i64>,
    pub(super) due: Due,
}

/// What is still to be told of a run that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Due {
    pub(super) report: bool,
    pub(super) message: bool,
}

/// How a run stands in its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Under way, or killed under way.
    Running,
    /// Given up; it can be taken up again.
    Failed,
    /// There was nothing to do; there may be later.
    Empty,
    /// Everything is done.
    Done,
    /// The counts did not add up: it is never taken up again.
    Unreconciled,
    /// Left behind for a run with another model.
    Abandoned,
}

impl Status {
    const ALL: [(Self, &str); 6] = [
        (Self::Running, "running"),
        (Self::Failed, "failed"),
        (Self::Empty, "empty"),
        (Self::Done, "done"),
        (Self::Unreconciled, "unreconciled"),
        (Self::Abandoned, "abandoned"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(status, _)| *status == self).map_or("", |(_, name)| name)
    }

    fn of_name(name: &str) -> Self {
        let known = Self::ALL.iter().find(|(_, known)| *known == name);
        known.map_or(Self::Abandoned, |(status, _)| *status)
    }

    /// Whether a run that stands so can be gone on with.
    pub(super) fn can_be_resumed(self) -> bool {
        matches!(self, Self::Running | Self::Failed | Self::Empty)
    }
}

const RUN_COLUMNS: &str = "run_id, status, is_current, model, source_count, read_count, \
     classified, refused, needs_human, last_key, starts, seconds, classifying_seconds, exit_code, \
     report_due, message_due";

fn run_of(row: Row) -> Run {
    let mut values = row.into_iter();
    let mut next = || values.next().unwrap_or(Value::Null);
    let count = |value: Value| value.as_integer().and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    // In the order of the columns.
    let id = next().as_integer().unwrap_or(0);
    let status = Status::of_name(&next().into_text().unwrap_or_default());
    let is_current = next().as_integer() == Some(1);
    let model = next().into_text().unwrap_or_default();
    let source = count(next());
    let read = count(next());
    let (classified, refused, needs_human) = (count(next()), count(next()), count(next()));
    let last_key = next().into_text().and_then(|key| serde_json::from_str(&key).ok());
    Run {
        id,
        status,
        is_current,
        model,
        source,
        progress: Progress { read, last_key },
        classified,
        refused,
        needs_human,
        starts: next().as_integer().unwrap_or(0),
        seconds: next().as_real().unwrap_or(0.0),
        classifying_seconds: next().as_real().unwrap_or(0.0),
        exit_code: next().as_integer(),
        due: Due {
            report: next().as_integer() == Some(1),
            message: next().as_integer() == Some(1),
        },
    }
}

/// The run of a date that counts, if there is one.
pub(super) fn current_run(
    database: &mut dyn Database,
    job: &str,
    date: &str,
) -> Result<Option<Run>, DatabaseError> {
    let statement = format!(
        "SELECT {RUN_COLUMNS} FROM postloan_run \
         WHERE job = $1 AND business_date = $2 AND is_current = 1"
    );
    let rows = database.query(&statement, &[job.into(), date.into()])?;
    Ok(rows.into_iter().next().map(run_of))
}

/// A run by its number.
pub(super) fn read_run(
    database: &mut dyn Database,
    run: i64,
) -> Result<Option<Run>, DatabaseError> {
    let statement = format!("SELECT {RUN_COLUMNS} FROM postloan_run WHERE run_id = $1");
    let rows = database.query(&statement, &[run.into()])?;
    Ok(rows.into_iter().next().map(run_of))
}

/// The run to go on with: the last one of the date if it can be resumed and has the same model,
/// or a new one. The lock must be held.
pub(super) fn begin_run(
    database: &mut dyn Database,
    job: &str,
    date: &str,
    model: &str,
) -> Result<Run, DatabaseError> {
    let last = format!(
        "SELECT {RUN_COLUMNS} FROM postloan_run WHERE job = $1 AND business_date = $2 \
         ORDER BY run_id DESC LIMIT 1"
    );
    let last = database.query(&last, &[job.into(), date.into()])?.into_iter().next().map(run_of);
    match last {
        Some(run) if run.status.can_be_resumed() && run.model == model => {
            let resume = "UPDATE postloan_run SET status = $1, starts = starts + 1, \
                          finished_at = NULL, exit_code = NULL, message = NULL WHERE run_id = $2";
            database.execute(resume, &[Status::Running.name().into(), run.id.into()])?;
            return Ok(Run { status: Status::Running, starts: run.starts + 1, ..run });
        }
        Some(run) if run.status.can_be_resumed() => {
            let abandon = "UPDATE postloan_run SET status = $1 WHERE run_id = $2";
            database.execute(abandon, &[Status::Abandoned.name().into(), run.id.into()])?;
        }
        _ => {}
    }
    let rows = database.query("SELECT coalesce(max(run_id), 0) + 1 FROM postloan_run", &[])?;
    let id = rows.first().and_then(|row| row[0].as_integer()).unwrap_or(1);
    database.execute(
        "INSERT INTO postloan_run (run_id, job, business_date, status, is_current, model, \
         read_count, classified, refused, needs_human, starts, started_at, seconds, \
         classifying_seconds) VALUES ($1, $2, $3, $4, 0, $5, 0, 0, 0, 0, 1, $6, 0, 0)",
        &[
            id.into(),
            job.into(),
            date.into(),
            Status::Running.name().into(),
            model.into(),
            now().into(),
        ],
    )?;
    Ok(read_run(database, id)?.unwrap_or_else(|| run_of(Vec::new())))
}

/// Some rows that are done, and how far they bring the run.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) results: Vec<Row>,
    pub(super) rejected: Vec<Row>,
    pub(super) needs_human: u64,
    pub(super) progress: Progress,
}

impl Batch {
    pub(super) fn rows(&self) -> usize {
        self.results.len() + self.rejected.len()
    }
}

/// The columns of a result, in the order of a batch's rows.
pub(super) const RESULT_COLUMNS: [&str; 13] = [
    "run_id",
    "review_id",
    "business_date",
    "label",
    "most_likely",
    "confidence",
    "risk",
    "probabilities",
    "needs_human",
    "reasons",
    "model",
    "source_key",
    "classified_at",
];

/// The columns of a refusal, in the order of a batch's rows.
pub(super) const REJECTED_COLUMNS: [&str; 5] =
    ["run_id", "source_row", "review_id", "reason", "detail"];

/// How long a run has worked so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) seconds: f64,
    pub(super) classifying_seconds: f64,
}

/// Writes a batch and how far the run has come, all in the transaction under way. Done twice, it
/// does nothing the second time. `false` if the lock is not held any more.
pub(super) fn commit_batch(
    database: &mut dyn Database,
    job: &str,
    owner: &Owner,
    run: i64,
    batch: &Batch,
    times: Times,
) -> Result<bool, DatabaseError> {
    if !beat(database, job, owner)? {
        return Ok(false);
    }
    let read = "SELECT read_count FROM postloan_run WHERE run_id = $1";
    let rows = database.query(read, &[run.into()])?;
    let done = rows.first().and_then(|row| row[0].as_integer()).unwrap_or(0);
    if Value::from(batch.progress.read).as_integer() <= Some(done) {
        return Ok(true);
    }
    let key = ["run_id", "review_id"];
    upsert(database, "postloan_result", &RESULT_COLUMNS, &key, &batch.results)?;
    let key = ["run_id", "source_row"];
    upsert(database, "postloan_rejected", &REJECTED_COLUMNS, &key, &batch.rejected)?;
    let last_key = batch.progress.last_key.as_ref();
    let last_key = last_key.and_then(|key| serde_json::to_string(key).ok());
    database.execute(
        "UPDATE postloan_run SET read_count = $1, classified = classified + $2, \
         refused = refused + $3, needs_human = needs_human + $4, last_key = $5, seconds = $6, \
         classifying_seconds = $7 WHERE run_id = $8",
        &[
            batch.progress.read.into(),
            (batch.results.len() as u64).into(),
            (batch.rejected.len() as u64).into(),
            batch.needs_human.into(),
            last_key.into(),
            times.seconds.into(),
            times.classifying_seconds.into(),
            run.into(),
        ],
    )?;
    Ok(true)
}

/// What stands in the sink of a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Counts {
    pub(super) classified: u64,
    pub(super) refused: u64,
    pub(super) by_label: Vec<LabelCount>,
    pub(super) refused_by_reason: BTreeMap<String, u64>,
}

/// Counts the rows of a run: those that are there, not those that were written.
pub(super) fn count_rows(
    database: &mut dyn Database,
    run: i64,
    labels: &[&str],
) -> Result<Counts, DatabaseError> {
    let mut grouped = |statement: &str| -> Result<BTreeMap<String, u64>, DatabaseError> {
        let rows = database.query(statement, &[run.into()])?;
        Ok(rows
            .into_iter()
            .map(|mut row| {
                let count = row.pop().and_then(|count| count.as_integer()).unwrap_or(0);
                let name = row.pop().and_then(Value::into_text).unwrap_or_default();
                (name, u64::try_from(count).unwrap_or(0))
            })
            .collect())
    };
    let mut results =
        grouped("SELECT label, count(*) FROM postloan_result WHERE run_id = $1 GROUP BY label")?;
    let refused_by_reason = grouped(
        "SELECT reason, count(*) FROM postloan_rejected WHERE run_id = $1 GROUP BY reason",
    )?;
    let classified = results.values().sum();
    let mut by_label: Vec<LabelCount> = labels
        .iter()
        .map(|label| LabelCount {
            label: (*label).to_owned(),
            count: results.remove(*label).unwrap_or(0),
        })
        .collect();
    // Labels that the model does not have are none of this run; but nothing is left out.
    by_label.extend(results.into_iter().map(|(label, count)| LabelCount { label, count }));
    let refused = refused_by_reason.values().sum();
    Ok(Counts { classified, refused, by_label, refused_by_reason })
}

/// How a run ends.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    pub(super) status: Status,
    pub(super) exit_code: u8,
    pub(super) source: u64,
    pub(super) message: Option<String>,
    pub(super) times: Times,
    /// What is to be told of it, from this moment on.
    pub(super) due: Due,
}

/// Ends a run. One that is done becomes the one that counts. `false` if the lock is not held any
/// more.
pub(super) fn end_run(
    database: &mut dyn Database,
    job: &str,
    date: &str,
    owner: &Owner,
    run: i64,
    counts: Option<&Counts>,
    ending: &Ending,
) -> Result<bool, DatabaseError> {
    if !beat(database, job, owner)? {
        return Ok(false);
    }
    if ending.status == Status::Done {
        let others = "UPDATE postloan_run SET is_current = 0 \
                      WHERE job = $1 AND business_date = $2 AND is_current = 1";
        database.execute(others, &[job.into(), date.into()])?;
    }
    if let Some(counts) = counts {
        let rows: Vec<Row> = (0_i64..)
            .zip(&counts.by_label)
            .map(|(position, LabelCount { label, count })| {
                vec![run.into(), label.as_str().into(), position.into(), (*count).into()]
            })
            .collect();
        let columns = ["run_id", "label", "position", "label_count"];
        upsert(database, "postloan_run_label", &columns, &["run_id", "label"], &rows)?;
    }
    database.execute(
        "UPDATE postloan_run SET status = $1, is_current = $2, exit_code = $3, \
         source_count = $4, message = $5, seconds = $6, classifying_seconds = $7, \
         finished_at = $8, report_due = $9, message_due = $10 WHERE run_id = $11",
        &[
            ending.status.name().into(),
            i64::from(ending.status == Status::Done).into(),
            i64::from(ending.exit_code).into(),
            ending.source.into(),
            ending.message.clone().into(),
            ending.times.seconds.into(),
            ending.times.classifying_seconds.into(),
            now().into(),
            i64::from(ending.due.report).into(),
            i64::from(ending.due.message).into(),
            run.into(),
        ],
    )?;
    Ok(true)
}

/// Writes down what is still to be told of a run.
pub(super) fn write_due(
    database: &mut dyn Database,
    run: i64,
    due: Due,
) -> Result<(), DatabaseError> {
    let update = "UPDATE postloan_run SET report_due = $1, message_due = $2 WHERE run_id = $3";
    let due = [due.report, due.message].map(|due| Value::from(i64::from(due)));
    let [report, message] = due;
    database.execute(update, &[report, message, run.into()]).map(|_| ())
}
