//! What protobuf allows and no encoder does: messages in pieces, any order, fields that nobody knows.

use bytes::Bytes;
use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{KeyValue, any_value::Value as Any},
    trace::v1::Status,
};
use prost::Message;

use super::{
    super::{Batch, PackedTexts, Signal, Value, wire::put_len},
    BUDGET, column, edited, metrics,
    requests::{boolean, double, int, kv, map, text},
    traces,
};

fn len(number: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_len(&mut out, number, body);
    out
}

fn request(signal: Signal, bytes: Vec<u8>) -> Batch {
    Batch::new(signal, Bytes::from(bytes)).expect("a valid request")
}

/// A request of one span, whose message is given.
fn of_span(span: &[u8]) -> Vec<u8> {
    len(1, &len(2, &len(2, span)))
}

#[test]
fn a_resource_in_two_pieces_is_one() {
    let piece = |attribute: KeyValue| len(1, &len(1, &attribute.encode_to_vec()));
    let scope = len(
        2,
        &[
            len(1, &len(1, b"one")),
            len(2, &len(5, b"span")),
            len(1, &len(2, b"v")),
        ]
        .concat(),
    );
    let sent = len(
        1,
        &[piece(kv("a", int(1))), scope, piece(kv("b", int(2)))].concat(),
    );
    let whole = ExportTraceServiceRequest::decode(&sent[..]).unwrap();
    let batch = request(Signal::Traces, sent.clone());
    assert!(batch.is_untouched());
    assert_eq!(batch.splice(0), sent);
    let back = edited(batch, |work| {
        assert_eq!(
            work.get(&column("resource.attributes[\"b\"]"), 0).unwrap(),
            Some(Value::Integer(2))
        );
        assert_eq!(
            work.get(&column("scope.version"), 0).unwrap(),
            Some(Value::Text("v".into()))
        );
        work.fill(&column("span.name"), None, &Value::Text("new".into()))
            .unwrap();
    });
    let mut want = whole;
    want.resource_spans[0].scope_spans[0].spans[0].name = "new".into();
    assert_eq!(traces(&back), want);
}

#[test]
fn of_a_metrics_data_the_last_kind_counts() {
    let point = |flags: u8| len(1, &[0x40, flags]);
    let data = [
        len(5, &point(1)),
        len(7, &point(2)),
        len(5, &point(3)),
        len(5, &point(4)),
    ]
    .concat();
    let sent = len(1, &len(2, &len(2, &data)));
    let whole = ExportMetricsServiceRequest::decode(&sent[..]).unwrap();
    let back = edited(request(Signal::Metrics, sent), |work| {
        assert_eq!(
            work.integers(&column("datapoint.flags")).unwrap().items,
            [3, 4]
        );
        work.fill(&column("metric.name"), None, &Value::Text("m".into()))
            .unwrap();
    });
    let mut want = whole;
    want.resource_metrics[0].scope_metrics[0].metrics[0].name = "m".into();
    assert_eq!(metrics(&back), want);
}

#[test]
fn a_status_in_two_pieces_is_one() {
    let span = [
        len(15, &len(2, b"first")),
        len(15, &[0x18, 2]),
        len(15, &len(2, b"second")),
    ]
    .concat();
    let back = edited(request(Signal::Traces, of_span(&span)), |work| {
        let message = column("span.status.message");
        assert_eq!(work.texts(&message).unwrap(), [Some("second".to_owned())]);
        assert_eq!(
            work.integers(&column("span.status.code")).unwrap().items,
            [2]
        );
        work.fill(&message, None, &Value::Text("third".into()))
            .unwrap();
    });
    let want = Status {
        message: "third".into(),
        code: 2,
    };
    let spans = traces(&back);
    assert_eq!(
        spans.resource_spans[0].scope_spans[0].spans[0].status,
        Some(want)
    );
}

#[test]
fn unknown_fields_and_groups_survive_edits_beside_them() {
    // Field 99 as a group that holds a varint, field 100 as a varint, around the name.
    let group = [0x9b, 0x06, 0x08, 1, 0x9c, 0x06];
    let varint = [0xa0, 0x06, 7];
    let span = [&group[..], &len(5, b"name"), &varint].concat();
    let back = edited(request(Signal::Traces, of_span(&span)), |work| {
        work.fill(&column("span.name"), None, &Value::Text("other".into()))
            .unwrap();
    });
    let want = of_span(&[&group[..], &len(5, b"other"), &varint].concat());
    assert_eq!(back.splice(0), want);
}

#[test]
fn writing_an_attribute_removes_its_repetitions() {
    let attributes = [
        kv("k", int(1)),
        kv("x", boolean(true)),
        kv("k", text("secret")),
        kv("k", int(1)),
    ];
    let span = attributes
        .map(|attribute| len(9, &attribute.encode_to_vec()))
        .concat();
    let sent = of_span(&span);
    for value in [Value::Integer(1), Value::Integer(2)] {
        let back = edited(request(Signal::Traces, sent.clone()), |work| {
            work.fill(&column("span.attributes[\"k\"]"), None, &value)
                .unwrap();
        });
        let Value::Integer(written) = value else {
            continue;
        };
        let spans = traces(&back);
        let span = &spans.resource_spans[0].scope_spans[0].spans[0];
        assert_eq!(
            span.attributes,
            [kv("k", int(written)), kv("x", boolean(true))]
        );
    }
}

#[test]
fn a_key_value_in_any_order_and_pieces_is_understood() {
    // Value before key, the key twice (the last counts and both are leaves), a map in two pieces.
    let entry = |key: &str| len(2, &len(6, &len(1, &kv(key, int(1)).encode_to_vec())));
    let pair = [entry("a"), len(1, b"old"), entry("b"), len(1, b"k")].concat();
    let mut work = request(Signal::Traces, of_span(&len(9, &pair))).begin(BUDGET);
    let value = work.get(&column("span.attributes[\"k\"]"), 0).unwrap();
    assert_eq!(value, Some(Value::Json(r#"{"a":1,"b":1}"#.into())));
    assert_eq!(
        work.get(&column("span.attributes[\"old\"]"), 0).unwrap(),
        None
    );
    let leaves = work
        .all_leaves(&["record".into()], &["key".into()])
        .unwrap();
    assert_eq!(leaves.texts.data, b"aoldbk");
}

#[test]
fn copies_are_exact() {
    let nested = map(vec![
        kv("nan", double(f64::NAN)),
        kv("twice", int(1)),
        kv("twice", int(2)),
    ]);
    let mut exact = kv("from", nested);
    let strindex = KeyValue {
        key: "index".into(),
        value: Some(super::requests::any(Any::StringValueStrindex(7))),
        key_strindex: 0,
    };
    let span = [
        len(9, &exact.encode_to_vec()),
        len(9, &strindex.encode_to_vec()),
    ]
    .concat();
    let back = edited(request(Signal::Traces, of_span(&span)), |work| {
        let column = |key: &str| column(&format!("span.attributes[\"{key}\"]"));
        work.copy(&column("from"), &column("to"), None).unwrap();
        work.copy(&column("index"), &column("index2"), None)
            .unwrap();
        work.unset(&[&column("from"), &column("index")], None)
            .unwrap();
    });
    exact.key = "to".into();
    let want = KeyValue {
        key: "index2".into(),
        ..strindex
    };
    // NaN is unequal to itself: compare the bytes.
    let want = [
        len(9, &exact.encode_to_vec()),
        len(9, &want.encode_to_vec()),
    ]
    .concat();
    assert_eq!(back.splice(0), of_span(&want));
}

#[test]
fn a_resources_attribute_is_copied_to_its_records() {
    let sent = super::batch(Signal::Traces, &super::requests::spans());
    let back = edited(sent, |work| {
        let service = column("resource.attributes[\"service.name\"]");
        work.copy(
            &service,
            &column("span.attributes[\"service\"]"),
            Some(&[1, 4, 5]),
        )
        .unwrap();
        work.copy(&service, &column("event.name"), None).unwrap();
        work.copy(
            &column("span.trace_id"),
            &column("span.attributes[\"id\"]"),
            Some(&[0]),
        )
        .unwrap();
        assert!(
            work.copy(&column("span.name"), &column("scope.name"), None)
                .is_err()
        );
    });
    let mut work = back.begin(BUDGET);
    let a = || Some("a".to_owned());
    assert_eq!(
        work.texts(&column("span.attributes[\"service\"]")).unwrap(),
        [None, a(), None, None, a(), None]
    );
    assert_eq!(
        work.texts(&column("event.name")).unwrap(),
        [a(), a(), a(), a(), a(), a()]
    );
    let id = work.get(&column("span.attributes[\"id\"]"), 0).unwrap();
    assert_eq!(id, Some(Value::Bytes(vec![1; 16])));
}

/// A span with one attribute, whose fields are given.
fn of_attribute(pair: &[u8]) -> Batch {
    request(Signal::Traces, of_span(&len(9, pair)))
}

#[test]
fn what_a_decoder_passes_over_is_a_leaf_too() {
    let value = |texts: [&[u8]; 2]| len(2, &texts.map(|text| len(1, text)).concat());
    let pairs = [
        // Two values in one, two of one pair, two keys, and no key.
        [len(1, b"k"), value([b"hidden", b"seen"])].concat(),
        [
            len(1, b"k"),
            len(2, &len(1, b"hidden")),
            len(2, &len(1, b"seen")),
        ]
        .concat(),
        [len(1, b"hidden"), len(2, &len(1, b"seen")), len(1, b"k")].concat(),
        value([b"hidden", b"seen"]),
    ];
    for pair in pairs {
        let mut work = of_attribute(&pair).begin(BUDGET);
        let all = ["key", "text"].map(String::from);
        let leaves = work.all_leaves(&["record".into()], &all).unwrap();
        let text = |leaf: usize| {
            let ends = &leaves.texts.ends;
            let start = leaf
                .checked_sub(1)
                .map_or(0, |before| ends[before] as usize);
            &leaves.texts.data[start..ends[leaf] as usize]
        };
        for leaf in 0..leaves.rows.len() {
            let place = leaves.places[leaf] as usize;
            if leaves.place_kinds[place] == "key" {
                let key = String::from_utf8_lossy(text(leaf));
                let path = format!("record.attributes[\"{key}\"]#key");
                assert_eq!(leaves.place_paths[place], path);
            }
        }
        let hidden = (0..leaves.rows.len()).find(|leaf| text(*leaf) == b"hidden");
        let mask = PackedTexts {
            data: b"***".into(),
            ends: vec![3],
            present: vec![1],
        };
        let hidden = u32::try_from(hidden.unwrap()).unwrap();
        work.replace_leaves(&[hidden], &mask).unwrap();
        let out = work.commit().splice(0);
        let has = |text: &[u8]| out.windows(text.len()).any(|window| window == text);
        assert!(has(b"seen") && has(b"***") && !has(b"hidden"), "{out:?}");
        let before = ExportTraceServiceRequest::decode(&of_span(&len(9, &pair))[..]).unwrap();
        let after = ExportTraceServiceRequest::decode(&out[..]).unwrap();
        assert_eq!(before, after, "a decoder sees no difference");
    }
}

#[test]
fn a_value_that_counts_takes_the_others_along() {
    let pair = [
        len(1, b"k"),
        len(2, &[len(1, b"hidden"), len(1, b"seen")].concat()),
    ]
    .concat();
    let mut work = of_attribute(&pair).begin(BUDGET);
    work.all_leaves(&["record".into()], &["text".into()])
        .unwrap();
    let gone = PackedTexts {
        data: Vec::new(),
        ends: vec![0],
        present: vec![0],
    };
    work.replace_leaves(&[1], &gone).unwrap();
    assert_eq!(work.commit().splice(0), of_span(&[]));
}

#[test]
fn a_key_spelled_with_a_long_length_is_found() {
    // `k`, its length in two bytes.
    let pair = [&[0x0a, 0x81, 0][..], b"k", &len(2, &len(1, b"old"))].concat();
    let back = edited(of_attribute(&pair), |work| {
        work.fill(
            &column("record.attributes[\"k\"]"),
            None,
            &Value::Text("new".into()),
        )
        .unwrap();
    });
    let spans = traces(&back);
    let attributes = &spans.resource_spans[0].scope_spans[0].spans[0].attributes;
    assert_eq!(attributes, &[kv("k", text("new"))]);
}

#[test]
fn a_key_that_ends_another_is_not_found_in_it() {
    let other = kv("http.route", text("/x")).encode_to_vec();
    let back = edited(of_attribute(&other), |work| {
        work.fill(
            &column("record.attributes[\"route\"]"),
            None,
            &Value::Text("/x".into()),
        )
        .unwrap();
    });
    let spans = traces(&back);
    let attributes = &spans.resource_spans[0].scope_spans[0].spans[0].attributes;
    assert_eq!(
        attributes,
        &[kv("http.route", text("/x")), kv("route", text("/x"))]
    );
}
