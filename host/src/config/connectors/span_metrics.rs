//! Reads `spanmetrics`. Its keys are those of the Collector's connector; `max_bytes` is otlet's own.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::reader::{Lacking, Reader};
use crate::config::report::{Mistake, Place, quoted};
use crate::config::units::{self, MAX_DURATION};
use crate::config::yaml::Value;
use crate::connector::span_metrics::{Config, DIMENSIONS, Dimension, Histogram, Temporality, Unit};

const INTERVALS: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_hours(24);

const EXPIRATIONS: RangeInclusive<Duration> = Duration::ZERO..=MAX_DURATION;

/// What is set aside; a series takes some 600 bytes.
const SIZES: RangeInclusive<u64> = 1 << 20..=1 << 36;

/// The most buckets, dimensions and names that there may be.
const MOST: usize = 200;

const LACKING: Lacking = &[
    (
        "calls_dimensions",
        "both metrics have the same dimensions: write them in `dimensions`",
    ),
    (
        "dimensions_cache_size",
        "it is named `aggregation_cardinality_limit`",
    ),
    (
        "metric_timestamp_cache_size",
        "otlet knows when each series that it keeps was last handed on: remove it",
    ),
    (
        "events",
        "otlet counts no events of spans: remove it, or count them in a Collector beside otlet",
    ),
    (
        "include_instrumentation_scope",
        "series have nothing of the scope: remove it",
    ),
    (
        "add_resource_attributes",
        "the metrics always have the attributes of the resource: remove it",
    ),
    (
        "enable_metrics_sampling_method",
        "a span whose trace state tells of sampling counts for those that it stands for, and series do not tell so: remove it",
    ),
];

const LACKING_OF_HISTOGRAM: Lacking = &[
    (
        "exponential",
        "otlet has explicit buckets alone: write `explicit: { buckets: [10ms, 100ms, 1s] }`",
    ),
    (
        "dimensions",
        "both metrics have the same dimensions: write them in the connector's `dimensions`",
    ),
];

/// Reads one connector.
pub(super) fn read(name: &str, reader: Reader<'_>) -> Config {
    let mut reader = reader.lacking(LACKING);
    let mut config = Config::named(name);
    let namespace = reader.text("namespace", "a name", "write a name", |text| {
        Ok(text.to_owned())
    });
    config.namespace = namespace.unwrap_or(config.namespace);
    config.histogram = histogram(&mut reader);
    config.dimensions = dimensions(&mut reader);
    config.exclude_dimensions = excluded(&mut reader);
    let temporalities = [
        (
            "AGGREGATION_TEMPORALITY_CUMULATIVE",
            Temporality::Cumulative,
        ),
        ("AGGREGATION_TEMPORALITY_DELTA", Temporality::Delta),
    ];
    let temporality = &mut config.aggregation_temporality;
    reader.choice("aggregation_temporality", &temporalities, temporality);
    let interval = &mut config.metrics_flush_interval;
    reader.duration("metrics_flush_interval", INTERVALS, interval);
    let expiration = &mut config.metrics_expiration;
    reader.duration("metrics_expiration", EXPIRATIONS, expiration);
    let expiration = &mut config.series_expiration;
    reader.duration("series_expiration", EXPIRATIONS, expiration);
    let resources = &mut config.resource_metrics_cache_size;
    reader.integer("resource_metrics_cache_size", 1..=1_000_000, resources);
    let keys = reader.names("resource_metrics_key_attributes");
    config.resource_metrics_key_attributes = owned(&keys);
    let limit = &mut config.aggregation_cardinality_limit;
    reader.integer("aggregation_cardinality_limit", 0..=1_000_000_000, limit);
    config.exemplars = exemplars(&mut reader);
    reader.size("max_bytes", SIZES, &mut config.max_bytes);
    reader.finish();
    config
}

fn owned(names: &[(&str, Place)]) -> Vec<String> {
    names.iter().map(|(name, _)| (*name).to_owned()).collect()
}

fn histogram(reader: &mut Reader<'_>) -> Option<Histogram> {
    let mut histogram = Histogram::default();
    let Some(section) = reader.section("histogram") else {
        return Some(histogram);
    };
    let mut section = section.lacking(LACKING_OF_HISTOGRAM);
    let mut is_disabled = false;
    section.boolean("disable", &mut is_disabled);
    let units = [("ms", Unit::Milliseconds), ("s", Unit::Seconds)];
    section.choice("unit", &units, &mut histogram.unit);
    if let Some(mut explicit) = section.section("explicit") {
        if explicit.has("buckets") {
            histogram.buckets = buckets(&mut explicit);
        }
        explicit.finish();
    }
    section.finish();
    (!is_disabled).then_some(histogram)
}

fn buckets(reader: &mut Reader<'_>) -> Vec<Duration> {
    const CURE: &str =
        "write durations, each longer than the one before: `buckets: [10ms, 100ms, 1s]`";
    let mut buckets: Vec<Duration> = vec![];
    for (text, place) in reader.names("buckets") {
        let what = match units::duration(text) {
            None => format!("expected a duration in `buckets`, found {}", quoted(text)),
            Some(bound) if buckets.last().is_some_and(|last| *last >= bound) => {
                format!(
                    "the bucket {} is not longer than the one before it",
                    quoted(text)
                )
            }
            Some(_) if buckets.len() == MOST => format!("there are more than {MOST} buckets"),
            Some(bound) => {
                buckets.push(bound);
                continue;
            }
        };
        reader.report(Mistake::error(place, what, CURE));
    }
    buckets
}

fn dimensions(reader: &mut Reader<'_>) -> Vec<Dimension> {
    const CURE: &str = "write a list: `dimensions: [{ name: http.route, default: unknown }]`";
    let Some(entry) = reader.entry("dimensions") else {
        return vec![];
    };
    let items = match &entry.value.value {
        Value::List(items) => items.as_slice(),
        Value::Unknown => &[],
        _ if entry.value.is_null() => &[],
        _ => {
            let what = format!(
                "expected a list for `dimensions`, found {}",
                entry.value.found()
            );
            reader.report(Mistake::error(entry.place, what, CURE));
            &[]
        }
    };
    let mut dimensions: Vec<Dimension> = vec![];
    for item in items {
        let mut below = reader.below(item).lacking(&[(
            "glob",
            "otlet takes dimensions by their whole names: write each as a `name`",
        )]);
        let text = |text: &str| Ok(text.to_owned());
        let name = below.text("name", "the key of an attribute", CURE, text);
        let default = below.text("default", "a text", CURE, text);
        let place = below.place_of("name");
        let what = match &name {
            _ if below.has("glob") => None,
            None if below.has("name") => None,
            None => Some("a dimension has no `name`".to_owned()),
            Some(name) if name.is_empty() => Some("a dimension's `name` is empty".to_owned()),
            Some(name) if DIMENSIONS.contains(&name.as_str()) => Some(format!(
                "every series has the dimension {} anyway",
                quoted(name)
            )),
            Some(name) if dimensions.iter().any(|one| one.name == *name) => {
                Some(format!("the dimension {} is there twice", quoted(name)))
            }
            Some(_) if dimensions.len() == MOST => {
                Some(format!("there are more than {MOST} dimensions"))
            }
            Some(_) => None,
        };
        below.finish();
        match (what, name) {
            (Some(what), name) => {
                let cure = match name {
                    None => CURE,
                    Some(_) => "write the key of another attribute, or remove it",
                };
                reader.report(Mistake::error(place, what, cure));
            }
            (None, Some(name)) => dimensions.push(Dimension { name, default }),
            (None, None) => {}
        }
    }
    dimensions
}

fn excluded(reader: &mut Reader<'_>) -> Vec<String> {
    let names = reader.names("exclude_dimensions");
    for (name, place) in &names {
        if !DIMENSIONS.contains(name) {
            let what = format!("no series has the dimension {} of itself", quoted(name));
            let cure = format!("write some of {}", DIMENSIONS.map(quoted).join(", "));
            let known = DIMENSIONS.iter().collect();
            reader.report(Mistake::error(*place, what, cure).or_meant(name, &known));
        }
    }
    owned(&names)
}

fn exemplars(reader: &mut Reader<'_>) -> usize {
    let (mut is_enabled, mut most) = (false, 5);
    if let Some(mut section) = reader.section("exemplars") {
        section.boolean("enabled", &mut is_enabled);
        section.integer("max_per_data_point", 0..=100, &mut most);
        section.finish();
    }
    if is_enabled { most } else { 0 }
}
