//! A small, ordinary batch of each signal.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;

use crate::batch::{Batch, Signal};

/// 2026-01-01, in nanoseconds.
const TIME: u64 = 1_767_225_600_000_000_000;

pub(super) fn batch(signal: Signal) -> Batch {
    let request = match signal {
        Signal::Traces => traces().encode_to_vec(),
        Signal::Metrics => metrics().encode_to_vec(),
        Signal::Logs => logs().encode_to_vec(),
    };
    Batch::new(signal, Bytes::from(request)).expect("what is encoded here is OTLP")
}

fn traces() -> ExportTraceServiceRequest {
    let span = |id: u8, name: &str| Span {
        trace_id: vec![7; 16],
        span_id: vec![id; 8],
        parent_span_id: if id > 1 { vec![1; 8] } else { vec![] },
        name: name.to_owned(),
        start_time_unix_nano: TIME,
        end_time_unix_nano: TIME + 1_000_000,
        attributes: attributes(),
        ..Span::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource()),
            scope_spans: vec![ScopeSpans {
                spans: vec![span(1, "GET /carts/{id}"), span(2, "SELECT carts")],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

fn metrics() -> ExportMetricsServiceRequest {
    let point = NumberDataPoint {
        attributes: attributes(),
        time_unix_nano: TIME,
        value: Some(number_data_point::Value::AsDouble(0.5)),
        ..NumberDataPoint::default()
    };
    let gauge = Gauge {
        data_points: vec![point],
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource()),
            scope_metrics: vec![ScopeMetrics {
                metrics: vec![Metric {
                    name: "system.cpu.utilization".to_owned(),
                    unit: "1".to_owned(),
                    data: Some(Data::Gauge(gauge)),
                    ..Metric::default()
                }],
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    }
}

fn logs() -> ExportLogsServiceRequest {
    let record = LogRecord {
        time_unix_nano: TIME,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        body: Some(text("cart 7 was paid for")),
        attributes: attributes(),
        ..LogRecord::default()
    };
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource()),
            scope_logs: vec![ScopeLogs {
                log_records: vec![record],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    }
}

fn resource() -> Resource {
    Resource {
        attributes: vec![attribute("service.name", "sample")],
        ..Resource::default()
    }
}

fn attributes() -> Vec<KeyValue> {
    vec![attribute("http.request.method", "GET")]
}

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(text(value)),
        ..KeyValue::default()
    }
}

fn text(value: &str) -> AnyValue {
    AnyValue {
        value: Some(Value::StringValue(value.to_owned())),
    }
}
