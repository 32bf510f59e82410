//! Clients of every protocol and encoding, small enough to be told what to get wrong.

use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use libdeflater::{CompressionLvl, Compressor, Decompressor};
use otlet_tests::program::Program;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Protobuf over gRPC.
    Grpc,
    /// Protobuf over HTTP.
    Protobuf,
    /// JSON over HTTP.
    Json,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Headers, and trailers, which gRPC has its own status in.
    pub(crate) headers: HeaderMap,
    /// The body, with gRPC's prefix.
    pub(crate) body: Bytes,
}

impl Answer {
    /// A header or trailer.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A client of one otlet. Its connections live on a thread, so that they hear of a shutdown.
pub(crate) struct Client {
    runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    http1: Hyper<HttpConnector, Full<Bytes>>,
    http2: Hyper<HttpConnector, Full<Bytes>>,
    grpc: SocketAddr,
    http: SocketAddr,
}

impl Client {
    /// A client that makes its connections when it needs them.
    pub(crate) fn to(otlet: &Program) -> Self {
        let mut builder = Hyper::builder(TokioExecutor::new());
        builder.timer(TokioTimer::new());
        let http1 = builder.build_http();
        let http2 = builder.http2_only(true).build_http();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        Self {
            runtime: runtime.handle().clone(),
            stop: Some(stop),
            thread: Some(thread::spawn(move || {
                // Dropping the sender is what stops it.
                let _dropped = runtime.block_on(stopped);
            })),
            http1,
            http2,
            grpc: otlet.grpc(),
            http: otlet.http(),
        }
    }

    /// Sends a request that is to be taken, and gives the body as it went over the wire.
    pub(crate) fn send(&self, encoding: Encoding, gzip: bool, signal: &str, body: &[u8]) -> Bytes {
        let body = if gzip {
            compress(body)
        } else {
            Bytes::copy_from_slice(body)
        };
        let answer = if encoding == Encoding::Grpc {
            self.call(&method(signal), gzip.then_some("gzip"), &body)
        } else {
            let kind = match encoding {
                Encoding::Json => "application/json",
                _ => "application/x-protobuf",
            };
            let mut headers = vec![("content-type", kind)];
            if gzip {
                headers.push(("content-encoding", "gzip"));
            }
            self.post(&format!("/v1/{signal}"), &headers, &body)
        };
        assert_taken(encoding, &answer);
        body
    }

    /// Sends a message by gRPC; `compressed` names how it is.
    pub(crate) fn call(&self, path: &str, compressed: Option<&str>, message: &[u8]) -> Answer {
        let mut framed = BytesMut::new();
        framed.put_u8(u8::from(compressed.is_some()));
        framed.put_u32(u32::try_from(message.len()).unwrap());
        framed.put_slice(message);
        let mut headers = vec![("content-type", "application/grpc"), ("te", "trailers")];
        headers.extend(compressed.map(|name| ("grpc-encoding", name)));
        let url = format!("http://{}{path}", self.grpc);
        self.request(&self.http2, Method::POST, &url, &headers, framed.freeze())
    }

    /// Sends a body by HTTP.
    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let url = format!("http://{}{path}", self.http);
        let body = Bytes::copy_from_slice(body);
        self.request(&self.http1, Method::POST, &url, headers, body)
    }

    /// Asks for a page by HTTP, which OTLP has none of.
    pub(crate) fn get(&self, path: &str) -> Answer {
        let url = format!("http://{}{path}", self.http);
        self.request(&self.http1, Method::GET, &url, &[], Bytes::new())
    }

    fn request(
        &self,
        by: &Hyper<HttpConnector, Full<Bytes>>,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).unwrap();
        let answered = async {
            let (head, body) = by.request(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap();
            let mut headers = head.headers;
            headers.extend(body.trailers().cloned().unwrap_or_default());
            Answer {
                status: head.status.as_u16(),
                headers,
                body: body.to_bytes(),
            }
        };
        self.runtime
            .block_on(async { tokio::time::timeout(PATIENCE, answered).await })
            .expect("otlet answers in time")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // If it panicked the test has seen it by its requests.
            let _panicked = thread.join();
        }
    }
}

/// An acceptance as OTLP has it: an empty export response in the encoding of the request.
fn assert_taken(encoding: Encoding, answer: &Answer) {
    let (kind, body): (_, &[u8]) = match encoding {
        Encoding::Grpc => ("application/grpc", &[0; 5]),
        Encoding::Protobuf => ("application/x-protobuf", b""),
        Encoding::Json => ("application/json", b"{}"),
    };
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some(kind), "{answer:?}");
    assert_eq!(answer.body, body, "{answer:?}");
    let status = (encoding == Encoding::Grpc).then_some("0");
    assert_eq!(answer.header("grpc-status"), status, "{answer:?}");
}

/// The path of a signal's method by gRPC.
pub(crate) fn method(signal: &str) -> String {
    let (package, service) = match signal {
        "traces" => ("trace", "TraceService"),
        "metrics" => ("metrics", "MetricsService"),
        "logs" => ("logs", "LogsService"),
        _ => panic!("{signal} is no signal"),
    };
    format!("/opentelemetry.proto.collector.{package}.v1.{service}/Export")
}

/// Compresses with gzip.
pub(crate) fn compress(plain: &[u8]) -> Bytes {
    let mut compressor = Compressor::new(CompressionLvl::fastest());
    let mut gzip = vec![0; compressor.gzip_compress_bound(plain.len())];
    let len = compressor.gzip_compress(plain, &mut gzip).unwrap();
    gzip.truncate(len);
    gzip.into()
}

/// Opens what is compressed with gzip, which must be as long as is expected.
pub(crate) fn decompress(gzip: &[u8], len: usize) -> Vec<u8> {
    let mut plain = vec![0; len];
    let all = Decompressor::new()
        .gzip_decompress(gzip, &mut plain)
        .unwrap();
    assert_eq!(all, len);
    plain
}
