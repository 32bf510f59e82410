//! Real OpenTelemetry clients: a Flask application under `opentelemetry-instrument`, and the SDK set up in code.
//!
//! They want the virtual environment `.venv` with tests/clients/requirements.txt in it, which CI makes.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use otlet_tests::backend::{Backend, Received, Request};
use otlet_tests::program::Program;
use otlet_tests::records;
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

/// Whether a buyer's e-mail is anywhere in what arrived, which may have come compressed.
fn leaked(received: &[Received]) -> bool {
    received
        .iter()
        .any(|received| format!("{:?}", received.request).contains("@example.com"))
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
        assert!(
            !leaked(&received),
            "{protocol}: the buyers' e-mails are masked"
        );
    }
}

#[test]
fn json_lines_of_a_python_program_become_records_with_trace_severity_and_time() {
    let Some(python) = python() else { return };
    let backend = Backend::start();
    let config = std::fs::read_to_string(root().join("examples/python.yaml"))
        .expect("the example is there")
        .replace(
            "${env:OTEL_EXPORTER_OTLP_ENDPOINT:-http://127.0.0.1:4317}",
            &backend.endpoint(),
        );
    let mut app = Command::new(&python)
        .arg(root().join("tests/clients/json_logs.py"))
        .arg("50")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the client runs");
    let lines = app.stdout.take().expect("standard output is piped");
    let mut otlet = Program::start_reading(env!("CARGO_BIN_EXE_otlet"), &config, lines.into());
    let said = app.wait_with_output().expect("the client ends").stderr;
    assert_eq!(otlet.ended().code(), Some(0), "{}", otlet.said());

    let said: Value = serde_json::from_slice(&said).expect("the client says what it did");
    let traces: Vec<_> = said["traces"].as_array().expect("a list").iter().collect();
    let received = backend.taken();
    let arrived = records::records(&received);
    // Requests that are sent at the same time arrive in any order.
    let find = |begin: &str| {
        let begins = |record| records::body(record).is_some_and(|body| body.starts_with(begin));
        let found = arrived.iter().find(|(_, record)| begins(record));
        found.unwrap_or_else(|| panic!("{begin} did not arrive"))
    };
    find("starting");
    assert_eq!(traces.len(), 50);
    for (number, trace) in traces.iter().enumerate() {
        let (resource, record) = find(&format!("order {number} for "));
        let service = otlet_tests::requests::text("shop");
        assert_eq!(resource.attributes[0].value, Some(service));
        assert_eq!(
            (record.severity_number, record.severity_text.as_str()),
            (9, "INFO")
        );
        let id = u128::from_str_radix(trace.as_str().expect("an id"), 16);
        assert_eq!(
            Ok(record.trace_id.clone()),
            id.map(|id| id.to_be_bytes().to_vec())
        );
        assert_eq!(record.span_id.len(), 8);
        // The second in which it was logged is that in which it was read, or one of those before.
        let age = record
            .observed_time_unix_nano
            .saturating_sub(record.time_unix_nano);
        assert!(
            record.time_unix_nano > 0 && age < 60_000_000_000,
            "{record:?}"
        );
    }
    let (_, failed) = find("not paid");
    assert_eq!(failed.severity_number, 17);
    let stack =
        |one: &&opentelemetry_proto::tonic::common::v1::KeyValue| one.key == "exception.stacktrace";
    assert!(
        failed.attributes.iter().any(|one| stack(&one)),
        "{failed:?}"
    );
    assert_eq!(arrived.len(), 52);
    assert!(!leaked(&received), "the buyers' e-mails are masked");
}
