//! Small requests that have something everywhere.

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{
        AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList, any_value,
    },
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    metrics::v1::{
        Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
        HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
        SummaryDataPoint, exemplar, exponential_histogram_data_point::Buckets, metric,
        number_data_point, summary_data_point::ValueAtQuantile,
    },
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span},
};

/// A value.
pub fn any(value: any_value::Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

/// A string.
pub fn text(value: &str) -> AnyValue {
    any(any_value::Value::StringValue(value.to_owned()))
}

/// An integer.
pub fn int(value: i64) -> AnyValue {
    any(any_value::Value::IntValue(value))
}

/// A double.
pub fn double(value: f64) -> AnyValue {
    any(any_value::Value::DoubleValue(value))
}

/// A boolean.
pub fn boolean(value: bool) -> AnyValue {
    any(any_value::Value::BoolValue(value))
}

/// Bytes.
pub fn bytes(value: &[u8]) -> AnyValue {
    any(any_value::Value::BytesValue(value.to_vec()))
}

/// An array.
pub fn array(values: Vec<AnyValue>) -> AnyValue {
    any(any_value::Value::ArrayValue(ArrayValue { values }))
}

/// A map.
pub fn map(values: Vec<KeyValue>) -> AnyValue {
    any(any_value::Value::KvlistValue(KeyValueList { values }))
}

/// An attribute.
pub fn kv(key: &str, value: AnyValue) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(value),
        ..KeyValue::default()
    }
}

fn resource(name: &str) -> Resource {
    Resource {
        attributes: vec![kv("service.name", text(name)), kv("host.cpus", int(8))],
        dropped_attributes_count: 3,
        entity_refs: vec![EntityRef {
            schema_url: "https://entity".into(),
            r#type: "service".into(),
            id_keys: vec!["service.name".into()],
            description_keys: vec!["host.cpus".into(), "other".into()],
        }],
    }
}

fn scope(name: &str) -> InstrumentationScope {
    InstrumentationScope {
        name: name.into(),
        version: "1.2".into(),
        attributes: vec![kv("scope.kind", text("lib"))],
        dropped_attributes_count: 4,
    }
}

/// A span that tells its number everywhere.
pub fn span(n: u8) -> Span {
    Span {
        trace_id: vec![n; 16],
        span_id: vec![n; 8],
        trace_state: format!("ot=th:{n}"),
        parent_span_id: vec![n + 1; 8],
        flags: 257,
        name: format!("span {n}"),
        kind: 2,
        start_time_unix_nano: 1_000,
        end_time_unix_nano: 1_000 + u64::from(n),
        attributes: vec![
            kv("http.route", text(&format!("/cart/{n}"))),
            kv("n", int(n.into())),
            kv("ratio", double(0.5)),
            kv("ok", boolean(true)),
            kv("raw", bytes(&[0xff, n])),
            kv(
                "list",
                array(vec![text("a"), int(1), array(vec![boolean(false)])]),
            ),
            kv(
                "map",
                map(vec![
                    kv("mail", text("a@b.c")),
                    kv("deep", map(vec![kv("x", double(1.5))])),
                ]),
            ),
        ],
        dropped_attributes_count: 1,
        events: (0..n % 3)
            .map(|i| span::Event {
                time_unix_nano: 77,
                name: format!("event {n}.{i}"),
                attributes: vec![kv("exception.message", text("boom"))],
                dropped_attributes_count: 2,
            })
            .collect(),
        dropped_events_count: 5,
        links: (0..n % 2)
            .map(|_| span::Link {
                trace_id: vec![9; 16],
                span_id: vec![8; 8],
                trace_state: "l=1".into(),
                attributes: vec![kv("link.kind", text("follows"))],
                dropped_attributes_count: 6,
                flags: 1,
            })
            .collect(),
        dropped_links_count: 7,
        status: n.is_multiple_of(2).then(|| Status {
            message: format!("status {n}"),
            code: 2,
        }),
    }
}

/// Resources a and b; a has two scopes of two and three spans, b one without a scope message and one span.
pub fn spans() -> ExportTraceServiceRequest {
    let scoped = |name: &str, spans: std::ops::Range<u8>| ScopeSpans {
        scope: Some(scope(name)),
        spans: spans.map(span).collect(),
        schema_url: "https://scope".into(),
    };
    ExportTraceServiceRequest {
        resource_spans: vec![
            ResourceSpans {
                resource: Some(resource("a")),
                scope_spans: vec![scoped("one", 1..3), scoped("two", 3..6)],
                schema_url: "https://resource".into(),
            },
            ResourceSpans {
                resource: None,
                scope_spans: vec![ScopeSpans {
                    scope: None,
                    spans: vec![span(6)],
                    schema_url: String::new(),
                }],
                schema_url: String::new(),
            },
        ],
    }
}

/// A log record, with a body of another type for each of four.
pub fn log(n: u8) -> LogRecord {
    LogRecord {
        time_unix_nano: 10,
        observed_time_unix_nano: 11,
        severity_number: 9,
        severity_text: "INFO".into(),
        body: match n % 4 {
            0 => None,
            1 => Some(text(&format!("body {n}"))),
            2 => Some(map(vec![kv("message", text("hello")), kv("n", int(2))])),
            _ => Some(array(vec![text("x"), bytes(b"y")])),
        },
        attributes: vec![kv("code.line", int(n.into())), kv("logger", text("shop"))],
        dropped_attributes_count: 1,
        flags: 1,
        trace_id: if n.is_multiple_of(2) {
            vec![n; 16]
        } else {
            Vec::new()
        },
        span_id: vec![n; 8],
        event_name: "shop.event".into(),
    }
}

/// Six log records of one resource and scope.
pub fn records() -> ExportLogsServiceRequest {
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource("logs")),
            scope_logs: vec![ScopeLogs {
                scope: Some(scope("one")),
                log_records: (0..6).map(log).collect(),
                schema_url: String::new(),
            }],
            schema_url: "https://resource".into(),
        }],
    }
}

fn exemplar(n: u8) -> Exemplar {
    Exemplar {
        filtered_attributes: vec![kv("user", text("someone"))],
        time_unix_nano: 5,
        span_id: vec![n; 8],
        trace_id: vec![n; 16],
        value: Some(exemplar::Value::AsDouble(2.5)),
    }
}

fn number(value: number_data_point::Value) -> NumberDataPoint {
    NumberDataPoint {
        attributes: vec![kv("route", text("/"))],
        start_time_unix_nano: 1,
        time_unix_nano: 2,
        exemplars: vec![exemplar(1)],
        flags: 1,
        value: Some(value),
    }
}

fn metric(name: &str, data: metric::Data) -> Metric {
    Metric {
        name: name.into(),
        description: format!("what {name} is"),
        unit: "ms".into(),
        metadata: vec![kv("origin", text("test"))],
        data: Some(data),
    }
}

/// A metric of each kind, in this order: gauge (2 points), sum, histogram, exponential histogram, summary (1 each).
pub fn points() -> ExportMetricsServiceRequest {
    use metric::Data;
    use number_data_point::Value::{AsDouble, AsInt};
    let data = [
        Data::Gauge(Gauge {
            data_points: vec![number(AsDouble(1.5)), number(AsInt(-3))],
        }),
        Data::Sum(Sum {
            data_points: vec![number(AsInt(7))],
            aggregation_temporality: 2,
            is_monotonic: true,
        }),
        Data::Histogram(Histogram {
            data_points: vec![HistogramDataPoint {
                attributes: vec![kv("route", text("/h"))],
                start_time_unix_nano: 1,
                time_unix_nano: 2,
                count: 6,
                sum: Some(0.0),
                bucket_counts: vec![1, 2, 3],
                explicit_bounds: vec![0.5, 10.0],
                exemplars: vec![exemplar(2), exemplar(3)],
                flags: 0,
                min: Some(-1.0),
                max: None,
            }],
            aggregation_temporality: 1,
        }),
        Data::ExponentialHistogram(ExponentialHistogram {
            data_points: vec![ExponentialHistogramDataPoint {
                attributes: vec![kv("route", text("/e"))],
                start_time_unix_nano: 1,
                time_unix_nano: 2,
                count: 9,
                sum: None,
                scale: -2,
                zero_count: 4,
                positive: Some(Buckets {
                    offset: -5,
                    bucket_counts: vec![300, 2],
                }),
                negative: None,
                flags: 1,
                exemplars: vec![exemplar(4)],
                min: None,
                max: Some(8.0),
                zero_threshold: 0.25,
            }],
            aggregation_temporality: 2,
        }),
        Data::Summary(Summary {
            data_points: vec![SummaryDataPoint {
                attributes: vec![kv("route", text("/s"))],
                start_time_unix_nano: 1,
                time_unix_nano: 2,
                count: 5,
                sum: 12.5,
                quantile_values: vec![ValueAtQuantile {
                    quantile: 0.5,
                    value: 2.0,
                }],
                flags: 0,
            }],
        }),
    ];
    let names = ["gauge", "sum", "histogram", "exponential", "summary"];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource("metrics")),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(scope("one")),
                metrics: names
                    .into_iter()
                    .zip(data)
                    .map(|(name, data)| metric(name, data))
                    .collect(),
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    }
}
