//! Spans that a test makes, and the metrics that come of them.

mod bounds;
mod handing_on;

use std::collections::BTreeMap;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::{
    HistogramDataPoint, metric::Data, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

use super::*;
use crate::payload::PREFIX;

const START: u64 = 1_700_000_000_000_000_000;

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Value::StringValue(value.to_owned()))
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// A span of so many milliseconds.
fn span(name: &str, milliseconds: u64) -> Span {
    Span {
        trace_id: vec![7; 16],
        span_id: vec![8; 8],
        name: name.to_owned(),
        kind: 2,
        start_time_unix_nano: START,
        end_time_unix_nano: START + milliseconds * 1_000_000,
        ..Span::default()
    }
}

fn request(resource: Vec<KeyValue>, spans: Vec<Span>) -> Vec<u8> {
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: resource,
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    request.encode_to_vec()
}

fn of_shop(spans: Vec<Span>) -> Vec<u8> {
    request(vec![text("service.name", "shop")], spans)
}

/// Two buckets and what is above, and nothing of this process.
fn config() -> Config {
    Config {
        histogram: Some(Histogram {
            unit: Unit::Milliseconds,
            buckets: [10, 100].map(Duration::from_millis).into(),
        }),
        exclude_dimensions: vec!["collector.instance.id".to_owned()],
        ..Config::named("spanmetrics")
    }
}

/// A data point of each metric.
#[derive(Clone, Debug, Default, PartialEq)]
struct Shown {
    calls: i64,
    duration: Option<HistogramDataPoint>,
    times: (u64, u64),
}

/// What series come to, by their attributes.
type All = BTreeMap<String, Shown>;

fn words(attributes: &[KeyValue]) -> String {
    let word = |pair: &KeyValue| {
        let value = match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
            Some(Value::StringValue(text)) => text.clone(),
            other => format!("{other:?}"),
        };
        format!("{}={value}", pair.key)
    };
    let mut words: Vec<_> = attributes.iter().map(word).collect();
    words.sort();
    words.join(" ")
}

fn read(framed: &[u8], all: &mut All) -> ExportMetricsServiceRequest {
    let request = ExportMetricsServiceRequest::decode(&framed[PREFIX..]).unwrap();
    for resource in &request.resource_metrics {
        for metric in resource
            .scope_metrics
            .iter()
            .flat_map(|scope| &scope.metrics)
        {
            match metric.data.as_ref().unwrap() {
                Data::Sum(sum) => {
                    assert!(sum.is_monotonic && metric.name.ends_with("calls"));
                    for point in &sum.data_points {
                        let Some(number_data_point::Value::AsInt(calls)) = point.value else {
                            panic!("{point:?}");
                        };
                        let shown = all.entry(words(&point.attributes)).or_default();
                        shown.calls = calls;
                        shown.times = (point.start_time_unix_nano, point.time_unix_nano);
                    }
                }
                Data::Histogram(histogram) => {
                    for point in &histogram.data_points {
                        let shown = all.entry(words(&point.attributes)).or_default();
                        shown.duration = Some(point.clone());
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }
    request
}

/// All lots of what series come to.
fn shown(series: &Series, last: bool) -> All {
    let (mut all, mut cursor) = (All::new(), Cursor::default());
    while let Some((lot, now)) = series.lot(cursor, last) {
        read(&lot.framed, &mut all);
        series.taken(&lot, now);
        cursor = lot.until;
    }
    all
}

fn calls(all: &All) -> Vec<(&str, i64)> {
    let calls = all
        .iter()
        .map(|(words, shown)| (words.as_str(), shown.calls));
    calls.collect()
}

#[test]
fn calls_and_durations_are_counted_by_hand() {
    let series = Series::new(&config());
    let mut failed = span("get", 200);
    failed.status = Some(Status {
        code: 2,
        ..Status::default()
    });
    let mut odd = span("put", 5);
    (odd.kind, odd.end_time_unix_nano) = (99, START - 1);
    series.count(&of_shop(vec![span("get", 5), span("get", 10), failed]));
    series.count(&of_shop(vec![span("get", 11), odd]));
    let all = shown(&series, true);
    let get =
        "service.name=shop span.kind=SPAN_KIND_SERVER span.name=get status.code=STATUS_CODE_UNSET";
    let error =
        "service.name=shop span.kind=SPAN_KIND_SERVER span.name=get status.code=STATUS_CODE_ERROR";
    let put = "service.name=shop span.kind= span.name=put status.code=STATUS_CODE_UNSET";
    assert_eq!(calls(&all), [(put, 1), (error, 1), (get, 3)]);
    let duration = all[get].duration.as_ref().unwrap();
    assert_eq!((duration.count, duration.sum), (3, Some(26.0)));
    assert_eq!(duration.explicit_bounds, [10.0, 100.0]);
    assert_eq!(duration.bucket_counts, [2, 1, 0]);
    assert_eq!(
        all[error].duration.as_ref().unwrap().bucket_counts,
        [0, 0, 1]
    );
    let none = all[put].duration.as_ref().unwrap();
    assert_eq!(
        (none.sum, none.bucket_counts.as_slice()),
        (Some(0.0), [1, 0, 0].as_slice())
    );
    assert_eq!(series.counters.items.get(), 5);
}

#[test]
fn metrics_have_the_names_the_unit_and_the_resource_that_a_collector_gives_them() {
    let series = Series::new(&Config {
        namespace: "red".to_owned(),
        histogram: Some(Histogram {
            unit: Unit::Seconds,
            buckets: vec![Duration::from_micros(100)],
        }),
        ..config()
    });
    let resource = vec![text("host.name", "a"), text("service.name", "shop")];
    series.count(&request(resource.clone(), vec![span("get", 1500)]));
    let (lot, _) = series.lot(Cursor::default(), true).unwrap();
    let request = read(&lot.framed, &mut All::new());
    let of_resource = &request.resource_metrics[0];
    assert_eq!(of_resource.resource.as_ref().unwrap().attributes, resource);
    let scope = &of_resource.scope_metrics[0];
    assert_eq!(scope.scope.as_ref().unwrap().name, "spanmetricsconnector");
    let names: Vec<_> = scope
        .metrics
        .iter()
        .map(|one| (&*one.name, &*one.unit))
        .collect();
    assert_eq!(names, [("red.calls", ""), ("red.duration", "s")]);
    let Some(Data::Histogram(histogram)) = &scope.metrics[1].data else {
        panic!("{request:?}");
    };
    assert_eq!(histogram.aggregation_temporality, 2);
    assert_eq!(histogram.data_points[0].sum, Some(1.5));
    assert_eq!(histogram.data_points[0].explicit_bounds, [0.0001]);

    let bare = Series::new(&Config {
        namespace: String::new(),
        histogram: None,
        ..config()
    });
    bare.count(&of_shop(vec![span("get", 1)]));
    let (lot, _) = bare.lot(Cursor::default(), true).unwrap();
    let request = read(&lot.framed, &mut All::new());
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    assert_eq!(metrics.len(), 1);
    assert_eq!(metrics[0].name, "calls");
}

#[test]
fn a_dimension_is_of_the_span_or_else_of_the_resource_or_the_default_or_is_not_there() {
    let dimension = |name: &str, default: Option<&str>| Dimension {
        name: name.to_owned(),
        default: default.map(str::to_owned),
    };
    let series = Series::new(&Config {
        dimensions: vec![
            dimension("route", Some("none")),
            dimension("region", None),
            dimension("code", None),
        ],
        exclude_dimensions: DIMENSIONS.map(str::to_owned).into(),
        ..config()
    });
    let with = |attributes: Vec<KeyValue>| Span {
        attributes,
        ..span("get", 1)
    };
    let resource = vec![text("service.name", "shop"), text("region", "eu")];
    series.count(&request(
        resource,
        vec![
            with(vec![
                text("route", "/a"),
                pair("code", Value::IntValue(200)),
            ]),
            with(vec![
                text("region", "us"),
                text("route", "/a"),
                text("route", "/b"),
            ]),
            with(vec![]),
        ],
    ));
    series.count(&of_shop(vec![with(vec![])]));
    assert_eq!(
        calls(&shown(&series, true)),
        [
            ("code=Some(IntValue(200)) region=eu route=/a", 1),
            ("region=eu route=none", 1),
            ("region=us route=/a", 1),
            ("route=none", 1),
        ]
    );
}

#[test]
fn resources_are_told_apart_by_all_attributes_or_by_those_that_are_named() {
    let pod = |name: &str| {
        let attributes = vec![text("pod", name), text("service.name", "shop")];
        request(attributes, vec![span("get", 1)])
    };
    let turned = request(
        vec![text("service.name", "shop"), text("pod", "a")],
        vec![span("get", 1)],
    );
    let resources = |keys: &[&str]| {
        let series = Series::new(&Config {
            resource_metrics_key_attributes: keys.iter().map(ToString::to_string).collect(),
            ..config()
        });
        for message in [&pod("a"), &pod("b"), &turned, &pod("a")] {
            series.count(message);
        }
        let (lot, _) = series.lot(Cursor::default(), true).unwrap();
        let request = read(&lot.framed, &mut All::new());
        let resources = request.resource_metrics.iter().map(|one| {
            let Some(Data::Sum(sum)) = &one.scope_metrics[0].metrics[0].data else {
                panic!("{one:?}");
            };
            sum.data_points[0].value
        });
        resources.collect::<Vec<_>>()
    };
    let calls = |calls| Some(number_data_point::Value::AsInt(calls));
    assert_eq!(resources(&[]), [calls(3), calls(1)]);
    assert_eq!(resources(&["service.name"]), [calls(4)]);
}

#[test]
fn what_a_sampler_left_out_is_counted_by_what_it_left() {
    let series = Series::new(&config());
    let mut sampled = span("get", 20);
    sampled.trace_state = "ot=th:c".to_owned();
    series.count(&of_shop(vec![sampled, span("get", 1)]));
    let all = shown(&series, true);
    let shown = all.values().next().unwrap();
    let duration = shown.duration.as_ref().unwrap();
    assert_eq!(
        (shown.calls, duration.count, duration.sum),
        (5, 5, Some(81.0))
    );
    assert_eq!(duration.bucket_counts, [1, 4, 0]);
}

#[test]
fn spans_are_given_as_examples_until_they_are_handed_on() {
    let series = Series::new(&Config {
        exemplars: 2,
        ..config()
    });
    let mut anonymous = span("get", 9);
    anonymous.trace_id = vec![];
    series.count(&of_shop(vec![
        anonymous,
        span("get", 1),
        span("get", 2),
        span("get", 3),
    ]));
    series.count(&of_shop(vec![span("put", 4)]));
    let all = shown(&series, true);
    let examples = |all: &All, name: &str| {
        let (_, shown) = all.iter().find(|(words, _)| words.contains(name)).unwrap();
        let exemplars = &shown.duration.as_ref().unwrap().exemplars;
        assert!(
            exemplars
                .iter()
                .all(|one| one.trace_id == [7; 16] && one.span_id == [8; 8])
        );
        exemplars.iter().map(|one| one.value).collect::<Vec<_>>()
    };
    let value =
        |value| Some(opentelemetry_proto::tonic::metrics::v1::exemplar::Value::AsDouble(value));
    assert_eq!(examples(&all, "get"), [value(1.0), value(2.0)]);
    assert_eq!(examples(&all, "put"), [value(4.0)]);
    assert_eq!(examples(&shown(&series, true), "get"), []);
}
