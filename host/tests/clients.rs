//! Real OpenTelemetry clients: a Flask application under `opentelemetry-instrument`, and the SDK set up in code.
//!
//! They want the virtual environment `.venv` with tests/clients/requirements.txt in it, which CI makes.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use otlet_tests::backend::{Backend, Received, Request};
use otlet_tests::program::Program;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The Python of the virtual environment; without one the test fails in CI and says elsewhere that it skips.
fn python() -> Option<PathBuf> {
    let python = root().join(".venv/bin/python");
    if python.exists() {
        return Some(python);
    }
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!is_ci, "CI makes .venv first");
    writeln!(
        io::stderr(),
        "skipped: there is no .venv; `.ci/run` shows how to make it"
    )
    .ok()?;
    None
}

fn otlet(backend: &Backend) -> Program {
    Program::start(
        env!("CARGO_BIN_EXE_otlet"),
        &format!(
            "receivers:
  otlp:
    protocols:
      grpc: {{ endpoint: 127.0.0.1:0 }}
      http: {{ endpoint: 127.0.0.1:0 }}
processors: {{ link: {{}}, redact: {{}} }}
exporters:
  otlp: {{ endpoint: \"http://{}\" }}
service:
  pipelines:
    traces: {{ receivers: [otlp], processors: [redact], exporters: [otlp] }}
    logs: {{ receivers: [otlp], processors: [link, redact], exporters: [otlp] }}
    metrics: {{ receivers: [otlp], processors: [redact], exporters: [otlp] }}
",
            backend.addr()
        ),
    )
}

/// What arrived, counted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arrived {
    spans: u64,
    exceptions: u64,
    logs: u64,
    points: u64,
}

/// Counts what arrived of the instrumentation scopes that `scope` accepts.
fn count(received: &[Received], scope: impl Fn(&str) -> bool) -> Arrived {
    let mut arrived = Arrived::default();
    for received in received {
        match &received.request {
            Request::Traces(request) => {
                let scopes = request
                    .resource_spans
                    .iter()
                    .flat_map(|resource| &resource.scope_spans);
                for span in scopes.flat_map(|scope| &scope.spans) {
                    arrived.spans += 1;
                    arrived.exceptions +=
                        u64::from(span.events.iter().any(|event| event.name == "exception"));
                }
            }
            Request::Logs(request) => {
                let scopes = request
                    .resource_logs
                    .iter()
                    .flat_map(|resource| &resource.scope_logs);
                arrived.logs += scopes
                    .filter(|logs| scope(logs.scope.as_ref().map_or("", |scope| &scope.name)))
                    .map(|logs| logs.log_records.len() as u64)
                    .sum::<u64>();
            }
            Request::Metrics(request) => {
                let scopes = request
                    .resource_metrics
                    .iter()
                    .flat_map(|resource| &resource.scope_metrics);
                for metric in scopes.flat_map(|scope| &scope.metrics) {
                    arrived.points += match &metric.data {
                        Some(Data::Sum(sum)) => sum.data_points.len() as u64,
                        Some(Data::Histogram(histogram)) => histogram.data_points.len() as u64,
                        _ => 0,
                    };
                }
            }
        }
    }
    arrived
}

fn sent(command: &mut Command) -> Value {
    let output = command.output().expect("the client runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().expect("the client says what it sent");
    serde_json::from_str(last).expect("it says so in JSON")
}

fn endpoint(address: SocketAddr) -> String {
    format!("http://{address}")
}

#[test]
fn an_sdk_that_is_set_up_in_code_arrives_whole_over_both_protocols() {
    let Some(python) = python() else { return };
    for protocol in ["grpc", "http"] {
        let backend = Backend::start();
        let mut otlet = otlet(&backend);
        let address = if protocol == "grpc" {
            otlet.grpc()
        } else {
            otlet.http()
        };
        let sent = sent(
            Command::new(&python)
                .arg(root().join("tests/clients/sdk_program.py"))
                .args([protocol, &endpoint(address), "40"]),
        );
        otlet.terminate();
        let arrived = count(&backend.received(), |scope| scope == "settlement");
        assert_eq!(
            serde_json::json!({
                "spans": arrived.spans, "logs": arrived.logs,
                "points": arrived.points, "exceptions": arrived.exceptions
            }),
            // A raised exception is recorded on the inner span.
            sent,
            "{protocol}"
        );
    }
}

#[test]
fn a_flask_application_under_auto_instrumentation_arrives_whole_and_masked() {
    let Some(python) = python() else { return };
    for (protocol, encoding) in [("grpc", None), ("http/protobuf", Some("gzip"))] {
        let backend = Backend::start();
        let mut otlet = otlet(&backend);
        let address = if protocol == "grpc" {
            otlet.grpc()
        } else {
            otlet.http()
        };
        let sent = sent(
            Command::new(python.with_file_name("opentelemetry-instrument"))
                .arg(&python)
                .arg(root().join("tests/clients/flask_app.py"))
                .arg("20")
                .env("OTEL_SERVICE_NAME", "shop")
                .env("OTEL_PYTHON_LOG_CORRELATION", "true")
                .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
                .envs(encoding.map(|encoding| ("OTEL_EXPORTER_OTLP_COMPRESSION", encoding)))
                .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint(address)),
        );
        otlet.terminate();
        let received = backend.received();
        let arrived = count(&received, |scope| scope == "shop");
        assert_eq!(Some(arrived.spans), sent["spans"].as_u64(), "{protocol}");
        assert_eq!(Some(arrived.logs), sent["logs"].as_u64(), "{protocol}");
        assert!(arrived.points > 0, "{protocol}");
        let leaked = received.iter().any(|received| {
            received
                .body
                .windows(12)
                .any(|window| window == b"@example.com")
        });
        assert!(!leaked, "{protocol}: the buyers' e-mails are masked");
    }
}
