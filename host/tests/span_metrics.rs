//! Metrics of spans: every span that was acknowledged is counted once, and the metrics arrive whatever happens behind.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use otlet_tests::backend::{Answer, Backend, Received, Request};
use otlet_tests::metrics::scrape;
use otlet_tests::program::Program;
use otlet_tests::requests::{kv, text};
use otlet_tests::sender::{Sender, spans};
use tokio::task::spawn_blocking;

const OTLET: &str = env!("CARGO_BIN_EXE_otlet");
const APPLIED: &str = "the config was reloaded";
const MILLISECOND: u64 = 1_000_000;

/// Traces come to a connector with these keys, and on to a backend, as do the metrics.
fn config(keys: &str, endpoint: &str, traces: &str) -> String {
    format!(
        "
admin: {{ endpoint: 127.0.0.1:0 }}
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
connectors:
  spanmetrics: {{ exclude_dimensions: [collector.instance.id], {keys} }}
exporters:
  otlp:
    endpoint: '{endpoint}'
    retry_on_failure: {{ initial_interval: 20ms, max_interval: 50ms }}
service:
  pipelines:
    traces: {{ receivers: [otlp], exporters: {traces} }}
    metrics: {{ receivers: [spanmetrics], exporters: [otlp] }}
"
    )
}

/// Spans of a service: each a name and milliseconds.
fn request(of: &[(&str, u64)]) -> Request {
    let mut request: ExportTraceServiceRequest = spans(0..of.len() as u64);
    let resource = &mut request.resource_spans[0];
    resource.resource = Some(Resource {
        attributes: vec![kv("service.name", text("shop"))],
        ..Resource::default()
    });
    let scopes = resource.scope_spans.iter_mut();
    let all: Vec<&mut Span> = scopes.flat_map(|scope| &mut scope.spans).collect();
    for (span, (name, milliseconds)) in all.into_iter().zip(of) {
        (*name).clone_into(&mut span.name);
        span.start_time_unix_nano = 1_700_000_000_000_000_000;
        span.end_time_unix_nano = span.start_time_unix_nano + milliseconds * MILLISECOND;
    }
    Request::Traces(request)
}

async fn send(otlet: &Program, of: &[(&str, u64)]) {
    let reply = Sender::grpc(otlet.grpc()).send(&request(of)).await.unwrap();
    assert_eq!(reply.code, 0, "{reply:?}");
}

async fn terminate(mut otlet: Program) {
    otlet.signal("TERM");
    let ended = spawn_blocking(move || otlet.ended()).await.unwrap();
    assert_eq!(ended.code(), Some(0));
}

/// A data point of the calls of spans of a name.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Calls {
    number: i64,
    start: u64,
    time: u64,
}

fn name_of(attributes: &[KeyValue]) -> String {
    let found = attributes.iter().find(|pair| pair.key == "span.name");
    match found.and_then(|pair| pair.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(name)) => name.clone(),
        _ => attributes[0].key.clone(),
    }
}

/// What came of each name, in the order in which it came, and the counts of the last durations' buckets.
fn shown(received: &[Received]) -> (BTreeMap<String, Vec<Calls>>, BTreeMap<String, Vec<u64>>) {
    let (mut calls, mut durations) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::new());
    for one in received.iter().filter(|one| one.taken) {
        let Request::Metrics(request) = &one.request else {
            continue;
        };
        let scopes = request
            .resource_metrics
            .iter()
            .flat_map(|one| &one.scope_metrics);
        for metric in scopes.flat_map(|scope| &scope.metrics) {
            match metric.data.as_ref().unwrap() {
                Data::Sum(sum) => {
                    for point in &sum.data_points {
                        let Some(number_data_point::Value::AsInt(number)) = point.value else {
                            panic!("{point:?}");
                        };
                        calls
                            .entry(name_of(&point.attributes))
                            .or_default()
                            .push(Calls {
                                number,
                                start: point.start_time_unix_nano,
                                time: point.time_unix_nano,
                            });
                    }
                }
                Data::Histogram(histogram) => {
                    for point in &histogram.data_points {
                        let counts = point.bucket_counts.clone();
                        durations.insert(name_of(&point.attributes), counts);
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }
    (calls, durations)
}

/// Whether there is a series of a name that the backend does not take.
fn has_bad(request: &Request) -> bool {
    let Request::Metrics(request) = request else {
        return false;
    };
    let text = format!("{request:?}");
    text.contains("POISON")
}

fn last(received: &[Received], name: &str) -> Option<Calls> {
    shown(received).0.get(name)?.last().copied()
}

/// Each point of a series begins where the one before ended.
fn follow(points: &[Calls]) {
    for pair in points.windows(2) {
        assert_eq!(pair[1].start, pair[0].time, "{points:?}");
    }
}

#[tokio::test]
async fn spans_are_counted_and_go_on_and_a_sigterm_hands_on_what_was_counted() {
    let backend = Backend::start();
    let keys = "metrics_flush_interval: 1h, histogram: { explicit: { buckets: [10ms, 100ms] } }";
    let otlet = Program::start(
        OTLET,
        &config(keys, &backend.endpoint(), "[spanmetrics, otlp]"),
    );
    send(&otlet, &[("get", 5), ("get", 10), ("put", 50)]).await;
    send(&otlet, &[("get", 500)]).await;
    let metrics = scrape(otlet.admin());
    assert_eq!(metrics.count("otlet_connector_counted_items_total", &[]), 4);
    terminate(otlet).await;
    let taken = backend.taken();
    let (calls, durations) = shown(&taken);
    assert_eq!(
        calls["get"]
            .iter()
            .map(|point| point.number)
            .collect::<Vec<_>>(),
        [3]
    );
    assert_eq!(
        calls["put"]
            .iter()
            .map(|point| point.number)
            .collect::<Vec<_>>(),
        [1]
    );
    assert_eq!(
        (&*durations["get"], &*durations["put"]),
        (&[2, 0, 1][..], &[0, 1, 0][..])
    );
    let traces = taken
        .iter()
        .filter(|one| matches!(one.request, Request::Traces(_)));
    assert_eq!(traces.map(|one| one.request.items()).sum::<usize>(), 4);
}

#[tokio::test]
async fn what_counts_from_the_beginning_goes_on_with_one_start_until_it_is_all_told() {
    let backend = Backend::start();
    let keys = "metrics_flush_interval: 100ms";
    let otlet = Program::start(OTLET, &config(keys, &backend.endpoint(), "[spanmetrics]"));
    send(&otlet, &[("get", 5)]).await;
    let told = |calls| {
        move |received: &[Received]| last(received, "get").is_some_and(|one| one.number == calls)
    };
    backend.wait_until("the first calls", told(1));
    send(&otlet, &[("get", 5), ("get", 7)]).await;
    backend.wait_until("all calls", told(3));
    terminate(otlet).await;
    let (calls, _) = shown(&backend.taken());
    let points = &calls["get"];
    assert_eq!(points[0].number, 0);
    assert!(points.windows(2).all(|pair| {
        pair[0].start == pair[1].start
            && pair[0].number <= pair[1].number
            && pair[0].time <= pair[1].time
    }));
    assert_eq!(points.last().unwrap().number, 3);
}

#[tokio::test]
async fn of_what_counts_from_time_to_time_nothing_is_lost_while_the_backend_is_away() {
    let backend = Backend::start();
    let keys =
        "metrics_flush_interval: 100ms, aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA";
    let full = config(keys, &backend.endpoint(), "[spanmetrics]").replace(
        "    retry_on_failure",
        "    sending_queue: { queue_size: 1 }\n    retry_on_failure",
    );
    let otlet = Program::start(OTLET, &full);
    backend.always(Answer::unavailable());
    for _ in 0..5 {
        let attempts = backend.attempts();
        send(&otlet, &[("get", 5), ("put", 5), ("get", 7)]).await;
        backend.wait_for_attempts(attempts + 3);
    }
    backend.always(Answer::Ok);
    backend.wait_until("all calls", |received| {
        let (calls, _) = shown(received);
        let sum = |name| {
            calls
                .get(name)
                .map_or(0, |points| points.iter().map(|one| one.number).sum())
        };
        sum("get") == 10_i64 && sum("put") == 5
    });
    send(&otlet, &[("get", 5)]).await;
    terminate(otlet).await;
    let (calls, _) = shown(&backend.taken());
    let sum: i64 = calls["get"].iter().map(|one| one.number).sum();
    assert_eq!(sum, 11);
    follow(&calls["get"]);
    follow(&calls["put"]);
}

#[tokio::test]
async fn names_above_the_limit_are_counted_in_the_overflow() {
    let backend = Backend::start();
    let keys = "metrics_flush_interval: 1h, aggregation_cardinality_limit: 10";
    let otlet = Program::start(OTLET, &config(keys, &backend.endpoint(), "[spanmetrics]"));
    let names: Vec<String> = (0..1000).map(|number| format!("get /{number}")).collect();
    let of: Vec<_> = names.iter().map(|name| (name.as_str(), 5)).collect();
    send(&otlet, &of).await;
    let metrics = scrape(otlet.admin());
    assert_eq!(
        metrics.count("otlet_connector_overflow_items_total", &[]),
        990
    );
    terminate(otlet).await;
    let (calls, durations) = shown(&backend.taken());
    assert_eq!(calls.len(), 11);
    assert_eq!(calls["otel.metric.overflow"][0].number, 990);
    assert_eq!(durations["otel.metric.overflow"].iter().sum::<u64>(), 990);
}

#[tokio::test]
async fn a_reload_keeps_counting_and_another_config_of_the_connector_begins_anew() {
    let backend = Backend::start();
    let first = config(
        "metrics_flush_interval: 1h",
        &backend.endpoint(),
        "[spanmetrics]",
    );
    let otlet = Program::start(OTLET, &first);
    send(&otlet, &[("get", 5)]).await;
    // Another pipeline before it, and another exporter behind it: what was counted stays.
    let traces = config(
        "metrics_flush_interval: 1h",
        &backend.endpoint(),
        "[spanmetrics, otlp]",
    );
    let other = traces.replace("max_interval: 50ms", "max_interval: 60ms");
    otlet.reload(&other, APPLIED);
    send(&otlet, &[("get", 5)]).await;
    assert!(shown(&backend.taken()).0.is_empty());
    // Other settings: what was counted is handed on at once, and a new series begins.
    let line = otlet.reload(&other.replace("1h", "2h"), APPLIED);
    assert!(line.contains("connectors.spanmetrics"), "{line}");
    backend.wait_until("what was counted", |received| {
        last(received, "get").is_some()
    });
    send(&otlet, &[("get", 5)]).await;
    terminate(otlet).await;
    let (calls, _) = shown(&backend.taken());
    let points = &calls["get"];
    assert_eq!(
        points.iter().map(|one| one.number).collect::<Vec<_>>(),
        [2, 1]
    );
    assert!(points[1].start > points[0].start);
}

#[tokio::test]
async fn spans_before_the_pipeline_refuses_them_are_not_counted() {
    // One queue has no room for the request, so that it is refused for both.
    let backend = Backend::start();
    let keys = "metrics_flush_interval: 1h";
    let small = config(keys, &backend.endpoint(), "[spanmetrics, otlp/small]").replace(
        "exporters:\n",
        &format!(
            "exporters:\n  otlp/small: {{ endpoint: '{}', sending_queue: {{ queue_size: 1, sizer: items }} }}\n",
            backend.endpoint()
        ),
    );
    let otlet = Program::start(OTLET, &small);
    let reply = Sender::grpc(otlet.grpc())
        .send(&request(&[("get", 5), ("get", 6)]))
        .await
        .unwrap();
    assert_ne!(reply.code, 0);
    send(&otlet, &[("get", 5)]).await;
    terminate(otlet).await;
    assert_eq!(shown(&backend.taken()).0["get"][0].number, 1);
}

#[tokio::test]
async fn series_tell_which_process_counts_unless_they_are_told_not_to() {
    let backend = Backend::start();
    let keys = "metrics_flush_interval: 1h";
    let config = config(keys, &backend.endpoint(), "[spanmetrics]");
    let told = config.replace("exclude_dimensions: [collector.instance.id], ", "");
    let otlet = Program::start(OTLET, &told);
    send(&otlet, &[("get", 5)]).await;
    tokio::time::timeout(Duration::from_secs(30), terminate(otlet))
        .await
        .unwrap();
    let taken = backend.taken();
    let Request::Metrics(request) = &taken[0].request else {
        panic!("{taken:?}");
    };
    let Some(Data::Sum(sum)) = &request.resource_metrics[0].scope_metrics[0].metrics[0].data else {
        panic!("{request:?}");
    };
    let keys: Vec<_> = sum.data_points[0]
        .attributes
        .iter()
        .map(|pair| &*pair.key)
        .collect();
    for key in [
        "service.name",
        "span.name",
        "span.kind",
        "status.code",
        "collector.instance.id",
    ] {
        assert_eq!(
            keys.iter().filter(|one| **one == key).count(),
            1,
            "{keys:?}"
        );
    }
    assert_eq!(keys.len(), 5);
}

#[tokio::test]
async fn a_series_that_the_backend_refuses_costs_none_of_the_others() {
    for temporality in ["CUMULATIVE", "DELTA"] {
        let backend = Backend::start();
        backend.always(Answer::RefusedIf(has_bad));
        let keys = format!(
            "metrics_flush_interval: 1h, aggregation_temporality: AGGREGATION_TEMPORALITY_{temporality}"
        );
        let otlet = Program::start(OTLET, &config(&keys, &backend.endpoint(), "[spanmetrics]"));
        let names: Vec<_> = (0..40).map(|number| format!("GET /{number}")).collect();
        let mut of: Vec<_> = names.iter().map(|name| (name.as_str(), 5)).collect();
        of.insert(20, ("POISON", 5));
        send(&otlet, &of).await;
        terminate(otlet).await;
        let (calls, durations) = shown(&backend.taken());
        for name in &names {
            assert!(calls.contains_key(name), "{temporality} {name}");
            assert!(durations.contains_key(name), "{temporality} {name}");
        }
        assert!(!calls.contains_key("POISON"));
    }
}
