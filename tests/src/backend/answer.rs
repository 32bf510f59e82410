//! What a scripted backend can answer.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use tonic::{Code, Status};

use super::{Protocol, Received, Request, serve::Body};

/// What happens to one request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It is taken.
    Ok,
    /// It is taken but for some items.
    Partial {
        /// How many.
        rejected: i64,
        /// Why.
        message: String,
    },
    /// It is refused with a gRPC status; over HTTP with the status that OTLP has for it.
    Status {
        /// Such as `Code::Unavailable`.
        code: Code,
        /// The delay in a `RetryInfo`, or in seconds in Retry-After.
        retry_after: Option<Duration>,
    },
    /// It is refused with a gRPC status and these words; over HTTP with the status that OTLP has for it.
    Saying(Code, String),
    /// It is refused with an HTTP status, over gRPC too, as a proxy would.
    Http {
        /// Such as 503.
        status: u16,
        /// The value of `Retry-After`.
        retry_after: Option<String>,
    },
    /// It is refused as too large: with the code and the words of a gRPC server, over HTTP with 413.
    TooLarge(Code),
    /// It is refused so if it has more spans, data points or log records than this; else it is taken.
    AtMost(usize, Code),
    /// It is refused for good if this is true of it; else it is taken.
    RefusedIf(fn(&Request) -> bool),
    /// It is refused if it is compressed, over HTTP with 415 or 400; else it is taken.
    UnknownCoding {
        /// Such as `Code::Unimplemented`.
        code: Code,
        /// What is said over gRPC.
        said: &'static str,
        /// The codings that are understood; empty if the backend does not say.
        understood: &'static str,
    },
    /// It is answered later.
    After(Duration, Box<Answer>),
    /// It is read and not answered until [`Backend::release`](super::Backend::release).
    Hang,
    /// Its stream or connection is reset before it is read.
    Reset,
    /// It is taken, and its stream or connection reset in the place of an answer.
    Lose,
}

impl Answer {
    /// A refusal that may be tried again.
    pub fn unavailable() -> Self {
        Self::Status {
            code: Code::Unavailable,
            retry_after: None,
        }
    }

    /// A refusal that may be tried again after a delay.
    pub fn throttled(after: Duration) -> Self {
        Self::Status {
            code: Code::ResourceExhausted,
            retry_after: Some(after),
        }
    }

    /// A refusal for good.
    pub fn refused() -> Self {
        Self::Status {
            code: Code::InvalidArgument,
            retry_after: None,
        }
    }

    /// Whether the request counts as taken once this is said.
    pub(super) fn takes(&self) -> bool {
        match self {
            Self::Ok | Self::Partial { .. } | Self::Hang | Self::Lose => true,
            Self::Status { .. }
            | Self::Saying(..)
            | Self::Http { .. }
            | Self::TooLarge(_)
            | Self::AtMost(..)
            | Self::RefusedIf(_)
            | Self::UnknownCoding { .. }
            | Self::Reset => false,
            Self::After(_, answer) => answer.takes(),
        }
    }

    /// Whether a request that it would refuse is taken for what it is.
    pub(super) fn spares(&self, received: &Received) -> bool {
        match self {
            Self::UnknownCoding { .. } => received.coding.is_none(),
            Self::AtMost(most, _) => received.request.items() <= *most,
            Self::RefusedIf(is_wrong) => !is_wrong(&received.request),
            _ => false,
        }
    }

    /// What goes over the wire; none in the place of an answer.
    pub(super) fn response(&self, protocol: Protocol) -> Option<Response<Body>> {
        match self {
            Self::Ok | Self::Hang => {
                Some(success(protocol, &ExportTraceServiceResponse::default()))
            }
            Self::Partial { rejected, message } => Some(success(
                protocol,
                &ExportTraceServiceResponse {
                    partial_success: Some(ExportTracePartialSuccess {
                        rejected_spans: *rejected,
                        error_message: message.clone(),
                    }),
                },
            )),
            Self::Status { code, retry_after } => Some(match protocol {
                Protocol::Grpc => grpc_status(*code, "as the script says", *retry_after),
                Protocol::Http => http_status(
                    status(*code),
                    retry_after.map(|after| after.as_secs().to_string()),
                ),
            }),
            Self::RefusedIf(_) => Self::refused().response(protocol),
            Self::Saying(code, words) => Some(match protocol {
                Protocol::Grpc => grpc_status(*code, words, None),
                Protocol::Http => http_saying(status(*code), words),
            }),
            Self::Http {
                status,
                retry_after,
            } => Some(http_status(*status, retry_after.clone())),
            Self::TooLarge(code) | Self::AtMost(_, code) => Some(match protocol {
                Protocol::Grpc => {
                    let said = "grpc: received message larger than max (5000000 vs. 4194304)";
                    grpc_status(*code, said, None)
                }
                Protocol::Http => http_status(413, None),
            }),
            Self::UnknownCoding {
                code,
                said,
                understood,
            } => Some(unknown_coding(protocol, *code, said, understood)),
            Self::After(_, answer) => answer.response(protocol),
            Self::Reset | Self::Lose => None,
        }
    }
}

/// The responses of the three signals are the same on the wire.
fn success(protocol: Protocol, message: &ExportTraceServiceResponse) -> Response<Body> {
    let message = message.encode_to_vec();
    let (kind, body) = match protocol {
        Protocol::Http => ("application/x-protobuf", Body::whole(message.into())),
        Protocol::Grpc => {
            let len = u32::try_from(message.len()).expect("a response is small");
            let mut framed = vec![0];
            framed.extend(len.to_be_bytes());
            framed.extend(message);
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            (
                "application/grpc",
                Body::with_trailers(framed.into(), trailers),
            )
        }
    };
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// An answer without a message: its status stands in the headers.
fn grpc_status(code: Code, said: &str, retry_after: Option<Duration>) -> Response<Body> {
    let details = retry_after.map_or_else(Bytes::new, retry_info);
    let mut response = Response::new(Body::whole(Bytes::new()));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    Status::with_details(code, said, details)
        .add_header(headers)
        .expect("the message and the details are fit for headers");
    response
}

fn unknown_coding(
    protocol: Protocol,
    code: Code,
    said: &str,
    understood: &'static str,
) -> Response<Body> {
    let (mut response, header) = match (protocol, code) {
        (Protocol::Grpc, _) => (grpc_status(code, said, None), "grpc-accept-encoding"),
        (Protocol::Http, Code::Unimplemented) => (http_status(415, None), "accept-encoding"),
        (Protocol::Http, _) => (http_status(400, None), "accept-encoding"),
    };
    if !understood.is_empty() {
        let understood = HeaderValue::from_static(understood);
        response.headers_mut().insert(header, understood);
    }
    response
}

/// What OTLP over HTTP has for a gRPC code.
fn status(code: Code) -> u16 {
    match code {
        Code::Unavailable => 503,
        Code::ResourceExhausted => 429,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        _ => 400,
    }
}

fn http_saying(status: u16, words: &str) -> Response<Body> {
    let mut response = Response::new(Body::whole(Bytes::copy_from_slice(words.as_bytes())));
    *response.status_mut() = StatusCode::from_u16(status).expect("the script has real statuses");
    response
}

fn http_status(status: u16, retry_after: Option<String>) -> Response<Body> {
    let mut response = http_saying(status, "as the script says");
    if let Some(after) = retry_after {
        let after = HeaderValue::try_from(after).expect("the script has real headers");
        response.headers_mut().insert(header::RETRY_AFTER, after);
    }
    response
}

/// `google.rpc.Status` with a `RetryInfo`, written by hand: field number and wire type, length, content.
fn retry_info(delay: Duration) -> Bytes {
    let mut duration = Vec::new();
    for (key, value) in [
        (0x08, delay.as_secs()),
        (0x10, u64::from(delay.subsec_nanos())),
    ] {
        duration.push(key);
        prost::encoding::encode_varint(value, &mut duration);
    }
    let info = field(0x0a, &duration);
    let mut any = field(0x0a, b"type.googleapis.com/google.rpc.RetryInfo");
    any.extend(field(0x12, &info));
    field(0x1a, &any).into()
}

fn field(key: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![key];
    let len = u64::try_from(content.len()).expect("a length fits");
    prost::encoding::encode_varint(len, &mut bytes);
    bytes.extend(content);
    bytes
}
