//! Plugins that come and change while the program runs: what happens to the telemetry meanwhile.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

mod compiling;
mod failing;
mod files;
mod load;
mod schemas;
mod unused;
mod waiting;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use otlet::plugin::Digest;
use otlet_tests::backend::{Backend, Received, Request};
use otlet_tests::guests;
use otlet_tests::program::Program;
use otlet_tests::sender::{Reply, Sender, spans};
use tempfile::TempDir;

/// Where the guest has its orders, and what follows them to be written over.
const ORDERS: &[u8] = br#"{"number": 1}"#;
const ROOM: usize = 72;

/// A version of the guest that follows these orders.
fn version(orders: &str) -> Vec<u8> {
    written_over(guests::STAMP, ORDERS, ROOM, orders)
}

/// A component with other words in the place of some, which are followed by so much room.
fn written_over(wasm: &[u8], words: &[u8], room: usize, others: &str) -> Vec<u8> {
    let mut wasm = wasm.to_vec();
    let places: Vec<_> = wasm
        .windows(words.len())
        .enumerate()
        .filter(|(_, window)| *window == words)
        .map(|(at, _)| at)
        .collect();
    let [at] = places[..] else {
        panic!("the words are at {places:?}");
    };
    let room = words.len() + room;
    assert!(others.len() <= room);
    wasm[at..at + room].copy_from_slice(format!("{others:room$}").as_bytes());
    wasm
}

/// What the bad guest says of itself, and what follows that to be written over.
const MANIFEST: &[u8] = br#"{"version": "6.6.6", "on_error": "reject"}"#;
const MANIFEST_ROOM: usize = 80;

/// The bad guest with another word of itself.
fn manifest(said: &str) -> Vec<u8> {
    written_over(guests::BAD, MANIFEST, MANIFEST_ROOM, said)
}

/// A version that does nothing wrong.
fn good(number: i64) -> Vec<u8> {
    version(&format!("{{\"number\": {number}}}"))
}

/// What the log says of a version once it is in use.
fn in_use(wasm: &[u8]) -> String {
    format!("in use digest={}", Digest::of(wasm))
}

/// A plugin directory, a backend, and the program between its tests and the backend.
struct Hot {
    folder: TempDir,
    backend: Backend,
    otlet: Program,
    next: AtomicU64,
}

impl Hot {
    /// Starts with these plugins; `processors` are those of the one pipeline.
    fn start(plugins: &[(&str, &[u8])], processors: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("plugins");
        fs::create_dir(&directory).unwrap();
        for (name, wasm) in plugins {
            fs::write(directory.join(name), wasm).unwrap();
        }
        Self::start_in(folder, processors)
    }

    fn start_in(folder: TempDir, processors: &[&str]) -> Self {
        let backend = Backend::start();
        let otlet = run(folder.path(), &backend, processors);
        Self::with(folder, backend, otlet)
    }

    fn with(folder: TempDir, backend: Backend, otlet: Program) -> Self {
        Self {
            folder,
            backend,
            otlet,
            next: AtomicU64::new(1_000),
        }
    }

    /// Ends the program and starts it again.
    fn restart(&mut self, processors: &[&str]) {
        self.otlet.terminate();
        self.otlet = run(self.folder.path(), &self.backend, processors);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file into the directory, whole at once.
    fn put(&self, name: &str, wasm: &[u8]) {
        fs::write(self.path("new"), wasm).unwrap();
        fs::rename(self.path("new"), self.path("plugins").join(name)).unwrap();
    }

    /// Puts a version there and waits until it is in use.
    fn swap(&self, name: &str, wasm: &[u8]) {
        let before = self.otlet.lines();
        self.put(name, wasm);
        self.otlet.wait_for_after(before, &in_use(wasm));
    }

    fn sender(&self) -> Sender {
        Sender::grpc(self.otlet.grpc())
    }

    /// Sends a span and gives the version that it arrived with.
    fn sends(&self) -> i64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let reply = self.send(number);
        assert_eq!(reply.code, 0, "{}", reply.message);
        self.arrived(number)
    }

    fn send(&self, number: u64) -> Reply {
        let sender = self.sender();
        let request = Request::Traces(spans([number]));
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        runtime.block_on(sender.send(&request)).unwrap()
    }

    /// The version that the span of this number arrived with.
    fn arrived(&self, number: u64) -> i64 {
        let has = |received: &[Received]| stamps(received).contains_key(&number);
        let received = self.backend.wait_until("the span", has);
        let stamps = stamps(&received);
        assert_eq!(stamps[&number].len(), 1);
        stamps[&number][0]
    }
}

const OTLET: &str = env!("CARGO_BIN_EXE_otlet");

fn run(folder: &Path, backend: &Backend, processors: &[&str]) -> Program {
    Program::start(OTLET, &config(folder, backend, processors))
}

fn config(folder: &Path, backend: &Backend, processors: &[&str]) -> String {
    format!(
        "
admin: {{ endpoint: 127.0.0.1:0 }}
plugins: {{ directory: {}, cache: {} }}
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors: {{ {} }}
exporters: {{ otlp: {{ endpoint: '{}', sending_queue: {{ enabled: false }} }} }}
service:
  pipelines:
    traces: {{ receivers: [otlp], processors: [{}], exporters: [otlp] }}
",
        folder.join("plugins").display(),
        folder.join("cache").display(),
        processors
            .iter()
            .map(|name| format!("{name}: {{}}"))
            .collect::<Vec<_>>()
            .join(", "),
        backend.endpoint(),
        processors.join(", ")
    )
}

/// The versions that each span arrived with, by its number: 0 for none.
fn stamps(received: &[Received]) -> BTreeMap<u64, Vec<i64>> {
    let mut stamps = BTreeMap::<u64, Vec<i64>>::new();
    let requests = received
        .iter()
        .filter_map(|received| match &received.request {
            Request::Traces(request) => Some(request),
            _ => None,
        });
    let scopes = requests
        .flat_map(|request| &request.resource_spans)
        .flat_map(|resource| &resource.scope_spans);
    for span in scopes.flat_map(|scope| &scope.spans) {
        let id = span.span_id.as_slice().try_into().unwrap();
        let version = span.attributes.iter().find(|it| it.key == "version");
        let version = match version.and_then(|it| it.value.as_ref()?.value.as_ref()) {
            Some(Value::IntValue(version)) => *version,
            _ => 0,
        };
        stamps
            .entry(u64::from_be_bytes(id))
            .or_default()
            .push(version);
    }
    stamps
}
