//! Requests with every field of every message set to something else than its default.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, exemplar, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: Some(AnyValue { value: Some(value) }),
        key_strindex: 3,
    }
}

fn attributes() -> Vec<KeyValue> {
    let nested = AnyValue {
        value: Some(Value::BoolValue(true)),
    };
    vec![
        attribute("text", Value::StringValue("\u{e9}\"\\".into())),
        attribute("true", Value::BoolValue(true)),
        attribute("integer", Value::IntValue(-5)),
        attribute("double", Value::DoubleValue(0.1)),
        attribute(
            "array",
            Value::ArrayValue(ArrayValue {
                values: vec![nested],
            }),
        ),
        attribute(
            "map",
            Value::KvlistValue(KeyValueList {
                values: vec![attribute("in", Value::StringValue("side".into()))],
            }),
        ),
        attribute("bytes", Value::BytesValue(vec![0, 255])),
        attribute("index", Value::StringValueStrindex(7)),
    ]
}

fn resource() -> Resource {
    Resource {
        attributes: attributes(),
        dropped_attributes_count: 1,
        entity_refs: vec![EntityRef {
            schema_url: "schema of entity".into(),
            r#type: "service".into(),
            id_keys: vec!["a".into(), "b".into()],
            description_keys: vec!["c".into()],
        }],
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "scope".into(),
        version: "1.2".into(),
        attributes: attributes(),
        dropped_attributes_count: 2,
    }
}

/// One span.
pub fn traces() -> ExportTraceServiceRequest {
    let span = Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        trace_state: "a=b".into(),
        parent_span_id: vec![3; 8],
        flags: 0x301,
        name: "span".into(),
        kind: 2,
        start_time_unix_nano: u64::MAX,
        end_time_unix_nano: 1,
        attributes: attributes(),
        dropped_attributes_count: 3,
        events: vec![Event {
            time_unix_nano: 4,
            name: "event".into(),
            attributes: attributes(),
            dropped_attributes_count: 5,
        }],
        dropped_events_count: 6,
        links: vec![Link {
            trace_id: vec![4; 16],
            span_id: vec![5; 8],
            trace_state: "c=d".into(),
            attributes: attributes(),
            dropped_attributes_count: 7,
            flags: 8,
        }],
        dropped_links_count: 9,
        status: Some(Status {
            message: "failed".into(),
            code: 2,
        }),
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource()),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope()),
                spans: vec![span],
                schema_url: "schema of scope".into(),
            }],
            schema_url: "schema of resource".into(),
        }],
    }
}

/// One log record.
pub fn logs() -> ExportLogsServiceRequest {
    let record = LogRecord {
        time_unix_nano: 1,
        observed_time_unix_nano: u64::MAX,
        severity_number: 17,
        severity_text: "ERROR".into(),
        body: Some(AnyValue {
            value: Some(Value::KvlistValue(KeyValueList {
                values: attributes(),
            })),
        }),
        attributes: attributes(),
        dropped_attributes_count: 2,
        flags: u32::MAX,
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        event_name: "event".into(),
    };
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource()),
            scope_logs: vec![ScopeLogs {
                scope: Some(scope()),
                log_records: vec![record],
                schema_url: "schema of scope".into(),
            }],
            schema_url: "schema of resource".into(),
        }],
    }
}

/// A metric of each kind.
pub fn metrics() -> ExportMetricsServiceRequest {
    let data = [
        metric::Data::Gauge(Gauge {
            data_points: vec![number(number_data_point::Value::AsDouble(0.5))],
        }),
        metric::Data::Sum(Sum {
            data_points: vec![number(number_data_point::Value::AsInt(i64::MIN))],
            aggregation_temporality: 1,
            is_monotonic: true,
        }),
        metric::Data::Histogram(Histogram {
            data_points: vec![histogram_point()],
            aggregation_temporality: 2,
        }),
        metric::Data::ExponentialHistogram(ExponentialHistogram {
            data_points: vec![exponential_point()],
            aggregation_temporality: 1,
        }),
        metric::Data::Summary(Summary {
            data_points: vec![summary_point()],
        }),
    ];
    let metrics = data.map(|data| Metric {
        name: "metric".into(),
        description: "of something".into(),
        unit: "By".into(),
        data: Some(data),
        metadata: attributes(),
    });
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource()),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope()),
                metrics: metrics.into(),
                schema_url: "schema of scope".into(),
            }],
            schema_url: "schema of resource".into(),
        }],
    }
}

fn exemplars() -> Vec<Exemplar> {
    [exemplar::Value::AsDouble(1.5), exemplar::Value::AsInt(-2)]
        .map(|value| Exemplar {
            filtered_attributes: attributes(),
            time_unix_nano: 1,
            span_id: vec![1; 8],
            trace_id: vec![2; 16],
            value: Some(value),
        })
        .into()
}

fn number(value: number_data_point::Value) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(),
        start_time_unix_nano: 1,
        time_unix_nano: 2,
        exemplars: exemplars(),
        flags: 1,
        value: Some(value),
    }
}

fn histogram_point() -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: attributes(),
        start_time_unix_nano: 1,
        time_unix_nano: 2,
        count: 3,
        sum: Some(4.5),
        bucket_counts: vec![1, u64::MAX],
        explicit_bounds: vec![0.5, 10.0],
        exemplars: exemplars(),
        flags: 1,
        min: Some(-0.5),
        max: Some(9.5),
    }
}

fn exponential_point() -> ExponentialHistogramDataPoint {
    ExponentialHistogramDataPoint {
        attributes: attributes(),
        start_time_unix_nano: 1,
        time_unix_nano: 2,
        count: 3,
        sum: Some(4.5),
        scale: -6,
        zero_count: 7,
        positive: Some(Buckets {
            offset: i32::MIN,
            bucket_counts: vec![1, u64::MAX],
        }),
        negative: Some(Buckets {
            offset: i32::MAX,
            bucket_counts: vec![300],
        }),
        flags: 1,
        exemplars: exemplars(),
        min: Some(-0.5),
        max: Some(9.5),
        zero_threshold: 0.25,
    }
}

fn summary_point() -> SummaryDataPoint {
    SummaryDataPoint {
        attributes: attributes(),
        start_time_unix_nano: 1,
        time_unix_nano: 2,
        count: 3,
        sum: 4.5,
        quantile_values: vec![ValueAtQuantile {
            quantile: 0.99,
            value: 12.5,
        }],
        flags: 1,
    }
}
