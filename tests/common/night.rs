//! A bank to run nights in: comments in one database, results in another.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use postloan::nightly::{
    BusinessDate, Event, NightlyConfig, NightlyError, NightlySummary, RunMode,
};
use postloan::records::database::{Database, DatabaseAddress, Row, Value, connect, upsert};

use crate::common::{Folder, Run, SHIPPED_MODEL, run};

pub const DATE: &str = "2026-11-20";

/// A job with its databases.
pub struct Night {
    pub folder: Folder,
    pub source: String,
    pub sink: String,
    pub config: String,
}

pub fn open(url: &str) -> Box<dyn Database> {
    connect(&DatabaseAddress::parse(url).unwrap()).unwrap()
}

impl Night {
    /// A job from `source` to `sink`, with more settings.
    pub fn new(folder: Folder, source: String, sink: String, settings: &str) -> Self {
        let config = folder.path("nightly.toml");
        let night = Self { folder, source, sink, config };
        night.configure(settings);
        night
            .open_source()
            .run(
                "CREATE TABLE review (id TEXT, day DATE, comment TEXT);
             CREATE INDEX review_by_day ON review (day, id)",
            )
            .unwrap();
        night
    }

    /// Both in files of SQLite.
    pub fn sqlite(settings: &str) -> Self {
        Self::sqlite_in(Folder::new(), settings)
    }

    /// Both in files of SQLite in this folder.
    pub fn sqlite_in(folder: Folder, settings: &str) -> Self {
        let source = format!("sqlite:{}", folder.path("bank.db"));
        let sink = format!("sqlite:{}", folder.path("results.db"));
        Self::new(folder, source, sink, settings)
    }

    /// Both in one database of PostgreSQL.
    pub fn postgres(settings: &str) -> Self {
        let database = crate::postgres::shared().new_database();
        Self::new(Folder::new(), database.clone(), database, settings)
    }

    /// Writes the settings: `page = 10` and so on go to `[limits]`, before a blank line.
    pub fn configure(&self, settings: &str) {
        self.configure_with(SHIPPED_MODEL, settings);
    }

    pub fn configure_with(&self, model: &str, settings: &str) {
        let Self { source, sink, .. } = self;
        let (limits, rest) = settings.split_once("\n\n").unwrap_or((settings, ""));
        let text = format!(
            "model = {model:?}\n[source]\ndatabase = {source:?}\ntext_field = \"comment\"\n\
             query = \"select id, comment from review where day = :date\"\n\
             [sink]\ndatabase = {sink:?}\n{rest}\n[limits]\n{limits}\n"
        );
        self.folder.file("nightly.toml", text);
    }

    pub fn open_source(&self) -> Box<dyn Database> {
        open(&self.source)
    }

    pub fn open_sink(&self) -> Box<dyn Database> {
        open(&self.sink)
    }

    /// Puts comments into the source: ids and texts of a day.
    pub fn add(&self, day: &str, rows: &[(Value, Value)]) {
        let mut source = self.open_source();
        source.begin().unwrap();
        for (id, text) in rows {
            let statement = "INSERT INTO review (id, day, comment) VALUES ($1, $2, $3)";
            source.execute(statement, &[id.clone(), day.into(), text.clone()]).unwrap();
        }
        source.commit().unwrap();
    }

    /// Puts `count` ordinary comments, and some that are refused, into the source.
    pub fn add_day(&self, day: &str, count: usize) {
        let texts = ["按时还款，经营正常。", "流水下降，需关注。", "逾期九十天，借款人失联。", " "];
        let rows: Vec<Row> = (0..count)
            .map(|number| {
                let text = format!(
                    "{}{}",
                    texts[number % 4],
                    if number % 4 == 3 { String::new() } else { number.to_string() }
                );
                vec![format!("{number:06}").into(), day.into(), text.into()]
            })
            .collect();
        let mut source = self.open_source();
        source.run("CREATE UNIQUE INDEX IF NOT EXISTS review_key ON review (day, id)").unwrap();
        upsert(&mut *source, "review", &["id", "day", "comment"], &["day", "id"], &rows).unwrap();
    }

    /// Runs the program.
    pub fn run(&self, arguments: &[&str]) -> Run {
        let mut all = vec!["nightly", "--config", &self.config, "--json"];
        if !arguments.contains(&"--date") {
            all.extend(["--date", DATE]);
        }
        all.extend(arguments);
        run(&all)
    }

    /// Starts the program on a date, with a pipe for what it tells.
    pub fn start(&self, date: &str) -> Child {
        Command::new(assert_cmd::cargo::cargo_bin!("postloan"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["nightly", "--config", &self.config, "--date", date])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs the job in this process, where a test can watch it.
    pub fn watch(
        &self,
        observer: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<NightlySummary, NightlyError> {
        let config = NightlyConfig::read(self.config.as_ref()).unwrap();
        let date = BusinessDate::parse(DATE).unwrap();
        postloan::nightly::run(&config, date, RunMode::Once, &(Arc::new(observer) as _))
    }

    pub fn query(&self, statement: &str) -> Vec<Vec<String>> {
        let rows = self.open_sink().query(statement, &[]).unwrap();
        rows.into_iter()
            .map(|row| {
                row.into_iter()
                    .map(|value| value.into_text().unwrap_or("NULL".to_owned()))
                    .collect()
            })
            .collect()
    }

    /// Everything in the sink that does not tell the time.
    pub fn contents(&self) -> Vec<Vec<String>> {
        let mut contents = self.query(
            "SELECT run_id, CAST(business_date AS text), review_id, label, most_likely, confidence, \
             risk, probabilities, needs_human, reasons, model, source_key FROM postloan_result \
             ORDER BY run_id, review_id",
        );
        contents.extend(self.query(
            "SELECT run_id, source_row, review_id, reason, detail FROM postloan_rejected \
             ORDER BY run_id, source_row",
        ));
        contents.extend(self.query(
            "SELECT run_id, job, CAST(business_date AS text), status, is_current, model, \
             source_count, read_count, classified, refused, exit_code FROM postloan_run \
             ORDER BY run_id",
        ));
        contents.extend(self.query(
            "SELECT run_id, label, position, label_count FROM postloan_run_label \
             ORDER BY run_id, position",
        ));
        contents.extend(self.query("SELECT * FROM postloan_lock"));
        contents
    }
}
