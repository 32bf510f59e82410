//! Where plugins come from, and which there may be, changed with the config.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use otlet_tests::backend::Backend;
use otlet_tests::guests;
use otlet_tests::metrics::page;
use otlet_tests::program::Program;
use otlet_tests::requests::{int, kv, text};
use otlet_tests::sender::Sender;

use super::{APPLIED, REFUSED, arrived, reloads, run, send, shop, to, traces};

/// The guest's second version.
fn second() -> Vec<u8> {
    version(r#"{"number": 2}"#)
}

/// A version of the guest with these orders.
fn version(orders: &str) -> Vec<u8> {
    let mut wasm = guests::STAMP.to_vec();
    let first = br#"{"number": 1}"#;
    let found = wasm.windows(first.len()).position(|bytes| bytes == first);
    let at = found.unwrap();
    wasm[at..at + orders.len()].copy_from_slice(orders.as_bytes());
    wasm
}

/// Puts a file into a folder, whole at once.
fn put(folder: &Path, name: &str, bytes: &[u8]) {
    fs::write(folder.join("new"), bytes).unwrap();
    fs::rename(folder.join("new"), folder.join(name)).unwrap();
}

/// A config with this plugin directory, and what else `plugins` has.
fn with(folder: &Path, plugins: &str, processors: &[(&str, &str)], backend: &Backend) -> String {
    let directory = folder.display();
    let to = to(&backend.endpoint());
    format!("plugins: {{ directory: '{directory}'{plugins} }}\n")
        + &traces(processors, &[("otlp", &to)])
}

/// The versions that spans were stamped with, in their order; none for one that was not.
fn stamps(backend: &Backend, count: usize) -> Vec<Option<i64>> {
    let spans = arrived(&backend.wait_for(count));
    let number = |number: &i64| vec![kv("version", int(*number))];
    let stamp = |attributes: &Vec<_>| (1..9).find(|it| number(it) == *attributes);
    spans.iter().map(|span| stamp(&span.attributes)).collect()
}

fn plugins_page(otlet: &Program) -> String {
    let (status, text) = page(otlet.admin(), "/plugins");
    assert_eq!(status, 200);
    text
}

#[tokio::test]
async fn a_plugin_directory_comes_and_goes_with_the_config() {
    let (backend, folder) = (Backend::start(), tempfile::tempdir().unwrap());
    put(folder.path(), "stamp.wasm", guests::STAMP);
    let to = to(&backend.endpoint());
    let bare = traces(&[], &[("otlp", &to)]);
    let with = with(folder.path(), "", &[("stamp", "")], &backend);
    let otlet = run(&bare);
    let sender = Sender::grpc(otlet.grpc());
    send(&sender, 0).await;
    let line = otlet.reload(&with, APPLIED);
    assert!(line.contains("plugins"), "{line}");
    send(&sender, 1).await;
    // It is watched.
    let before = otlet.lines();
    put(folder.path(), "stamp.wasm", &second());
    otlet.wait_for_after(before, "in use digest=");
    send(&sender, 2).await;
    otlet.reload(&bare, APPLIED);
    send(&sender, 3).await;
    assert_eq!(stamps(&backend, 4), [None, Some(1), Some(2), None]);
}

#[tokio::test]
async fn a_config_that_lacks_a_plugin_is_used_once_its_file_is_there() {
    let (backend, folder) = (Backend::start(), tempfile::tempdir().unwrap());
    let otlet = run(&with(folder.path(), "", &[], &backend));
    let sender = Sender::grpc(otlet.grpc());
    let before = otlet.lines();
    otlet.reload(
        &with(folder.path(), "", &[("stamp", "")], &backend),
        REFUSED,
    );
    otlet.wait_for_after(before, "stamp.wasm");
    send(&sender, 0).await;
    // A file that changes nothing about it is no reason to say the same again.
    let before = otlet.lines();
    put(folder.path(), "other.wasm", guests::STAMP);
    otlet.wait_for_after(before, "for the same reasons");
    // Nor is one that cannot be used the end of it.
    let before = otlet.lines();
    put(folder.path(), "stamp.wasm", b"none of the kind");
    otlet.wait_for_after(before, REFUSED);
    send(&sender, 1).await;
    assert_eq!(reloads(&otlet, "applied"), 0);
    let before = otlet.lines();
    put(folder.path(), "stamp.wasm", guests::STAMP);
    otlet.wait_for_after(before, APPLIED);
    send(&sender, 2).await;
    assert_eq!(stamps(&backend, 3), [None, None, Some(1)]);
    assert_eq!(reloads(&otlet, "applied"), 1);
    // It waits no more: only the config and plugins in use are looked at.
    let (before, refused) = (otlet.lines(), reloads(&otlet, "refused"));
    put(folder.path(), "stamp.wasm", &second());
    otlet.wait_for_after(before, "in use digest=");
    assert_eq!(reloads(&otlet, "refused"), refused);
}

#[tokio::test]
async fn a_version_and_the_config_that_it_alone_takes_may_come_in_any_order() {
    let (backend, folder) = (Backend::start(), tempfile::tempdir().unwrap());
    let config = |value: &str| {
        let config = format!("config: {{ a: {value} }}");
        with(folder.path(), "", &[("stamp", &config)], &backend)
    };
    let wants = |number: u8, value: &str| {
        version(&format!("{{\"number\": {number}, \"wants\": \"{value}\"}}"))
    };
    put(folder.path(), "stamp.wasm", &wants(1, "north"));
    let otlet = run(&config("north"));
    let sender = Sender::grpc(otlet.grpc());
    send(&sender, 0).await;
    // The config first.
    otlet.reload(&config("south"), REFUSED);
    send(&sender, 1).await;
    let before = otlet.lines();
    put(folder.path(), "stamp.wasm", &wants(2, "south"));
    otlet.wait_for_after(before, APPLIED);
    send(&sender, 2).await;
    // The version first.
    let before = otlet.lines();
    put(folder.path(), "stamp.wasm", &wants(3, "east"));
    otlet.wait_for_after(before, "a plugin's file is refused");
    send(&sender, 3).await;
    otlet.reload(&config("east"), APPLIED);
    send(&sender, 4).await;
    assert_eq!(stamps(&backend, 5), [1, 1, 2, 2, 3].map(Some));
}

#[tokio::test]
async fn a_config_that_is_refused_changes_nothing_about_plugins_either() {
    let (backend, folder) = (Backend::start(), tempfile::tempdir().unwrap());
    put(folder.path(), "stamp.wasm", guests::STAMP);
    let shop = shop("a");
    let processors = [("stamp", ""), ("enrich", &*shop)];
    let good = with(folder.path(), "", &processors, &backend);
    let otlet = run(&good);
    let sender = Sender::grpc(otlet.grpc());
    send(&sender, 0).await;
    let before = plugins_page(&otlet);
    let other = tempfile::tempdir().unwrap();
    let pin = format!("sha256:{}", "0".repeat(64));
    for bad in [
        with(
            folder.path(),
            &format!(", allow: {{ stamp: '{pin}', enrich: '{pin}' }}"),
            &processors,
            &backend,
        ),
        with(other.path(), "", &processors, &backend),
        with(
            folder.path(),
            "",
            &[("stamp", ""), ("enrich", ""), ("missing", "")],
            &backend,
        ),
    ] {
        otlet.reload(&bad, REFUSED);
        assert_eq!(plugins_page(&otlet), before);
    }
    send(&sender, 1).await;
    backend.wait_for(2);
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
    let pin = format!("allow: {{ stamp: 'sha256:{}' }}", "0".repeat(64));
    otlet.reload(&config(&pin), REFUSED);
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
