//! Properties of the plugin on many log records, of traces and of none.

use std::collections::{BTreeMap, BTreeSet};

use otlet_plugin::testing::{Harness, Request};
use sample::Sample;
use serde_json::{Value, json};

const RECORDS: usize = 10_000;

/// Log records with these fields, whose time is their number.
fn logs(fields: impl Fn(usize) -> Value) -> Request {
    let records = (0..RECORDS).map(|number| {
        let mut record = fields(number);
        let object = record.as_object_mut().expect("fields");
        object.insert("timeUnixNano".to_owned(), number.to_string().into());
        record
    });
    let records: Vec<_> = records.collect();
    let request = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": records }] }] });
    Request::from_json(&request.to_string()).expect("a request")
}

/// Of no trace, each with one of 1,000 requests' ids.
fn without_traces() -> Request {
    logs(|number| {
        let id = json!({ "stringValue": format!("request-{}", number % 1_000) });
        json!({ "attributes": [{ "key": "request.id", "value": id }] })
    })
}

/// Each of a trace of its own, whose randomness is spread evenly.
fn of_traces() -> Request {
    let step = (1_u64 << 56) / RECORDS as u64;
    logs(
        |number| json!({ "traceId": format!("{:032x}", (1_u128 << 64) + u128::from(step) * number as u128) }),
    )
}

fn sampled(config: Value, request: Request) -> Request {
    let mut sample = Harness::<Sample>::new(config).expect("a config");
    let outcome = sample.run(request).expect("sample never fails");
    assert!(outcome.counters.is_empty(), "{:?}", outcome.counters);
    outcome.request
}

/// Something of each record, by its number.
fn records<T>(request: &Request, of: impl Fn(Value) -> T) -> BTreeMap<usize, T> {
    let Request::Logs(request) = request else {
        return BTreeMap::new();
    };
    let resources = request.resource_logs.iter();
    let records = resources.flat_map(|resource| {
        resource
            .scope_logs
            .iter()
            .flat_map(|scope| &scope.log_records)
    });
    let number = |nanos| usize::try_from(nanos).expect("a number");
    records
        .map(|record| (number(record.time_unix_nano), of(json!(record.attributes))))
        .collect()
}

fn numbers(request: &Request) -> BTreeSet<usize> {
    records(request, |_| ()).into_keys().collect()
}

/// What record `number` has under this key.
fn attribute(request: &Request, number: usize, key: &str) -> Option<String> {
    let attributes = records(request, |attributes| attributes).remove(&number)?;
    let mut attributes = attributes.as_array()?.iter();
    let attribute = attributes.find(|attribute| attribute.get("key") == Some(&json!(key)))?;
    let text = attribute.pointer("/value/stringValue")?.as_str()?;
    Some(text.to_owned())
}

#[test]
fn records_of_traces_go_through_two_proportional_stages_as_spans_do() {
    let stage = |percentage: f64| json!({ "percentage": percentage, "mode": "proportional" });
    let twice = sampled(stage(20.0), sampled(stage(50.0), of_traces()));
    let once = sampled(
        json!({ "percentage": 10, "log_attributes": true }),
        of_traces(),
    );
    assert!(twice == once);
    assert_eq!(numbers(&once), (9_000..RECORDS).collect());
    assert_eq!(
        attribute(&once, 9_999, "sampling.threshold").as_deref(),
        Some("e666")
    );
}

#[test]
fn records_of_no_trace_are_kept_unless_a_rate_names_them() {
    let all = without_traces();
    assert!(sampled(json!({ "percentage": 1 }), all.clone()) == all);
    let rates = json!([{ "when": { "log.severity_number": 9 }, "percentage": 1 }]);
    assert!(sampled(json!({ "rates": rates }), all.clone()) == all);
}

#[test]
fn records_of_no_trace_are_sampled_by_chance() {
    let kept = numbers(&sampled(
        json!({ "rates": [{ "percentage": 10 }] }),
        without_traces(),
    ));
    // Three sigma of 10,000 at a tenth: 90.
    assert!((910..=1_090).contains(&kept.len()), "{}", kept.len());
    let every_tenth: BTreeSet<_> = kept.iter().map(|number| number % 1_000).collect();
    assert!(
        every_tenth.len() > 400,
        "each for itself: {}",
        every_tenth.len()
    );
}

#[test]
fn records_of_no_trace_are_sampled_together_by_what_they_have_in_common() {
    let by = "record.attributes[\"request.id\"]";
    let at = |percentage: f64| {
        let config = json!({ "rates": [{ "percentage": percentage, "by": by }] });
        numbers(&sampled(config, without_traces()))
    };
    let (tenth, half) = (at(10.0), at(50.0));
    let requests: BTreeSet<_> = tenth.iter().map(|number| number % 1_000).collect();
    assert_eq!(
        tenth.len(),
        10 * requests.len(),
        "all of a request, or none"
    );
    // Three sigma of 1,000 requests at a tenth: 28.5.
    assert!((72..=128).contains(&requests.len()), "{}", requests.len());
    assert!(tenth.is_subset(&half) && tenth.len() < half.len());
}

#[test]
fn chance_is_remembered_where_attributes_are_written() {
    let stage = |percentage: f64| json!({ "rates": [{ "percentage": percentage }], "mode": "proportional" });
    let half = sampled(stage(50.0), without_traces());
    let tenth = sampled(stage(20.0), half.clone());
    let (in_half, in_tenth) = (numbers(&half), numbers(&tenth));
    // Three sigma of 10,000 at a half and at a tenth: 150 and 90.
    assert!(
        (4_850..=5_150).contains(&in_half.len()),
        "{}",
        in_half.len()
    );
    assert!(
        (910..=1_090).contains(&in_tenth.len()),
        "{}",
        in_tenth.len()
    );
    let kept = *in_tenth.first().expect("some are kept");
    let randomness = |request| attribute(request, kept, "sampling.randomness");
    assert_eq!(randomness(&tenth), randomness(&half));
    assert!(randomness(&tenth).is_some_and(|text| text.as_str() >= "e666"));
    assert_eq!(
        attribute(&tenth, kept, "sampling.threshold").as_deref(),
        Some("e666")
    );
    // The same share as before, here: all of them pass.
    let equal = json!({ "rates": [{ "percentage": 10 }], "log_attributes": true });
    assert!(sampled(equal, tenth.clone()) == tenth);
}

#[test]
fn a_threshold_without_randomness_is_taken_at_its_word() {
    // As a Collector leaves records that it sampled by an attribute: half of them are to go, and none was untrue.
    let before = logs(|_| {
        let threshold = json!({ "stringValue": "8" });
        json!({ "attributes": [{ "key": "sampling.threshold", "value": threshold }] })
    });
    let config = json!({ "rates": [{ "percentage": 25 }], "log_attributes": true });
    let kept = numbers(&sampled(config, before));
    assert!((4_850..=5_150).contains(&kept.len()), "{}", kept.len());
}
