//! Edits, as they come out.

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValueList, any_value};
use opentelemetry_proto::tonic::trace::v1::Status;

use super::{
    super::{PackedTexts, Signal, Value},
    batch, column, edited,
    requests::{kv, span, spans, text},
    traces,
};

#[test]
fn what_nobody_edits_is_untouched() {
    let sent = batch(Signal::Traces, &spans());
    let back = edited(sent.clone(), |work| {
        let route = column("span.attributes[\"http.route\"]");
        let texts = work.texts(&route).unwrap();
        work.set_texts(&route, &texts).unwrap();
        work.retain("record", &[0b11_1111]).unwrap();
        let values = work.values(&column("span.attributes[\"map\"]")).unwrap();
        let values: Vec<Value> = values.into_iter().flatten().collect();
        work.set_values(&column("span.attributes[\"map\"]"), None, &values)
            .unwrap();
    });
    assert!(back.is_untouched());
    assert_eq!(back.splice(0), sent.message());
}

#[test]
fn dropped_records_take_their_empty_parents_along() {
    let back = edited(batch(Signal::Traces, &spans()), |work| {
        work.retain("record", &[0b01_1000]).unwrap();
    });
    let mut want = spans();
    want.resource_spans.truncate(1);
    want.resource_spans[0].scope_spans.remove(0);
    want.resource_spans[0].scope_spans[0].spans.remove(0);
    assert_eq!(traces(&back), want);
    assert_eq!(back.records(), 2);
    let mut work = back.begin(super::BUDGET);
    assert_eq!(work.rows("resource").unwrap(), 1);
    assert_eq!(work.rows("event").unwrap(), 3);
    assert_eq!(work.parents("event", "record").unwrap(), [0, 1, 1]);
}

#[test]
fn rows_dropped_by_number_are_those_that_a_mask_drops() {
    for rows in [&[][..], &[0], &[0, 1, 2, 5], &[0, 1, 2, 3, 4, 5]] {
        let numbered = edited(batch(Signal::Traces, &spans()), |work| {
            work.drop_rows("record", &[1]).unwrap();
            work.drop_rows("record", rows).unwrap();
        });
        let masked = edited(batch(Signal::Traces, &spans()), |work| {
            let gone = rows.iter().fold(0b10, |gone, row| gone | 1_u8 << row);
            work.retain("record", &[!gone]).unwrap();
        });
        assert_eq!(traces(&numbered), traces(&masked), "{rows:?}");
        assert_eq!(numbered.records(), masked.records());
    }
}

#[test]
fn dropped_events_leave_their_record() {
    let back = edited(batch(Signal::Traces, &spans()), |work| {
        work.retain("event", &[0b10]).unwrap();
    });
    let mut want = spans();
    for resource in &mut want.resource_spans {
        for scope in &mut resource.scope_spans {
            for span in &mut scope.spans {
                span.events.retain(|event| event.name == "event 2.0");
            }
        }
    }
    assert_eq!(traces(&back), want);
}

#[test]
fn attributes_and_fields_are_written_everywhere() {
    let back = edited(batch(Signal::Traces, &spans()), |work| {
        let route = column("span.attributes[\"http.route\"]");
        work.set_texts(&route, &vec![Some("x".repeat(300)); 6])
            .unwrap();
        work.fill(
            &column("span.attributes[\"new\"]"),
            Some(&[1, 5]),
            &Value::Integer(-1),
        )
        .unwrap();
        work.fill(
            &column("resource.attributes[\"env\"]"),
            None,
            &Value::Text("prod".into()),
        )
        .unwrap();
        work.fill(&column("scope.name"), None, &Value::Text("s".into()))
            .unwrap();
        work.fill(&column("span.status.code"), None, &Value::Integer(1))
            .unwrap();
        work.fill(
            &column("event.attributes[\"seen\"]"),
            None,
            &Value::Boolean(true),
        )
        .unwrap();
        work.unset(
            &[
                &column("span.attributes[\"map\"]"),
                &column("span.parent_span_id"),
            ],
            None,
        )
        .unwrap();
    });
    let mut want = spans();
    let mut n = 0;
    for resource in &mut want.resource_spans {
        resource
            .resource
            .get_or_insert_default()
            .attributes
            .push(kv("env", text("prod")));
        for scope in &mut resource.scope_spans {
            scope.scope.get_or_insert_default().name = "s".into();
            for span in &mut scope.spans {
                span.attributes[0].value = Some(text(&"x".repeat(300)));
                span.attributes.retain(|attribute| attribute.key != "map");
                if [1, 5].contains(&n) {
                    span.attributes.push(kv("new", super::requests::int(-1)));
                }
                span.parent_span_id.clear();
                span.status.get_or_insert_with(Status::default).code = 1;
                for event in &mut span.events {
                    event
                        .attributes
                        .push(kv("seen", super::requests::boolean(true)));
                }
                n += 1;
            }
        }
    }
    assert_eq!(traces(&back), want);
}

#[test]
fn later_transactions_edit_what_earlier_ones_wrote() {
    let new = column("span.attributes[\"new\"]");
    let back = edited(batch(Signal::Traces, &spans()), |work| {
        work.fill(&new, None, &Value::Text("first".into())).unwrap();
        work.fill(
            &column("span.status.message"),
            Some(&[0]),
            &Value::Text("m".into()),
        )
        .unwrap();
    });
    let back = edited(back, |work| {
        assert_eq!(work.texts(&new).unwrap(), vec![Some("first".to_owned()); 6]);
        work.fill(&new, Some(&[0]), &Value::Text("second".into()))
            .unwrap();
        work.unset(&[&new], Some(&[1])).unwrap();
        work.fill(&column("span.status.code"), Some(&[0]), &Value::Integer(2))
            .unwrap();
    });
    let spans = traces(&back);
    let written = &spans.resource_spans[0].scope_spans[0].spans;
    assert_eq!(
        written[0].attributes.last(),
        Some(&kv("new", text("second")))
    );
    assert_eq!(written[1], span(2));
    let status = Status {
        message: "m".into(),
        code: 2,
    };
    assert_eq!(written[0].status, Some(status));
}

#[test]
fn a_rollback_forgets_everything() {
    let sent = batch(Signal::Traces, &spans());
    let mut work = sent.clone().begin(super::BUDGET);
    work.fill(&column("span.name"), None, &Value::Text("x".into()))
        .unwrap();
    work.retain("record", &[0]).unwrap();
    let back = work.rollback();
    assert!(back.is_untouched());
    assert_eq!(back.records(), 6);
}

#[test]
fn attributes_are_added_where_their_key_is_not() {
    let back = edited(batch(Signal::Traces, &spans()), |work| {
        let keys = PackedTexts {
            data: b"http.routeaabb".to_vec(),
            ends: vec![10, 11, 12, 14],
            present: vec![0b1111],
        };
        let values = [
            Value::Text("kept as it was".into()),
            Value::Integer(7),
            Value::Text("the first of a key counts".into()),
            Value::Json(r#"{"c": [true]}"#.into()),
        ];
        work.add_attributes("record", &[0, 0, 0, 2], &keys, &values)
            .unwrap();
        work.add_attributes("resource", &[], &PackedTexts::default(), &[])
            .unwrap();
    });
    let mut want = spans();
    let scopes = &mut want.resource_spans[0].scope_spans;
    let mut records = scopes.iter_mut().flat_map(|scope| &mut scope.spans);
    let first = records.next().unwrap();
    assert!(first.attributes.iter().any(|pair| pair.key == "http.route"));
    first.attributes.push(kv("a", super::requests::int(7)));
    records
        .nth(1)
        .unwrap()
        .attributes
        .push(kv("bb", map_of_a_list()));
    assert_eq!(traces(&back), want);
}

/// `{"c": [true]}`
fn map_of_a_list() -> AnyValue {
    let list = ArrayValue {
        values: vec![super::requests::boolean(true)],
    };
    let list = AnyValue {
        value: Some(any_value::Value::ArrayValue(list)),
    };
    let map = KeyValueList {
        values: vec![kv("c", list)],
    };
    AnyValue {
        value: Some(any_value::Value::KvlistValue(map)),
    }
}
