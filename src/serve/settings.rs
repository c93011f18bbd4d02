//! What a server is told: defaults, a TOML file, environment variables and flags.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use super::contract::v1;
use super::settings_check::SettingsError;
use super::span::Span;
use crate::model::MAX_COMMENT_CHARS;

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Only what needs somebody to act.
    Error,
    /// And what may soon.
    Warn,
    /// And starts, stops, models, and calls that the client got wrong.
    Info,
    /// And every call.
    Debug,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Human,
    /// An object a line.
    Json,
}

/// Defines the settings once: as a layer, in which each may be absent, for flags, environment and
/// file; and as what is in force.
macro_rules! settings {
    (
        required { $( $(#[doc = $doc:literal])* [$env:literal, $value:literal] $name:ident: $type:ty = $default:expr, )* }
        optional { $( $(#[doc = $odoc:literal])* [$oenv:literal, $ovalue:literal] $oname:ident: $otype:ty, )* }
    ) => {
        /// Settings that may each be absent, from one source: flags and environment, or a file.
        #[derive(Debug, Clone, Default, PartialEq, Args, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct SettingsLayer {
            $( $(#[doc = $doc])*
            #[arg(long, env = $env, value_name = $value)]
            pub $name: Option<$type>, )*
            $( $(#[doc = $odoc])*
            #[arg(long, env = $oenv, value_name = $ovalue)]
            pub $oname: Option<$otype>, )*
            /// Names of which a client certificate must bear one, as its common name or as a DNS
            /// name among its alternative names. Without any, every certificate of the authority
            /// will do
            #[arg(
                long, env = "POSTLOAN_ALLOWED_SUBJECTS", value_name = "NAME,...",
                value_delimiter = ','
            )]
            pub allowed_subjects: Option<Vec<String>>,
            /// Listen beyond this machine although anybody there could read what is sent, or call
            #[arg(
                long, env = "POSTLOAN_ALLOW_INSECURE", num_args = 0..=1,
                default_missing_value = "true", value_name = "BOOL", require_equals = true
            )]
            pub allow_insecure: Option<bool>,
        }

        impl SettingsLayer {
            /// These settings, and where they are absent those of `under`.
            #[must_use]
            pub fn over(self, under: Self) -> Self {
                Self {
                    $( $name: self.$name.or(under.$name), )*
                    $( $oname: self.$oname.or(under.$oname), )*
                    allowed_subjects: self.allowed_subjects.or(under.allowed_subjects),
                    allow_insecure: self.allow_insecure.or(under.allow_insecure),
                }
            }

            /// These settings, and the defaults where they are absent.
            ///
            /// # Errors
            ///
            /// Settings that cannot be, or do not go together.
            pub fn resolve(self) -> Result<Settings, SettingsError> {
                let settings = Settings {
                    $( $name: match self.$name { Some(set) => set, None => $default }, )*
                    $( $oname: self.$oname, )*
                    allowed_subjects: self.allowed_subjects.unwrap_or_default(),
                    allow_insecure: self.allow_insecure.unwrap_or_default(),
                };
                settings.check()?;
                Ok(settings)
            }
        }

        /// The settings in force.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        pub struct Settings {
            $( $(#[doc = $doc])* pub $name: $type, )*
            $( $(#[doc = $odoc])*
            #[serde(skip_serializing_if = "Option::is_none")]
            pub $oname: Option<$otype>, )*
            /// Names of which a client certificate must bear one
            pub allowed_subjects: Vec<String>,
            /// Listen beyond this machine although that is not safe
            pub allow_insecure: bool,
        }
    };
}

settings! {
    required {
        /// The address to answer calls on [default: 127.0.0.1:50051]
        ["POSTLOAN_LISTEN", "ADDRESS"]
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 50051)),
        /// A model's folder of versions, of which the one promoted answers, also when another is
        /// promoted later; or a version folder [default: models/post-loan-risk]
        ["POSTLOAN_MODEL", "FOLDER"]
        model: PathBuf = PathBuf::from("models/post-loan-risk"),
        /// The longest comment, in characters [default: 32767]
        ["POSTLOAN_MAX_TEXT_CHARS", "N"]
        max_text_chars: u32 = MAX_CHARS,
        /// The most reviews in a batch [default: 1000]
        ["POSTLOAN_MAX_BATCH_REVIEWS", "N"]
        max_batch_reviews: u32 = 1_000,
        /// The largest request message, in bytes [default: 4194304]
        ["POSTLOAN_MAX_MESSAGE_BYTES", "N"]
        max_message_bytes: u32 = 4 << 20,
        /// How many calls may be under way at once; the next is told to come again
        /// [default: 512]
        ["POSTLOAN_MAX_CONCURRENT_REQUESTS", "N"]
        max_concurrent_requests: u32 = 512,
        /// How many of them may be batches and streams [default: 64]
        ["POSTLOAN_MAX_BULK_REQUESTS", "N"]
        max_bulk_requests: u32 = 64,
        /// How many connections may be open [default: 1024]
        ["POSTLOAN_MAX_CONNECTIONS", "N"]
        max_connections: u32 = 1_024,
        /// How many calls may be under way at once on one connection [default: 256]
        ["POSTLOAN_MAX_STREAMS_PER_CONNECTION", "N"]
        max_streams_per_connection: u32 = 256,
        /// How long a call may take where its client sets no shorter deadline; how long the
        /// client of a stream may be silent [default: 30s]
        ["POSTLOAN_REQUEST_DEADLINE", "TIME"]
        request_deadline: Span = Span::seconds(30),
        /// How long a client may take to send one message [default: 10s]
        ["POSTLOAN_MESSAGE_TIMEOUT", "TIME"]
        message_timeout: Span = Span::seconds(10),
        /// How long a new connection may take to become one: TLS and the first bytes of HTTP/2
        /// [default: 10s]
        ["POSTLOAN_HANDSHAKE_TIMEOUT", "TIME"]
        handshake_timeout: Span = Span::seconds(10),
        /// How often a silent connection is asked whether it still lives [default: 30s]
        ["POSTLOAN_KEEP_ALIVE_INTERVAL", "TIME"]
        keep_alive_interval: Span = Span::seconds(30),
        /// How long it has to answer that [default: 10s]
        ["POSTLOAN_KEEP_ALIVE_TIMEOUT", "TIME"]
        keep_alive_timeout: Span = Span::seconds(10),
        /// After how long a connection is asked to end, so that clients spread over new replicas;
        /// 0: never [default: 0s]
        ["POSTLOAN_MAX_CONNECTION_AGE", "TIME"]
        max_connection_age: Span = Span::seconds(0),
        /// How long to go on answering, not ready any more, before the drain: as long as load
        /// balancers need to notice [default: 0s]
        ["POSTLOAN_SHUTDOWN_DELAY", "TIME"]
        shutdown_delay: Span = Span::seconds(0),
        /// How long calls under way may take to end when the server stops [default: 30s]
        ["POSTLOAN_DRAIN_TIMEOUT", "TIME"]
        drain_timeout: Span = Span::seconds(30),
        /// How many threads answer calls [default: all cores]
        ["POSTLOAN_THREADS", "N"]
        threads: usize = cores(),
        /// How many threads work on batches, streams and long comments, at a lower priority
        /// [default: all cores]
        ["POSTLOAN_BULK_THREADS", "N"]
        bulk_threads: usize = cores(),
        /// How much is logged on standard error [default: info]
        ["POSTLOAN_LOG_LEVEL", "LEVEL"]
        log_level: LogLevel = LogLevel::Info,
        /// How a log line is written [default: human]
        ["POSTLOAN_LOG_FORMAT", "FORMAT"]
        log_format: LogFormat = LogFormat::Human,
    }
    optional {
        /// The address of the HTTP endpoint with /metrics, /livez and /readyz [default: none]
        ["POSTLOAN_METRICS_LISTEN", "ADDRESS"]
        metrics_listen: SocketAddr,
        /// The server's certificate and its chain, in PEM; read again when it changes
        ["POSTLOAN_TLS_CERT", "FILE"]
        tls_cert: PathBuf,
        /// Its private key, in PEM
        ["POSTLOAN_TLS_KEY", "FILE"]
        tls_key: PathBuf,
        /// The authority whose client certificates are let in, in PEM; with it, a client must
        /// have one
        ["POSTLOAN_CLIENT_CA", "FILE"]
        client_ca: PathBuf,
        /// A file of hashed tokens, as `postloan token` writes it; with it, a call must bear one.
        /// Read again when it changes
        ["POSTLOAN_TOKEN_FILE", "FILE"]
        token_file: PathBuf,
        /// An OpenTelemetry collector that takes OTLP over gRPC, such as http://127.0.0.1:4317
        /// [default: none]
        ["POSTLOAN_OTLP_ENDPOINT", "URL"]
        otlp_endpoint: String,
        /// Metadata for it, NAME=VALUE,...: a secret
        ["POSTLOAN_OTLP_HEADERS", "NAME=VALUE,..."]
        otlp_headers: String,
    }
}

/// The most that `max_text_chars` may be.
#[expect(clippy::cast_possible_truncation, reason = "it is far below 2^32")]
pub(super) const MAX_CHARS: u32 = MAX_COMMENT_CHARS as u32;

fn cores() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

impl SettingsLayer {
    /// Reads a TOML file whose keys are the names of the settings.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or a key that is no setting, by name.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let source = fs::read_to_string(path)
            .map_err(|source| SettingsError::Read { path: path.to_owned(), source })?;
        toml::from_str(&source).map_err(|error| {
            let before = &source[..error.span().map_or(0, |span| span.start)];
            SettingsError::File {
                path: path.to_owned(),
                line: before.matches('\n').count() + 1,
                reason: error.message().to_owned(),
            }
        })
    }
}

impl Settings {
    /// As TOML, secrets masked: a settings file with the same effect, but for the secrets.
    #[must_use]
    pub fn to_masked_toml(&self) -> String {
        let mut masked = self.clone();
        if let Some(headers) = &mut masked.otlp_headers {
            *headers = "********".to_owned();
        }
        if let Some(endpoint) = &mut masked.otlp_endpoint
            && let (Some(scheme), Some(at)) = (endpoint.find("://"), endpoint.rfind('@'))
        {
            endpoint.replace_range(scheme + 3..at, "********");
        }
        // Every setting is a string, a number, a truth value or a list of strings.
        toml::to_string(&masked).unwrap_or_default()
    }

    /// The limits in the contract's words.
    pub(super) fn limits(&self) -> v1::Limits {
        let deadline = self.request_deadline.0;
        v1::Limits {
            max_text_chars: self.max_text_chars,
            max_batch_reviews: self.max_batch_reviews,
            max_message_bytes: self.max_message_bytes.into(),
            max_concurrent_requests: self.max_concurrent_requests,
            max_streams_per_connection: self.max_streams_per_connection,
            request_deadline: Some(prost_types::Duration {
                seconds: i64::try_from(deadline.as_secs()).unwrap_or(i64::MAX),
                nanos: i32::try_from(deadline.subsec_nanos()).unwrap_or(0),
            }),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn layer(source: &str) -> SettingsLayer {
        toml::from_str(source).unwrap()
    }

    #[test]
    fn a_layer_wins_over_the_one_under_it_and_the_defaults_come_last() {
        let flags = layer("max_batch_reviews = 5");
        let file = layer("max_batch_reviews = 7\nrequest_deadline = \"2m\"\nthreads = 3");
        let settings = flags.over(file).resolve().unwrap();
        assert_eq!(settings.max_batch_reviews, 5);
        assert_eq!(settings.request_deadline, Span::seconds(120));
        assert_eq!(settings.max_bulk_requests, 64);
    }

    #[test]
    fn what_is_printed_is_a_file_with_the_same_effect_and_without_secrets() {
        let source = "otlp_endpoint = \"http://me:word@127.0.0.1:4317\"\n\
                      otlp_headers = \"key=secret\"\nallowed_subjects = []\nlisten = \"[::1]:9\"";
        let settings = layer(source).resolve().unwrap();
        let printed = settings.to_masked_toml();
        assert!(!printed.contains("word") && !printed.contains("secret"), "{printed}");
        let mut again = layer(&printed).resolve().unwrap();
        again.otlp_endpoint = settings.otlp_endpoint.clone();
        again.otlp_headers = settings.otlp_headers.clone();
        assert_eq!(again, settings);
    }
}
