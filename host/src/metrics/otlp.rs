//! The metrics as an OTLP request: sums and histograms since the start, and gauges.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{BufMut, Bytes, BytesMut};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric as OtlpMetric,
    NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::list::{Kind, Metric};
use super::process;
use super::snapshot::{Family, Point, Snapshot, Value};
use crate::batch::Signal;
use crate::payload::{self, PREFIX, Payload};
use crate::telemetry::{BOUNDS, Durations};

const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

/// When something began, and when it was looked at, in nanoseconds since 1970.
#[derive(Clone, Copy)]
struct Span {
    start: u64,
    now: u64,
}

/// A request that says what `snapshot` does of this resource, and the number of its data points.
pub(super) fn request(snapshot: &Snapshot, resource: &[(String, String)]) -> (Payload, u64) {
    let span = Span {
        start: nanoseconds(process::start()),
        now: nanoseconds(SystemTime::now()),
    };
    let families = (snapshot.families.iter()).filter(|family| !family.points.is_empty());
    let points: usize = families.clone().map(|family| family.points.len()).sum();
    let request = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(Resource {
                attributes: resource
                    .iter()
                    .map(|(key, text)| label(key, text))
                    .collect(),
                ..Resource::default()
            }),
            scope_metrics: vec![ScopeMetrics {
                scope: Some(InstrumentationScope {
                    name: "otlet".to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    ..InstrumentationScope::default()
                }),
                metrics: families.map(|family| metric(family, span)).collect(),
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    };
    let payload = Payload::plain(Signal::Metrics, framed(&request));
    (payload, u64::try_from(points).unwrap_or(u64::MAX))
}

/// The message after its gRPC prefix.
fn framed(request: &ExportMetricsServiceRequest) -> Bytes {
    let len = request.encoded_len();
    let mut framed = BytesMut::with_capacity(PREFIX + len);
    framed.put_slice(&payload::prefix(false, len));
    request
        .encode(&mut framed)
        .expect("a buffer that grows takes everything");
    framed.freeze()
}

fn metric(family: &Family, span: Span) -> OtlpMetric {
    let Family { metric, points } = family;
    let numbers = || {
        points
            .iter()
            .map(|point| number(metric, point, span))
            .collect()
    };
    let data = match metric.kind {
        Kind::Counter => metric::Data::Sum(Sum {
            data_points: numbers(),
            aggregation_temporality: CUMULATIVE,
            is_monotonic: true,
        }),
        Kind::Gauge => metric::Data::Gauge(Gauge {
            data_points: numbers(),
        }),
        Kind::Histogram => metric::Data::Histogram(Histogram {
            data_points: points
                .iter()
                .filter_map(|point| histogram(metric, point, span))
                .collect(),
            aggregation_temporality: CUMULATIVE,
        }),
    };
    OtlpMetric {
        name: metric.name.to_owned(),
        description: metric.help.to_owned(),
        unit: metric.unit.code().to_owned(),
        data: Some(data),
        ..OtlpMetric::default()
    }
}

fn number(metric: &Metric, point: &Point, span: Span) -> NumberDataPoint {
    let value = match point.value {
        Value::Number(number) => {
            number_data_point::Value::AsInt(i64::try_from(number).unwrap_or(i64::MAX))
        }
        Value::Real(number) => number_data_point::Value::AsDouble(number),
        Value::Durations(durations) => {
            number_data_point::Value::AsDouble(durations.sum.as_secs_f64())
        }
    };
    NumberDataPoint {
        attributes: labels(metric, point),
        // A gauge began at no time.
        start_time_unix_nano: if metric.kind == Kind::Gauge {
            0
        } else {
            span.start
        },
        time_unix_nano: span.now,
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

fn histogram(metric: &Metric, point: &Point, span: Span) -> Option<HistogramDataPoint> {
    let Value::Durations(durations) = &point.value else {
        return None;
    };
    let Durations { buckets, sum } = durations;
    Some(HistogramDataPoint {
        attributes: labels(metric, point),
        start_time_unix_nano: span.start,
        time_unix_nano: span.now,
        count: durations.count(),
        sum: Some(sum.as_secs_f64()),
        bucket_counts: buckets.to_vec(),
        explicit_bounds: BOUNDS
            .iter()
            .map(std::time::Duration::as_secs_f64)
            .collect(),
        ..HistogramDataPoint::default()
    })
}

fn labels(metric: &Metric, point: &Point) -> Vec<KeyValue> {
    let pairs = metric.labels.iter().zip(&point.labels);
    pairs.map(|(key, text)| label(key, text)).collect()
}

fn label(key: &str, text: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(any_value::Value::StringValue(text.to_owned())),
        }),
        ..KeyValue::default()
    }
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
