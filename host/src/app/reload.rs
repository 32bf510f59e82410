//! Another config while otlet runs: what did not change goes on as if nothing had happened.
//!
//! All that is new is made first: sockets are bound, exporters started, processors configured. Only then every receiver's
//! requests are switched to their pipelines, each receiver at once, and what is gone ends in the background ([`Leaving`]).
//!
//! **Invariant**: a reload that fails has changed nothing.
//!
//! [`Leaving`]: super::leaving::Leaving

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::changes::{Changes, fixed, written};
use super::parts::{
    assemble, members, memory_limit, next, sockets, start_admin, start_pushes, within,
};
use super::{App, PATIENCE, Prepared};
use crate::admin::Admin;
use crate::config::Config;
use crate::exporter::{self, Exporter, Kind};
use crate::metrics::{Parts, Push};
use crate::pipeline::{Intake, Pipeline, Routes, Stage};
use crate::receiver::{self, jsonlines};

/// What a config needs, ready to be used and not in use yet. What goes on is here once more where it is shared.
struct Made {
    stages: Vec<Arc<Stage>>,
    exporters: Vec<Arc<Exporter>>,
    pipelines: Vec<Arc<Pipeline>>,
    /// Each with where its requests will go.
    intakes: Vec<(Arc<Intake>, Routes)>,
    receivers: Vec<Slot<receiver::Running>>,
    admin: Slot<Option<Admin>>,
    pushes: Slot<Vec<Push>>,
}

/// The place of a part that has one owner.
enum Slot<T> {
    /// It is the one that runs.
    Kept,
    New(T),
}

impl App {
    /// Runs another config from now on, or says why that cannot be: then all is as it was. It is not to be dropped before it
    /// has ended.
    pub async fn reload(&mut self, prepared: Prepared) -> anyhow::Result<Changes> {
        let reloaded = self.replace(prepared).await;
        let reloads = self.sources.reloads();
        match &reloaded {
            Ok(changes) => {
                reloads.note_good();
                if changes.is_empty() {
                    reloads.unchanged.add(1);
                } else {
                    reloads.applied.add(1);
                }
            }
            Err(_) => self.refuse_reload(),
        }
        reloaded
    }

    /// Counts a config that could not be used; plugins are again had as the one that runs says.
    pub fn refuse_reload(&self) {
        if self.registry.settings() != self.config.plugins {
            self.registry.set(self.config.plugins.clone());
        }
        self.sources.reloads().refused.add(1);
    }

    async fn replace(&mut self, prepared: Prepared) -> anyhow::Result<Changes> {
        let Prepared { config, stages, .. } = prepared;
        let changes = Changes::between(&self.config, &config);
        let fixed = fixed(&self.config, &config);
        if !fixed.is_empty() {
            bail!("{}", fixed.join("; "));
        }
        self.leaving.reap();
        if !changes.is_empty() {
            self.apply(config, stages).await?;
        }
        Ok(changes)
    }

    async fn apply(&mut self, config: Config, stages: Vec<Arc<Stage>>) -> anyhow::Result<()> {
        let made = self.make(&config, stages)?;
        let lines = self.replace_lines(&config, &made.intakes).await?;
        self.switch(config, made, lines);
        Ok(())
    }

    /// Runs the first config; see [`reload`](Self::reload).
    pub(super) fn begin(&mut self, config: Config, stages: Vec<Arc<Stage>>) -> anyhow::Result<()> {
        let made = self.make(&config, stages)?;
        let lines = self.start_lines(&config, &made.intakes, &BTreeMap::new())?;
        self.switch(config, made, lines);
        self.sources.reloads().note_good();
        Ok(())
    }

    /// Makes what is new of a config.
    fn make(&self, config: &Config, stages: Vec<Arc<Stage>>) -> anyhow::Result<Made> {
        let stages = self.stages_of(config, stages);
        let exporters = self.exporters_of(config)?;
        let pipelines = self.pipelines_of(config, &stages, &exporters);
        let intakes = self.intakes_of(config, &pipelines);
        let receivers = self.receivers_of(config, &intakes)?;
        let admin = if config.admin == self.config.admin {
            Slot::Kept
        } else {
            Slot::New(start_admin(config, &self.sources, &self.health)?)
        };
        let old = (&self.config.readers, &self.config.resource);
        let pushes = if (&config.readers, &config.resource) == old {
            Slot::Kept
        } else {
            Slot::New(start_pushes(config, &self.sources)?)
        };
        Ok(Made {
            stages,
            exporters,
            pipelines,
            intakes,
            receivers,
            admin,
            pushes,
        })
    }

    /// The processors: those that run where their config is the same, and their plugin is still allowed, else these.
    fn stages_of(&self, config: &Config, stages: Vec<Arc<Stage>>) -> Vec<Arc<Stage>> {
        let allows_same = config.plugins == self.config.plugins;
        let digest = |stage: &Stage| stage.processor().plugin().digest();
        let stages = config.processors.iter().zip(stages);
        let kept = |(config, new): (_, Arc<Stage>)| {
            let old = self.config.processors.iter().position(|old| old == config);
            old.and_then(|at| self.stages.get(at))
                .filter(|old| allows_same || digest(old) == digest(&new))
                .cloned()
                .unwrap_or(new)
        };
        stages.map(kept).collect()
    }

    fn exporters_of(&self, config: &Config) -> anyhow::Result<Vec<Arc<Exporter>>> {
        let exporters = config.exporters.iter().map(|config| {
            let old = self.config.exporters.iter().position(|old| old == config);
            if let Some(kept) = old.and_then(|at| self.exporters.get(at)) {
                return Ok(Arc::clone(kept));
            }
            let config = self.continuing(config);
            let letters = self.letters.as_ref();
            let exporter = Exporter::start(&config, &self.runtimes, &self.output, letters)?;
            Ok(Arc::new(exporter))
        });
        exporters.collect()
    }

    /// An exporter's config. A file that is being written keeps what it holds.
    fn continuing(&self, config: &exporter::Config) -> exporter::Config {
        let mut config = config.clone();
        if let Kind::File(file) = &mut config.kind {
            let mut before = self.config.exporters.iter().filter_map(written);
            file.append |= before.any(|old| old.path == file.path);
        }
        config
    }

    fn pipelines_of(
        &self,
        config: &Config,
        stages: &[Arc<Stage>],
        exporters: &[Arc<Exporter>],
    ) -> Vec<Arc<Pipeline>> {
        let pipelines = config.pipelines.iter().map(|pipeline| {
            let (stages, exporters) = members(pipeline, stages, exporters);
            let before = self.config.pipelines.iter().zip(&self.pipelines);
            let mut kept = before.filter(|(old, running)| {
                old.name == pipeline.name && running.is_of(&stages, &exporters)
            });
            match kept.next() {
                Some((_, kept)) => Arc::clone(kept),
                None => Arc::new(assemble(pipeline, config, stages, exporters, self.threads)),
            }
        });
        pipelines.collect()
    }

    /// An intake for each receiver, in the config's order: that of the receiver of the same name, if there is one.
    fn intakes_of(
        &self,
        config: &Config,
        pipelines: &[Arc<Pipeline>],
    ) -> Vec<(Arc<Intake>, Routes)> {
        let intakes = config
            .receivers
            .iter()
            .enumerate()
            .map(|(index, receiver)| {
                let mut old = self.intakes.iter();
                let kept = old.find(|intake| intake.receiver() == receiver.name());
                let intake = kept
                    .cloned()
                    .unwrap_or_else(|| Arc::new(Intake::new(receiver.name(), Routes::default())));
                let mut routes = Routes::new(self.letters.clone());
                for (of, pipeline) in config.pipelines.iter().zip(pipelines) {
                    if of.receivers.contains(&index) {
                        routes.add(of.signal, Arc::clone(pipeline));
                    }
                }
                (intake, routes)
            });
        intakes.collect()
    }

    fn receivers_of(
        &self,
        config: &Config,
        intakes: &[(Arc<Intake>, Routes)],
    ) -> anyhow::Result<Vec<Slot<receiver::Running>>> {
        let is_in =
            |config: &Config, one: &receiver::Config| config.otlp().any(|(_, other)| other == one);
        let mut left = receiver::Left::default();
        for ((_, old), running) in self.config.otlp().zip(&self.receivers) {
            if !is_in(config, old) {
                left.add(running)
                    .with_context(|| format!("receiver {:?} cannot hand over", old.name))?;
            }
        }
        let mut receivers = vec![];
        for (index, receiver) in config.otlp() {
            let Some((intake, _)) = intakes.get(index) else {
                continue;
            };
            receivers.push(if is_in(&self.config, receiver) {
                Slot::Kept
            } else {
                let (next, memory) = (next(intake), &self.memory);
                let started = receiver::start(receiver, &self.runtimes, &next, memory, &left)?;
                Slot::New(started)
            });
        }
        Ok(receivers)
    }

    /// Starts the receivers of lines that are not running, after those have ended that no longer are as the config says. Of
    /// two at the same files, or with the same name, one would be too many: these are the parts that end before others stand.
    async fn replace_lines(
        &mut self,
        config: &Config,
        intakes: &[(Arc<Intake>, Routes)],
    ) -> anyhow::Result<Vec<Slot<jsonlines::Running>>> {
        let wanted: Vec<_> = config.used_lines().map(|(_, config)| config).collect();
        let running: Vec<_> = self.config.used_lines().map(|(_, config)| config).collect();
        let mut left = BTreeMap::new();
        let mut stuck = None;
        for (old, lines) in running.into_iter().zip(&self.lines) {
            if wanted.contains(&old) {
                continue;
            }
            if !lines.pause(PATIENCE).await {
                stuck = Some(old.name.clone());
                break;
            }
            left.insert(old.name.clone(), lines.left());
        }
        let started = match stuck {
            None => self.start_lines(config, intakes, &left),
            Some(name) => Err(anyhow::anyhow!(
                "receiver {name:?} has lines that were not taken in time, and reads on as before: try again"
            )),
        };
        if started.is_err() {
            self.resume_lines(&left);
        }
        started
    }

    /// Starts the receivers of lines that the config has and that are not running.
    fn start_lines(
        &self,
        config: &Config,
        intakes: &[(Arc<Intake>, Routes)],
        left: &BTreeMap<String, jsonlines::Left>,
    ) -> anyhow::Result<Vec<Slot<jsonlines::Running>>> {
        let mut lines = vec![];
        for (index, wanted) in config.used_lines() {
            let Some((intake, _)) = intakes.get(index) else {
                continue;
            };
            let mut running = self.config.used_lines();
            lines.push(if running.any(|(_, old)| old == wanted) {
                Slot::Kept
            } else {
                Slot::New(self.start_one(wanted, intake, left.get(&wanted.name))?)
            });
        }
        Ok(lines)
    }

    fn start_one(
        &self,
        config: &jsonlines::Config,
        intake: &Arc<Intake>,
        left: Option<&jsonlines::Left>,
    ) -> anyhow::Result<jsonlines::Running> {
        let next = within(&self.memory, next(intake));
        let handles = &self.handles;
        Ok(jsonlines::start(
            config,
            &self.runtimes,
            &next,
            handles,
            left,
        )?)
    }

    /// Starts those again that have ended for a reload that cannot be.
    fn resume_lines(&mut self, left: &BTreeMap<String, jsonlines::Left>) {
        let mut resumed = vec![];
        for (place, (index, old)) in self.config.used_lines().enumerate() {
            let (Some(left), Some(intake)) = (left.get(&old.name), self.intakes.get(index)) else {
                continue;
            };
            match self.start_one(old, intake, Some(left)) {
                Ok(running) => resumed.push((place, running)),
                Err(error) => {
                    tracing::error!(receiver = old.name, %error, "lines cannot be read on: restart otlet");
                }
            }
        }
        for (place, mut running) in resumed {
            if let Some(lines) = self.lines.get_mut(place) {
                running.begin();
                *lines = running;
            }
        }
    }

    /// Has everything that was made be used, and what is gone end.
    fn switch(&mut self, config: Config, made: Made, lines: Vec<Slot<jsonlines::Running>>) {
        self.memory.set_limit(memory_limit(&config));
        let (mut intakes, mut names) = (vec![], vec![]);
        for (intake, routes) in made.intakes {
            intake.switch(routes);
            intakes.push(intake);
        }
        self.intakes = intakes;
        self.replace_parts(made.stages, made.exporters, made.pipelines);
        names.extend(config.otlp().map(|(_, config)| config.name.as_str()));
        let old = std::mem::take(&mut self.receivers);
        let (receivers, gone) = filled(old, &names, made.receivers, receiver::Running::name);
        // They let go of their sockets before others accept from them.
        gone.into_iter()
            .for_each(|gone| self.leaving.receiver(gone));
        self.receivers = receivers;
        let names: Vec<_> = config
            .used_lines()
            .map(|(_, lines)| lines.name.as_str())
            .collect();
        let old = std::mem::take(&mut self.lines);
        // Those that are gone have ended.
        (self.lines, _) = filled(old, &names, lines, jsonlines::Running::name);
        if let Slot::New(admin) = made.admin {
            self.admin = admin;
        }
        let pushes = match made.pushes {
            Slot::Kept => None,
            Slot::New(pushes) => Some(std::mem::replace(&mut self.pushes, pushes)),
        };
        self.config = config;
        self.plugins
            .follow(&self.registry, &self.config, &self.stages);
        self.tell();
        if let Some(gone) = pushes {
            gone.into_iter().for_each(|push| self.leaving.push(push));
            self.pushes.iter().for_each(Push::begin);
        }
        // Nothing is acknowledged before all stand: what a start that fails has taken would be lost.
        self.receivers.iter_mut().for_each(receiver::Running::begin);
        self.lines.iter_mut().for_each(jsonlines::Running::begin);
    }

    fn replace_parts(
        &mut self,
        stages: Vec<Arc<Stage>>,
        exporters: Vec<Arc<Exporter>>,
        pipelines: Vec<Arc<Pipeline>>,
    ) {
        let stages = gone(&mut self.stages, stages);
        let exporters = gone(&mut self.exporters, exporters);
        let pipelines = gone(&mut self.pipelines, pipelines);
        if !(stages.is_empty() && exporters.is_empty() && pipelines.is_empty()) {
            self.leaving.parts(pipelines, exporters, stages);
        }
    }

    /// Has the metrics be those of the parts that there are now.
    fn tell(&self) {
        let lines = self.lines.iter();
        self.sources.set(Parts {
            sockets: sockets(&self.receivers),
            lines: lines
                .map(|lines| (lines.name().to_owned(), Arc::clone(lines.counters())))
                .collect(),
            intakes: self.intakes.clone(),
            stages: self.stages.clone(),
            exporters: self.exporters.clone(),
            draining: self.leaving.exporters(),
            letters: self.letters.clone(),
            memory: self.memory.clone(),
        });
    }
}

/// Puts new parts in the place of old ones, and gives those that are not among the new.
fn gone<T>(parts: &mut Vec<Arc<T>>, new: Vec<Arc<T>>) -> Vec<Arc<T>> {
    let mut old = std::mem::replace(parts, new);
    old.retain(|old| !parts.iter().any(|new| Arc::ptr_eq(new, old)));
    old
}

/// The parts of these names, kept and new, and those of the old that are gone.
fn filled<T>(
    old: Vec<T>,
    names: &[&str],
    slots: Vec<Slot<T>>,
    name: impl Fn(&T) -> &str,
) -> (Vec<T>, Vec<T>) {
    let mut old: Vec<Option<T>> = old.into_iter().map(Some).collect();
    let mut parts = vec![];
    for (wanted, slot) in names.iter().zip(slots) {
        let mut kept = || {
            let mut old = old.iter_mut();
            let is_it = |old: &&mut Option<T>| old.as_ref().is_some_and(|old| name(old) == *wanted);
            old.find(is_it).and_then(Option::take)
        };
        parts.extend(match slot {
            Slot::Kept => kept(),
            Slot::New(new) => Some(new),
        });
    }
    (parts, old.into_iter().flatten().collect())
}
