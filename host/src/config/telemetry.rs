//! Reads `service.telemetry`, with the Collector's keys.

use crate::telemetry::{Encoding, Level, LogConfig};

use super::reader::{Lacking, Reader};
use super::report::{listed, quoted};

const LACKING: Lacking = &[
    ("traces", "otlet traces nothing of itself: remove it"),
    (
        "resource",
        "otlet's metrics have the labels that Prometheus gives them: remove it",
    ),
];

const LOGS_LACKING: Lacking = &[
    (
        "development",
        "write `level: debug` for more, and remove this",
    ),
    (
        "disable_caller",
        "otlet's log names no lines of code: remove it",
    ),
    (
        "disable_stacktrace",
        "otlet's log has no stack traces: remove it",
    ),
    (
        "sampling",
        "otlet logs what repeats once a second, with the number of lines left out: remove it",
    ),
    ("output_paths", "otlet logs to standard error: remove it"),
    (
        "error_output_paths",
        "otlet logs to standard error: remove it",
    ),
    (
        "initial_fields",
        "have what collects the log add them: remove it",
    ),
    (
        "processors",
        "otlet logs to standard error: remove it, and have a Collector read that",
    ),
];

const METRICS_LACKING: Lacking = &[
    (
        "address",
        "write `admin: { endpoint: 127.0.0.1:8888 }` at the config's top: Prometheus scrapes /metrics there",
    ),
    (
        "readers",
        "write `admin: { endpoint: 127.0.0.1:8888 }` at the config's top: Prometheus scrapes /metrics there",
    ),
    ("level", "otlet counts the same at all times: remove it"),
    (
        "views",
        "have Prometheus drop what it need not keep: remove it",
    ),
];

/// Reads how otlet logs.
pub(super) fn read(reader: Reader<'_>) -> LogConfig {
    let mut reader = reader.lacking(LACKING);
    let logs = reader.section("logs").map(read_logs);
    if let Some(metrics) = reader.section("metrics") {
        metrics.lacking(METRICS_LACKING).finish();
    }
    reader.finish();
    logs.unwrap_or_default()
}

const LEVELS: [(&str, Level); 4] = [
    ("debug", Level::Debug),
    ("info", Level::Info),
    ("warn", Level::Warn),
    ("error", Level::Error),
];

fn read_logs(reader: Reader<'_>) -> LogConfig {
    let mut reader = reader.lacking(LOGS_LACKING);
    let mut logs = LogConfig::default();
    let cure = format!("write {}", listed(&LEVELS.map(|(word, _)| word), "or"));
    // The Collector takes capitals as well.
    let level = reader.text("level", "a level", &cure, |text| {
        let found = LEVELS
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text));
        found
            .map(|(_, level)| *level)
            .ok_or_else(|| (format!("{} is no level", quoted(text)), cure.clone()))
    });
    logs.level = level.unwrap_or(logs.level);
    let encodings = [("console", Encoding::Console), ("json", Encoding::Json)];
    reader.choice("encoding", &encodings, &mut logs.encoding);
    reader.finish();
    logs
}
