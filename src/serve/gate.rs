//! The gate every call goes through: who may come in, how many, and for how long.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Extensions, HeaderMap, Request, Response, StatusCode};
use hyper::body::Incoming;
use tonic::body::Body;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::call::{AnswerBody, Call, CallBody};
use super::connections::Connection;
use super::method::{Method, Service};
use super::metrics::Turned;
use super::request_body::{Patience, RequestBody};
use super::services::Services;
use super::shared::Shared;
use super::single;

/// When a caller who was turned away should come again.
const RETRY_AFTER: Duration = Duration::from_millis(200);
/// gRPC's word for that, and for "do not retry" if negative.
const PUSHBACK: &str = "grpc-retry-pushback-ms";
/// How a client says how long it waits.
const TIMEOUT: &str = "grpc-timeout";

/// When a call must have ended, for handlers that work for long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn of(extensions: &Extensions) -> Option<Instant> {
        extensions.get::<Self>().map(|deadline| deadline.0)
    }
}

/// The gate of one connection.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    shared: Arc<Shared>,
    services: Arc<Services>,
    connection: Arc<Connection>,
}

impl Gate {
    pub(super) fn new(
        shared: Arc<Shared>,
        services: Arc<Services>,
        connection: Arc<Connection>,
    ) -> Self {
        Self { shared, services, connection }
    }

    /// Lets a call in, or says why not. Health is outside every limit: whoever asks must not be
    /// led to believe that a busy server is a dead one.
    fn admit(&self, call: &mut Call, headers: &HeaderMap) -> Result<(), Status> {
        if call.method.service() == Service::Health {
            return Ok(());
        }
        if let Some(subject) = &self.connection.refused_subject {
            self.shared.metrics.turned_away(Turned::Subject);
            let message =
                format!("the client certificate's subject, {subject}, is not on the server's list");
            return Err(Status::permission_denied(message));
        }
        if let Some(tokens) = &*self.shared.tokens.load() {
            let authorization = headers.get(AUTHORIZATION).map(http::HeaderValue::as_bytes);
            match tokens.check(authorization, jiff::Timestamp::now()) {
                Ok(client) => call.belongs_to(client),
                Err(refusal) => {
                    self.shared.metrics.turned_away(Turned::Token);
                    return Err(Status::unauthenticated(refusal.to_string()));
                }
            }
        }
        if call.method.service() == Service::Unknown {
            return Err(Status::unimplemented("there is no such method; reflection lists them"));
        }
        if self.connection.surplus {
            return Err(
                self.busy(Turned::Connections, "the server has as many connections as it takes")
            );
        }
        if !call.take_place() {
            return Err(self.busy(Turned::Concurrency, "the server has as many calls as it takes"));
        }
        let is_bulk = call.method.is_open_ended() || call.method.name().ends_with("Batch");
        if is_bulk && !call.take_bulk_place() {
            return Err(
                self.busy(Turned::Bulk, "the server has as many batches and streams as it takes")
            );
        }
        Ok(())
    }

    fn busy(&self, reason: Turned, message: &str) -> Status {
        self.shared.metrics.turned_away(reason);
        let details = ErrorDetails::with_retry_info(Some(RETRY_AFTER));
        let mut status =
            Status::with_error_details(Code::ResourceExhausted, message.to_owned(), details);
        let milliseconds = u64::try_from(RETRY_AFTER.as_millis()).unwrap_or(u64::MAX);
        status.metadata_mut().insert(PUSHBACK, MetadataValue::from(milliseconds));
        status
    }
}

impl hyper::service::Service<Request<Incoming>> for Gate {
    type Response = Response<CallBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let method = Method::of(request.uri().path());
        let mut call = Call::begin(&self.shared, &self.connection, method, request.headers());
        if !is_grpc(request.headers()) {
            let mut response = Response::new(AnswerBody::default());
            *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let response = call.answer(response, None);
            return Box::pin(std::future::ready(Ok(response)));
        }
        if let Err(status) = self.admit(&mut call, request.headers()) {
            let response = call.answer(status.into_http(), None);
            return Box::pin(std::future::ready(Ok(response)));
        }
        let settings = &self.shared.settings;
        let asked =
            request.headers().get(TIMEOUT).and_then(|value| parse_timeout(value.as_bytes()));
        let limit = match asked {
            Some(asked) if method.is_open_ended() => Some(asked),
            Some(asked) => Some(asked.min(settings.request_deadline.0)),
            None if method.is_open_ended() => None,
            None => Some(settings.request_deadline.0),
        };
        let deadline = limit.and_then(|limit| call.begun.checked_add(limit));
        let patience = Patience {
            message: settings.message_timeout,
            silence: method.is_open_ended().then_some(settings.request_deadline),
        };
        let begun = call.begun;
        let mut request = request.map(|body| RequestBody::new(body, patience, begun));
        // A single comment is done before anything could look at it.
        if let Some(deadline) = deadline.filter(|_| !method.is_single()) {
            request.extensions_mut().insert(Deadline(deadline));
        }
        if method.is_single() {
            let service = self.services.single.clone();
            let limit = settings.max_message_bytes as usize;
            let answer = single::answer(service, request.into_body(), limit);
            return Box::pin(async move { Ok(finish(call, deadline, answer).await) });
        }
        let answer = self.services.call(method, request);
        let answer = async move {
            match answer.await {
                Ok(response) => Ok(with_proper_code(response)),
                Err(never) => match never {},
            }
        };
        Box::pin(async move { Ok(finish(call, deadline, answer).await) })
    }
}

/// Waits for an answer as long as the deadline lets, and ends the call with it.
async fn finish<B: Into<AnswerBody>>(
    call: Call,
    deadline: Option<Instant>,
    answer: impl Future<Output = Result<Response<B>, Status>>,
) -> Response<CallBody> {
    let answered = match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline.into(), answer).await,
        None => Ok(answer.await),
    };
    let response = match answered {
        // Work that was done in one go may have come to its end too late.
        Ok(Ok(_)) if deadline.is_some_and(|at| Instant::now() >= at) => passed(),
        Ok(Ok(response)) => response.map(Into::into),
        Ok(Err(status)) => proper(status).into_http(),
        Err(_) => passed(),
    };
    call.answer(response, deadline)
}

fn passed() -> Response<AnswerBody> {
    Status::deadline_exceeded("the deadline passed").into_http()
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    content_type.is_some_and(|kind| kind.starts_with(b"application/grpc"))
}

/// A response to a message over the size limit has gRPC's usual code for that.
fn with_proper_code(response: Response<Body>) -> Response<Body> {
    let code = response.headers().get(Status::GRPC_STATUS);
    if code.is_some_and(|code| Code::from_bytes(code.as_bytes()) == Code::OutOfRange)
        && let Some(status) = Status::from_header_map(response.headers())
    {
        return proper(status).into_http();
    }
    response
}

/// tonic calls a message over the size limit OUT_OF_RANGE; every other gRPC library, and so every
/// client, knows it as RESOURCE_EXHAUSTED. Nothing else here is OUT_OF_RANGE. Trying again is of
/// no use.
pub(super) fn proper(status: Status) -> Status {
    if status.code() != Code::OutOfRange {
        return status;
    }
    let mut status = Status::resource_exhausted(status.message());
    status.metadata_mut().insert(PUSHBACK, MetadataValue::from(-1));
    status
}

/// A gRPC timeout: up to eight digits and a unit.
fn parse_timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = std::str::from_utf8(digits).ok()?.parse::<u64>().ok()?;
    match unit {
        b'H' => Some(Duration::from_secs(number * 3600)),
        b'M' => Some(Duration::from_secs(number * 60)),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_grpc_writes_them() {
        assert_eq!(parse_timeout(b"250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse_timeout(b"99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        for wrong in [&b""[..], b"S", b"1", b"-1S", b"123456789S", b"1x"] {
            assert_eq!(parse_timeout(wrong), None, "{wrong:?}");
        }
    }
}
