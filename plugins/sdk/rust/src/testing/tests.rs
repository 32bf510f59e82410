//! A plugin that does a bit of everything, run by the harness.

use serde_json::{Value as Json, json};

use super::{Harness, Line, Request};
use crate::{
    Batch, Column, Error, Kind, LeafEdits, Manifest, Mask, Plugin, Signal, Table, TextEdits, Value,
    host::{self, Level},
};

type Work = fn(&mut Batch) -> Result<(), Error>;

/// Does what a test gives it.
struct Worker;

thread_local! {
    static WORK: std::cell::Cell<Work> = const { std::cell::Cell::new(|_| Ok(())) };
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {}

impl Plugin for Worker {
    type Config = Config;

    fn manifest() -> Manifest {
        Manifest::new("1").signals([Signal::Traces, Signal::Logs])
    }

    fn new(_: Config) -> Result<Self, Error> {
        Ok(Self)
    }

    fn process(&mut self, batch: &mut Batch) -> Result<(), Error> {
        WORK.get()(batch)
    }
}

fn run(request: &Json, work: Work) -> Result<super::Outcome, Error> {
    WORK.set(work);
    let request = Request::from_json(&request.to_string()).unwrap();
    Harness::<Worker>::new(json!({})).unwrap().run(request)
}

fn column(path: &str) -> Column {
    Column::open(path).unwrap()
}

fn text(text: &str) -> Json {
    json!({"stringValue": text})
}

fn log(body: &str) -> Json {
    json!({"body": text(body), "attributes": [{"key": "a", "value": text(body)}]})
}

fn logs(records: &[Json]) -> Json {
    json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})
}

fn records(outcome: &super::Outcome) -> Json {
    outcome.request.to_json()["resourceLogs"][0]["scopeLogs"][0]["logRecords"].clone()
}

#[test]
fn edits_and_drops_count_once_the_plugin_returns() {
    let outcome = run(&logs(&[log("x"), log("y"), log("z")]), |batch| {
        let (a, b) = (
            column("record.attributes[\"a\"]"),
            column("record.attributes[\"b\"]"),
        );
        batch.copy(&a, &b, ..);
        batch.unset(&[&a], &[2]);
        let texts = batch.texts(&column("log.body"));
        batch.retain(
            Table::Record,
            &texts.iter().map(|text| text != Some("y")).collect(),
        );
        let mut edits = TextEdits::new();
        for (row, text) in texts.present() {
            edits.push(row, &format!("{text}{text}"));
        }
        batch.set_texts(&column("log.body"), &edits);
        assert_eq!(batch.rows(Table::Record), 3);
        // A dropped row reads as it was.
        assert_eq!(
            batch.values(&b),
            ["x", "y", "z"].map(|text| Some(text.into()))
        );
        host::count("seen", 3);
        host::log(Level::Warn, "done");
        Ok(())
    });
    let outcome = outcome.unwrap();
    let left = records(&outcome);
    assert_eq!(left.as_array().unwrap().len(), 2);
    assert_eq!(left[0]["body"], text("xx"));
    assert_eq!(left[1]["body"], text("zz"));
    assert_eq!(
        left[1]["attributes"],
        json!([{"key": "b", "value": text("z")}])
    );
    assert_eq!(outcome.counters["seen"], 3);
    assert_eq!(
        outcome.log,
        [Line {
            level: "warn".into(),
            message: "done".into()
        }]
    );
}

#[test]
fn a_resource_whose_last_record_is_dropped_goes_too() {
    let outcome = run(&logs(&[log("x")]), |batch| {
        batch.retain(Table::Record, &Mask::none(1));
        Ok(())
    });
    assert_eq!(
        outcome.unwrap().request.to_json(),
        json!({"resourceLogs": []})
    );
}

#[test]
fn rows_are_dropped_by_number() {
    let outcome = run(&logs(&[log("x"), log("y"), log("z")]), |batch| {
        batch.drop_rows(Table::Record, &[]);
        batch.drop_rows(Table::Record, &[0, 2]);
        batch.drop_rows(Table::Record, &[2]);
        Ok(())
    });
    let left = records(&outcome.unwrap());
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["body"], text("y"));
}

#[test]
fn leaves_are_replaced_removed_and_renamed() {
    let body = json!({"kvlistValue": {"values": [
        {"key": "k", "value": {"intValue": "7"}},
        {"key": "l", "value": {"arrayValue": {"values": [text("p"), text("q")]}}},
        {"key": "m", "value": {"bytesValue": "aGk="}},
    ]}});
    let outcome = run(&logs(&[json!({"body": body})]), |batch| {
        let leaves = batch.leaves(Table::ALL, Kind::ALL);
        let seen: Vec<_> = leaves
            .iter()
            .map(|leaf| (leaves.places()[leaf.place].path.as_str(), leaf.text()))
            .collect();
        assert_eq!(
            seen,
            [
                ("record.body[\"k\"]#key", "k"),
                ("record.body[\"k\"]", "7"),
                ("record.body[\"l\"]#key", "l"),
                ("record.body[\"l\"][]", "p"),
                ("record.body[\"l\"][]", "q"),
                ("record.body[\"m\"]#key", "m"),
                ("record.body[\"m\"]", "hi"),
            ]
        );
        let mut edits = LeafEdits::new();
        edits.push(0, "kk");
        edits.push(1, "seven");
        edits.remove(3);
        edits.push(4, "Q");
        edits.push(6, "ho");
        batch.replace_leaves(&edits);
        let mut again = LeafEdits::new();
        again.push(1, "was edited since");
        again.push(5, "mm");
        batch.replace_leaves(&again);
        Ok(())
    });
    assert_eq!(
        records(&outcome.unwrap())[0]["body"],
        json!({"kvlistValue": {"values": [
            {"key": "kk", "value": text("seven")},
            {"key": "l", "value": {"arrayValue": {"values": [text("Q")]}}},
            {"key": "mm", "value": {"bytesValue": "aG8="}},
        ]}})
    );
}

#[test]
fn json_keeps_order_and_types_and_the_first_of_a_repeated_key() {
    let outcome = run(&logs(&[log("x")]), |batch| {
        let json = r#"{"b":[1,2.5,null,true],"a":{"x":"y","x":-1}}"#;
        let body = column("record.body");
        batch.fill(&body, .., Value::Json(json.to_owned()));
        let seen = r#"{"b":[1,2.5,null,true],"a":{"x":"y"}}"#;
        assert_eq!(batch.get(&body, 0), Some(Value::Json(seen.to_owned())));
        Ok(())
    });
    let values = &records(&outcome.unwrap())[0]["body"]["kvlistValue"]["values"];
    assert_eq!(values[0]["key"], "b");
    let numbers = &values[0]["value"]["arrayValue"]["values"];
    assert_eq!(numbers[0], json!({"intValue": "1"}));
    assert_eq!(numbers[1], json!({"doubleValue": 2.5}));
}

#[test]
fn a_signal_that_the_manifest_lacks_passes_by() {
    let outcome = run(&json!({"resourceMetrics": []}), |_| {
        Err("never called".into())
    });
    assert_eq!(outcome.unwrap().request.signal(), Signal::Metrics);
}

#[test]
fn an_error_of_the_plugin_is_the_outcome() {
    let error = run(&logs(&[]), |_| Err("no".into())).unwrap_err();
    assert_eq!(error.message(), "no");
}

#[test]
#[should_panic(expected = "a value of another type than the field's")]
fn a_misuse_panics_as_it_would_trap() {
    let outcome = run(&logs(&[log("x")]), |batch| {
        batch.fill(&column("log.severity_number"), .., "nine");
        Ok(())
    });
    drop(outcome);
}

#[test]
fn a_config_that_does_not_parse_is_an_error() {
    let error = Harness::<Worker>::new(json!({"a": 1})).err().unwrap();
    assert_eq!(error.message(), "a: unknown field `a`, there are no fields");
}

#[test]
fn references_to_entities_are_leaves() {
    let entity = json!({"type": "service", "idKeys": ["a", "b"], "descriptionKeys": ["c", "d"], "schemaUrl": ""});
    let request = json!({"resourceLogs": [{"resource": {"entityRefs": [entity]}}]});
    let outcome = run(&request, |batch| {
        let leaves = batch.leaves(&[Table::Resource], &[Kind::Text]);
        let seen: Vec<_> = leaves.iter().map(|leaf| leaf.text()).collect();
        assert_eq!(seen, ["service", "a", "b", "c", "d"]);
        let mut edits = LeafEdits::new();
        edits.remove(0);
        edits.remove(1);
        edits.push(2, "B");
        edits.push(4, "D");
        batch.replace_leaves(&edits);
        Ok(())
    });
    assert_eq!(
        outcome.unwrap().request.to_json()["resourceLogs"][0]["resource"]["entityRefs"],
        json!([{"schemaUrl": "", "type": "", "idKeys": ["B"], "descriptionKeys": ["c", "D"]}])
    );
}
