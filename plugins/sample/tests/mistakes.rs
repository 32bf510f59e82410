//! Configs that are refused when the plugin is made, and what the error says.

use otlet_plugin::testing::Harness;
use sample::Sample;
use serde_json::{Value, json};

fn mistake(config: Value) -> String {
    let made = Harness::<Sample>::new(config);
    made.err().map(String::from).unwrap_or_default()
}

#[test]
fn an_empty_config_and_one_of_every_key_are_taken() {
    assert_eq!(mistake(json!({})), "");
    let service = "resource.attributes[\"service.name\"]";
    let config = json!({
        "percentage": 10,
        "mode": "equalizing",
        "log_attributes": true,
        "rates": [
            { "when": [{ service: ["a", "b"] }, { "span.name": "GET" }], "percentage": 0.5, "by": "log.body" },
            { "of": "log.severity_text", "percentages": { "DEBUG": 0, "INFO": 1 } },
            { "of": "scope.name", "percentages": { "http": 100 }, "by": service },
        ],
        "keep": { "errors": true, "slower_than": "2s", "when": { "log.body": { "matches": "lost" } } },
        "metrics": { "keep_only": { "metric.name": "up" }, "drop": { "datapoint.value_double": { "below": 0 } } },
    });
    assert_eq!(mistake(config), "");
}

#[test]
fn all_mistakes_are_said_at_once() {
    let error = mistake(json!({
        "percentage": 200,
        "rates": [
            { "percentage": 101, "when": { "span.nam": 1, "log.bdy": 1 }, "by": "span.nam" },
            { "of": "scope.nam", "percentages": { "a": -1, "b": 1, "c": 101 } },
            { "by": "log.body" },
            { "percentage": 1 },
        ],
        "keep": { "when": { "span.nam": 1 } },
        "metrics": { "drop": { "metric.nam": 1 }, "keep_only": {} },
    }));
    let lines = error.lines().filter_map(|line| line.split_once(": "));
    let places: Vec<_> = lines.map(|(place, _)| place).collect();
    assert_eq!(
        places,
        [
            "percentage",
            "rates[2]",
            "rates[0].when.log.bdy",
            "rates[0].when.span.nam",
            "rates[0].by",
            "rates[0].percentage",
            "rates[1].of",
            "rates[1].percentages.a",
            "rates[1].percentages.c",
            "rates[2]",
            "keep.when.span.nam",
            "metrics.keep_only",
            "metrics.drop.metric.nam",
        ],
        "{error}"
    );
}

#[test]
fn the_key_and_the_cure_are_named() {
    let mistakes = [
        (
            json!({ "percentage": 1, "rates": [{ "percentage": 1, "when": { "span.nam": "x" } }] }),
            "rates[0].when.span.nam: ",
        ),
        (
            json!({ "rates": [{ "percentage": 1, "when": { "span.name": { "matches": "(" } } }] }),
            "rates[0].when.span.name: matches: '(' is no regular expression",
        ),
        (
            json!({ "rates": [{ "percentage": 1, "when": { "metric.name": "up" } }] }),
            "rates[0].when: names a path of metrics",
        ),
        (
            json!({ "rates": [{ "percentage": 1, "when": { "datapoint.sum": 1 } }] }),
            "rates[0].when: names a path of metrics, which are never sampled: write it under `metrics.drop`",
        ),
        (
            json!({ "rates": [{ "percentage": 1, "when": { "event.name": "exception" } }] }),
            "rates[0].when.event.name: is not of a record",
        ),
        (
            json!({ "rates": [{ "percentages": { "a": 1 }, "of": "resource.name" }] }),
            "rates[0].of: ",
        ),
        (
            json!({ "rates": [{ "percentages": { "a": 1 }, "of": "metric.name" }] }),
            "rates[0].of: `metric.name` is not of a span or log record",
        ),
        (
            json!({ "rates": [{ "percentage": 1, "by": "link.trace_state" }] }),
            "rates[0].by: `link.trace_state` is not of a span or log record",
        ),
        (
            json!({ "percentage": 1, "keep": { "when": { "record.attributes": 1 } } }),
            "keep.when.record.attributes: ",
        ),
        (
            json!({ "percentage": 1, "keep": { "when": { "datapoint.count": 1 } } }),
            "keep.when: names a path of metrics",
        ),
        (
            json!({ "metrics": { "drop": { "span.name": "GET" } } }),
            "metrics.drop: names a path of spans or log records",
        ),
        (
            json!({ "metrics": { "keep_only": [{ "metric.name": "up" }, { "log.body": "x" }] } }),
            "metrics.keep_only: names a path of spans or log records",
        ),
        (
            json!({ "metrics": { "drop": { "metric.name": [] } } }),
            "metrics.drop.metric.name: is an empty list",
        ),
        (
            json!({ "metrics": { "drop": {} } }),
            "metrics.drop: is empty",
        ),
    ];
    for (config, says) in mistakes {
        let error = mistake(config.clone());
        assert!(error.contains(says), "{config}: {error}");
    }
}
