//! Rates and rules on requests of real SDKs, held against the same decisions made in the plainest way.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use otlet_plugin::Signal;
use otlet_plugin::testing::{Harness, Request};
use sample::Sample;
use serde_json::{Value, json};

/// The requests of a signal.
fn corpus(signal: Signal) -> Vec<Request> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/corpus");
    let start = format!("{signal}-");
    let files = fs::read_dir(folder)
        .expect("the corpus")
        .map(|file| file.expect("a file").path());
    let mut files: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "pb"))
        .filter(|file| {
            file.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(&start))
        })
        .collect();
    files.sort();
    let request = |file| {
        let bytes = fs::read(file).expect("a request");
        Request::from_protobuf(signal, &bytes).expect("a request")
    };
    files.into_iter().map(request).collect()
}

/// Each request, before and after.
fn through(config: Value, signal: Signal) -> Vec<(Request, Request)> {
    let mut sample = Harness::<Sample>::new(config).expect("a config");
    let pass = |before: Request| {
        let after = sample
            .run(before.clone())
            .expect("sample never fails")
            .request;
        (before, after)
    };
    corpus(signal).into_iter().map(pass).collect()
}

/// The name of the service that these attributes of a resource are of.
fn service(attributes: Value) -> String {
    let Value::Array(attributes) = attributes else {
        return String::new();
    };
    let is_name = |attribute: &&Value| attribute.get("key") == Some(&json!("service.name"));
    let name = attributes.iter().find(is_name);
    let text = name.and_then(|name| name.pointer("/value/stringValue")?.as_str());
    text.unwrap_or_default().to_owned()
}

/// The number that the last seven bytes of a trace id are.
fn randomness(trace_id: &[u8]) -> u64 {
    let last = trace_id.iter().rev().take(7).rev();
    last.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

const SERVICE: &str = "resource.attributes[\"service.name\"]";

/// 2^56, of which a share is kept.
const ALL: u64 = 1 << 56;

#[test]
fn spans_are_decided_by_their_service_and_their_trace() {
    let config = json!({ "percentage": 12.5, "rates": [
        { "when": { SERVICE: { "matches": "flask" } }, "percentage": 50 },
        { "when": { "span.name": { "matches": "^(connect|GET)$" } }, "percentage": 0 },
        { "of": SERVICE, "percentages": { "fastapi-pricing": 25, "flask-shop": 0 } },
    ] });
    let mut seen = BTreeMap::new();
    for (mut before, after) in through(config, Signal::Traces) {
        let Request::Traces(request) = &mut before else {
            continue;
        };
        for resource in &mut request.resource_spans {
            let attributes = resource
                .resource
                .as_ref()
                .map(|resource| &resource.attributes);
            let service = service(json!(attributes));
            for scope in &mut resource.scope_spans {
                scope.spans.retain_mut(|span| {
                    let (lowest, threshold) = match span.name.as_str() {
                        _ if service.contains("flask") => (ALL / 2, "8"),
                        "connect" | "GET" => return false,
                        _ if service == "fastapi-pricing" => (ALL / 4 * 3, "c"),
                        _ => (ALL / 8 * 7, "e"),
                    };
                    span.trace_state = match span.trace_state.as_str() {
                        "" => format!("ot=th:{threshold}"),
                        others => format!("ot=th:{threshold},{others}"),
                    };
                    let is_kept = randomness(&span.trace_id) >= lowest;
                    *seen.entry((threshold, is_kept)).or_insert(0) += 1;
                    is_kept
                });
            }
            resource.scope_spans.retain(|scope| !scope.spans.is_empty());
        }
        request
            .resource_spans
            .retain(|resource| !resource.scope_spans.is_empty());
        assert!(before == after);
    }
    assert_eq!(
        seen.len(),
        6,
        "spans are kept and dropped at each threshold: {seen:?}"
    );
}

#[test]
fn logs_are_decided_by_their_severity_and_their_trace() {
    let config = json!({
        "percentage": 25,
        "rates": [{ "when": { "log.severity_number": { "below": 13 }, "record.trace_id": { "exists": true } }, "percentage": 50 }],
        "keep": { "errors": true },
        "log_attributes": true,
    });
    let mut seen = BTreeMap::new();
    for (mut before, after) in through(config, Signal::Logs) {
        let Request::Logs(request) = &mut before else {
            continue;
        };
        for resource in &mut request.resource_logs {
            for scope in &mut resource.scope_logs {
                scope.log_records.retain_mut(|record| {
                    let (lowest, threshold) = match record.severity_number {
                        _ if record.trace_id.iter().all(|byte| *byte == 0) => {
                            *seen.entry(("of no trace", true)).or_insert(0) += 1;
                            return true;
                        }
                        17.. => (0, "0"),
                        1..13 => (ALL / 2, "8"),
                        _ => (ALL / 4 * 3, "c"),
                    };
                    let says = json!({ "key": "sampling.threshold", "value": { "stringValue": threshold } });
                    record.attributes.push(serde_json::from_value(says).expect("an attribute"));
                    let is_kept = randomness(&record.trace_id) >= lowest;
                    *seen.entry((threshold, is_kept)).or_insert(0) += 1;
                    is_kept
                });
            }
            resource
                .scope_logs
                .retain(|scope| !scope.log_records.is_empty());
        }
        request
            .resource_logs
            .retain(|resource| !resource.scope_logs.is_empty());
        assert!(before == after);
    }
    assert_eq!(
        seen.remove(&("of no trace", true)),
        Some(1_056),
        "as the corpus says"
    );
    assert_eq!(seen.values().sum::<usize>(), 2_788 - 1_056);
    assert_eq!(
        seen.len(),
        5,
        "errors are kept, others kept and dropped: {seen:?}"
    );
}

/// The values of a list under a key.
fn each<'a>(json: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    json.get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// The data points of all kinds, each with the name of its metric.
fn points(request: &Request) -> Vec<(Value, Value)> {
    let json = request.to_json();
    let scopes = each(&json, "resourceMetrics").flat_map(|resource| each(resource, "scopeMetrics"));
    let metrics = scopes.flat_map(|scope| each(scope, "metrics"));
    let points = metrics.flat_map(|metric| {
        let fields = metric
            .as_object()
            .into_iter()
            .flat_map(|fields| fields.values());
        let points = fields.flat_map(|field| each(field, "dataPoints"));
        points.map(|point| {
            (
                metric.get("name").cloned().unwrap_or_default(),
                point.clone(),
            )
        })
    });
    points.collect()
}

#[test]
fn metrics_are_dropped_by_their_name_and_points_by_an_attribute() {
    let config = json!({ "percentage": 0, "metrics": {
        "keep_only": { "metric.name": { "matches": "^(http|db)\\." } },
        "drop": { "record.attributes[\"http.method\"]": "GET" },
    } });
    let is_kept = |(name, point): &(Value, Value)| {
        let name = name.as_str().unwrap_or_default();
        let is_get = |attribute: &Value| {
            let value = attribute.pointer("/value/stringValue");
            attribute.get("key") == Some(&json!("http.method")) && value == Some(&json!("GET"))
        };
        (name.starts_with("http.") || name.starts_with("db."))
            && !each(point, "attributes").any(is_get)
    };
    let (mut all, mut kept) = (0, 0);
    for (before, after) in through(config, Signal::Metrics) {
        let mut expected = points(&before);
        all += expected.len();
        expected.retain(is_kept);
        kept += expected.len();
        assert_eq!(points(&after), expected);
    }
    assert_eq!(all, 650, "as the corpus says");
    assert!((1..650).contains(&kept), "{kept}");
}
