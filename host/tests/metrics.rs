//! The admin endpoint: every figure is what was sent, it answers whatever goes on, and it tells nothing but numbers and names.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use otlet_tests::backend::{Answer, Backend, Request};
use otlet_tests::guests;
use otlet_tests::metrics::{page, scrape, scrape_until};
use otlet_tests::program::Program;
use otlet_tests::requests::text;
use otlet_tests::sender::{Sender, spans};
use tokio::task::{JoinSet, spawn_blocking};

#[path = "support/app.rs"]
mod app;

const OK: u16 = 0;
const UNIMPLEMENTED: u16 = 12;
const RESOURCE_EXHAUSTED: u16 = 8;

fn run(config: &str) -> Program {
    Program::start(env!("CARGO_BIN_EXE_otlet"), config)
}

fn logs(bodies: &[&str]) -> Request {
    let record = |body: &&str| LogRecord {
        // So that sampling by trace has a say.
        trace_id: vec![7; 16],
        span_id: vec![7; 8],
        body: Some(text(body)),
        ..LogRecord::default()
    };
    Request::Logs(ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: bodies.iter().map(record).collect(),
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    })
}

/// Traces are enriched, logs redacted and then dropped; metrics go nowhere.
fn shop(endpoint: &str) -> String {
    format!(
        "
admin: {{ endpoint: 127.0.0.1:0 }}
receivers:
  otlp:
    protocols:
      grpc: {{ endpoint: 127.0.0.1:0 }}
      http: {{ endpoint: 127.0.0.1:0, max_request_body_size: 64KiB }}
processors:
  enrich: {{ config: {{ actions: [{{ set: 'record.attributes[\"shop\"]', value: north }}] }} }}
  redact:
  sample/none: {{ config: {{ percentage: 0 }} }}
exporters: {{ otlp: {{ endpoint: '{endpoint}' }} }}
service:
  pipelines:
    traces: {{ receivers: [otlp], processors: [enrich], exporters: [otlp] }}
    logs: {{ receivers: [otlp], processors: [redact, sample/none], exporters: [otlp] }}
"
    )
}

#[tokio::test]
async fn every_figure_is_what_was_sent() {
    let backend = Backend::start();
    let otlet = run(&shop(&backend.endpoint()));
    let (grpc, http) = (Sender::grpc(otlet.grpc()), Sender::http(otlet.http()));
    for number in 0..5 {
        let request = Request::Traces(spans(number * 3..number * 3 + 3));
        assert_eq!(grpc.send(&request).await.unwrap().code, OK);
    }
    for _ in 0..2 {
        let request = logs(&["mail to ann.smith@example.com", "hello"]);
        assert_eq!(http.send(&request).await.unwrap().code, 200);
    }
    let unrouted = Request::Metrics(ExportMetricsServiceRequest::default());
    assert_eq!(grpc.send(&unrouted).await.unwrap().code, UNIMPLEMENTED);
    let protobuf = [("content-type", "application/x-protobuf")];
    for (body, status) in [(vec![0xff; 9], 400), (vec![10; 80 << 10], 413)] {
        let answer = http.ask(Method::POST, "/v1/traces", &protobuf, body.into());
        assert_eq!(answer.await.unwrap().status, status);
    }
    let answer = http.ask(Method::GET, "/v1/traces", &protobuf, Bytes::new());
    assert_eq!(answer.await.unwrap().status, 405);
    backend.wait_for(5);

    let scraped = scrape_until(otlet.admin(), "5 requests sent", |metrics| {
        metrics.count("otlet_exporter_sent_requests_total", &[]) == 5
    });
    let (of_grpc, of_http) = (("protocol", "grpc"), ("protocol", "http"));
    for (name, labels, expected) in [
        ("otlet_receiver_requests_total", &[of_grpc][..], 6),
        ("otlet_receiver_requests_total", &[of_http], 5),
        (
            "otlet_receiver_request_duration_seconds_count",
            &[of_grpc],
            6,
        ),
        (
            "otlet_receiver_request_duration_seconds_count",
            &[of_http],
            5,
        ),
        (
            "otlet_receiver_accepted_requests_total",
            &[("signal", "traces")],
            5,
        ),
        (
            "otlet_receiver_accepted_items_total",
            &[("signal", "traces")],
            15,
        ),
        (
            "otlet_receiver_accepted_requests_total",
            &[("signal", "logs")],
            2,
        ),
        (
            "otlet_receiver_accepted_items_total",
            &[("signal", "logs")],
            4,
        ),
        (
            "otlet_receiver_refused_requests_total",
            &[of_grpc, ("error_type", "unrouted")],
            1,
        ),
        ("otlet_receiver_refused_requests_total", &[of_grpc], 1),
        (
            "otlet_receiver_refused_requests_total",
            &[of_http, ("error_type", "invalid")],
            2,
        ),
        (
            "otlet_receiver_refused_requests_total",
            &[of_http, ("error_type", "too_large")],
            1,
        ),
        ("otlet_receiver_refused_requests_total", &[of_http], 3),
        ("otlet_receiver_in_flight_bytes", &[], 0),
        ("otlet_receiver_connections", &[of_grpc], 1),
        (
            "otlet_processor_batches_total",
            &[("processor", "enrich")],
            5,
        ),
        (
            "otlet_processor_incoming_items_total",
            &[("processor", "enrich")],
            15,
        ),
        (
            "otlet_processor_outgoing_items_total",
            &[("processor", "enrich")],
            15,
        ),
        (
            "otlet_processor_dropped_items_total",
            &[("processor", "enrich")],
            0,
        ),
        // One attribute in each of the spans.
        (
            "otlet_processor_edits_total",
            &[("processor", "enrich")],
            15,
        ),
        // One body in each of two requests.
        ("otlet_processor_edits_total", &[("processor", "redact")], 2),
        (
            "otlet_plugin_counts_total",
            &[("processor", "redact"), ("counter", "redacted_email")],
            2,
        ),
        (
            "otlet_processor_incoming_items_total",
            &[("processor", "sample/none")],
            4,
        ),
        (
            "otlet_processor_dropped_items_total",
            &[("processor", "sample/none")],
            4,
        ),
        (
            "otlet_processor_outgoing_items_total",
            &[("processor", "sample/none")],
            0,
        ),
        ("otlet_processor_failures_total", &[], 0),
        (
            "otlet_exporter_sent_items_total",
            &[("exporter", "otlp")],
            15,
        ),
        ("otlet_exporter_attempt_duration_seconds_count", &[], 5),
        ("otlet_exporter_failed_requests_total", &[], 0),
        ("otlet_exporter_queue_requests", &[], 0),
        (
            "otlet_exporter_queue_capacity",
            &[("sizer", "requests")],
            1000,
        ),
        (
            "otlet_build_info",
            &[("version", env!("CARGO_PKG_VERSION"))],
            1,
        ),
    ] {
        assert_eq!(scraped.count(name, labels), expected, "{name} {labels:?}");
    }
    // A call may have been abandoned and made again on a worker thread.
    let calls = scraped.count(
        "otlet_processor_duration_seconds_count",
        &[("processor", "enrich")],
    );
    assert_eq!(calls, 5);
    for positive in [
        "otlet_receiver_received_bytes_total",
        "otlet_processor_instances",
        "otlet_processor_instance_memory_bytes",
        "process_memory_usage_bytes",
        "process_start_time_seconds",
        "process_cpu_time_seconds_total",
    ] {
        assert!(scraped.sum(positive, &[]) > 0.0, "{positive}");
    }
}

#[tokio::test]
async fn a_backend_that_is_down_is_seen_in_the_queue() {
    let backend = Backend::start();
    backend.always(Answer::unavailable());
    let config = format!(
        "
admin: {{ endpoint: 127.0.0.1:0 }}
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors: {{ enrich: {{ config: {{ actions: [{{ set: 'record.attributes[\"shop\"]', value: north }}] }} }} }}
exporters:
  otlp:
    endpoint: '{}'
    retry_on_failure: {{ initial_interval: 10ms, max_interval: 20ms }}
    sending_queue: {{ queue_size: 4 }}
service: {{ pipelines: {{ traces: {{ receivers: [otlp], processors: [enrich], exporters: [otlp] }} }} }}
",
        backend.endpoint()
    );
    let otlet = run(&config);
    let sender = Sender::grpc(otlet.grpc());
    for number in 0..4 {
        let request = Request::Traces(spans([number, number + 10]));
        assert_eq!(sender.send(&request).await.unwrap().code, OK);
    }
    let refused = sender.send(&Request::Traces(spans([99]))).await.unwrap();
    assert_eq!(refused.code, RESOURCE_EXHAUSTED);
    let down = scrape_until(otlet.admin(), "retries", |metrics| {
        metrics.count("otlet_exporter_retries_total", &[]) >= 2
    });
    for (name, expected) in [
        ("otlet_exporter_queue_requests", 4),
        ("otlet_exporter_queue_items", 8),
        ("otlet_exporter_queue_capacity", 4),
        ("otlet_exporter_enqueue_failed_requests_total", 1),
        ("otlet_exporter_failing", 1),
        ("otlet_exporter_sent_requests_total", 0),
        ("otlet_receiver_accepted_items_total", 8),
        ("otlet_receiver_refused_items_total", 1),
    ] {
        assert_eq!(down.count(name, &[]), expected, "{name}");
    }
    assert!(down.count("otlet_exporter_queue_memory_bytes", &[]) > 4 * 512);
    let full = [("error_type", "full")];
    assert_eq!(
        down.count("otlet_receiver_refused_requests_total", &full),
        1
    );

    backend.always(Answer::Partial {
        rejected: 1,
        message: "no room".to_owned(),
    });
    let up = scrape_until(otlet.admin(), "an empty queue", |metrics| {
        metrics.count("otlet_exporter_queue_requests", &[]) == 0
    });
    for (name, expected) in [
        ("otlet_exporter_sent_requests_total", 4),
        ("otlet_exporter_sent_items_total", 4),
        ("otlet_exporter_rejected_items_total", 4),
        ("otlet_exporter_failing", 0),
        ("otlet_exporter_failed_requests_total", 0),
        ("otlet_exporter_queue_memory_bytes", 0),
    ] {
        assert_eq!(up.count(name, &[]), expected, "{name}");
    }
    let attempts = up.count("otlet_exporter_attempt_duration_seconds_count", &[]);
    let retries = up.count("otlet_exporter_retries_total", &[]);
    assert_eq!(attempts, 4 + retries);

    backend.always(Answer::refused());
    assert_eq!(
        sender
            .send(&Request::Traces(spans([1, 2, 3])))
            .await
            .unwrap()
            .code,
        OK
    );
    let failed = scrape_until(otlet.admin(), "a failed request", |metrics| {
        metrics.count("otlet_exporter_failed_requests_total", &[]) == 1
    });
    assert_eq!(failed.count("otlet_exporter_failed_items_total", &[]), 3);
}

#[tokio::test]
async fn failures_are_told_apart_and_their_plugins_stay_in_bounds() {
    let backend = Backend::start();
    let config = format!(
        "
admin: {{ endpoint: 127.0.0.1:0 }}
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors:
  bad/trap: {{ config: {{ vice: trap }}, on_error: pass }}
  bad/error: {{ config: {{ vice: error, n: 3 }}, on_error: pass }}
  bad/spin: {{ config: {{ vice: spin }}, on_error: pass, limits: {{ deadline: 50ms }} }}
  bad/hold: {{ config: {{ vice: hold, n: 64 }}, on_error: pass, limits: {{ memory: 8MiB }} }}
  bad/drop: {{ config: {{ vice: trap }}, on_error: drop }}
exporters: {{ otlp: {{ endpoint: '{}' }} }}
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [bad/trap, bad/error, bad/spin, bad/hold, bad/drop]
      exporters: [otlp]
",
        backend.endpoint()
    );
    let mut otlet = app::start(&config, &[("bad", guests::BAD)]);
    let sender = app::grpc(&otlet, 0);
    for number in 0..2 {
        let request = Request::Traces(spans([number, 7]));
        assert_eq!(sender.send(&request).await.unwrap().code, OK);
    }
    let scraped = scrape(otlet.admin().unwrap().address());
    for (processor, cause, on_error) in [
        ("bad/trap", "trap", "pass"),
        ("bad/error", "error", "pass"),
        ("bad/spin", "deadline", "pass"),
        ("bad/hold", "memory", "pass"),
        ("bad/drop", "trap", "drop"),
    ] {
        let of = ("processor", processor);
        let labels = [of, ("error_type", cause), ("on_error", on_error)];
        let failures = "otlet_processor_failures_total";
        assert_eq!(scraped.count(failures, &labels), 2, "{processor}");
        assert_eq!(scraped.count(failures, &[of]), 2, "{processor}");
        let kept = if on_error == "pass" { 4 } else { 0 };
        assert_eq!(
            scraped.count("otlet_processor_incoming_items_total", &[of]),
            4
        );
        assert_eq!(
            scraped.count("otlet_processor_outgoing_items_total", &[of]),
            kept
        );
        assert_eq!(
            scraped.count("otlet_processor_dropped_items_total", &[of]),
            4 - kept
        );
        assert_eq!(scraped.count("otlet_processor_edits_total", &[of]), 0);
        assert!(scraped.count("otlet_processor_instance_memory_bytes", &[of]) <= 8 << 20);
    }
    // Some of them went to a worker thread, which all after it share.
    assert!(scraped.count("otlet_processor_hand_overs_total", &[]) >= 1);
    otlet.shut_down().await;
    assert!(backend.received().is_empty());
}

#[tokio::test]
async fn admin_answers_while_every_worker_spins() {
    let config = "
admin: { endpoint: 127.0.0.1:0 }
receivers: { otlp: { protocols: { grpc: { endpoint: 127.0.0.1:0 } } } }
processors: { bad: { config: { vice: spin }, limits: { deadline: 30s } } }
exporters: { debug: }
service: { pipelines: { traces: { receivers: [otlp], processors: [bad], exporters: [debug] } } }
";
    let otlet = app::start(config, &[("bad", guests::BAD)]);
    let admin = otlet.admin().unwrap().address();
    let mut spun = JoinSet::new();
    for number in 0..16 {
        let sender = app::grpc(&otlet, 0);
        spun.spawn(async move { sender.send(&Request::Traces(spans([number]))).await });
    }
    // The tests' own tasks need their turn.
    let scraped = spawn_blocking(move || {
        scrape_until(admin, "16 batches on worker threads", |metrics| {
            metrics.count("otlet_processor_hand_overs_total", &[]) >= 16
        })
    });
    scraped.await.unwrap();
    assert!(spun.try_join_next().is_none());
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(page(admin, "/healthz").0, 200);
        assert_eq!(page(admin, "/readyz").0, 200);
        assert_eq!(scrape(admin).count("otlet_receiver_connections", &[]), 16);
    }
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn admin_answers_while_the_io_threads_are_flooded() {
    let backend = Backend::start();
    let otlet = run(&shop(&backend.endpoint()));
    let (grpc, admin) = (otlet.grpc(), otlet.admin());
    let request = Request::Traces(spans(0..500));
    let mut flood = JoinSet::new();
    for _ in 0..8 {
        let (sender, request) = (Sender::grpc(grpc), request.clone());
        flood.spawn(async move {
            loop {
                // Full queues are refusals, and answered as well.
                sender.send(&request).await.unwrap();
            }
        });
    }
    let scraping = spawn_blocking(move || {
        let first = scrape(admin).count("otlet_receiver_requests_total", &[]);
        let mut slowest = Duration::ZERO;
        for _ in 0..30 {
            let begun = Instant::now();
            scrape(admin);
            slowest = slowest.max(begun.elapsed());
        }
        let flooded = scrape_until(admin, "the flood", |metrics| {
            metrics.count("otlet_receiver_requests_total", &[]) > first + 20
        });
        (slowest, flooded)
    });
    let (slowest, flooded) = scraping.await.unwrap();
    drop(flood);
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    let taken = flooded.count("otlet_receiver_accepted_items_total", &[]);
    assert!(taken % 500 == 0 && taken > 0, "{taken}");
}

#[tokio::test]
async fn ready_ends_with_the_shutdown_and_alive_does_not() {
    let backend = Backend::start();
    backend.always(Answer::Hang);
    let mut otlet = run(&shop(&backend.endpoint()));
    let admin = otlet.admin();
    assert_eq!(page(admin, "/readyz"), (200, "ready\n".to_owned()));
    let sender = Sender::grpc(otlet.grpc());
    assert_eq!(
        sender
            .send(&Request::Traces(spans([1])))
            .await
            .unwrap()
            .code,
        OK
    );
    backend.wait_for(1);
    otlet.signal("TERM");
    otlet.wait_for("shutting down");
    let begun = Instant::now();
    let mut answer = page(admin, "/readyz");
    while answer.0 == 200 && begun.elapsed() < Duration::from_secs(10) {
        answer = page(admin, "/readyz");
    }
    let expected = "shutting down: no new requests are taken\n".to_owned();
    assert_eq!(answer, (503, expected));
    assert_eq!(page(admin, "/healthz").0, 200);
    assert_eq!(scrape(admin).count("otlet_exporter_queue_requests", &[]), 1);
    backend.always(Answer::Ok);
    backend.release();
    let ended = spawn_blocking(move || otlet.ended()).await.unwrap();
    assert!(ended.success());
    assert!(std::net::TcpStream::connect(admin).is_err());
}

/// The same, and log records of the lines of a file, which go out as they are.
fn with_lines(endpoint: &str, file: &str) -> String {
    let lines =
        format!("receivers:\n  jsonlines: {{ include: ['{file}'], start_at: beginning }}\n");
    let config = shop(endpoint).replacen("receivers:\n", &lines, 1);
    config + "    logs/lines: { receivers: [jsonlines], exporters: [otlp] }\n"
}

#[tokio::test]
async fn lines_are_counted() {
    let backend = Backend::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.log");
    std::fs::write(&file, b"one\nt\xffo\n").unwrap();
    let otlet = run(&with_lines(&backend.endpoint(), file.to_str().unwrap()));
    let scraped = scrape_until(otlet.admin(), "2 records sent", |metrics| {
        metrics.count("otlet_exporter_sent_items_total", &[]) == 2
    });
    let of = [("receiver", "jsonlines")];
    for (name, expected) in [
        ("otlet_receiver_accepted_items_total", 2),
        ("otlet_receiver_read_bytes_total", 8),
        ("otlet_receiver_not_utf8_lines_total", 1),
        ("otlet_receiver_line_cuts_total", 0),
        ("otlet_receiver_passed_over_items_total", 0),
    ] {
        assert_eq!(scraped.count(name, &of), expected, "{name}");
    }
}

/// The rows of METRICS.md: the name, the kind, the labels and the help of each metric.
fn documented() -> Vec<[String; 4]> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../METRICS.md");
    let page = std::fs::read_to_string(path).unwrap();
    page.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let mut cells = line
                .split('|')
                .skip(1)
                .map(|cell| cell.trim().replace('`', ""));
            std::array::from_fn(|_| cells.next().unwrap_or_default())
        })
        .collect()
}

#[tokio::test]
async fn the_metrics_are_those_of_metrics_md() {
    let listed: Vec<_> = otlet::metrics::ALL
        .iter()
        .map(|metric| {
            let kind = format!("{:?}", metric.kind).to_lowercase();
            let labels = metric.labels.join(", ").replace('.', "_");
            [
                otlet::metrics::name(metric),
                kind,
                labels,
                metric.help.to_owned(),
            ]
        })
        .collect();
    let rows: String = listed
        .iter()
        .map(|[name, kind, labels, help]| {
            let labels = labels.replace(", ", "`, `");
            let labels = if labels.is_empty() {
                String::new()
            } else {
                format!("`{labels}`")
            };
            format!("| `{name}` | {kind} | {labels} | {help} |\n")
        })
        .collect();
    assert_eq!(documented(), listed, "METRICS.md should have\n{rows}");

    // And all of them are there, but for what only a plugin that counts brings.
    let backend = Backend::start();
    let otlet = run(&with_lines(&backend.endpoint(), "/no/such/file"));
    let scraped = scrape(otlet.admin());
    for [name, kind, _, help] in &listed {
        if name == "otlet_plugin_counts_total" {
            continue;
        }
        let name = name.strip_suffix("_total").unwrap_or(name);
        let family = scraped.families().get(name);
        assert_eq!(
            family.map(|family| (&family.kind, &family.help)),
            Some((kind, help)),
            "{name}"
        );
    }
    assert!(scraped.families().len() <= listed.len());
}

#[tokio::test]
async fn without_admin_in_the_config_there_is_none() {
    let backend = Backend::start();
    let config = shop(&backend.endpoint()).replace("admin: { endpoint: 127.0.0.1:0 }\n", "");
    let otlet = run(&config);
    assert!(!otlet.said().contains("admin"), "{}", otlet.said());
}
