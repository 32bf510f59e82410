//! Makes what is new of a config, and finds what goes on. Nothing that runs is touched.

use std::sync::Arc;

use anyhow::Context as _;

use super::{Made, Slot};
use crate::app::App;
use crate::app::changes::written;
use crate::app::joints::Joint;
use crate::app::parts::{assemble, members, next, start_admin, start_pushes};
use crate::config::Config;
use crate::exporter::{self, Exporter, Kind};
use crate::pipeline::{Intake, Pipeline, Routes, Stage};
use crate::receiver;

impl App {
    /// Makes what is new of a config.
    pub(super) fn make(&self, config: &Config, stages: Vec<Arc<Stage>>) -> anyhow::Result<Made> {
        let stages = self.stages_of(config, stages);
        let exporters = self.exporters_of(config)?;
        let joints = self.joints_of(config)?;
        let pipelines = self.pipelines_of(config, &stages, &exporters, &joints);
        let intakes = self.intakes_of(config, &pipelines);
        let receivers = self.receivers_of(config, &intakes)?;
        let admin = if config.admin == self.config.admin {
            Slot::Kept
        } else {
            Slot::New(start_admin(
                config.admin.as_ref(),
                &self.sources,
                &self.health,
            )?)
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
            joints,
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
        joints: &[Joint],
    ) -> Vec<Arc<Pipeline>> {
        let pipelines = config.pipelines.iter().map(|pipeline| {
            let (stages, exporters) = members(pipeline, stages, exporters);
            let joints = pipeline.to.iter().filter_map(|at| joints.get(*at));
            let connectors: Vec<_> = joints.map(|joint| Arc::clone(&joint.connector)).collect();
            let before = self.config.pipelines.iter().zip(&self.pipelines);
            let mut kept = before.filter(|(old, running)| {
                old.name == pipeline.name && running.is_of(&stages, &exporters, &connectors)
            });
            if let Some((_, kept)) = kept.next() {
                return Arc::clone(kept);
            }
            let made = assemble(pipeline, config, stages, exporters, self.threads);
            Arc::new(made.with_connectors(connectors))
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
}
