//! Reads `service.telemetry`, with the Collector's keys.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::batch::Signal;
use crate::exporter::{self, HttpTarget, Kind};
use crate::metrics::PushConfig;
use crate::telemetry::{Encoding, Level, LogConfig};

use super::extensions::Extensions;
use super::reader::{Lacking, Mistakes, Reader, place_of_value};
use super::receivers::Listening;
use super::report::{Mistake, Place, listed, quoted};
use super::yaml::{Entry, Node, Value};
use super::{exporters, loops};

/// What otlet tells of itself, and whom.
#[derive(Clone, Debug, Default)]
pub(super) struct Telemetry {
    pub(super) logs: LogConfig,
    /// Where its metrics are sent.
    pub(super) readers: Vec<PushConfig>,
    /// The attributes of their resource that the config sets.
    pub(super) resource: Vec<(String, String)>,
}

/// In milliseconds, as the Collector has it: often enough for a test, and once a day.
const INTERVALS: RangeInclusive<u64> = 100..=86_400_000;
const INTERVAL: u64 = 60_000;

const LACKING: Lacking = &[("traces", "otlet traces nothing of itself: remove it")];

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
    ("level", "otlet counts the same at all times: remove it"),
    (
        "views",
        "have Prometheus drop what it need not keep: remove it",
    ),
];

const READER_LACKING: Lacking = &[(
    "pull",
    "write `admin: { endpoint: 127.0.0.1:8888 }` at the config's top: Prometheus scrapes /metrics there",
)];

const PERIODIC_LACKING: Lacking = &[("timeout", "write `timeout` beside the `endpoint`")];

const EXPORTER_LACKING: Lacking = &[(
    "console",
    "write `admin: { endpoint: 127.0.0.1:8888 }` at the config's top, and read /metrics there",
)];

const EXPORTER_KEYS: &str = "write `protocol`, or a key of the exporters `otlp` and `otlphttp`";

/// Reads it all; `receivers` are the sockets to which no metrics of otlet itself are sent.
pub(super) fn read(
    reader: Reader<'_>,
    receivers: &[Listening],
    extensions: &Extensions<'_>,
    mistakes: &Mistakes,
) -> Telemetry {
    let mut reader = reader.lacking(LACKING);
    let logs = reader.section("logs").map(read_logs);
    let readers = reader
        .section("metrics")
        .map(|metrics| read_metrics(metrics, receivers, extensions, mistakes));
    let resource = reader.named("resource").iter();
    let resource = resource.filter_map(|entry| attribute(entry, mistakes));
    let telemetry = Telemetry {
        logs: logs.unwrap_or_default(),
        readers: readers.unwrap_or_default(),
        resource: resource.collect(),
    };
    reader.finish();
    telemetry
}

fn attribute(entry: &Entry, mistakes: &Mistakes) -> Option<(String, String)> {
    match &entry.value.value {
        Value::Scalar(scalar) if !entry.value.is_null() => {
            Some((entry.key.clone(), scalar.text.clone()))
        }
        Value::Unknown => None,
        _ => {
            let found = entry.value.found();
            let what = format!("expected text for {}, found {found}", quoted(&entry.key));
            let cure = "write one value: `service.name: otlet`";
            let mistake = Mistake::error(place_of_value(entry), what, cure);
            mistakes.borrow_mut().push(mistake);
            None
        }
    }
}

/// What a reader should be, for a message.
const READER: &str = "write `readers: [{ periodic: { exporter: { otlp: { protocol: grpc, endpoint: http://backend:4317 } } } }]`";

fn read_metrics(
    reader: Reader<'_>,
    receivers: &[Listening],
    extensions: &Extensions<'_>,
    mistakes: &Mistakes,
) -> Vec<PushConfig> {
    let mut reader = reader.lacking(METRICS_LACKING);
    let items = match reader.entry("readers") {
        Some(entry) => match &entry.value.value {
            Value::List(items) => items.as_slice(),
            Value::Unknown => &[],
            _ if entry.value.is_null() => &[],
            _ => {
                let what = format!("expected a list of readers, found {}", entry.value.found());
                reader.report(Mistake::error(place_of_value(entry), what, READER));
                &[]
            }
        },
        None => &[],
    };
    let read = (1..)
        .zip(items)
        .filter_map(|(number, item)| read_reader(number, item, receivers, extensions, mistakes))
        .collect();
    reader.finish();
    read
}

fn read_reader(
    number: usize,
    item: &Node,
    receivers: &[Listening],
    extensions: &Extensions<'_>,
    mistakes: &Mistakes,
) -> Option<PushConfig> {
    let mut reader = Reader::new(item.place, item, mistakes).lacking(READER_LACKING);
    let Some(periodic) = reader.section("periodic") else {
        if !reader.has("pull") {
            reader.report(Mistake::error(
                item.place,
                "a reader without `periodic`",
                READER,
            ));
        }
        reader.finish();
        return None;
    };
    let mut periodic = periodic.lacking(PERIODIC_LACKING);
    let mut interval = INTERVAL;
    periodic.integer("interval", INTERVALS, &mut interval);
    let place = periodic.place();
    let otlp = periodic.section("exporter").map(|exporter| {
        let mut exporter = exporter.lacking(EXPORTER_LACKING);
        let otlp = exporter.section("otlp");
        let is_other = exporter.has("console");
        exporter.finish();
        (otlp, is_other)
    });
    periodic.finish();
    reader.finish();
    let (otlp, is_other) = otlp.unwrap_or((None, false));
    let Some(otlp) = otlp else {
        if !is_other {
            let what = "a reader without an `otlp` exporter";
            mistakes
                .borrow_mut()
                .push(Mistake::error(place, what, READER));
        }
        return None;
    };
    let name = format!("service.telemetry/{number}");
    Some(PushConfig {
        interval: Duration::from_millis(interval),
        exporter: read_exporter(&name, otlp, receivers, extensions, mistakes)?,
    })
}

/// Reads an exporter with otlet's own keys, and the protocol's name, which is a type elsewhere.
fn read_exporter(
    name: &str,
    reader: Reader<'_>,
    receivers: &[Listening],
    extensions: &Extensions<'_>,
    mistakes: &Mistakes,
) -> Option<exporter::Config> {
    let mut reader = reader.hint(EXPORTER_KEYS);
    let mut kind = "otlp";
    let protocols = [("grpc", "otlp"), ("http/protobuf", "otlphttp")];
    reader.choice("protocol", &protocols, &mut kind);
    let place = reader.place_of("endpoint");
    let mut exporter = exporters::read(kind, name, reader, extensions, mistakes)?;
    if let Kind::OtlpHttp(to) = &mut exporter.kind {
        take_whole(to);
    }
    let machine = loops::Machine::this();
    let endpoint = loops::endpoint(&exporter.kind, Signal::Metrics);
    let own = endpoint.and_then(|to| receivers.iter().find(|own| loops::is_at(to, own, &machine)));
    if let Some(own) = own {
        report_loop(place, own, mistakes);
    }
    Some(exporter)
}

/// The Collector's endpoint is the whole URL here.
fn take_whole(to: &mut HttpTarget) {
    if to.metrics_endpoint.is_none() && to.target.endpoint.path().ends_with("/v1/metrics") {
        to.metrics_endpoint = Some(to.target.endpoint.clone());
    }
}

fn report_loop(place: Place, own: &Listening, mistakes: &Mistakes) {
    let what = format!(
        "otlet's own metrics would go to its own receiver on {}",
        own.address
    );
    let cure = "send them to a backend: each would be counted, and make more to send";
    let mistake = Mistake::error(place, what, cure).and(own.place, "the receiver is here");
    mistakes.borrow_mut().push(mistake);
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
