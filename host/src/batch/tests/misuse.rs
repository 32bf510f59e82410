//! What a guest can get wrong.

use bytes::Bytes;
use prost::Message;

use super::{
    super::{Column, PackedTexts, Signal, Value},
    BUDGET, batch, column, edited,
    requests::{points, records, spans},
    traces,
};

#[test]
fn unknown_paths_name_the_nearest() {
    let fault = |path: &str| {
        Column::parse(path)
            .expect_err("an unknown path")
            .to_string()
    };
    assert!(
        fault("span.nam").contains("span.name"),
        "{}",
        fault("span.nam")
    );
    assert!(fault("log.severity").contains("log.severity_text"));
    assert!(fault("log.duration").starts_with("unknown column"));
    assert!(fault("resource.attributes").contains("resource.attributes[\"key\"]"));
    assert!(fault("span.attributes[key]").contains("double quotes"));
    assert!(fault("span.attributes[\"a\"][\"b\"]").contains("a whole attribute"));
    assert!(fault("").starts_with("unknown column"));
    assert!(Column::parse("span.attributes[\"a\\\"b\\\\c\"]").is_ok());
}

#[test]
fn lists_that_do_not_fit_are_misuse() {
    let mut work = batch(Signal::Traces, &spans()).begin(BUDGET);
    let name = column("span.name");
    let text = Value::Text("x".into());
    assert!(
        work.rows("spans")
            .unwrap_err()
            .to_string()
            .contains("resource, scope")
    );
    assert!(work.set_texts(&name, &[None]).is_err());
    assert!(work.fill(&name, Some(&[6]), &text).is_err());
    assert!(work.fill(&name, Some(&[2, 2]), &text).is_err());
    assert!(work.fill(&name, Some(&[2, 1]), &text).is_err());
    assert!(work.fill(&name, Some(&[]), &text).is_ok());
    assert!(work.retain("record", &[0, 0]).is_err());
    for rows in [&[6][..], &[0, u32::MAX], &[2, 2], &[2, 1]] {
        assert!(work.drop_rows("record", rows).is_err(), "{rows:?}");
    }
    assert!(work.drop_rows("tablet", &[]).is_err());
    assert!(work.drop_rows("exemplar", &[0]).is_err());
    assert!(work.drop_rows("record", &[]).is_ok());
    assert!(work.get(&name, 6).is_err());
    assert!(
        work.set_ids(&column("span.trace_id"), None, &[1; 95])
            .is_err()
    );
    assert!(work.ids(&name).is_err());
    assert!(work.replace_leaves(&[], &PackedTexts::default()).is_err());
    let keys = |count: u32| PackedTexts {
        data: b"k".repeat(count as usize),
        ends: (1..=count).collect(),
        present: vec![0xff; count.div_ceil(8) as usize],
    };
    let mut add = |rows: &[u32], count: u32, values: usize| {
        let values = vec![text.clone(); values];
        work.add_attributes("record", rows, &keys(count), &values)
    };
    assert!(add(&[1, 0], 2, 2).is_err());
    assert!(add(&[0, 1], 1, 2).is_err());
    assert!(add(&[0, 1], 2, 1).is_err());
    assert!(add(&[6], 1, 1).is_err());
    assert!(add(&[5, 5], 2, 2).is_ok());
    let packed = |data: &[u8], ends: &[u32], present: &[u8]| PackedTexts {
        data: data.to_vec(),
        ends: ends.to_vec(),
        present: present.to_vec(),
    };
    let mut set = |texts: PackedTexts| work.set_packed(&name, Some(&[0, 1]), &texts);
    assert!(set(packed(b"ab", &[1, 2], &[3])).is_ok());
    assert!(set(packed(b"ab", &[1, 1], &[3])).is_err());
    assert!(set(packed(b"ab", &[3, 2], &[3])).is_err());
    assert!(set(packed(b"ab", &[1, 2], &[])).is_err());
    assert!(set(packed(&[0xff, b'a'], &[1, 2], &[3])).is_err());
    assert!(set(packed("é".as_bytes(), &[1, 2], &[3])).is_err());
}

#[test]
fn values_of_another_type_are_misuse() {
    let mut work = batch(Signal::Traces, &spans()).begin(BUDGET);
    let mut fill = |path: &str, value: Value| work.fill(&column(path), None, &value);
    assert!(fill("span.name", Value::Integer(1)).is_err());
    assert!(fill("span.kind", Value::Text("2".into())).is_err());
    assert!(fill("span.kind", Value::Integer(1 << 40)).is_err());
    assert!(fill("span.flags", Value::Integer(-1)).is_err());
    assert!(fill("span.trace_id", Value::Bytes(vec![1; 8])).is_err());
    assert!(fill("span.duration", Value::Integer(1)).is_err());
    assert!(fill("span.dropped_attributes_count", Value::Integer(0)).is_err());
    assert!(fill("span.attributes[\"a\"]", Value::Json("{".into())).is_err());
    assert!(fill("span.attributes[\"a\"]", Value::Json("[".repeat(100))).is_err());
    assert!(fill("log.body", Value::Integer(1)).is_ok());
    assert!(work.commit().is_untouched());
}

#[test]
fn a_budget_bounds_what_is_read_and_written() {
    let sent = batch(Signal::Traces, &spans());
    let name = column("span.name");
    let breach = |fault: super::super::Misuse| fault.to_string().contains("more than 200 bytes");
    let mut work = sent.clone().begin(200);
    assert!((0..100).any(|_| work.packed(&name).is_err_and(breach)));
    let mut work = sent.clone().begin(200);
    let long = Value::Text("x".repeat(200));
    assert!(work.fill(&name, None, &long).is_err_and(breach));
    let mut work = sent.clone().begin(200);
    assert!(
        work.all_leaves(&["record".into()], &["text".into()])
            .is_err_and(breach)
    );
    let mut work = sent.begin(200);
    assert!(work.to_otlp().is_err_and(breach));
}

#[test]
fn paths_far_longer_than_their_keys_are_charged_before_they_are_written() {
    use super::requests::{int, kv, map};
    let key = "k".repeat(4_000);
    let deep = |value| (0..20).fold(value, |value, _| map(vec![kv(&key, value)]));
    let leaves = map((0..1_000).map(|n| kv(&format!("{n}"), int(n))).collect());
    let mut request = spans();
    request.resource_spans[0].scope_spans[0].spans[0].attributes = vec![kv("top", deep(leaves))];
    // About 100 KB on the wire and 80 MB of paths.
    let mut work = batch(Signal::Traces, &request).begin(8 << 20);
    let fault = work
        .all_leaves(&["record".into()], &["integer".into()])
        .unwrap_err();
    assert!(
        fault.to_string().contains("more than 8388608 bytes"),
        "{fault}"
    );
}

#[test]
fn the_way_out_gives_the_request_and_takes_another() {
    let back = edited(batch(Signal::Traces, &spans()), |work| {
        work.retain("record", &[0b10]).unwrap();
        let mut request =
            opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest::decode(
                work.to_otlp().unwrap(),
            )
            .unwrap();
        request.resource_spans[0].scope_spans[0].spans[0].name = "mine".into();
        let bad = work.replace_with_otlp(Bytes::from_static(&[0xff])).unwrap();
        assert!(bad.unwrap_err().contains("malformed traces"));
        work.replace_with_otlp(Bytes::from(request.encode_to_vec()))
            .unwrap()
            .unwrap();
        assert_eq!(work.rows("record").unwrap(), 1);
        assert_eq!(
            work.texts(&column("span.name")).unwrap(),
            [Some("mine".to_owned())]
        );
    });
    assert!(!back.is_untouched());
    assert_eq!(back.records(), 1);
    assert_eq!(
        traces(&back).resource_spans[0].scope_spans[0].spans[0].name,
        "mine"
    );
}

#[test]
fn a_column_of_another_signal_is_absent_and_takes_no_edit() {
    for (signal, request) in [
        (Signal::Logs, records().encode_to_vec()),
        (Signal::Metrics, points().encode_to_vec()),
    ] {
        let sent = super::Batch::new(signal, Bytes::from(request)).unwrap();
        let mut work = sent.begin(BUDGET);
        let name = column("span.name");
        let rows = work.rows("record").unwrap() as usize;
        assert_eq!(work.texts(&name).unwrap(), vec![None; rows]);
        assert_eq!(
            work.ids(&column("span.parent_span_id")).unwrap(),
            vec![0; rows * 8]
        );
        work.fill(&name, None, &Value::Text("x".into())).unwrap();
        work.unset(&[&name], None).unwrap();
        assert_eq!(work.texts(&column("event.name")).unwrap(), Vec::new());
        assert!(work.commit().is_untouched());
    }
}
