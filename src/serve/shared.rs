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

    pub(super) fn new_request_id(&self) -> [u8; 33] {
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

    /// The random number of the process and the number of the call, in hexadecimal.
    fn next(&self) -> [u8; 33] {
        let mut id = [b'-'; 33];
        hexadecimal(self.process, &mut id[..16]);
        hexadecimal(self.next.fetch_add(1, Ordering::Relaxed), &mut id[17..]);
        id
    }
}

/// Fills `digits` with the lowest digits of `number`.
fn hexadecimal(mut number: u64, digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number % 16) as usize];
        number /= 16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_request_ids_are_alike_and_all_are_in_hexadecimal() {
        let ids = RequestIds { process: 0x0123_4567_89ab_cdef, next: AtomicU64::new(0x2f) };
        let text = |id: [u8; 33]| String::from_utf8(id.to_vec()).unwrap();
        assert_eq!(text(ids.next()), "0123456789abcdef-000000000000002f");
        assert_eq!(text(ids.next()), "0123456789abcdef-0000000000000030");
    }
}
