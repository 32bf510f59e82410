//! The admin endpoint: every figure is what was sent, it answers whatever goes on, and METRICS.md is right.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

mod answers;
mod figures;
mod files;
mod listed;
mod returned;

use otlet_tests::program::Program;

#[path = "../support/app.rs"]
mod app;

pub(crate) const OK: u16 = 0;

pub(crate) fn run(config: &str) -> Program {
    Program::start(env!("CARGO_BIN_EXE_otlet"), config)
}

/// Traces are enriched, logs redacted and then dropped; metrics go nowhere.
pub(crate) fn shop(endpoint: &str) -> String {
    format!(
        "
admin: {{ endpoint: 127.0.0.1:0 }}
receivers:
  otlp:
    protocols:
      grpc: {{ endpoint: 127.0.0.1:0 }}
      http: {{ endpoint: 127.0.0.1:0, max_request_body_size: 64KiB }}
processors:
  enrich: {{ config: {{ actions: [{{ set: 'record.attributes[\"shop\"]', value: north }}] }} }}
  redact:
  sample/none: {{ config: {{ percentage: 0 }} }}
exporters: {{ otlp: {{ endpoint: '{endpoint}' }} }}
service:
  pipelines:
    traces: {{ receivers: [otlp], processors: [enrich], exporters: [otlp] }}
    logs: {{ receivers: [otlp], processors: [redact, sample/none], exporters: [otlp] }}
"
    )
}

/// The same, and log records of the lines of a file, which go out as they are.
pub(crate) fn with_lines(endpoint: &str, file: &str) -> String {
    let lines =
        format!("receivers:\n  jsonlines: {{ include: ['{file}'], start_at: beginning }}\n");
    let config = shop(endpoint).replacen("receivers:\n", &lines, 1);
    config + "    logs/lines: { receivers: [jsonlines], exporters: [otlp] }\n"
}
