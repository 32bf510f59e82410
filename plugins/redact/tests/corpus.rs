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
