//! Requests of real SDKs: what finds nothing changes nothing, and what is done to all of them is what is counted in them.

use std::fs;
use std::path::Path;

use enrich::Enrich;
use otlet_plugin::Signal;
use otlet_plugin::testing::{Harness, Request};
use serde_json::{Value, json};

fn requests() -> Vec<Request> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/corpus");
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name")
            .to_owned();
        let signal = Signal::ALL
            .iter()
            .find(|signal| name.starts_with(signal.name()));
        if let (Some(signal), true) = (signal, path.extension().is_some_and(|of| of == "pb")) {
            let body = fs::read(path).expect("a body");
            all.push(Request::from_protobuf(*signal, &body).expect("a request"));
        }
    }
    assert!(all.len() > 300, "{} requests", all.len());
    all
}

fn made(actions: &Value) -> Harness<Enrich> {
    let tables = json!({ "none": { "rows": { "nobody": { "x": 1 } } } });
    Harness::new(json!({ "actions": actions, "tables": tables })).expect("a config")
}

/// How many spans, log records or points hold this in their JSON.
fn count(requests: &[Request], holds: impl Fn(&Value) -> bool) -> usize {
    fn walk(value: &Value, holds: &impl Fn(&Value) -> bool) -> usize {
        let here = usize::from(holds(value));
        let within: usize = match value {
            Value::Array(items) => items.iter().map(|item| walk(item, holds)).sum(),
            Value::Object(entries) => entries.values().map(|item| walk(item, holds)).sum(),
            _ => 0,
        };
        here + within
    }
    requests
        .iter()
        .map(|request| walk(&request.to_json(), &holds))
        .sum()
}

#[test]
fn what_finds_nothing_changes_nothing() {
    let mut enrich = made(&json!([
        { "set": "span.name", "template": "{record.attributes[\"no such\"]}" },
        { "copy": "resource.attributes[\"no such\"]", "to": "record.attributes[\"a\"]" },
        { "move": "scope.attributes[\"no such\"]", "to": "record.attributes[\"a\"]" },
        { "remove": "record.attributes[\"http.route\"]", "when": { "resource.attributes[\"service.name\"]": "nobody" } },
        { "remove_matching": "^no such", "from": "record" },
        { "keep_matching": "", "from": "resource" },
        { "extract": "log.body", "pattern": "no (?P<such>such thing)" },
        { "replace": ["record.attributes", "event.attributes", "span.name"], "pattern": "no such thing", "with": "x" },
        { "truncate": ["record.attributes", "event.attributes", "log.body"], "length": 1_000_000 },
        { "convert": "span.name", "as": "text" },
        { "convert": "record.attributes[\"http.route\"]", "as": "integer" },
        { "hash": "record.attributes[\"no such\"]" },
        { "lookup": "resource.attributes[\"service.name\"]", "in": "none", "to": { "x": "record.attributes[\"x\"]" } },
    ]));
    for request in requests() {
        let outcome = enrich.run(request.clone()).expect("no error");
        assert!(outcome.request == request, "{:?} changed", request.signal());
    }
}

#[test]
fn what_is_done_to_all_is_done_to_each_that_has_it() {
    let requests = requests();
    let has = |key: &'static str| {
        move |value: &Value| {
            value.get("key").is_some_and(|of| of == key)
                && value.pointer("/value/stringValue").is_some()
        }
    };
    let before = count(&requests, has("http.route"));
    let mut enrich = made(&json!([
        { "hash": "record.attributes[\"http.route\"]", "to": "record.attributes[\"hashed\"]", "length": 8 },
        { "set": "record.attributes[\"rendered\"]", "template": "{record.attributes[\"http.route\"]}" },
        { "lowercase": ["record.attributes", "event.attributes"] },
        { "extract": "record.attributes[\"http.route\"]", "pattern": "^(?P<extracted>.*)$" },
        { "rename": "record.attributes[\"http.route\"]", "to": "record.attributes[\"renamed\"]" },
    ]));
    let after: Vec<_> = requests
        .into_iter()
        .map(|request| enrich.run(request).expect("no error").request)
        .collect();
    assert!(before > 100, "{before} routes");
    for key in ["hashed", "rendered", "extracted", "renamed"] {
        assert_eq!(count(&after, has(key)), before, "{key}");
    }
    assert_eq!(count(&after, has("http.route")), 0);
}
