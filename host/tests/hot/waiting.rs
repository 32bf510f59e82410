//! `otlet run --wait-for-plugins`: what may change while it waits.

use otlet_tests::metrics::page;
use otlet_tests::program::command;

use super::*;

/// Begins to wait, with these plugins.
fn waits(plugins: &[(&str, &[u8])], processors: &[&str]) -> Hot {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("plugins")).unwrap();
    for (name, wasm) in plugins {
        fs::write(folder.path().join("plugins").join(name), wasm).unwrap();
    }
    let backend = Backend::start();
    let config = config(folder.path(), &backend, processors);
    let otlet = Program::begin_with(command(OTLET), &config, &["--wait-for-plugins"]);
    otlet.wait_for("waiting for a plugin");
    Hot::with(folder, backend, otlet)
}

impl Hot {
    fn config(&self, processors: &[&str]) -> String {
        config(self.folder.path(), &self.backend, processors)
    }

    fn is_ready(&self) -> bool {
        page(self.otlet.admin(), "/readyz").0 == 200
    }
}

#[test]
fn a_config_that_changes_while_plugins_are_waited_for_is_read_again() {
    let hot = waits(&[("stamp.wasm", &good(1))], &["missing"]);
    // What no file of the directory can mend is told, and nothing else comes of it.
    for (bad, says) in [
        ("oh: no".to_owned(), "unknown key `oh`"),
        (
            hot.config(&["stamp"]) + "  telemetry: { logs: { encoding: json } }\n",
            "`service.telemetry.logs.encoding` is read at the start alone",
        ),
        (
            hot.config(&["enrich"])
                .replace("{ enrich: {} }", "{ enrich: { config: { a: 1 } } }"),
            "unknown key `a`",
        ),
    ] {
        let before = hot.otlet.lines();
        hot.otlet.configure(&bad);
        hot.otlet
            .wait_for_after(before, "otlet waits with the one before");
        hot.otlet.wait_for_after(before, says);
        assert!(!hot.is_ready());
    }
    // Another that waits takes its place, with another admin endpoint.
    let before = hot.otlet.lines();
    let other = hot.config(&["other"]);
    let moved = "127.0.0.1:0 }\nplugins";
    assert!(other.contains(moved));
    hot.otlet
        .configure(&other.replacen(moved, "127.0.0.2:0 }\nplugins", 1));
    let line = hot.otlet.wait_for_after(before, "waiting for a plugin");
    assert!(line.contains("other.wasm"), "{line}");
    hot.otlet
        .wait_for_after(before, "admin endpoint listening address=127.0.0.2:");
    let before = hot.otlet.lines();
    hot.otlet.configure(&hot.config(&["stamp"]));
    hot.otlet.wait_for_after(before, "ready");
    assert_eq!(hot.sends(), 1);
}

#[test]
fn a_plugin_that_does_not_take_its_config_is_waited_with_for_a_better_one() {
    let refuses = version(r#"{"number": 2, "configure": true}"#);
    let hot = waits(&[("stamp.wasm", &refuses)], &["stamp"]);
    hot.otlet.wait_for("plugin `stamp`: as ordered");
    assert!(!hot.is_ready());
    let (_, listed) = page(hot.otlet.admin(), "/plugins");
    let digest = Digest::of(&refuses).to_string();
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let row = listed["plugins"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["digest"] == digest)
        .unwrap();
    assert_eq!(row["state"], "refused", "{row}");
    let reason = row["reason"].as_str().unwrap();
    assert!(reason.contains("as ordered"), "{reason}");
    hot.put("stamp.wasm", &good(3));
    hot.otlet.wait_for("ready");
    assert!(hot.is_ready());
    assert_eq!(hot.sends(), 3);
}

#[test]
fn a_plugin_that_does_not_take_its_config_may_be_given_another() {
    let wants = version(r#"{"number": 2, "wants": "north"}"#);
    let hot = waits(&[("stamp.wasm", &wants)], &["stamp"]);
    hot.otlet.wait_for("it wants north");
    let config = hot.config(&["stamp"]);
    let given = config.replace("stamp: {}", "stamp: { config: { a: north } }");
    hot.otlet.configure(&given);
    hot.otlet.wait_for("ready");
    assert_eq!(hot.sends(), 2);
}

#[test]
fn a_config_with_mistakes_of_its_own_is_not_waited_with() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &Backend::start(), &["missing"]) + "oh: no\n";
    let mut otlet = Program::begin_with(command(OTLET), &config, &["--wait-for-plugins"]);
    assert_eq!(otlet.ended().code(), Some(2));
    let said = otlet.said();
    assert!(said.contains("unknown key `oh`"), "{said}");
    assert!(!said.contains("waiting"), "{said}");
}
