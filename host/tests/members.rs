//! Every native member of the workspace is tested by a plain `cargo test`.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// What is only ever compiled to WebAssembly.
const GUESTS: &str = "guest-";

fn names(metadata: &Value, list: &str) -> BTreeSet<String> {
    let ids: BTreeSet<&str> = metadata[list]
        .as_array()
        .expect("cargo lists members")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let packages = metadata["packages"]
        .as_array()
        .expect("cargo lists packages");
    packages
        .iter()
        .filter(|package| package["id"].as_str().is_some_and(|id| ids.contains(id)))
        .filter_map(|package| package["name"].as_str())
        .map(str::to_owned)
        .collect()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs");
    serde_json::from_slice(&output.stdout).expect("cargo writes JSON")
}

#[test]
fn cargo_test_tests_every_native_member() {
    let metadata = metadata();
    let members = names(&metadata, "workspace_members");
    let tested = names(&metadata, "workspace_default_members");
    assert!(
        members.contains("otlet") && members.contains("plugin-redact"),
        "{members:?}"
    );
    let left_out: Vec<_> = members
        .difference(&tested)
        .filter(|name| !name.starts_with(GUESTS))
        .collect();
    assert!(
        left_out.is_empty(),
        "not tested by `cargo test`: {left_out:?}"
    );
}

#[test]
fn cargo_run_can_only_mean_otlet() {
    let metadata = metadata();
    let binaries: Vec<_> = metadata["packages"]
        .as_array()
        .expect("cargo lists packages")
        .iter()
        .flat_map(|package| package["targets"].as_array().into_iter().flatten())
        .filter(|target| target["kind"][0] == "bin")
        .filter_map(|target| target["name"].as_str())
        .collect();
    assert_eq!(binaries, ["otlet"]);
}
