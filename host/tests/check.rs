//! What `otlet check` warns of though the config holds, and where.

use otlet_tests::program::command;
use std::fs;

/// A config with these processors in its pipeline; the plugins' own sections begin on line 4.
fn config(processors: &str, order: &str) -> String {
    format!(
        "receivers:
  otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:4317 }} }} }}
processors:
{processors}
exporters:
  debug:
service:
  pipelines:
    logs: {{ receivers: [otlp], processors: [{order}], exporters: [debug] }}
"
    )
}

/// What it says of a config that holds.
fn warnings(config: &str) -> String {
    checked(config, true)
}

/// What it says of a config, and whether that holds.
fn checked(config: &str, holds: bool) -> String {
    let folder = tempfile::tempdir().expect("a folder can be made");
    fs::write(folder.path().join("otlet.yaml"), config).expect("a file can be written");
    let output = command(env!("CARGO_BIN_EXE_otlet"))
        .args(["check", "otlet.yaml"])
        .current_dir(folder.path())
        .output()
        .expect("otlet runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), holds, "{said}");
    said.trim_end().to_owned()
}

const ENRICH: &str = "{ config: { actions: [{ set: 'record.attributes[\"a\"]', value: b }] } }";

#[test]
fn a_plugin_that_asks_to_fail_closed_and_is_set_to_pass_is_shown() {
    let said = warnings(&config("  redact: { on_error: pass }", "redact"));
    assert_eq!(
        said,
        "warning: what plugin `redact` fails on goes on as it came, and it asks for the opposite
 --> otlet.yaml:4:23
  |
4 |   redact: { on_error: pass }
  |                       ^^^^
  |
  = help: remove it, or write `on_error: reject` or `dead_letter`"
    );
    for on_error in ["{}", "{ on_error: reject }", "{ on_error: drop }"] {
        let said = warnings(&config(&format!("  redact: {on_error}"), "redact"));
        assert_eq!(said, "", "{on_error}");
    }
    let said = warnings(&config("  sample: { on_error: pass }", "sample"));
    assert_eq!(said, "");
}

#[test]
fn grants_for_a_plugin_that_cannot_use_them_are_shown() {
    let said = warnings(&config("  sample: { grants: { env: [REGION] } }", "sample"));
    assert_eq!(
        said,
        "warning: plugin `sample` has no use for grants: it does not import WASI
 --> otlet.yaml:4:13
  |
4 |   sample: { grants: { env: [REGION] } }
  |             ^^^^^^
  |
  = help: remove them, or use a version of the plugin that imports WASI"
    );
    let said = warnings(&config("  sample: { grants: { files: [] } }", "sample"));
    assert_eq!(said, "");
}

#[test]
fn a_plugin_that_writes_text_after_one_that_fails_closed_is_shown_where_it_is_named() {
    let processors =
        format!("  redact: {{}}\n  enrich/late: {ENRICH}\n  link: {{}}\n  sample: {{}}");
    let said = warnings(&config(&processors, "redact, sample, enrich/late, link"));
    assert_eq!(
        said,
        "warning: `enrich/late` may write text that `redact` has not seen
  --> otlet.yaml:12:61
   |
12 |     logs: { receivers: [otlp], processors: [redact, sample, enrich/late, link], exporters: [debug] }
   |                                                             ^^^^^^^^^^^
   |
   = help: name it before `redact`

warning: `link` may write text that `redact` has not seen
  --> otlet.yaml:12:74
   |
12 |     logs: { receivers: [otlp], processors: [redact, sample, enrich/late, link], exporters: [debug] }
   |                                                                          ^^^^
   |
   = help: name it before `redact`"
    );
    let said = warnings(&config(&processors, "link, enrich/late, redact, sample"));
    assert_eq!(said, "");
}

#[test]
fn an_exporter_that_sends_to_this_machine_by_its_own_name_is_shown() {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").expect("there is a name");
    let config = format!(
        "receivers:
  otlp: {{ protocols: {{ grpc: {{ endpoint: 0.0.0.0:4317 }} }} }}
exporters:
  otlp: {{ endpoint: 'http://{}:4317' }}
service:
  pipelines:
    logs: {{ receivers: [otlp], exporters: [otlp] }}
",
        name.trim()
    );
    let said = checked(&config, false);
    assert!(
        said.contains("the logs that exporter `otlp` sends come back to it"),
        "{said}"
    );
}
