//! Versions whose schema does not take the config of a processor.

use super::*;

/// A processor of the guest that says of itself what a test wants, with this config.
fn configured(folder: &Path, backend: &Backend, told: &str) -> String {
    let config = config(folder, backend, &["bad"]);
    config.replace("bad: {}", &format!("bad: {{ config: {{ {told} }} }}"))
}

#[test]
fn a_version_whose_schema_does_not_take_a_config_is_refused_by_processor_and_key() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("plugins")).unwrap();
    fs::write(folder.path().join("plugins/bad.wasm"), guests::BAD).unwrap();
    let backend = Backend::start();
    let config = configured(folder.path(), &backend, "shop: hunter2");
    let otlet = Program::start(OTLET, &config);
    let hot = Hot::with(folder, backend, otlet);
    for (schema, says) in [
        (
            r#"{"required": ["town"]}"#,
            "the config of processor \"bad\" does not fit its schema: key `config.town` is missing",
        ),
        (
            r#"{"properties": {"shop": {"type": "integer"}}}"#,
            "the value of `config.shop` is not allowed",
        ),
        (
            r#"{"properties": {"town": {}}, "additionalProperties": false}"#,
            "key `config.shop` is unknown",
        ),
        (r##"{"$ref": "#"}"##, "the schema itself is not usable"),
    ] {
        let (before, wasm) = (hot.otlet.lines(), described(schema));
        hot.put("bad.wasm", &wasm);
        let line = (hot.otlet).wait_for_after(before, &Digest::of(&wasm).to_string());
        assert!(line.contains("a plugin's file is refused"), "{line}");
        // The log writes quotes in quotes.
        assert!(line.replace('\\', "").contains(says), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
        hot.sends();
    }
    hot.swap("bad.wasm", &described(r#"{"required": ["shop"]}"#));
    hot.sends();
}

#[test]
fn a_config_that_came_with_a_version_is_not_given_to_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plugins/bad.wasm");
    fs::create_dir(folder.path().join("plugins")).unwrap();
    fs::write(&file, described(r#"{"additionalProperties": false}"#)).unwrap();
    let backend = Backend::start();
    let otlet = Program::start(OTLET, &configured(folder.path(), &backend, ""));
    let mut hot = Hot::with(folder, backend, otlet);
    // That what runs does well is remembered.
    let new = described(r#"{"required": ["shop"]}"#);
    let proven = described(r#"{"maxProperties": 0}"#);
    hot.swap("bad.wasm", &proven);
    for _ in 0..20 {
        hot.sends();
    }
    hot.otlet.wait_for("plugin has passed its trial");
    hot.otlet.terminate();
    fs::write(&file, &new).unwrap();
    let wanted = configured(hot.folder.path(), &hot.backend, "shop: 1");
    hot.otlet = Program::start(OTLET, &wanted);
    hot.sends();
    let (_, listed) = otlet_tests::metrics::page(hot.otlet.admin(), "/plugins");
    assert!(listed.contains(&Digest::of(&new).to_string()), "{listed}");
}

/// A version with this schema.
fn described(schema: &str) -> Vec<u8> {
    manifest(&format!(r#"{{"config_schema": {schema}}}"#))
}
