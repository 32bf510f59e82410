//! otlet's own metrics by OTLP: what they say, that they come once more at the end, and that they disturb nobody.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric, number_data_point};
use otlet_tests::backend::{Backend, Protocol, Received, Request};
use otlet_tests::program::Program;
use otlet_tests::sender::{Sender, numbers, spans};
use tokio::task::spawn_blocking;

const CUMULATIVE: i32 = 2;

/// Traces go to one backend, otlet's own metrics to another.
fn config(backend: &str, protocol: &str, own: &str) -> String {
    format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
exporters: {{ otlp: {{ endpoint: '{backend}' }} }}
service:
  telemetry:
    resource: {{ deployment.environment.name: test }}
    metrics:
      readers:
        - periodic:
            interval: 100
            exporter: {{ otlp: {{ protocol: {protocol}, endpoint: '{own}', headers: {{ x-tenant: shop }} }} }}
  pipelines: {{ traces: {{ receivers: [otlp], exporters: [otlp] }} }}
"
    )
}

fn metrics(received: &Received) -> &ExportMetricsServiceRequest {
    match &received.request {
        Request::Metrics(request) => request,
        other => panic!("{other:?}"),
    }
}

fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn named<'a>(received: &'a Received, name: &str) -> &'a Metric {
    let [resource] = metrics(received).resource_metrics.as_slice() else {
        panic!("one resource");
    };
    let all = &resource.scope_metrics[0].metrics;
    all.iter().find(|metric| metric.name == name).unwrap()
}

/// The sum of a counter's points.
fn sum(received: &Received, name: &str) -> i64 {
    let Some(metric::Data::Sum(sum)) = &named(received, name).data else {
        panic!("{name} is no sum");
    };
    assert!(sum.is_monotonic && sum.aggregation_temporality == CUMULATIVE);
    sum.data_points
        .iter()
        .map(|point| {
            assert!(point.start_time_unix_nano > 0);
            assert!(point.start_time_unix_nano < point.time_unix_nano);
            match point.value {
                Some(number_data_point::Value::AsInt(number)) => number,
                _ => panic!("{name} is no whole number"),
            }
        })
        .sum()
}

async fn figures_arrive(protocol: &str, spoken: Protocol, path: &str) {
    let (backend, own) = (Backend::start(), Backend::start());
    let endpoint = format!("{}{path}", own.endpoint());
    let config = config(&backend.endpoint(), protocol, &endpoint);
    let mut otlet = Program::start(env!("CARGO_BIN_EXE_otlet"), &config);
    let sender = Sender::grpc(otlet.grpc());
    for number in 0..3 {
        let request = Request::Traces(spans([number, number + 10]));
        assert_eq!(sender.send(&request).await.unwrap().code, 0);
    }
    own.wait_until("6 items sent", |received| {
        let last = received.last();
        last.is_some_and(|last| sum(last, "otlet.exporter.sent_requests") == 3)
    });
    // What the last interval did not tell the end does.
    assert_eq!(
        sender
            .send(&Request::Traces(spans([99])))
            .await
            .unwrap()
            .code,
        0
    );
    let ended = spawn_blocking(move || otlet.terminate()).await.unwrap();
    assert!(ended.success());

    let received = own.received();
    let last = received.last().unwrap();
    assert_eq!(sum(last, "otlet.receiver.requests"), 4);
    assert_eq!(sum(last, "otlet.exporter.sent_requests"), 4);
    // What it sends of itself is not counted.
    let Some(metric::Data::Sum(sent)) = &named(last, "otlet.exporter.sent_requests").data else {
        panic!("it is a sum");
    };
    assert_eq!(sent.data_points.len(), 1);
    assert_eq!(
        text(&sent.data_points[0].attributes, "exporter"),
        Some("otlp")
    );

    let Some(metric::Data::Histogram(took)) = &named(last, "otlet.receiver.request.duration").data
    else {
        panic!("it is a histogram");
    };
    let point = &took.data_points[0];
    assert_eq!(point.count, 4);
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), 4);
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    assert!(point.sum.unwrap() > 0.0);

    let attributes = |received: &Received| {
        let resource = metrics(received).resource_metrics[0].resource.clone();
        resource.unwrap().attributes
    };
    let resource = attributes(last);
    assert_eq!(text(&resource, "service.name"), Some("otlet"));
    let version = Some(env!("CARGO_PKG_VERSION"));
    assert_eq!(text(&resource, "service.version"), version);
    assert_eq!(text(&resource, "deployment.environment.name"), Some("test"));
    assert_eq!(text(&resource, "service.instance.id").unwrap().len(), 36);
    for one in &received {
        assert_eq!(attributes(one), resource);
        assert_eq!(one.protocol, spoken);
        assert_eq!(one.headers.get("x-tenant").unwrap(), "shop");
    }
    assert_eq!(numbers(&backend.received()).len(), 7);
}

#[tokio::test]
async fn figures_arrive_over_grpc() {
    figures_arrive("grpc", Protocol::Grpc, "").await;
}

#[tokio::test]
async fn figures_arrive_over_http_at_the_whole_url() {
    figures_arrive("http/protobuf", Protocol::Http, "/v1/metrics").await;
}

#[tokio::test]
async fn a_backend_of_the_metrics_that_is_away_holds_up_nobody() {
    let (backend, away) = (Backend::start(), Backend::start());
    let config = config(&backend.endpoint(), "grpc", &away.endpoint());
    away.stop();
    let mut otlet = Program::start(env!("CARGO_BIN_EXE_otlet"), &config);
    let sender = Sender::grpc(otlet.grpc());
    for number in 0..20 {
        let request = Request::Traces(spans([number]));
        assert_eq!(sender.send(&request).await.unwrap().code, 0);
    }
    otlet.wait_for("the backend does not take requests");
    let begun = Instant::now();
    let ended = spawn_blocking(move || otlet.terminate()).await.unwrap();
    assert!(ended.success());
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(numbers(&backend.taken()), (0..20).collect::<Vec<_>>());
}
