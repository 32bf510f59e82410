//! Reads `connectors`, and finds those that lead nowhere, to which nothing comes, or through which pipelines feed each other.

mod bounds;
mod span_metrics;

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::batch::Signal;
use crate::connector::{AnyConfig, Config};

use super::PipelineConfig;
use super::component::makes_metrics;
use super::reader::{Lacking, Mistakes, Reader};
use super::report::{Mistake, quoted};
use super::yaml::Entry;

pub(super) use bounds::{Around, check as check_bounds};

/// A trace whose spans take longer is not worth the memory.
const WAITS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(1);

const LACKING: Lacking = &[
    (
        "num_workers",
        "otlet uses every core that it has: remove it",
    ),
    (
        "discard_orphans",
        "otlet hands on what it holds, whole or not: remove it",
    ),
    ("store_on_disk", "otlet holds spans in memory: remove it"),
    ("decision_wait", "it is named `wait_duration`"),
    (
        "policies",
        "policies are the config of the plugin `sample` with `by: trace`, in the pipeline that takes from this connector",
    ),
    (
        "expected_new_traces_per_sec",
        "otlet makes room as traces come: remove it",
    ),
    (
        "decision_cache",
        "otlet remembers no decisions; the share of the plugin `sample` is the same for a late span: remove it",
    ),
];

/// Reads one connector of a type.
pub(super) fn read(kind: &str, name: &str, reader: Reader<'_>) -> AnyConfig {
    if makes_metrics(kind) {
        AnyConfig::SpanMetrics(span_metrics::read(name, reader))
    } else {
        AnyConfig::GroupByTrace(read_group(name, reader))
    }
}

fn read_group(name: &str, reader: Reader<'_>) -> Config {
    let mut reader = reader.lacking(LACKING);
    let mut config = Config::named(name);
    reader.duration("wait_duration", WAITS, &mut config.wait_duration);
    reader.integer("num_traces", 1..=1_000_000_000, &mut config.num_traces);
    reader.size("max_bytes", 1 << 20..=1 << 40, &mut config.max_bytes);
    reader.finish();
    config
}

/// Reports connectors of which pipelines name one end alone, and those that close a circle. The numbers in the pipelines are
/// positions in the entries.
pub(super) fn check(entries: &[Entry], pipelines: &[PipelineConfig], mistakes: &Mistakes) {
    for (at, entry) in entries.iter().enumerate() {
        let name = quoted(&entry.key);
        let is_fed = pipelines.iter().any(|one| one.to.contains(&at));
        let is_taken_from = pipelines.iter().any(|one| one.from.contains(&at));
        let missing = match (is_fed, is_taken_from) {
            (true, false) => Some((
                format!("no pipeline takes what connector {name} gives"),
                "receivers",
            )),
            (false, true) => Some((
                format!("no pipeline gives connector {name} anything"),
                "exporters",
            )),
            _ => None,
        };
        if let Some((what, section)) = missing {
            let signal = match section {
                "receivers" if makes_metrics(&entry.key) => Signal::Metrics,
                _ => Signal::Traces,
            };
            let signal = signal.name();
            let cure = format!("name it in the `{section}` of a pipeline of {signal} as well");
            mistakes
                .borrow_mut()
                .push(Mistake::error(entry.place, what, cure));
        }
    }
    report_circle(entries, pipelines, mistakes);
}

/// The pipelines that take what a pipeline gives to connectors.
pub(super) fn behind<'a>(
    pipelines: &'a [PipelineConfig],
    pipeline: &'a PipelineConfig,
) -> impl Iterator<Item = &'a PipelineConfig> {
    let takes = |other: &&PipelineConfig| other.from.iter().any(|at| pipeline.to.contains(at));
    pipelines.iter().filter(takes)
}

/// Reports the first circle, at the connector that leads into it.
fn report_circle(entries: &[Entry], pipelines: &[PipelineConfig], mistakes: &Mistakes) {
    let circle = pipelines.iter().find_map(|first| circle(pipelines, first));
    let Some(circle) = circle else {
        return;
    };
    let names: Vec<_> = circle.iter().map(|one| quoted(&one.name)).collect();
    let (Some(first), Some(last)) = (circle.first(), circle.last()) else {
        return;
    };
    let by = last.to.iter().find(|at| first.from.contains(at));
    let Some(entry) = by.and_then(|at| entries.get(*at)) else {
        return;
    };
    let what = match names.as_slice() {
        [one] => format!(
            "pipeline {one} feeds itself by way of connector {}, for ever",
            quoted(&entry.key)
        ),
        _ => format!(
            "pipelines {} feed each other in a circle by way of connectors, for ever",
            names.join(", ")
        ),
    };
    let cure = "take it out of the `receivers` or the `exporters` of one of them";
    let mistake = Mistake::error(entry.place, what, cure);
    mistakes.borrow_mut().push(mistake);
}

/// The shortest way from a pipeline to itself, if there is one: each feeds the next, and the last the first.
fn circle<'a>(
    pipelines: &'a [PipelineConfig],
    first: &'a PipelineConfig,
) -> Option<Vec<&'a PipelineConfig>> {
    let mut ways = vec![vec![first]];
    let mut seen: Vec<&str> = vec![];
    while !ways.is_empty() {
        let mut longer = vec![];
        for way in ways {
            let Some(last) = way.last() else { continue };
            for next in behind(pipelines, last) {
                if next.name == first.name {
                    return Some(way);
                }
                if !seen.contains(&next.name.as_str()) {
                    seen.push(&next.name);
                    longer.push([way.as_slice(), &[next]].concat());
                }
            }
        }
        ways = longer;
    }
    None
}
