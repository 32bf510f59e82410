//! Another config while otlet runs: what did not change goes on as if nothing had happened.
//!
//! All that is new is made first: sockets are bound, exporters started, processors configured. Only then every receiver's
//! requests are switched to their pipelines, each receiver at once, and what is gone ends in the background ([`Leaving`]).
//!
//! **Invariant**: a reload that fails has changed nothing.
//!
//! [`Leaving`]: super::leaving::Leaving

mod lines;
mod make;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::bail;

use super::changes::{Changes, fixed};
use super::joints::Joint;
use super::parts::{memory_limit, sockets};
use super::{App, Prepared, grants, trials};
use crate::admin::Admin;
use crate::config::Config;
use crate::exporter::Exporter;
use crate::metrics::{Parts, Push};
use crate::pipeline::{Intake, Pipeline, Routes, Stage};
use crate::receiver::{self, jsonlines};

/// What a config needs, ready to be used and not in use yet. What goes on is here once more where it is shared.
pub(super) struct Made {
    stages: Vec<Arc<Stage>>,
    exporters: Vec<Arc<Exporter>>,
    pub(super) joints: Vec<Joint>,
    pub(super) pipelines: Vec<Arc<Pipeline>>,
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

    /// Counts a config that could not be used.
    pub fn refuse_reload(&self) {
        self.sources.reloads().refused.add(1);
    }

    async fn replace(&mut self, prepared: Prepared) -> anyhow::Result<Changes> {
        let changes = Changes::between(&self.config, &prepared.config);
        let fixed = fixed(&self.config, &prepared.config);
        if !fixed.is_empty() {
            bail!("{}", fixed.join("; "));
        }
        self.leaving.reap();
        if !changes.is_empty() {
            self.apply(prepared).await?;
        }
        Ok(changes)
    }

    async fn apply(&mut self, mut prepared: Prepared) -> anyhow::Result<()> {
        let stages = std::mem::take(&mut prepared.stages);
        let made = self.make(&prepared.config, stages)?;
        let lines = self.replace_lines(&prepared.config, &made.intakes).await?;
        prepared.keep();
        self.switch(prepared.config, made, lines);
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

    /// Has everything that was made be used, and what is gone end.
    fn switch(&mut self, config: Config, made: Made, lines: Vec<Slot<jsonlines::Running>>) {
        self.memory.set_limit(memory_limit(&config));
        // What comes through a connector finds its pipelines there.
        self.switch_joints(&config, &made);
        let (mut intakes, mut names) = (vec![], vec![]);
        for (intake, routes) in made.intakes {
            intake.switch(routes);
            intakes.push(intake);
        }
        self.intakes = intakes;
        self.replace_parts(made.stages, made.exporters, made.joints, made.pipelines);
        names.extend(config.otlp().map(|(_, config)| config.name.as_str()));
        let old = std::mem::take(&mut self.receivers);
        let (receivers, gone) = filled(old, &names, made.receivers, receiver::Running::name);
        // They let go of their sockets before others accept from them.
        for gone in gone {
            self.leaving.receiver(gone);
        }
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
        for (processor, stage) in config.processors.iter().zip(&self.stages) {
            if !self.config.processors.contains(processor) {
                grants::tell(processor, stage.processor().plugin());
            }
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
            for push in gone {
                self.leaving.push(push);
            }
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
        joints: Vec<Joint>,
        pipelines: Vec<Arc<Pipeline>>,
    ) {
        let connector = |joint: &Joint| Arc::clone(&joint.connector);
        let new = joints.iter().map(connector).collect();
        let mut connectors = self.joints.iter().map(connector).collect();
        let connectors = gone(&mut connectors, new);
        self.joints = joints;
        let stages = gone(&mut self.stages, stages);
        trials::tell_ended(&stages, &self.registry);
        let exporters = gone(&mut self.exporters, exporters);
        let pipelines = gone(&mut self.pipelines, pipelines);
        self.leaving.connectors_of(&pipelines, connectors);
        if !(stages.is_empty() && exporters.is_empty() && pipelines.is_empty()) {
            self.leaving.parts(&pipelines, exporters, stages);
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
            connectors: self
                .joints
                .iter()
                .map(|joint| Arc::clone(&joint.connector))
                .collect(),
            draining: self.leaving.exporters(),
            handing_on: self.leaving.handing_on(),
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
