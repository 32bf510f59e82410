//! Every `tests/configs/NAME.yaml` is a test: what it gives is in `NAME.err`, or, if it can be used, in `NAME.ok`, which
//! holds the warnings.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use otlet::config::{self, Config, Draft};
use serde_json::Value;

#[path = "configs/defaults.rs"]
mod defaults;
#[path = "configs/exporters.rs"]
mod exporters;
#[path = "configs/values.rs"]
mod values;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/configs")
}

/// The environment of the cases; everything else is not set.
fn environment(name: &str) -> Option<String> {
    let value = match name {
        "TOKEN" => "s3cret-token",
        "BACKEND" => "http://backend:4317",
        "MANY" => "12",
        "EMPTY" => "",
        _ => return None,
    };
    Some(value.to_owned())
}

/// The files of a folder with that extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension() == Some(OsStr::new(extension)))
        .collect();
    files.sort();
    files
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

fn schemas() -> BTreeMap<String, Value> {
    files(&folder().join("schemas"), "json")
        .iter()
        .map(|path| {
            let schema = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            (stem(path), schema)
        })
        .collect()
}

/// Reads a config and checks its plugins, as the program does.
fn draft(name: &str, bytes: &[u8], schemas: &BTreeMap<String, Value>) -> Draft {
    let mut draft = config::parse(name, bytes, &environment);
    let plugins: Vec<String> = draft
        .processors()
        .map(|processor| processor.plugin.clone())
        .collect();
    let names: Vec<&str> = schemas.keys().map(String::as_str).collect();
    for (at, plugin) in plugins.iter().enumerate() {
        match schemas.get(plugin) {
            Some(schema) => {
                draft.check_plugin_config(at, schema);
            }
            None => draft.no_plugin(at, &names),
        }
    }
    draft
}

/// The extension of the file that says what is expected of a case, and what it should say.
fn outcome(case: &Path, schemas: &BTreeMap<String, Value>) -> (&'static str, String) {
    let name = case.file_name().unwrap().to_str().unwrap();
    match draft(name, &fs::read(case).unwrap(), schemas).finish() {
        Ok(loaded) => ("ok", loaded.warnings.to_string()),
        Err(report) => ("err", report.to_string()),
    }
}

#[test]
fn every_config_gives_the_report_beside_it() {
    let schemas = schemas();
    let mut wrong = Vec::new();
    for case in files(&folder(), "yaml") {
        let (extension, text) = outcome(&case, &schemas);
        let expected = fs::read_to_string(case.with_extension(extension)).unwrap_or_default();
        let one = case.with_extension("ok").exists() != case.with_extension("err").exists();
        if !one || !case.with_extension(extension).exists() || expected.trim_end() != text {
            wrong.push(format!(
                "=== {} should give\n{expected}\n=== but gives, as .{extension}\n{text}\n",
                case.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_report_has_its_config() {
    for extension in ["err", "ok"] {
        for path in files(&folder(), extension) {
            assert!(path.with_extension("yaml").exists(), "{}", path.display());
        }
    }
    assert!(files(&folder(), "err").len() >= 30);
    assert!(files(&folder(), "ok").len() >= 3);
}

/// A case that can be used.
fn config(name: &str) -> Config {
    let bytes = fs::read(folder().join(name)).unwrap();
    draft(name, &bytes, &schemas()).finish().unwrap().config
}

#[test]
fn no_report_shows_what_the_environment_holds() {
    let schemas = schemas();
    let mut references = 0;
    for case in files(&folder(), "yaml") {
        let text = String::from_utf8_lossy(&fs::read(&case).unwrap()).into_owned();
        references += text.matches("TOKEN}").count();
        let (_, report) = outcome(&case, &schemas);
        assert!(!report.contains("s3cret"), "{report}");
    }
    assert!(references >= 5, "{references}");
}

#[test]
fn no_report_shows_a_secret_that_is_written_in_the_config() {
    let schemas = schemas();
    let mut written = 0;
    for case in files(&folder(), "yaml") {
        written += String::from_utf8_lossy(&fs::read(&case).unwrap())
            .matches("hunter2")
            .count();
        let (_, report) = outcome(&case, &schemas);
        assert!(!report.contains("hunter"), "{report}");
    }
    assert!(written >= 20, "{written}");
}

#[test]
fn what_a_plugins_schema_calls_write_only_is_not_shown() {
    let schema = serde_json::json!({
        "additionalProperties": false,
        "properties": {
            "plain": {"type": "number"},
            "pin": {"writeOnly": true, "type": "number"},
            "list": {"items": {"writeOnly": true}},
        },
    });
    let config = "
receivers: { otlp: { protocols: { grpc: } } }
processors:
  seal: { config: { pin: hunter2, list: [a, hunter22], plain: x, ohter: 1 } }
exporters: { debug: }
service: { pipelines: { traces: { receivers: [otlp], processors: [seal], exporters: [debug] } } }
";
    let mut draft = config::parse("otlet.yaml", config.as_bytes(), &environment);
    assert!(!draft.check_plugin_config(0, &schema));
    draft.refused(0, "pin: hunter2 is no pin");
    let report = draft.finish().unwrap_err().to_string();
    assert!(!report.contains("hunter"), "{report}");
    for part in [
        "config: { pin: ***, list: [***, ***], plain: x, ohter: 1 } }",
        "expected a number for `pin`, found a value that is not shown",
        "expected a number for `plain`, found the text `x`",
        "unknown key `ohter`",
        "plugin `seal`: pin: ... is no pin",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
}

#[test]
fn what_a_plugin_says_of_its_config_is_shown_at_its_config_without_secrets() {
    let text = fs::read_to_string(folder().join("ok_whole.yaml")).unwrap();
    let text = text.replace("action: mask", "action: \"${env:TOKEN}\"");
    let mut draft = config::parse("otlet.yaml", text.as_bytes(), &environment);
    draft.refused(0, "no action\n  s3cret-token");
    let report = draft.finish().unwrap_err().to_string();
    assert_eq!(
        report,
        "error: plugin `redact`: no action ...
  --> otlet.yaml:23:5
   |
23 |     config: { detectors: [email, jwt], action: \"${env:TOKEN}\" }
   |     ^^^^^^"
    );
}

#[test]
fn what_a_plugin_says_of_one_value_is_shown_there() {
    let config = "
receivers: { otlp: { protocols: { grpc: } } }
processors:
  enrich:
    config:
      actions:
        - { copy: a, to: b }
        - when: { span.name: x, span: { name: y } }
exporters: { debug: }
service: { pipelines: { traces: { receivers: [otlp], processors: [enrich], exporters: [debug] } } }
";
    for (reason, at) in [
        ("actions[0].to: no path", "7:26"),
        ("actions[0].value: is missing", "7:11"),
        ("actions[1].when.span.name: no name", "8:30"),
        ("actions[1].when.span.names: no name", "8:33"),
        ("actions[2].to: none", "7:9"),
        ("`actions[0].copy` and `to` are the same", "7:19"),
        ("actions are wrong", "5:5"),
    ] {
        let mut draft = config::parse("otlet.yaml", config.as_bytes(), &environment);
        draft.refused(0, reason);
        let report = draft.finish().unwrap_err().to_string();
        assert!(
            report.contains(&format!("plugin `enrich`: {reason}")),
            "{report}"
        );
        assert!(
            report.contains(&format!("otlet.yaml:{at}\n")),
            "{at}: {report}"
        );
    }
}

#[test]
fn only_a_terminal_gets_colours() {
    let report = config::parse("otlet.yaml", b"colour: red", &environment).finish();
    let report = report.unwrap_err();
    assert!(report.render(true).contains('\u{1b}'));
    assert!(!report.render(false).contains('\u{1b}'));
    assert_eq!(report.render(false), report.to_string());
}

#[test]
fn a_file_is_read_with_its_path_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otlet.yaml");
    let report = config::load(&path).finish().unwrap_err().to_string();
    assert!(report.contains("cannot read the config"), "{report}");
    assert!(report.contains("otlet.yaml"), "{report}");
    fs::copy(self::folder().join("ok_smallest.yaml"), &path).unwrap();
    let loaded = config::load(&path).finish().unwrap();
    assert_eq!(loaded.config.pipelines.len(), 1);
    assert!(loaded.warnings.is_empty());
}

#[test]
fn files_that_a_config_refers_to_lie_beside_it_and_are_texts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("otlet.yaml");
    let text = fs::read_to_string(self::folder().join("ok_whole.yaml")).unwrap();
    let text = text.replace(
        "action: mask",
        "action: \"${file:number.txt}\", keys: \"no ${file:table.csv}\"",
    );
    fs::write(&path, text.replace("${env:TOKEN}", "x")).unwrap();
    fs::write(folder.path().join("number.txt"), "17\n").unwrap();
    fs::write(
        folder.path().join("table.csv"),
        "a,b\n${env:TOKEN},\"x: y\"\n",
    )
    .unwrap();
    let config = config::load(&path).finish().unwrap().config;
    let told = &config.processors[0].config;
    assert_eq!(told["action"], "17");
    assert_eq!(told["keys"], "no a,b\n${env:TOKEN},\"x: y\"");
}

#[test]
fn a_huge_file_is_refused_and_a_large_one_is_read_in_a_moment() {
    let huge = vec![b'#'; 1_048_577];
    let report = config::parse("huge.yaml", &huge, &environment).finish();
    let report = report.unwrap_err().to_string();
    assert!(report.contains("more than 1048576 bytes"), "{report}");
    let mut large = "receivers:\n".to_owned();
    while large.len() < 1_000_000 {
        large.push_str("  jaeger/\u{17e}: { a: [1, 2] }\n");
    }
    let report = config::parse("large.yaml", large.as_bytes(), &environment).finish();
    assert!(report.unwrap_err().errors() > 0);
}
