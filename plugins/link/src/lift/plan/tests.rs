//! Objects and what a record gets of them, by what it has.

use otlet_plugin::Value;

use super::{Has, Lifted, Own, Severity, plan};

const TRACE: [u8; 16] = [0xab; 16];
const SPAN: [u8; 8] = [0xcd; 8];

/// What a record of this trace gets of the object, in which `$T` and `$S` are its ids.
fn lifted(text: &str) -> Lifted {
    let own = Own {
        trace: Some(TRACE),
        span: Some(SPAN),
        flags: 1,
    };
    let text = text
        .replace("$T", &"ab".repeat(16))
        .replace("$S", &"cd".repeat(8));
    let has = Has {
        own,
        ..Has::default()
    };
    plan(&text, &has).unwrap_or_default()
}

/// The keys of the attributes that it gets.
fn keys(text: &str) -> Vec<String> {
    lifted(text)
        .attributes
        .into_iter()
        .map(|(key, _)| key)
        .collect()
}

fn severity(number: i64, text: &str) -> Severity {
    Severity {
        number,
        text: text.to_owned(),
    }
}

#[test]
fn a_line_is_taken_apart() {
    let found = lifted(
        r#"{"time":"2026-11-22T14:39:46Z","level":"info","msg":"paid","trace_id":"$T","span_id":"$S","n":1}"#,
    );
    let expected = Lifted {
        message: Some("paid".to_owned()),
        severity: Some(severity(9, "info")),
        time: Some(1_795_358_386_000_000_000),
        attributes: vec![("n".to_owned(), Value::Integer(1))],
    };
    assert_eq!(found, expected);
}

#[test]
fn values_keep_their_type_and_all_their_digits() {
    let found = lifted(
        r#"{"i":-7,"d":0.1,"e":1E2,"big":18446744073709551616,"t":"x","b":false,"l":[1,{"a":null}],"m":{"k":1.0},"z":null,"zero":-0}"#,
    );
    let expected = [
        ("i", Value::Integer(-7)),
        ("d", Value::Double(0.1)),
        ("e", Value::Double(100.0)),
        ("big", "18446744073709551616".into()),
        ("t", "x".into()),
        ("b", false.into()),
        ("l", Value::Json(r#"[1,{"a":null}]"#.to_owned())),
        ("m", Value::Json(r#"{"k":1.0}"#.to_owned())),
        ("zero", Value::Integer(0)),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value));
    assert_eq!(found.attributes, expected);
}

#[test]
fn the_best_message_is_the_body_and_the_others_are_attributes() {
    for (text, message, rest) in [
        (r#"{"event":"a","message":"b"}"#, Some("b"), vec!["event"]),
        (r#"{"@mt":"a {x}","@m":"a 1"}"#, Some("a 1"), vec!["@mt"]),
        (r#"{"@mt":"a {x}","x":1}"#, Some("a {x}"), vec!["x"]),
        (
            r#"{"message":{"a":1},"msg":"b"}"#,
            Some("b"),
            vec!["message"],
        ),
        (r#"{"message":"","text":"b"}"#, Some("b"), vec!["message"]),
        (r#"{"x":1}"#, None, vec!["x"]),
    ] {
        assert_eq!(lifted(text).message.as_deref(), message, "{text}");
        assert_eq!(keys(text), rest, "{text}");
    }
}

#[test]
fn ids_that_are_the_records_own_are_not_told_twice() {
    for text in [
        r#"{"trace_id":"$T","span_id":"$S","trace_flags":"01","n":1}"#,
        r#"{"otelTraceID":"$T","otelSpanID":"$S","otelTraceSampled":true,"n":1}"#,
        r#"{"traceparent":"00-$T-$S-01","n":1}"#,
        r#"{"trace_id":"","span_id":null,"n":1}"#,
        r#"{"trace_id":" ","trace_flags":"","trace_sampled":"","n":1}"#,
        r#"{"otelTraceID":"0","otelSpanID":"0","n":1}"#,
        r#"{"trace_id":0,"span_id":"0000000000000000","n":1}"#,
        r#"{"dd":{"trace_id":"$T"},"span":{"id":"$S"},"n":1}"#,
    ] {
        assert_eq!(keys(text), ["n"], "{text}");
    }
}

#[test]
fn ids_of_others_and_what_is_no_id_stay() {
    for (text, rest) in [
        (
            r#"{"trace_id":"11111111111111111111111111111111"}"#,
            vec!["trace_id"],
        ),
        (
            r#"{"traceparent":"00-$T-1111111111111111-01"}"#,
            vec!["traceparent"],
        ),
        (
            r#"{"trace_id":"checkout","parent_span_id":"$S"}"#,
            vec!["trace_id", "parent_span_id"],
        ),
        (
            r#"{"trace_flags":"00","trace_sampled":false}"#,
            vec!["trace_flags", "trace_sampled"],
        ),
        (
            r#"{"trace_id":["$T"],"links":[{"trace_id":"$T"}]}"#,
            vec!["trace_id", "links"],
        ),
    ] {
        assert_eq!(keys(text), rest, "{text}");
    }
    let found = lifted(r#"{"dd":{"trace_id":"$T", "service" : "shop","span_id":"$S"}}"#);
    let rest = Value::Json(r#"{"service" : "shop"}"#.to_owned());
    assert_eq!(found.attributes, [("dd".to_owned(), rest)]);
}

#[test]
fn what_is_set_stays_and_what_says_otherwise_is_an_attribute() {
    let has = Has {
        severity: Some(severity(9, "INFO")),
        time: Some(1_795_358_386_000_000_000),
        ..Has::default()
    };
    let same = r#"{"msg":"x","level":"info","time":1795358386}"#;
    let other = r#"{"msg":"x","level":"error","time":1795358387}"#;
    let found = plan(same, &has).unwrap();
    assert_eq!(
        (found.severity, found.time, found.attributes.len()),
        (None, None, 0)
    );
    let found = plan(other, &has).unwrap();
    let expected = [
        ("level".to_owned(), Value::from("error")),
        ("time".to_owned(), Value::Integer(1_795_358_387)),
    ];
    assert_eq!((found.severity, found.time), (None, None));
    assert_eq!(found.attributes, expected);
}

#[test]
fn of_several_levels_and_times_the_best_counts() {
    let found = lifted(
        r#"{"level_value":20000,"level":"INFO","levelno":30,"ts":1795358386,"@timestamp":"2026-11-22T14:39:47Z"}"#,
    );
    assert_eq!(found.severity, Some(severity(9, "INFO")));
    assert_eq!(found.time, Some(1_795_358_387_000_000_000));
    let rest: Vec<_> = found
        .attributes
        .iter()
        .map(|(key, _)| key.as_str())
        .collect();
    assert_eq!(rest, ["levelno", "ts"]);
}

#[test]
fn an_event_of_serilogs_without_a_level_is_information() {
    let event = lifted(r#"{"@t":"2026-11-22T14:39:46Z","@mt":"x"}"#);
    assert_eq!(event.severity, Some(severity(9, "Information")));
    let other = lifted(r#"{"@t":"2026-11-22T14:39:46Z","message":"x"}"#);
    assert_eq!(other.severity, None);
    let odd = lifted(r#"{"@t":"2026-11-22T14:39:46Z","@mt":"x","@l":"Odd"}"#);
    assert_eq!(odd.severity, None);
}

#[test]
fn what_says_nothing_is_not_lifted() {
    for text in [
        "{}",
        r#"{"a":null}"#,
        r#"{"trace_id":""}"#,
        "[]",
        "{\"a\":1",
    ] {
        assert_eq!(plan(text, &Has::default()), None, "{text}");
    }
}
