//! What a refusal becomes on the wire: the one place where gRPC and HTTP codes are chosen.
//!
//! | refusal | gRPC | HTTP |
//! |---|---|---|
//! | `Full` | `RESOURCE_EXHAUSTED` with `RetryInfo` | 429 with Retry-After |
//! | `Unavailable` | `UNAVAILABLE` with `RetryInfo` | 503 with Retry-After |
//! | `Invalid`, `Rejected` | `INVALID_ARGUMENT` | 400 |
//! | `TooLarge` | `INVALID_ARGUMENT` | 413 |
//! | `Unrouted` | `UNIMPLEMENTED` | 404 |
//! | `Unauthenticated` | `UNAUTHENTICATED` | 401 |
//!
//! Only the first two are worth another try, and clients do try again after exactly these codes. What is too large is no
//! `RESOURCE_EXHAUSTED` or `OUT_OF_RANGE`: Python's exporter would send it again and again.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use http::{Response, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use serde_json::json;

use super::answer::Answer;
use crate::acceptance::Accepted;
use crate::batch::Signal;
use crate::compression::ACCEPTED;
use crate::payload;
use crate::refusal::Refusal;
use crate::rpc::{RETRY_INFO, RetryInfo, Status};

/// The encoding of a request over HTTP, which its answer repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// `application/x-protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

/// The gRPC codes that otlet uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Code {
    InvalidArgument = 3,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Unavailable = 14,
    Unauthenticated = 16,
}

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
/// Where gRPC, and the OTLP specification, put `RetryInfo`.
const STATUS_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
/// Where OpenTelemetry's Python exporter looks for `RetryInfo`.
const PYTHON_RETRY_INFO: HeaderName = HeaderName::from_static("google.rpc.retryinfo-bin");

/// A gRPC message of no bytes, with its prefix: every export response without a partial success.
const EMPTY_MESSAGE: Bytes = Bytes::from_static(&[0; 5]);

impl Encoding {
    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        })
    }
}

/// Success over gRPC.
pub(super) fn grpc_ok(accepted: &Accepted) -> Response<Answer> {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(GRPC_STATUS, HeaderValue::from_static("0"));
    let message = if accepted.is_whole() {
        EMPTY_MESSAGE
    } else {
        let message = export_response(accepted);
        [&payload::prefix(false, message.len())[..], &message]
            .concat()
            .into()
    };
    grpc_head(Answer::data(message).with_trailers(trailers))
}

/// A refusal over gRPC, as trailers only.
pub(super) fn grpc_refusal(refusal: &Refusal) -> Response<Answer> {
    let code = match refusal {
        Refusal::Full { .. } => Code::ResourceExhausted,
        Refusal::Unavailable { .. } => Code::Unavailable,
        Refusal::Unrouted(_) => Code::Unimplemented,
        Refusal::Unauthenticated(_) => Code::Unauthenticated,
        Refusal::Invalid(_) | Refusal::TooLarge(_) | Refusal::Rejected(_) => Code::InvalidArgument,
    };
    let message = refusal.to_string();
    let mut response = grpc_error(code, &message);
    if let Some(after) = refusal.retry_after() {
        let headers = response.headers_mut();
        let status = Status::new(code as u8, &message, Some(after));
        headers.insert(PYTHON_RETRY_INFO, binary(&RetryInfo::new(after)));
        headers.insert(STATUS_DETAILS, binary(&status));
    }
    response
}

/// A method or a compression over gRPC that otlet does not have.
pub(super) fn grpc_unimplemented(message: &str) -> Response<Answer> {
    let mut response = grpc_error(Code::Unimplemented, message);
    let accepted = HeaderValue::from_static("identity,gzip,zstd,deflate");
    response
        .headers_mut()
        .insert(GRPC_ACCEPT_ENCODING, accepted);
    response
}

/// Success over HTTP: an export response, with nothing in it unless a backend took the request in part.
pub(super) fn http_ok(encoding: Encoding, signal: Signal, accepted: &Accepted) -> Response<Answer> {
    let body = match (encoding, accepted.is_whole()) {
        (Encoding::Protobuf, true) => Answer::empty(),
        (Encoding::Json, true) => Answer::data(Bytes::from_static(b"{}")),
        (Encoding::Protobuf, false) => Answer::data(export_response(accepted)),
        (Encoding::Json, false) => Answer::data(export_response_json(signal, accepted)),
    };
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, encoding.content_type());
    response
}

/// A refusal over HTTP: a `google.rpc.Status` in the request's encoding.
pub(super) fn http_refusal(refusal: &Refusal, encoding: Encoding) -> Response<Answer> {
    let (status, code) = match refusal {
        Refusal::Full { .. } => (StatusCode::TOO_MANY_REQUESTS, Code::ResourceExhausted),
        Refusal::Unavailable { .. } => (StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
        Refusal::Invalid(_) | Refusal::Rejected(_) => {
            (StatusCode::BAD_REQUEST, Code::InvalidArgument)
        }
        Refusal::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, Code::InvalidArgument),
        Refusal::Unrouted(_) => (StatusCode::NOT_FOUND, Code::Unimplemented),
        Refusal::Unauthenticated(_) => (StatusCode::UNAUTHORIZED, Code::Unauthenticated),
    };
    let after = refusal.retry_after();
    let mut response = http_error(status, code, &refusal.to_string(), after, encoding);
    if let Some(after) = after {
        // Whole seconds are what the header has, and no client should come too early.
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        response
            .headers_mut()
            .insert(RETRY_AFTER, seconds.max(1).into());
    }
    response
}

/// A compression over HTTP that otlet does not have.
pub(super) fn http_unsupported_encoding(message: &str, encoding: Encoding) -> Response<Answer> {
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    let mut response = http_error(status, Code::InvalidArgument, message, None, encoding);
    let accepted = HeaderValue::from_static(ACCEPTED);
    response.headers_mut().insert(ACCEPT_ENCODING, accepted);
    response
}

/// A request that is not OTLP, so that there is no encoding to answer in.
pub(super) fn plain(status: StatusCode, message: &str) -> Response<Answer> {
    let mut response = Response::new(Answer::data(format!("{message}\n")));
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}

/// An export response with its partial success, which is the same on the wire for all signals.
fn export_response(accepted: &Accepted) -> Vec<u8> {
    let response = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: i64::try_from(accepted.rejected).unwrap_or(i64::MAX),
            error_message: accepted.words.clone(),
        }),
    };
    response.encode_to_vec()
}

/// The same in JSON, where fields have names and 64 bits are text.
fn export_response_json(signal: Signal, accepted: &Accepted) -> String {
    let rejected = match signal {
        Signal::Traces => "rejectedSpans",
        Signal::Metrics => "rejectedDataPoints",
        Signal::Logs => "rejectedLogRecords",
    };
    let mut partial = json!({ "errorMessage": accepted.words });
    if let Some(partial) = partial.as_object_mut() {
        partial.insert(rejected.to_owned(), accepted.rejected.to_string().into());
    }
    json!({ "partialSuccess": partial }).to_string()
}

fn grpc_head(body: Answer) -> Response<Answer> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, GRPC);
    response
}

fn grpc_error(code: Code, message: &str) -> Response<Answer> {
    let mut response = grpc_head(Answer::empty());
    let headers = response.headers_mut();
    headers.insert(GRPC_STATUS, u16::from(code as u8).into());
    headers.insert(GRPC_MESSAGE, percent_encoded(message));
    response
}

fn http_error(
    status: StatusCode,
    code: Code,
    message: &str,
    after: Option<Duration>,
    encoding: Encoding,
) -> Response<Answer> {
    let body = match encoding {
        Encoding::Protobuf => Status::new(code as u8, message, after).encode_to_vec(),
        Encoding::Json => status_json(code, message, after).into_bytes(),
    };
    let mut response = Response::new(Answer::data(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, encoding.content_type());
    response
}

fn status_json(code: Code, message: &str, after: Option<Duration>) -> String {
    let mut status = json!({ "code": code as u8, "message": message });
    if let (Some(after), Some(status)) = (after, status.as_object_mut()) {
        let delay = format!("{}s", after.as_secs_f64());
        let details = json!([{ "@type": RETRY_INFO, "retryDelay": delay }]);
        status.insert("details".to_owned(), details);
    }
    status.to_string()
}

/// A value of binary gRPC metadata.
fn binary(value: &impl Message) -> HeaderValue {
    let text = STANDARD_NO_PAD.encode(value.encode_to_vec());
    HeaderValue::try_from(text).expect("base64 is visible ASCII")
}

/// A gRPC message as the protocol spells it in a header.
fn percent_encoded(message: &str) -> HeaderValue {
    let mut out = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b'%' | ..=0x1f | 0x7f.. => {
                write!(out, "%{byte:02X}").expect("a string takes it");
            }
            _ => out.push(char::from(byte)),
        }
    }
    HeaderValue::try_from(out).expect("what is not visible ASCII is encoded")
}

#[cfg(test)]
mod tests;
