//! Where plugins come from, and which there may be, changed with the config.

use std::fs;
use std::time::{Duration, Instant};

use otlet_tests::backend::Backend;
use otlet_tests::guests;
use otlet_tests::metrics::page;
use otlet_tests::requests::{int, kv, text};
use otlet_tests::sender::Sender;

use super::{APPLIED, REFUSED, arrived, run, send, shop, to, traces};

/// What the guest's first version has in its bytes, and its second.
const NUMBERS: [&[u8]; 2] = [br#"{"number": 1}"#, br#"{"number": 2}"#];

/// The guest's second version.
fn second() -> Vec<u8> {
    let mut wasm = guests::STAMP.to_vec();
    let [first, second] = NUMBERS;
    let found = wasm.windows(first.len()).position(|bytes| bytes == first);
    let at = found.unwrap();
    wasm[at..at + first.len()].copy_from_slice(second);
    wasm
}

#[tokio::test]
async fn a_plugin_directory_comes_and_goes_with_the_config() {
    let (backend, folder) = (Backend::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("stamp.wasm");
    fs::write(&file, guests::STAMP).unwrap();
    let to = to(&backend.endpoint());
    let bare = traces(&[], &[("otlp", &to)]);
    let directory = format!("plugins: {{ directory: '{}' }}\n", folder.path().display());
    let with = directory + &traces(&[("stamp", "")], &[("otlp", &to)]);
    let otlet = run(&bare);
    let sender = Sender::grpc(otlet.grpc());
    send(&sender, 0).await;
    let line = otlet.reload(&with, APPLIED);
    assert!(line.contains("plugins"), "{line}");
    send(&sender, 1).await;
    // It is watched.
    let before = otlet.lines();
    fs::write(folder.path().join("new"), second()).unwrap();
    fs::rename(folder.path().join("new"), &file).unwrap();
    otlet.wait_for_after(before, "in use digest=");
    send(&sender, 2).await;
    otlet.reload(&bare, APPLIED);
    send(&sender, 3).await;
    let spans = arrived(&backend.wait_for(4));
    let stamps: Vec<_> = spans.into_iter().map(|span| span.attributes).collect();
    let stamp = |number| vec![kv("version", int(number))];
    assert_eq!(stamps, [vec![], stamp(1), stamp(2), vec![]]);
}

#[tokio::test]
async fn a_plugin_that_may_no_longer_be_had_keeps_the_config_from_being_used() {
    let backend = Backend::start();
    let to = to(&backend.endpoint());
    let config = |value: &str| traces(&[("enrich", &shop(value))], &[("otlp", &to)]);
    let otlet = run(&config("a"));
    let sender = Sender::grpc(otlet.grpc());
    let pin = format!(
        "plugins: {{ allow: {{ enrich: 'sha256:{}' }} }}\n",
        "0".repeat(64)
    );
    let before = otlet.lines();
    otlet.reload(&(pin + &config("b")), REFUSED);
    otlet.wait_for_after(before, "plugin `enrich` cannot be had");
    send(&sender, 0).await;
    otlet.reload(&config("c"), APPLIED);
    send(&sender, 1).await;
    let spans = arrived(&backend.wait_for(2));
    let shops: Vec<_> = spans.into_iter().map(|span| span.attributes).collect();
    assert_eq!(shops, ["a", "c"].map(|value| vec![kv("shop", text(value))]));
}

#[tokio::test]
async fn what_a_refused_config_did_not_allow_is_listed_as_used_again() {
    let (backend, folder) = (Backend::start(), tempfile::tempdir().unwrap());
    fs::write(folder.path().join("stamp.wasm"), guests::STAMP).unwrap();
    let to = to(&backend.endpoint());
    let config = |allow: &str| {
        let directory = folder.path().display();
        let plugins = format!("plugins: {{ directory: '{directory}', {allow} }}\n");
        plugins + &traces(&[("stamp", "")], &[("otlp", &to)])
    };
    let otlet = run(&config(""));
    let sender = Sender::grpc(otlet.grpc());
    let before = otlet.lines();
    let pin = format!("allow: {{ stamp: 'sha256:{}' }}", "0".repeat(64));
    otlet.reload(&config(&pin), REFUSED);
    // It is looked at again once what was allowed before is.
    otlet.wait_for_after(before, "plugin loaded");
    // The change of the file may have the config read once more.
    let began = Instant::now();
    loop {
        let (_, listed) = page(otlet.admin(), "/plugins");
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let rows = listed["plugins"].as_array().unwrap().iter();
        let rows: Vec<_> = rows.filter(|row| row["name"] == "stamp").collect();
        if rows.len() == 1 && rows[0]["state"] == "used" {
            break;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "{rows:?}");
    }
    send(&sender, 1).await;
    let spans = arrived(&backend.wait_for(1));
    assert_eq!(spans[0].attributes, vec![kv("version", int(1))]);
    assert!(!otlet.said().contains("a plugin's new version is in use"));
}
