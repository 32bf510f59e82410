//! Where plugins come from: what is told of them, what is refused and what is waited for, and the code that is kept.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use otlet::plugin::{BUNDLED, Digest};
use otlet_tests::backend::{Backend, Request};
use otlet_tests::guests;
use otlet_tests::metrics::{page, scrape_until};
use otlet_tests::program::{Program, command};
use otlet_tests::records::bodies;
use otlet_tests::requests::text;
use otlet_tests::sender::Sender;
use serde_json::{Value, json};
use tempfile::TempDir;

const OTLET: &str = env!("CARGO_BIN_EXE_otlet");

/// A config with a plugin directory and a processor.
fn config(folder: &Path, plugins: &str, processor: &str, endpoint: &str) -> String {
    format!(
        "
admin: {{ endpoint: 127.0.0.1:0 }}
plugins: {{ directory: '{}', {plugins} }}
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors: {{ {processor}: }}
exporters: {{ otlp: {{ endpoint: '{endpoint}', sending_queue: {{ enabled: false }} }} }}
service:
  pipelines:
    logs: {{ receivers: [otlp], processors: [{processor}], exporters: [otlp] }}
",
        folder.join("plugins").display()
    )
}

/// A folder with a plugin directory that has these files.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("plugins")).unwrap();
    for (name, wasm) in files {
        fs::write(folder.path().join("plugins").join(name), wasm).unwrap();
    }
    folder
}

/// The rows of the page `/plugins` with this name.
fn rows(otlet: &Program, name: &str) -> Vec<Value> {
    let (status, text) = page(otlet.admin(), "/plugins");
    assert_eq!(status, 200);
    of_name(&text, name)
}

fn of_name(text: &str, name: &str) -> Vec<Value> {
    let listed: Value = serde_json::from_str(text).unwrap();
    let rows = listed["plugins"].as_array().unwrap().iter();
    rows.filter(|row| row["name"] == name).cloned().collect()
}

/// Waits until the rows of this name are as they should be.
fn rows_until(otlet: &Program, name: &str, condition: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let rows = rows(otlet, name);
        if condition(&rows) {
            return rows;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "{rows:#?}");
        thread::yield_now();
    }
}

/// What a log record with an e-mail address arrives as.
fn mailed(otlet: &Program, backend: &Backend) -> String {
    let record = LogRecord {
        body: Some(text("write to jane@example.com")),
        ..LogRecord::default()
    };
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![record],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    };
    let before = backend.taken().len();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let sender = Sender::grpc(otlet.grpc());
    let reply = runtime
        .block_on(sender.send(&Request::Logs(request)))
        .unwrap();
    assert_eq!(reply.code, 0, "{}", reply.message);
    bodies(&backend.wait_for(before + 1)).pop().unwrap()
}

fn digest(wasm: &[u8]) -> String {
    Digest::of(wasm).to_string()
}

/// The bad guest leaves logs alone: as a `redact` it would redact nothing.
#[test]
fn a_redact_that_is_dropped_into_a_running_otlet_does_not_switch_redaction_off() {
    let (folder, backend) = (folder(&[]), Backend::start());
    let otlet = Program::start(
        OTLET,
        &config(folder.path(), "", "redact", &backend.endpoint()),
    );
    assert!(!mailed(&otlet, &backend).contains("jane@"));
    fs::write(folder.path().join("plugins/redact.wasm"), guests::BAD).unwrap();
    let line = otlet.wait_for("a plugin's file is refused");
    assert!(
        line.contains("redact.wasm") && line.contains("a bundled plugin has this name"),
        "{line}"
    );
    assert!(!mailed(&otlet, &backend).contains("jane@"));

    let bundled = BUNDLED
        .iter()
        .find(|(name, _)| *name == "redact")
        .unwrap()
        .1;
    let rows = rows_until(&otlet, "redact", |rows| rows.len() == 2);
    let used = rows.iter().find(|row| row["state"] == "used").unwrap();
    assert_eq!(used["source"], "bundled");
    assert_eq!(used["digest"], digest(bundled));
    assert_eq!(used["processors"], json!(["redact"]));
    assert_eq!(used["signals"], json!(["traces", "metrics", "logs"]));
    let refused = rows.iter().find(|row| row["state"] == "refused").unwrap();
    assert_eq!(refused["digest"], digest(guests::BAD));
    assert!(
        refused["source"]
            .as_str()
            .unwrap()
            .ends_with("/plugins/redact.wasm")
    );
    // The reason has what there is to write to have it.
    let allow = format!("allow: {{ redact: {} }}", digest(guests::BAD));
    assert!(
        refused["reason"].as_str().unwrap().contains(&allow),
        "{refused}"
    );
    let labels = [("plugin", "redact"), ("error_type", "bundled")];
    scrape_until(otlet.admin(), "the refused file", |scraped| {
        scraped.count("otlet_plugin_refused_files", &labels) == 1
    });

    // And with it that is what runs.
    let allowed = config(folder.path(), &allow, "redact", &backend.endpoint());
    let otlet = Program::start(OTLET, &allowed);
    assert!(mailed(&otlet, &backend).contains("jane@"));
    let rows = self::rows(&otlet, "redact");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["digest"], digest(guests::BAD));
    assert_eq!(
        (&rows[0]["state"], &rows[0]["version"]),
        (&json!("used"), &json!("6.6.6"))
    );
}

#[test]
fn a_plugin_that_is_missing_or_refused_keeps_otlet_from_starting() {
    let folder = folder(&[("broken.wasm", b"\0asm")]);
    let pinned = format!("allow: {{ redact: {} }}", digest(b"another"));
    for (plugins, processor, says) in [
        ("", "tenant", "/plugins/tenant.wasm"),
        ("", "broken", "it is no WebAssembly component"),
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
            "processors": ["tenant"],
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

/// A command whose compiled code is kept in this folder.
fn with_cache(folder: &Path) -> Command {
    let mut command = Command::new(OTLET);
    command.env("XDG_CACHE_HOME", folder);
    command
}

#[test]
fn compiled_code_is_kept_for_the_next_start_in_a_folder_of_its_owners() {
    let folder = folder(&[]);
    let config = config(folder.path(), "", "sample", "http://127.0.0.1:1");
    let start = || {
        let otlet = Program::begin_with(with_cache(folder.path()), &config, &[]);
        otlet.wait_for("ready");
        otlet.said()
    };
    let cache = folder.path().join("otlet");
    let kept = || -> Vec<_> {
        let entries = fs::read_dir(&cache)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        entries.collect()
    };
    assert!(!start().contains("compiled"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&cache), 0o700);
    let [file] = kept().try_into().unwrap();
    assert_eq!(mode(&file), 0o600);
    let written = fs::metadata(&file).unwrap();
    start();
    // What is there was used, not written again.
    assert_eq!(
        fs::metadata(&file).unwrap().created().ok(),
        written.created().ok()
    );

    let code = fs::read(&file).unwrap();
    fs::write(&file, &code[..code.len() / 2]).unwrap();
    assert!(start().contains("compiled code is not usable, and is made again"));
    assert_eq!(fs::read(&file).unwrap(), code);

    fs::remove_file(&file).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(start().contains("run `chmod 700 "));
    assert!(kept().is_empty());
}

#[test]
fn a_disk_without_room_for_compiled_code_costs_the_compilation_alone() {
    let folder = folder(&[]);
    let mut shell = Command::new("sh");
    // Files of at most 2 MiB, as a disk that is full: a guest's memory needs some, its code more.
    shell.args([
        "-c",
        "trap '' XFSZ; ulimit -f 4096; exec \"$0\" \"$@\"",
        OTLET,
    ]);
    shell.env("XDG_CACHE_HOME", folder.path());
    let config = config(folder.path(), "", "sample", "http://127.0.0.1:1");
    let otlet = Program::begin_with(shell, &config, &[]);
    otlet.wait_for("compiled code cannot be kept");
    otlet.wait_for("ready");
    assert_eq!(
        fs::read_dir(folder.path().join("otlet")).unwrap().count(),
        0
    );
}
