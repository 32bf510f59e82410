//! The golden cases of `sample`, run natively, and the examples of its README, read as configs.

use otlet_plugin::testing::Harness;
use sample::Sample;
use serde_json::{Value, json};

#[path = "../../cases.rs"]
mod cases;

#[test]
fn every_case_comes_out_as_written_by_hand() {
    cases::run(env!("CARGO_MANIFEST_DIR"), |config, request| {
        let outcome = Harness::<Sample>::new(config)?.run(request)?;
        Ok(outcome.request)
    });
}

#[test]
fn every_example_of_the_readme_is_a_config() {
    let readme = include_str!("../README.md");
    let blocks = readme.split("```yaml\n").skip(1);
    let blocks: Vec<_> = blocks.filter_map(|rest| rest.split_once("```")).collect();
    assert!(blocks.len() >= 3, "{} examples", blocks.len());
    for (example, _) in blocks {
        let config = whole(cases::json_of_yaml(example).expect(example));
        let made = Harness::<Sample>::new(config);
        assert_eq!(made.err().map(String::from), None, "{example}");
    }
}

/// The config of which an example shows a part.
fn whole(example: Value) -> Value {
    if let Some(config) = example.pointer("/processors/sample/config") {
        return config.clone();
    }
    match example.get("when") {
        Some(when) => json!({ "rates": [{ "when": when, "percentage": 1 }] }),
        None => example,
    }
}
