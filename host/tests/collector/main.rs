//! otlet between two real OpenTelemetry Collectors: what real SDKs sent arrives once and unchanged, and the Collector's
//! exporters take otlet's refusals as they are meant.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

mod process;
mod tls;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use otlet_tests::backend::{Answer, Backend, Request};
use otlet_tests::program::Program;
use otlet_tests::sender::{Sender, numbers, spans};
use prost::Message;

use process::{Collector, binary};

/// How requests go one step.
#[derive(Clone, Default)]
struct Way {
    /// `otlp` or `otlphttp`.
    exporter: &'static str,
    compression: &'static str,
    /// Keys of the sender; TLS, if there are any.
    keys: String,
    /// Keys of the receiver, whichever its protocol.
    receiver: String,
    /// What the receiver's config has besides under `service`, and after it.
    rest: String,
}

fn way(exporter: &'static str, compression: &'static str) -> Way {
    Way {
        exporter,
        compression,
        ..Way::default()
    }
}

/// Every request of `tests/fixtures/corpus`.
fn corpus() -> Vec<Request> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/corpus");
    let mut requests = vec![];
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "pb") {
            continue;
        }
        let message = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        requests.push(match name.split('-').next() {
            Some("traces") => Request::Traces(Message::decode(&*message).unwrap()),
            Some("metrics") => Request::Metrics(Message::decode(&*message).unwrap()),
            Some("logs") => Request::Logs(Message::decode(&*message).unwrap()),
            _ => panic!("{name}"),
        });
    }
    assert_eq!(requests.len(), 319);
    requests
}

/// Requests in an order of their own, to be compared.
fn sorted<'a>(requests: impl IntoIterator<Item = &'a Request>) -> Vec<Vec<u8>> {
    let encode = |request: &Request| match request {
        Request::Traces(request) => request.encode_to_vec(),
        Request::Metrics(request) => request.encode_to_vec(),
        Request::Logs(request) => request.encode_to_vec(),
    };
    let mut encoded: Vec<_> = requests.into_iter().map(encode).collect();
    encoded.sort();
    encoded
}

/// otlet between what it sends to and nothing yet, answering only once its backend has.
fn otlet(to: &Way, exporter: &str, keys: &str) -> Program {
    let Way { receiver, rest, .. } = to;
    Program::start(
        env!("CARGO_BIN_EXE_otlet"),
        &format!(
            "
receivers:
  otlp:
    protocols:
      grpc: {{ endpoint: 127.0.0.1:0, {receiver} }}
      http: {{ endpoint: 127.0.0.1:0, {receiver} }}
exporters:
  {exporter}: {{ sending_queue: {{ enabled: false }}, {keys} }}
service:
  pipelines:
    traces: {{ receivers: [otlp], exporters: [{exporter}] }}
    metrics: {{ receivers: [otlp], exporters: [{exporter}] }}
    logs: {{ receivers: [otlp], exporters: [{exporter}] }}
{rest}
"
        ),
    )
}

/// What a Collector's exporter over gRPC wants to be told where there is no TLS.
const INSECURE: &str = "tls: { insecure: true }";

/// The keys of a way to where `grpc` and `http` are.
fn keys(way: &Way, grpc: SocketAddr, http: SocketAddr, more: &str) -> String {
    let address = if way.exporter == "otlp" { grpc } else { http };
    let Way {
        compression, keys, ..
    } = way;
    let scheme = if keys.is_empty() { "http" } else { "https" };
    format!("endpoint: '{scheme}://{address}', compression: {compression}, {keys} {more}")
}

/// Sends the corpus through a Collector, otlet and a Collector again.
async fn goes_through(binary: &Path, to: &Way, from: &Way) {
    let backend = Backend::start();
    let insecure = format!("endpoint: '{}', {INSECURE}", backend.addr());
    let second = Collector::start(binary, &from.receiver, "otlp", &insecure);
    let otlet = otlet(to, from.exporter, &keys(from, second.grpc, second.http, ""));
    let plain = if to.keys.is_empty() { INSECURE } else { "" };
    let first_keys = keys(to, otlet.grpc(), otlet.http(), plain);
    let first = Collector::start(binary, "", to.exporter, &first_keys);
    let sender = Sender::grpc(first.grpc);
    let sent = corpus();
    for request in &sent {
        let reply = sender.send(request).await.unwrap();
        assert_eq!(reply.code, 0, "{}: {}", to.exporter, reply.message);
    }
    let taken = backend.taken();
    assert_eq!(taken.len(), sent.len());
    let (arrived, sent) = (
        sorted(taken.iter().map(|taken| &taken.request)),
        sorted(&sent),
    );
    let differ = arrived.iter().zip(&sent).filter(|(a, b)| a != b).count();
    assert_eq!(differ, 0, "{} to {}", to.exporter, from.exporter);
}

/// In and out of otlet, so that each coding comes and leaves, and is made into another.
const CODINGS: [(&str, &str); 4] = [
    ("none", "gzip"),
    ("gzip", "zstd"),
    ("zstd", "none"),
    ("gzip", "gzip"),
];

#[tokio::test]
async fn what_real_sdks_sent_arrives_once_and_unchanged_over_grpc() {
    let Some(binary) = binary() else { return };
    for (to, from) in CODINGS {
        goes_through(&binary, &way("otlp", to), &way("otlp", from)).await;
    }
}

#[tokio::test]
async fn what_real_sdks_sent_arrives_once_and_unchanged_over_http() {
    let Some(binary) = binary() else { return };
    for (to, from) in CODINGS {
        goes_through(&binary, &way("otlphttp", to), &way("otlphttp", from)).await;
    }
}

#[tokio::test]
async fn a_collector_waits_as_long_as_otlet_asks_and_then_tries_again() {
    let Some(binary) = binary() else { return };
    for exporter in ["otlp", "otlphttp"] {
        let backend = Backend::start();
        backend.script([Answer::unavailable()]);
        let keys_out = format!(
            "endpoint: '{}', retry_on_failure: {{ enabled: false }}",
            backend.endpoint()
        );
        let way = way(exporter, "none");
        let otlet = otlet(&way, "otlp", &keys_out);
        let more = "tls: { insecure: true }, \
                    retry_on_failure: { initial_interval: 1ms, max_interval: 1ms }";
        let keys = keys(&way, otlet.grpc(), otlet.http(), more);
        let collector = Collector::start(&binary, "", exporter, &keys);
        let sender = Sender::grpc(collector.grpc);
        let reply = sender.send(&Request::Traces(spans([1]))).await.unwrap();
        assert_eq!(reply.code, 0, "{exporter}: {}", reply.message);
        let received = backend.received();
        assert_eq!(received.len(), 2);
        let waited = received[1].at - received[0].at;
        assert!(waited >= Duration::from_secs(1), "{exporter}: {waited:?}");
        assert_eq!(numbers(&backend.taken()), [1]);
    }
}

#[tokio::test]
async fn a_collector_does_not_try_again_what_otlet_refuses_for_good() {
    let Some(binary) = binary() else { return };
    for exporter in ["otlp", "otlphttp"] {
        let backend = Backend::start();
        backend.script([Answer::refused()]);
        let way = way(exporter, "none");
        let otlet = otlet(&way, "otlp", &format!("endpoint: '{}'", backend.endpoint()));
        let keys = keys(&way, otlet.grpc(), otlet.http(), INSECURE);
        let collector = Collector::start(&binary, "", exporter, &keys);
        let sender = Sender::grpc(collector.grpc);
        let refused = sender.send(&Request::Traces(spans([1]))).await.unwrap();
        assert_ne!(refused.code, 0, "{exporter}");
        let reply = sender.send(&Request::Traces(spans([2]))).await.unwrap();
        assert_eq!(reply.code, 0, "{exporter}: {}", reply.message);
        assert_eq!(backend.attempts(), 2);
        assert_eq!(numbers(&backend.taken()), [2]);
    }
}
