//! Versions that are no good: before they are used, and in service.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use otlet_tests::metrics::page;
use serde_json::json;

use super::*;

/// A span that some versions fail on.
const BAD: u64 = 404;

#[test]
fn a_version_that_is_no_good_leaves_the_one_that_runs() {
    let hot = Hot::start(&[("stamp.wasm", &good(1))], &["stamp"]);
    for (orders, reason) in [
        (
            r#"{"number": 2, "configure": true}"#,
            "does not take the config of processor",
        ),
        (
            r#"{"number": 3, "vice": "trap", "always": true}"#,
            "failed with it on a sample of traces (trap)",
        ),
        (
            r#"{"number": 4, "vice": "error", "always": true}"#,
            "failed with it on a sample of traces (error)",
        ),
        ("no orders", "does not take the config of processor"),
    ] {
        let (before, wasm) = (hot.otlet.lines(), version(orders));
        hot.put("stamp.wasm", &wasm);
        let line = (hot.otlet).wait_for_after(before, &Digest::of(&wasm).to_string());
        assert!(line.contains("a plugin's file is refused"), "{line}");
        assert!(line.contains(reason), "{line}");
        assert_eq!(hot.sends(), 1);
    }
    hot.swap("stamp.wasm", &good(5));
    assert_eq!(hot.sends(), 5);
}

#[test]
fn a_trap_brings_the_old_version_back_and_the_batch_arrives() {
    let hot = Hot::start(&[("stamp.wasm", &good(1))], &["stamp"]);
    hot.swap("stamp.wasm", &version(r#"{"number": 2, "vice": "trap"}"#));
    assert_eq!(hot.sends(), 2);
    let reply = hot.send(BAD);
    assert_eq!(reply.code, 0, "{}", reply.message);
    assert_eq!(hot.arrived(BAD), 1);
    assert_eq!(hot.sends(), 1);
    let line = hot.otlet.wait_for("it failed in service");
    assert!(line.contains("a plugin's file is refused"), "{line}");
}

#[test]
fn three_errors_bring_the_old_version_back_and_the_third_batch_arrives() {
    let hot = Hot::start(&[("stamp.wasm", &good(1))], &["stamp"]);
    hot.swap("stamp.wasm", &version(r#"{"number": 2, "vice": "error"}"#));
    for _ in 0..2 {
        assert_ne!(hot.send(BAD).code, 0);
        assert_eq!(hot.sends(), 2);
    }
    assert_eq!(hot.send(BAD).code, 0);
    assert_eq!(hot.arrived(BAD), 1);
    assert_eq!(hot.sends(), 1);
}

#[test]
fn a_trap_after_the_first_batches_is_the_batchs_own() {
    let hot = Hot::start(&[("stamp.wasm", &good(1))], &["stamp"]);
    hot.swap("stamp.wasm", &version(r#"{"number": 2, "vice": "trap"}"#));
    for _ in 0..20 {
        assert_eq!(hot.sends(), 2);
    }
    hot.otlet.wait_for("plugin has passed its trial");
    assert_ne!(hot.send(BAD).code, 0);
    assert_eq!(hot.sends(), 2);
}

#[test]
fn what_one_processor_fails_on_brings_the_old_version_back_in_all() {
    let hot = Hot::start(&[("stamp.wasm", &good(1))], &["stamp/a", "stamp/b"]);
    hot.swap("stamp.wasm", &version(r#"{"number": 2, "vice": "trap"}"#));
    assert_eq!(hot.sends(), 2);
    assert_eq!(hot.send(BAD).code, 0);
    hot.otlet.wait_for("it failed in service");
    assert_eq!(hot.sends(), 1);
}

#[test]
fn what_breakers_do_is_shown_for_each_processor() {
    let fails = version(r#"{"number": 1, "vice": "error", "always": true}"#);
    let hot = Hot::start(&[("stamp.wasm", &fails)], &["stamp", "redact"]);
    let processor = |plugin: &str| {
        let (_, page) = page(hot.otlet.admin(), "/plugins");
        let page: serde_json::Value = serde_json::from_str(&page).unwrap();
        let rows = page["plugins"].as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == plugin).unwrap();
        assert_eq!(row["processors"].as_array().unwrap().len(), 1, "{row}");
        assert_eq!(row["processors"][0]["version"], row["version"]);
        row["processors"][0].clone()
    };
    let closed = |name: &str, version| {
        let closed = json!({"state": "closed"});
        let breakers = json!({"traces": closed, "metrics": closed, "logs": closed});
        json!({"name": name, "version": version, "breakers": breakers})
    };
    let version = processor("redact")["version"].clone();
    assert!(version.is_string());
    assert_eq!(processor("redact"), closed("redact", version.clone()));
    assert_eq!(processor("stamp"), closed("stamp", json!(null)));
    // A sender that is alone trips it, in a while.
    let began = Instant::now();
    let breaker = || processor("stamp")["breakers"]["traces"].clone();
    let mut number = 0;
    while breaker()["state"] == "closed" {
        number += 1;
        assert_ne!(hot.send(number).code, 0);
        assert!(began.elapsed() < Duration::from_mins(1));
    }
    let tripped = breaker();
    let next = tripped["next_try_in_seconds"].as_u64().unwrap();
    let expected = if tripped["state"] == "open" {
        0..=1
    } else {
        assert_eq!(tripped["state"], "half_open");
        1..=60
    };
    assert!(expected.contains(&next), "{tripped}");
    assert_eq!(processor("stamp")["breakers"]["logs"]["state"], "closed");
    assert_eq!(processor("redact"), closed("redact", version));
    hot.swap("stamp.wasm", &good(2));
    assert_eq!(processor("stamp"), closed("stamp", json!(null)));
}

#[test]
fn a_marked_file_stays_refused_until_it_changes() {
    let hot = Hot::start(&[("stamp.wasm", &good(1))], &["stamp"]);
    let bad = version(r#"{"number": 2, "vice": "trap"}"#);
    hot.swap("stamp.wasm", &bad);
    assert_eq!(hot.send(BAD).code, 0);
    hot.otlet.wait_for("it failed in service");
    // The same component is the same file, whenever it is written.
    hot.put("stamp.wasm", &bad);
    hot.put("other.wasm", b"is looked at after it");
    hot.otlet.wait_for("other.wasm");
    assert_eq!(hot.sends(), 1);
    hot.swap("stamp.wasm", &good(3));
    assert_eq!(hot.sends(), 3);
    // The mark is lifted.
    hot.swap("stamp.wasm", &bad);
    assert_eq!(hot.sends(), 2);
}

#[test]
fn a_mark_and_the_last_good_version_survive_a_restart() {
    let mut hot = Hot::start(&[("stamp.wasm", &good(1))], &["stamp"]);
    hot.swap("stamp.wasm", &good(2));
    for _ in 0..20 {
        assert_eq!(hot.sends(), 2);
    }
    hot.otlet.wait_for("plugin has passed its trial");
    let bad = version(r#"{"number": 3, "vice": "trap"}"#);
    hot.swap("stamp.wasm", &bad);
    assert_eq!(hot.send(BAD).code, 0);
    hot.otlet.wait_for("it failed in service");
    hot.restart(&["stamp"]);
    hot.otlet.wait_for("the version before it is in use");
    assert_eq!(hot.sends(), 2);
    // Another file lifts the mark, also for the one that had it.
    hot.swap("stamp.wasm", &good(4));
    assert_eq!(hot.sends(), 4);
    hot.swap("stamp.wasm", &bad);
    assert_eq!(hot.sends(), 3);
    hot.restart(&["stamp"]);
    hot.otlet.wait_for(&in_use(&bad));
    assert_eq!(hot.sends(), 3);
}

#[test]
fn a_version_that_has_not_passed_its_trial_is_on_trial_again_after_a_restart() {
    let mut hot = Hot::start(&[("stamp.wasm", &good(1))], &["stamp"]);
    hot.swap("stamp.wasm", &good(2));
    for _ in 0..20 {
        assert_eq!(hot.sends(), 2);
    }
    hot.otlet.wait_for("plugin has passed its trial");
    // It is refused before it is used, by the restarted program too.
    let refused = version(r#"{"number": 3, "vice": "trap", "always": true}"#);
    hot.put("stamp.wasm", &refused);
    hot.otlet.wait_for("on a sample of traces (trap)");
    hot.restart(&["stamp"]);
    assert_eq!(hot.sends(), 2);
    hot.otlet.wait_for("on a sample of traces (trap)");
    assert_eq!(hot.sends(), 2);
    // It does well until it meets a span that none has sent yet.
    let bad = version(r#"{"number": 4, "vice": "trap"}"#);
    hot.swap("stamp.wasm", &bad);
    assert_eq!(hot.sends(), 4);
    hot.restart(&["stamp"]);
    hot.otlet.wait_for(&in_use(&bad));
    assert_eq!(hot.sends(), 4);
    assert_eq!(hot.send(BAD).code, 0);
    assert_eq!(hot.arrived(BAD), 2);
}

#[test]
fn without_a_folder_to_remember_in_a_mark_is_forgotten_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("plugins")).unwrap();
    fs::write(folder.path().join("plugins/stamp.wasm"), good(1)).unwrap();
    fs::create_dir(folder.path().join("cache")).unwrap();
    // Others can look into it.
    fs::set_permissions(folder.path().join("cache"), Permissions::from_mode(0o755)).unwrap();
    let mut hot = Hot::start_in(folder, &["stamp"]);
    hot.swap("stamp.wasm", &version(r#"{"number": 2, "vice": "trap"}"#));
    assert_eq!(hot.send(BAD).code, 0);
    hot.otlet
        .wait_for("there is no folder to remember in that a plugin failed");
    hot.restart(&["stamp"]);
    assert_eq!(hot.sends(), 2);
}

#[test]
fn without_a_folder_to_remember_in_a_trial_that_ends_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("plugins")).unwrap();
    fs::write(folder.path().join("plugins/stamp.wasm"), good(1)).unwrap();
    fs::create_dir(folder.path().join("cache")).unwrap();
    // Others can look into it.
    fs::set_permissions(folder.path().join("cache"), Permissions::from_mode(0o755)).unwrap();
    let mut hot = Hot::start_in(folder, &["stamp"]);
    let ended = "it is used without one from now on";
    for (version, ends) in [(good(2), "a reload"), (good(3), "the end")] {
        hot.swap("stamp.wasm", &version);
        assert!(!hot.otlet.said().contains(ended), "{ends}");
        let line = if ends == "a reload" {
            let config = config(hot.folder.path(), &hot.backend, &["stamp"]);
            let config = config.replace("stamp: {}", "stamp: { on_error: drop }");
            let line = hot.otlet.reload(&config, ended);
            // Another trial is not over yet.
            hot.restart(&["stamp"]);
            line
        } else {
            hot.otlet.terminate();
            hot.otlet.wait_for(ended)
        };
        assert!(line.contains(&Digest::of(&version).to_string()), "{line}");
    }
}

#[test]
fn with_a_folder_to_remember_in_a_trial_goes_on_later_and_nothing_is_told() {
    let mut hot = Hot::start(&[("stamp.wasm", &good(1))], &["stamp"]);
    hot.swap("stamp.wasm", &good(2));
    hot.otlet.terminate();
    assert!(
        !hot.otlet.said().contains("on trial"),
        "{}",
        hot.otlet.said()
    );
}

#[test]
fn a_redact_that_does_nothing_is_refused_and_redaction_goes_on() {
    let hot = Hot::start(&[], &["redact"]);
    hot.put("redact.wasm", &good(1));
    let line = hot.otlet.wait_for("a plugin's file is refused");
    assert!(line.contains("a bundled plugin has this name"), "{line}");
    let mut request = spans([7]);
    let span = &mut request.resource_spans[0].scope_spans[0].spans[0];
    "GET /carts of ann.smith@example.com".clone_into(&mut span.name);
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let sent = runtime.block_on(hot.sender().send(&Request::Traces(request)));
    assert_eq!(sent.unwrap().code, 0);
    assert_eq!(hot.arrived(7), 0);
    let received = format!("{:?}", hot.backend.received());
    assert!(received.contains("GET /carts"), "{received}");
    assert!(!received.contains("ann.smith"), "{received}");
}
