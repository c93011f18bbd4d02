//! One call from its first header to its last trailer: counted, timed, logged, whatever its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body as _, Frame, SizeHint};
use tokio::task::AbortHandle;
use tokio::time::Sleep;
use tonic::body::Body;
use tonic::{Code, Status};

use super::connections::Connection;
use super::method::Method;
use super::metrics::code_name;
use super::shared::Shared;
use super::single::{OneMessage, trailers};
use super::telemetry::CallSpan;

/// The metadata that names a call.
pub(super) const REQUEST_ID: &str = "x-request-id";
/// The longest name taken from a caller.
const MAX_REQUEST_ID: usize = 128;

/// A call under way. Dropped before its end, it was cancelled.
#[derive(Debug)]
pub(super) struct Call {
    shared: Arc<Shared>,
    connection: Arc<Connection>,
    pub(super) method: Method,
    pub(super) begun: Instant,
    request_id: HeaderValue,
    /// Whose token it bore.
    client: Option<String>,
    span: CallSpan,
    counted: Counted,
    ended: bool,
}

/// For which limits a call counts.
#[derive(Debug, Default, Clone, Copy)]
struct Counted {
    in_flight: bool,
    bulk: bool,
}

impl Call {
    pub(super) fn begin(
        shared: &Arc<Shared>,
        connection: &Arc<Connection>,
        method: Method,
        headers: &HeaderMap,
    ) -> Self {
        Self {
            begun: Instant::now(),
            method,
            request_id: request_id(shared, headers),
            client: None,
            span: shared.tracing.begin(method.name(), headers),
            counted: Counted::default(),
            ended: false,
            shared: Arc::clone(shared),
            connection: Arc::clone(connection),
        }
    }

    pub(super) fn belongs_to(&mut self, client: &str) {
        self.client = Some(client.to_owned());
    }

    /// Counts it among the calls under way; `false` if there are as many as may be.
    pub(super) fn take_place(&mut self) -> bool {
        let under_way = self.shared.metrics.in_flight.inc();
        self.counted.in_flight = true;
        under_way < i64::from(self.shared.settings.max_concurrent_requests)
    }

    /// Counts it among the batches and streams; `false` if there are as many as may be.
    pub(super) fn take_bulk_place(&mut self) -> bool {
        let under_way = self.shared.bulk_calls.inc();
        self.counted.bulk = true;
        under_way < i64::from(self.shared.settings.max_bulk_requests)
    }

    /// Ends the call with a response of which only the trailers may still be to come.
    pub(super) fn answer(
        mut self,
        mut response: Response<AnswerBody>,
        deadline: Option<Instant>,
    ) -> Response<CallBody> {
        let mut id = self.request_id.clone();
        // It is never the same again: compression should not remember it.
        id.set_sensitive(true);
        response.headers_mut().insert(REQUEST_ID, id);
        // Writing an answer that is there is left to the connection: a client that does not take
        // it must not keep others out.
        if !self.method.is_open_ended() {
            self.release();
        }
        let trailers_only = response.headers().get(Status::GRPC_STATUS).and_then(code_of);
        if let Some(code) = trailers_only {
            self.end(code, Some(response.headers()));
        }
        let taking = (self.method.is_open_ended() && trailers_only.is_none())
            .then(|| Taking::watch(&self.connection, self.shared.settings.request_deadline.0));
        response.map(|inner| CallBody {
            inner,
            call: Some(self),
            deadline: deadline.map(|at| (at, None)),
            taking,
        })
    }

    fn end(&mut self, code: Code, headers: Option<&HeaderMap>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.release();
        let took = self.begun.elapsed();
        self.shared.metrics.ended(self.method, code, took);
        self.span.end(code);
        let level = match code {
            Code::Ok => tracing::Level::DEBUG,
            Code::Internal | Code::Unknown | Code::DataLoss => tracing::Level::ERROR,
            // Refusing is cheap and must stay so: refusals are counted, and summed up by the log.
            Code::ResourceExhausted => tracing::Level::DEBUG,
            _ => tracing::Level::INFO,
        };
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    method = self.method.name(),
                    code = code_name(code),
                    milliseconds = took.as_secs_f64() * 1e3,
                    request_id = self.request_id.to_str().unwrap_or_default(),
                    trace_id = self.span.trace_id(),
                    client = self.client.as_deref(),
                    peer = %self.connection.peer,
                    status_message = headers.and_then(message_of),
                    "call"
                )
            };
        }
        match level {
            tracing::Level::ERROR => log!(error),
            tracing::Level::INFO => log!(info),
            _ => log!(debug),
        }
    }

    /// Gives its places to others.
    fn release(&mut self) {
        let counted = std::mem::take(&mut self.counted);
        if counted.in_flight {
            self.shared.metrics.in_flight.dec();
        }
        if counted.bulk {
            self.shared.bulk_calls.dec();
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(Code::Cancelled, None);
    }
}

/// The caller's name for the call if it is a decent one, otherwise a new one.
fn request_id(shared: &Shared, headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(REQUEST_ID).filter(|id| {
        (1..=MAX_REQUEST_ID).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
    });
    let made = || HeaderValue::from_bytes(&shared.new_request_id()).ok();
    given.cloned().or_else(made).unwrap_or(HeaderValue::from_static("-"))
}

fn code_of(value: &HeaderValue) -> Option<Code> {
    Some(Code::from_bytes(value.as_bytes()))
}

/// The sentence of an error, which never has a word of a comment in it.
fn message_of(headers: &HeaderMap) -> Option<String> {
    Some(Status::from_header_map(headers)?.message().to_owned())
}

/// What an answer is made of.
#[derive(Debug)]
pub(super) enum AnswerBody {
    /// One message and the trailers of a call that went well.
    One(Option<OneMessage>),
    /// Whatever tonic makes.
    Any(Body),
}

impl Default for AnswerBody {
    fn default() -> Self {
        Self::Any(Body::empty())
    }
}

impl From<Body> for AnswerBody {
    fn from(body: Body) -> Self {
        Self::Any(body)
    }
}

impl From<OneMessage> for AnswerBody {
    fn from(message: OneMessage) -> Self {
        Self::One(Some(message))
    }
}

impl AnswerBody {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self {
            Self::Any(body) => Pin::new(body).poll_frame(cx),
            Self::One(message) => {
                let frame = match message.take() {
                    Some(message) => Frame::data(message),
                    None => {
                        *self = Self::default();
                        Frame::trailers(trailers())
                    }
                };
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }
}

/// The body of an answer, which knows when the call has ended, and ends it at its deadline.
#[derive(Debug)]
pub(super) struct CallBody {
    inner: AnswerBody,
    call: Option<Call>,
    deadline: Option<(Instant, Option<Pin<Box<Sleep>>>)>,
    taking: Option<Taking>,
}

/// Whether the client of a stream takes what it is sent.
///
/// One that does not would keep its place for ever: a body is asked for more only when there is
/// room for it, so neither body nor handler can tell. Its connection is given up.
#[derive(Debug)]
struct Taking {
    waits: Arc<AtomicBool>,
    changes: Arc<AtomicU64>,
    watch: AbortHandle,
}

impl Taking {
    fn watch(connection: &Arc<Connection>, limit: Duration) -> Self {
        // An answer waits to be taken from its first header on.
        let waits = Arc::new(AtomicBool::new(true));
        let changes = Arc::new(AtomicU64::new(0));
        let (connection, its_waits, its_changes) =
            (Arc::clone(connection), Arc::clone(&waits), Arc::clone(&changes));
        let watch = tokio::spawn(async move {
            loop {
                let before = its_changes.load(Ordering::Relaxed);
                tokio::time::sleep(limit).await;
                let unchanged = its_changes.load(Ordering::Relaxed) == before;
                if unchanged && its_waits.load(Ordering::Relaxed) {
                    connection.give_up.notify_one();
                    return;
                }
            }
        });
        Self { waits, changes, watch: watch.abort_handle() }
    }

    fn waits(&self, waits: bool) {
        self.waits.store(waits, Ordering::Relaxed);
        self.changes.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl CallBody {
    fn end(&mut self, code: Code, headers: Option<&HeaderMap>) {
        if let Some(mut call) = self.call.take() {
            call.end(code, headers);
        }
    }
}

impl http_body::Body for CallBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if let Some(taking) = &this.taking {
            taking.waits(false);
        }
        let frame = match this.inner.poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                let Some((at, timer)) = &mut this.deadline else {
                    return Poll::Pending;
                };
                let timer =
                    timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until((*at).into())));
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                this.inner = AnswerBody::default();
                let status = Status::deadline_exceeded("the deadline passed");
                let mut trailers = HeaderMap::new();
                // The sentence is plain ASCII.
                let _ = status.add_header(&mut trailers);
                Some(Ok(Frame::trailers(trailers)))
            }
        };
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    let code = trailers.get(Status::GRPC_STATUS).and_then(code_of);
                    this.end(code.unwrap_or(Code::Unknown), Some(trailers));
                }
            }
            Some(Err(status)) => this.end(status.code(), None),
            None => this.end(Code::Unknown, None),
        }
        if let Some(taking) = &this.taking {
            taking.waits(true);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            AnswerBody::One(_) => false,
            AnswerBody::Any(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            // The frames tell.
            AnswerBody::One(_) => SizeHint::default(),
            AnswerBody::Any(body) => body.size_hint(),
        }
    }
}
