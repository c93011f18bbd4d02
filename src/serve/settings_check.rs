//! Which settings can be, and which go together.

use std::path::PathBuf;

use thiserror::Error;

use super::settings::{MAX_CHARS, Settings};

/// Why settings cannot be used.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The settings file cannot be read.
    #[error("cannot read `{path}`", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The settings file is not what it must be.
    #[error("`{path}`, line {line}: {reason}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A setting is out of range.
    #[error("`{name}` is {found}; expected {expected}")]
    Range {
        /// The setting.
        name: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// Settings do not go together.
    #[error("{0}")]
    Together(&'static str),
}

impl Settings {
    /// Whether they can be used, each by itself and all together.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let at_least_one = [
            ("max_text_chars", u64::from(self.max_text_chars)),
            ("max_batch_reviews", u64::from(self.max_batch_reviews)),
            ("max_message_bytes", u64::from(self.max_message_bytes)),
            ("max_concurrent_requests", u64::from(self.max_concurrent_requests)),
            ("max_bulk_requests", u64::from(self.max_bulk_requests)),
            ("max_connections", u64::from(self.max_connections)),
            ("max_streams_per_connection", u64::from(self.max_streams_per_connection)),
            ("threads", self.threads as u64),
            ("bulk_threads", self.bulk_threads as u64),
        ];
        for (name, found) in at_least_one {
            if found == 0 {
                let expected = "at least 1".to_owned();
                return Err(SettingsError::Range { name, found: found.to_string(), expected });
            }
        }
        if self.max_text_chars > MAX_CHARS {
            return Err(SettingsError::Range {
                name: "max_text_chars",
                found: self.max_text_chars.to_string(),
                expected: format!("at most {MAX_CHARS}"),
            });
        }
        let above_zero = [
            ("request_deadline", self.request_deadline),
            ("message_timeout", self.message_timeout),
            ("handshake_timeout", self.handshake_timeout),
            ("keep_alive_interval", self.keep_alive_interval),
            ("keep_alive_timeout", self.keep_alive_timeout),
        ];
        for (name, found) in above_zero {
            if found.0.is_zero() {
                let expected = "more than 0".to_owned();
                return Err(SettingsError::Range { name, found: found.to_string(), expected });
            }
        }
        self.check_security()
    }

    fn check_security(&self) -> Result<(), SettingsError> {
        let refuse = |reason| Err(SettingsError::Together(reason));
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            return refuse("tls_cert and tls_key are needed together");
        }
        let encrypted = self.tls_cert.is_some();
        if self.client_ca.is_some() && !encrypted {
            return refuse("client_ca needs tls_cert and tls_key");
        }
        if !self.allowed_subjects.is_empty() && self.client_ca.is_none() {
            return refuse("allowed_subjects needs client_ca");
        }
        let authenticated = self.client_ca.is_some() || self.token_file.is_some();
        let safe = self.listen.ip().is_loopback() || (encrypted && authenticated);
        if !safe && !self.allow_insecure {
            return refuse(
                "refusing to listen beyond this machine without both TLS (tls_cert, tls_key) and \
                 authentication (client_ca or token_file); --allow-insecure does it all the same",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::SettingsLayer;
    use super::super::settings::tests::layer;

    #[test]
    fn listening_beyond_this_machine_takes_tls_and_authentication_or_a_word_for_it() {
        let resolved = |more: &str| layer(&format!("listen = \"0.0.0.0:1\"\n{more}")).resolve();
        let tls = "tls_cert = \"c\"\ntls_key = \"k\"\n";
        assert!(resolved("").is_err());
        assert!(resolved(tls).is_err());
        assert!(resolved("token_file = \"t\"").is_err());
        assert!(resolved(&format!("{tls}token_file = \"t\"")).is_ok());
        assert!(resolved(&format!("{tls}client_ca = \"a\"")).is_ok());
        assert!(resolved("allow_insecure = true").is_ok());
    }

    #[test]
    fn an_unknown_key_a_wrong_range_and_settings_that_need_others_are_refused_by_name() {
        let error = toml::from_str::<SettingsLayer>("max_batch = 3").unwrap_err();
        assert!(error.message().contains("max_batch"), "{error}");
        for (source, name) in [
            ("max_text_chars = 40000", "max_text_chars"),
            ("threads = 0", "threads"),
            ("message_timeout = \"0s\"", "message_timeout"),
            ("tls_cert = \"c\"", "tls_key"),
            ("client_ca = \"c\"", "client_ca"),
            ("allowed_subjects = [\"a\"]", "allowed_subjects"),
        ] {
            let error = layer(source).resolve().unwrap_err().to_string();
            assert!(error.contains(name), "{source}: {error}");
        }
    }
}
