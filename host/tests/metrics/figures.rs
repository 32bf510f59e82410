//! What was sent is what the figures say.

use bytes::Bytes;
use http::Method;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use otlet_tests::backend::{Answer, Backend, Request};
use otlet_tests::guests;
use otlet_tests::metrics::{scrape, scrape_until};
use otlet_tests::program::Program;
use otlet_tests::requests::text;
use otlet_tests::sender::{Sender, spans};

use super::{OK, app, run, shop};

const UNIMPLEMENTED: u16 = 12;
const RESOURCE_EXHAUSTED: u16 = 8;

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

/// What comes of [`send`]: a name, labels, and the number.
type Figure = (&'static str, &'static [(&'static str, &'static str)], u64);

const GRPC: (&str, &str) = ("protocol", "grpc");
const HTTP: (&str, &str) = ("protocol", "http");

const FIGURES: &[Figure] = &[
    ("otlet_receiver_requests_total", &[GRPC], 6),
    ("otlet_receiver_requests_total", &[HTTP], 5),
    ("otlet_receiver_request_duration_seconds_count", &[GRPC], 6),
    ("otlet_receiver_request_duration_seconds_count", &[HTTP], 5),
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
        &[GRPC, ("error_type", "unrouted")],
        1,
    ),
    ("otlet_receiver_refused_requests_total", &[GRPC], 1),
    (
        "otlet_receiver_refused_requests_total",
        &[HTTP, ("error_type", "invalid")],
        2,
    ),
    (
        "otlet_receiver_refused_requests_total",
        &[HTTP, ("error_type", "too_large")],
        1,
    ),
    ("otlet_receiver_refused_requests_total", &[HTTP], 3),
    ("otlet_receiver_in_flight_bytes", &[], 0),
    ("otlet_receiver_connections", &[GRPC], 1),
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
];

/// 15 spans and 4 log records are taken; metrics, a body that is none, one that is too large and a GET are not.
async fn send(otlet: &Program) {
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
}

#[tokio::test]
async fn every_figure_is_what_was_sent() {
    let backend = Backend::start();
    let otlet = run(&shop(&backend.endpoint()));
    send(&otlet).await;
    backend.wait_for(5);
    let scraped = scrape_until(otlet.admin(), "5 requests sent", |metrics| {
        metrics.count("otlet_exporter_sent_requests_total", &[]) == 5
    });
    for (name, labels, expected) in FIGURES {
        assert_eq!(scraped.count(name, labels), *expected, "{name} {labels:?}");
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
