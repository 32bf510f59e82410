use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{self as common, AnyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
use opentelemetry_proto::tonic::trace::v1::Span;
use otlet_tests::every_field;
use prost::Message as _;

use super::*;

const LIMIT: usize = 1 << 20;

fn convert<M: prost::Message + Default>(signal: Signal, json: &str) -> M {
    let framed = to_protobuf(signal, json.as_bytes(), LIMIT).unwrap();
    assert_eq!(
        framed[..PREFIX],
        payload::prefix(false, framed.len() - PREFIX)
    );
    M::decode(&framed[PREFIX..]).unwrap()
}

fn refused(signal: Signal, json: &str) -> String {
    match to_protobuf(signal, json.as_bytes(), LIMIT) {
        Err(Refusal::Invalid(message)) => message,
        other => panic!("{json}: {other:?}"),
    }
}

/// The only span of a request with this in it.
fn span(fields: &str) -> Span {
    let json = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{fields}}}]}}]}}]}}"#);
    let request: ExportTraceServiceRequest = convert(Signal::Traces, &json);
    request.resource_spans[0].scope_spans[0].spans[0].clone()
}

fn log_json(fields: &str) -> String {
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{{fields}}}]}}]}}]}}"#)
}

/// The only log record of a request with this in it.
fn log(fields: &str) -> LogRecord {
    let request: ExportLogsServiceRequest = convert(Signal::Logs, &log_json(fields));
    request.resource_logs[0].scope_logs[0].log_records[0].clone()
}

/// The body of a log record, written so.
fn value(json: &str) -> Option<any_value::Value> {
    log(&format!(r#""body":{json}"#))
        .body
        .and_then(|body| body.value)
}

#[test]
fn what_a_real_sdk_sent_is_what_its_protobuf_says() {
    macro_rules! check {
        ($signal:expr, $request:ty, $name:literal) => {
            let json = include_str!(concat!(
                "../../../../tests/fixtures/corpus/",
                $name,
                ".json"
            ));
            let pb = include_bytes!(concat!("../../../../tests/fixtures/corpus/", $name, ".pb"));
            let expected = <$request>::decode(&pb[..]).unwrap();
            assert_eq!(convert::<$request>($signal, json), expected, $name);
        };
    }
    check!(Signal::Traces, ExportTraceServiceRequest, "traces-0066");
    check!(Signal::Metrics, ExportMetricsServiceRequest, "metrics-0029");
    check!(Signal::Logs, ExportLogsServiceRequest, "logs-0207");
}

#[test]
fn every_field_of_every_message_arrives() {
    // opentelemetry-proto writes JSON as the specification says, and its structs are written out in full: a field that it
    // gains does not compile until it is set there.
    let traces = every_field::traces();
    let json = serde_json::to_string(&traces).unwrap();
    assert_eq!(
        convert::<ExportTraceServiceRequest>(Signal::Traces, &json),
        traces
    );
    let metrics = every_field::metrics();
    let json = serde_json::to_string(&metrics).unwrap();
    assert_eq!(
        convert::<ExportMetricsServiceRequest>(Signal::Metrics, &json),
        metrics
    );
    let logs = every_field::logs();
    let json = serde_json::to_string(&logs).unwrap();
    assert_eq!(
        convert::<ExportLogsServiceRequest>(Signal::Logs, &json),
        logs
    );
}

#[test]
fn ids_are_hexadecimal_in_either_case_or_empty() {
    let span =
        span(r#""traceId":"5B8EFFF798038103d269b633813fc60c","spanId":"","parentSpanId":null"#);
    assert_eq!(
        span.trace_id,
        0x5b8e_fff7_9803_8103_d269_b633_813f_c60c_u128.to_be_bytes()
    );
    assert_eq!((span.span_id, span.parent_span_id), (vec![], vec![]));
    for id in [
        "5B8E",
        "xyz",
        "5B8EFFF798038103D269B633813FC60",
        "W47/95gDgQPSabYzgT/GDA==",
    ] {
        let message = refused(Signal::Logs, &log_json(&format!(r#""traceId":"{id}""#)));
        assert!(message.contains("`traceId`"), "{message}");
        assert!(!message.contains(id), "a value in {message}");
    }
}

#[test]
fn integers_come_as_numbers_or_strings() {
    for json in ["1544712660300000000", "\"1544712660300000000\""] {
        let span = span(&format!(r#""startTimeUnixNano":{json}"#));
        assert_eq!(span.start_time_unix_nano, 1_544_712_660_300_000_000);
    }
    let most = span(
        r#""endTimeUnixNano":18446744073709551615,"droppedEventsCount":"4294967295","flags":"257""#,
    );
    assert_eq!(most.end_time_unix_nano, u64::MAX);
    assert_eq!((most.dropped_events_count, most.flags), (u32::MAX, 257));
    let int = |json: &str| value(&format!(r#"{{"intValue":{json}}}"#));
    for (json, expected) in [
        ("\"-9223372036854775808\"", i64::MIN),
        ("-9223372036854775808", i64::MIN),
        ("9223372036854775807", i64::MAX),
        ("0", 0),
        ("1.0", 1),
        ("-2e3", -2000),
    ] {
        assert_eq!(
            int(json),
            Some(any_value::Value::IntValue(expected)),
            "{json}"
        );
    }
    for json in [
        "1.5",
        "\"\"",
        "\"x\"",
        "9223372036854775808",
        "true",
        "1e300",
        "[1]",
        "{}",
    ] {
        let message = refused(
            Signal::Logs,
            &log_json(&format!(r#""body":{{"intValue":{json}}}"#)),
        );
        assert!(message.contains("`intValue`"), "{message}");
    }
    refused(Signal::Logs, &log_json(r#""timeUnixNano":-1"#));
    refused(Signal::Logs, &log_json(r#""flags":4294967296"#));
}

#[test]
fn doubles_are_exact_and_may_be_no_numbers() {
    let double = |json: &str| match value(&format!(r#"{{"doubleValue":{json}}}"#)) {
        Some(any_value::Value::DoubleValue(value)) => value,
        other => panic!("{json}: {other:?}"),
    };
    // The last needs a parser that rounds correctly.
    for (json, expected) in [
        ("0.1", 0.1_f64),
        ("-0.0", -0.0),
        ("3", 3.0),
        ("\"2.5\"", 2.5),
        ("\"Infinity\"", f64::INFINITY),
        ("\"-Infinity\"", f64::NEG_INFINITY),
        ("5e-324", 5e-324),
        ("51.24817837550540", 51.248_178_375_505_4),
        ("9007199254740993.5", 9_007_199_254_740_994.0),
    ] {
        assert_eq!(double(json).to_bits(), expected.to_bits(), "{json}");
    }
    assert!(double("\"NaN\"").is_nan());
    for json in ["\"nan\"", "\"inf\"", "\"1e999\"", "\"\"", "false"] {
        refused(
            Signal::Logs,
            &log_json(&format!(r#""body":{{"doubleValue":{json}}}"#)),
        );
    }
}

#[test]
fn enums_are_numbers_known_or_not_or_names() {
    assert_eq!(span(r#""kind":3"#).kind, 3);
    assert_eq!(span(r#""kind":"SPAN_KIND_CONSUMER""#).kind, 5);
    assert_eq!(span(r#""kind":99"#).kind, 99);
    assert_eq!(
        log(r#""severityNumber":"SEVERITY_NUMBER_FATAL4""#).severity_number,
        24
    );
    assert_eq!(
        span(r#""status":{"code":"STATUS_CODE_ERROR"}"#)
            .status
            .unwrap()
            .code,
        2
    );
    refused(Signal::Logs, &log_json(r#""severityNumber":"LOUD""#));
}

#[test]
fn a_value_may_be_of_every_type_and_empty() {
    use any_value::Value::{ArrayValue, BoolValue, BytesValue, IntValue, KvlistValue, StringValue};
    assert_eq!(
        value(r#"{"stringValue":""}"#),
        Some(StringValue(String::new()))
    );
    assert_eq!(value(r#"{"boolValue":false}"#), Some(BoolValue(false)));
    assert_eq!(value(r#"{"intValue":"0"}"#), Some(IntValue(0)));
    assert_eq!(
        value(r#"{"bytesValue":"/+8="}"#),
        Some(BytesValue(vec![0xff, 0xef]))
    );
    assert_eq!(
        value(r#"{"bytesValue":"_-8"}"#),
        Some(BytesValue(vec![0xff, 0xef]))
    );
    assert_eq!(
        value(r#"{"arrayValue":{}}"#),
        Some(ArrayValue(common::ArrayValue::default()))
    );
    assert_eq!(
        value(r#"{"kvlistValue":{"values":[]}}"#),
        Some(KvlistValue(common::KeyValueList::default()))
    );
    let Some(ArrayValue(array)) =
        value(r#"{"arrayValue":{"values":[{"stringValue":"a"},{},null]}}"#)
    else {
        panic!("no array")
    };
    let text = AnyValue {
        value: Some(StringValue("a".into())),
    };
    assert_eq!(
        array.values,
        [text, AnyValue::default(), AnyValue::default()]
    );
    // Empty is a value; null is none.
    assert_eq!(log(r#""body":{}"#).body, Some(AnyValue::default()));
    assert_eq!(log(r#""body":null"#).body, None);
    refused(Signal::Logs, &log_json(r#""body":{"bytesValue":"*"}"#));
    refused(Signal::Logs, &log_json(r#""body":"text""#));
}

#[test]
fn fields_may_be_missing_null_or_unknown() {
    for json in [
        "{}",
        r#"{"resourceSpans":[]}"#,
        r#"{"resourceSpans":null}"#,
        r#"{"unknown":{"a":[1,{"b":null}]},"resource_spans":[1]}"#,
    ] {
        let request: ExportTraceServiceRequest = convert(Signal::Traces, json);
        assert_eq!(request, ExportTraceServiceRequest::default(), "{json}");
    }
    let record = log(
        r#""timeUnixNano":null,"severityText":null,"attributes":[{"key":"a"},{"value":{"x":1,"boolValue":true}}],"new":1"#,
    );
    assert_eq!(record.attributes.len(), 2);
    assert_eq!(
        (
            record.attributes[0].key.as_str(),
            &record.attributes[0].value
        ),
        ("a", &None)
    );
    let value = record.attributes[1].value.clone().unwrap().value;
    assert_eq!(value, Some(any_value::Value::BoolValue(true)));
}

#[test]
fn a_zero_that_was_sent_is_there() {
    let json = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
        {"sum":{"dataPoints":[{"asInt":"0"},{"asDouble":0},{}]}},
        {"histogram":{"dataPoints":[{"sum":0,"min":0,"bucketCounts":["1",2],"explicitBounds":[0,"Infinity"]}]}},
        {"exponentialHistogram":{"dataPoints":[{"scale":-3,"positive":{"offset":"-1","bucketCounts":["3"]}}]}}
    ]}]}]}"#;
    let request: ExportMetricsServiceRequest = convert(Signal::Metrics, json);
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    let Some(metric::Data::Sum(sum)) = &metrics[0].data else {
        panic!("no sum")
    };
    let values: Vec<_> = sum.data_points.iter().map(|point| point.value).collect();
    assert_eq!(
        values,
        [
            Some(number_data_point::Value::AsInt(0)),
            Some(number_data_point::Value::AsDouble(0.0)),
            None
        ]
    );
    let Some(metric::Data::Histogram(histogram)) = &metrics[1].data else {
        panic!("no histogram")
    };
    let point = &histogram.data_points[0];
    assert_eq!(
        (point.sum, point.min, point.max),
        (Some(0.0), Some(0.0), None)
    );
    assert_eq!(point.bucket_counts, [1, 2]);
    assert_eq!(point.explicit_bounds, [0.0, f64::INFINITY]);
    let Some(metric::Data::ExponentialHistogram(histogram)) = &metrics[2].data else {
        panic!("no exponential histogram")
    };
    let point = &histogram.data_points[0];
    assert_eq!(point.scale, -3);
    let positive = point.positive.as_ref().unwrap();
    assert_eq!(
        (positive.offset, &positive.bucket_counts[..]),
        (-1, &[3][..])
    );
}

#[test]
fn text_keeps_every_character_and_half_a_surrogate_pair_is_replaced() {
    assert_eq!(
        span(r#""name":"\u00e9\ud83d\ude00\n\"\\""#).name,
        "\u{e9}\u{1f600}\n\"\\"
    );
    let cut = span(r#""name":"a\ud83d""#).name;
    assert!(cut.starts_with("a\u{fffd}"), "{cut:?}");
    assert!(cut.chars().skip(1).all(|c| c == '\u{fffd}'), "{cut:?}");
}

#[test]
fn what_is_no_request_is_refused_with_its_place() {
    for json in [
        "",
        "null",
        "[]",
        "1",
        "\"a\"",
        "{",
        "{}x",
        r#"{"resourceLogs":{}}"#,
        "\u{feff}{}",
    ] {
        refused(Signal::Logs, json);
    }
    assert!(refused(Signal::Logs, "[]").contains("a request is an object"));
    let message = refused(Signal::Logs, "{\n  \"resourceLogs\": [{\"scopeLogs\": 1}]}");
    assert!(
        message.contains("`scopeLogs`") && message.contains("line 2"),
        "{message}"
    );
    let message = refused(Signal::Logs, &log_json(r#""severityText":{"secret":1}"#));
    assert!(message.contains("`severityText`"), "{message}");
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| {
        let open = r#"{"arrayValue":{"values":["#.repeat(depth);
        let close = "]}}".repeat(depth);
        log_json(&format!(r#""body":{open}{close}"#))
    };
    let request: ExportLogsServiceRequest = convert(Signal::Logs, &nested(35));
    assert_eq!(request.resource_logs.len(), 1);
    assert!(refused(Signal::Logs, &nested(100)).contains("128"));
    refused(Signal::Logs, &nested(100_000));
    // Unknown fields are skipped, however deep.
    let skipped = format!(r#"{{"x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let _: ExportLogsServiceRequest = convert(Signal::Logs, &skipped);
}

#[test]
fn a_request_that_grows_beyond_the_bound_is_refused() {
    let bounds = vec!["1"; 2000].join(",");
    let json = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"histogram":{{"dataPoints":[{{"explicitBounds":[{bounds}]}}]}}}}]}}]}}]}}"#
    );
    assert!(to_protobuf(Signal::Metrics, json.as_bytes(), 16_100).is_ok());
    let refusal = to_protobuf(Signal::Metrics, json.as_bytes(), 10_000).unwrap_err();
    assert!(matches!(refusal, Refusal::TooLarge(_)), "{refusal:?}");
}
