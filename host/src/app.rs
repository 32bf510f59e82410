//! Puts the program together: the one place that knows every part.

mod changes;
mod front;
mod grants;
mod joints;
mod leaving;
mod listing;
mod parts;
mod plugins;
mod prepare;
mod reload;
mod replay;
mod trials;

use std::future;
use std::num::NonZero;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time;

use crate::admin::{self, Admin, Health};
use crate::config::Config;
use crate::exporter::{Exporter, Output};
use crate::letters::Letters;
use crate::memory::Memory;
use crate::metrics::{Push, Sources};
use crate::pipeline::{Intake, Pipeline, Stage};
use crate::plugin::Registry;
use crate::queue::Lost;
use crate::receiver::{self, jsonlines};
use crate::runtime::Runtimes;
use joints::Joint;
use leaving::Leaving;
use parts::{memory_limit, output, start_letters};
use plugins::Plugins;

pub use changes::{Changes, Listed};
pub use front::Front;
pub use listing::{Breaker, Row, Runs, Use, plugins};
pub use prepare::{Prepared, Refused, Running, prepare, prepare_beside, registry};
pub use replay::Replay;

/// How long requests in flight may take to end at a shutdown: as long as real clients wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a shutdown says what it still waits for.
const PROGRESS: Duration = Duration::from_secs(5);

/// A running otlet. The parts of a kind are in the config's order.
pub struct App {
    config: Config,
    receivers: Vec<receiver::Running>,
    /// Those that a pipeline takes from.
    lines: Vec<jsonlines::Running>,
    /// What those have counted whose lines are lost with the process.
    held: Vec<Arc<jsonlines::Counters>>,
    intakes: Vec<Arc<Intake>>,
    pipelines: Vec<Arc<Pipeline>>,
    exporters: Vec<Arc<Exporter>>,
    joints: Vec<Joint>,
    stages: Vec<Arc<Stage>>,
    leaving: Leaving,
    memory: Memory,
    health: Arc<Health>,
    sources: Arc<Sources>,
    admin: Option<Admin>,
    pushes: Vec<Push>,
    letters: Option<Arc<Letters>>,
    registry: Arc<Registry>,
    plugins: Plugins,
    handles: jsonlines::Handles,
    output: Output,
    /// How many worker threads a pipeline may have.
    threads: usize,
    runtimes: Runtimes,
}

impl App {
    /// Starts everything that the config names, last part first, so that nothing is taken in that could not go on.
    pub fn start(prepared: Prepared) -> anyhow::Result<Self> {
        let front = Front::open(prepared.config.admin.as_ref(), &prepared.registry)?;
        Self::start_behind(front, prepared)
    }

    /// The same, where some of it stands already.
    pub fn start_behind(front: Front, prepared: Prepared) -> anyhow::Result<Self> {
        prepared.keep();
        let Prepared {
            config,
            stages,
            registry,
            ..
        } = prepared;
        let mut app = Self::idle(front, &config, registry)?;
        app.begin(config, stages)?;
        app.health.set(admin::Stage::Ready);
        let held = app.lines.iter().filter_map(jsonlines::Running::only_copy);
        app.held = held.collect();
        Ok(app)
    }

    /// What all parts need, and that goes on whatever config comes after this one.
    fn idle(front: Front, config: &Config, registry: Arc<Registry>) -> anyhow::Result<Self> {
        let Front {
            sources,
            health,
            admin,
        } = front;
        let handles = jsonlines::Handles::of_process();
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let runtimes = Runtimes::start(threads)?;
        let letters = start_letters(config, &runtimes)?;
        Ok(Self {
            config: Config {
                admin: config.admin.clone(),
                dead_letters: config.dead_letters.clone(),
                ..Config::default()
            },
            receivers: vec![],
            lines: vec![],
            held: vec![],
            intakes: vec![],
            pipelines: vec![],
            exporters: vec![],
            joints: vec![],
            stages: vec![],
            leaving: Leaving::default(),
            memory: Memory::new(memory_limit(config)),
            health,
            sources,
            admin,
            pushes: vec![],
            letters,
            registry,
            plugins: Plugins::new(),
            handles,
            output: output(),
            threads,
            runtimes,
        })
    }

    /// Where its plugins come from.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The processors that run, for a config that is to take the place of this one.
    pub fn running(&self) -> Running {
        let processors = self.config.processors.iter().cloned();
        Running {
            stages: processors.zip(self.stages.iter().cloned()).collect(),
            keeps_letters: self.letters.is_some(),
        }
    }

    /// The config that runs.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The receivers of OTLP, in the config's order.
    pub fn receivers(&self) -> &[receiver::Running] {
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
        trials::tell_ended(&self.stages, &self.registry);
        let mut stopping = self.leaving.take_receivers();
        for receiver in self.receivers.drain(..) {
            stopping.spawn(receiver.stop(PATIENCE));
        }
        let mut reading: JoinSet<bool> = self
            .lines
            .drain(..)
            .map(|lines| lines.stop(PATIENCE))
            .collect();
        while let Some(stopped) = stopping.join_next().await {
            tell_cut(&stopped);
        }
        while let Some(stopped) = reading.join_next().await {
            if !matches!(stopped, Ok(true)) {
                tracing::warn!(
                    "lines were being sent that were not taken in time: they are read again"
                );
            }
        }
        self.hand_on().await;
        let mut requests = 0;
        for exporter in self.all_exporters() {
            requests += drain(&exporter).await.requests;
        }
        let pushes: JoinSet<()> = self.pushes.drain(..).map(Push::finish).collect();
        pushes.join_all().await;
        requests
    }

    /// Ends at once, and gives the number of requests that were taken and are lost.
    pub async fn abort(&self) -> u64 {
        let held = self.held.iter().filter(|counters| counters.held() > 0);
        let mut requests = held.count() as u64;
        let leaving = self.leaving.connectors();
        let joints = self.joints.iter().map(|joint| Arc::clone(&joint.connector));
        for connector in joints.chain(leaving) {
            requests += connector.abort().await.requests;
        }
        for exporter in self.all_exporters() {
            requests += exporter.queue().abort().await.requests;
        }
        requests
    }

    /// Those of the config, and those that were and have something to send.
    fn all_exporters(&self) -> Vec<Arc<Exporter>> {
        let leaving = self.leaving.exporters();
        let leaving = leaving.iter().filter_map(Weak::upgrade);
        self.exporters.iter().cloned().chain(leaving).collect()
    }
}

/// Says so where connections had to be cut.
fn tell_cut(stopped: &Result<bool, JoinError>) {
    if !matches!(stopped, Ok(true)) {
        tracing::warn!("connections were cut that did not end in time");
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
        let depth = exporter.queue().depth();
        tracing::warn!(
            exporter = exporter.name(),
            requests = depth.requests,
            items = depth.items,
            "not sent yet; another signal ends otlet and loses them"
        );
    }
}
