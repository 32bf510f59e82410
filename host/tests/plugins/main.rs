//! Where plugins come from: what is told of them, what is refused and what is waited for, and the code that is kept.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

mod granted;
mod kept;
mod listed;
mod missing;

use std::fs;
use std::path::Path;
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
    assert_eq!(
        used["processors"],
        json!([{
            "name": "redact",
            "version": used["version"],
            "breakers": {
                "traces": {"state": "closed"},
                "metrics": {"state": "closed"},
                "logs": {"state": "closed"},
            },
        }])
    );
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
