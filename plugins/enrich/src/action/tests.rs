use otlet_plugin::testing::{Harness, Request};
use serde_json::{Value, json};

use crate::Enrich;

pub(crate) fn made(actions: &Value) -> Result<Harness<Enrich>, String> {
    Harness::new(json!({ "actions": actions })).map_err(String::from)
}

/// What is wrong with a config of this one action.
pub(crate) fn mistake(action: &Value) -> String {
    made(&json!([action])).err().expect("a mistake")
}

/// The log records that come of these, in JSON.
pub(crate) fn logs(actions: &Value, records: &Value) -> Value {
    let request = |records| {
        Request::from_json(
            &json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).to_string(),
        )
    };
    let mut enrich = made(actions).unwrap();
    let outcome = enrich.run(request(records).unwrap()).unwrap();
    outcome.request.to_json()["resourceLogs"][0]["scopeLogs"][0]["logRecords"].clone()
}

pub(crate) fn attributes(record: &Value) -> Vec<(&str, &Value)> {
    let list = record["attributes"].as_array().unwrap();
    list.iter()
        .map(|pair| (pair["key"].as_str().unwrap(), &pair["value"]))
        .collect()
}

#[test]
fn an_action_has_one_verb_and_what_belongs_to_it() {
    let a = "record.attributes[\"a\"]";
    let mistakes = [
        (
            json!({}),
            "does nothing: give it one of `set`, `copy`, `move`, `rename`, `remove`,",
        ),
        (json!({"if": "missing"}), "does nothing"),
        (json!({"set": a}), "`set` needs a `value`"),
        (json!({"set": a, "value": null}), "`set` needs a `value`"),
        (
            json!({"set": a, "value": 1, "to": a}),
            "`to` does not belong to `set`, which takes `value`, `template`, `if` and `when`",
        ),
        (json!({"copy": a}), "`copy` needs `to`"),
        (json!({"rename": a}), "`rename` needs `to`"),
        (
            json!({"rename": a, "to": "record.flags", "value": 1}),
            "`value` does not belong to `rename`",
        ),
        (
            json!({"remove": a, "if": "present"}),
            "`if` does not belong to `remove`, which takes `when`",
        ),
        (
            json!({"remove": a, "value": 1}),
            "`value` does not belong to `remove`",
        ),
        (
            json!({"set": a, "value": 1, "template": "x"}),
            "leave one out",
        ),
        (
            json!({"set": a, "value": 1, "remove": a}),
            "is several actions: write each of `set` and `remove` as an entry of its own",
        ),
    ];
    for (action, says) in mistakes {
        let error = mistake(&action);
        assert!(
            error.starts_with("actions[0]") && error.contains(says),
            "{action}: {error}"
        );
    }
    let second = made(&json!([{"remove": a}, {"copy": a}])).err().unwrap();
    assert!(
        second.starts_with("actions[1]: `copy` needs `to`"),
        "{second}"
    );
}

#[test]
fn keys_and_conditions_are_checked_by_name() {
    assert!(mistake(&json!({"delete": "record.flags"})).contains("unknown field `delete`"));
    assert!(
        mistake(&json!({"remove": "record.flags", "if": "absent"}))
            .contains("expected one of `always`, `missing`, `present`")
    );
    assert!(mistake(&json!({"remove": 7})).contains("expected a path or a list of paths"));
}

#[test]
fn an_unknown_path_is_named_with_its_key() {
    let unknown = [
        (
            json!({"set": "resource.atributes[\"a\"]", "value": 1}),
            "actions[0].set: ",
        ),
        (
            json!({"copy": "span.nam", "to": "log.body"}),
            "actions[0].copy: ",
        ),
        (
            json!({"rename": "record.attributes[\"a\"]", "to": "attributes"}),
            "actions[0].to: ",
        ),
        (
            json!({"remove": ["record.flags", "span.nam"]}),
            "actions[0].remove: ",
        ),
    ];
    for (action, starts) in unknown {
        let error = mistake(&action);
        assert!(error.starts_with(starts), "{action}: {error}");
    }
}

#[test]
fn a_field_takes_its_own_type() {
    let set = |path, value: Value| mistake(&json!({"set": path, "value": value}));
    assert_eq!(
        set("span.name", json!(3)),
        "actions[0].value: span.name takes a text, not 3"
    );
    assert!(
        set("span.kind", json!("server"))
            .contains("takes an integer of at most 64 bits, not \"server\"")
    );
    assert!(set("span.kind", json!(2.5)).contains("takes an integer"));
    assert!(set("metric.is_monotonic", json!(1)).contains("takes true or false"));
    assert!(set("datapoint.sum", json!([1])).contains("takes a number"));
    assert!(
        set("record.attributes[\"a\"]", json!(u64::MAX)).contains("a number of at most 64 bits")
    );
    let beyond = json!(99_999_999_999_999_999_999_f64);
    for value in [beyond.clone(), json!([1, beyond]), json!({"a": u64::MAX})] {
        let error = set("record.attributes[\"a\"]", value);
        assert!(
            error.contains(
                "is beyond OTLP's integers: write a number of at most 64 bits with its sign"
            ),
            "{error}"
        );
    }
    assert!(made(&json!([{"set": "datapoint.sum", "value": 1e30}])).is_ok());
    assert!(
        made(&json!([{"set": "datapoint.sum", "value": 3}])).is_ok(),
        "a whole number is a number"
    );
}

#[test]
fn ids_and_fields_that_are_computed_stay() {
    let a = "record.attributes[\"a\"]";
    assert!(
        mistake(&json!({"set": "span.trace_id", "value": "00"}))
            .contains("enrich leaves ids alone")
    );
    assert!(
        mistake(&json!({"copy": "link.span_id", "to": "link.attributes[\"a\"]"}))
            .contains("enrich leaves ids alone")
    );
    assert!(mistake(&json!({"set": "span.duration", "value": 1})).contains("is read only"));
    assert!(
        mistake(&json!({"copy": a, "to": "datapoint.quantile_values"})).contains("is read only")
    );
    assert!(made(&json!([{"copy": "span.duration", "to": a}])).is_ok());
}

#[test]
fn copies_go_down_the_tree_of_one_signal() {
    let a = "record.attributes[\"a\"]";
    let copy = |from, to| mistake(&json!({"copy": from, "to": to}));
    assert!(
        copy(a, "resource.attributes[\"a\"]")
            .contains("a resource cannot take what one of its rows below has")
    );
    assert!(copy("event.name", "link.attributes[\"a\"]").contains("a link cannot take"));
    assert!(copy("span.name", "log.body").contains("no signal has both"));
    assert!(copy("span.attributes[\"a\"]", a).contains("is what is copied"));
    assert!(
        copy("scope.name", "span.kind")
            .contains("takes an integer of at most 64 bits, and what is copied is a text")
    );
}

#[test]
fn a_rename_cannot_lose_what_it_moves() {
    let a = "record.attributes[\"a\"]";
    let rename = |from, to| mistake(&json!({"rename": from, "to": to}));
    assert!(rename(a, "span.attributes[\"a\"]").contains("is the name that it has"));
    assert!(rename("datapoint.as_int", "datapoint.value_int").contains("is the name that it has"));
    assert!(rename("resource.attributes[\"a\"]", a).contains("copy it and then remove it"));
    assert!(rename(a, "span.name").contains("takes a text alone"));
}

#[test]
fn conditions_look_at_the_target() {
    let actions = json!([
        {"set": "record.attributes[\"new\"]", "value": 1, "if": "missing"},
        {"set": "record.attributes[\"new\"]", "value": 2, "if": "present"},
        {"rename": "record.attributes[\"old\"]", "to": "record.attributes[\"new\"]", "if": "missing"},
        {"set": "record.attributes[\"absent\"]", "value": 3, "if": "present"},
    ]);
    let out = logs(
        &actions,
        &json!([{"attributes": [{"key": "old", "value": {"boolValue": true}}]}, {}]),
    );
    assert_eq!(
        attributes(&out[0]),
        [
            ("old", &json!({"boolValue": true})),
            ("new", &json!({"intValue": "2"}))
        ]
    );
    assert_eq!(attributes(&out[1]), [("new", &json!({"intValue": "2"}))]);
}

#[test]
fn without_rows_to_write_nothing_is_written() {
    let actions = json!([{"set": "record.attributes[\"a\"]", "value": 1, "if": "present"}]);
    let out = logs(&actions, &json!([{}, {}]));
    assert!(attributes(&out[0]).is_empty() && attributes(&out[1]).is_empty());
}

#[test]
fn a_value_that_a_field_does_not_take_leaves_its_row() {
    let actions = json!([{"copy": "record.attributes[\"level\"]", "to": "log.severity_text"}]);
    let records = json!([
        {"severityText": "INFO", "attributes": [{"key": "level", "value": {"intValue": "4"}}]},
        {"severityText": "INFO", "attributes": [{"key": "level", "value": {"stringValue": "WARN"}}]},
    ]);
    let out = logs(&actions, &records);
    assert_eq!(
        (&out[0]["severityText"], &out[1]["severityText"]),
        (&json!("INFO"), &json!("WARN"))
    );
}
