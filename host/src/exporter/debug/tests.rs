//! What is printed, for hand-made requests.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum,
    number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

use super::*;

fn value(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn text(key: &str, text: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(value(Value::StringValue(text.to_owned()))),
        ..KeyValue::default()
    }
}

fn resource() -> Resource {
    Resource {
        attributes: vec![text("service.name", "shop")],
        ..Resource::default()
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "flask".to_owned(),
        version: "1.2".to_owned(),
        ..InstrumentationScope::default()
    }
}

fn traces() -> Bytes {
    let span = Span {
        trace_id: vec![0xab; 16],
        span_id: vec![0xcd; 8],
        name: "GET /orders".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_000_000_000_000_000_000,
        end_time_unix_nano: 1_000_000_000_000_000_001,
        attributes: vec![text("http.route", "/orders")],
        events: vec![Event {
            name: "exception".to_owned(),
            ..Event::default()
        }],
        status: Some(Status {
            code: 2,
            message: "boom".to_owned(),
        }),
        ..Span::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource()),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope()),
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    request.encode_to_vec().into()
}

fn logs(log: LogRecord) -> Bytes {
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource()),
            scope_logs: vec![ScopeLogs {
                scope: Some(scope()),
                log_records: vec![log],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    };
    request.encode_to_vec().into()
}

fn metrics() -> Bytes {
    let sum = Sum {
        data_points: vec![NumberDataPoint {
            attributes: vec![text("route", "/")],
            value: Some(number_data_point::Value::AsInt(7)),
            ..NumberDataPoint::default()
        }],
        aggregation_temporality: 2,
        is_monotonic: true,
    };
    let histogram = Histogram {
        data_points: vec![HistogramDataPoint {
            count: 3,
            sum: Some(1.5),
            bucket_counts: vec![1, 2],
            explicit_bounds: vec![0.25],
            ..HistogramDataPoint::default()
        }],
        aggregation_temporality: 1,
    };
    let metric = |name: &str, data| Metric {
        name: name.to_owned(),
        data: Some(data),
        ..Metric::default()
    };
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource()),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope()),
                metrics: vec![
                    metric("requests", Data::Sum(sum)),
                    metric("latency", Data::Histogram(histogram)),
                ],
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    };
    request.encode_to_vec().into()
}

#[test]
fn basic_is_one_line_of_counts() {
    let print = |signal, message| describe(signal, &message, Verbosity::Basic);
    assert_eq!(
        print(Signal::Traces, traces()),
        "traces: 1 resources, 1 spans\n"
    );
    assert_eq!(
        print(Signal::Metrics, metrics()),
        "metrics: 1 resources, 2 metrics, 2 data points\n"
    );
    assert_eq!(
        print(Signal::Logs, logs(LogRecord::default())),
        "logs: 1 resources, 1 log records\n"
    );
}

#[test]
fn normal_is_a_line_a_record() {
    assert_eq!(
        describe(Signal::Traces, &traces(), Verbosity::Normal),
        "traces: 1 resources, 1 spans
resource service.name=shop
  scope flask@1.2
    GET /orders abababababababababababababababab cdcdcdcdcdcdcdcd http.route=/orders
"
    );
    assert_eq!(
        describe(Signal::Metrics, &metrics(), Verbosity::Normal),
        "metrics: 1 resources, 2 metrics, 2 data points
resource service.name=shop
  scope flask@1.2
    requests route=/ 7
    latency count=3 sum=1.5
"
    );
}

#[test]
fn detailed_is_every_field() {
    assert_eq!(
        describe(Signal::Traces, &traces(), Verbosity::Detailed),
        "traces: 1 resources, 1 spans
resource #0
  attributes:
    -> service.name: Str(shop)
  scope #0
    name: flask
    version: 1.2
    span #0
      name: GET /orders
      trace id: abababababababababababababababab
      span id: cdcdcdcdcdcdcdcd
      parent span id: 
      kind: Server
      start: 2001-09-09 01:46:40.000000000 UTC
      end: 2001-09-09 01:46:40.000000001 UTC
      status: Error
      status message: boom
      attributes:
        -> http.route: Str(/orders)
      event #0
        name: exception
"
    );
    let printed = describe(Signal::Metrics, &metrics(), Verbosity::Detailed);
    for line in [
        "      kind: Sum\n      temporality: Cumulative\n      monotonic: true\n",
        "        value: 7\n",
        "        count: 3\n        sum: 1.5\n        bounds: 0.25\n        buckets: 1, 2\n",
    ] {
        assert!(printed.contains(line), "{line}{printed}");
    }
}

#[test]
fn a_nested_body_is_printed_with_its_type() {
    let list = Value::ArrayValue(ArrayValue {
        values: vec![
            value(Value::IntValue(1)),
            value(Value::BytesValue(vec![255])),
        ],
    });
    let map = Value::KvlistValue(KeyValueList {
        values: vec![
            text("a", "x\"y"),
            KeyValue {
                key: "b".to_owned(),
                value: Some(value(list)),
                ..KeyValue::default()
            },
            KeyValue {
                key: "c".to_owned(),
                ..KeyValue::default()
            },
        ],
    });
    let log = LogRecord {
        body: Some(value(map)),
        severity_number: 9,
        ..LogRecord::default()
    };
    let printed = describe(Signal::Logs, &logs(log), Verbosity::Detailed);
    let body = r#"      body: Map({"a":"x\"y","b":[1,ff],"c":null})"#;
    assert!(printed.contains(body), "{printed}");
    assert!(
        printed.contains("      severity number: Info(9)\n"),
        "{printed}"
    );
}

#[test]
fn no_control_character_reaches_the_terminal() {
    let hostile = "\u{1b}[2Jline\r\nnext\u{9b}31m\u{0}";
    let log = LogRecord {
        severity_text: hostile.to_owned(),
        body: Some(value(Value::StringValue(hostile.to_owned()))),
        attributes: vec![text(hostile, hostile)],
        event_name: hostile.to_owned(),
        ..LogRecord::default()
    };
    for verbosity in [Verbosity::Normal, Verbosity::Detailed] {
        let printed = describe(Signal::Logs, &logs(log.clone()), verbosity);
        assert!(printed.contains(r"\u{1b}[2Jline\r\nnext"), "{printed}");
        assert!(printed.chars().all(|c| c == '\n' || !c.is_control()));
    }
}

#[test]
fn what_is_no_request_is_said_to_be_none() {
    let printed = describe(
        Signal::Logs,
        &Bytes::from_static(b"\xff"),
        Verbosity::Detailed,
    );
    assert!(
        printed.starts_with("logs: 1 bytes that are no request: "),
        "{printed}"
    );
}

struct Closed;

impl Write for Closed {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn printing_goes_to_the_output_and_a_closed_one_does_no_harm() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let captured = Captured::default();
    for output in [Output::to(Closed), Output::to(captured.clone())] {
        let printer = Printer::new("debug", Verbosity::Basic, output);
        let mut framed = vec![0; PREFIX];
        framed.extend(traces());
        let accepted = runtime.block_on(printer.print(&Prepared {
            signal: Signal::Traces,
            framed: framed.into(),
            coding: None,
        }));
        assert_eq!(accepted, Accepted::default());
    }
    let printed = captured.0.lock().unwrap().clone();
    assert_eq!(printed, b"traces: 1 resources, 1 spans\n");
}
