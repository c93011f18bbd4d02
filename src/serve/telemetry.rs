//! Logs and traces. Neither holds a comment's text.

use std::io;

use http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span};
use thiserror::Error;
use tonic::Code;
use tonic::metadata::{MetadataKey, MetadataMap};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::metrics::code_name;
use super::settings::{LogFormat, LogLevel, Settings};

/// Why traces cannot be exported.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The headers are not of the form NAME=VALUE,... Their values are not told.
    #[error("otlp_headers: expected NAME=VALUE,...")]
    Headers,
    /// The exporter cannot be made.
    #[error("otlp_endpoint: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// Sends this process's logs to standard error, in the form and to the level of `settings`.
///
/// Where something else took the logs before, it keeps them.
pub fn start_logging(settings: &Settings) {
    let level = match settings.log_level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    // The libraries below would log the bytes that pass through them, if one let them.
    let filter = Targets::new()
        .with_target(env!("CARGO_PKG_NAME"), level)
        .with_default(level.min(LevelFilter::WARN));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let lines = match settings.log_format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Human => {
            let colours = io::IsTerminal::is_terminal(&io::stderr());
            lines.with_ansi(colours).with_target(false).boxed()
        }
    };
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
    // A panic's message may quote the text that was worked on; its place is enough.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "a defect: this call fails, the others go on");
    }));
}

/// Traces of calls, if they are wanted.
#[derive(Debug, Default)]
pub(super) struct Tracing(Option<Exporting>);

#[derive(Debug)]
struct Exporting {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
}

impl Tracing {
    /// Exports to the collector that `settings` name, if they name one. Must be called in a tokio
    /// runtime.
    pub(super) fn start(settings: &Settings) -> Result<Self, TelemetryError> {
        let Some(endpoint) = &settings.otlp_endpoint else {
            return Ok(Self::default());
        };
        let metadata = otlp_metadata(settings.otlp_headers.as_deref().unwrap_or_default())?;
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_metadata(metadata)
            .build()?;
        let resource = Resource::builder()
            .with_service_name(env!("CARGO_PKG_NAME"))
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        let tracer = provider.tracer(env!("CARGO_PKG_NAME"));
        let propagator = TraceContextPropagator::new();
        Ok(Self(Some(Exporting { provider, tracer, propagator })))
    }

    /// The span of a call whose caller may have one already.
    pub(super) fn begin(&self, method: &'static str, headers: &HeaderMap) -> CallSpan {
        let Some(Exporting { tracer, propagator, .. }) = &self.0 else {
            return CallSpan::Off(TraceId::of(headers));
        };
        let parent = propagator.extract_with_context(&Context::new(), &Metadata(headers));
        let (service, name) = method.rsplit_once('/').unwrap_or(("", method));
        let span = tracer
            .span_builder(method)
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new("rpc.system", "grpc"),
                KeyValue::new("rpc.service", service),
                KeyValue::new("rpc.method", name),
            ])
            .start_with_context(tracer, &parent);
        let trace_id = if parent.span().span_context().is_valid() {
            TraceId::of(headers)
        } else {
            TraceId(Some(span.span_context().trace_id().to_string()))
        };
        CallSpan::On(Box::new(span), trace_id)
    }

    /// Sends what has not been sent yet.
    pub(super) fn shut_down(&self) {
        if let Some(Exporting { provider, .. }) = &self.0
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last traces were not exported");
        }
    }
}

fn otlp_metadata(headers: &str) -> Result<MetadataMap, TelemetryError> {
    let mut metadata = MetadataMap::new();
    for header in headers.split(',').map(str::trim).filter(|header| !header.is_empty()) {
        let (name, value) = header.split_once('=').ok_or(TelemetryError::Headers)?;
        let name = MetadataKey::from_bytes(name.trim().to_ascii_lowercase().as_bytes())
            .map_err(|_| TelemetryError::Headers)?;
        let value = value.trim().parse().map_err(|_| TelemetryError::Headers)?;
        metadata.insert(name, value);
    }
    Ok(metadata)
}

/// The trace that a call belongs to, as its caller wrote it.
#[derive(Debug)]
pub(super) struct TraceId(Option<String>);

impl TraceId {
    /// Of a W3C `traceparent`: version, trace id (32 hexadecimal digits), parent id, flags.
    fn of(headers: &HeaderMap) -> Self {
        let parent = headers.get("traceparent").and_then(|value| value.to_str().ok());
        let id = parent
            .and_then(|parent| parent.split('-').nth(1))
            .filter(|id| id.len() == 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit()));
        Self(id.map(str::to_owned))
    }
}

/// The span of one call.
#[derive(Debug)]
pub(super) enum CallSpan {
    Off(TraceId),
    On(Box<Span>, TraceId),
}

impl CallSpan {
    /// The id of the trace that it belongs to.
    pub(super) fn trace_id(&self) -> Option<&str> {
        let (Self::Off(id) | Self::On(_, id)) = self;
        id.0.as_deref()
    }

    pub(super) fn end(&mut self, code: Code) {
        let Self::On(span, _) = self else {
            return;
        };
        span.set_attribute(KeyValue::new("rpc.grpc.status_code", i64::from(i32::from(code))));
        if matches!(code, Code::Internal | Code::Unknown | Code::DataLoss | Code::DeadlineExceeded)
        {
            span.set_status(Status::error(code_name(code)));
        }
        span.end();
    }
}

struct Metadata<'a>(&'a HeaderMap);

impl Extractor for Metadata<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}
