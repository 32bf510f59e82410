//! Parts of requests, held against the same records taken apart with opentelemetry-proto's types.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint, ResourceMetrics};
use opentelemetry_proto::tonic::metrics::v1::{ScopeMetrics, Sum};
use opentelemetry_proto::tonic::resource::v1::Resource;
use otlet_tests::{every_field, requests};
use prost::Message;

use super::super::{Batch, Bounds, Part, Signal, WireError, cut, records as counted};

/// All parts of a request.
fn split(
    signal: Signal,
    message: &[u8],
    max: usize,
    headroom: usize,
) -> Result<Vec<Part>, WireError> {
    let bounds = Bounds {
        bytes: max,
        records: u32::MAX,
    };
    split_within(signal, message, bounds, headroom)
}

fn split_within(
    signal: Signal,
    message: &[u8],
    bounds: Bounds,
    headroom: usize,
) -> Result<Vec<Part>, WireError> {
    let (mut parts, mut from) = (Vec::new(), 0);
    while let Some(part) = cut(signal, message, from, bounds, headroom)? {
        assert!(part.until > from, "{from}");
        from = part.until;
        let is_last = part.is_last;
        parts.push(part);
        if is_last {
            assert_eq!(cut(signal, message, from, bounds, headroom)?, None);
            break;
        }
    }
    Ok(parts)
}

/// A log record with its resource, its resource's schema, its scope and its scope's schema.
fn logs(message: &[u8]) -> Vec<String> {
    let request = ExportLogsServiceRequest::decode(message).unwrap();
    let mut records = Vec::new();
    for resource in &request.resource_logs {
        for scope in &resource.scope_logs {
            records.extend(scope.log_records.iter().map(|record| {
                let schemas = (&resource.schema_url, &scope.schema_url);
                format!(
                    "{:?} {:?} {schemas:?} {record:?}",
                    resource.resource, scope.scope
                )
            }));
        }
    }
    records
}

fn request(resources: usize, records: u64, text: usize) -> ExportLogsServiceRequest {
    let log = |number| LogRecord {
        time_unix_nano: number,
        severity_text: "x".repeat(text),
        ..LogRecord::default()
    };
    let resource = |at: usize| ResourceLogs {
        resource: Some(Resource {
            attributes: vec![requests::kv("at", requests::int(at.try_into().unwrap()))],
            ..Resource::default()
        }),
        schema_url: format!("resource {at}"),
        scope_logs: vec![
            ScopeLogs {
                schema_url: "empty".to_owned(),
                ..ScopeLogs::default()
            },
            ScopeLogs {
                schema_url: format!("scope {at}"),
                log_records: (0..records).map(log).collect(),
                ..ScopeLogs::default()
            },
        ],
    };
    ExportLogsServiceRequest {
        resource_logs: (0..resources).map(resource).collect(),
    }
}

#[test]
fn every_record_is_in_one_part_with_its_resource_and_scope() {
    for (resources, records, text) in [(1, 1, 3), (3, 40, 20), (20, 2, 100), (2, 300, 0)] {
        let message = request(resources, records, text).encode_to_vec();
        for max in [200, 333, 1000, 5000, 1 << 20] {
            let parts = split(Signal::Logs, &message, max, 5).unwrap();
            let mut seen = Vec::new();
            for part in &parts {
                assert_eq!(part.framed[..5], [0; 5]);
                let records = logs(&part.framed[5..]);
                assert_eq!(records.len(), part.records as usize);
                assert!(
                    part.framed.len() <= max + 5,
                    "{} of {max}",
                    part.framed.len()
                );
                seen.extend(records);
            }
            assert_eq!(seen, logs(&message), "{max}");
            assert_eq!(counted(Signal::Logs, &message), seen.len() as u64);
            // As few as there can be, but for what messages' lengths are taken for.
            assert!(
                parts.len() <= message.len() * 3 / max + 1,
                "{} parts",
                parts.len()
            );
        }
    }
}

#[test]
fn a_part_has_no_more_records_than_are_asked_for_however_much_they_share() {
    let message = request(3, 20, 5).encode_to_vec();
    for (bytes, most) in [(1 << 20, 1), (1 << 20, 7), (1 << 20, 25), (10, 7)] {
        let bounds = Bounds {
            bytes,
            records: most,
        };
        let parts = split_within(Signal::Logs, &message, bounds, 0).unwrap();
        assert!(parts.iter().all(|part| part.records <= most), "{most}");
        let seen: Vec<_> = parts.iter().flat_map(|part| logs(&part.framed)).collect();
        assert_eq!(seen, logs(&message), "{most}");
    }
}

#[test]
fn what_fits_is_one_part_with_the_same_content() {
    let (spans, points, records) = (
        every_field::traces().encode_to_vec(),
        every_field::metrics().encode_to_vec(),
        every_field::logs().encode_to_vec(),
    );
    let whole = |signal, message: &[u8]| {
        let parts = split(signal, message, 1 << 20, 0).unwrap();
        assert_eq!(parts.len(), 1);
        parts[0].framed.clone()
    };
    assert_eq!(
        ExportTraceServiceRequest::decode(&*whole(Signal::Traces, &spans)).unwrap(),
        every_field::traces()
    );
    assert_eq!(
        ExportMetricsServiceRequest::decode(&*whole(Signal::Metrics, &points)).unwrap(),
        every_field::metrics()
    );
    assert_eq!(
        ExportLogsServiceRequest::decode(&*whole(Signal::Logs, &records)).unwrap(),
        every_field::logs()
    );
}

#[test]
fn the_points_of_one_metric_are_parted_and_each_part_says_what_they_are() {
    let point = |number| NumberDataPoint {
        time_unix_nano: number,
        ..NumberDataPoint::default()
    };
    let metric = Metric {
        name: "requests".to_owned(),
        unit: "1".to_owned(),
        data: Some(Data::Sum(Sum {
            data_points: (0..100).map(point).collect(),
            aggregation_temporality: 2,
            is_monotonic: true,
        })),
        ..Metric::default()
    };
    let message = ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            scope_metrics: vec![ScopeMetrics {
                metrics: vec![metric],
                ..ScopeMetrics::default()
            }],
            ..ResourceMetrics::default()
        }],
    }
    .encode_to_vec();
    let parts = split(Signal::Metrics, &message, 200, 0).unwrap();
    assert!(parts.len() > 5);
    let mut times = Vec::new();
    for part in &parts {
        let request = ExportMetricsServiceRequest::decode(&*part.framed).unwrap();
        let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
        assert_eq!((&*metric.name, &*metric.unit), ("requests", "1"));
        let Some(Data::Sum(sum)) = &metric.data else {
            panic!("{metric:?}");
        };
        assert_eq!((sum.aggregation_temporality, sum.is_monotonic), (2, true));
        assert_eq!(sum.data_points.len(), part.records as usize);
        times.extend(sum.data_points.iter().map(|point| point.time_unix_nano));
    }
    assert_eq!(times, (0..100).collect::<Vec<_>>());
}

#[test]
fn a_large_resource_is_not_repeated_for_each_of_many_small_records() {
    let mut request = request(1, 10_000, 0);
    request.resource_logs[0].schema_url = "x".repeat(100_000);
    let message = request.encode_to_vec();
    let parts = split(Signal::Logs, &message, 1000, 0).unwrap();
    let bytes: usize = parts.iter().map(|part| part.framed.len()).sum();
    assert!(bytes < message.len() * 3, "{bytes} of {}", message.len());
    let records: Vec<_> = parts.iter().flat_map(|part| logs(&part.framed)).collect();
    assert_eq!(records.len(), 10_000);
}

#[test]
fn bytes_that_are_no_request_are_named() {
    let error = split(Signal::Traces, &[0x0a, 0x05, 0x12], 10, 0).unwrap_err();
    assert!(error.to_string().contains("malformed traces"), "{error}");
}

#[test]
fn records_are_counted_as_the_index_counts_them() {
    for (signal, message) in [
        (Signal::Traces, every_field::traces().encode_to_vec()),
        (Signal::Metrics, every_field::metrics().encode_to_vec()),
        (Signal::Logs, every_field::logs().encode_to_vec()),
    ] {
        let batch = Batch::new(signal, message.clone().into()).unwrap();
        assert!(batch.records() > 0);
        assert_eq!(counted(signal, &message), u64::from(batch.records()));
        // What cannot be read is not counted, and does no harm.
        for cut in 0..message.len() {
            assert!(counted(signal, &message[..cut]) <= u64::from(batch.records()));
        }
    }
}
