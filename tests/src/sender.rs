//! Sends OTLP requests to a receiver, right and wrong ones, and reads its answers, over gRPC and HTTP. It shares no code with
//! otlet.

use std::net::SocketAddr;

use anyhow::Result;
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Method};
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

/// What a receiver answered, as it came.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers, and trailers, which gRPC has its own status in.
    pub headers: HeaderMap,
    /// The body, with gRPC's prefix.
    pub body: Bytes,
}

impl Answer {
    /// A header or trailer.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
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
    pub async fn send(&self, request: &Request) -> Result<Reply> {
        let (signal, message) = match request {
            Request::Traces(request) => ("traces", request.encode_to_vec()),
            Request::Metrics(request) => ("metrics", request.encode_to_vec()),
            Request::Logs(request) => ("logs", request.encode_to_vec()),
        };
        let text = |answer: &Answer, name| answer.header(name).map(str::to_owned);
        Ok(match self.protocol {
            Protocol::Http => {
                let kind = [("content-type", "application/x-protobuf")];
                let path = format!("/v1/{signal}");
                let answer = self.ask(Method::POST, &path, &kind, message.into()).await?;
                Reply {
                    code: answer.status,
                    retry: text(&answer, "retry-after"),
                    message: String::from_utf8_lossy(&answer.body).into_owned(),
                }
            }
            Protocol::Grpc => {
                let answer = self.call(&method(signal), None, &message).await?;
                Reply {
                    code: answer.header("grpc-status").unwrap_or_default().parse()?,
                    message: text(&answer, "grpc-message").unwrap_or_default(),
                    retry: text(&answer, "google.rpc.retryinfo-bin"),
                }
            }
        })
    }

    /// Calls a gRPC method with one message; `compressed` names how it is.
    pub async fn call(
        &self,
        path: &str,
        compressed: Option<&str>,
        message: &[u8],
    ) -> Result<Answer> {
        let mut framed = BytesMut::new();
        framed.put_u8(u8::from(compressed.is_some()));
        framed.put_u32(u32::try_from(message.len())?);
        framed.put_slice(message);
        let mut headers = vec![("content-type", "application/grpc"), ("te", "trailers")];
        headers.extend(compressed.map(|name| ("grpc-encoding", name)));
        self.ask(Method::POST, path, &headers, framed.freeze())
            .await
    }

    /// Sends any request.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Answer> {
        let uri = format!("http://{}{path}", self.address);
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body))?;
        let (head, body) = self.client.request(request).await?.into_parts();
        let body = body.collect().await?;
        let mut headers = head.headers;
        headers.extend(body.trailers().cloned().unwrap_or_default());
        Ok(Answer {
            status: head.status.as_u16(),
            headers,
            body: body.to_bytes(),
        })
    }
}

/// The path of a signal's method over gRPC; of what is no signal, one that no receiver has.
pub fn method(signal: &str) -> String {
    let name = match signal {
        "traces" => "trace.v1.Trace",
        "metrics" => "metrics.v1.Metrics",
        "logs" => "logs.v1.Logs",
        other => other,
    };
    format!("/opentelemetry.proto.collector.{name}Service/Export")
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
