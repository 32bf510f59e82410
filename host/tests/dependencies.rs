//! Every dependency comes from the one registry, by its checksum, under a licence that otlet may be given away with.
//!
//! Sources are held for all of `Cargo.lock`, licences for what is built here, natively and as guests. No advisory database is
//! asked: a test has no network.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use spdx::{Expression, ParseMode};

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// What everything may be licensed under.
const LICENCES: [&str; 9] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

/// What one crate may be, besides. LLVM's old licence is of libFuzzer's own code, which is in nothing that is released.
const EXCEPTIONS: [(&str, &str); 2] = [("libfuzzer-sys", "NCSA"), ("notify", "CC0-1.0")];

/// Whether a crate of this name may be used under this expression, as its manifest has it.
fn is_allowed(name: &str, expression: &str) -> bool {
    let Ok(expression) = Expression::parse_mode(expression, ParseMode::LAX) else {
        return false;
    };
    expression.evaluate(|licence| {
        let licence = licence.to_string();
        LICENCES.contains(&licence.as_str()) || EXCEPTIONS.contains(&(name, licence.as_str()))
    })
}

/// The packages that are built for a target, ours among them.
fn packages(target: &str) -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--format-version", "1"])
        .args(["--filter-platform", target])
        .current_dir(WORKSPACE)
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata.get("packages").and_then(Value::as_array);
    packages.expect("cargo lists packages").clone()
}

fn host() -> String {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .expect("rustc runs");
    let output = String::from_utf8(output.stdout).expect("rustc writes UTF-8");
    let host = output.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc names its host").to_owned()
}

#[test]
fn every_licence_is_one_of_those_that_are_allowed() {
    let mut seen = 0;
    let mut wrong = BTreeSet::new();
    for target in [&host(), "wasm32-unknown-unknown"] {
        for package in packages(target) {
            let name = package["name"].as_str().expect("a package has a name");
            let licence = package["license"].as_str().unwrap_or("none");
            seen += 1;
            if !is_allowed(name, licence) {
                wrong.insert(format!("{name}: {licence}"));
            }
        }
    }
    assert!(seen > 300, "only {seen} packages were seen");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_not_allowed_is_told_from_what_is() {
    for expression in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0-only OR ISC",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(is_allowed("any", expression), "{expression}");
    }
    for expression in [
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "CC0-1.0",
        "none",
        "",
    ] {
        assert!(!is_allowed("any", expression), "{expression}");
    }
    assert!(is_allowed("notify", "CC0-1.0"));
}

#[test]
fn every_source_is_the_registry_and_has_a_checksum() {
    let lock = std::fs::read_to_string(format!("{WORKSPACE}/Cargo.lock")).expect("it is kept");
    let mut foreign = 0;
    for package in lock.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let mut lines = package.lines();
            lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))
        };
        let Some(source) = value("source") else {
            continue;
        };
        foreign += 1;
        assert_eq!(
            source, "\"registry+https://github.com/rust-lang/crates.io-index\"",
            "{package}"
        );
        assert!(value("checksum").is_some(), "{package}");
    }
    assert!(foreign > 300, "only {foreign} packages were seen");
}

#[test]
fn every_version_that_is_asked_for_is_named() {
    for package in packages(&host()) {
        if !package["source"].is_null() {
            continue;
        }
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let is_any = dependency["req"] == "*" && dependency["path"].is_null();
            assert!(
                !is_any,
                "{} asks for any {}",
                package["name"], dependency["name"]
            );
        }
    }
}
