//! A config that was read and is not yet known to be right.

mod remarks;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::plugin::{self, OnError};
use crate::telemetry::LogConfig;
use crate::{connector, exporter, letters};

use super::component::{Component, JSON_LINES, Kind, type_of};
use super::environment::{self, Sources};
use super::extensions::Extensions;
use super::processors::Read;
use super::reader::{Mistakes, Reader};
use super::receivers::Listening;
use super::report::{Mistake, Place, Report, Source};
use super::service::{self, Components};
use super::telemetry::Telemetry;
use super::yaml::{self, Entry, MAX_BYTES, Node, Value};
use super::{
    Config, PipelineConfig, ProcessorConfig, ReceiverConfig, admin, connectors, dead_letters,
    exporters, file, loops, plugins, processors, receivers, secrets,
};

pub use remarks::Nature;

/// The file as a whole begins here.
const TOP: Place = Place { start: 0, end: 0 };

/// The least that a config can be, on one line.
const SMALLEST: &str = "write `receivers`, `exporters` and `service`: { pipelines: { traces: { receivers: [otlp], exporters: [otlp] } } }";

/// A config that was read, and what is wrong with it so far.
#[derive(Clone, Debug)]
pub struct Draft {
    source: Arc<Source>,
    mistakes: Vec<Mistake>,
    receivers: Vec<ReceiverConfig>,
    processors: Vec<Read>,
    exporters: Vec<exporter::Config>,
    connectors: Vec<connector::AnyConfig>,
    pipelines: Vec<PipelineConfig>,
    admin: Option<crate::admin::Config>,
    telemetry: Telemetry,
    /// Where the processors of each pipeline are named.
    named: Vec<Vec<Place>>,
    dead_letters: Option<letters::Config>,
    plugins: plugin::Settings,
    memory: Option<usize>,
    /// What it was read from beside its own file.
    files: Vec<PathBuf>,
    /// What is written in the file and no report shows.
    secrets: BTreeSet<Place>,
}

/// A config without mistakes, and what else is to be said about it.
#[derive(Debug)]
pub struct Loaded {
    /// The config.
    pub config: Config,
    /// What keeps nothing from running; may be empty.
    pub warnings: Report,
}

/// Reads a config file, with the process's environment.
pub fn load(path: &Path) -> Draft {
    load_from(path, File::open(path))
}

/// Reads one again, and never waits for it. It must be a regular file: what came out of a pipe cannot be read again.
pub fn load_again(path: &Path) -> Draft {
    load_from(path, file::open(path))
}

fn load_from(path: &Path, file: io::Result<File>) -> Draft {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    // One byte more than is allowed tells a file that is too large from one that just fits.
    let most = u64::try_from(MAX_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let read = file.and_then(|file| file.take(most).read_to_end(&mut bytes));
    match read {
        Ok(_) => {
            let sources = Sources {
                lookup: &|name| std::env::var(name).ok(),
                folder: path.parent().unwrap_or(path),
            };
            parse_with(&name, &bytes, sources)
        }
        Err(error) => {
            let mut draft = Draft::empty(&name, String::new());
            let what = format!("cannot read the config: {error}");
            draft.mistakes.push(Mistake::of_file(
                what,
                "give the path of a file that can be read",
            ));
            draft
        }
    }
}

/// Reads a config from the bytes of a file of that name; `lookup` is the environment.
pub fn parse(name: &str, bytes: &[u8], lookup: &dyn Fn(&str) -> Option<String>) -> Draft {
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    parse_with(name, bytes, Sources { lookup, folder })
}

fn parse_with(name: &str, bytes: &[u8], sources: Sources<'_>) -> Draft {
    if bytes.len() > MAX_BYTES {
        let mut draft = Draft::empty(name, String::new());
        let what = format!("the config has more than {MAX_BYTES} bytes");
        draft.mistakes.push(Mistake::of_file(what, "write less"));
        return draft;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Draft::read(name, text.strip_prefix('\u{feff}').unwrap_or(text), sources),
        Err(error) => {
            let at = error.valid_up_to();
            let mut draft = Draft::empty(name, String::from_utf8_lossy(bytes).into_owned());
            let place = Place {
                start: at,
                end: at + char::REPLACEMENT_CHARACTER.len_utf8(),
            };
            let what = "the config is not UTF-8";
            draft.secrets = secrets::in_lines(&draft.source.text);
            draft
                .mistakes
                .push(Mistake::error(place, what, "save the file as UTF-8"));
            draft
        }
    }
}

impl Draft {
    /// How to log, as far as it could be read.
    pub fn logs(&self) -> &LogConfig {
        &self.telemetry.logs
    }

    /// The processors that could be read, in the file's order; the methods below name one by its position here.
    pub fn processors(&self) -> impl ExactSizeIterator<Item = &ProcessorConfig> {
        self.processors.iter().map(|read| &read.config)
    }

    /// The files whose text was filled in (`${file:PATH}`), those that could not be read included.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Whether something that was found keeps it from being used.
    pub fn has_mistakes(&self) -> bool {
        self.mistakes.iter().any(Mistake::is_fatal)
    }

    /// Whether dead letters are kept.
    pub fn keeps_letters(&self) -> bool {
        self.dead_letters.is_some()
    }

    /// The admin endpoint, as far as it could be read.
    pub fn admin(&self) -> Option<&crate::admin::Config> {
        self.admin.as_ref()
    }

    /// Where plugins come from, as far as it could be read.
    pub fn plugins(&self) -> &plugin::Settings {
        &self.plugins
    }

    /// The config, or what is wrong with it.
    pub fn finish(self) -> Result<Loaded, Report> {
        let report = Report::new(self.source, self.mistakes, self.secrets);
        if report.errors() > 0 {
            return Err(report);
        }
        let processors = self
            .processors
            .into_iter()
            .map(|read| read.config)
            .collect();
        Ok(Loaded {
            config: Config {
                receivers: self.receivers,
                processors,
                exporters: self.exporters,
                connectors: self.connectors,
                pipelines: self.pipelines,
                admin: self.admin,
                logs: self.telemetry.logs,
                readers: self.telemetry.readers,
                resource: self.telemetry.resource,
                dead_letters: self.dead_letters,
                plugins: self.plugins,
                memory: self.memory,
            },
            warnings: report,
        })
    }

    fn empty(name: &str, text: String) -> Self {
        Self {
            source: Arc::new(Source {
                name: name.to_owned(),
                text,
            }),
            mistakes: Vec::new(),
            receivers: Vec::new(),
            processors: Vec::new(),
            exporters: Vec::new(),
            connectors: Vec::new(),
            pipelines: Vec::new(),
            admin: None,
            telemetry: Telemetry::default(),
            named: Vec::new(),
            dead_letters: None,
            plugins: plugin::Settings::default(),
            memory: None,
            files: Vec::new(),
            secrets: BTreeSet::new(),
        }
    }

    fn read(name: &str, text: &str, sources: Sources<'_>) -> Self {
        let mut draft = Self::empty(name, text.to_owned());
        match yaml::read(text, &mut draft.mistakes, &mut draft.secrets) {
            Err(mistake) => {
                draft.mistakes.push(mistake);
                draft.secrets = secrets::in_lines(text);
            }
            Ok(Some(mut root)) if !root.is_null() => {
                draft.files = environment::expand(&mut root, text, sources, &mut draft.mistakes);
                draft.sections(&root, sources.folder);
            }
            Ok(_) => draft
                .mistakes
                .push(Mistake::of_file("the config is empty", SMALLEST)),
        }
        draft
    }

    fn sections(&mut self, root: &Node, folder: &Path) {
        let mistakes = RefCell::new(std::mem::take(&mut self.mistakes));
        let mut top = Reader::new(TOP, root, &mistakes);
        let lists = Kind::NAMED.map(|kind| top.named(kind.section()));
        let [receivers, processors, exporters, connectors] = lists;
        let mut listening = Vec::new();
        let extensions = Extensions::read(top.named(Kind::Extension.section()), folder, &mistakes);
        self.receivers = read_receivers(receivers, &extensions, &mistakes, &mut listening);
        self.admin = top
            .section("admin")
            .map(|section| admin::read(section, &listening));
        self.processors = of_kind(Kind::Processor, processors, &mistakes)
            .map(|(plugin, name, reader)| processors::read(plugin, name, reader, folder))
            .collect();
        self.exporters = of_kind(Kind::Exporter, exporters, &mistakes)
            .filter_map(|(kind, name, reader)| {
                exporters::read(kind, name, reader, &extensions, &mistakes)
            })
            .collect();
        self.connectors = of_kind(Kind::Connector, connectors, &mistakes)
            .map(|(kind, name, reader)| connectors::read(kind, name, reader))
            .collect();
        exporters::file::check_paths(&self.exporters, exporters, &mistakes);
        self.read_dead_letters(&mut top, &mistakes);
        if let Some(section) = top.section("plugins") {
            self.plugins = plugins::read(section, folder);
        }
        let lists = lists.map(|entries| {
            let component = |entry: &Entry| Component {
                name: entry.key.clone(),
                place: entry.place,
                used: false,
            };
            entries.iter().map(component).collect()
        });
        let mut components = Components::new(lists);
        match top.section("service") {
            Some(service) => {
                let known = service::Known {
                    receivers: &self.receivers,
                    sockets: &listening,
                    exporters: &self.exporters,
                    aside: self
                        .connectors
                        .iter()
                        .map(connector::AnyConfig::aside)
                        .fold(0, usize::saturating_add),
                };
                let service =
                    service::read(service, &mut components, &known, &extensions, &mistakes);
                (self.pipelines, self.named) = service.pipelines.into_iter().unzip();
                (self.telemetry, self.memory) = (service.telemetry, service.memory);
                components.report_unused(&mistakes);
                connectors::check(connectors, &self.pipelines, &mistakes);
                let parts = loops::Parts {
                    receivers,
                    exporters,
                    configs: &self.exporters,
                    sockets: &listening,
                    pipelines: &self.pipelines,
                    machine: &loops::Machine::this(),
                };
                loops::check(&parts, &mistakes);
                let around = connectors::Around {
                    connectors,
                    exporters,
                    pipelines: &self.pipelines,
                    configs: (&self.receivers, &self.connectors, &self.exporters),
                    memory: self.memory,
                };
                connectors::check_bounds(&around, &mistakes);
            }
            None if matches!(root.value, Value::Map(_)) => {
                mistakes
                    .borrow_mut()
                    .push(Mistake::of_file("there is no `service`", SMALLEST));
            }
            None => {}
        }
        top.finish();
        self.mistakes = mistakes.into_inner();
    }

    fn read_dead_letters(&mut self, top: &mut Reader<'_>, mistakes: &Mistakes) {
        if let Some(section) = top.section("dead_letters") {
            self.dead_letters = dead_letters::read(section);
            return;
        }
        let asks = |read: &&Read| read.config.on_error == Some(OnError::DeadLetter);
        let homeless = self.processors.iter().filter(asks).map(|read| {
            let what = "there is no directory that dead letters are kept in";
            let cure = "write `dead_letters: { directory: /var/lib/otlet/dead }` at the top of the file, or `on_error: reject` here";
            Mistake::error(read.on_error, what, cure)
        });
        mistakes.borrow_mut().extend(homeless);
    }
}

fn read_receivers(
    entries: &[Entry],
    extensions: &Extensions<'_>,
    mistakes: &Mistakes,
    listening: &mut Vec<Listening>,
) -> Vec<ReceiverConfig> {
    let mut stdin = None;
    let read = of_kind(Kind::Receiver, entries, mistakes)
        .map(|(kind, name, reader)| match kind {
            JSON_LINES => ReceiverConfig::JsonLines(receivers::jsonlines::read(
                name, reader, mistakes, &mut stdin,
            )),
            _ => ReceiverConfig::Otlp(Box::new(receivers::read(
                name, reader, extensions, mistakes, listening,
            ))),
        })
        .collect();
    receivers::check(listening, mistakes);
    read
}

/// The components of types that otlet has: the type, the name and what stands below.
fn of_kind<'a>(
    kind: Kind,
    entries: &'a [Entry],
    mistakes: &'a Mistakes,
) -> impl Iterator<Item = (&'a str, &'a str, Reader<'a>)> {
    entries.iter().filter_map(move |entry| {
        let word = type_of(kind, entry)
            .map_err(|mistake| mistakes.borrow_mut().push(mistake))
            .ok()?;
        let reader = Reader::new(entry.place, &entry.value, mistakes);
        let usable = entry.value.is_null() || matches!(entry.value.value, Value::Map(_));
        usable.then_some((word, entry.key.as_str(), reader))
    })
}
