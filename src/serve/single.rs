//! `Classify` on a short road of its own: one message in, one message out.
//!
//! tonic's general road, made for streams of any kind in both directions, has buffers and boxes
//! at every turn, and costs about as much as the classification. All other methods take it.

use bytes::{BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response};
use http_body::Body;
use http_body_util::BodyExt;
use prost::Message;
use tonic::Status;

use super::contract::v1;
use super::request_body::RequestBody;
use super::risk_classifier::RiskClassifierService;

/// gRPC's frame around a message: whether it is compressed, and its length in four bytes.
const PREFIX: usize = 5;

/// The one message of an answer, framed; its trailers follow.
pub(super) type OneMessage = Bytes;

/// Answers one call.
pub(super) async fn answer(
    service: RiskClassifierService,
    body: RequestBody,
    max_message_bytes: usize,
) -> Result<Response<OneMessage>, Status> {
    let message = read(body, max_message_bytes).await?;
    let request = v1::ClassifyRequest::decode(message)
        .map_err(|error| Status::internal(format!("the message is no ClassifyRequest: {error}")))?;
    let mut response = Response::new(frame(&service.one(request).await?));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    Ok(response)
}

/// The trailers of a call that went well.
pub(super) fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("0"));
    trailers
}

/// Reads the one message of a request to its end.
async fn read(mut body: RequestBody, max_bytes: usize) -> Result<Bytes, Status> {
    let mut all = Bytes::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        all = match all.is_empty() {
            // Nearly always, all of it comes at once.
            true => data,
            false => {
                // Given back if nobody else holds it, so that nothing is copied twice.
                let mut longer = all.try_into_mut().unwrap_or_else(|all| BytesMut::from(&all[..]));
                longer.extend_from_slice(&data);
                longer.freeze()
            }
        };
        check_prefix(&all, max_bytes)?;
        if body.is_end_stream() {
            break;
        }
    }
    let cut_short = || Status::internal("the request ended before its message did");
    let length = message_length(&all).ok_or_else(cut_short)?;
    if all.len() < PREFIX + length {
        return Err(cut_short());
    }
    Ok(all.slice(PREFIX..PREFIX + length))
}

fn message_length(all: &[u8]) -> Option<usize> {
    let length = all.get(1..PREFIX)?.try_into().ok()?;
    Some(u32::from_be_bytes(length) as usize)
}

/// Refuses what will be too large before it is read.
fn check_prefix(all: &[u8], max_bytes: usize) -> Result<(), Status> {
    if all.first().is_some_and(|flag| *flag != 0) {
        return Err(Status::unimplemented("compressed messages are not taken"));
    }
    match message_length(all) {
        // The code that tonic gives it, too.
        Some(length) if length > max_bytes => Err(Status::out_of_range(format!(
            "the message has {length} bytes; the limit is {max_bytes}"
        ))),
        Some(length) if all.len() > PREFIX + length => {
            Err(Status::internal("expected one message, found more"))
        }
        _ => Ok(()),
    }
}

fn frame(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut framed = BytesMut::with_capacity(PREFIX + length);
    framed.put_u8(0);
    // A prediction and its reasons are far below 4 GiB.
    framed.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    // There is room for it.
    let _ = message.encode(&mut framed);
    framed.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_refused_by_its_prefix_where_it_is_too_large_compressed_or_not_alone() {
        let code = |all: &[u8]| check_prefix(all, 3).map_err(|status| status.code());
        assert_eq!(code(b""), Ok(()));
        assert_eq!(code(b"\0\0\0"), Ok(()));
        assert_eq!(code(b"\0\0\0\0\x03ab"), Ok(()));
        assert_eq!(code(b"\0\0\0\0\x04"), Err(tonic::Code::OutOfRange));
        assert_eq!(code(b"\x01"), Err(tonic::Code::Unimplemented));
        assert_eq!(code(b"\0\0\0\0\x01ab"), Err(tonic::Code::Internal));
    }
}
