//! A bank of five nights in one folder, for a newcomer to see.

use std::fs;
use std::path::{Path, PathBuf};

use super::calendar::BusinessDate;
use super::error::NightlyError;
use crate::records::database::{self, Database, DatabaseAddress, DatabaseError, Row};

/// Synthetic comments out of the project's corpus, with their labels.
const COMMENTS: &str = include_str!("../../data/demo-comments.csv");

/// How many comments of each label each night has: on the last one, risk is up.
const NIGHTS: [[(&str, usize); 3]; 5] = [
    [("normal", 150), ("watch", 28), ("risky", 14)],
    [("normal", 161), ("watch", 25), ("risky", 15)],
    [("normal", 144), ("watch", 31), ("risky", 12)],
    [("normal", 158), ("watch", 27), ("risky", 16)],
    [("normal", 149), ("watch", 38), ("risky", 29)],
];

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demo {
    /// The settings of the job.
    pub config: PathBuf,
    /// The nights, the last of them yesterday.
    pub dates: Vec<BusinessDate>,
}

/// Makes a database of comments and the settings of a job in `folder`.
///
/// # Errors
///
/// A folder that cannot be written.
pub fn make(folder: &Path, model: &Path) -> Result<Demo, NightlyError> {
    let failed = |source| NightlyError::Write { path: folder.display().to_string(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let model = fs::canonicalize(model).unwrap_or_else(|_| model.to_owned());
    let config = folder.join("nightly.toml");
    fs::write(&config, settings(&model)).map_err(failed)?;
    let nights = NIGHTS.len() as i64;
    let yesterday = BusinessDate::today().plus_days(-1);
    let dates: Vec<_> = (0..nights).map(|night| yesterday.plus_days(night + 1 - nights)).collect();
    let bank = DatabaseAddress::parse("sqlite:bank.db")
        .map_err(|source| super::ConfigError::Address { section: "source", source })?
        .in_folder(folder);
    let mut bank = database::connect(&bank).map_err(NightlyError::Source)?;
    fill(&mut *bank, &dates).map_err(NightlyError::Source)?;
    Ok(Demo { config, dates })
}

fn settings(model: &Path) -> String {
    let model = toml::Value::String(model.display().to_string());
    format!(
        r#"# Made by `postloan nightly demo`. docs/NIGHTLY.md describes every setting.
job = "demo"
model = {model}
days_back = 1                       # the business date is yesterday

[source]
database = "sqlite:bank.db"         # or postgres://USER@HOST/DATABASE, or gaussdb://…
query = """
select review_id as id, comment as text
from post_loan_review
where check_date = :date
"""

[sink]
database = "sqlite:results.db"
file = "results/{{date}}.xlsx"

[report]
folder = "reports"
"#
    )
}

fn fill(bank: &mut dyn Database, dates: &[BusinessDate]) -> Result<(), DatabaseError> {
    bank.run(
        "CREATE TABLE IF NOT EXISTS post_loan_review (review_id TEXT NOT NULL PRIMARY KEY, \
         check_date TEXT NOT NULL, branch TEXT NOT NULL, comment TEXT)",
    )?;
    let branches = ["城东支行", "城西支行", "高新支行", "港口支行"];
    bank.begin()?;
    for (date, counts) in dates.iter().zip(NIGHTS) {
        let mut rows: Vec<Row> = Vec::new();
        for (label, count) in counts {
            let comments: Vec<String> = comments(label).collect();
            // Another part of the comments each night.
            let first = date.to_string().bytes().map(usize::from).sum::<usize>() * 7;
            for number in 0..count {
                let comment = &comments[(first + number) % comments.len()];
                let id = format!("{}-{:04}", date.to_string().replace('-', ""), rows.len() + 1);
                let branch = branches[rows.len() % branches.len()];
                let values = [id, date.to_string(), branch.to_owned(), comment.clone()];
                rows.push(values.map(Into::into).to_vec());
            }
        }
        // What happens in a bank: one comment was forgotten.
        let id = format!("{}-{:04}", date.to_string().replace('-', ""), rows.len() + 1);
        rows.push(vec![id.into(), date.to_string().into(), branches[0].into(), "".into()]);
        let columns = ["review_id", "check_date", "branch", "comment"];
        database::upsert(bank, "post_loan_review", &columns, &["review_id"], &rows)?;
    }
    bank.commit()
}

fn comments(label: &str) -> impl Iterator<Item = String> {
    let mut reader = csv::Reader::from_reader(COMMENTS.as_bytes());
    let rows: Vec<_> = reader.records().flatten().filter(|row| &row[0] == label).collect();
    rows.into_iter().map(|row| row[1].to_owned())
}
