//! Data points of a web service's metrics.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics,
    Sum,
};

use super::{attribute, integer, resource, scope, text};

const START: u64 = 1_780_000_000_000_000_000;
const TIME: u64 = START + 60_000_000_000;
const CUMULATIVE: i32 = 2;
/// Those that HTTP's semantic conventions advise.
const BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// Data points of one metric, at most.
const POINTS: usize = 10;

/// `count` data points, of sums, gauges and histograms in turn.
pub(super) fn request(random: &mut fastrand::Rng, count: usize) -> ExportMetricsServiceRequest {
    let metrics = (0..count.div_ceil(POINTS))
        .map(|index| metric(random, index, POINTS.min(count - index * POINTS)))
        .collect();
    let scope_metrics = vec![ScopeMetrics {
        scope: scope("http.server"),
        metrics,
        ..ScopeMetrics::default()
    }];
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: resource(),
            scope_metrics,
            ..ResourceMetrics::default()
        }],
    }
}

fn metric(random: &mut fastrand::Rng, index: usize, points: usize) -> Metric {
    let (name, unit, data) = match index % 3 {
        0 => (
            "http.server.requests",
            "{request}",
            Data::Sum(Sum {
                data_points: (0..points).map(|_| number(random)).collect(),
                aggregation_temporality: CUMULATIVE,
                is_monotonic: true,
            }),
        ),
        1 => (
            "http.server.active_requests",
            "{request}",
            Data::Gauge(Gauge {
                data_points: (0..points).map(|_| number(random)).collect(),
            }),
        ),
        _ => (
            "http.server.request.duration",
            "s",
            Data::Histogram(Histogram {
                data_points: (0..points).map(|_| distribution(random)).collect(),
                aggregation_temporality: CUMULATIVE,
            }),
        ),
    };
    Metric {
        name: format!("{name}.{index}"),
        description: "What the server was asked.".to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn attributes(random: &mut fastrand::Rng) -> Vec<KeyValue> {
    vec![
        attribute("http.request.method", text("GET")),
        attribute("http.response.status_code", integer(200)),
        attribute("http.route", text(format!("/orders/{}", random.u8(..)))),
        attribute("url.scheme", text("https")),
        attribute("server.address", text("shop.example.com")),
    ]
}

fn number(random: &mut fastrand::Rng) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(random),
        start_time_unix_nano: START,
        time_unix_nano: TIME,
        value: Some(Value::AsInt(i64::from(random.u32(..)))),
        ..NumberDataPoint::default()
    }
}

fn distribution(random: &mut fastrand::Rng) -> HistogramDataPoint {
    let counts: Vec<u64> = (0..=BOUNDS.len()).map(|_| random.u64(..1000)).collect();
    HistogramDataPoint {
        attributes: attributes(random),
        start_time_unix_nano: START,
        time_unix_nano: TIME,
        count: counts.iter().sum(),
        sum: Some(random.f64() * 1000.0),
        bucket_counts: counts,
        explicit_bounds: BOUNDS.to_vec(),
        ..HistogramDataPoint::default()
    }
}
