//! `postloan.v1.RiskClassifier`.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::{Stream, StreamExt, stream};
use tonic::{Request, Response, Status, Streaming};

use super::bulk::Urgency;
use super::contract::v1;
use super::contract::v1::review_error::Reason;
use super::gate::{Deadline, proper};
use super::model_in_use::ModelInUse;
use super::predictions::{self, ReviewFailure};
use super::shared::Shared;

/// Comments of more bytes are not classified on a thread that answers calls: this is about half
/// a millisecond's work.
pub(super) const LONG_TEXT_BYTES: usize = 6_000;
/// A slice of a batch or stream ends at this many reviews, or …
const SLICE_REVIEWS: usize = 32;
/// … at this many bytes of comments: about two milliseconds' work.
const SLICE_BYTES: usize = 24_000;
/// How many slices of one call are under way for each bulk thread: one is worked on, one waits.
const SLICES_PER_THREAD: usize = 2;

/// The service.
#[derive(Debug, Clone)]
pub(super) struct RiskClassifierService {
    shared: Arc<Shared>,
}

impl RiskClassifierService {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Classifies one review while somebody waits.
    pub(super) async fn one(
        &self,
        request: v1::ClassifyRequest,
    ) -> Result<v1::ClassifyResponse, Status> {
        let v1::ClassifyRequest { review, options } = request;
        let top_k = top_k(options);
        let review = review.ok_or_else(|| missing_review().into_status())?;
        let max_chars = self.shared.settings.max_text_chars as usize;
        let id = review.id.clone();
        let done = if review.text.len() <= LONG_TEXT_BYTES {
            classify(&self.shared.model.load(), Some(&review), top_k, max_chars)
        } else {
            let model = self.shared.model.load_full();
            let done = self
                .shared
                .bulk
                .run(Urgency::Single, move |_| classify(&model, Some(&review), top_k, max_chars));
            let failed =
                || ReviewFailure::new(Reason::Internal, "the server failed on this review");
            done.await.unwrap_or_else(|| Err(failed()))
        };
        match done {
            Ok(prediction) => {
                Ok(v1::ClassifyResponse { id: readable_id(&id), prediction: Some(prediction) })
            }
            Err(failure) => {
                self.shared.metrics.reviews_refused.inc();
                Err(failure.into_status())
            }
        }
    }

    fn slices_at_once(&self) -> usize {
        self.shared.settings.bulk_threads * SLICES_PER_THREAD
    }

    fn outcome(&self, id: &[u8], done: Result<v1::Prediction, ReviewFailure>) -> v1::ReviewResult {
        let outcome = match done {
            Ok(prediction) => v1::review_result::Outcome::Prediction(prediction),
            Err(failure) => {
                self.shared.metrics.reviews_refused.inc();
                v1::review_result::Outcome::Error(failure.into_error())
            }
        };
        v1::ReviewResult { id: readable_id(id), outcome: Some(outcome) }
    }

    /// Classifies some reviews on the bulk threads.
    async fn slice(
        self,
        slice: Vec<Wanted>,
        model: Option<Arc<ModelInUse>>,
        deadline: Option<Instant>,
    ) -> Result<Vec<v1::ReviewResult>, Status> {
        let shared = Arc::clone(&self.shared);
        let done = shared.bulk.run(Urgency::Bulk, move |anybody_waits| {
            let model = model.unwrap_or_else(|| self.shared.model.load_full());
            let mut results = Vec::with_capacity(slice.len());
            for Wanted { review, explain_top_k } in slice {
                if !anybody_waits() || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    return Err(Status::deadline_exceeded("the deadline passed"));
                }
                let max_chars = self.shared.settings.max_text_chars as usize;
                let done = classify(&model, review.as_ref(), explain_top_k, max_chars);
                let id = review.as_ref().map_or(&[][..], |review| &review.id);
                results.push(self.outcome(id, done));
            }
            Ok(results)
        });
        done.await.unwrap_or_else(|| Err(Status::internal("the server failed on these reviews")))
    }
}

/// A review and what is wanted of it.
#[derive(Debug)]
struct Wanted {
    review: Option<v1::Review>,
    explain_top_k: u32,
}

impl Wanted {
    fn bytes(&self) -> usize {
        self.review.as_ref().map_or(0, |review| review.text.len())
    }
}

fn classify(
    model: &ModelInUse,
    review: Option<&v1::Review>,
    explain_top_k: u32,
    max_chars: usize,
) -> Result<v1::Prediction, ReviewFailure> {
    let review = review.ok_or_else(missing_review)?;
    if std::str::from_utf8(&review.id).is_err() {
        return Err(ReviewFailure::new(Reason::InvalidUtf8, "the id is not valid UTF-8"));
    }
    model.classify(review, explain_top_k, max_chars)
}

fn missing_review() -> ReviewFailure {
    ReviewFailure::new(Reason::MissingReview, "the request holds no review")
}

fn readable_id(id: &[u8]) -> String {
    String::from_utf8_lossy(id).into_owned()
}

fn top_k(options: Option<v1::ClassifyOptions>) -> u32 {
    options.map_or(0, |options| options.explain_top_k)
}

#[tonic::async_trait]
impl v1::risk_classifier_server::RiskClassifier for RiskClassifierService {
    async fn classify(
        &self,
        request: Request<v1::ClassifyRequest>,
    ) -> Result<Response<v1::ClassifyResponse>, Status> {
        self.one(request.into_inner()).await.map(Response::new)
    }

    async fn classify_batch(
        &self,
        request: Request<v1::ClassifyBatchRequest>,
    ) -> Result<Response<v1::ClassifyBatchResponse>, Status> {
        let deadline = Deadline::of(request.extensions());
        let v1::ClassifyBatchRequest { reviews, options } = request.into_inner();
        self.shared.check_batch(reviews.len())?;
        let explain_top_k = top_k(options);
        let model = self.shared.model.load_full();
        let mut results = Vec::with_capacity(reviews.len());
        let wanted =
            reviews.into_iter().map(|review| Wanted { review: Some(review), explain_top_k });
        let mut done = stream::iter(slices(wanted))
            .map(|slice| self.clone().slice(slice, Some(Arc::clone(&model)), deadline))
            .buffered(self.slices_at_once());
        while let Some(slice) = done.next().await {
            results.extend(slice?);
        }
        Ok(Response::new(v1::ClassifyBatchResponse { results }))
    }

    type ClassifyStreamStream =
        Pin<Box<dyn Stream<Item = Result<v1::ClassifyStreamResponse, Status>> + Send>>;

    async fn classify_stream(
        &self,
        request: Request<Streaming<v1::ClassifyStreamRequest>>,
    ) -> Result<Response<Self::ClassifyStreamStream>, Status> {
        let deadline = Deadline::of(request.extensions());
        let service = self.clone();
        let slices_at_once = self.slices_at_once();
        // What has arrived by now is taken together; nothing waits for more to come.
        let done = request
            .into_inner()
            .ready_chunks(SLICE_REVIEWS)
            .map(split_at_error)
            .map(move |(wanted, end)| {
                let service = service.clone();
                async move {
                    let mut results = Vec::with_capacity(wanted.len() + 1);
                    for slice in slices(wanted.into_iter()) {
                        match service.clone().slice(slice, None, deadline).await {
                            Ok(done) => results.extend(done.into_iter().map(streamed)),
                            Err(status) => {
                                results.push(Err(status));
                                return results;
                            }
                        }
                    }
                    results.extend(end.map(Err));
                    results
                }
            })
            .buffered(slices_at_once)
            .flat_map(stream::iter);
        Ok(Response::new(Box::pin(done)))
    }

    async fn get_model(
        &self,
        _: Request<v1::GetModelRequest>,
    ) -> Result<Response<v1::GetModelResponse>, Status> {
        let model = self.shared.model.load();
        let classifier = model.classifier();
        let since = model.since();
        Ok(Response::new(v1::GetModelResponse {
            model: Some(predictions::model_version(classifier)),
            labels: predictions::labels(classifier.labels()),
            training: Some(predictions::training(classifier.manifest())),
            limits: Some(self.shared.settings.limits()),
            in_use_since: Some(prost_types::Timestamp {
                seconds: since.as_second(),
                nanos: since.subsec_nanosecond(),
            }),
            server: concat!("postloan ", env!("CARGO_PKG_VERSION")).to_owned(),
        }))
    }
}

fn streamed(result: v1::ReviewResult) -> Result<v1::ClassifyStreamResponse, Status> {
    Ok(v1::ClassifyStreamResponse { result: Some(result) })
}

/// The requests before the first error, and that error, which ends the call.
fn split_at_error(
    chunk: Vec<Result<v1::ClassifyStreamRequest, Status>>,
) -> (Vec<Wanted>, Option<Status>) {
    let mut wanted = Vec::with_capacity(chunk.len());
    for request in chunk {
        match request {
            Ok(v1::ClassifyStreamRequest { review, options }) => {
                wanted.push(Wanted { review, explain_top_k: top_k(options) });
            }
            Err(status) => return (wanted, Some(proper(status))),
        }
    }
    (wanted, None)
}

/// Cuts reviews into slices of bounded work.
fn slices(wanted: impl Iterator<Item = Wanted>) -> Vec<Vec<Wanted>> {
    let mut slices = Vec::new();
    let mut slice = Vec::new();
    let mut bytes = 0;
    for one in wanted {
        bytes += one.bytes();
        slice.push(one);
        if slice.len() == SLICE_REVIEWS || bytes >= SLICE_BYTES {
            slices.push(std::mem::take(&mut slice));
            bytes = 0;
        }
    }
    if !slice.is_empty() {
        slices.push(slice);
    }
    slices
}
