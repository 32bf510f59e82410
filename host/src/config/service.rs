//! Reads `service`: the pipelines, and who is in them.

use std::collections::HashMap;

use crate::batch::Signal;
use crate::exporter;

use super::component::{Component, JSON_LINES, Kind, makes_metrics};
use super::extensions::Extensions;
use super::reader::{Mistakes, Reader};
use super::receivers::Listening;
use super::report::{Mistake, Names, Place, listed, quoted};
use super::telemetry::{self, Telemetry};
use super::yaml::Entry;
use super::{PipelineConfig, ReceiverConfig, memory};

/// Every component of the config, by kind.
pub(super) struct Components([List; 4]);

/// The components of one kind.
struct List {
    components: Vec<Component>,
    /// Where each is, by its name.
    at: HashMap<String, usize>,
}

impl List {
    fn new(components: Vec<Component>) -> Self {
        let names = components.iter().map(|one| one.name.clone());
        Self {
            at: names.zip(0..).collect(),
            components,
        }
    }
}

impl Components {
    /// The components in the order of [`Kind::NAMED`].
    pub(super) fn new(lists: [Vec<Component>; 4]) -> Self {
        Self(lists.map(List::new))
    }

    fn of(&mut self, kind: Kind) -> &mut List {
        let [receivers, processors, exporters, connectors] = &mut self.0;
        match kind {
            Kind::Receiver => receivers,
            Kind::Processor => processors,
            Kind::Exporter | Kind::Extension => exporters,
            Kind::Connector => connectors,
        }
    }

    /// Where a component is in its list; from now on it counts as used.
    fn find(&mut self, kind: Kind, name: &str) -> Option<usize> {
        let list = self.of(kind);
        let at = *list.at.get(name)?;
        list.components.get_mut(at)?.used = true;
        Some(at)
    }

    /// The mistake of a name that is in no list of its kind.
    fn missing(&mut self, kind: Kind, name: &str, place: Place) -> Mistake {
        let what = format!("no {kind} is named {}", quoted(name));
        let elsewhere = Kind::NAMED
            .into_iter()
            .find(|other| self.of(*other).at.contains_key(name));
        let meant = self.meant(kind);
        let List { components, .. } = self.of(kind);
        let cure = if elsewhere == Some(Kind::Connector) {
            format!("{} is a connector: {BOTH_ENDS}", quoted(name))
        } else if let Some(other) = elsewhere {
            format!(
                "{} is {}: add it to `{}` as well, or remove it here",
                quoted(name),
                other.with_article(),
                kind.section()
            )
        } else if components.is_empty() {
            format!("add it to `{}`, which has none", kind.section())
        } else {
            let is = if components.len() == 1 { "is" } else { "are" };
            let listed = listed(components, "and");
            let name = quoted(name);
            format!("there {is} {listed}; or add {name} to `{}`", kind.section())
        };
        Mistake::error(place, what, cure).or_meant(name, &meant)
    }

    /// The names that may stand in the place of a component of a kind.
    fn meant(&self, kind: Kind) -> Names {
        let stands = |other: &Kind| {
            let is_one = matches!(kind, Kind::Receiver | Kind::Exporter);
            *other == kind || (is_one && *other == Kind::Connector)
        };
        let lists = Kind::NAMED.iter().zip(&self.0);
        let lists = lists.filter(|(other, _)| stands(other));
        lists.flat_map(|(_, list)| &list.components).collect()
    }

    /// Reports what no pipeline names.
    pub(super) fn report_unused(&self, mistakes: &Mistakes) {
        let mut mistakes = mistakes.borrow_mut();
        for (kind, list) in Kind::NAMED.into_iter().zip(&self.0) {
            let unused = list.components.iter().filter(|one| !one.used);
            mistakes.extend(unused.map(|one| {
                let what = format!(
                    "{kind} {} is in no pipeline and does nothing",
                    quoted(&one.name)
                );
                let cure = match kind {
                    Kind::Connector => BOTH_ENDS.to_owned(),
                    _ => format!(
                        "name it in the `{}` of a pipeline, or remove it",
                        kind.section()
                    ),
                };
                Mistake::warning(one.place, what, cure)
            }));
        }
    }
}

/// Where a connector has to be named.
pub(super) const BOTH_ENDS: &str =
    "name it in the `exporters` of one pipeline and the `receivers` of another, or remove it";

/// What is to be known of the rest of the config.
pub(super) struct Known<'a> {
    /// The receivers.
    pub(super) receivers: &'a [ReceiverConfig],
    /// Their sockets.
    pub(super) sockets: &'a [Listening],
    /// The exporters.
    pub(super) exporters: &'a [exporter::Config],
    /// What connectors set aside of the memory.
    pub(super) aside: usize,
}

/// What `service` says.
pub(super) struct Service {
    /// Each pipeline with the places where its processors are named.
    pub(super) pipelines: Vec<(PipelineConfig, Vec<Place>)>,
    /// What otlet tells of itself.
    pub(super) telemetry: Telemetry,
    /// The bound on what requests hold.
    pub(super) memory: Option<usize>,
}

/// Reads `service`.
pub(super) fn read(
    mut reader: Reader<'_>,
    components: &mut Components,
    known: &Known<'_>,
    extensions: &Extensions<'_>,
    mistakes: &Mistakes,
) -> Service {
    let telemetry = reader
        .section("telemetry")
        .map(|section| telemetry::read(section, known.sockets, extensions, mistakes));
    extensions.check_started(&reader.names("extensions"));
    let pipelines = reader.named("pipelines");
    if pipelines.is_empty() {
        let cure = "write `pipelines: { traces: { receivers: [otlp], exporters: [otlp] } }`";
        reader.report(Mistake::error(
            reader.place_of("pipelines"),
            "there are no pipelines",
            cure,
        ));
    }
    let pipelines: Vec<_> = pipelines
        .iter()
        .filter_map(|entry| read_pipeline(entry, components, mistakes))
        .collect();
    let memory = reader.section("memory").and_then(|section| {
        let pipelines: Vec<_> = pipelines.iter().map(|(one, _)| one.clone()).collect();
        let least = memory::least(known.receivers, known.exporters, &pipelines, known.aside);
        memory::read(section, least, known.aside)
    });
    reader.finish();
    Service {
        pipelines,
        telemetry: telemetry.unwrap_or_default(),
        memory,
    }
}

fn read_pipeline(
    entry: &Entry,
    components: &mut Components,
    mistakes: &Mistakes,
) -> Option<(PipelineConfig, Vec<Place>)> {
    let signal = signal(entry, mistakes);
    let mut reader = Reader::new(entry.place, &entry.value, mistakes);
    let [receivers, processors, exporters] = Kind::ALL.map(|kind| {
        let names = reader.names(kind.section());
        if kind == Kind::Receiver && signal.is_some_and(|signal| signal != Signal::Logs) {
            report_lines(&names, mistakes);
        }
        let found = read_names(kind, &names, components, mistakes);
        if let Some(signal) = signal {
            report_connectors(kind, signal, &found, &names, mistakes);
        }
        if reader.is_empty(kind.section()) && kind != Kind::Processor {
            let what = format!("pipeline {} has no {kind}", quoted(&entry.key));
            let cure = format!("write `{}: [name]` with at least one", kind.section());
            reader.report(Mistake::error(reader.place_of(kind.section()), what, cure));
        }
        found
    });
    reader.finish();
    let at = |found: &[Found], kind| {
        let of_kind = found.iter().filter(|one| one.kind == kind);
        of_kind.map(|one| one.at).collect()
    };
    let config = PipelineConfig {
        name: entry.key.clone(),
        signal: signal?,
        receivers: at(&receivers, Kind::Receiver),
        from: at(&receivers, Kind::Connector),
        processors: at(&processors, Kind::Processor),
        exporters: at(&exporters, Kind::Exporter),
        to: at(&exporters, Kind::Connector),
    };
    let places = processors.into_iter().map(|one| one.place).collect();
    Some((config, places))
}

/// A component that a pipeline names.
struct Found {
    /// A connector may stand for a receiver or an exporter.
    kind: Kind,
    /// Its place in the list of its kind.
    at: usize,
    /// Where it is named.
    place: Place,
}

/// Reports connectors in a pipeline of another signal than they take, or give.
fn report_connectors(
    kind: Kind,
    signal: Signal,
    found: &[Found],
    names: &[(&str, Place)],
    mistakes: &Mistakes,
) {
    for one in found.iter().filter(|one| one.kind == Kind::Connector) {
        let name = names.iter().find(|(_, place)| *place == one.place);
        let name = name.map_or("", |(name, _)| *name);
        let (does, of) = match (makes_metrics(name), kind) {
            (true, Kind::Receiver) => ("gives metrics alone", Signal::Metrics),
            (true, _) => ("takes traces alone", Signal::Traces),
            (false, _) => ("holds traces alone", Signal::Traces),
        };
        if signal != of {
            let what = format!("connector {} {does}", quoted(name));
            let cure = format!("name it in pipelines of {}", of.name());
            mistakes
                .borrow_mut()
                .push(Mistake::error(one.place, what, cure));
        }
    }
}

/// Reports receivers that give logs alone, in a pipeline of another signal.
fn report_lines(names: &[(&str, Place)], mistakes: &Mistakes) {
    for (name, place) in names {
        if name.split('/').next() == Some(JSON_LINES) {
            let what = format!("receiver {} gives logs alone", quoted(name));
            let cure = "name it in a pipeline of logs";
            mistakes
                .borrow_mut()
                .push(Mistake::error(*place, what, cure));
        }
    }
}

/// Finds the named components of one kind, and where each is named; a connector where there is none of that kind.
fn read_names(
    kind: Kind,
    names: &[(&str, Place)],
    components: &mut Components,
    mistakes: &Mistakes,
) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for (name, place) in names {
        let at = components.find(kind, name).map(|at| (kind, at));
        let at = at.or_else(|| {
            let connector = (kind != Kind::Processor).then_some(Kind::Connector)?;
            Some((connector, components.find(connector, name)?))
        });
        let mistake = match at {
            Some((kind, at))
                if found
                    .iter()
                    .all(|other| (other.kind, other.at) != (kind, at)) =>
            {
                let place = *place;
                found.push(Found { kind, at, place });
                continue;
            }
            Some((kind, _)) => {
                let what = format!("{kind} {} is in this pipeline twice", quoted(name));
                Mistake::error(*place, what, "remove one of the two")
            }
            None => components.missing(kind, name, *place),
        };
        mistakes.borrow_mut().push(mistake);
    }
    found
}

/// The signal that a pipeline's name begins with.
fn signal(entry: &Entry, mistakes: &Mistakes) -> Option<Signal> {
    let (word, name) = match entry.key.split_once('/') {
        Some((word, name)) => (word, Some(name)),
        None => (entry.key.as_str(), None),
    };
    let signal = Signal::ALL.into_iter().find(|signal| signal.name() == word);
    if signal.is_some() && name != Some("") {
        return signal;
    }
    let what = format!("{} is not the name of a pipeline", quoted(&entry.key));
    let cure = if word == "profiles" {
        "otlet carries traces, metrics and logs: remove it"
    } else {
        "write `traces`, `metrics` or `logs`, with a name of your own after a slash if you like: `traces/sampled`"
    };
    let mut mistake = Mistake::error(entry.place, what, cure);
    if signal.is_none() {
        mistake = mistake.or_meant(word, &Signal::ALL.iter().map(|one| one.name()).collect());
    }
    mistakes.borrow_mut().push(mistake);
    None
}
