//! A request's body, given up where its sender stalls.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Sleep;
use tonic::Status;

use super::span::Span;

/// A gRPC message is preceded by a flag and four bytes of length.
const PREFIX: usize = 5;

/// How long the sender may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For one message.
    pub(super) message: Span,
    /// Between messages; `None` if the body is one message.
    pub(super) silence: Option<Span>,
}

/// A request's body that ends in DEADLINE_EXCEEDED where its sender stalls in the middle of a
/// message, or is silent for too long between messages.
///
/// It follows gRPC's framing only as far as to know which of the two it is. No timer is set while
/// data is there.
#[derive(Debug)]
pub(super) struct RequestBody {
    inner: Incoming,
    patience: Patience,
    framing: Framing,
    /// When what is waited for began: a message, or the silence before one.
    since: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl RequestBody {
    pub(super) fn new(inner: Incoming, patience: Patience, begun: Instant) -> Self {
        Self { inner, patience, framing: Framing::default(), since: begun, timer: None }
    }

    /// Until when the sender may take, and what is said if it takes longer.
    fn limit(&self) -> (Duration, &'static str) {
        match self.patience.silence {
            Some(silence) if self.framing.is_between_messages() => {
                (silence.0, "the client was silent for longer than this server waits")
            }
            _ => (
                self.patience.message.0,
                "the client stalled: a message was not whole within this server's limit",
            ),
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            if let Some(Ok(frame)) = &frame
                && let Some(data) = frame.data_ref()
                && this.framing.advance(data)
                && this.patience.silence.is_some()
            {
                // One message ended: what comes now has its own time.
                this.since = Instant::now();
            }
            this.timer = None;
            let cancelled =
                |error: hyper::Error| Status::cancelled(format!("the request broke off: {error}"));
            return Poll::Ready(frame.map(|frame| frame.map_err(cancelled)));
        }
        let (limit, sentence) = this.limit();
        let until = this.since + limit;
        let timer =
            this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until.into())));
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(Status::deadline_exceeded(sentence)))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Where in gRPC's framing a body is.
#[derive(Debug, Default)]
struct Framing {
    /// How many bytes of a prefix there are, and those bytes.
    prefix: [u8; PREFIX],
    prefix_len: usize,
    /// How many bytes of the message are still to come.
    remaining: usize,
}

impl Framing {
    fn is_between_messages(&self) -> bool {
        self.prefix_len == 0 && self.remaining == 0
    }

    /// Takes `data` in, and says whether a message ended in it.
    fn advance(&mut self, mut data: &[u8]) -> bool {
        let mut ended = false;
        while !data.is_empty() {
            if self.remaining > 0 {
                let taken = self.remaining.min(data.len());
                self.remaining -= taken;
                data = &data[taken..];
            } else {
                let taken = (PREFIX - self.prefix_len).min(data.len());
                self.prefix[self.prefix_len..][..taken].copy_from_slice(&data[..taken]);
                self.prefix_len += taken;
                data = &data[taken..];
                if self.prefix_len < PREFIX {
                    return ended;
                }
                let [_, length @ ..] = self.prefix;
                self.remaining = u32::from_be_bytes(length) as usize;
                self.prefix_len = 0;
            }
            ended |= self.is_between_messages();
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_knows_the_middle_of_a_message_however_the_bytes_are_cut() {
        let body = b"\0\0\0\0\x03abc\0\0\0\0\0\0\0\0\0\x01z";
        let ends = [8, 13, 19];
        let mut framing = Framing::default();
        for (place, byte) in body.iter().enumerate() {
            let ended = framing.advance(&[*byte]);
            assert_eq!(ended, ends.contains(&(place + 1)), "after byte {}", place + 1);
        }
        let mut framing = Framing::default();
        assert!(framing.advance(&body[..10]));
        assert!(!framing.is_between_messages());
        assert!(framing.advance(&body[10..]));
        assert!(framing.is_between_messages());
    }
}
