//! Puts the program together: the one place that knows every part.

mod parts;
mod prepare;
mod replay;

use std::future;
use std::num::NonZero;
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time;

use crate::admin::{self, Admin, Health};
use crate::config::ReceiverConfig;
use crate::exporter::Exporter;
use crate::letters::Letters;
use crate::memory::Memory;
use crate::metrics::{Parts, Push, Sources};
use crate::pipeline::{Intake, Stage};
use crate::queue::Lost;
use crate::receiver::{self, Running, jsonlines};
use crate::runtime::Runtimes;
use parts::{
    assemble, memory, next, sockets, start_admin, start_exporters, start_letters, start_pushes,
    within,
};

pub use prepare::{Prepared, missing, prepare, registry};
pub use replay::Replay;

/// How long requests in flight may take to end at a shutdown: as long as real clients wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a shutdown says what it still waits for.
const PROGRESS: Duration = Duration::from_secs(5);

/// A running otlet.
pub struct App {
    receivers: Vec<Running>,
    lines: Vec<jsonlines::Running>,
    /// What those have counted whose lines are lost with the process.
    held: Vec<Arc<jsonlines::Counters>>,
    exporters: Vec<Arc<Exporter>>,
    stages: Vec<Arc<Stage>>,
    memory: Memory,
    health: Arc<Health>,
    admin: Option<Admin>,
    pushes: Vec<Push>,
    letters: Option<Arc<Letters>>,
    _runtimes: Runtimes,
}

impl App {
    /// Starts everything that the config names, last part first, so that nothing is taken in that could not go on.
    pub fn start(prepared: Prepared) -> anyhow::Result<Self> {
        let Prepared { config, stages, .. } = prepared;
        let handles = jsonlines::Handles::of_process();
        let (sources, health) = (Sources::new(), Arc::<Health>::default());
        let admin = start_admin(&config, &sources, &health)?;
        let memory = memory(&config);
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let runtimes = Runtimes::start(threads)?;
        let letters = start_letters(&config, &runtimes)?;
        let exporters = start_exporters(&config, &runtimes, letters.as_ref())?;
        let mut intakes: Vec<_> = config
            .receivers
            .iter()
            .map(|config| Intake::new(config.name(), letters.clone()))
            .collect();
        for pipeline in &config.pipelines {
            let assembled = Arc::new(assemble(pipeline, &config, &stages, &exporters, threads));
            for index in &pipeline.receivers {
                if let Some(intake) = intakes.get_mut(*index) {
                    intake.add(pipeline.signal, Arc::clone(&assembled));
                }
            }
        }
        let intakes: Vec<_> = intakes.into_iter().map(Arc::new).collect();
        let (mut receivers, mut lines, mut counts) = (vec![], vec![], vec![]);
        for (index, (receiver, intake)) in config.receivers.iter().zip(&intakes).enumerate() {
            match receiver {
                ReceiverConfig::Otlp(receiver) => {
                    receivers.push(receiver::start(
                        receiver,
                        &runtimes,
                        &next(intake),
                        &memory,
                    )?);
                }
                // Lines that no pipeline takes stay where they are.
                ReceiverConfig::JsonLines(receiver) if config.uses_receiver(index) => {
                    let next = within(&memory, next(intake));
                    let running = jsonlines::start(receiver, &runtimes, &next, &handles)?;
                    counts.push((receiver.name.clone(), Arc::clone(running.counters())));
                    lines.push(running);
                }
                ReceiverConfig::JsonLines(_) => {}
            }
        }
        sources.set(Parts {
            sockets: sockets(&config, &receivers),
            lines: counts,
            intakes,
            stages: stages.clone(),
            exporters: exporters.clone(),
            letters: letters.clone(),
            memory: memory.clone(),
        });
        let pushes = start_pushes(&config, &sources)?;
        // Nothing is acknowledged before all stand: what a start that fails has taken would be lost.
        receivers.iter_mut().for_each(Running::begin);
        lines.iter_mut().for_each(jsonlines::Running::begin);
        health.set(admin::Stage::Ready);
        let held = lines.iter().filter_map(jsonlines::Running::only_copy);
        Ok(Self {
            held: held.collect(),
            receivers,
            lines,
            exporters,
            stages,
            memory,
            health,
            admin,
            pushes,
            letters,
            _runtimes: runtimes,
        })
    }

    /// The receivers of OTLP, in the config's order.
    pub fn receivers(&self) -> &[Running] {
        &self.receivers
    }

    /// The admin endpoint, if there is one.
    pub fn admin(&self) -> Option<&Admin> {
        self.admin.as_ref()
    }

    /// The receivers of lines, in the config's order.
    pub fn lines(&self) -> &[jsonlines::Running] {
        &self.lines
    }

    /// Waits until every receiver is at its end, which only standard input comes to.
    pub async fn finished(&self) {
        if self.lines.is_empty() || !self.receivers.is_empty() {
            return future::pending().await;
        }
        for lines in &self.lines {
            lines.ended().await;
        }
    }

    /// The processors and what went through them, in the config's order.
    pub fn stages(&self) -> &[Arc<Stage>] {
        &self.stages
    }

    /// Where dead letters are kept, if they are.
    pub fn letters(&self) -> Option<&Letters> {
        self.letters.as_deref()
    }

    /// The bytes of requests that it holds, and may.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Takes nothing in any more, ends what is in flight, and sends what waits; gives the number of requests that were taken
    /// and are lost all the same.
    pub async fn shut_down(&mut self) -> u64 {
        self.health.set(admin::Stage::Ending);
        let mut stopping: JoinSet<bool> = self
            .receivers
            .drain(..)
            .map(|receiver| receiver.stop(PATIENCE))
            .collect();
        let mut reading: JoinSet<bool> = self
            .lines
            .drain(..)
            .map(|lines| lines.stop(PATIENCE))
            .collect();
        while let Some(stopped) = stopping.join_next().await {
            if !matches!(stopped, Ok(true)) {
                tracing::warn!("connections were cut that did not end in time");
            }
        }
        while let Some(stopped) = reading.join_next().await {
            if !matches!(stopped, Ok(true)) {
                tracing::warn!(
                    "lines were being sent that were not taken in time: they are read again"
                );
            }
        }
        let mut requests = 0;
        for exporter in &self.exporters {
            requests += drain(exporter).await.requests;
        }
        let pushes: JoinSet<()> = self.pushes.drain(..).map(Push::finish).collect();
        pushes.join_all().await;
        requests
    }

    /// Ends at once, and gives the number of requests that were taken and are lost.
    pub async fn abort(&self) -> u64 {
        let held = self.held.iter().filter(|counters| counters.held() > 0);
        let mut requests = held.count() as u64;
        for exporter in &self.exporters {
            requests += exporter.abort().await.requests;
        }
        requests
    }
}

/// Sends what waits, however long its retries take, and says now and then what there is: whoever cannot wait that long must
/// know what is lost.
async fn drain(exporter: &Exporter) -> Lost {
    let mut drained = pin!(exporter.drain());
    loop {
        if let Ok(lost) = time::timeout(PROGRESS, drained.as_mut()).await {
            return lost;
        }
        let depth = exporter.depth();
        tracing::warn!(
            exporter = exporter.name(),
            requests = depth.requests,
            items = depth.items,
            "not sent yet; another signal ends otlet and loses them"
        );
    }
}
