//! Puts the program together: the one place that knows every part.

mod replay;

use std::collections::BTreeMap;
use std::future;
use std::num::NonZero;
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use tokio::task::JoinSet;
use tokio::time;

use crate::admin::{self, Admin, Health};
use crate::config::{
    Config, Draft, Loaded, Nature, PipelineConfig, ProcessorConfig, ReceiverConfig, Report,
};
use crate::exporter::{Exporter, Output};
use crate::letters::Letters;
use crate::memory::{self, Memory};
use crate::metrics::{self, Parts, Push, Sources};
use crate::pipeline::{Chain, Intake, Pipeline, Stage};
use crate::plugin::{Engine, LoadError, OnError, Plugin, Problem, Processor};
use crate::queue::{Lost, Sizer};
use crate::receiver::{self, Listening, Next, Running, jsonlines};
use crate::refusal::Refusal;
use crate::runtime::Runtimes;

pub use replay::Replay;

/// How long requests in flight may take to end at a shutdown: as long as real clients wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a shutdown says what it still waits for.
const PROGRESS: Duration = Duration::from_secs(5);

/// A config that holds, with its plugins compiled and its processors configured.
pub struct Prepared {
    /// The config.
    pub config: Config,
    /// What is to be said about it, though it holds.
    pub warnings: Report,
    stages: Vec<Arc<Stage>>,
}

/// Compiles and configures the plugins that a config names; a report says what is wrong with the config.
///
/// `available` are the plugins that there are, by name: the program has [`plugin::BUNDLED`](crate::plugin::BUNDLED).
pub fn prepare(
    mut draft: Draft,
    available: &[(&str, &[u8])],
) -> anyhow::Result<Result<Prepared, Report>> {
    let processors: Vec<_> = draft.processors().cloned().collect();
    let plugins = load(&processors, available)?;
    let keeps_letters = draft.keeps_letters();
    let names: Vec<_> = available.iter().map(|(name, _)| *name).collect();
    let mut stages = vec![];
    for (index, config) in processors.iter().enumerate() {
        let Some(plugin) = plugins.get(config.plugin.as_str()) else {
            draft.no_plugin(index, &names);
            continue;
        };
        if config.on_error == Some(OnError::Pass) && plugin.manifest().on_error.fails_closed() {
            draft.passes_what_should_not(index);
        }
        let schema = plugin.manifest().config_schema.as_ref();
        if !schema.is_none_or(|schema| draft.check_plugin_config(index, schema)) {
            continue;
        }
        match processor(plugin, config, keeps_letters) {
            Ok(processor) => stages.push(Arc::new(Stage::new(processor))),
            Err(LoadError {
                problem: Problem::Refused(mistakes),
                ..
            }) => mistakes
                .iter()
                .for_each(|mistake| draft.refused(index, mistake)),
            Err(error) => draft.refused(index, &error.to_string()),
        }
    }
    draft.check_order(|processor| {
        let manifest = plugins.get(processor.plugin.as_str())?.manifest();
        Some(Nature {
            fails_closed: manifest.on_error.fails_closed(),
            adds_text: manifest.adds_text,
        })
    });
    Ok(draft.finish().map(|Loaded { config, warnings }| Prepared {
        config,
        warnings,
        stages,
    }))
}

/// Compiles each plugin that the processors name and that there is, once.
fn load<'a>(
    processors: &'a [ProcessorConfig],
    available: &[(&str, &[u8])],
) -> Result<BTreeMap<&'a str, Arc<Plugin>>, LoadError> {
    let instances = processors
        .iter()
        .map(|processor| processor.limits.instances)
        .sum();
    let engine = Engine::new(instances)?;
    let mut plugins = BTreeMap::new();
    for processor in processors {
        let name = processor.plugin.as_str();
        if let Some((_, wasm)) = available.iter().find(|(available, _)| *available == name)
            && !plugins.contains_key(name)
        {
            plugins.insert(name, Arc::new(Plugin::load(&engine, name, wasm)?));
        }
    }
    Ok(plugins)
}

fn processor(
    plugin: &Arc<Plugin>,
    config: &ProcessorConfig,
    keeps_letters: bool,
) -> Result<Processor, LoadError> {
    let ProcessorConfig {
        name,
        config,
        limits,
        on_error,
        ..
    } = config;
    let on_error = match on_error.unwrap_or(plugin.manifest().on_error) {
        OnError::DeadLetter if !keeps_letters => OnError::Reject,
        on_error => on_error,
    };
    Processor::new(Arc::clone(plugin), name, config, limits, Some(on_error))
}

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

/// What requests may hold; without a word in the config at least what its receivers' largest requests need.
fn memory(config: &Config) -> Memory {
    let least = config.receivers.iter().map(ReceiverConfig::least_memory);
    let default = || memory::default_limit().max(least.max().unwrap_or_default());
    Memory::new(config.memory.unwrap_or_else(default))
}

fn start_letters(config: &Config, runtimes: &Runtimes) -> anyhow::Result<Option<Arc<Letters>>> {
    let Some(config) = &config.dead_letters else {
        return Ok(None);
    };
    let letters = Letters::start(config).context("`dead_letters` cannot be kept")?;
    if let Some(runtime) = runtimes.iter().next() {
        runtime.spawn(Arc::clone(&letters).tend());
    }
    Ok(Some(letters))
}

fn start_exporters(
    config: &Config,
    runtimes: &Runtimes,
    letters: Option<&Arc<Letters>>,
) -> anyhow::Result<Vec<Arc<Exporter>>> {
    let output = Output::stdout();
    config
        .exporters
        .iter()
        .map(|config| {
            Ok(Arc::new(Exporter::start(
                config, runtimes, &output, letters,
            )?))
        })
        .collect()
}

fn assemble(
    pipeline: &PipelineConfig,
    config: &Config,
    stages: &[Arc<Stage>],
    exporters: &[Arc<Exporter>],
    threads: usize,
) -> Pipeline {
    let stages = pipeline
        .processors
        .iter()
        .filter_map(|index| stages.get(*index))
        .cloned();
    let chain = Chain::new(&pipeline.name, stages.collect());
    let sends = pipeline
        .exporters
        .iter()
        .filter_map(|index| exporters.get(*index))
        .cloned();
    let mut sizers = pipeline
        .exporters
        .iter()
        .filter_map(|index| config.exporters.get(*index));
    let counts_items = sizers.any(|exporter| exporter.queue.sizer == Sizer::Items);
    Pipeline::new(chain, sends.collect(), counts_items, threads)
}

fn start_admin(
    config: &Config,
    sources: &Arc<Sources>,
    health: &Arc<Health>,
) -> anyhow::Result<Option<Admin>> {
    let Some(config) = &config.admin else {
        return Ok(None);
    };
    let sources = Arc::clone(sources);
    let page: admin::Metrics = Arc::new(move |format| match format {
        admin::Format::OpenMetrics => metrics::text(&sources),
        admin::Format::Classic => metrics::classic(&metrics::text(&sources)),
    });
    Ok(Some(admin::start(config, page, Arc::clone(health))?))
}

fn start_pushes(config: &Config, sources: &Arc<Sources>) -> anyhow::Result<Vec<Push>> {
    let resource = metrics::resource(&config.resource).into();
    let start = |config| Push::start(config, &resource, sources);
    Ok(config.readers.iter().map(start).collect::<Result<_, _>>()?)
}

/// The sockets of all receivers, each with its receiver's name.
fn sockets(config: &Config, receivers: &[Running]) -> Vec<(String, Listening)> {
    let mut sockets = vec![];
    let of_otlp = config.receivers.iter().filter_map(|config| match config {
        ReceiverConfig::Otlp(config) => Some(config),
        ReceiverConfig::JsonLines(_) => None,
    });
    for (config, running) in of_otlp.zip(receivers) {
        for socket in [running.grpc(), running.http()].into_iter().flatten() {
            sockets.push((config.name.clone(), socket.clone()));
        }
    }
    sockets
}

/// Has what comes from a receiver that charges nothing itself be charged to the memory, or refused.
fn within(memory: &Memory, next: Next) -> Next {
    let memory = memory.clone();
    Arc::new(move |payload| match memory.take(payload.size()) {
        Ok(lease) => next(payload.charged(lease)),
        Err(memory::Full) => Box::pin(async { Err(Refusal::out_of_memory()) }),
    })
}

fn next(intake: &Arc<Intake>) -> Next {
    let intake = Arc::clone(intake);
    Arc::new(move |payload| {
        let intake = Arc::clone(&intake);
        Box::pin(async move { intake.accept(payload).await })
    })
}
