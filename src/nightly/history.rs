//! What the sink knows of a run and of those before it, for the report and the message.

use super::connection::Connection;
use super::schema::Dialect;
use crate::batch::LabelCount;
use crate::records::database::{DatabaseError, Row, Value};

/// How many runs a night is compared with.
const RUNS: u64 = 30;

/// A run that counts, and its labels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PastRun {
    pub(super) date: String,
    pub(super) by_label: Vec<LabelCount>,
}

impl PastRun {
    /// How many results have a label.
    pub(super) fn count(&self, label: &str) -> u64 {
        LabelCount::of(&self.by_label, label)
    }

    /// The share of a label; nothing of an empty run.
    pub(super) fn share(&self, label: &str) -> Option<f64> {
        let all: u64 = self.by_label.iter().map(|count| count.count).sum();
        (all > 0).then(|| self.count(label) as f64 / all as f64)
    }
}

/// One of the riskiest results.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RiskyReview {
    pub(super) id: String,
    /// The id as the source orders it.
    pub(super) key: Value,
    pub(super) label: String,
    pub(super) risk: f64,
    pub(super) confidence: f64,
}

fn text(row: &mut Row) -> String {
    row.pop().and_then(Value::into_text).unwrap_or_default()
}

/// The last runs that count before `date`, the oldest first.
pub(super) fn past_runs(
    sink: &mut Connection,
    job: &str,
    date: &str,
) -> Result<Vec<PastRun>, DatabaseError> {
    let runs = "SELECT run_id, CAST(business_date AS text) FROM postloan_run \
                WHERE job = $1 AND is_current = 1 AND business_date < $2 \
                ORDER BY business_date DESC LIMIT $3";
    let labels = "SELECT label, label_count FROM postloan_run_label WHERE run_id = $1 \
                  ORDER BY position";
    sink.retry(|database| {
        let found = database.query(runs, &[job.into(), date.into(), RUNS.into()])?;
        let mut past = Vec::with_capacity(found.len());
        for mut run in found.into_iter().rev() {
            // A date may come with a time of day from some databases.
            let date = text(&mut run).chars().take(10).collect();
            let id = run.pop().unwrap_or(Value::Null);
            let counts = database.query(labels, &[id])?.into_iter().map(|mut row| {
                let count = row.pop().and_then(|count| count.as_integer()).unwrap_or(0);
                LabelCount { label: text(&mut row), count: u64::try_from(count).unwrap_or(0) }
            });
            past.push(PastRun { date, by_label: counts.collect() });
        }
        Ok(past)
    })
}

/// The results of a run with the highest risk.
pub(super) fn riskiest(
    sink: &mut Connection,
    run: i64,
    limit: usize,
) -> Result<Vec<RiskyReview>, DatabaseError> {
    let statement = "SELECT risk, confidence, label, source_key, review_id FROM postloan_result \
                     WHERE run_id = $1 ORDER BY risk DESC, review_id LIMIT $2";
    let parameters = [run.into(), (limit as u64).into()];
    let rows = sink.retry(|database| database.query(statement, &parameters))?;
    Ok(rows
        .into_iter()
        .map(|mut row| {
            let id = text(&mut row);
            let key = serde_json::from_str(&text(&mut row)).unwrap_or(Value::Null);
            let label = text(&mut row);
            let number = |value: Option<Value>| value.and_then(|v| v.as_real()).unwrap_or(0.0);
            let confidence = number(row.pop());
            RiskyReview { id, key, label, confidence, risk: number(row.pop()) }
        })
        .collect())
}

/// How many results have a confidence in each tenth, from 0–10 % to 90–100 %.
pub(super) fn confidence_histogram(
    sink: &mut Connection,
    run: i64,
) -> Result<[u64; 10], DatabaseError> {
    sink.retry(|database| {
        let tenth = Dialect::of(database.kind()).whole("confidence * 10");
        let statement =
            format!("SELECT {tenth}, count(*) FROM postloan_result WHERE run_id = $1 GROUP BY 1");
        let mut histogram = [0; 10];
        for row in database.query(&statement, &[run.into()])? {
            let count = |value: &Value| value.as_integer().and_then(|n| u64::try_from(n).ok());
            let tenth = count(&row[0]).unwrap_or(0).min(9) as usize;
            histogram[tenth] += count(&row[1]).unwrap_or(0);
        }
        Ok(histogram)
    })
}
