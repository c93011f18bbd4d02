//! The gRPC service: the same predictions as every other door, for those who wait for one and for
//! those who send thousands.
//!
//! The contract is in `proto/`; `docs/SERVING.md` is the operator's view. [`serve`] runs a server
//! from start to end.

mod bulk;
mod call;
mod connections;
pub mod contract;
mod endpoint;
mod gate;
mod method;
mod metrics;
mod model_in_use;
mod open_inference;
mod predictions;
mod reload;
mod request_body;
mod risk_classifier;
mod server;
mod services;
mod settings;
mod settings_check;
mod shared;
mod signals;
mod single;
mod span;
mod telemetry;
mod tls;
mod tokens;

pub use metrics::code_name;
pub use server::{Ending, ServeError, serve};
pub use settings::{LogFormat, LogLevel, Settings, SettingsLayer};
pub use settings_check::SettingsError;
pub use span::Span;
pub use telemetry::{TelemetryError, start_logging};
pub use tls::TlsError;
pub use tokens::{TokenEntry, TokenError, Tokens, entries, new_token, revoke_token};
