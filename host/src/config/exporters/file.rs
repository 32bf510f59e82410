//! Reads the exporter `file`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::exporter::{Config, FileConfig, FileFormat, Kind, Rotation};

use super::super::reader::{Lacking, Mistakes, Reader};
use super::super::report::{Mistake, Place, quoted};
use super::super::yaml::Entry;

pub(super) const LACKING: Lacking = &[
    (
        "compression",
        "otlet writes plain files: remove it, and compress those that `rotation` has renamed",
    ),
    (
        "flush_interval",
        "otlet keeps nothing back and writes each request at once: remove it",
    ),
    (
        "encoding",
        "otlet has no extensions: write `format: json` or `format: proto`",
    ),
    (
        "group_by",
        "otlet writes one file an exporter: name an exporter for each, in pipelines of their own",
    ),
    (
        "create_directory",
        "otlet makes the file alone: make the directory, and remove this",
    ),
    (
        "directory_permissions",
        "otlet makes the file alone: make the directory, and remove this",
    ),
];

/// Reports two exporters that would write one file, each over what the other wrote.
pub(in super::super) fn check_paths(configs: &[Config], entries: &[Entry], mistakes: &Mistakes) {
    let mut seen: HashMap<&Path, Place> = HashMap::new();
    for config in configs {
        let Kind::File(file) = &config.kind else {
            continue;
        };
        let entry = entries.iter().find(|entry| entry.key == config.name);
        let place = entry.map_or(Place { start: 0, end: 0 }, |entry| {
            Reader::new(entry.place, &entry.value, mistakes).place_of("path")
        });
        if let Some(first) = seen.insert(&file.path, place) {
            let what = format!(
                "two exporters write {}",
                quoted(&file.path.to_string_lossy())
            );
            let mistake = Mistake::error(place, what, "give one of them another path");
            let mistake = mistake.and(first, "the first is here");
            mistakes.borrow_mut().push(mistake);
        }
    }
}

/// Reads what is the file's own; `None` beside a mistake if there is no path.
pub(super) fn read(name: &str, reader: &mut Reader<'_>) -> Option<FileConfig> {
    let cure = "write `path: /var/lib/otlet/telemetry.json`";
    if !reader.has("path") {
        let what = format!("exporter {} has no path", quoted(name));
        reader.report(Mistake::error(reader.place(), what, cure));
    }
    let path = reader.text("path", "the path of a file", cure, |text| {
        if text.is_empty() || text.ends_with('/') || text.contains('\0') {
            return Err((
                format!("{} is not the path of a file", quoted(text)),
                cure.to_owned(),
            ));
        }
        Ok(PathBuf::from(text))
    });
    let mut format = FileFormat::Json;
    let words = [("json", FileFormat::Json), ("proto", FileFormat::Proto)];
    reader.choice("format", &words, &mut format);
    let mut append = true;
    reader.boolean("append", &mut append);
    let rotation = reader.section("rotation").map(read_rotation);
    let config = FileConfig {
        path: path?,
        format,
        append,
        rotation,
    };
    report_hindrance(&config, reader);
    Some(config)
}

/// Says what keeps the file from being written, if that is known before it is.
fn report_hindrance(config: &FileConfig, reader: &Reader<'_>) {
    let Some(hindrance) = config.hindrance() else {
        return;
    };
    let file = if reader.is_hidden("path") {
        // It may come from the environment.
        "`path`".to_owned()
    } else {
        quoted(&config.path.to_string_lossy())
    };
    let (place, what) = (
        reader.place_of("path"),
        format!("{file} {}", hindrance.what),
    );
    reader.report(if hindrance.is_for_good {
        Mistake::error(place, what, hindrance.cure)
    } else {
        Mistake::warning(place, what, hindrance.cure)
    });
}

fn read_rotation(mut reader: Reader<'_>) -> Rotation {
    let mut rotation = Rotation::default();
    reader.integer("max_megabytes", 1..=1_048_576, &mut rotation.max_megabytes);
    reader.integer("max_days", 0..=36_500, &mut rotation.max_days);
    reader.integer("max_backups", 0..=1_000_000, &mut rotation.max_backups);
    let mut local = false;
    reader.boolean("localtime", &mut local);
    if local {
        let what = "otlet names the files by UTC";
        let place = reader.place_of("localtime");
        reader.report(Mistake::error(
            place,
            what,
            "write `localtime: false`, or remove it",
        ));
    }
    reader.finish();
    rotation
}
