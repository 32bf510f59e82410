//! What is said of conditions that are wrong.

use otlet_plugin::Table;
use serde_json::{Value, json};

use super::{A, mistake};
use crate::Condition;

#[test]
fn all_mistakes_are_said_one_a_line() {
    let places = |when: &Value| -> Vec<String> {
        let error = mistake(when);
        let lines = error.lines().filter_map(|line| line.split_once(": "));
        lines.map(|(place, _)| place.to_owned()).collect()
    };
    let wrong = json!({ "span.nam": 1, "span.kind": "server", "span.name": "x" });
    assert_eq!(places(&wrong), ["span.kind", "span.nam"]);
    assert_eq!(
        places(&json!([wrong, {}, 7, { "log.bdy": 1 }])),
        ["[0].span.kind", "[0].span.nam", "[1]", "[2]", "[3].log.bdy"]
    );
    let under = Condition::from(json!([{ "event.name": "x" }]));
    let error = under.open_under("keep.when", Table::Record);
    let error = error.err().map(String::from).unwrap_or_default();
    assert!(
        error.starts_with("keep.when[0].event.name: is not of a record"),
        "{error}"
    );
}

#[test]
fn mistakes_name_the_path_and_the_cure() {
    let mistakes = [
        (
            json!("x"),
            "is neither a map nor a list of maps: write `PATH: VALUE`",
        ),
        (json!([]), "is neither a map"),
        (json!({}), "is empty: write `PATH: VALUE`"),
        (json!([{ A: 1 }, {}]), "[1]: is empty"),
        (json!([7]), "[0]: is no map"),
        (json!({ "span.nam": 1 }), "span.nam: "),
        (
            json!({ "event.name": "x" }),
            "event.name: is not of a record nor of what it is in",
        ),
        (json!({ A: [] }), "is an empty list"),
        (json!({ A: null }), "is no value: write a text"),
        (json!({ A: [[1]] }), "is no value"),
        (
            json!({ A: {} }),
            "is empty: write a value, or a test such as `exists: true`",
        ),
        (
            json!({ A: { "atleast": 5 } }),
            "atleast: no such test: write `exists`",
        ),
        (json!({ A: { "at_least": "5" } }), "at_least: is no number"),
        (
            json!({ A: { "exists": 1 } }),
            "exists: is neither true nor false",
        ),
        (
            json!({ A: { "matches": "(" } }),
            "matches: '(' is no regular expression",
        ),
        (json!({ A: { "matches": 5 } }), "matches: is no text"),
        (
            json!({ A: { "not": { "mtches": "x" } } }),
            "not: mtches: no such test",
        ),
        (
            json!({ "span.name": { "below": 5 } }),
            "below: compares numbers, and this is none",
        ),
        (
            json!({ "span.kind": { "matches": "5" } }),
            "matches: looks at texts, and this is none",
        ),
        (
            json!({ "span.kind": "server" }),
            "is an integer, which a text is never equal to",
        ),
        (
            json!({ "span.name": true }),
            "is a text, which true or false is never equal to",
        ),
        (
            json!({ "span.status.code": 0 }),
            "reads as absent where it is 0: write { exists: false }",
        ),
        (
            json!({ "log.severity_text": [""] }),
            "reads as absent where it is \"\"",
        ),
        (
            json!({ "metric.is_monotonic": false }),
            "reads as absent where it is false",
        ),
        (
            json!({ "span.trace_id": "abc" }),
            "is an id: write its 32 hexadecimal digits",
        ),
    ];
    for (when, says) in mistakes {
        let error = mistake(&when);
        assert!(error.contains(says), "{when}: {error}");
    }
}
