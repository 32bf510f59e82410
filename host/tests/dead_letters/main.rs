//! Dead letters from outside: the real program, its directory, and `otlet replay`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

#[path = "../support/app.rs"]
mod app;
mod keeping;
mod replaying;

use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use otlet_tests::backend::Request;
use otlet_tests::program::{Program, command};
use otlet_tests::sender::spans;
use prost::Message;
use serde_json::Value as Json;
use tempfile::TempDir;

const OTLET: &str = env!("CARGO_BIN_EXE_otlet");
const EMAIL: &str = "ann.smith@example.com";

/// A folder for dead letters, which is not there yet, and for configs.
struct World(TempDir);

impl World {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn directory(&self) -> PathBuf {
        self.0.path().join("dead")
    }

    fn make_directory(&self) {
        fs::DirBuilder::new()
            .mode(0o700)
            .create(self.directory())
            .unwrap();
    }

    /// One receiver, these processors, one exporter, and dead letters.
    fn config(&self, processors: &str, exporter: &str, endpoint: &str) -> String {
        format!(
            "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors: {{ {processors} }}
exporters: {{ otlp: {{ endpoint: '{endpoint}', {exporter} }} }}
dead_letters: {{ directory: '{}', max_bytes: 16MiB }}
service:
  pipelines:
    traces: {{ receivers: [otlp], processors: [{}], exporters: [otlp] }}
",
            self.directory().display(),
            processors.split(':').next().unwrap()
        )
    }

    /// The letters, the oldest first: the requests and their reasons.
    fn letters(&self) -> Vec<(ExportTraceServiceRequest, Json)> {
        requests(&self.directory())
            .iter()
            .map(|path| {
                let request = fs::read(path).unwrap();
                let reason: Json =
                    serde_json::from_slice(&fs::read(path.with_extension("json")).unwrap())
                        .unwrap();
                assert_eq!(reason["bytes"], request.len());
                let request = ExportTraceServiceRequest::decode(request.as_slice()).unwrap();
                (request, reason)
            })
            .collect()
    }

    /// Runs `otlet replay` with a config.
    fn replay(&self, config: &str) -> Output {
        self.replaying(config).output().unwrap()
    }

    fn replaying(&self, config: &str) -> Command {
        let file = self.0.path().join("replay.yaml");
        fs::write(&file, config).unwrap();
        let mut command = command(OTLET);
        command.arg("replay").arg(self.directory());
        command.arg("--config").arg(file);
        command
    }
}

/// What an ended program said.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn run(config: &str) -> Program {
    Program::start(OTLET, config)
}

/// The files with the requests, the oldest first.
fn requests(directory: &Path) -> Vec<PathBuf> {
    let mut requests = files(directory);
    requests.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "otlp")
    });
    requests
}

/// Every file, by name.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A redact that cannot read a large batch.
const FAILING: &str = "redact: { limits: { handed: 1MiB } }";

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

/// A span with an e-mail address, and more text than a plugin may be handed that may have 1 MiB.
fn large(number: u64) -> ExportTraceServiceRequest {
    let mut request = spans([number]);
    let span = &mut request.resource_spans[0].scope_spans[0].spans[0];
    span.attributes = vec![
        attribute("customer", EMAIL),
        attribute("body", &"x".repeat(1_100_000)),
    ];
    request
}

fn of(request: &ExportTraceServiceRequest) -> Request {
    Request::Traces(request.clone())
}
