//! What a plugin does wrong stays where it is: the batch that it failed on, and its own pipeline.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use otlet::app::App;
use otlet_tests::backend::{Backend, Request};
use otlet_tests::guests;
use otlet_tests::sender::{Sender, numbers, spans};
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

#[path = "support/app.rs"]
mod app;

const INVALID_ARGUMENT: u16 = 3;
const UNIMPLEMENTED: u16 = 12;
const EMAIL: &str = "ann.smith@example.com";

fn text(value: &str) -> AnyValue {
    AnyValue {
        value: Some(Value::StringValue(value.to_owned())),
    }
}

fn attribute(key: &str, value: AnyValue) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(value),
        ..KeyValue::default()
    }
}

fn with_resource(mut request: ExportTraceServiceRequest, attributes: Vec<KeyValue>) -> Request {
    request.resource_spans[0].resource = Some(Resource {
        attributes,
        ..Resource::default()
    });
    Request::Traces(request)
}

/// A span with an e-mail address, and more text than a plugin may be handed that may have 1 MiB.
fn large() -> ExportTraceServiceRequest {
    let mut request = spans([1]);
    let span = &mut request.resource_spans[0].scope_spans[0].spans[0];
    span.attributes = vec![
        attribute("customer", text(EMAIL)),
        attribute("body", text(&"x".repeat(1_100_000))),
    ];
    request
}

fn logs() -> Request {
    Request::Logs(ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![LogRecord {
                    body: Some(text("as it is")),
                    ..LogRecord::default()
                }],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    })
}

/// enrich, and after it a redact that cannot read a large batch.
fn failing_redact(backend: &Backend, on_error: &str) -> App {
    let config = format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors:
  enrich:
    config: {{ actions: [{{ set: 'resource.attributes[\"shop\"]', value: north }}] }}
  redact: {{ limits: {{ handed: 1MiB }}, {on_error} }}
exporters: {{ otlp: {{ endpoint: '{}' }} }}
service:
  pipelines:
    traces: {{ receivers: [otlp], processors: [enrich, redact], exporters: [otlp] }}
",
        backend.endpoint()
    );
    app::start(&config, &[])
}

fn failures(otlet: &App) -> u64 {
    let stages = otlet.stages().iter();
    stages.map(|stage| stage.counters.failed.get()).sum()
}

#[tokio::test]
async fn nothing_reaches_the_backend_when_redact_fails() {
    let backend = Backend::start();
    let mut otlet = failing_redact(&backend, "");
    let sender = app::grpc(&otlet, 0);
    let reply = sender.send(&Request::Traces(large())).await.unwrap();
    assert_eq!(reply.code, INVALID_ARGUMENT);
    assert_eq!(reply.retry, None);
    assert_eq!(reply.message, "processor redact failed");
    // The next batch fares well.
    let small = sender.send(&Request::Traces(spans([2]))).await.unwrap();
    assert_eq!(small.code, 0);
    otlet.shut_down().await;
    assert_eq!(failures(&otlet), 1);
    assert_eq!(numbers(&backend.received()), [2]);
}

#[tokio::test]
async fn a_batch_that_a_plugin_failed_on_is_dropped_where_the_config_says_so() {
    let backend = Backend::start();
    let mut otlet = failing_redact(&backend, "on_error: drop");
    let sender = app::grpc(&otlet, 0);
    for request in [large(), spans([2])] {
        let reply = sender.send(&Request::Traces(request)).await.unwrap();
        assert_eq!(reply.code, 0, "{}", reply.message);
    }
    otlet.shut_down().await;
    assert_eq!(failures(&otlet), 1);
    assert_eq!(numbers(&backend.received()), [2]);
}

#[tokio::test]
async fn a_batch_that_a_plugin_failed_on_passes_with_the_edits_of_those_before_it() {
    let backend = Backend::start();
    let mut otlet = failing_redact(&backend, "on_error: pass");
    let sender = app::grpc(&otlet, 0);
    let reply = sender.send(&Request::Traces(large())).await.unwrap();
    assert_eq!(reply.code, 0, "{}", reply.message);
    otlet.shut_down().await;
    assert_eq!(failures(&otlet), 1);
    let expected = with_resource(large(), vec![attribute("shop", text("north"))]);
    // Without a message of megabytes.
    assert!(backend.received()[0].request == expected);
    assert_eq!(backend.received().len(), 1);
}

#[tokio::test]
async fn edits_of_a_plugin_that_fails_are_undone() {
    let backend = Backend::start();
    let config = format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors:
  enrich:
    config: {{ actions: [{{ set: 'resource.attributes[\"shop\"]', value: north }}] }}
  bad/trap: {{ config: {{ vice: trap }}, on_error: pass }}
  bad/error: {{ config: {{ vice: error, n: 3 }}, on_error: pass }}
  bad/recurse: {{ config: {{ vice: recurse }}, on_error: pass }}
  bad/row: {{ config: {{ vice: row }}, on_error: pass }}
exporters: {{ otlp: {{ endpoint: '{}' }} }}
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [bad/trap, enrich, bad/error, bad/recurse, bad/row]
      exporters: [otlp]
",
        backend.endpoint()
    );
    let mut otlet = app::start(&config, &[("bad", guests::BAD)]);
    let sender = app::grpc(&otlet, 0);
    let reply = sender.send(&Request::Traces(spans([1]))).await.unwrap();
    assert_eq!(reply.code, 0, "{}", reply.message);
    otlet.shut_down().await;
    assert_eq!(failures(&otlet), 4);
    let expected = with_resource(spans([1]), vec![attribute("shop", text("north"))]);
    assert_eq!(backend.received().len(), 1);
    assert_eq!(backend.received()[0].request, expected);
}

#[tokio::test]
async fn a_plugin_that_spins_holds_up_no_other_pipeline() {
    let backend = Backend::start();
    let config = format!(
        "
receivers:
  otlp/spun: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }}
  otlp/free: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }}
processors:
  bad: {{ config: {{ vice: spin }}, limits: {{ deadline: 30s }} }}
  enrich:
    config: {{ actions: [{{ set: 'resource.attributes[\"shop\"]', value: north }}] }}
# So that a request that was answered has left the queue.
exporters: {{ otlp: {{ endpoint: '{}', sending_queue: {{ enabled: false }} }} }}
service:
  pipelines:
    traces/spun: {{ receivers: [otlp/spun], processors: [bad], exporters: [otlp] }}
    traces/free: {{ receivers: [otlp/free], processors: [enrich], exporters: [otlp] }}
",
        backend.endpoint()
    );
    let otlet = app::start(&config, &[("bad", guests::BAD)]);
    let started = Instant::now();
    // Enough for every thread that the pipeline may have.
    let mut spun = JoinSet::new();
    for number in 1_000..1_004 {
        let sender = app::grpc(&otlet, 0);
        spun.spawn(async move { sender.send(&Request::Traces(spans([number]))).await });
    }
    let one = prost::Message::encoded_len(&spans([1_000]));
    let all_in = async {
        while otlet.receivers()[0].grpc().unwrap().in_flight() < 4 * one {
            yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), all_in).await.unwrap();

    let sender = app::grpc(&otlet, 1);
    for number in 0..100 {
        let request = Request::Traces(spans([number]));
        let reply = timeout(Duration::from_secs(10), sender.send(&request)).await;
        assert_eq!(reply.unwrap().unwrap().code, 0);
    }
    assert!(spun.try_join_next().is_none(), "{:?}", started.elapsed());
    backend.wait_for(100);
    assert_eq!(numbers(&backend.taken()), (0..100).collect::<Vec<_>>());

    // Whoever asks a second time is not made to wait for the plugin.
    let ended = timeout(Duration::from_secs(5), otlet.abort()).await;
    assert_eq!(ended.expect("it ends at once"), 0);
}

#[tokio::test]
async fn a_component_with_wasi_and_those_without_work_in_one_chain() {
    let backend = Backend::start();
    let config = format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors:
  enrich:
    config: {{ actions: [{{ set: 'resource.attributes[\"shop\"]', value: north }}] }}
  wasi:
  echo: {{ config: {{ call: fill, columns: ['record.attributes[\"half\"]'] }} }}
exporters: {{ otlp: {{ endpoint: '{}' }} }}
service:
  pipelines:
    traces: {{ receivers: [otlp], processors: [enrich, wasi, echo], exporters: [otlp] }}
",
        backend.endpoint()
    );
    let plugins = [("wasi", guests::WASI), ("echo", guests::ECHO)];
    let mut otlet = app::start(&config, &plugins);
    let sender = app::grpc(&otlet, 0);
    let reply = sender.send(&Request::Traces(spans([1, 2]))).await.unwrap();
    assert_eq!(reply.code, 0, "{}", reply.message);
    otlet.shut_down().await;

    let mut expected = spans([1, 2]);
    // echo fills the second row.
    expected.resource_spans[0].scope_spans[0].spans[1].attributes = vec![attribute(
        "half",
        AnyValue {
            value: Some(Value::DoubleValue(0.5)),
        },
    )];
    // wasi counts what it sees of the host.
    let nothing = AnyValue {
        value: Some(Value::IntValue(0)),
    };
    let resource = vec![attribute("shop", text("north")), attribute("seen", nothing)];
    assert_eq!(
        backend.received().pop().unwrap().request,
        with_resource(expected, resource)
    );
}

#[tokio::test]
async fn receivers_pipelines_and_processors_are_wired_as_the_config_says() {
    let (first, second) = (Backend::start(), Backend::start());
    let config = format!(
        "
receivers:
  otlp/both:
    protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }}
  otlp/traces:
    protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }}, http: {{ endpoint: 127.0.0.1:0 }} }}
processors:
  sample:
  sample/none: {{ config: {{ percentage: 0 }} }}
exporters:
  otlp: {{ endpoint: '{}' }}
  otlphttp: {{ endpoint: '{}' }}
service:
  pipelines:
    traces: {{ receivers: [otlp/both, otlp/traces], processors: [sample], exporters: [otlp] }}
    traces/copy: {{ receivers: [otlp/both], processors: [sample], exporters: [otlphttp] }}
    traces/none: {{ receivers: [otlp/both], processors: [sample, sample/none], exporters: [otlp] }}
    logs: {{ receivers: [otlp/both], processors: [sample], exporters: [otlp] }}
",
        first.endpoint(),
        second.endpoint()
    );
    let mut otlet = app::start(&config, &[]);
    let both = app::grpc(&otlet, 0);
    let traces = app::grpc(&otlet, 1);
    let http = Sender::http(otlet.receivers()[1].http().unwrap().address());
    for (sender, number, ok) in [(&both, 1, 0), (&traces, 2, 0), (&http, 3, 200)] {
        let reply = sender
            .send(&Request::Traces(spans([number])))
            .await
            .unwrap();
        assert_eq!(reply.code, ok, "{}", reply.message);
    }
    assert_eq!(both.send(&logs()).await.unwrap().code, 0);
    for (sender, unrouted) in [(&traces, UNIMPLEMENTED), (&http, 404)] {
        let reply = sender.send(&logs()).await.unwrap();
        assert_eq!(reply.code, unrouted);
        assert!(reply.message.contains("otlp/traces"), "{}", reply.message);
        assert_eq!(reply.retry, None);
    }
    otlet.shut_down().await;

    assert_eq!(numbers(&first.received()), [1, 2, 3]);
    assert_eq!(numbers(&second.received()), [1]);
    let received = first.received();
    let sent: Vec<_> = (received.iter())
        .filter(|received| matches!(received.request, Request::Logs(_)))
        .collect();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].request, logs());

    // One processor, though four pipelines name it: it saw 1 three times, and 2, 3 and the log once each.
    let counts: Vec<_> = (otlet.stages().iter())
        .map(|stage| {
            let batches = stage.counters.batches.get();
            (stage.name(), batches)
        })
        .collect();
    assert_eq!(counts, [("sample", 6), ("sample/none", 1)]);
}
