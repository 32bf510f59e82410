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
