//! Exporters in front of a scripted backend.

mod batching;
mod delivery;
mod queueing;
mod wire;

use std::time::{Duration, Instant};

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use otlet_tests::backend::{Backend, Received, Request};
use prost::Message;
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::batch::Signal;
use crate::payload::{Payload, prefix};
use crate::queue::{Delivery, Depth};

/// A test's own runtime, and an exporter's.
struct World {
    runtime: Runtime,
    runtimes: Runtimes,
}

/// Both protocols, which most tests are for.
const PROTOCOLS: [fn(&Backend) -> Config; 2] = [grpc, http];

impl World {
    fn new() -> Self {
        Self {
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            runtimes: Runtimes::start(2).unwrap(),
        }
    }

    fn start(&self, config: &Config) -> Exporter {
        Exporter::start(config, &self.runtimes, &Output::stdout(), None).unwrap()
    }

    /// Waits for what should take no time, or fails the test.
    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        let bounded = async { tokio::time::timeout(Duration::from_secs(20), future).await };
        self.runtime.block_on(bounded).expect("it ends within 20 s")
    }

    /// Waits for a condition that nobody tells about.
    fn until(&self, condition: impl Fn() -> bool) {
        self.wait(async {
            while !condition() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
    }
}

/// Waits of milliseconds, and enough of them for any test.
fn quick() -> Retry {
    Retry {
        initial_interval: Duration::from_millis(10),
        max_interval: Duration::from_millis(20),
        max_elapsed_time: Duration::from_secs(20),
        ..Retry::default()
    }
}

fn target(backend: &Backend) -> Target {
    Target {
        endpoint: backend.endpoint().parse().unwrap(),
        tls: Box::default(),
        auth: None,
        headers: Vec::new(),
        compression: Compression::None,
        keepalive: None,
    }
}

fn grpc(backend: &Backend) -> Config {
    Config {
        name: "otlp/test".to_owned(),
        kind: Kind::Otlp(target(backend)),
        timeout: Duration::from_secs(10),
        retry: quick(),
        queue: queue::Config::default(),
    }
}

fn http(backend: &Backend) -> Config {
    Config {
        name: "otlphttp/test".to_owned(),
        kind: Kind::OtlpHttp(Box::new(HttpTarget {
            target: target(backend),
            traces_endpoint: None,
            metrics_endpoint: None,
            logs_endpoint: None,
        })),
        ..grpc(backend)
    }
}

fn compressed(config: Config) -> Config {
    compressed_by(config, Compression::Gzip)
}

fn compressed_by(mut config: Config, compression: Compression) -> Config {
    match &mut config.kind {
        Kind::Otlp(target) => target.compression = compression,
        Kind::OtlpHttp(to) => to.target.compression = compression,
        Kind::Debug(_) | Kind::File(_) => {}
    }
    config
}

fn without_queue(mut config: Config) -> Config {
    config.queue.enabled = false;
    config
}

/// A request of `count` log records that carry the request's number.
fn request(number: u64, count: usize) -> ExportLogsServiceRequest {
    let log = LogRecord {
        time_unix_nano: number,
        severity_text: "INFO".repeat(20),
        ..LogRecord::default()
    };
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![log; count],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }
}

fn framed(compressed: bool, message: &[u8]) -> Bytes {
    let mut framed = prefix(compressed, message.len()).to_vec();
    framed.extend(message);
    framed.into()
}

fn payload(number: u64, count: usize) -> Payload {
    let message = request(number, count).encode_to_vec();
    Payload::plain(Signal::Logs, framed(false, &message))
}

/// Reserves and commits a request of `count` records.
fn send(exporter: &Exporter, number: u64, count: usize) -> Result<Delivery, Refusal> {
    let payload = payload(number, count);
    let size = Size {
        bytes: u64::try_from(payload.size()).unwrap(),
        items: u64::try_from(count).unwrap(),
    };
    Ok(exporter.reserve(size)?.commit(payload, size))
}

/// Sends a request that must find room.
fn queue(exporter: &Exporter, number: u64, count: usize) {
    let _taken = send(exporter, number, count).expect("there is room");
}

/// The number of a request that arrived.
fn number(received: &Received) -> u64 {
    match &received.request {
        Request::Logs(request) => {
            request.resource_logs[0].scope_logs[0].log_records[0].time_unix_nano
        }
        other => panic!("{other:?}"),
    }
}

fn numbers(received: &[Received]) -> Vec<u64> {
    let mut numbers: Vec<_> = received.iter().map(number).collect();
    numbers.sort_unstable();
    numbers
}
