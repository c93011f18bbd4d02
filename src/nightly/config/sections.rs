//! The sections of a nightly job's settings, with what holds where nothing is said.

use std::path::PathBuf;

use clap::ValueEnum;
use serde::{Deserialize, Deserializer};

use super::{ConfigError, secret};
use crate::report::Language;

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
