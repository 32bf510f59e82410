//! OTLP over gRPC: the framed request as it is, in a unary call, without a codec.

use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, Version, header};
use http_body_util::Full;
use prost::Message;

use super::answer::{Accepted, Failure, base64, says_too_large};
use super::client::{Answer, Connections, check, headers};
use super::coding::is_unknown_to_grpc;
use super::prepared::Prepared;
use super::{StartError, Target, http as otlp_http};
use crate::batch::Signal;
use crate::compression::{self, Coding};
use crate::payload::PREFIX;
use crate::rpc::Status;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The largest export response that is opened.
const LONGEST_RESPONSE: usize = 64 << 10;

/// gRPC's status codes, by their numbers.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// A connection to a gRPC backend.
pub(super) struct Client {
    connections: Connections,
    traces: Uri,
    metrics: Uri,
    logs: Uri,
    headers: HeaderMap,
}

impl Client {
    pub(super) fn new(
        name: &str,
        target: &Target,
        timeout: Duration,
        connections: Connections,
    ) -> Result<Self, StartError> {
        check(name, &target.endpoint)?;
        let service = |path: &'static str| {
            let mut parts = target.endpoint.clone().into_parts();
            parts.path_and_query = Some(PathAndQuery::from_static(path));
            Uri::from_parts(parts).expect("the endpoint has a scheme and an authority")
        };
        let mut protocol = vec![
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/grpc"),
            ),
            (header::TE, HeaderValue::from_static("trailers")),
        ];
        if let Some(timeout) = grpc_timeout(timeout) {
            protocol.push((TIMEOUT, timeout));
        }
        Ok(Self {
            connections,
            traces: service("/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
            metrics: service("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"),
            logs: service("/opentelemetry.proto.collector.logs.v1.LogsService/Export"),
            headers: headers(target, &protocol),
        })
    }

    /// Sends a request once.
    pub(super) async fn export(&self, prepared: &Prepared) -> Result<Accepted, Failure> {
        let uri = match prepared.signal {
            Signal::Traces => &self.traces,
            Signal::Metrics => &self.metrics,
            Signal::Logs => &self.logs,
        };
        let mut request = Request::new(Full::new(prepared.framed.clone()));
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = self.headers.clone();
        if let Some(coding) = prepared.coding {
            let name = HeaderValue::from_static(coding.name());
            request.headers_mut().insert(ENCODING, name);
        }
        let answer = self.connections.exchange(request).await?;
        judge(&answer).map_err(|failure| {
            let unknown_coding = prepared.coding.is_some_and(|coding| {
                let code = status(&answer).map_or(&b""[..], HeaderValue::as_bytes);
                is_unknown_to_grpc(code, &failure.words, &answer.headers, coding.name())
            });
            Failure {
                unknown_coding,
                ..failure
            }
        })
    }
}

/// At most eight digits, as the protocol has it.
fn grpc_timeout(timeout: Duration) -> Option<HeaderValue> {
    let text = match (timeout.as_millis(), timeout.as_secs()) {
        (0, _) => return None,
        (millis @ ..=99_999_999, _) => format!("{millis}m"),
        (_, seconds) => format!("{}S", seconds.min(99_999_999)),
    };
    HeaderValue::from_str(&text).ok()
}

fn judge(answer: &Answer) -> Result<Accepted, Failure> {
    // An answer without a message has its status in the headers.
    let (headers, status) = match answer.trailers.get(STATUS) {
        Some(status) => (&answer.trailers, Some(status)),
        None => (&answer.headers, answer.headers.get(STATUS)),
    };
    let Some(status) = status else {
        return Err(without_status(answer));
    };
    let code = status.to_str().ok().and_then(|code| code.parse().ok());
    if code == Some(0) {
        return Ok(
            message(answer).map_or_else(Accepted::default, |m| Accepted::parse(&m, &answer.mask))
        );
    }
    let details = headers
        .get(DETAILS)
        .and_then(|details| base64(details.as_bytes()))
        .and_then(|details| Status::decode(details.as_slice()).ok());
    let said = headers.get(MESSAGE).map(|m| percent_decode(m.as_bytes()));
    let said = said.as_deref().unwrap_or_default();
    let after = details.and_then(|details| details.retry_delay());
    Err(Failure {
        words: answer.mask.words(said),
        // What is no number is code 2, UNKNOWN.
        ..failure(code.unwrap_or(2), after, said)
    })
}

/// The number of the gRPC status.
fn status(answer: &Answer) -> Option<&HeaderValue> {
    [&answer.trailers, &answer.headers]
        .into_iter()
        .find_map(|headers| headers.get(STATUS))
}

/// What may be tried again: OTLP's list, and what other credentials would help. The words are the caller's to add.
fn failure(code: usize, after: Option<Duration>, said: &str) -> Failure {
    let name = CODES.get(code).copied().unwrap_or("UNKNOWN");
    let too_large = after.is_none()
        && matches!(
            name,
            "RESOURCE_EXHAUSTED" | "OUT_OF_RANGE" | "INVALID_ARGUMENT"
        )
        && says_too_large(said);
    let retryable = match name {
        _ if too_large => false,
        "CANCELLED" | "DEADLINE_EXCEEDED" | "ABORTED" | "OUT_OF_RANGE" | "UNAVAILABLE"
        | "DATA_LOSS" => true,
        "RESOURCE_EXHAUSTED" => after.is_some(),
        _ => false,
    };
    let failure = Failure {
        reason: format!("the backend answered {name}"),
        words: String::new(),
        retryable,
        after,
        too_large,
        unknown_coding: false,
    };
    match name {
        "UNAUTHENTICATED" | "PERMISSION_DENIED" => failure.denied(),
        _ => failure,
    }
}

/// Something that does not speak gRPC answered, such as a proxy: gRPC's table says what its status means.
fn without_status(answer: &Answer) -> Failure {
    let code = match answer.status {
        StatusCode::BAD_REQUEST => 13,
        StatusCode::UNAUTHORIZED => 16,
        StatusCode::FORBIDDEN => 7,
        StatusCode::NOT_FOUND => 12,
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => 14,
        _ => 2,
    };
    let failure = Failure {
        reason: format!(
            "the backend answered without a gRPC status (HTTP {}): its endpoint may not be one of OTLP over gRPC",
            answer.status.as_u16()
        ),
        ..failure(code, otlp_http::retry_after(&answer.headers), "")
    };
    match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => failure.denied(),
        _ => failure,
    }
}

/// The message of a unary answer. Servers made with grpc-go compress it as the request was.
fn message(answer: &Answer) -> Option<Bytes> {
    let (prefix, message) = answer.body.split_at_checked(PREFIX)?;
    if *prefix.first()? == 0 {
        return Some(Bytes::copy_from_slice(message));
    }
    let coding = Coding::named(answer.headers.get(ENCODING)?.as_bytes())?;
    let framed = Bytes::copy_from_slice(&answer.body);
    let packed = compression::admit(coding, framed, LONGEST_RESPONSE).ok()?;
    let opened = compression::inflate(&packed).ok()?;
    Some(opened.slice(PREFIX.min(opened.len())..))
}

fn percent_decode(text: &[u8]) -> String {
    let digit = |c: u8| {
        char::from(c)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        match rest {
            [] => return String::from_utf8_lossy(&bytes).into_owned(),
            [b'%', high, low, after @ ..]
                if let (Some(high), Some(low)) = (digit(*high), digit(*low)) =>
            {
                bytes.push(high << 4 | low);
                rest = after;
            }
            [byte, after @ ..] => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::mask::Mask;
    use super::*;

    #[test]
    fn the_codes_of_otlp_and_those_of_credentials_are_tried_again() {
        let retryable: Vec<_> = (0..20)
            .filter(|code| failure(*code, None, "").retryable)
            .collect();
        assert_eq!(retryable, [1, 4, 7, 10, 11, 14, 15, 16]);
        let delayed: Vec<_> = (0..20)
            .filter(|code| failure(*code, Some(Duration::ZERO), "").retryable)
            .collect();
        assert_eq!(delayed, [1, 4, 7, 8, 10, 11, 14, 15, 16]);
        for said in [
            "grpc: received message larger than max (5000000 vs. 4194304)",
            "gRPC message exceeds maximum size 4194304: 5000000",
            "Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes",
        ] {
            let too_large: Vec<_> = (0..20)
                .filter(|code| failure(*code, None, said).too_large)
                .collect();
            assert_eq!(too_large, [3, 8, 11]);
            assert!(!failure(11, None, said).retryable);
            assert!(failure(8, Some(Duration::ZERO), said).retryable);
        }
    }

    #[test]
    fn an_answer_without_a_status_is_judged_by_grpcs_table() {
        let retryable: Vec<_> = (200..600)
            .filter(|status| {
                let answer = Answer {
                    status: StatusCode::from_u16(*status).unwrap(),
                    headers: HeaderMap::new(),
                    body: Vec::new(),
                    trailers: HeaderMap::new(),
                    mask: Mask::default(),
                };
                judge(&answer).unwrap_err().retryable
            })
            .collect();
        assert_eq!(retryable, [401, 403, 429, 502, 503, 504]);
    }

    #[test]
    fn broken_details_from_a_backend_are_no_details() {
        for details in ["%%%", "AAAA", "CA", "Z"] {
            let mut trailers = HeaderMap::new();
            trailers.insert(STATUS, HeaderValue::from_static("8"));
            trailers.insert(DETAILS, HeaderValue::from_static(details));
            let answer = Answer {
                status: StatusCode::OK,
                headers: HeaderMap::new(),
                body: Vec::new(),
                trailers,
                mask: Mask::default(),
            };
            let failure = judge(&answer).unwrap_err();
            assert!(!failure.retryable);
            assert_eq!(failure.reason, "the backend answered RESOURCE_EXHAUSTED");
        }
    }

    #[test]
    fn a_timeout_has_at_most_eight_digits() {
        for (timeout, text) in [
            (Duration::from_secs(5), Some("5000m")),
            (Duration::from_millis(99_999_999), Some("99999999m")),
            (Duration::from_secs(100_000), Some("100000S")),
            (Duration::MAX, Some("99999999S")),
            (Duration::ZERO, None),
        ] {
            let written = grpc_timeout(timeout);
            assert_eq!(written.as_ref().map(|t| t.to_str().unwrap()), text);
        }
    }

    #[test]
    fn a_message_is_percent_decoded_and_hostile_ones_do_no_harm() {
        assert_eq!(percent_decode(b"no%20room %C3%A4"), "no room \u{e4}");
        assert_eq!(percent_decode(b"100% %zz %"), "100% %zz %");
        assert_eq!(percent_decode(b"%+1"), "%+1");
    }
}
