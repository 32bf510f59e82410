//! What is taken is what opentelemetry-proto decodes, and no less, but for what backends refuse beyond that.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otlet_tests::every_field;
use otlet_tests::sender::spans;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};

use super::*;

fn requests() -> [(Signal, Vec<u8>); 3] {
    [
        (Signal::Traces, every_field::traces().encode_to_vec()),
        (Signal::Metrics, every_field::metrics().encode_to_vec()),
        (Signal::Logs, every_field::logs().encode_to_vec()),
    ]
}

fn is_decoded(signal: Signal, message: &[u8]) -> bool {
    match signal {
        Signal::Traces => ExportTraceServiceRequest::decode(message).is_ok(),
        Signal::Metrics => ExportMetricsServiceRequest::decode(message).is_ok(),
        Signal::Logs => ExportLogsServiceRequest::decode(message).is_ok(),
    }
}

fn said(signal: Signal, message: &[u8]) -> String {
    check(signal, message).unwrap_err().to_string()
}

fn field(number: u32, body: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    encode_key(number, WireType::LengthDelimited, &mut out);
    encode_varint(body.len() as u64, &mut out);
    out.extend_from_slice(body);
    out
}

/// A request of one span of these fields.
fn span(fields: &[u8]) -> Vec<u8> {
    field(1, &field(2, &field(2, fields)))
}

/// A request of a span with one attribute, `key` and the fields of its value.
fn attribute(value: &[u8]) -> Vec<u8> {
    let pair = [field(1, b"key"), field(2, value)].concat();
    span(&field(9, &pair))
}

#[test]
fn every_field_of_every_signal_is_known_and_taken() {
    for (signal, message) in requests() {
        check(signal, &message).unwrap();
    }
    check(Signal::Traces, &spans(0..100).encode_to_vec()).unwrap();
    check(Signal::Traces, &[]).unwrap();
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_never_its_value() {
    let cases: [(Vec<u8>, &str); 12] = [
        (
            span(&field(5, b"caf\xe9")),
            "text that is not UTF-8 at byte 8, in `name`",
        ),
        (
            span(&field(3, b"\xff")),
            "text that is not UTF-8 at byte 8, in `traceState`",
        ),
        (
            span(&field(15, &field(2, b"\xc3"))),
            "text that is not UTF-8 at byte 10, in `message`",
        ),
        (
            span(&field(11, &field(2, b"\x80"))),
            "text that is not UTF-8 at byte 10, in `name`",
        ),
        (
            attribute(&field(1, b"\xff")),
            "text that is not UTF-8 at byte 17, in `stringValue`",
        ),
        (
            span(&field(9, &field(1, b"\xff"))),
            "text that is not UTF-8 at byte 10, in `key`",
        ),
        (
            field(1, &field(3, b"\xff")),
            "text that is not UTF-8 at byte 4, in `schemaUrl`",
        ),
        // A length beyond the attribute's end, and a varint that does not end.
        (
            span(&field(9, b"\x0a\x05ab")),
            "a length beyond the end of its message at byte 10, in `attributes`",
        ),
        (
            attribute(b"\x18\xff"),
            "a varint without an end at byte 16, in `value`",
        ),
        // A name that is a number, and an id that is no id.
        (
            span(b"\x28\x01"),
            "a field of another wire type than its own at byte 6, in `name`",
        ),
        (
            span(&field(1, b"short")),
            "an id of another length at byte 8, in `traceId`",
        ),
        (
            span(b"\x0b\x0c"),
            "a group, which OTLP has none of at byte 6, in `spans`",
        ),
    ];
    for (message, expected) in cases {
        let said = said(Signal::Traces, &message);
        assert_eq!(said, format!("malformed traces: {expected}"));
    }
    let packed = field(
        1,
        &field(2, &field(2, &field(9, &field(1, &field(6, b"1234567"))))),
    );
    assert!(
        said(Signal::Metrics, &packed).contains("half a number"),
        "{packed:?}"
    );
}

#[test]
fn what_opentelemetry_proto_takes_beside_the_usual_is_taken() {
    let bytes = attribute(&field(7, b"\xff\x00"));
    let unknown = span(&[field(100, b"\xff"), b"\xf8\x06\x01".to_vec()].concat());
    let odd = [
        field(2, &field(1, b"v")),
        field(1, b"k"),
        field(1, b"again"),
    ]
    .concat();
    for message in [bytes, unknown, span(&field(9, &odd)), span(&field(1, b""))] {
        assert!(is_decoded(Signal::Traces, &message));
        check(Signal::Traces, &message).unwrap();
    }
}

#[test]
fn messages_are_within_each_other_as_deep_as_parsers_go() {
    let nested = |levels: usize| {
        let value = (0..levels).fold(field(1, b"x"), |value, _| field(5, &field(1, &value)));
        attribute(&value)
    };
    let taken = |levels| check(Signal::Traces, &nested(levels)).is_ok();
    for levels in 0..60 {
        assert_eq!(
            taken(levels),
            is_decoded(Signal::Traces, &nested(levels)),
            "{levels}"
        );
    }
    assert!(taken(40) && !taken(60));
    assert!(said(Signal::Traces, &nested(60)).contains("nested too deeply"));
}

#[test]
fn whatever_is_done_to_a_request_it_is_taken_if_it_is_decoded_and_only_then() {
    let mut random = fastrand::Rng::with_seed(20);
    let (mut good, mut bad) = (0, 0);
    for (signal, message) in requests() {
        for _ in 0..20_000 {
            let mut changed = message.clone();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..changed.len());
                match random.u8(..4) {
                    0 => drop(changed.remove(at)),
                    1 => changed.insert(at, random.u8(..)),
                    2 => changed[at] ^= 1 << random.u8(..8),
                    _ => changed[at] = random.u8(..),
                }
            }
            let decoded = is_decoded(signal, &changed);
            match check(signal, &changed) {
                Ok(()) => {
                    assert!(decoded, "{changed:?}");
                    good += 1;
                }
                Err(error) => {
                    let said = error.to_string();
                    let beyond = said.contains("a group") || said.contains("an id of another");
                    assert!(!decoded || beyond, "{said}: {changed:?}");
                    bad += 1;
                }
            }
        }
    }
    assert!(good > 1000 && bad > 1000, "{good} {bad}");
}
