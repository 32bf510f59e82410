//! A client of every protocol and encoding, for tests without a runtime.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use libdeflater::{CompressionLvl, Compressor, Decompressor};
use otlet_tests::program::Program;
use otlet_tests::sender::{Answer, Sender, method};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::time::timeout;

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

/// A client of one otlet. Its connections live on a thread, so that they hear of a shutdown.
pub(crate) struct Client {
    runtime: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    grpc: Sender,
    http: Sender,
}

impl Client {
    /// A client that makes its connections when it needs them.
    pub(crate) fn to(otlet: &Program) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        Self {
            runtime: runtime.handle().clone(),
            stop: Some(stop),
            thread: Some(thread::spawn(move || {
                // Dropping the sender is what stops it.
                let _dropped = runtime.block_on(stopped);
            })),
            grpc: Sender::grpc(otlet.grpc()),
            http: Sender::http(otlet.http()),
        }
    }

    /// Sends a request that is to be taken, and gives the body as it went over the wire.
    pub(crate) fn send(
        &self,
        encoding: Encoding,
        coding: Option<&str>,
        signal: &str,
        body: &[u8],
    ) -> Bytes {
        let body = match coding {
            Some(coding) => compress_as(coding, body),
            None => Bytes::copy_from_slice(body),
        };
        let answer = if encoding == Encoding::Grpc {
            self.call(&method(signal), coding, &body)
        } else {
            let kind = match encoding {
                Encoding::Json => "application/json",
                _ => "application/x-protobuf",
            };
            let mut headers = vec![("content-type", kind)];
            if let Some(coding) = coding {
                headers.push(("content-encoding", coding));
            }
            self.post(&format!("/v1/{signal}"), &headers, &body)
        };
        assert_taken(encoding, &answer);
        body
    }

    /// Sends a message by gRPC; `compressed` names how it is.
    pub(crate) fn call(&self, path: &str, compressed: Option<&str>, message: &[u8]) -> Answer {
        self.wait(self.grpc.call(path, compressed, message))
    }

    /// Sends a body by HTTP.
    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let body = Bytes::copy_from_slice(body);
        self.wait(self.http.ask(Method::POST, path, headers, body))
    }

    /// Asks for a page by HTTP, which OTLP has none of.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.wait(self.http.ask(Method::GET, path, &[], Bytes::new()))
    }

    fn wait(&self, answer: impl Future<Output = anyhow::Result<Answer>>) -> Answer {
        self.runtime
            .block_on(async { timeout(PATIENCE, answer).await })
            .expect("otlet answers in time")
            .expect("otlet answers")
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

/// Compresses in the coding of this name.
pub(crate) fn compress_as(coding: &str, plain: &[u8]) -> Bytes {
    match coding {
        "gzip" => compress(plain),
        "zstd" => zstd::bulk::compress(plain, 3).unwrap().into(),
        "deflate" => {
            let mut compressor = Compressor::new(CompressionLvl::fastest());
            let mut zlib = vec![0; compressor.zlib_compress_bound(plain.len())];
            let len = compressor.zlib_compress(plain, &mut zlib).unwrap();
            zlib.truncate(len);
            zlib.into()
        }
        other => panic!("{other}"),
    }
}

/// Compresses with gzip.
pub(crate) fn compress(plain: &[u8]) -> Bytes {
    let mut compressor = Compressor::new(CompressionLvl::fastest());
    let mut gzip = vec![0; compressor.gzip_compress_bound(plain.len())];
    let len = compressor.gzip_compress(plain, &mut gzip).unwrap();
    gzip.truncate(len);
    gzip.into()
}

/// Opens what is compressed in the coding of this name, which must be as long as is expected.
pub(crate) fn decompress(coding: &str, body: &[u8], len: usize) -> Vec<u8> {
    let mut plain = vec![0; len];
    let mut opener = Decompressor::new();
    let all = match coding {
        "gzip" => opener.gzip_decompress(body, &mut plain).unwrap(),
        "zstd" => zstd::bulk::decompress_to_buffer(body, &mut plain[..]).unwrap(),
        "deflate" => opener.zlib_decompress(body, &mut plain).unwrap(),
        other => panic!("{other}"),
    };
    assert_eq!(all, len);
    plain
}
