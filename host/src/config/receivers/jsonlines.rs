//! Reads a `jsonlines` receiver. Its keys are those of the Collector's `filelog` where that has them: `include`, `exclude`,
//! `start_at`, `poll_interval`, `force_flush_period`, `resource`; `storage` is a folder here. `stdin` and `max_line_size` are
//! otlet's own.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

use crate::config::reader::{Lacking, Mistakes, Reader};
use crate::config::report::{Mistake, Place, quoted};
use crate::config::yaml::{Entry, Resolved, Value};
use crate::receiver::jsonlines::{Config, Glob, Input, Sought, StartAt};

/// The Collector's default for the longest line.
const MAX_LINE_SIZE: usize = 1 << 20;
const LINE_SIZES: RangeInclusive<u64> = 1024..=16 << 20;

/// The Collector's default.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
const POLL_INTERVALS: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_mins(1);

/// The Collector's is 500 ms, which cuts the lines of a program that buffers what it writes.
const FLUSH_PERIOD: Duration = Duration::from_secs(30);
const FLUSH_PERIODS: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(24);

/// The keys that are for files alone.
const OF_FILES: [&str; 6] = [
    "include",
    "exclude",
    "start_at",
    "storage",
    "poll_interval",
    "force_flush_period",
];

/// Keys of the Collector's `filelog` that otlet has no equivalent for.
const LACKING: Lacking = &[
    (
        "operators",
        "lines are not parsed here: use the plugin `link` with `lift: true` for JSON, and `enrich` for the rest",
    ),
    (
        "multiline",
        "a record is a line: have the program write JSON, which has no line breaks in a record",
    ),
    (
        "attributes",
        "use the plugin `enrich`, or `resource` for what all records have in common",
    ),
    ("max_log_size", "it is named `max_line_size`"),
    (
        "encoding",
        "lines are UTF-8, and what is not is replaced and counted: remove it",
    ),
    (
        "retry_on_failure",
        "lines stay where they are until they are taken: remove it",
    ),
    (
        "include_file_name",
        "records have `log.file.name`: remove it, and take it away with `enrich` if you like",
    ),
    (
        "include_file_path",
        "records have `log.file.path`: remove it, and take it away with `enrich` if you like",
    ),
    (
        "fingerprint_size",
        "the first 1000 bytes tell files apart: remove it",
    ),
    (
        "max_concurrent_files",
        "otlet keeps as many files open as the process's limit allows, 512 at most, and reads the others in turns: remove it",
    ),
    ("compression", "otlet reads plain files: remove it"),
    (
        "delete_after_read",
        "otlet changes no file that it reads: remove it",
    ),
];

/// Reads one; `stdin` is where one before it reads standard input.
pub(in crate::config) fn read(
    name: &str,
    reader: Reader<'_>,
    mistakes: &Mistakes,
    stdin: &mut Option<Place>,
) -> Config {
    let mut reader = reader.lacking(LACKING);
    let mut reads_stdin = false;
    reader.boolean("stdin", &mut reads_stdin);
    let mut max_line_size = MAX_LINE_SIZE;
    let resource = reader
        .named("resource")
        .iter()
        .filter_map(|entry| attribute(entry, mistakes))
        .collect();
    let sought = read_sought(name, &mut reader, reads_stdin);
    reader.size("max_line_size", LINE_SIZES, &mut max_line_size);
    let input = if reads_stdin {
        check_stdin(&reader, stdin);
        Input::Stdin
    } else {
        Input::Files(Box::new(sought))
    };
    reader.finish();
    Config {
        name: name.to_owned(),
        input,
        max_line_size,
        resource,
    }
}

fn check_stdin(reader: &Reader<'_>, stdin: &mut Option<Place>) {
    for key in OF_FILES.into_iter().filter(|key| reader.has(key)) {
        let what = format!("`{key}` is for files, and this receiver reads standard input");
        let cure = "remove it, or read the files with a receiver of their own: `jsonlines/files`";
        reader.report(Mistake::error(reader.place_of(key), what, cure));
    }
    let place = reader.place_of("stdin");
    if let Some(first) = stdin.replace(place) {
        let what = "two receivers read standard input";
        let mistake = Mistake::error(place, what, "remove `stdin` from one of them");
        reader.report(mistake.and(first, "the first is here"));
    }
}

fn read_sought(name: &str, reader: &mut Reader<'_>, reads_stdin: bool) -> Sought {
    let include = globs("include", reader);
    let exclude = globs("exclude", reader);
    let mut start_at = StartAt::default();
    let words = [("beginning", StartAt::Beginning), ("end", StartAt::End)];
    reader.choice("start_at", &words, &mut start_at);
    let (mut poll_interval, mut force_flush_period) = (POLL_INTERVAL, FLUSH_PERIOD);
    reader.duration("poll_interval", POLL_INTERVALS, &mut poll_interval);
    reader.duration("force_flush_period", FLUSH_PERIODS, &mut force_flush_period);
    let want = "the path of a folder";
    let storage = reader.text("storage", want, "write `storage: /var/lib/otlet`", |text| {
        if text.is_empty() {
            let what = "`storage` is empty".to_owned();
            return Err((what, "write `storage: /var/lib/otlet`".to_owned()));
        }
        if std::fs::metadata(text).is_ok_and(|found| !found.is_dir()) {
            let what = "`storage` is a path that leads to no folder".to_owned();
            let cure = "name a folder, which is made if it is not there: `storage: /var/lib/otlet`";
            return Err((what, cure.to_owned()));
        }
        Ok(PathBuf::from(text))
    });
    if !reads_stdin && reader.is_empty("include") {
        let what = format!("receiver {} has no input", quoted(name));
        let cure = "write `include: [/var/log/shop/*.log]`, or `stdin: true`";
        reader.report(Mistake::error(reader.place_of("include"), what, cure));
    } else if !reads_stdin && !reader.has("storage") {
        let what = format!(
            "receiver {} forgets at its end how far it read",
            quoted(name)
        );
        let cure = match start_at {
            StartAt::Beginning => {
                "a restart sends every line again: write `storage: /var/lib/otlet`"
            }
            StartAt::End => {
                "lines that are written before the next start are not read: write `storage: /var/lib/otlet`"
            }
        };
        reader.report(Mistake::warning(reader.place(), what, cure));
    }
    Sought {
        include,
        exclude,
        start_at,
        storage,
        poll_interval,
        force_flush_period,
    }
}

fn globs(key: &'static str, reader: &mut Reader<'_>) -> Vec<Glob> {
    let mut globs = vec![];
    for (text, place) in reader.names(key) {
        match Glob::parse(text) {
            Ok(glob) => globs.push(glob),
            Err(wrong) => {
                let what = format!("a pattern of `{key}` {wrong}");
                let cure = "write a path with `*`, `?`, `[a-z]`, `{a,b}` or `**` in it: `/var/log/**/*.log`";
                reader.report(Mistake::error(place, what, cure));
            }
        }
    }
    globs
}

/// An attribute of the resource; its type is that of the value.
fn attribute(entry: &Entry, mistakes: &Mistakes) -> Option<KeyValue> {
    let value = match &entry.value.value {
        Value::Scalar(scalar) => match scalar.resolve() {
            Resolved::Null => None,
            Resolved::Boolean(value) => Some(Any::BoolValue(value)),
            Resolved::Integer(value) => Some(Any::IntValue(value)),
            Resolved::Double(value) => Some(Any::DoubleValue(value)),
            Resolved::Unsigned(_) | Resolved::Text(_) => {
                Some(Any::StringValue(scalar.text.clone()))
            }
        },
        Value::List(_) | Value::Map(_) => None,
        Value::Unknown => return None,
    };
    let Some(value) = value else {
        let key = quoted(&entry.key);
        let what = format!("expected a value for {key}, found {}", entry.value.found());
        let cure = "write a text, a number or a boolean: `service.name: shop`";
        mistakes
            .borrow_mut()
            .push(Mistake::error(entry.place, what, cure));
        return None;
    };
    Some(KeyValue {
        key: entry.key.clone(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    })
}
