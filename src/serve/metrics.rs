//! What Prometheus is told. Names of series are an interface: dashboards and alerts use them.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};
use tonic::Code;

use super::method::Method;
use crate::model::{ClassIndex, RiskClassifier};

/// gRPC has 17 status codes.
const CODES: usize = 17;

/// Upper bounds of the latency buckets, in seconds.
const LATENCY: [f64; 16] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 5.0, 30.0,
];

/// Upper bounds of the confidence buckets.
const CONFIDENCE: [f64; 10] = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    method: &'static str,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MethodLabel {
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PredictionLabels {
    model: String,
    version: u32,
    label: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabels {
    model: String,
    version: u32,
}

/// Why something was turned away before its work began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turned {
    /// The limit of calls under way at once.
    Concurrency,
    /// The share of it that batches and streams may have.
    Bulk,
    /// The limit of connections.
    Connections,
    /// No token, or none that is valid.
    Token,
    /// A client certificate whose subject is not on the list.
    Subject,
    /// A failed TLS handshake.
    Tls,
}

impl Turned {
    fn name(self) -> &'static str {
        match self {
            Self::Concurrency => "concurrency",
            Self::Bulk => "bulk",
            Self::Connections => "connections",
            Self::Token => "token",
            Self::Subject => "subject",
            Self::Tls => "tls",
        }
    }
}

/// All metrics of a server.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    calls: Family<CallLabels, Counter>,
    /// The same counters, found without hashing and without a lock.
    calls_by_index: [[OnceLock<Counter>; CODES]; Method::COUNT],
    latency: Family<MethodLabel, Histogram>,
    latency_by_index: [OnceLock<Histogram>; Method::COUNT],
    /// Calls under way that count for the limit.
    pub(super) in_flight: Gauge<i64, AtomicI64>,
    turned_away: Family<ReasonLabel, Counter>,
    pub(super) connections: Gauge<i64, AtomicI64>,
    predictions: Family<PredictionLabels, Counter>,
    confidence: Family<ModelLabels, Histogram>,
    pub(super) reviews_refused: Counter<u64, AtomicU64>,
    model_info: Family<ModelLabels, Gauge>,
    model_loads: Family<OutcomeLabel, Counter>,
    model_since: Gauge<f64, AtomicU64>,
}

/// A registry that gives back what is registered.
#[derive(Debug)]
struct Series(Registry);

impl Series {
    fn of<M: Metric + Clone + Default>(&mut self, name: &str, help: &str) -> M {
        self.add(name, help, M::default())
    }

    fn add<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }

    fn in_seconds<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register_with_unit(name, help, Unit::Seconds, metric.clone());
        metric
    }
}

impl Metrics {
    pub(super) fn new() -> Self {
        let mut series = Series(Registry::with_prefix("postloan"));
        let of_latency: fn() -> Histogram = || Histogram::new(LATENCY);
        let of_confidence: fn() -> Histogram = || Histogram::new(CONFIDENCE);
        let model_since = Gauge::default();
        series.0.register_collector(Box::new(ModelAge(model_since.clone())));
        Self {
            calls: series.of("calls", "Calls that ended, by method and gRPC code"),
            calls_by_index: Default::default(),
            latency: series.in_seconds(
                "call_duration",
                "From a call's headers to the end of its answer",
                Family::new_with_constructor(of_latency),
            ),
            latency_by_index: Default::default(),
            in_flight: series.of("calls_in_flight", "Calls under way, without health checks"),
            turned_away: series
                .of("turned_away", "Calls and connections turned away before any work, by reason"),
            connections: series.of("connections", "Open connections"),
            predictions: series.of("predictions", "Predictions, by model version and label"),
            confidence: series.add(
                "prediction_confidence",
                "Probability of the decided label, by model version",
                Family::new_with_constructor(of_confidence),
            ),
            reviews_refused: series.of(
                "reviews_refused",
                "Reviews that could not be classified: empty, too long, not UTF-8",
            ),
            model_info: series
                .of("model_in_use", "1 for the model version that answers, 0 for those before it"),
            model_loads: series.of("model_loads", "Attempts to load a model version, by outcome"),
            model_since: series.in_seconds(
                "model_in_use_since_timestamp",
                "When the model version began to answer, in seconds since 1970",
                model_since,
            ),
            registry: series.0,
        }
    }

    /// Everything, in the OpenMetrics text format.
    pub(super) fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    pub(super) fn ended(&self, method: Method, code: Code, took: Duration) {
        let place = &self.calls_by_index[method.index()];
        let index = usize::try_from(i32::from(code)).unwrap_or(2).min(CODES - 1);
        let calls = place[index].get_or_init(|| {
            let labels = CallLabels { method: method.name(), code: code_name(code) };
            self.calls.get_or_create_owned(&labels)
        });
        calls.inc();
        let latency = self.latency_by_index[method.index()].get_or_init(|| {
            self.latency.get_or_create_owned(&MethodLabel { method: method.name() })
        });
        latency.observe(took.as_secs_f64());
    }

    pub(super) fn turned_away(&self, reason: Turned) {
        self.turned_away.get_or_create(&ReasonLabel { reason: reason.name() }).inc();
    }

    /// How many calls and connections were turned away because the server was at a limit.
    pub(super) fn shed(&self) -> u64 {
        let of = |reason: Turned| {
            self.turned_away.get_or_create(&ReasonLabel { reason: reason.name() }).get()
        };
        of(Turned::Concurrency) + of(Turned::Bulk) + of(Turned::Connections)
    }

    pub(super) fn model_loaded(&self, loaded: bool) {
        let outcome = if loaded { "loaded" } else { "failed" };
        self.model_loads.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// Says which model answers from now on.
    pub(super) fn model_in_use(&self, new: &RiskClassifier, old: Option<&RiskClassifier>) {
        let labels = |classifier: &RiskClassifier| ModelLabels {
            model: classifier.id().name.clone(),
            version: classifier.id().version,
        };
        if let Some(old) = old {
            self.model_info.get_or_create(&labels(old)).set(0);
        }
        self.model_info.get_or_create(&labels(new)).set(1);
        self.model_since.set(seconds_now());
    }

    /// The series of one model version, found once.
    pub(super) fn of_model(&self, classifier: &RiskClassifier) -> ModelMetrics {
        let (model, version) = (&classifier.id().name, classifier.id().version);
        let counter = |label: &crate::model::Label| {
            let labels =
                PredictionLabels { model: model.clone(), version, label: label.id.clone() };
            self.predictions.get_or_create_owned(&labels)
        };
        ModelMetrics {
            predictions: classifier.labels().iter().map(counter).collect(),
            confidence: self
                .confidence
                .get_or_create_owned(&ModelLabels { model: model.clone(), version }),
        }
    }
}

/// The series of one model version.
#[derive(Debug)]
pub(super) struct ModelMetrics {
    predictions: Vec<Counter>,
    confidence: Histogram,
}

impl ModelMetrics {
    pub(super) fn predicted(&self, class: ClassIndex, confidence: f64) {
        self.predictions[class].inc();
        self.confidence.observe(confidence);
    }
}

/// The age of the model in use, at the time of asking.
#[derive(Debug)]
struct ModelAge(Gauge<f64, AtomicU64>);

impl Collector for ModelAge {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let age = ConstGauge::new(seconds_now() - self.0.get());
        let descriptor = encoder.encode_descriptor(
            "model_in_use_age",
            "For how long the model version has answered",
            Some(&Unit::Seconds),
            age.metric_type(),
        )?;
        age.encode(descriptor)
    }
}

fn seconds_now() -> f64 {
    jiff::Timestamp::now().as_duration().as_secs_f64()
}

/// The name of a code as the gRPC documents write it.
#[must_use]
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
