//! What all calls share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use prometheus_client::metrics::gauge::Gauge;
use tonic::{Code, Status};

use super::bulk::BulkPool;
use super::metrics::Metrics;
use super::model_in_use::ModelInUse;
use super::predictions::invalid;
use super::settings::Settings;
use super::telemetry::Tracing;
use super::tokens::Tokens;

/// What all calls share. Nothing in it is locked on their way.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) model: ArcSwap<ModelInUse>,
    pub(super) bulk: BulkPool,
    pub(super) metrics: Metrics,
    /// Present if calls must bear one.
    pub(super) tokens: ArcSwapOption<Tokens>,
    pub(super) tracing: Tracing,
    /// Batches and streams under way.
    pub(super) bulk_calls: Gauge,
    ready: AtomicBool,
    request_ids: RequestIds,
}

impl Shared {
    pub(super) fn new(
        settings: Settings,
        model: ModelInUse,
        bulk: BulkPool,
        metrics: Metrics,
        tokens: Option<Tokens>,
        tracing: Tracing,
    ) -> Self {
        Self {
            settings,
            model: ArcSwap::from_pointee(model),
            bulk,
            metrics,
            tokens: ArcSwapOption::from(tokens.map(Arc::new)),
            tracing,
            bulk_calls: Gauge::default(),
            ready: AtomicBool::new(false),
            request_ids: RequestIds::new(),
        }
    }

    /// Whether work should be sent here.
    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    pub(super) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    pub(super) fn new_request_id(&self) -> String {
        self.request_ids.next()
    }

    pub(super) fn check_batch(&self, reviews: usize) -> Result<(), Status> {
        let limit = self.settings.max_batch_reviews as usize;
        if reviews <= limit {
            return Ok(());
        }
        let message = format!("the batch has {reviews} reviews; the limit is {limit}");
        Err(invalid(Code::InvalidArgument, "BATCH_TOO_LARGE", message))
    }
}

/// Names for calls that came without one: no two of them alike, on any replica.
#[derive(Debug)]
struct RequestIds {
    process: u64,
    next: AtomicU64,
}

impl RequestIds {
    fn new() -> Self {
        let mut random = [0; 8];
        // Without randomness, the time of the start has to tell processes apart.
        let process = match getrandom::fill(&mut random) {
            Ok(()) => u64::from_le_bytes(random),
            Err(_) => jiff::Timestamp::now().as_microsecond().unsigned_abs(),
        };
        Self { process, next: AtomicU64::new(0) }
    }

    fn next(&self) -> String {
        format!("{:016x}-{:x}", self.process, self.next.fetch_add(1, Ordering::Relaxed))
    }
}
