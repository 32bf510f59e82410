//! Keeps the modules in the order of the data: each knows those that it hands on to, and none before it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every module and what it may use of the others; `app` and what stands above it put the parts together.
const MAY_USE: [(&str, &[&str]); 30] = [
    ("heap", &[]),
    ("memory", &["telemetry"]),
    ("acceptance", &[]),
    ("batch", &[]),
    ("date", &[]),
    ("fresh", &[]),
    ("auth", &["fresh"]),
    ("tls", &["date", "fresh"]),
    ("watch", &["fresh"]),
    ("refusal", &[]),
    ("rpc", &[]),
    ("runtime", &["heap"]),
    ("telemetry", &[]),
    ("admin", &["telemetry"]),
    ("otlp", &["batch"]),
    ("payload", &["batch", "memory"]),
    ("compression", &["batch", "payload", "refusal"]),
    (
        "letters",
        &[
            "batch",
            "compression",
            "date",
            "payload",
            "refusal",
            "telemetry",
        ],
    ),
    ("plugin", &["batch", "telemetry"]),
    (
        "queue",
        &[
            "acceptance",
            "batch",
            "memory",
            "payload",
            "refusal",
            "telemetry",
        ],
    ),
    (
        "exporter",
        &[
            "acceptance",
            "auth",
            "batch",
            "compression",
            "date",
            "fresh",
            "letters",
            "memory",
            "otlp",
            "payload",
            "queue",
            "refusal",
            "rpc",
            "runtime",
            "telemetry",
            "tls",
        ],
    ),
    (
        "connector",
        &[
            "acceptance",
            "batch",
            "letters",
            "memory",
            "payload",
            "queue",
            "refusal",
            "runtime",
            "telemetry",
        ],
    ),
    (
        "pipeline",
        &[
            "acceptance",
            "batch",
            "compression",
            "connector",
            "exporter",
            "heap",
            "letters",
            "memory",
            "otlp",
            "payload",
            "plugin",
            "queue",
            "refusal",
            "telemetry",
        ],
    ),
    (
        "receiver",
        &[
            "acceptance",
            "auth",
            "batch",
            "compression",
            "fresh",
            "memory",
            "otlp",
            "payload",
            "refusal",
            "rpc",
            "runtime",
            "telemetry",
            "tls",
        ],
    ),
    (
        "metrics",
        &[
            "batch",
            "connector",
            "exporter",
            "letters",
            "memory",
            "payload",
            "pipeline",
            "plugin",
            "queue",
            "receiver",
            "runtime",
            "telemetry",
        ],
    ),
    (
        "config",
        &[
            "admin",
            "auth",
            "batch",
            "connector",
            "exporter",
            "fresh",
            "letters",
            "metrics",
            "plugin",
            "queue",
            "receiver",
            "telemetry",
            "tls",
        ],
    ),
    (
        "app",
        &[
            "admin",
            "batch",
            "config",
            "connector",
            "exporter",
            "letters",
            "memory",
            "metrics",
            "payload",
            "pipeline",
            "plugin",
            "queue",
            "receiver",
            "refusal",
            "runtime",
            "watch",
        ],
    ),
    ("demo", EVERY),
    ("cli", EVERY),
    ("main", EVERY),
];

const EVERY: &[&str] = &[
    "acceptance",
    "admin",
    "app",
    "auth",
    "batch",
    "cli",
    "compression",
    "config",
    "connector",
    "date",
    "demo",
    "exporter",
    "fresh",
    "heap",
    "letters",
    "memory",
    "metrics",
    "otlp",
    "payload",
    "pipeline",
    "plugin",
    "queue",
    "receiver",
    "refusal",
    "rpc",
    "runtime",
    "telemetry",
    "tls",
    "watch",
];

/// Crates, and the modules that alone may use them.
const ALONE: [(&str, &[&str]); 5] = [
    ("prometheus_client::", &["metrics"]),
    ("wasmtime::", &["plugin"]),
    ("tonic::transport", &["receiver", "exporter"]),
    ("saphyr_parser::", &["config"]),
    ("rustls::", &["tls"]),
];

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every module with the text of its files, tests left out.
fn modules() -> Vec<(String, String)> {
    let mut modules = vec![];
    for entry in fs::read_dir(sources()).expect("the sources are there") {
        let path = entry.expect("a folder can be read").path();
        let name = path
            .file_stem()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned();
        if path.extension().is_some_and(|extension| extension == "rs") && name != "lib" {
            let mut text = String::new();
            read(&path, &mut text);
            read(&sources().join(&name), &mut text);
            modules.push((name, text));
        }
    }
    modules
}

fn read(path: &Path, text: &mut String) {
    if path.file_stem().is_some_and(|name| name == "tests") {
        return;
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder can be read") {
            read(&entry.expect("a folder can be read").path(), text);
        }
    } else if path.extension().is_some_and(|it| it == "rs") && path.is_file() {
        let file = fs::read_to_string(path).expect("a source file is text");
        text.push_str(
            file.split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or_default(),
        );
    }
}

/// What stands after `crate::`, in lists too.
fn uses(text: &str) -> BTreeSet<String> {
    let mut uses = BTreeSet::new();
    for after in text.split("crate::").skip(1) {
        let list = after
            .strip_prefix('{')
            .and_then(|list| list.split('}').next());
        for item in
            list.unwrap_or(after)
                .split(", ")
                .take(if list.is_some() { usize::MAX } else { 1 })
        {
            let word = item
                .trim()
                .split(|c: char| !c.is_ascii_lowercase())
                .next()
                .unwrap_or_default();
            if EVERY.contains(&word) {
                uses.insert(word.to_owned());
            }
        }
    }
    uses
}

#[test]
fn a_module_uses_only_those_that_come_after_it() {
    let mut wrong = vec![];
    for (module, text) in modules() {
        let Some((_, may)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
            panic!("{module} has no place in the order: give it one");
        };
        for used in uses(&text) {
            if used != module && !may.contains(&used.as_str()) {
                wrong.push(format!("{module} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn crates_of_one_part_stay_in_it() {
    for (module, text) in modules() {
        for (name, alone) in ALONE {
            let used = text
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains(name));
            assert!(
                !used || alone.contains(&module.as_str()),
                "{module} uses {name}"
            );
        }
    }
}

#[test]
fn the_order_is_read_out_of_the_sources() {
    assert_eq!(modules().len(), MAY_USE.len());
    assert_eq!(
        uses("use crate::{batch, queue};\ncrate::payload::Payload"),
        ["batch", "payload", "queue"].map(str::to_owned).into()
    );
}
