//! Sends dead letters through the pipelines and exporters that they name, without receivers.
//!
//! Whoever replays waits for each letter's end, as a sender does where queues are disabled, and connectors hold nothing, and make
//! no metrics. A letter that fails makes no second one: it stays where it is.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::Prepared;
use super::joints::taking;
use super::parts::{assemble, members, next, output};
use crate::batch::{Batch, Signal};
use crate::config::Config;
use crate::connector::{AnyConfig, AnyConnector, Connector};
use crate::exporter::Exporter;
use crate::letters::{Origin, Reason};
use crate::memory::Memory;
use crate::payload::Payload;
use crate::pipeline::{Intake, Pipeline, Routes, Stage};
use crate::queue::Size;
use crate::runtime::Runtimes;

/// The pipelines and exporters of a config.
pub struct Replay {
    pipelines: BTreeMap<String, (Signal, Intake)>,
    exporters: Vec<Arc<Exporter>>,
    /// The way on of each connector.
    connectors: BTreeMap<String, Arc<Intake>>,
    _runtimes: Runtimes,
}

impl Replay {
    /// Starts all that the config names but its receivers.
    pub fn start(prepared: Prepared) -> anyhow::Result<Self> {
        let Prepared {
            mut config, stages, ..
        } = prepared;
        for exporter in &mut config.exporters {
            exporter.queue.enabled = false;
        }
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let runtimes = Runtimes::start(threads)?;
        let output = output();
        let start = |config| Exporter::start(config, &runtimes, &output, None).map(Arc::new);
        let exporters: Vec<_> = config
            .exporters
            .iter()
            .map(start)
            .collect::<Result<_, _>>()?;
        let joints = joints(&config, &runtimes)?;
        let pipelines = pipelines(&config, &stages, &exporters, &joints);
        for (at, (of, (_, intake))) in config.connectors.iter().zip(&joints).enumerate() {
            let mut routes = Routes::new(None);
            for pipeline in taking(&config, &pipelines, at) {
                routes.add(of.gives(), pipeline);
            }
            intake.switch(routes);
        }
        let names = config.connectors.iter().map(|one| one.name().to_owned());
        let intakes = joints.into_iter().map(|(_, intake)| intake);
        let connectors = names.zip(intakes).collect();
        let pipelines = config.pipelines.iter().zip(pipelines);
        let pipelines = pipelines.map(|(of, pipeline)| {
            let mut routes = Routes::new(None);
            routes.add(of.signal, pipeline);
            let intake = Intake::new("replay", routes);
            (of.name.clone(), (of.signal, intake))
        });
        Ok(Self {
            pipelines: pipelines.collect(),
            exporters,
            connectors,
            _runtimes: runtimes,
        })
    }

    /// Sends one letter to where it was to go, or says why that cannot be done.
    pub async fn send(&self, payload: Payload, reason: &Reason) -> Result<(), String> {
        match &reason.origin {
            Origin::Processor { pipeline, .. } => self.process(payload, pipeline).await,
            Origin::Connector { connector } => self.go_on(payload, connector).await,
            Origin::Exporter { exporter } => self.export(payload, exporter).await,
        }
    }

    async fn process(&self, payload: Payload, name: &str) -> Result<(), String> {
        let signal = payload.signal();
        match self.pipelines.get(name) {
            None => Err(format!(
                "the config has no pipeline {name:?}: give it one, or change `pipeline` in the letter's reason"
            )),
            Some((takes, _)) if *takes != signal => Err(format!(
                "pipeline {name:?} takes {}, not {}",
                takes.name(),
                signal.name()
            )),
            Some((_, intake)) => intake
                .accept(payload)
                .await
                .map(drop)
                .map_err(|refusal| refusal.to_string()),
        }
    }

    async fn go_on(&self, payload: Payload, name: &str) -> Result<(), String> {
        let intake = self.connectors.get(name).ok_or_else(|| {
            format!(
                "the config has no connector {name:?}: give it one, or change `connector` in the letter's reason"
            )
        })?;
        let taken = intake.accept(payload).await;
        taken.map(drop).map_err(|refusal| refusal.to_string())
    }

    async fn export(&self, payload: Payload, name: &str) -> Result<(), String> {
        let exporter = self.exporters.iter().find(|one| one.name() == name);
        let exporter = exporter.ok_or_else(|| {
            format!(
                "the config has no exporter {name:?}: give it one, or change `exporter` in the letter's reason"
            )
        })?;
        let message = payload.message().unwrap_or_default();
        let batch = Batch::new(payload.signal(), message)
            .map_err(|error| format!("not an OTLP {} request: {error}", payload.signal().name()))?;
        let size = Size {
            bytes: payload.size() as u64,
            items: u64::from(batch.records()),
        };
        let sent = match exporter.reserve(size) {
            Ok(reservation) => reservation.commit(payload, size).wait().await,
            Err(refusal) => Err(refusal),
        };
        sent.map(drop).map_err(|refusal| refusal.to_string())
    }
}

/// A connector, unless it makes metrics, and where what it is given goes.
type Joint = (Option<Arc<AnyConnector>>, Arc<Intake>);

/// Connectors that hold nothing.
fn joints(config: &Config, runtimes: &Runtimes) -> anyhow::Result<Vec<Joint>> {
    let joints = config.connectors.iter().map(|config| {
        let intake = Arc::new(Intake::new(config.name(), Routes::default()));
        let AnyConfig::GroupByTrace(config) = config else {
            return Ok((None, intake));
        };
        let mut config = config.clone();
        config.wait_duration = Duration::ZERO;
        let (next, memory) = (next(&intake), Memory::unbounded());
        let connector = Connector::start(&config, runtimes, next, None, &memory, true)?;
        let connector = AnyConnector::GroupByTrace(connector);
        Ok((Some(Arc::new(connector)), intake))
    });
    joints.collect()
}

fn pipelines(
    config: &Config,
    stages: &[Arc<Stage>],
    exporters: &[Arc<Exporter>],
    joints: &[Joint],
) -> Vec<Arc<Pipeline>> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let pipelines = config.pipelines.iter().map(|pipeline| {
        let (stages, exporters) = members(pipeline, stages, exporters);
        let joints = pipeline.to.iter().filter_map(|at| joints.get(*at));
        let connectors = joints.filter_map(|(connector, _)| connector.clone());
        let made = assemble(pipeline, config, stages, exporters, threads);
        Arc::new(made.with_connectors(connectors.collect()))
    });
    pipelines.collect()
}
