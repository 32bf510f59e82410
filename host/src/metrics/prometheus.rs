//! The metrics as Prometheus reads them: `OpenMetrics` text, in names made of OpenTelemetry's.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text::encode};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit as Suffix};

use super::list::{ALL, Kind, Metric, Unit};
use super::snapshot::{Point, Value};
use super::sources::Sources;
use crate::telemetry::BOUNDS;

/// Everything that `sources` has to tell, in `OpenMetrics` text.
pub fn text(sources: &Arc<Sources>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape(Arc::clone(sources))));
    let mut text = String::new();
    encode(&mut text, &registry).expect("a string takes everything, and no number is too large");
    text
}

/// `OpenMetrics` text as Prometheus' text format 0.0.4 has it, which names a counter as its samples are named, and knows no
/// units and no end.
pub fn classic(openmetrics: &str) -> String {
    let counters: HashSet<_> = ALL
        .iter()
        .filter(|metric| metric.kind == Kind::Counter)
        .map(|metric| name(metric))
        .collect();
    let mut text = String::with_capacity(openmetrics.len());
    for line in openmetrics.lines() {
        if line.starts_with("# UNIT ") || line == "# EOF" {
            continue;
        }
        let mut words = line.splitn(4, ' ');
        let counter = match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(what), Some(family), Some(rest)) => {
                Some((what, format!("{family}_total"), rest))
            }
            _ => None,
        };
        match counter.filter(|(_, total, _)| counters.contains(total)) {
            Some((what, total, rest)) => {
                text.extend(["# ", what, " ", &total, " ", rest]);
            }
            None => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

/// A metric's name for Prometheus, as its samples have it but for `_bucket` and its like of histograms.
pub fn name(metric: &Metric) -> String {
    let total = if metric.kind == Kind::Counter {
        "_total"
    } else {
        ""
    };
    let unit = suffix(metric.unit).map(|unit| format!("_{}", unit.as_str()));
    format!("{}{}{total}", spelt(metric.name), unit.unwrap_or_default())
}

#[derive(Debug)]
struct Scrape(Arc<Sources>);

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in self.0.snapshot().families {
            if family.points.is_empty() {
                continue;
            }
            let metric = family.metric;
            let kind = match metric.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Histogram => MetricType::Histogram,
            };
            let name = spelt(metric.name);
            let unit = suffix(metric.unit);
            let mut encoder = encoder.encode_descriptor(&name, metric.help, unit.as_ref(), kind)?;
            for point in &family.points {
                let labels = labels(metric, point);
                if labels.is_empty() {
                    write(&mut encoder, metric.kind, &point.value)?;
                } else {
                    write(
                        &mut encoder.encode_family(&labels)?,
                        metric.kind,
                        &point.value,
                    )?;
                }
            }
        }
        Ok(())
    }
}

fn write(encoder: &mut MetricEncoder<'_>, kind: Kind, value: &Value) -> fmt::Result {
    match (kind, value) {
        (Kind::Counter, Value::Number(number)) => {
            encoder.encode_counter::<NoLabelSet, _, u64>(number, None)
        }
        (Kind::Counter, Value::Real(number)) => {
            encoder.encode_counter::<NoLabelSet, _, u64>(number, None)
        }
        // OpenMetrics has no unsigned gauges; what is beyond is beyond all bounds that there are.
        (_, Value::Number(number)) => {
            encoder.encode_gauge(&i64::try_from(*number).unwrap_or(i64::MAX))
        }
        (_, Value::Real(number)) => encoder.encode_gauge(number),
        (_, Value::Durations(durations)) => {
            let bounds = BOUNDS.iter().map(std::time::Duration::as_secs_f64);
            // The last bucket has no bound, which the encoder knows by this number.
            let buckets: Vec<_> = (bounds.chain([f64::MAX])).zip(durations.buckets).collect();
            let sum = durations.sum.as_secs_f64();
            encoder.encode_histogram::<NoLabelSet>(sum, durations.count(), &buckets, None)
        }
    }
}

fn suffix(unit: Unit) -> Option<Suffix> {
    match unit {
        Unit::Of(_) => None,
        Unit::Bytes => Some(Suffix::Bytes),
        Unit::Seconds => Some(Suffix::Seconds),
    }
}

/// Prometheus has no dots in names.
fn spelt(name: &str) -> String {
    name.replace('.', "_")
}

/// The labels with their values, in which the encoder escapes nothing.
fn labels(metric: &Metric, point: &Point) -> Vec<(String, String)> {
    let escaped = |value: &String| {
        value
            .replace('\\', r"\\")
            .replace('"', "\\\"")
            .replace('\n', r"\n")
    };
    let names = metric.labels.iter().map(|name| spelt(name));
    names.zip(point.labels.iter().map(escaped)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_text_names_counters_as_their_samples() {
        let openmetrics = "\
# HELP otlet_receiver_requests Requests that came.
# TYPE otlet_receiver_requests counter
otlet_receiver_requests_total{receiver=\"otlp\"} 3
# HELP otlet_receiver_received_bytes Bytes of them.
# TYPE otlet_receiver_received_bytes counter
# UNIT otlet_receiver_received_bytes bytes
otlet_receiver_received_bytes_total{receiver=\"otlp\"} 7
# HELP otlet_receiver_connections Connections now.
# TYPE otlet_receiver_connections gauge
otlet_receiver_connections{receiver=\"otlp\"} 1
# EOF
";
        let expected = "\
# HELP otlet_receiver_requests_total Requests that came.
# TYPE otlet_receiver_requests_total counter
otlet_receiver_requests_total{receiver=\"otlp\"} 3
# HELP otlet_receiver_received_bytes_total Bytes of them.
# TYPE otlet_receiver_received_bytes_total counter
otlet_receiver_received_bytes_total{receiver=\"otlp\"} 7
# HELP otlet_receiver_connections Connections now.
# TYPE otlet_receiver_connections gauge
otlet_receiver_connections{receiver=\"otlp\"} 1
";
        assert_eq!(classic(openmetrics), expected);
    }

    #[test]
    fn a_name_has_its_unit_and_a_counters_total() {
        let names: Vec<_> = ALL.iter().map(|metric| name(metric)).collect();
        for expected in [
            "otlet_receiver_requests_total",
            "otlet_receiver_received_bytes_total",
            "otlet_receiver_request_duration_seconds",
            "otlet_exporter_queue_requests",
            "process_cpu_time_seconds_total",
        ] {
            assert!(names.iter().any(|name| name == expected), "{expected}");
        }
    }

    #[test]
    fn a_label_cannot_end_its_own_value() {
        let metric = ALL.iter().find(|metric| metric.labels == ["exporter"]);
        let point = Point {
            labels: vec!["otlp/a\"b\\c\nd".to_owned()],
            value: Value::Number(1),
        };
        let expected = [("exporter".to_owned(), r#"otlp/a\"b\\c\nd"#.to_owned())];
        assert_eq!(labels(metric.unwrap(), &point), expected);
    }
}
