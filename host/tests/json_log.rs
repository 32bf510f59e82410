//! The log in JSON: an object a line, what repeats throttled, and no telemetry in it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use otlet_tests::backend::{Answer, Backend, Request};
use otlet_tests::metrics::{page, scrape};
use otlet_tests::program::{Program, command};
use otlet_tests::requests::text;
use otlet_tests::sender::{Sender, spans};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::task::spawn_blocking;

/// Stands in every batch, and nowhere that otlet tells of itself.
const SECRET: &str = "ann.smith@example.com";

/// Traces of at most 1 MiB of text are redacted, larger ones dropped.
fn config(endpoint: &str, logs: &str) -> String {
    format!(
        "
admin: {{ endpoint: 127.0.0.1:0 }}
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors: {{ redact: {{ limits: {{ handed: 1MiB }}, on_error: drop }} }}
exporters: {{ otlp: {{ endpoint: '{endpoint}', sending_queue: {{ enabled: false }} }} }}
service:
  telemetry: {{ logs: {{ {logs} }} }}
  pipelines: {{ traces: {{ receivers: [otlp], processors: [redact], exporters: [otlp] }} }}
"
    )
}

fn request(padding: usize) -> Request {
    let mut request = spans([1]);
    let span = &mut request.resource_spans[0].scope_spans[0].spans[0];
    SECRET.clone_into(&mut span.name);
    let mut attribute = opentelemetry_proto::tonic::common::v1::KeyValue {
        key: SECRET.to_owned(),
        ..Default::default()
    };
    attribute.value = Some(text(&format!("{SECRET} {}", "x".repeat(padding))));
    span.attributes = vec![attribute];
    Request::Traces(request)
}

/// The lines of the log, each of which is an object with the keys that all have.
fn lines(said: &str) -> Vec<Value> {
    said.lines()
        .map(|line| {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
            for key in ["timestamp", "level", "message", "target"] {
                assert!(value[key].is_string(), "{key}: {line}");
            }
            let whole = value["timestamp"].as_str().unwrap().ends_with('Z');
            assert!(whole, "{line}");
            // Fields are not nested.
            assert!(
                value
                    .as_object()
                    .unwrap()
                    .values()
                    .all(|one| !one.is_object())
            );
            value
        })
        .collect()
}

/// The lines with this message.
fn told<'a>(lines: &'a [Value], message: &str) -> Vec<&'a Value> {
    let is_it = |line: &&Value| line["message"] == message;
    lines.iter().filter(is_it).collect()
}

fn address(lines: &[Value], message: &str) -> std::net::SocketAddr {
    told(lines, message)[0]["address"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn a_flood_of_failures_is_a_line_a_second_and_tells_nothing_of_the_telemetry() {
    let backend = Backend::start();
    backend.always(Answer::refused());
    let config = config(&backend.endpoint(), "encoding: json");
    let mut otlet = Program::start(env!("CARGO_BIN_EXE_otlet"), &config);
    let started = lines(&otlet.said());
    let sender = Sender::grpc(address(&started, "listening"));
    let admin = address(&started, "admin endpoint listening");

    let begun = Instant::now();
    // Refused by the backend, and so by otlet.
    for _ in 0..50 {
        assert_eq!(sender.send(&request(0)).await.unwrap().code, 3);
    }
    // Dropped, until what was not told is told.
    let mut failed = 0_u64;
    loop {
        assert_eq!(sender.send(&request(1_100_000)).await.unwrap().code, 0);
        failed += 1;
        let all = lines(&otlet.said());
        let failures = told(&all, "processor failed");
        if failures.len() > 1 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "told once only");
    }
    let scraped = scrape(admin);
    let metrics = page(admin, "/metrics").1;
    let (ended, said) = spawn_blocking(move || (otlet.terminate(), otlet.said()))
        .await
        .unwrap();
    assert!(ended.success());

    let all = lines(&said);
    let seconds = begun.elapsed().as_secs() + 2;
    for message in ["processor failed", "a request was not delivered"] {
        let lines = told(&all, message);
        let count = u64::try_from(lines.len()).unwrap();
        assert!((1..=seconds).contains(&count), "{message}: {count}");
        assert_eq!(lines[0]["unlogged"], 0);
    }
    let failures = told(&all, "processor failed");
    let unlogged: u64 = failures
        .iter()
        .map(|line| line["unlogged"].as_u64().unwrap())
        .sum();
    assert!(unlogged >= 1 && unlogged < failed, "{unlogged} of {failed}");
    let labels = [("processor", "redact")];
    assert_eq!(
        scraped.count("otlet_processor_failures_total", &labels),
        failed
    );

    for text in [&said, &metrics] {
        assert!(!text.contains(SECRET) && !text.contains("smith"), "{text}");
        assert!(!text.contains("xxxx"), "{text}");
    }
}

#[tokio::test]
async fn the_config_chooses_the_level() {
    let backend = Backend::start();
    let config = config(&backend.endpoint(), "encoding: json, level: debug");
    let mut otlet = Program::start(env!("CARGO_BIN_EXE_otlet"), &config);
    let started = lines(&otlet.said());
    let sender = Sender::grpc(address(&started, "listening"));
    assert_eq!(sender.send(&request(0)).await.unwrap().code, 0);
    drop(sender);
    let (ended, said) = spawn_blocking(move || (otlet.terminate(), otlet.said()))
        .await
        .unwrap();
    assert!(ended.success());
    assert!(lines(&said).iter().any(|line| line["level"] == "DEBUG"));
    assert!(!said.contains(SECRET));
}

#[test]
fn the_environment_overrides_the_level_of_the_config() {
    let mut file = NamedTempFile::new().unwrap();
    let config = config("http://127.0.0.1:9", "encoding: json, level: error");
    file.write_all(config.as_bytes()).unwrap();
    let mut child = command(env!("CARGO_BIN_EXE_otlet"))
        .args(["run", "--config"])
        .arg(file.path())
        .env("OTLET_LOG", "info")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("\"ready\"") {
        line.clear();
        assert_ne!(errors.read_line(&mut line).unwrap(), 0, "it ended");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(lines(&line)[0]["level"], "INFO");
}
