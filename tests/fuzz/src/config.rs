//! The config file, up to what `otlet check` says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use otlet::config;
use serde_json::Value;

use crate::Target;

/// A config can be used, and then has a pipeline, or its report names mistakes; no report shows a secret.
pub const TARGET: Target = Target {
    name: "config",
    run,
    seeds,
    choices: 0..0,
    words: &[
        ": ",
        "- ",
        "\n",
        "\n  ",
        "\t",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "| \n",
        "\"",
        "'",
        "#",
        "${env:TOKEN}",
        "${env:",
        "$$",
        "---\n",
        "\u{e9}",
        "~",
        "99999999999999999999",
    ],
};

const SECRET: &str = "s3cret-token";

fn run(data: &[u8]) -> bool {
    let environment = |name: &str| (name == "TOKEN").then(|| SECRET.to_owned());
    let mut draft = config::parse("otlet.yaml", data, &environment);
    let plugins: Vec<String> = draft
        .processors()
        .map(|processor| processor.plugin.clone())
        .collect();
    let names: Vec<&str> = SCHEMAS.keys().map(String::as_str).collect();
    for (at, plugin) in plugins.iter().enumerate() {
        match SCHEMAS.get(plugin) {
            Some(schema) => {
                draft.check_plugin_config(at, schema);
            }
            None => draft.no_plugin(at, &names),
        }
    }
    let (usable, report) = match draft.finish() {
        Ok(loaded) => {
            assert!(!loaded.config.pipelines.is_empty());
            (true, loaded.warnings)
        }
        Err(report) => {
            assert!(report.errors() > 0);
            (false, report)
        }
    };
    let text = report.render(false);
    assert!(usable || !text.is_empty());
    assert!(text.len() <= report.render(true).len());
    let says_it_itself = String::from_utf8_lossy(data).contains(SECRET);
    assert!(says_it_itself || !text.contains(SECRET), "{text}");
    usable
}

/// What the plugins of the seeds take.
static SCHEMAS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let schema = |path: PathBuf| {
        let name = path.file_stem()?.to_str()?.to_owned();
        Some((name, serde_json::from_slice(&fs::read(path).ok()?).ok()?))
    };
    files("schemas", "json").filter_map(schema).collect()
});

/// The configs of `host/tests/configs.rs`, good and bad.
fn seeds() -> Vec<Vec<u8>> {
    files("", "yaml")
        .filter_map(|path| fs::read(path).ok())
        .collect()
}

/// The files of a folder of the configs with that extension, in order.
fn files(folder: &str, extension: &str) -> impl Iterator<Item = PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../configs")
        .join(folder);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths.into_iter()
}
