//! Sends OTLP requests to a receiver and reads its answers, over gRPC and HTTP. It shares no code with otlet.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, TE};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use crate::backend::{Protocol, Received, Request};

/// A client with a pool of connections. Clones share it.
#[derive(Clone)]
pub struct Sender {
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    protocol: Protocol,
}

/// What a receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The gRPC or HTTP status.
    pub code: u16,
    /// What it says besides.
    pub message: String,
    /// `RetryInfo` in base64, where Python looks for it; over HTTP, Retry-After.
    pub retry: Option<String>,
}

impl Sender {
    /// One that speaks gRPC.
    pub fn grpc(address: SocketAddr) -> Self {
        Self::new(address, Protocol::Grpc)
    }

    /// One that speaks HTTP with protobuf.
    pub fn http(address: SocketAddr) -> Self {
        Self::new(address, Protocol::Http)
    }

    fn new(address: SocketAddr, protocol: Protocol) -> Self {
        // Otherwise every request waits 40 ms for the acknowledgement of its headers.
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .http2_only(protocol == Protocol::Grpc)
            .build(connector);
        Self {
            client,
            address,
            protocol,
        }
    }

    /// Sends a request and waits for its answer; an error where the connection broke before it.
    pub async fn send(&self, request: &Request) -> anyhow::Result<Reply> {
        let (service, path, message) = match request {
            Request::Traces(request) => ("trace.v1.Trace", "traces", request.encode_to_vec()),
            Request::Metrics(request) => ("metrics.v1.Metrics", "metrics", request.encode_to_vec()),
            Request::Logs(request) => ("logs.v1.Logs", "logs", request.encode_to_vec()),
        };
        let (path, kind, body) = match self.protocol {
            Protocol::Http => (format!("v1/{path}"), "application/x-protobuf", message),
            Protocol::Grpc => {
                let mut framed = vec![0];
                framed.extend(u32::try_from(message.len())?.to_be_bytes());
                framed.extend(message);
                let path = format!("opentelemetry.proto.collector.{service}Service/Export");
                (path, "application/grpc", framed)
            }
        };
        let request = http::Request::post(format!("http://{}/{path}", self.address))
            .header(CONTENT_TYPE, kind)
            .header(TE, "trailers")
            .body(Full::new(Bytes::from(body)))?;
        let (head, body) = self.client.request(request).await?.into_parts();
        let body = body.collect().await?;
        let mut headers = head.headers;
        headers.extend(body.trailers().cloned().unwrap_or_default());
        let text =
            |name: &str| -> Option<String> { Some(headers.get(name)?.to_str().ok()?.to_owned()) };
        Ok(match self.protocol {
            Protocol::Http => Reply {
                code: head.status.as_u16(),
                message: String::from_utf8_lossy(&body.to_bytes()).into_owned(),
                retry: text("retry-after"),
            },
            Protocol::Grpc => Reply {
                code: text("grpc-status").unwrap_or_default().parse()?,
                message: text("grpc-message").unwrap_or_default(),
                retry: text("google.rpc.retryinfo-bin"),
            },
        })
    }
}

/// A request of one span for each number, which is its span id.
pub fn spans(numbers: impl IntoIterator<Item = u64>) -> ExportTraceServiceRequest {
    let spans = numbers.into_iter().map(|number| Span {
        trace_id: vec![7; 16],
        span_id: number.to_be_bytes().to_vec(),
        name: format!("GET /{number}"),
        start_time_unix_nano: 1,
        end_time_unix_nano: 2,
        ..Span::default()
    });
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: spans.collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

/// The numbers of the spans that arrived, in ascending order, each as often as it came.
pub fn numbers(received: &[Received]) -> Vec<u64> {
    let mut numbers: Vec<u64> = received
        .iter()
        .filter_map(|received| match &received.request {
            Request::Traces(request) => Some(&request.resource_spans),
            _ => None,
        })
        .flatten()
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| &scope.spans)
        .map(|span| {
            let id = span.span_id.as_slice().try_into();
            u64::from_be_bytes(id.expect("a span id has eight bytes"))
        })
        .collect();
    numbers.sort_unstable();
    numbers
}
