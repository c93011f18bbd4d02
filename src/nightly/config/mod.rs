//! The settings of a nightly job: a TOML file.

mod error;
mod sections;

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::records::RecordFormat;
use crate::records::database::{DatabaseAddress, ReviewQuery};

pub use error::ConfigError;
pub use sections::{Limits, NotifyConfig, NotifyFormat, ReportConfig, SinkConfig, SourceConfig};

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

fn default_job() -> String {
    "post-loan".to_owned()
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

    /// Where the comments come from, with the password. It is only read.
    ///
    /// # Errors
    ///
    /// A password that cannot be read.
    pub fn source_address(&self) -> Result<DatabaseAddress, ConfigError> {
        let SourceConfig { database, password_env, password_file, .. } = &self.source;
        let password = (password_env.as_deref(), password_file.as_deref());
        Ok(self.address("source", database, password)?.read_only())
    }

    /// Where the results go, with the password.
    ///
    /// # Errors
    ///
    /// A password that cannot be read.
    pub fn sink_address(&self) -> Result<DatabaseAddress, ConfigError> {
        let SinkConfig { database, password_env, password_file, .. } = &self.sink;
        self.address("sink", database, (password_env.as_deref(), password_file.as_deref()))
    }

    fn address(
        &self,
        section: &'static str,
        database: &str,
        password: (Option<&str>, Option<&Path>),
    ) -> Result<DatabaseAddress, ConfigError> {
        let address = DatabaseAddress::parse(database)
            .map_err(|source| ConfigError::Address { section, source })?
            .in_folder(&self.folder);
        let password = match password {
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

fn secret(variable: &str) -> Result<String, ConfigError> {
    std::env::var(variable).map_err(|_| ConfigError::Value {
        field: "environment",
        reason: format!("the variable `{variable}` is not set, or is not UTF-8"),
    })
}
