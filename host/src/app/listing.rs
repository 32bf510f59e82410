//! What there is to be told of plugins: one row for each, and for each file that is to be one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::config::Draft;
use crate::metrics::Sources;
use crate::pipeline::Stage;
use crate::plugin::{Digest, Entry, Processor, Registry, Source, State, shown};

/// A processor that uses a plugin.
#[derive(Debug)]
struct User {
    processor: Use,
    plugin: String,
    /// Of the component that it runs; the current one if it runs none yet.
    digest: Option<Digest>,
    is_tripped: bool,
}

/// A processor that uses a plugin, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Use {
    /// Its name in the config, such as `sample/tenth`.
    pub name: String,
    /// What it does, if it runs.
    #[serde(flatten)]
    pub runs: Option<Runs>,
}

/// What a running processor does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Runs {
    /// The version of its plugin, as the manifest has it.
    pub version: Option<String>,
    /// What its circuit breakers do, by the signals that its plugin works on.
    pub breakers: BTreeMap<&'static str, Breaker>,
}

/// What a circuit breaker does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Breaker {
    /// `closed`, `open` or `half_open`.
    pub state: &'static str,
    /// In how many seconds the plugin is tried again, rounded up, where it is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_try_in_seconds: Option<u64>,
}

/// One row of the list of plugins, and one object of the page `/plugins`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The plugin's name.
    pub name: String,
    /// What its manifest says, once it was loaded.
    pub version: Option<String>,
    /// The SHA-256 of its component.
    pub digest: Option<String>,
    /// `bundled`, or the path of its file.
    pub source: String,
    /// `used`, `available`, `refused` or `missing`.
    pub state: &'static str,
    /// Why it is refused or missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The signals that it works on, once it was loaded.
    pub signals: Vec<&'static str>,
    /// The processors that use it.
    pub processors: Vec<Use>,
    /// Those of them that leave it alone for a while, since it failed again and again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tripped: Vec<String>,
    /// What is odd about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Use {
    fn of(processor: &Processor) -> Self {
        let breakers = processor.breakers().map(|(signal, position)| {
            let breaker = Breaker {
                state: position.name(),
                next_try_in_seconds: position.next_try().map(whole_seconds),
            };
            (signal.name(), breaker)
        });
        Self {
            name: processor.name().to_owned(),
            runs: Some(Runs {
                version: processor.plugin().manifest().version.clone(),
                breakers: breakers.collect(),
            }),
        }
    }
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl User {
    /// The processors of a running otlet.
    fn of_stages(stages: &[Arc<Stage>]) -> Vec<Self> {
        let user = |stage: &Arc<Stage>| {
            let processor = stage.processor();
            Self {
                processor: Use::of(&processor),
                plugin: processor.plugin().name().to_owned(),
                digest: Some(processor.plugin().digest()),
                is_tripped: processor.is_tripped(),
            }
        };
        stages.iter().map(user).collect()
    }

    /// The processors of a config.
    fn of_config(draft: &Draft) -> Vec<Self> {
        let users = draft.processors().map(|processor| Self {
            processor: Use {
                name: processor.name.clone(),
                runs: None,
            },
            plugin: processor.plugin.clone(),
            digest: None,
            is_tripped: false,
        });
        users.collect()
    }

    /// Its name, if it leaves its plugin alone.
    fn tripped(&self) -> Option<String> {
        self.is_tripped.then(|| self.processor.name.clone())
    }

    fn uses(&self, entry: &Entry) -> bool {
        let is_it = match self.digest {
            Some(digest) => entry.digest == Some(digest),
            None => matches!(entry.state, State::Current | State::Missing(_)),
        };
        self.plugin == entry.name && is_it
    }
}

/// The plugins of a config and of its plugin directory, each loaded once to see whether it can be used.
pub fn plugins(draft: &Draft, registry: &Registry) -> anyhow::Result<Vec<Row>> {
    let names = draft.processors().map(|processor| processor.plugin.clone());
    let names: BTreeSet<_> = names.collect();
    for name in &names {
        // What is wrong with it is in the list.
        let _absent = registry.get(name);
    }
    for found in registry.changes(&names)?.changed {
        registry.inspect(&found, true);
    }
    registry.load_bundled();
    Ok(rows(registry, &User::of_config(draft)))
}

/// The page `/plugins`.
pub(super) fn page(sources: &Sources) -> String {
    let users = User::of_stages(&sources.stages());
    let rows = rows(sources.registry(), &users);
    let page = serde_json::json!({ "plugins": rows });
    format!("{page:#}\n")
}

fn rows(registry: &Registry, users: &[User]) -> Vec<Row> {
    let entries = registry.list();
    let mut rows: Vec<_> = entries.iter().map(|entry| row(entry, users)).collect();
    for user in users {
        if entries.iter().any(|entry| user.uses(entry)) {
            continue;
        }
        // What runs on though its file is gone, or another that cannot be used stands in its place.
        let digest = user.digest.map(|digest| digest.to_string());
        let known = rows
            .iter_mut()
            .find(|row| row.name == user.plugin && row.digest == digest);
        match known {
            Some(row) => {
                row.processors.push(user.processor.clone());
                row.tripped.extend(user.tripped());
            }
            None if digest.is_none() => {}
            None => rows.push(Row {
                name: user.plugin.clone(),
                version: None,
                digest,
                source: "memory".to_owned(),
                state: "used",
                reason: None,
                signals: vec![],
                processors: vec![user.processor.clone()],
                tripped: user.tripped().into_iter().collect(),
                warnings: vec!["its file is gone or changed: it runs until otlet ends".to_owned()],
            }),
        }
    }
    rows
}

fn row(entry: &Entry, users: &[User]) -> Row {
    let users: Vec<_> = users.iter().filter(|user| user.uses(entry)).collect();
    let processors: Vec<_> = users.iter().map(|user| user.processor.clone()).collect();
    let (state, reason) = match &entry.state {
        State::Refused(refusal) => ("refused", Some(refusal.reason.clone())),
        State::Missing(absent) => ("missing", Some(absent.to_string())),
        State::Current | State::Available if processors.is_empty() => ("available", None),
        State::Current | State::Available => ("used", None),
    };
    let about = entry.about.as_ref();
    let signals = about.map_or(&[][..], |about| &about.signals);
    let called = about.and_then(|about| about.called.as_ref());
    let misnamed = called
        .filter(|called| **called != entry.name)
        .map(|called| {
            format!("its manifest calls it {called:?}, and processors name it by its file")
        });
    Row {
        name: entry.name.clone(),
        version: about.and_then(|about| about.version.clone()),
        digest: entry.digest.map(|digest| digest.to_string()),
        source: match &entry.source {
            Source::Bundled => "bundled".to_owned(),
            Source::File(path) => shown(path),
        },
        state,
        reason,
        signals: signals.iter().map(|signal| signal.name()).collect(),
        processors,
        tripped: users.iter().filter_map(|user| user.tripped()).collect(),
        warnings: misnamed.into_iter().collect(),
    }
}
