//! What the verbs that compute something make of values that cases would be long for.

mod refused;

use otlet_plugin::testing::Request;
use serde_json::{Value, json};

use crate::action::tests::{attributes, logs, made, mistake};

const A: &str = "record.attributes[\"a\"]";
const B: &str = "record.attributes[\"b\"]";

/// The attributes of a log record that has these, as JSON, after an action.
fn after(action: &Value, attributes_before: &Value) -> Value {
    let pairs = attributes_before.as_object().unwrap().iter();
    let before: Vec<_> = pairs
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    let out = logs(&json!([action]), &json!([{"attributes": before}]));
    attributes(&out[0])
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect()
}

fn all_say(mistakes: &[(Value, &str)]) {
    for (action, says) in mistakes {
        let error = mistake(action);
        assert!(
            error.starts_with("actions[0]") && error.contains(says),
            "{action}: {error}"
        );
    }
}

#[test]
fn a_template_writes_each_type_in_its_shortest_form() {
    let text = |template: &str, a: Value| {
        after(&json!({"set": B, "template": template}), &json!({"a": a}))["b"].clone()
    };
    let made = |text: &str| json!({"stringValue": text});
    let alone = format!("{{{A}}}");
    assert_eq!(text(&alone, json!({"doubleValue": 0.1})), made("0.1"));
    assert_eq!(text(&alone, json!({"doubleValue": 200.0})), made("200"));
    assert_eq!(text(&alone, json!({"intValue": "-7"})), made("-7"));
    assert_eq!(text(&alone, json!({"boolValue": true})), made("true"));
    assert_eq!(text(&alone, json!({"bytesValue": "Af8="})), made("01ff"));
    assert_eq!(
        text(
            &alone,
            json!({"arrayValue": {"values": [{"intValue": "1"}]}})
        ),
        made("[1]")
    );
    assert_eq!(
        text(&alone, json!({})),
        Value::Null,
        "an empty value is nothing to write"
    );
    assert_eq!(
        text(&format!("{{{{{{ {A} |x}}}}}}"), json!({"intValue": "1"})),
        made("{1}")
    );
    assert_eq!(
        text("{record.attributes[\"}|\"]|{none}", json!({})),
        made("{none"),
        "a default ends at the first brace"
    );
}

#[test]
fn texts_are_cut_by_characters_and_other_values_stay() {
    let cut = |value: Value| {
        after(&json!({"truncate": A, "length": 3}), &json!({"a": value}))["a"].clone()
    };
    assert_eq!(
        cut(json!({"stringValue": "äöüß"})),
        json!({"stringValue": "äöü"})
    );
    assert_eq!(
        cut(json!({"stringValue": "äöü"})),
        json!({"stringValue": "äöü"})
    );
    assert_eq!(
        cut(json!({"intValue": "12345"})),
        json!({"intValue": "12345"})
    );
    let lower = |text: &str| {
        after(
            &json!({"lowercase": A}),
            &json!({"a": {"stringValue": text}}),
        )["a"]
            .clone()
    };
    assert_eq!(lower("GET ÄÖ"), json!({"stringValue": "get äö"}));
}

#[test]
fn hashes_are_those_of_the_standards() {
    let hashed = |more: Value| {
        let mut action = json!({"hash": A});
        action
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        after(
            &action,
            &json!({"a": {"stringValue": "what do ya want for nothing?"}}),
        )["a"]["stringValue"]
            .clone()
    };
    // RFC 4231, test case 2, and the SHA-256 of the same text.
    assert_eq!(
        hashed(json!({"key": "Jefe"})),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    assert_eq!(hashed(json!({"key": "Jefe", "length": 8})), "5bdcc146");
    let long = json!({"stringValue": "abc"});
    assert_eq!(
        after(&json!({"hash": A}), &json!({"a": long}))["a"]["stringValue"],
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn what_the_host_would_not_take_is_no_edit() {
    let converted = |level: &str| {
        let action = json!({"convert": A, "as": "integer", "to": "log.severity_number"});
        let before = json!([{"attributes": [{"key": "a", "value": {"stringValue": level}}]}]);
        logs(&json!([action]), &before)[0]["severityNumber"].clone()
    };
    assert_eq!(converted("17"), json!(17));
    assert_eq!(converted("2147483648"), json!(0), "the field has 32 bits");
    all_say(&[
        (
            json!({"set": "span.kind", "value": 1_i64 << 31}),
            "value: span.kind does not take 2147483648: it has 32 bits",
        ),
        (
            json!({"set": "record.flags", "value": -1}),
            "value: record.flags does not take -1",
        ),
        (
            json!({"set": A, "value": nested(25)}),
            "value: has lists or maps deeper than 24 levels",
        ),
    ]);
    assert!(made(&json!([{"set": A, "value": nested(24)}])).is_ok());
}

/// So many lists in one another.
fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!([inner]))
}

#[test]
fn keys_are_matched_in_tables_that_there_are() {
    all_say(&[
        (
            json!({"remove_matching": "^x"}),
            "`remove_matching` needs `from`, a table",
        ),
        (
            json!({"remove_matching": "(", "from": "record"}),
            "remove_matching: '(' is no regular expression",
        ),
        (
            json!({"keep_matching": "x", "from": "spans"}),
            "from: no such table as `spans`: write resource, scope",
        ),
    ]);
}

#[test]
fn conditions_are_about_the_rows_that_are_written() {
    all_say(&[
        (json!({"remove": A, "when": {}}), "when: is empty"),
        (
            json!({"remove": A, "when": {"span.nam": 1}}),
            "actions[0].when.span.nam: ",
        ),
        (
            json!({"set": "resource.attributes[\"a\"]", "value": 1, "when": {A: 1}}),
            "is not of a resource nor of what it is in",
        ),
    ]);
}

#[test]
fn rows_of_many_resources_get_what_theirs_has() {
    let resource = |index: usize| {
        json!({
            "resource": {"attributes": [{"key": "a", "value": {"intValue": index.to_string()}}]},
            "scopeLogs": [{"logRecords": [{}, {"attributes": [{"key": "b", "value": {"stringValue": "old"}}]}]}],
        })
    };
    for resources in [1, 2, 64, 65, 200] {
        let all: Vec<_> = (0..resources).map(resource).collect();
        let mut enrich = made(&json!([
            {"set": B, "template": "of {resource.attributes[\"a\"]}", "if": "missing"},
            {"convert": "resource.attributes[\"a\"]", "as": "double", "to": "record.attributes[\"c\"]"},
        ]))
        .unwrap();
        let request = Request::from_json(&json!({"resourceLogs": all}).to_string()).unwrap();
        let out = enrich.run(request).unwrap().request.to_json();
        for index in [0, resources - 1] {
            let records = &out["resourceLogs"][index]["scopeLogs"][0]["logRecords"];
            let number = json!(f64::from(u32::try_from(index).unwrap()));
            let expected = |b: &str| json!([{"key": "b", "value": {"stringValue": b}}, {"key": "c", "value": {"doubleValue": number}}]);
            assert_eq!(
                records[0]["attributes"],
                expected(&format!("of {index}")),
                "{resources} resources"
            );
            assert_eq!(
                records[1]["attributes"],
                expected("old"),
                "{resources} resources"
            );
        }
    }
}

#[test]
fn if_and_when_hold_together() {
    let actions = json!([
        {"set": B, "value": "new", "if": "missing", "when": {A: {"exists": true}}},
        {"uppercase": [A, B], "when": {A: "x"}},
    ]);
    let pair = |key: &str, text: &str| json!({"key": key, "value": {"stringValue": text}});
    let records = json!([
        {"attributes": [pair("a", "x")]},
        {"attributes": [pair("a", "y"), pair("b", "old")]},
        {"attributes": [pair("c", "x")]},
    ]);
    let out = logs(&actions, &records);
    assert_eq!(
        out[0]["attributes"],
        json!([pair("a", "X"), pair("b", "NEW")]),
        "the condition is about the row as it was"
    );
    assert_eq!(
        out[1]["attributes"],
        json!([pair("a", "y"), pair("b", "old")])
    );
    assert_eq!(out[2]["attributes"], json!([pair("c", "x")]));
}
