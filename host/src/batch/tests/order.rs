//! Fields of records in any order, some of them or all: found wherever they stand to the attributes.

use bytes::Bytes;
use fastrand::Rng;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span,
};
use prost::Message;

use super::{
    super::{Batch, Signal, Transaction, Value, wire::put_len},
    column, edited,
    requests::{int, kv, text},
    traces,
};

fn len(number: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_len(&mut out, number, body);
    out
}

/// Some fields of a span, shuffled. Each comes at most once, but for the attributes.
fn span(random: &mut Rng) -> Vec<u8> {
    let attribute =
        |pair: opentelemetry_proto::tonic::common::v1::KeyValue| len(9, &pair.encode_to_vec());
    let long = "a".repeat(random.usize(100..300));
    let mut fields = vec![
        len(1, &[7; 16]),
        len(2, &[8; 8]),
        len(3, b"ot=rv:00000000000001"),
        len(5, long.as_bytes()),
        vec![6 << 3, 3],
        [vec![7 << 3 | 1], 5_u64.to_le_bytes().to_vec()].concat(),
        [vec![8 << 3 | 1], 9_u64.to_le_bytes().to_vec()].concat(),
        attribute(kv("a", int(1))),
        attribute(kv("b", text(&long))),
        attribute(kv("b", text("second"))),
        attribute(kv("c", text("short"))),
        len(15, &[3 << 3, 2]),
        vec![0x85, 0x01, 1, 2, 0, 0],
        // Fields that nobody knows: numbers 31, 40 and 16,000.
        vec![0xf8, 0x01, 1],
        len(40, b"unknown"),
        len(16_000, b"unknown"),
    ];
    fields.retain(|_| random.u8(..4) > 0);
    random.shuffle(&mut fields);
    fields.concat()
}

fn batch(random: &mut Rng) -> (Batch, ExportTraceServiceRequest) {
    let spans: Vec<u8> = (0..5).flat_map(|_| len(2, &span(random))).collect();
    let sent = len(1, &len(2, &spans));
    let decoded = ExportTraceServiceRequest::decode(&sent[..]).expect("a valid request");
    let batch = Batch::new(Signal::Traces, Bytes::from(sent)).expect("a valid request");
    (batch, decoded)
}

fn spans(request: &mut ExportTraceServiceRequest) -> &mut Vec<Span> {
    &mut request.resource_spans[0].scope_spans[0].spans
}

/// Reads every kind of column, and compares each row with the decoded one.
fn check(work: &mut Transaction, spans: &[Span]) {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let want: Vec<_> = spans.iter().map(|span| some(&span.trace_state)).collect();
    assert_eq!(work.texts(&column("span.trace_state")).unwrap(), want);
    let want: Vec<_> = spans.iter().map(|span| some(&span.name)).collect();
    assert_eq!(work.texts(&column("span.name")).unwrap(), want);
    let want: Vec<_> = spans.iter().map(|span| i64::from(span.flags)).collect();
    assert_eq!(work.integers(&column("span.flags")).unwrap().items, want);
    let want: Vec<_> = spans.iter().map(|span| i64::from(span.kind)).collect();
    assert_eq!(work.integers(&column("span.kind")).unwrap().items, want);
    let code = |span: &Span| {
        span.status
            .as_ref()
            .map_or(0, |status| i64::from(status.code))
    };
    let want: Vec<_> = spans.iter().map(code).collect();
    let codes = work.integers(&column("span.status.code")).unwrap();
    assert_eq!(codes.items, want);
    let took = |span: &Span| match (span.start_time_unix_nano, span.end_time_unix_nano) {
        (5, 9) => 4,
        _ => 0,
    };
    let want: Vec<_> = spans.iter().map(took).collect();
    let durations = work.integers(&column("span.duration")).unwrap();
    assert_eq!(durations.items, want);
    let id = |span: &Span| {
        if span.trace_id.is_empty() {
            [0; 16]
        } else {
            [7; 16]
        }
    };
    let want: Vec<_> = spans.iter().flat_map(id).collect();
    assert_eq!(work.ids(&column("span.trace_id")).unwrap(), want);
    for key in ["a", "b", "c", "d"] {
        let path = format!("span.attributes[{key:?}]");
        for (row, span) in (0..).zip(spans) {
            let found = span.attributes.iter().find(|pair| pair.key == key);
            let got = work.get(&column(&path), row).unwrap();
            assert_eq!(got.is_some(), found.is_some(), "{key} of {span:?}");
            if key == "b"
                && let Some(found) = found
            {
                let want = found.value.clone().expect("it has one");
                assert_eq!(got.map(|got| Some(text_of(&got))), Some(Some(want)));
            }
        }
    }
}

fn text_of(value: &Value) -> opentelemetry_proto::tonic::common::v1::AnyValue {
    match value {
        Value::Text(value) => text(value),
        other => panic!("{other:?} is no text"),
    }
}

#[test]
fn columns_are_read_wherever_their_fields_stand() {
    let mut random = Rng::with_seed(11);
    for _ in 0..300 {
        let (batch, mut want) = batch(&mut random);
        edited(batch, |work| check(work, spans(&mut want)));
    }
}

/// First when nothing is known of the records, then when everything is, and when there are edits besides.
#[test]
fn columns_are_written_wherever_their_fields_stand() {
    let mut random = Rng::with_seed(12);
    for round in 0..300 {
        let (batch, mut want) = batch(&mut random);
        let back = edited(batch, |work| {
            if round % 2 == 0 {
                check(work, spans(&mut want));
            }
            let state = Value::Text("ot=th:8".into());
            work.fill(&column("span.trace_state"), Some(&[0, 3]), &state)
                .unwrap();
            for row in [0, 3] {
                "ot=th:8".clone_into(&mut spans(&mut want)[row].trace_state);
            }
            check(work, spans(&mut want));
            work.fill(&column("span.flags"), None, &Value::Integer(1))
                .unwrap();
            work.fill(
                &column("span.attributes[\"b\"]"),
                None,
                &Value::Text("new".into()),
            )
            .unwrap();
            for span in spans(&mut want) {
                span.flags = 1;
                let first = span.attributes.iter().position(|pair| pair.key == "b");
                let first = first.unwrap_or_else(|| {
                    span.attributes.push(kv("b", text("new")));
                    span.attributes.len() - 1
                });
                span.attributes[first] = kv("b", text("new"));
                let mut at = 0..;
                span.attributes
                    .retain(|pair| at.next() == Some(first) || pair.key != "b");
            }
            check(work, spans(&mut want));
        });
        assert_eq!(traces(&back), want);
    }
}
