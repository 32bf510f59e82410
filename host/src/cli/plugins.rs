//! `otlet plugin list`: the plugins of a config and of its plugin directory, and what is wrong with them.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::ValueEnum;

use super::{BAD_CONFIG, registry, say, say_report};
use crate::app::{self, Row};
use crate::config;

/// How the list is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Digits of a digest in the table.
const DIGITS: usize = "sha256:".len() + 12;

const HEAD: [&str; 7] = [
    "NAME",
    "VERSION",
    "STATE",
    "SIGNALS",
    "PROCESSORS",
    "DIGEST",
    "SOURCE",
];

pub(super) fn list(path: &Path, format: Format) -> anyhow::Result<ExitCode> {
    let draft = config::load(path);
    if draft.has_mistakes() {
        if let Some(report) = draft.report() {
            say_report(&report);
        }
        return Ok(ExitCode::from(BAD_CONFIG));
    }
    let registry = registry(&draft)?;
    let rows = app::plugins(&draft, &registry)?;
    let text = match format {
        Format::Table => table(&rows),
        Format::Json => format!("{:#}", serde_json::json!({ "plugins": rows })),
    };
    say(&mut io::stdout(), &text);
    Ok(ExitCode::SUCCESS)
}

fn table(rows: &[Row]) -> String {
    let mut cells = vec![HEAD.map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        let listed = |words: &[String]| or_dash(words.join(","));
        let signals: Vec<_> = row
            .signals
            .iter()
            .map(|signal| (*signal).to_owned())
            .collect();
        let processors: Vec<_> = row.processors.iter().map(|it| it.name.clone()).collect();
        let digest = row.digest.clone().unwrap_or_default();
        [
            row.name.clone(),
            or_dash(row.version.clone().unwrap_or_default()),
            row.state.to_owned(),
            listed(&signals),
            listed(&processors),
            or_dash(digest.chars().take(DIGITS).collect()),
            row.source.clone(),
        ]
    }));
    let width = |column: usize| {
        let cells = cells.iter().filter_map(|cells| cells.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: [usize; HEAD.len()] = std::array::from_fn(width);
    let mut lines = vec![];
    for cells in &cells {
        let line = cells.iter().zip(widths);
        let line: Vec<_> = line.map(|(cell, width)| format!("{cell:width$}")).collect();
        lines.push(line.join("  ").trim_end().to_owned());
    }
    for row in rows {
        let said = row.reason.iter().map(|reason| (row.state, reason));
        for (word, what) in said.chain(row.warnings.iter().map(|warning| ("warning", warning))) {
            lines.push(format!("{word}: {} ({}): {what}", row.name, row.source));
        }
    }
    lines.join("\n")
}

fn or_dash(text: String) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}
