//! What is different between two configs, part by part, and what of that cannot change while otlet runs.
//!
//! Parts are told apart by their names. What is named says no value of the config: it may be a secret.

use std::fmt::{self, Display, Formatter};

use crate::config::{Config, PipelineConfig, ReceiverConfig};
use crate::connector::AnyConfig;
use crate::exporter::{Config as ExporterConfig, FileConfig, Kind};
use crate::receiver::jsonlines;

/// What a reload changes, by the places of the parts in the config: `exporters.otlp/backup`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// What is new.
    pub added: Vec<String>,
    /// What has other settings.
    pub changed: Vec<String>,
    /// What is gone.
    pub removed: Vec<String>,
}

/// A list of places, for the log.
pub struct Listed<'a>(pub &'a [String]);

impl Display for Listed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (number, place) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(f, "{comma}{place}")?;
        }
        Ok(())
    }
}

impl Changes {
    /// What leads from one config to another.
    pub fn between(old: &Config, new: &Config) -> Self {
        // Every field by its name: one that is new must not be forgotten here.
        let Config {
            receivers,
            processors,
            exporters,
            connectors,
            pipelines,
            admin,
            logs,
            readers,
            resource,
            dead_letters,
            plugins,
            memory,
        } = new;
        let mut changes = Self::default();
        let is_same = |old: &ReceiverConfig, new: &ReceiverConfig| old == new;
        changes.list(
            "receivers",
            (&old.receivers, receivers),
            ReceiverConfig::name,
            is_same,
        );
        changes.list(
            "processors",
            (&old.processors, processors),
            |config| &config.name,
            |old, new| old == new,
        );
        changes.list(
            "exporters",
            (&old.exporters, exporters),
            |config| &config.name,
            |old, new| old == new,
        );
        changes.list(
            "connectors",
            (&old.connectors, connectors),
            |config| config.name(),
            |old, new| old == new,
        );
        changes.list(
            "service.pipelines",
            (&old.pipelines, pipelines),
            |config| &config.name,
            |one, other| Members::of(old, one) == Members::of(new, other),
        );
        for (place, differs) in [
            ("admin", old.admin != *admin),
            ("dead_letters", old.dead_letters != *dead_letters),
            ("plugins", old.plugins != *plugins),
            ("service.memory", old.memory != *memory),
            ("service.telemetry.logs", old.logs != *logs),
            (
                "service.telemetry.metrics",
                old.readers != *readers || old.resource != *resource,
            ),
        ] {
            if differs {
                changes.changed.push(place.to_owned());
            }
        }
        changes
    }

    fn list<T>(
        &mut self,
        section: &str,
        (old, new): (&[T], &[T]),
        name: impl Fn(&T) -> &str,
        is_same: impl Fn(&T, &T) -> bool,
    ) {
        let place = |part: &T| format!("{section}.{}", name(part));
        for part in new {
            match old.iter().find(|before| name(before) == name(part)) {
                None => self.added.push(place(part)),
                Some(before) if !is_same(before, part) => self.changed.push(place(part)),
                Some(_) => {}
            }
        }
        let is_gone = |part: &&T| !new.iter().any(|after| name(after) == name(part));
        self.removed.extend(old.iter().filter(is_gone).map(place));
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// A pipeline by the names of what it is made of.
#[derive(PartialEq)]
struct Members<'a> {
    receivers: Vec<&'a str>,
    processors: Vec<&'a str>,
    exporters: Vec<&'a str>,
    /// The connectors that it takes from, and those that it hands to.
    connectors: [Vec<&'a str>; 2],
}

impl<'a> Members<'a> {
    fn of(config: &'a Config, pipeline: &PipelineConfig) -> Self {
        let receivers = pipeline.receivers.iter();
        let processors = pipeline.processors.iter();
        let exporters = pipeline.exporters.iter();
        let connectors = |places: &[usize]| {
            let connectors = places.iter().filter_map(|at| config.connectors.get(*at));
            connectors.map(AnyConfig::name).collect()
        };
        Self {
            receivers: receivers
                .filter_map(|at| config.receivers.get(*at))
                .map(ReceiverConfig::name)
                .collect(),
            processors: processors
                .filter_map(|at| config.processors.get(*at))
                .map(|processor| processor.name.as_str())
                .collect(),
            exporters: exporters
                .filter_map(|at| config.exporters.get(*at))
                .map(|exporter| exporter.name.as_str())
                .collect(),
            connectors: [connectors(&pipeline.from), connectors(&pipeline.to)],
        }
    }
}

/// What cannot change while otlet runs, each with its key and the cure; none if all can.
pub(super) fn fixed(old: &Config, new: &Config) -> Vec<String> {
    let mut fixed = vec![];
    let mut restart = |key: &str, differs: bool| {
        if differs {
            fixed.push(format!("`{key}` is read at the start alone: restart otlet"));
        }
    };
    restart("dead_letters", old.dead_letters != new.dead_letters);
    restart("plugins.cache", old.plugins.cache != new.plugins.cache);
    let (before, after) = (old.logs.encoding, new.logs.encoding);
    restart("service.telemetry.logs.encoding", before != after);
    if stdin(old) != stdin(new) {
        let name = stdin(old).or(stdin(new)).map(|config| config.name.as_str());
        let name = name.unwrap_or_default();
        fixed.push(format!(
            "receiver `{name}`: standard input is opened at the start alone: restart otlet"
        ));
    }
    for exporter in &new.exporters {
        let Some(file) = written(exporter) else {
            continue;
        };
        let mut before = old.exporters.iter().filter_map(written);
        if before.any(|old| old.path == file.path && old.format != file.format) {
            let name = &exporter.name;
            fixed.push(format!(
                "exporter `{name}`: the `format` of a file that is being written stays: give it another `path`, or restart otlet"
            ));
        }
    }
    fixed
}

/// The receiver that reads standard input, if one does.
fn stdin(config: &Config) -> Option<&jsonlines::Config> {
    let used = config.used_lines();
    let mut configs = used.map(|(_, config)| config);
    configs.find(|config| config.input == jsonlines::Input::Stdin)
}

/// The file that an exporter writes, if it is one of that kind.
pub(super) fn written(exporter: &ExporterConfig) -> Option<&FileConfig> {
    match &exporter.kind {
        Kind::File(file) => Some(file),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Loaded};

    const CONFIG: &str = "
receivers:
  otlp: { protocols: { grpc: } }
  otlp/b: { protocols: { http: } }
exporters:
  debug: { verbosity: basic }
  file: { path: /tmp/telemetry.json, format: json }
  otlp: { endpoint: 'http://127.0.0.1:1', headers: { x-token: abc } }
service:
  telemetry: { logs: { level: info, encoding: console } }
  pipelines:
    traces: { receivers: [otlp], exporters: [debug, otlp] }
    logs: { receivers: [otlp, otlp/b], exporters: [otlp, file] }
";

    fn read(text: &str) -> Config {
        let draft = config::parse("test.yaml", text.as_bytes(), &|_| None);
        let Loaded { config, .. } = draft.finish().unwrap();
        config
    }

    /// The config with some of its text replaced.
    fn with(pairs: &[(&str, &str)]) -> Config {
        let text = pairs.iter().fold(CONFIG.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        read(&text)
    }

    fn changes(pairs: &[(&str, &str)]) -> [String; 3] {
        let Changes {
            added,
            changed,
            removed,
        } = Changes::between(&read(CONFIG), &with(pairs));
        [added, changed, removed].map(|places| Listed(&places).to_string())
    }

    #[test]
    fn each_part_is_named_that_is_new_other_or_gone() {
        assert_eq!(changes(&[]), ["", "", ""].map(str::to_owned));
        let other = [
            ("x-token: abc", "x-token: abd"),
            ("[debug, otlp]", "[otlp, debug]"),
            (
                "  otlp/b: { protocols: { http: } }\n",
                "  otlp/c: { protocols: { http: } }\n",
            ),
            ("[otlp, otlp/b]", "[otlp, otlp/c]"),
            ("level: info", "level: warn"),
        ];
        let expected = [
            "receivers.otlp/c",
            "exporters.otlp, service.pipelines.traces, service.pipelines.logs, service.telemetry.logs",
            "receivers.otlp/b",
        ];
        assert_eq!(changes(&other), expected.map(str::to_owned));
    }

    #[test]
    fn the_order_of_the_file_is_no_change() {
        let debug = "  debug: { verbosity: basic }\n";
        let moved = [
            (debug, ""),
            ("  otlp: { endpoint", &format!("{debug}  otlp: {{ endpoint")),
        ];
        assert_eq!(changes(&moved), ["", "", ""].map(str::to_owned));
    }

    #[test]
    fn what_cannot_change_is_named_with_the_cure() {
        let of = |pairs: &[(&str, &str)]| fixed(&read(CONFIG), &with(pairs)).join("\n");
        assert_eq!(of(&[("level: info", "level: debug")]), "");
        for (from, to, expected) in [
            (
                "encoding: console",
                "encoding: json",
                "`service.telemetry.logs.encoding` is read at the start alone: restart otlet",
            ),
            (
                "receivers:",
                "dead_letters: { directory: /tmp/dead }\nreceivers:",
                "`dead_letters` is read at the start alone: restart otlet",
            ),
            (
                "format: json",
                "format: proto",
                "exporter `file`: the `format` of a file that is being written stays: give it another `path`, or restart otlet",
            ),
            (
                "  otlp/b: { protocols: { http: } }\n",
                "  otlp/b: { protocols: { http: } }\n  jsonlines: { stdin: true }\n",
                "",
            ),
        ] {
            assert_eq!(of(&[(from, to)]), expected);
        }
        let reads = [
            (
                "  otlp/b: { protocols: { http: } }\n",
                "  jsonlines: { stdin: true }\n",
            ),
            ("otlp/b]", "jsonlines]"),
        ];
        let expected =
            "receiver `jsonlines`: standard input is opened at the start alone: restart otlet";
        assert_eq!(of(&reads), expected);
    }
}
