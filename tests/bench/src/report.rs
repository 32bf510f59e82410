//! What a run has seen, as a table in Markdown, as JSON with every raw figure, and as pictures.

mod figures;
mod plot;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::run::{Played, Results};
use crate::scenario::{Rate, Scenario};
use crate::turn::Turn;
use figures::{Figures, Spread};
use plot::{Axes, Bar, Line};

/// Writes `report.md`, `report.json`, and the pictures to a folder, and gives the text.
pub fn write(results: &Results, folder: &Path) -> anyhow::Result<String> {
    let text = markdown(results);
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| path.display().to_string())
    };
    put("report.md", &text)?;
    put("report.json", &serde_json::to_string_pretty(results)?)?;
    let labels = labels(results);
    let title = "CPU time a record, x that of the first program";
    put("ratios.svg", &plot::bars(title, &labels, &ratios(results)))?;
    for played in &results.scenarios {
        let title = format!("{}: resident memory", played.scenario.name);
        let lines = plot::lines(&title, &AXES, &labels, &memory(played));
        put(&picture(played), &lines)?;
    }
    Ok(text)
}

/// Those of pictures of memory.
const AXES: Axes = Axes { x: "s", y: "MiB" };

/// Every program, in the order in which they come first.
fn labels(results: &Results) -> Vec<&str> {
    let mut labels = vec![];
    for program in results.scenarios.iter().flat_map(|played| &played.programs) {
        if !labels.contains(&program.program.as_str()) {
            labels.push(program.program.as_str());
        }
    }
    labels
}

fn picture(played: &Played) -> String {
    format!("{}-memory.svg", played.scenario.name)
}

/// The report for people.
pub fn markdown(results: &Results) -> String {
    let machine = &results.machine;
    let mut text = format!(
        "# Benchmark\n\n{} cores of {}, Linux {}; the program under test has {}{}.\n\n\
         CPU time a record of the program under test: the median of the rounds. Ratios are to the first program of the same \
         round, with the least and the greatest. Latencies in milliseconds. `busy` is the share of its cores that the program used \
         under load, `waited` that of which others kept it waiting.\n\n![ratios](ratios.svg)\n",
        machine.cores,
        machine.processor,
        machine.kernel,
        results.cores,
        if results.is_crowded {
            ", one of which it shares with load and sink"
        } else {
            ""
        },
    );
    for played in &results.scenarios {
        section(&mut text, played);
    }
    text
}

fn section(text: &mut String, played: &Played) {
    let scenario = &played.scenario;
    let figures = figures::of(played);
    let _infallible = write!(
        text,
        "\n## {}\n\n{} {}\n\n",
        scenario.name,
        scenario.about,
        load(scenario)
    );
    if !scenario.is_idle() {
        costs(text, &figures);
        text.push('\n');
    }
    resources(text, &figures);
    for (program, turn) in played.turns() {
        swap(text, program, turn);
    }
    for program in &played.programs {
        for fault in &program.faults {
            let fault = fault.lines().next().unwrap_or_default();
            let _infallible = write!(text, "\n- **{}**: {fault}", program.program);
        }
    }
    for program in &played.left_out {
        let _infallible = write!(
            text,
            "\n- {program} was left out: no `--program {program}=PATH`"
        );
    }
    let _infallible = write!(text, "\n![memory]({})\n", picture(played));
}

/// What is sent, in words.
fn load(scenario: &Scenario) -> String {
    let load = &scenario.load;
    let rate = match load.rate {
        Rate::Max => "as fast as answers come".to_owned(),
        Rate::Records(0.0) => return format!("Nothing is sent for {} s.", load.seconds),
        Rate::Records(rate) => format!("{rate} records a second"),
        Rate::Times { times } => format!("{times} x what the backend takes"),
    };
    format!(
        "{} of {} a request over {}{}, {rate}, {} in flight, for {} s.",
        word(&load.shape),
        load.batch,
        word(&load.protocol),
        if load.gzip { " with gzip" } else { "" },
        load.in_flight,
        load.seconds
    )
}

/// A word of the scenarios' files.
fn word(value: &impl clap::ValueEnum) -> String {
    let value = value.to_possible_value().expect("no word is left out");
    value.get_name().to_owned()
}

fn costs(text: &mut String, all: &[Figures]) {
    text.push_str(
        "| program | CPU ns a record | ratio | records/s | busy | waited | p50 | p90 | p99 | p99.9 | p99 of the worst second | refused | no answer | goodput |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in all {
        let [p50, p90, p99, p999] = row.latency_ms;
        let _infallible = writeln!(
            text,
            "| {} | {} | {} | {:.0} | {:.0} % | {:.0} % | {p50:.2} | {p90:.2} | {p99:.2} | {p999:.2} | {:.2} | {} | {} | {} |",
            row.program,
            row.ns_per_record
                .map_or(String::new(), |ns| format!("{:.0}", ns.median)),
            row.ratio.map_or(String::new(), spread),
            row.records_per_second,
            row.busy * 100.0,
            row.waited * 100.0,
            row.worst_ms,
            refused(row),
            no_answer(row),
            row.goodput
                .map_or(String::new(), |goodput| format!("{goodput:.2}")),
        );
    }
}

fn spread(spread: Spread) -> String {
    format!(
        "{:.2} ({:.2} to {:.2})",
        spread.median, spread.least, spread.most
    )
}

fn refused(row: &Figures) -> String {
    match (row.retryable, row.permanent) {
        (retryable, 0) => retryable.to_string(),
        (retryable, permanent) => format!("{retryable}, {permanent} for good"),
    }
}

fn no_answer(row: &Figures) -> String {
    match (row.failed, row.unsent) {
        (failed, 0) => failed.to_string(),
        (failed, unsent) => format!("{failed}, {unsent} not sent in time"),
    }
}

fn resources(text: &mut String, all: &[Figures]) {
    text.push_str(
        "| program | ready, ms | idle MiB | peak MiB | final MiB | CPU ms/s | binary MB |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for row in all {
        let _infallible = writeln!(
            text,
            "| {} | {:.0} ({:.0} to {:.0}) | {:.0} | {:.0} | {:.0} | {:.1} | {:.1} |",
            row.program,
            row.ready_ms.median,
            row.ready_ms.least,
            row.ready_ms.most,
            row.idle_mib,
            row.peak_mib,
            row.final_mib,
            row.cpu_ms_per_second,
            row.binary_mb,
        );
    }
}

/// What a swap did to the latencies, if there was one.
fn swap(text: &mut String, program: &str, turn: &Turn) {
    let (Some(swapped), Some(p99)) = (turn.swapped, turn.swap()) else {
        return;
    };
    let [of_swap, compiling, others] =
        [p99.of_swap, p99.compiling, p99.others].map(|micros| micros as f64 / 1e3);
    let _infallible = write!(
        text,
        "\n- {program}: {:.1} s after the new file was there it was in use; p99 of that second {of_swap:.2} ms, of the seconds in \
         which it was compiled {compiling:.2} at most, of the others {others:.2} in the median: {:.2} x",
        swapped.used - swapped.written,
        p99.ratio()
    );
}

fn ratios(results: &Results) -> Vec<(String, Vec<Bar>)> {
    let bars = |played: &Played| {
        let figures = figures::of(played);
        let bar = |row: &Figures| {
            let ratio = row.ratio?;
            Some(Bar {
                label: row.program.clone(),
                value: ratio.median,
                least: ratio.least,
                most: ratio.most,
            })
        };
        figures.iter().filter_map(bar).collect::<Vec<_>>()
    };
    (results.scenarios.iter())
        .map(|played| (played.scenario.name.clone(), bars(played)))
        .filter(|(_, bars)| !bars.is_empty())
        .collect()
}

/// Memory over time, in each program's last turn.
fn memory(played: &Played) -> Vec<Line> {
    (played.programs.iter())
        .filter_map(|program| {
            let turn = program.turns.iter().flatten().last()?;
            let point = |sample: &crate::turn::Sample| {
                (
                    sample.at_ms as f64 / 1e3,
                    sample.resident_kib as f64 / 1024.0,
                )
            };
            Some(Line {
                label: program.program.clone(),
                points: turn.samples.iter().map(point).collect(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
