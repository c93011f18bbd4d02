//! The settings of a nightly job: a TOML file.

use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use crate::records::RecordFormat;
use crate::records::database::{
    DatabaseAddress, DatabaseAddressError, ReviewQuery, ReviewQueryError,
};
use crate::report::Language;

/// What is wrong with the settings.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It is not of the form it must be.
    #[error("`{path}`: {message}")]
    Form {
        /// The file.
        path: String,
        /// What is wrong, and where.
        message: String,
    },
    /// An address is none.
    #[error("[{section}] database")]
    Address {
        /// The section of the settings.
        section: &'static str,
        /// What is wrong.
        source: DatabaseAddressError,
    },
    /// The query is none.
    #[error("[source] query")]
    Query(#[from] ReviewQueryError),
    /// A value cannot be what it is.
    #[error("{field}: {reason}")]
    Value {
        /// Where it stands.
        field: &'static str,
        /// What is wrong.
        reason: String,
    },
}

/// The settings of a nightly job. Relative paths start from the folder of the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NightlyConfig {
    /// What the job is called: its runs and its lock are its own.
    #[serde(default = "default_job")]
    pub job: String,
    /// A model's version folder, or a folder of versions.
    pub model: PathBuf,
    /// How many threads classify; all cores if not set.
    pub threads: Option<NonZeroUsize>,
    /// How many days before today the business date is where none is given: 0 for a job that runs
    /// before midnight, 1 for one that runs after it.
    #[serde(default)]
    pub days_back: u32,
    /// Where the comments come from.
    pub source: SourceConfig,
    /// Where the results go.
    #[serde(default)]
    pub sink: SinkConfig,
    /// What is bounded.
    #[serde(default)]
    pub limits: Limits,
    /// The report, if one is wanted.
    pub report: Option<ReportConfig>,
    /// The message after a run, if one is wanted.
    pub notify: Option<NotifyConfig>,
    /// The folder of the file.
    #[serde(skip)]
    folder: PathBuf,
}

/// Where the comments come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// The database, as `sqlite:PATH`, `postgres://…` or `gaussdb://…`.
    pub database: String,
    /// The environment variable that holds the password.
    pub password_env: Option<String>,
    /// The file that holds the password.
    pub password_file: Option<PathBuf>,
    /// A query that gives the comments of `:date`.
    pub query: String,
    /// The column of the id.
    #[serde(default = "default_id")]
    pub id_field: String,
    /// The column of the comment.
    #[serde(default = "default_text")]
    pub text_field: String,
}

/// Where the results go.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SinkConfig {
    /// The database; a file of SQLite beside the settings if not set.
    pub database: String,
    /// The environment variable that holds the password.
    pub password_env: Option<String>,
    /// The file that holds the password.
    pub password_file: Option<PathBuf>,
    /// A file that the results of a finished run are written to, too; `{date}` is its date.
    pub file: Option<String>,
    /// Whether reasons are kept with each result. They quote the comment's own words.
    pub with_reasons: bool,
    /// How many reasons.
    pub reasons: usize,
}

/// What is bounded.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// How many comments are read at once, and committed at once.
    pub page: usize,
    /// More comments of a date than this are taken for a wrong query.
    pub comments: u64,
    /// How often something that can be retried is tried.
    pub attempts: u32,
    /// After how many seconds without a sign of life a lock may be taken over.
    pub stale_lock_seconds: u32,
}

/// The report of a run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportConfig {
    /// Where reports are written.
    pub folder: PathBuf,
    /// Its language: `zh` or `en`.
    #[serde(default, deserialize_with = "language")]
    pub language: Language,
    /// Whether the comments of the riskiest reviews are shown.
    #[serde(default)]
    pub with_text: bool,
    /// How many of the riskiest reviews are listed.
    #[serde(default = "default_riskiest")]
    pub riskiest: usize,
    /// Where the report can be opened, for the message; `{file}` is its name.
    pub link: Option<String>,
}

/// The message after a run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifyConfig {
    /// The webhook.
    pub url: Option<String>,
    /// The environment variable that holds the webhook, whose address is a secret.
    pub url_env: Option<String>,
    /// What is sent.
    #[serde(default)]
    pub format: NotifyFormat,
    /// How long an answer is waited for, in seconds.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
    /// How often it is tried.
    #[serde(default = "default_attempts")]
    pub attempts: u32,
    /// The language of the message: `zh` or `en`.
    #[serde(default, deserialize_with = "language")]
    pub language: Language,
    /// How many ids of the riskiest reviews are named.
    #[serde(default = "default_ids")]
    pub riskiest: usize,
}

/// What a webhook is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotifyFormat {
    /// The markdown message of a WeCom group robot.
    #[default]
    Wecom,
    /// The summary as plain JSON.
    Json,
}

fn default_job() -> String {
    "post-loan".to_owned()
}

fn default_id() -> String {
    "id".to_owned()
}

fn default_text() -> String {
    "text".to_owned()
}

fn language<'de, D: Deserializer<'de>>(settings: D) -> Result<Language, D::Error> {
    let name = String::deserialize(settings)?;
    Language::from_str(&name, false).map_err(|_| serde::de::Error::custom("expected zh or en"))
}

fn default_riskiest() -> usize {
    20
}

fn default_ids() -> usize {
    5
}

fn default_timeout() -> u64 {
    10
}

fn default_attempts() -> u32 {
    3
}

impl Default for SinkConfig {
    fn default() -> Self {
        Self {
            database: "sqlite:postloan-nightly.db".to_owned(),
            password_env: None,
            password_file: None,
            file: None,
            with_reasons: false,
            reasons: 5,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { page: 4000, comments: 10_000_000, attempts: 8, stale_lock_seconds: 120 }
    }
}

impl NightlyConfig {
    /// Reads the settings and checks whatever can be checked without a database.
    ///
    /// # Errors
    ///
    /// What is wrong with them, and where.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: name.clone(), source })?;
        let mut config: Self = toml::from_str(&text).map_err(|error| {
            // The message alone: what toml shows of the file may hold a password.
            let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            let message = format!("line {line}: {}", error.message());
            ConfigError::Form { path: name, message }
        })?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        config.folder = folder.unwrap_or(Path::new(".")).to_owned();
        config.model = config.path(&config.model);
        if let Some(report) = &mut config.report {
            report.folder = config.folder.join(&report.folder);
        }
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let value =
            |field, reason: &str| Err(ConfigError::Value { field, reason: reason.to_owned() });
        if self.job.is_empty() || self.job.len() > 100 {
            return value("job", "expected a name of 1 to 100 characters");
        }
        if !(1..=1_000_000).contains(&self.limits.page) {
            return value("[limits] page", "expected 1 to 1,000,000 comments");
        }
        if self.limits.attempts == 0 {
            return value("[limits] attempts", "expected at least 1");
        }
        if self.limits.stale_lock_seconds < 5 {
            return value("[limits] stale_lock_seconds", "expected at least 5");
        }
        if let Some(file) = &self.sink.file
            && RecordFormat::of_path(Path::new(file)).is_none()
        {
            return value(
                "[sink] file",
                "expected a name that ends in .csv, .jsonl, .xlsx or .parquet",
            );
        }
        if let Some(notify) = &self.notify {
            if notify.url.is_some() == notify.url_env.is_some() {
                return value("[notify]", "expected one of url and url_env");
            }
            if notify.attempts == 0 || notify.timeout_seconds == 0 {
                return value("[notify]", "expected at least one attempt and one second");
            }
        }
        let address = DatabaseAddress::parse(&self.source.database)
            .map_err(|source| ConfigError::Address { section: "source", source })?;
        self.query(&address)?;
        DatabaseAddress::parse(&self.sink.database)
            .map_err(|source| ConfigError::Address { section: "sink", source })?;
        Ok(())
    }

    /// `path` as seen from the folder of the settings.
    #[must_use]
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.join(path)
    }

    /// Where the comments come from, with the password.
    ///
    /// # Errors
    ///
    /// A password that cannot be read.
    pub fn source_address(&self) -> Result<DatabaseAddress, ConfigError> {
        let SourceConfig { database, password_env, password_file, .. } = &self.source;
        self.address("source", database, password_env.as_deref(), password_file.as_deref())
    }

    /// Where the results go, with the password.
    ///
    /// # Errors
    ///
    /// A password that cannot be read.
    pub fn sink_address(&self) -> Result<DatabaseAddress, ConfigError> {
        let SinkConfig { database, password_env, password_file, .. } = &self.sink;
        self.address("sink", database, password_env.as_deref(), password_file.as_deref())
    }

    fn address(
        &self,
        section: &'static str,
        database: &str,
        password_env: Option<&str>,
        password_file: Option<&Path>,
    ) -> Result<DatabaseAddress, ConfigError> {
        let address = DatabaseAddress::parse(database)
            .map_err(|source| ConfigError::Address { section, source })?
            .in_folder(&self.folder);
        let password = match (password_env, password_file) {
            (None, None) => None,
            (Some(variable), None) => Some(secret(variable)?),
            (None, Some(path)) => {
                let path = self.path(path);
                let contents = fs::read_to_string(&path).map_err(|source| ConfigError::Read {
                    path: path.display().to_string(),
                    source,
                })?;
                Some(contents.trim_end_matches(['\n', '\r']).to_owned())
            }
            (Some(_), Some(_)) => {
                let reason = "expected one of the two".to_owned();
                return Err(ConfigError::Value { field: "password_env and password_file", reason });
            }
        };
        Ok(address.with_password(password))
    }

    /// The query, wrapped for the database at `address`.
    ///
    /// # Errors
    ///
    /// A query that cannot be.
    pub fn query(&self, address: &DatabaseAddress) -> Result<ReviewQuery, ConfigError> {
        let SourceConfig { query, id_field, text_field, .. } = &self.source;
        Ok(ReviewQuery::new(address.kind(), query, id_field, text_field)?)
    }

    /// The file the results of `date` are written to, if one is wanted.
    #[must_use]
    pub fn sink_file(&self, date: &str) -> Option<PathBuf> {
        self.sink.file.as_ref().map(|file| self.path(file.replace("{date}", date)))
    }
}

impl NotifyConfig {
    /// The webhook.
    ///
    /// # Errors
    ///
    /// An environment variable that is not set.
    pub fn webhook(&self) -> Result<String, ConfigError> {
        match (&self.url, &self.url_env) {
            (Some(url), _) => Ok(url.clone()),
            (None, Some(variable)) => secret(variable),
            (None, None) => Err(ConfigError::Value {
                field: "[notify]",
                reason: "expected one of url and url_env".to_owned(),
            }),
        }
    }
}

fn secret(variable: &str) -> Result<String, ConfigError> {
    std::env::var(variable).map_err(|_| ConfigError::Value {
        field: "environment",
        reason: format!("the variable `{variable}` is not set, or is not UTF-8"),
    })
}
