//! Reads `service`: the pipelines, and who is in them.

use crate::batch::Signal;

use super::PipelineConfig;
use super::component::{Component, Kind};
use super::reader::{Lacking, Mistakes, Reader};
use super::report::{Mistake, Place, listed, nearest, quoted};
use super::yaml::Entry;

const LACKING: Lacking = &[
    (
        "telemetry",
        "otlet's own telemetry has no settings here: remove it",
    ),
    ("extensions", "otlet has no extensions: remove it"),
];

/// Every component of the config by kind, and which of them a pipeline names.
pub(super) struct Components {
    lists: [Vec<Component>; 3],
    used: [Vec<bool>; 3],
}

impl Components {
    /// The components in the order of [`Kind::ALL`].
    pub(super) fn new(lists: [Vec<Component>; 3]) -> Self {
        let used = lists.each_ref().map(|list| vec![false; list.len()]);
        Self { lists, used }
    }

    fn of(&self, kind: Kind) -> &[Component] {
        let [receivers, processors, exporters] = &self.lists;
        match kind {
            Kind::Receiver => receivers,
            Kind::Processor => processors,
            Kind::Exporter => exporters,
        }
    }

    /// Where a component is in its list; from now on it counts as used.
    fn find(&mut self, kind: Kind, name: &str) -> Option<usize> {
        let at = self.of(kind).iter().position(|one| one.name == name)?;
        let [receivers, processors, exporters] = &mut self.used;
        let used = match kind {
            Kind::Receiver => receivers,
            Kind::Processor => processors,
            Kind::Exporter => exporters,
        };
        if let Some(used) = used.get_mut(at) {
            *used = true;
        }
        Some(at)
    }

    /// The mistake of a name that is in no list of its kind.
    fn missing(&self, kind: Kind, name: &str, place: Place) -> Mistake {
        let what = format!("no {kind} is named {}", quoted(name));
        let names_of = |kind: Kind| self.of(kind).iter().map(|one| one.name.as_str());
        let elsewhere = Kind::ALL
            .into_iter()
            .find(|other| *other != kind && names_of(*other).any(|other| other == name));
        let names: Vec<&str> = names_of(kind).collect();
        let cure = if let Some(near) = nearest(name, names.iter().copied()) {
            format!("did you mean `{near}`?")
        } else if let Some(other) = elsewhere {
            format!(
                "{} is {}: add it to `{}` as well, or remove it here",
                quoted(name),
                other.with_article(),
                kind.section()
            )
        } else if names.is_empty() {
            format!("add it to `{}`, which has none", kind.section())
        } else {
            let is = if names.len() == 1 { "is" } else { "are" };
            let listed = listed(&names, "and");
            let name = quoted(name);
            format!("there {is} {listed}; or add {name} to `{}`", kind.section())
        };
        Mistake::error(place, what, cure)
    }

    /// Reports what no pipeline names.
    pub(super) fn report_unused(&self, mistakes: &Mistakes) {
        let mut mistakes = mistakes.borrow_mut();
        for (kind, (list, used)) in Kind::ALL.into_iter().zip(self.lists.iter().zip(&self.used)) {
            let unused = list.iter().zip(used).filter(|(_, used)| !**used);
            mistakes.extend(unused.map(|(one, _)| {
                let what = format!(
                    "{kind} {} is in no pipeline and does nothing",
                    quoted(&one.name)
                );
                let cure = format!(
                    "name it in the `{}` of a pipeline, or remove it",
                    kind.section()
                );
                Mistake::warning(one.place, what, cure)
            }));
        }
    }
}

/// Reads the pipelines.
pub(super) fn read(
    reader: Reader<'_>,
    components: &mut Components,
    mistakes: &Mistakes,
) -> Vec<PipelineConfig> {
    let mut reader = reader.lacking(LACKING);
    let pipelines = reader.named("pipelines");
    if pipelines.is_empty() {
        let cure = "write `pipelines: { traces: { receivers: [otlp], exporters: [otlp] } }`";
        reader.report(Mistake::error(
            reader.place_of("pipelines"),
            "there are no pipelines",
            cure,
        ));
    }
    let read = pipelines
        .iter()
        .filter_map(|entry| read_pipeline(entry, components, mistakes))
        .collect();
    reader.finish();
    read
}

fn read_pipeline(
    entry: &Entry,
    components: &mut Components,
    mistakes: &Mistakes,
) -> Option<PipelineConfig> {
    let signal = signal(entry, mistakes);
    let mut reader = Reader::new(entry.place, &entry.value, mistakes);
    let [receivers, processors, exporters] = Kind::ALL.map(|kind| {
        let names = reader.names(kind.section());
        let found = read_names(kind, &names, components, mistakes);
        if reader.is_empty(kind.section()) && kind != Kind::Processor {
            let what = format!("pipeline {} has no {kind}", quoted(&entry.key));
            let cure = format!("write `{}: [name]` with at least one", kind.section());
            reader.report(Mistake::error(reader.place_of(kind.section()), what, cure));
        }
        found
    });
    reader.finish();
    Some(PipelineConfig {
        name: entry.key.clone(),
        signal: signal?,
        receivers,
        processors,
        exporters,
    })
}

/// Finds the named components of one kind.
fn read_names(
    kind: Kind,
    names: &[(&str, Place)],
    components: &mut Components,
    mistakes: &Mistakes,
) -> Vec<usize> {
    let mut found = Vec::new();
    for (name, place) in names {
        let mistake = match components.find(kind, name) {
            Some(at) if !found.contains(&at) => {
                found.push(at);
                continue;
            }
            Some(_) => {
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
    let near = nearest(word, Signal::ALL.map(Signal::name));
    let cure = match near {
        Some(near) if signal.is_none() => format!("did you mean `{near}`?"),
        _ if word == "profiles" => "otlet carries traces, metrics and logs: remove it".to_owned(),
        _ => "write `traces`, `metrics` or `logs`, with a name of your own after a slash if you like: `traces/sampled`".to_owned(),
    };
    mistakes
        .borrow_mut()
        .push(Mistake::error(entry.place, what, cure));
    None
}
