//! The golden cases of `enrich`, run natively, and the examples of its README, read as configs.

use otlet_plugin::testing::Harness;
use serde_json::{Value, json};

#[path = "../../cases.rs"]
mod cases;

#[test]
fn every_case_comes_out_as_written_by_hand() {
    cases::run(env!("CARGO_MANIFEST_DIR"), |config, request| {
        let outcome = Harness::<enrich::Enrich>::new(config)?.run(request)?;
        Ok(outcome.request)
    });
}

/// What the host fills in for `${file:..}`.
const FILES: [(&str, &str); 3] = [
    ("${file:teams.csv}", "service,team,oncall\n"),
    ("${file:owners.json}", r#"{"cart": {"team": "checkout"}}"#),
    ("${file:hosts.json}", r#"[{"id": 17, "rack": "a"}]"#),
];

#[test]
fn every_example_of_the_readme_is_a_config() {
    let readme = include_str!("../README.md");
    let blocks = readme.split("```yaml\n").skip(1);
    let blocks: Vec<_> = blocks.filter_map(|rest| rest.split_once("```")).collect();
    assert!(blocks.len() > 7, "{} examples", blocks.len());
    for (example, _) in blocks {
        let config = whole(&cases::json_of_yaml(example).expect(example));
        if let Err(error) = Harness::<enrich::Enrich>::new(config) {
            panic!("{}\n{example}", error.message());
        }
    }
}

/// The config of which an example shows a part, as the host reads it.
fn whole(example: &Value) -> Value {
    let text = example.to_string().replace("$$", "$");
    let filled = FILES.iter().fold(text, |text, (name, file)| {
        text.replace(&json!(name).to_string(), &json!(file).to_string())
    });
    let example: Value = serde_json::from_str(&filled).expect("it was JSON");
    let table = json!({ "csv": "service,team,oncall\n", "key": "service" });
    match (
        example.pointer("/processors/enrich/config"),
        example.get("when"),
    ) {
        (Some(config), _) => config.clone(),
        (_, Some(when)) => {
            json!({ "actions": [{ "remove": "record.attributes[\"a\"]", "when": when }] })
        }
        _ if example.is_array() => json!({ "actions": example, "tables": { "teams": table } }),
        _ => example,
    }
}
