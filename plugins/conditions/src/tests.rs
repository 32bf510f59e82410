mod mistakes;

use otlet_plugin::testing::{Harness, Request};
use otlet_plugin::{Batch, Error, Manifest, Plugin, Signal, Table, host};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Condition, Opened};

/// A plugin that says on which rows a condition holds.
struct Say(Opened);

#[derive(Deserialize, JsonSchema)]
struct Config {
    table: String,
    when: Condition,
    #[serde(default)]
    of_own_signals: bool,
}

impl Plugin for Say {
    type Config = Config;

    fn manifest() -> Manifest {
        Manifest::new("0.0.0")
    }

    fn new(config: Config) -> Result<Self, Error> {
        let table = Table::from_name(&config.table).ok_or("no such table")?;
        let opened = config.when.open(table)?;
        Ok(Self(if config.of_own_signals {
            opened.of_own_signals()
        } else {
            opened
        }))
    }

    fn process(&mut self, batch: &mut Batch) -> Result<(), Error> {
        let held = self.0.holds(batch);
        assert_eq!(held.len(), batch.rows(self.0.table), "a bit a row");
        let rows: Vec<_> = (0..held.len()).filter(|row| held.get(*row)).collect();
        host::log(host::Level::Info, &format!("{rows:?}"));
        Ok(())
    }
}

fn made(table: &str, when: &Value) -> Result<Harness<Say>, Error> {
    Harness::new(json!({ "table": table, "when": when }))
}

/// The rows of a table on which a condition holds.
fn held(table: &str, when: &Value, request: &Value) -> Vec<usize> {
    let request = Request::from_json(&request.to_string()).unwrap();
    let outcome = made(table, when).unwrap().run(request).unwrap();
    serde_json::from_str(&outcome.log[0].message).unwrap()
}

/// What is wrong with a condition on records.
fn mistake(when: &Value) -> String {
    made("record", when).err().expect("a mistake").into()
}

fn attributes(pairs: &Value) -> Value {
    let value = |value: &Value| match value {
        Value::String(text) => json!({ "stringValue": text }),
        Value::Bool(boolean) => json!({ "boolValue": boolean }),
        Value::Number(number) if number.is_i64() => json!({ "intValue": number }),
        Value::Number(number) => json!({ "doubleValue": number }),
        _ => json!({}),
    };
    let pairs = pairs.as_object().unwrap().iter();
    pairs
        .map(|(key, of)| json!({ "key": key, "value": value(of) }))
        .collect()
}

/// Log records, each with an attribute `a` of one of these values, and one without.
fn logs(values: &[Value]) -> Value {
    let mut records: Vec<_> = values
        .iter()
        .map(|value| json!({ "attributes": attributes(&json!({ "a": value })) }))
        .collect();
    records.push(json!({}));
    json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": records }] }] })
}

/// Two resources: shop with two spans, cart with one; each span has an event.
fn spans() -> Value {
    let span = |name: &str, code: i64| json!({ "name": name, "status": { "code": code }, "events": [{ "name": name }] });
    json!({ "resourceSpans": [
        { "resource": { "attributes": attributes(&json!({ "service.name": "shop" })) },
          "scopeSpans": [{ "scope": { "name": "http" }, "spans": [span("GET /health", 0), span("GET /orders", 2)] }] },
        { "resource": { "attributes": attributes(&json!({ "service.name": "cart" })) },
          "scopeSpans": [{ "scope": { "name": "sql" }, "spans": [span("SELECT", 2)] }] }
    ] })
}

const A: &str = "record.attributes[\"a\"]";
const SERVICE: &str = "resource.attributes[\"service.name\"]";

#[test]
fn a_number_is_equal_to_that_number_of_any_type() {
    let values = [
        json!(200),
        json!(200.0),
        json!("200"),
        json!("200.0"),
        json!(201),
        json!(true),
        json!("two"),
        json!(null),
    ];
    assert_eq!(
        held("record", &json!({ A: 200 }), &logs(&values)),
        [0, 1, 2, 3]
    );
    assert_eq!(held("record", &json!({ A: "200" }), &logs(&values)), [2]);
    assert_eq!(
        held("record", &json!({ A: [201, "two", true] }), &logs(&values)),
        [4, 5, 6]
    );
    assert_eq!(
        held(
            "record",
            &json!({ A: true }),
            &logs(&[json!("true"), json!(true), json!(1)])
        ),
        [0, 1]
    );
    assert_eq!(
        held(
            "record",
            &json!({ A: 0.5 }),
            &logs(&[json!(0.5), json!("0.50"), json!(0)])
        ),
        [0, 1]
    );
}

#[test]
fn comparisons_have_bounds_on_both_sides() {
    let values = [
        json!(499),
        json!(500),
        json!(599.5),
        json!("503"),
        json!(600),
        json!("many"),
        json!(true),
    ];
    let hold = |test: Value| held("record", &json!({ A: test }), &logs(&values));
    assert_eq!(hold(json!({ "at_least": 500, "below": 600 })), [1, 2, 3]);
    assert_eq!(hold(json!({ "above": 500, "at_most": 600 })), [2, 3, 4]);
    assert_eq!(hold(json!({ "not": { "at_least": 500 } })), [0, 5, 6, 7]);
    assert_eq!(
        hold(json!({ "exists": true, "not": [499, 500] })),
        [2, 3, 4, 5, 6]
    );
}

#[test]
fn presence_is_of_any_value() {
    let values = [json!("x"), json!(""), json!(0), json!(null)];
    assert_eq!(
        held("record", &json!({ A: { "exists": true } }), &logs(&values)),
        [0, 1, 2, 3]
    );
    assert_eq!(
        held("record", &json!({ A: { "exists": false } }), &logs(&values)),
        [4]
    );
    assert_eq!(
        held("record", &json!({ A: { "not": "x" } }), &logs(&values)),
        [1, 2, 3, 4]
    );
}

#[test]
fn patterns_are_found_anywhere_in_texts() {
    let values = [
        json!("GET /health"),
        json!("say GET"),
        json!(500),
        json!("get"),
    ];
    assert_eq!(
        held(
            "record",
            &json!({ A: { "matches": "GET" } }),
            &logs(&values)
        ),
        [0, 1]
    );
    assert_eq!(
        held(
            "record",
            &json!({ A: { "matches": "^(?i)get" } }),
            &logs(&values)
        ),
        [0, 3]
    );
}

#[test]
fn all_entries_of_a_map_hold_and_one_map_of_a_list() {
    let all = json!({ SERVICE: ["shop", "other"], "scope.name": "http", "span.name": { "matches": "orders" } });
    assert_eq!(held("record", &all, &spans()), [1]);
    let any = json!([{ SERVICE: "cart" }, { "span.name": "GET /health" }]);
    assert_eq!(held("record", &any, &spans()), [0, 2]);
    assert_eq!(
        held(
            "record",
            &json!({ SERVICE: "none", "span.name": "SELECT" }),
            &spans()
        ),
        [0; 0]
    );
    assert_eq!(
        held(
            "record",
            &json!({ SERVICE: { "exists": true }, "span.status.code": 2 }),
            &spans()
        ),
        [1, 2]
    );
}

#[test]
fn rows_below_take_what_holds_above_them() {
    assert_eq!(
        held(
            "event",
            &json!({ SERVICE: "shop", "span.status.code": 2 }),
            &spans()
        ),
        [1]
    );
    assert_eq!(
        held(
            "event",
            &json!({ "event.name": "SELECT", SERVICE: "cart" }),
            &spans()
        ),
        [2]
    );
    assert_eq!(held("resource", &json!({ SERVICE: "cart" }), &spans()), [1]);
    assert_eq!(held("scope", &json!({ SERVICE: "cart" }), &spans()), [1]);
    assert_eq!(
        held("metric", &json!({ SERVICE: "cart" }), &spans()),
        [0; 0],
        "spans have no metrics"
    );
}

#[test]
fn what_a_signal_lacks_is_absent() {
    let request = logs(&[json!(1)]);
    assert_eq!(
        held("record", &json!({ "span.name": "x" }), &request),
        [0; 0]
    );
    assert_eq!(
        held(
            "record",
            &json!({ "span.name": { "exists": false } }),
            &request
        ),
        [0, 1]
    );
    assert_eq!(
        held(
            "record",
            &json!({ "metric.name": { "not": "x" } }),
            &request
        ),
        [0, 1]
    );
}

#[test]
fn what_drops_rows_is_about_the_signals_that_it_names() {
    let hold = |when: Value, request: &Value| {
        let config = json!({ "table": "record", "when": when, "of_own_signals": true });
        let request = Request::from_json(&request.to_string()).unwrap();
        let mut plugin = Harness::<Say>::new(config).unwrap();
        let outcome = plugin.run(request).unwrap();
        serde_json::from_str::<Vec<usize>>(&outcome.log[0].message).unwrap()
    };
    let request = logs(&[json!(1)]);
    let no_name = json!({ "span.name": { "exists": false } });
    assert_eq!(hold(no_name.clone(), &request), [0; 0]);
    assert_eq!(hold(json!([no_name.clone(), { A: 1 }]), &request), [0]);
    let no_body = json!([{ "log.body": { "not": "x" } }, no_name]);
    assert_eq!(hold(no_body.clone(), &request), [0, 1]);
    assert_eq!(hold(no_body, &spans()), [0; 0]);
    assert_eq!(hold(json!({ A: { "not": 1 } }), &spans()), [0, 1, 2]);
}

#[test]
fn a_condition_says_whose_paths_it_names() {
    let names = |when: Value| {
        let config: Config =
            serde_json::from_value(json!({ "table": "record", "when": when })).unwrap();
        let opened = config.when.open(Table::Record).unwrap();
        [Signal::Traces, Signal::Metrics, Signal::Logs].map(|signal| opened.names(signal))
    };
    assert_eq!(names(json!({ A: 1, SERVICE: "shop" })), [false; 3]);
    assert_eq!(
        names(json!([{ "span.name": "a" }, { "log.body": "b" }])),
        [true, false, true]
    );
    assert_eq!(names(json!({ "metric.name": "up" })), [false, true, false]);
}

#[test]
fn fields_are_compared_as_what_they_are() {
    let request = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [
        { "traceId": "0af7651916cd43dd8448eb211c80319c", "severityNumber": 17, "timeUnixNano": "18446744073709551615", "body": { "intValue": 7 } },
        { "severityNumber": 9, "timeUnixNano": "5", "body": { "stringValue": "a secret" } },
    ] }] }] });
    let hold = |when: Value| held("record", &when, &request);
    assert_eq!(
        hold(json!({ "record.trace_id": "0AF7651916CD43DD8448EB211C80319C" })),
        [0]
    );
    assert_eq!(hold(json!({ "record.trace_id": { "exists": false } })), [1]);
    assert_eq!(hold(json!({ "log.trace_id": { "matches": "^0af" } })), [0]);
    assert_eq!(
        hold(json!({ "log.severity_number": { "at_least": 17 } })),
        [0]
    );
    assert_eq!(
        hold(json!({ "log.time_unix_nano": { "above": 5 } })),
        [0],
        "times have no sign"
    );
    assert_eq!(hold(json!({ "log.body": 7 })), [0]);
    assert_eq!(
        hold(json!({ "log.body": { "not": { "matches": "secret" } } })),
        [0]
    );
}

#[test]
fn points_are_compared_by_their_number() {
    let request = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": [
        { "name": "up", "gauge": { "dataPoints": [{ "asInt": 0 }, { "asDouble": 1.5 }] } },
        { "name": "orders", "sum": { "isMonotonic": true, "dataPoints": [{ "asInt": 3 }] } },
    ] }] }] });
    assert_eq!(
        held(
            "record",
            &json!({ "datapoint.value_double": { "above": 1 } }),
            &request
        ),
        [1, 2]
    );
    assert_eq!(
        held("record", &json!({ "datapoint.value_int": 0 }), &request),
        [0]
    );
    assert_eq!(
        held("record", &json!({ "metric.is_monotonic": true }), &request),
        [2]
    );
    assert_eq!(
        held("metric", &json!({ "metric.name": "up" }), &request),
        [0]
    );
}
