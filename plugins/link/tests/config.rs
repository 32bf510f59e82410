//! What the config takes and refuses, and what is counted.

use std::fs;
use std::path::Path;

use link::Link;
use otlet_plugin::testing::{Harness, Request};
use serde_json::{Value, json};

/// Why the config is refused.
fn refusal(config: Value) -> Option<String> {
    let refused = Harness::<Link>::new(config).err()?;
    Some(refused.message().to_owned())
}

/// The counters after the request of a case.
fn counted(config: Value, case: &str) -> Vec<(String, u64)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let text = fs::read_to_string(path.join(format!("{case}.in.json"))).expect("a case");
    let request = Request::from_json(&text).expect("a request");
    let mut link = Harness::<Link>::new(config).expect("a config");
    let outcome = link.run(request).expect("link never fails");
    outcome.counters.into_iter().collect()
}

#[test]
fn mistakes_are_refused_and_named() {
    assert_eq!(refusal(json!({})), None);
    assert_eq!(refusal(json!({"lift": false})), None);
    let wrong = refusal(json!({"lift": "yes"})).expect("no boolean");
    assert!(wrong.contains("lift"), "{wrong}");
    let unknown = refusal(json!({"lifts": true})).expect("no such key");
    assert!(unknown.contains("lifts"), "{unknown}");
}

#[test]
fn what_is_done_is_counted_and_nothing_else() {
    let count = |name: &str, count| vec![(name.to_owned(), count)];
    assert_eq!(
        counted(json!({}), "exemplars"),
        count("linked_exemplars", 4)
    );
    assert_eq!(counted(json!({}), "lift_zap"), count("linked_records", 1));
    let both = [count("lifted_records", 3), count("linked_records", 1)].concat();
    assert_eq!(counted(json!({"lift": true}), "lift_zap"), both);
    assert_eq!(counted(json!({"lift": true}), "spans_pass_by"), []);
    assert_eq!(
        counted(json!({"lift": true}), "lift_leaves_what_is_no_object"),
        []
    );
}
