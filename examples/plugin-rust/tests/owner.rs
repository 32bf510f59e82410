//! The plugin as otlet calls it, but natively.

use otlet_plugin::testing::{Harness, Outcome, Request};
use owner::Owner;
use serde_json::{Value, json};

fn run(config: Value, request: Value) -> Outcome {
    let request = Request::from_json(&request.to_string()).unwrap();
    Harness::<Owner>::new(config).unwrap().run(request).unwrap()
}

/// Two resources: a service with a team and one without, each with two spans.
fn spans() -> Value {
    let of = |service: &str| {
        json!({
            "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": service } }] },
            "scopeSpans": [{ "spans": [{ "name": "GET /healthz" }, { "name": "POST /" }] }],
        })
    };
    json!({ "resourceSpans": [of("cart"), of("search")] })
}

fn config(more: Value) -> Value {
    let mut config = json!({ "teams": { "checkout": "payments", "cart": "web" } });
    let more = more.as_object().unwrap().clone();
    config.as_object_mut().unwrap().extend(more);
    config
}

#[test]
fn a_service_that_is_listed_gets_its_team() {
    let outcome = run(config(json!({})), spans());
    let request = outcome.request.to_json();
    let attributes = |i: usize| &request["resourceSpans"][i]["resource"]["attributes"];
    assert_eq!(
        attributes(0)[1],
        json!({ "key": "team", "value": { "stringValue": "web" } })
    );
    assert_eq!(attributes(1).as_array().unwrap().len(), 1);
    assert_eq!(outcome.counters, [("resources_owned".to_owned(), 1)].into());
}

#[test]
fn the_attribute_is_the_one_that_the_config_names() {
    let outcome = run(config(json!({ "attribute": "owner \"team\"" })), spans());
    let request = outcome.request.to_json();
    let attribute = &request["resourceSpans"][0]["resource"]["attributes"][1];
    assert_eq!(attribute["key"], "owner \"team\"");
}

#[test]
fn spans_are_dropped_by_how_their_names_begin() {
    let outcome = run(
        config(json!({ "drop": ["GET /healthz", "GET /readyz"] })),
        spans(),
    );
    let request = outcome.request.to_json();
    for resource in request["resourceSpans"].as_array().unwrap() {
        let spans = resource["scopeSpans"][0]["spans"].as_array().unwrap();
        assert_eq!((spans.len(), &spans[0]["name"]), (1, &json!("POST /")));
    }
    assert_eq!(outcome.counters["spans_dropped"], 2);
}

#[test]
fn log_records_have_no_names_and_stay() {
    let request = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{ "body": { "stringValue": "GET /healthz" } }] }] }] });
    let outcome = run(config(json!({ "drop": ["GET /healthz"] })), request);
    let left = &outcome.request.to_json()["resourceLogs"][0]["scopeLogs"][0]["logRecords"];
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert!(outcome.counters.values().all(|count| *count == 0));
}

#[test]
fn a_config_without_teams_is_refused() {
    let error = Harness::<Owner>::new(json!({})).err().unwrap();
    let said = format!("{error:?}");
    assert!(said.contains("teams"), "{said}");
}
