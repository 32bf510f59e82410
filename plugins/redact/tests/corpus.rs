//! Redact on requests of real SDKs with planted people in them, of which it is known what stands where.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use otlet_plugin::Signal;
use otlet_plugin::testing::{Harness, Request};
use redact::Redact;
use serde_json::{Value, json};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/corpus")
        .join(name)
}

fn planted() -> Value {
    let planted = fs::read_to_string(fixture("planted.json")).expect("the planted people");
    serde_json::from_str(&planted).expect("JSON")
}

/// The secrets of the planted people, in the spellings that they have in URLs and forms too.
fn secrets(planted: &Value) -> BTreeSet<String> {
    let people = planted["people"].as_array().expect("people");
    let fields = [
        "email",
        "card",
        "card_text",
        "token",
        "password",
        "phone",
        "ip",
    ];
    let values = people
        .iter()
        .flat_map(|person| fields.map(|field| person[field].as_str().expect("a text")));
    let mut secrets = BTreeSet::new();
    for value in values.chain(planted["ops_email"].as_str()) {
        let escaped = value
            .replace('+', "%2B")
            .replace('!', "%21")
            .replace('$', "%24")
            .replace('*', "%2A")
            .replace('#', "%23")
            .replace('(', "%28")
            .replace(')', "%29");
        for spelling in [
            value,
            &escaped,
            &value.replace(' ', "+"),
            &value.replace(' ', "%20"),
            &escaped.replace(' ', "+"),
            &escaped.replace(' ', "%20"),
        ] {
            secrets.insert(spelling.replace('@', "%40"));
            secrets.insert(spelling.to_owned());
        }
    }
    secrets
}

/// The requests, by file.
fn requests() -> Vec<(String, Request)> {
    let files = fs::read_dir(fixture("")).expect("the requests");
    let names = files.map(|file| {
        file.expect("a file")
            .file_name()
            .to_string_lossy()
            .into_owned()
    });
    let mut names: Vec<_> = names
        .filter(|name| name.strip_suffix(".pb").is_some())
        .collect();
    names.sort();
    let read = |name: String| {
        let bytes = fs::read(fixture(&name)).expect("a request");
        let request = Request::from_protobuf(signal(&name), &bytes).expect("a request");
        (name, request)
    };
    names.into_iter().map(read).collect()
}

fn signal(file: &str) -> Signal {
    let name = file.split('-').next().expect("a name");
    Signal::from_name(name).expect("a signal")
}

/// Everything in a request that can be read: texts and bytes as they are, and numbers in decimal.
fn readable(request: &Request) -> String {
    let bytes = request.to_protobuf();
    [
        String::from_utf8_lossy(&bytes).as_ref(),
        &request.to_json().to_string(),
    ]
    .concat()
}

#[test]
fn every_planted_secret_is_gone_and_every_decoy_stays() {
    let mut redact = Harness::<Redact>::new(json!({})).expect("a config");
    let planted = planted();
    let secrets = secrets(&planted);
    let decoys: Vec<_> = planted["decoys_strict"]
        .as_object()
        .expect("decoys")
        .values()
        .collect();
    let (mut found, mut counters) = (0, BTreeMap::new());
    for (file, given) in requests() {
        let before = readable(&given);
        let outcome = redact.run(given).expect("redact never fails");
        let after = readable(&outcome.request);
        for secret in &secrets {
            found += before.matches(secret).count();
            assert!(!after.contains(secret), "{secret} is still in {file}");
        }
        for decoy in decoys.iter().map(|decoy| decoy.as_str().expect("a text")) {
            assert_eq!(
                after.matches(decoy).count(),
                before.matches(decoy).count(),
                "{decoy} in {file}"
            );
        }
        for (name, count) in outcome.counters {
            *counters.entry(name).or_insert(0) += count;
        }
        let again = redact
            .run(outcome.request.clone())
            .expect("redact never fails");
        assert_eq!(again.request, outcome.request, "{file}, twice");
        assert!(
            again.counters.is_empty(),
            "{file}, twice: {:?}",
            again.counters
        );
    }
    assert!(found > 3_900, "{found} secrets are in the requests");
    let counts = [
        ("redacted_credit_card", 1_073),
        ("redacted_phone", 409),
        ("redacted_ip", 464),
    ];
    for (name, count) in counts {
        assert_eq!(counters.get(name), Some(&count), "{counters:?}");
    }
}

#[test]
fn every_action_hides_once_and_for_all() {
    let secrets = secrets(&planted());
    for action in ["hash", "partial", "remove"] {
        let config = json!({
            "action": action,
            "series": action,
            "sql": "shape",
            "keys": {"deny": ["user_id", "http.*"]},
        });
        let mut redact = Harness::<Redact>::new(config).expect("a config");
        for (file, given) in requests().into_iter().step_by(4) {
            let outcome = redact.run(given).expect("redact never fails");
            let after = readable(&outcome.request);
            for secret in &secrets {
                assert!(!after.contains(secret), "{action}: {secret} in {file}");
            }
            let again = redact
                .run(outcome.request.clone())
                .expect("redact never fails");
            assert!(again.request == outcome.request, "{action}: {file}, twice");
            assert!(again.counters.is_empty(), "{action}: {file}, twice");
        }
    }
}

/// The elements under this key.
fn all(value: &Value, key: &str) -> Vec<Value> {
    let elements = value.get(key).and_then(Value::as_array);
    elements.cloned().unwrap_or_default()
}

/// What tells apart each data point of a request, in JSON.
fn series(request: &Request) -> Vec<String> {
    let mut series = Vec::new();
    for resource in all(&request.to_json(), "resourceMetrics") {
        for scope in all(&resource, "scopeMetrics") {
            for metric in all(&scope, "metrics") {
                let kinds = [
                    "gauge",
                    "sum",
                    "histogram",
                    "exponentialHistogram",
                    "summary",
                ];
                let kinds = kinds.iter().filter_map(|kind| metric.get(kind));
                for point in kinds.flat_map(|kind| all(kind, "dataPoints")) {
                    let above = [resource.get("resource"), scope.get("scope")];
                    let of_metric = [metric.get("name"), metric.get("unit")];
                    let own = point.get("attributes");
                    series.push(json!([above, of_metric, own]).to_string());
                }
            }
        }
    }
    series
}

#[test]
fn series_that_were_apart_stay_apart() {
    let config =
        json!({"action": "remove", "sql": "shape", "keys": {"deny": ["http.*", "user.*"]}});
    let mut redact = Harness::<Redact>::new(config).expect("a config");
    let (mut points, mut hidden) = (0, 0);
    for (file, given) in requests() {
        if given.signal() != Signal::Metrics {
            continue;
        }
        let before = series(&given);
        let outcome = redact.run(given).expect("redact never fails");
        let after = series(&outcome.request);
        let pairs: BTreeSet<_> = before.iter().zip(&after).collect();
        let count = |series: &[String]| series.iter().collect::<BTreeSet<_>>().len();
        assert_eq!(before.len(), after.len(), "{file}");
        assert_eq!(pairs.len(), count(&before), "{file}");
        assert_eq!(pairs.len(), count(&after), "{file}");
        points += after.len();
        hidden += pairs
            .iter()
            .filter(|(before, after)| before != after)
            .count();
    }
    assert!(
        points > 500 && hidden > 100,
        "{points} points, {hidden} hidden"
    );
}
