//! Link on requests of real SDKs, of which it is known which logs name their trace.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use link::Link;
use otlet_plugin::Signal;
use otlet_plugin::testing::{Harness, Request};
use serde_json::{Value, json};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/corpus")
        .join(name)
}

/// The ids that logs without a trace id name, file by file, in the order of the records.
fn known() -> HashMap<String, Vec<Value>> {
    let lines = fs::read_to_string(fixture("links.jsonl")).expect("the facts about the requests");
    let mut known: HashMap<String, Vec<Value>> = HashMap::new();
    for line in lines.lines() {
        let fact: Value = serde_json::from_str(line).expect("JSON");
        let file = fact
            .get("file")
            .and_then(Value::as_str)
            .expect("a file")
            .to_owned();
        known.entry(file).or_default().push(fact);
    }
    known
}

fn id(hex: &Value) -> Vec<u8> {
    let digit = |digit: &u8| {
        char::from(*digit)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let digits: Vec<_> = hex
        .as_str()
        .unwrap_or_default()
        .as_bytes()
        .iter()
        .map(digit)
        .collect();
    let pair = |pair: &[Option<u8>]| match pair {
        [Some(high), Some(low)] => Some(high << 4 | low),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(pair).collect();
    bytes.expect("an id in hexadecimal")
}

#[test]
fn exactly_the_logs_that_name_their_trace_are_linked_and_nothing_else_changes() {
    let mut link = Harness::<Link>::new(json!({})).expect("a config");
    let (mut linked, mut with_span, mut counted) = (0, 0, 0);
    for (file, facts) in known() {
        let bytes = fs::read(fixture(&file)).expect("a request");
        let given = Request::from_protobuf(Signal::Logs, &bytes).expect("logs");
        let Request::Logs(mut expected) = given.clone() else {
            panic!("{file} is no logs")
        };
        let scopes = expected
            .resource_logs
            .iter_mut()
            .flat_map(|resource| &mut resource.scope_logs);
        let open = scopes
            .flat_map(|scope| &mut scope.log_records)
            .filter(|record| record.trace_id.is_empty());
        let open: Vec<_> = open.collect();
        assert_eq!(
            open.len(),
            facts.len(),
            "records without a trace id in {file}"
        );
        for (record, fact) in open.into_iter().zip(&facts) {
            assert_eq!(fact["time_unix_nano"], record.time_unix_nano, "{file}");
            record.trace_id = id(&fact["trace_id"]);
            record.span_id = id(&fact["span_id"]);
            linked += usize::from(!record.trace_id.is_empty());
            with_span += usize::from(!record.span_id.is_empty());
            // All of these say that their trace is sampled, but for those that have an id and nothing else.
            let says_so = !record.trace_id.is_empty() && fact["case"] != "attr_trace_only";
            record.flags = u32::from(says_so);
        }
        let outcome = link.run(given).expect("link never fails");
        assert_eq!(outcome.request, Request::Logs(expected), "{file}");
        counted += outcome.counters.get("linked_records").copied().unwrap_or(0);
    }
    assert_eq!((linked, with_span, counted), (232, 213, 232));
}

/// The log records of a request, in JSON.
fn records(request: &Request) -> Vec<Value> {
    let request = request.to_json();
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let resources = list(&request, "resourceLogs").into_iter();
    let scopes = resources.flat_map(|resource| list(&resource, "scopeLogs"));
    scopes
        .flat_map(|scope| list(&scope, "logRecords"))
        .collect()
}

/// The fields of a body that is an object, with their values as OTLP has them.
fn fields(body: &Value) -> Option<Vec<(String, Value)>> {
    if let Some(entries) = body
        .pointer("/kvlistValue/values")
        .and_then(Value::as_array)
    {
        let entry =
            |entry: &Value| Some((entry["key"].as_str()?.to_owned(), entry["value"].clone()));
        return entries.iter().map(entry).collect();
    }
    let object: Value = serde_json::from_str(body["stringValue"].as_str()?).ok()?;
    let fields = object.as_object()?.iter();
    // No line of the corpus has a list or a map in it.
    let any = |value: &Value| match value {
        Value::String(text) => Some(json!({"stringValue": text})),
        Value::Bool(boolean) => Some(json!({"boolValue": boolean})),
        Value::Number(number) => Some(json!({"intValue": number.to_string()})),
        _ => None,
    };
    fields
        .map(|(key, value)| Some((key.clone(), any(value)?)))
        .collect()
}

/// Whether a linked record's own fields say what this one does.
fn is_said(record: &Value, key: &str, value: &Value) -> bool {
    let text = value["stringValue"].as_str().unwrap_or_default();
    let id = |field: &str| {
        let own = record[field].as_str().unwrap_or_default();
        text.eq_ignore_ascii_case(own) || text.bytes().all(|byte| byte == b'0')
    };
    match key {
        "trace_id" | "traceId" | "otelTraceID" => id("traceId"),
        "span_id" | "spanId" | "otelSpanID" => id("spanId"),
        "otelTraceSampled" => value["boolValue"] == (record["flags"] == 1),
        "severity" => text == record["severityText"],
        _ => false,
    }
}

/// What lifting makes of a linked record, but for the order of the attributes. Nothing, if there is nothing to lift.
fn lifted(record: &Value) -> Option<Value> {
    let fields = fields(&record["body"])?;
    let mut expected = record.clone();
    let has = |key: &str| fields.iter().any(|(other, _)| other == key);
    let message = if has("message") { "message" } else { "event" };
    let attributes = attributes_of(&mut expected);
    for (key, value) in &fields {
        if key != message && !is_said(record, key, value) {
            attributes.push(json!({"key": key, "value": value}));
        }
    }
    let body = fields.iter().find(|(key, _)| key == message);
    if let (Some((_, message)), Some(record)) = (body, expected.as_object_mut()) {
        record.insert("body".to_owned(), message.clone());
    }
    Some(sorted(expected))
}

/// The record with its attributes by their keys.
fn sorted(mut record: Value) -> Value {
    attributes_of(&mut record).sort_by_key(|attribute| attribute["key"].to_string());
    record
}

fn attributes_of(record: &mut Value) -> &mut Vec<Value> {
    let attributes = record.get_mut("attributes").and_then(Value::as_array_mut);
    attributes.expect("a record has a list of attributes")
}

#[test]
fn bodies_that_are_objects_are_taken_apart_and_all_other_records_only_linked() {
    let mut link = Harness::<Link>::new(json!({})).expect("a config");
    let mut lift = Harness::<Link>::new(json!({"lift": true})).expect("a config");
    let (mut all, mut objects, mut counted) = (0, 0, 0);
    for file in log_files() {
        let bytes = fs::read(&file).expect("a request");
        let given = Request::from_protobuf(Signal::Logs, &bytes).expect("logs");
        let linked = link.run(given.clone()).expect("link never fails");
        let outcome = lift.run(given).expect("lifting never fails");
        let (before, after) = (records(&linked.request), records(&outcome.request));
        assert_eq!(before.len(), after.len());
        for (before, after) in before.into_iter().zip(after) {
            all += 1;
            if let Some(expected) = lifted(&before) {
                objects += 1;
                assert_eq!(sorted(after), expected, "{}", file.display());
            } else {
                assert_eq!(after, before, "{}", file.display());
            }
        }
        counted += outcome.counters.get("lifted_records").copied().unwrap_or(0);
    }
    assert_eq!((all, objects, counted), (2788, 159, 159));
}

#[test]
fn lines_give_their_severity_to_records_that_have_none_and_no_time_without_a_zone() {
    let bytes = fs::read(fixture("logs-0209.pb")).expect("a request");
    let Request::Logs(mut logs) = Request::from_protobuf(Signal::Logs, &bytes).expect("logs")
    else {
        panic!("these are logs")
    };
    let scopes = logs
        .resource_logs
        .iter_mut()
        .flat_map(|resource| &mut resource.scope_logs);
    for record in scopes.flat_map(|scope| &mut scope.log_records) {
        record.time_unix_nano = 0;
        record.severity_number = 0;
        record.severity_text.clear();
    }
    let given = Request::Logs(logs);
    let mut lift = Harness::<Link>::new(json!({"lift": true})).expect("a config");
    let outcome = lift.run(given.clone()).expect("lifting never fails");
    let mut levels = 0;
    for (before, after) in records(&given).iter().zip(records(&outcome.request)) {
        let fields = fields(&before["body"]).unwrap_or_default();
        let has = |key: &str| fields.iter().any(|(other, _)| other == key);
        let expected = if has("severity") {
            (9, "INFO")
        } else {
            (0, "")
        };
        levels += usize::from(has("severity"));
        assert_eq!(after["severityNumber"], expected.0, "{before}");
        assert_eq!(after["severityText"], expected.1, "{before}");
        assert_eq!(after["timeUnixNano"], "0", "{before}");
        assert_eq!(
            after["observedTimeUnixNano"],
            before["observedTimeUnixNano"]
        );
        let attributes = after["attributes"].as_array().expect("a list");
        let keeps = |key: &str| attributes.iter().any(|attribute| attribute["key"] == key);
        assert!(!has("timestamp") || keeps("timestamp"), "{before}");
    }
    assert_eq!(levels, 137);
}

/// The requests that hold logs.
fn log_files() -> Vec<PathBuf> {
    let files = fs::read_dir(fixture("")).expect("the corpus");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("logs-") && name.ends_with(".pb")
    });
    files.sort();
    files
}
