//! Reads `processors`.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use crate::plugin::{Isolate, Limits, OnError, Sandbox};

use super::reader::{Reader, place_of_value};
use super::report::{Mistake, Place};
use super::yaml::{Node, Value};
use super::{ProcessorConfig, grants};

/// A batch is not worth more; a sender has given up long before.
const DEADLINES: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(1);

/// A processor as the file has it.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) config: ProcessorConfig,
    /// Its key.
    pub(super) place: Place,
    /// What the plugin is told, if anything, to find places in it; and the key that it stands at.
    pub(super) node: Option<(Place, Node)>,
    /// Where its `on_error` stands, or else its key.
    pub(super) on_error: Place,
    /// The same of its `grants`.
    pub(super) grants: Place,
}

/// Reads one processor; paths start at `folder`.
pub(super) fn read(plugin: &str, name: &str, reader: Reader<'_>, folder: &Path) -> Read {
    let mut reader = reader.hint("a plugin's own keys go below `config:`");
    let place = reader.place();
    let entry = reader
        .entry("config")
        .filter(|entry| !entry.value.is_null());
    if let Some(entry) = entry
        && !matches!(entry.value.value, Value::Map(_) | Value::Unknown)
    {
        let found = entry.value.found();
        let what = format!("expected a mapping for `config`, found {found}");
        let cure = "write the plugin's keys below it: `config: { key: value }`";
        reader.report(Mistake::error(place_of_value(entry), what, cure));
    }
    let node = entry.map(|entry| (entry.place, entry.value.clone()));
    let config = ProcessorConfig {
        name: name.to_owned(),
        plugin: plugin.to_owned(),
        config: node
            .as_ref()
            .map_or_else(|| serde_json::json!({}), |(_, node)| node.json()),
        on_error: read_on_error(&mut reader),
        sandbox: read_sandbox(&mut reader, folder),
    };
    let (on_error, grants) = (reader.place_of("on_error"), reader.place_of("grants"));
    reader.finish();
    Read {
        config,
        place,
        node,
        on_error,
        grants,
    }
}

fn read_on_error(reader: &mut Reader<'_>) -> Option<OnError> {
    let words = [
        ("pass", Some(OnError::Pass)),
        ("drop", Some(OnError::Drop)),
        ("reject", Some(OnError::Reject)),
        ("dead_letter", Some(OnError::DeadLetter)),
    ];
    let mut on_error = None;
    reader.choice("on_error", &words, &mut on_error);
    on_error
}

fn read_sandbox(reader: &mut Reader<'_>, folder: &Path) -> Sandbox {
    let limits = reader.section("limits").map(read_limits);
    let grants = reader.section("grants");
    let grants = grants.map(|section| grants::read(section, folder));
    let mut isolate = Isolate::default();
    let words = [("processor", Isolate::Processor), ("batch", Isolate::Batch)];
    reader.choice("isolate", &words, &mut isolate);
    Sandbox {
        limits: limits.unwrap_or_default(),
        grants: grants.unwrap_or_default(),
        isolate,
    }
}

fn read_limits(mut reader: Reader<'_>) -> Limits {
    let mut limits = Limits::default();
    // Below one page of WebAssembly nothing runs, and 4 GiB is all that it can address.
    reader.size("memory", 65_536..=1 << 32, &mut limits.memory);
    reader.duration("deadline", DEADLINES, &mut limits.deadline);
    reader.integer("instances", 1..=1000, &mut limits.instances);
    reader.size("handed", 1 << 20..=1 << 40, &mut limits.handed);
    reader.integer("growth", 1..=1000, &mut limits.growth);
    reader.integer("log_lines", 0..=1_000_000, &mut limits.log_lines);
    reader.finish();
    limits
}
