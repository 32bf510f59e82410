//! What is refused of the verbs that compute something.

use serde_json::{Value, json};

use super::{A, B, all_say};
use crate::action::tests::{made, mistake};

#[test]
fn all_mistakes_are_said_at_once() {
    let error = made(&json!([{"set": A}, {"remove": B}, {"copy": A}]))
        .err()
        .unwrap();
    let places: Vec<_> = error.lines().map(|line| line.split_once(": ")).collect();
    let places: Vec<_> = places
        .into_iter()
        .flatten()
        .map(|(place, _)| place)
        .collect();
    assert_eq!(places, ["actions[0]", "actions[2]"], "{error}");
    let error = made(&json!([
        {"remove": A, "when": [{"span.nam": 1, "log.bdy": 1}, {}]},
        {"set": "span.kind", "template": "{span.nam} {span.name} {event.name}", "when": {"span.nam": 1}},
    ]));
    let error = error.err().unwrap();
    let places = error.lines().filter_map(|line| line.split_once(": "));
    let places: Vec<_> = places.map(|(place, _)| place).collect();
    assert_eq!(
        places,
        [
            "actions[0].when[0].log.bdy",
            "actions[0].when[0].span.nam",
            "actions[0].when[1]",
            "actions[1].set",
            "actions[1].template",
            "actions[1].template",
            "actions[1].when.span.nam",
        ],
        "{error}"
    );
}

#[test]
fn templates_are_refused_that_cannot_be_made() {
    let set = |template: &str| json!({"set": A, "template": template});
    all_say(&[
        (
            set("blue"),
            "template: has no path in braces: write it as `value`",
        ),
        (
            set("{span.name"),
            "template: has a { without its }: write {{",
        ),
        (set("{span.name|x"), "has a { without its }"),
        (set("span.name}"), "has a } without its {: write }}"),
        (set("{span.nam}"), "template: span.nam"),
        (
            set("{event.name}"),
            "is of a event, and not of the record that is set",
        ),
        (
            json!({"set": "span.kind", "template": "{span.name}"}),
            "set: span.kind takes an integer of at most 64 bits, not a text",
        ),
    ]);
}

#[test]
fn extractions_are_refused_that_lead_nowhere() {
    let extract = |more: Value| {
        let mut action = json!({"extract": A, "pattern": "(?P<id>x)(?P<n>y)"});
        action
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        action
    };
    all_say(&[
        (
            json!({"extract": A}),
            "`extract` needs `pattern`, a regular expression with named groups",
        ),
        (
            json!({"extract": "span.kind", "pattern": "(?P<n>x)"}),
            "extract: span.kind is no text, which patterns are for",
        ),
        (
            extract(json!({"pattern": "(x)"})),
            "pattern: has no named group",
        ),
        (
            extract(json!({"pattern": "(x"})),
            "pattern: '(x' is no regular expression: unclosed group",
        ),
        (
            extract(json!({"to": {"user": B}})),
            "to: user is no group of the pattern, which has `id` and `n`",
        ),
        (
            extract(json!({"to": B})),
            "to: is no map of groups to paths",
        ),
        (extract(json!({"to": {}})), "to: is no map of groups"),
        (
            extract(json!({"to": {"id": B}, "prefix": "x."})),
            "prefix: is for the names of the groups",
        ),
        (
            extract(json!({"to": {"id": "resource.attributes[\"a\"]"}})),
            "to: a resource cannot take what one of its rows below has",
        ),
        (
            extract(json!({"to": {"id": B, "n": "event.name"}})),
            "to: has paths of several tables",
        ),
        (
            extract(json!({"to": {"id": "log.severity_number"}})),
            "to: log.severity_number takes an integer",
        ),
        (
            extract(json!({"to": {"id": "log.trace_id"}})),
            "enrich leaves ids alone",
        ),
    ]);
}

#[test]
fn rewrites_are_refused_that_would_do_nothing() {
    all_say(&[
        (
            json!({"replace": A, "pattern": "x"}),
            "`replace` needs `with`",
        ),
        (
            json!({"replace": A, "pattern": "(x)", "with": "$1_total"}),
            "with: $1_total is no group of the pattern: write $${1} or $${name} for one that it has, and $$$$ for a dollar sign",
        ),
        (
            json!({"replace": A, "pattern": "(?P<n>x)", "with": "$$ ${n} ${2}"}),
            "with: $2 is no group",
        ),
        (
            json!({"replace": "span.kind", "pattern": "x", "with": ""}),
            "replace: span.kind takes an integer",
        ),
        (json!({"truncate": A}), "`truncate` needs `length`"),
        (json!({"truncate": A, "length": 0}), "length: is 0"),
        (json!({"lowercase": []}), "lowercase: is an empty list"),
        (
            json!({"uppercase": "log.trace_id"}),
            "uppercase: log.trace_id is an id",
        ),
    ]);
}

#[test]
fn conversions_and_hashes_are_refused_that_do_not_fit() {
    all_say(&[
        (json!({"convert": A}), "`convert` needs `as`"),
        (
            json!({"convert": "span.name", "as": "integer"}),
            "convert: span.name takes a text, not an integer",
        ),
        (
            json!({"convert": A, "as": "text", "to": "span.kind"}),
            "to: span.kind takes an integer",
        ),
        (
            json!({"convert": A, "as": "text", "if": "missing"}),
            "if: is about what stands at `to`",
        ),
        (
            json!({"convert": [A, B], "as": "text", "to": B}),
            "to: is one path, and several lead there",
        ),
        (
            json!({"convert": "span.duration", "as": "double"}),
            "convert: span.duration is read only",
        ),
        (
            json!({"hash": A, "length": 7}),
            "length: is not from 8 to 64",
        ),
        (json!({"hash": A, "key": ""}), "key: is empty"),
        (json!({"hash": "log.trace_id"}), "enrich leaves ids alone"),
        (json!({"hash": A, "to": {"x": B}}), "to: is no path"),
    ]);
    let unknown = mistake(&json!({"convert": A, "as": "number"}));
    assert!(
        unknown.contains("expected one of `text`, `integer`, `double`, `boolean`"),
        "{unknown}"
    );
    assert!(made(&json!([{"convert": A, "as": "integer", "to": "log.time_unix_nano"}])).is_ok());
    assert!(made(&json!([{"hash": "log.trace_id", "to": A}])).is_ok());
}

#[test]
fn moves_are_refused_that_would_lose_the_value() {
    let resource = "resource.attributes[\"a\"]";
    all_say(&[
        (
            json!({"move": A, "to": resource}),
            "a resource cannot take what one of its rows below has",
        ),
        (
            json!({"move": resource, "to": A, "if": "missing"}),
            "if: would lose the value",
        ),
        (
            json!({"move": resource, "to": "span.name"}),
            "takes a text alone",
        ),
        (json!({"move": A, "to": A}), "to: is the name that it has"),
        (
            json!({"move": "span.duration", "to": A}),
            "move: span.duration is read only",
        ),
        (
            json!({"move": "span.name", "to": "log.body"}),
            "no signal has both",
        ),
    ]);
}
