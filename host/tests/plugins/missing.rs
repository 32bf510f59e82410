//! Plugins that are missing: what is said, and what is waited for.

use super::*;

#[test]
fn a_plugin_that_is_missing_or_refused_keeps_otlet_from_starting() {
    let folder = folder(&[
        ("broken.wasm", b"\0asm"),
        ("program.wasm", b"\0asm\x01\0\0\0"),
    ]);
    let pinned = format!("allow: {{ redact: {} }}", digest(b"another"));
    for (plugins, processor, says) in [
        ("", "tenant", "/plugins/tenant.wasm"),
        ("", "broken", "it is no WebAssembly component"),
        (
            "",
            "program",
            "the core module is no plugin: it exports no otlet:plugin/processor@0.1.0#describe",
        ),
        (
            pinned.as_str(),
            "redact",
            "`plugins.allow` asks for sha256:",
        ),
        // This one only a Collector has.
        ("", "batch", "sending_queue"),
    ] {
        let config = config(folder.path(), plugins, processor, "http://127.0.0.1:1");
        let mut otlet = Program::begin_with(command(OTLET), &config, &[]);
        assert_eq!(otlet.ended().code(), Some(2));
        let said = otlet.said();
        assert!(said.contains(says), "{said}");
        assert!(
            said.contains(&format!("plugin `{processor}` cannot be had")),
            "{said}"
        );
        let path = folder.path().join("otlet.yaml");
        fs::write(&path, config).unwrap();
        let checked = command(OTLET).arg("check").arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn a_plugin_that_is_missing_can_be_waited_for() {
    let (folder, backend) = (folder(&[]), Backend::start());
    let config = config(folder.path(), "", "tenant", &backend.endpoint());
    let otlet = Program::begin_with(command(OTLET), &config, &["--wait-for-plugins"]);
    let line = otlet.wait_for("waiting for a plugin");
    assert!(line.contains("tenant.wasm"), "{line}");
    let (status, text) = page(otlet.admin(), "/readyz");
    assert_eq!(
        (status, text.as_str()),
        (503, "waiting for plugins: /plugins says for which\n")
    );
    assert_eq!(page(otlet.admin(), "/healthz").0, 200);
    let listed = rows(&otlet, "tenant");
    assert_eq!(listed[0]["state"], "missing");
    let reason = listed[0]["reason"].as_str().unwrap();
    assert!(reason.ends_with("/plugins/tenant.wasm"), "{reason}");

    let file = folder.path().join("plugins/tenant.wasm");
    fs::write(&file, &guests::BAD[..1000]).unwrap();
    otlet.wait_for("it is no WebAssembly component");
    fs::write(&file, guests::BAD).unwrap();
    otlet.wait_for("ready");
    assert_eq!(page(otlet.admin(), "/readyz").0, 200);
    assert!(mailed(&otlet, &backend).contains("jane@"));
    let listed = rows(&otlet, "tenant");
    assert_eq!((listed.len(), &listed[0]["state"]), (1, &json!("used")));
}

#[test]
fn an_otlet_that_waits_ends_when_it_is_told() {
    let folder = folder(&[]);
    let config = config(folder.path(), "", "tenant", "http://127.0.0.1:1");
    let mut otlet = Program::begin_with(command(OTLET), &config, &["--wait-for-plugins"]);
    otlet.wait_for("waiting for a plugin");
    assert!(otlet.terminate().success());
    assert!(
        otlet.said().contains("nothing was received"),
        "{}",
        otlet.said()
    );
}
