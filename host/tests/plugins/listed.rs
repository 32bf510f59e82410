//! What `otlet plugin list` says.

use super::*;

/// The bad guest that calls itself `other`.
fn misnamed() -> Vec<u8> {
    let honest = r#"{"version": "6.6.6", "on_error": "reject"}"#;
    let lie = format!(
        "{:width$}",
        r#"{"name": "other", "version": "6.6.6"}"#,
        width = honest.len()
    );
    let mut wasm = guests::BAD.to_vec();
    let at = wasm
        .windows(honest.len())
        .position(|part| part == honest.as_bytes())
        .unwrap();
    wasm[at..at + lie.len()].copy_from_slice(lie.as_bytes());
    wasm
}

#[test]
fn the_list_has_every_plugin_and_what_is_wrong_with_it() {
    let misnamed = misnamed();
    let folder = folder(&[
        ("tenant.wasm", &misnamed),
        ("broken.wasm", b"\0asm"),
        ("module.wasm", guests::STAMP_MODULE),
        ("sample.wasm", guests::ECHO),
        ("README.md", b"none"),
    ]);
    let path = folder.path().join("otlet.yaml");
    fs::write(
        &path,
        config(folder.path(), "", "tenant", "http://127.0.0.1:1"),
    )
    .unwrap();
    let list = |words: &[&str]| {
        let mut command = command(OTLET);
        let output = command
            .args(["plugin", "list", "--config"])
            .arg(&path)
            .args(words)
            .output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let json = list(&["--format", "json"]);
    let tenant = of_name(&json, "tenant");
    let file = folder
        .path()
        .join("plugins/tenant.wasm")
        .display()
        .to_string();
    assert_eq!(
        tenant,
        [json!({
            "name": "tenant",
            "version": "6.6.6",
            "digest": digest(&misnamed),
            "source": file,
            "state": "used",
            "signals": ["traces", "metrics", "logs"],
            "processors": [{"name": "tenant"}],
            "warnings": ["its manifest calls it \"other\", and processors name it by its file"],
        })]
    );
    let states = |name| -> Vec<_> {
        let rows = of_name(&json, name);
        rows.iter()
            .map(|row| row["state"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(states("broken"), ["refused"]);
    assert_eq!(states("module"), ["available"]);
    let module = &of_name(&json, "module")[0];
    assert_eq!(module["digest"], digest(guests::STAMP_MODULE));
    assert_eq!(states("sample"), ["available", "refused"]);
    assert_eq!(states("redact"), ["available"]);
    assert!(of_name(&json, "redact")[0]["version"].is_string());
    assert!(states("README").is_empty());

    let table = list(&[]);
    let mut lines = table.lines();
    let head: Vec<_> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(
        head,
        [
            "NAME",
            "VERSION",
            "STATE",
            "SIGNALS",
            "PROCESSORS",
            "DIGEST",
            "SOURCE"
        ]
    );
    let tenant: Vec<_> = table
        .lines()
        .find(|line| line.starts_with("tenant"))
        .unwrap()
        .split_whitespace()
        .collect();
    let short: String = digest(&misnamed).chars().take(19).collect();
    assert_eq!(
        tenant,
        [
            "tenant",
            "6.6.6",
            "used",
            "traces,metrics,logs",
            "tenant",
            &short,
            &file
        ]
    );
    assert!(table.contains("refused: sample ("), "{table}");
    assert!(table.contains("warning: tenant ("), "{table}");
}
