//! What the generator makes: every field of every message, over a run. A field that a new version of OTLP brings is
//! constructed nowhere and does not compile; one that is never set fails here.

use std::collections::BTreeMap;

use otlet_plugin::Signal;
use serde_json::Value;

use crate::generate::Generator;

/// What stands in one of several, and is in the JSON only when it is set.
const CHOICES: &[&str] = &[
    "any.stringValue",
    "any.boolValue",
    "any.intValue",
    "any.doubleValue",
    "any.arrayValue",
    "any.kvlistValue",
    "any.bytesValue",
    "metrics.gauge",
    "metrics.sum",
    "metrics.histogram",
    "metrics.exponentialHistogram",
    "metrics.summary",
    "gauge.dataPoints.asDouble",
    "gauge.dataPoints.asInt",
    "sum.dataPoints.asDouble",
    "sum.dataPoints.asInt",
    "dataPoints.exemplars.asDouble",
    "dataPoints.exemplars.asInt",
];

/// The way to a message from the request; values are one message wherever they are.
fn way(holder: &str, field: &str) -> String {
    match (holder, field) {
        (_, "body" | "value") | ("any.arrayValue", "values") => "any".to_owned(),
        ("any.kvlistValue", "values") => "entry".to_owned(),
        _ => format!("{holder}.{field}"),
    }
}

/// Notes for every field whether it was ever set, under the name of what holds it.
fn note(holder: &str, json: &Value, seen: &mut BTreeMap<String, bool>) {
    match json {
        Value::Array(items) => items.iter().for_each(|item| note(holder, item, seen)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_set = match value {
                    Value::Null | Value::Bool(false) => false,
                    Value::Number(number) => number.as_f64() != Some(0.0),
                    Value::String(text) => !text.is_empty() && text != "0",
                    Value::Array(items) => !items.is_empty(),
                    _ => true,
                };
                *seen.entry(format!("{holder}.{name}")).or_default() |= is_set;
                note(&way(holder, name), value, seen);
            }
        }
        _ => {}
    }
}

#[test]
fn the_generator_sets_every_field() {
    let mut seen = BTreeMap::new();
    for signal in Signal::ALL {
        for seed in 0..300 {
            let request = Generator::new(seed).request(*signal);
            note("request", &request.to_json(), &mut seen);
        }
    }
    for choice in CHOICES {
        assert!(
            seen.keys().any(|name| name.ends_with(choice)),
            "never set: {choice}"
        );
    }
    let never: Vec<_> = seen
        .iter()
        .filter(|(_, is_set)| !**is_set)
        .map(|(name, _)| name)
        .collect();
    assert!(never.is_empty(), "never set: {never:?}");
    assert!(seen.len() > 150, "fields that were seen: {}", seen.len());
}
