//! The parts of a running otlet, each made of what the config says of it.

use std::sync::Arc;

use anyhow::Context;

use super::listing;
use crate::admin::{self, Admin, Health};
use crate::config::{Config, PipelineConfig};
use crate::exporter::{Exporter, Output};
use crate::letters::Letters;
use crate::memory::{self, Memory};
use crate::metrics::{self, Push, Sources};
use crate::pipeline::{Chain, Intake, Pipeline, Stage};
use crate::queue::Sizer;
use crate::receiver::{Listening, Next, Running};
use crate::refusal::Refusal;
use crate::runtime::Runtimes;

/// What requests may hold; without a word in the config at least what its receivers' largest requests need.
pub(super) fn memory_limit(config: &Config) -> usize {
    let default = || memory::default_limit().max(config.least_memory());
    config.memory.unwrap_or_else(default)
}

pub(super) fn start_letters(
    config: &Config,
    runtimes: &Runtimes,
) -> anyhow::Result<Option<Arc<Letters>>> {
    let Some(config) = &config.dead_letters else {
        return Ok(None);
    };
    let letters = Letters::start(config).context("`dead_letters` cannot be kept")?;
    if let Some(runtime) = runtimes.iter().next() {
        runtime.spawn(Arc::clone(&letters).tend());
    }
    Ok(Some(letters))
}

/// Where the `debug` exporters print.
pub(super) fn output() -> Output {
    Output::stdout()
}

/// The processors and exporters of a pipeline.
pub(super) fn members(
    pipeline: &PipelineConfig,
    stages: &[Arc<Stage>],
    exporters: &[Arc<Exporter>],
) -> (Vec<Arc<Stage>>, Vec<Arc<Exporter>>) {
    let stages = pipeline.processors.iter().filter_map(|at| stages.get(*at));
    let exporters = pipeline
        .exporters
        .iter()
        .filter_map(|at| exporters.get(*at));
    (stages.cloned().collect(), exporters.cloned().collect())
}

pub(super) fn assemble(
    pipeline: &PipelineConfig,
    config: &Config,
    stages: Vec<Arc<Stage>>,
    exporters: Vec<Arc<Exporter>>,
    threads: usize,
) -> Pipeline {
    let chain = Chain::new(&pipeline.name, stages);
    let mut sizers = pipeline
        .exporters
        .iter()
        .filter_map(|index| config.exporters.get(*index));
    let counts_items = sizers.any(|exporter| exporter.queue.sizer == Sizer::Items);
    Pipeline::new(chain, exporters, counts_items, threads)
}

pub(super) fn start_admin(
    config: Option<&admin::Config>,
    sources: &Arc<Sources>,
    health: &Arc<Health>,
) -> anyhow::Result<Option<Admin>> {
    let Some(config) = config else {
        return Ok(None);
    };
    let (counted, listed) = (Arc::clone(sources), Arc::clone(sources));
    let shown = admin::Shown {
        metrics: Box::new(move |format| match format {
            admin::Format::OpenMetrics => metrics::text(&counted),
            admin::Format::Classic => metrics::classic(&metrics::text(&counted)),
        }),
        plugins: Box::new(move || listing::page(&listed)),
    };
    Ok(Some(admin::start(config, shown, Arc::clone(health))?))
}

pub(super) fn start_pushes(config: &Config, sources: &Arc<Sources>) -> anyhow::Result<Vec<Push>> {
    let resource = metrics::resource(&config.resource).into();
    let start = |config| Push::start(config, &resource, sources);
    Ok(config.readers.iter().map(start).collect::<Result<_, _>>()?)
}

/// The sockets of all receivers, each with its receiver's name.
pub(super) fn sockets(receivers: &[Running]) -> Vec<(String, Listening)> {
    let mut sockets = vec![];
    for running in receivers {
        for socket in [running.grpc(), running.http()].into_iter().flatten() {
            sockets.push((running.name().to_owned(), socket.clone()));
        }
    }
    sockets
}

/// Has what comes from a receiver that charges nothing itself be charged to the memory, or refused.
pub(super) fn within(memory: &Memory, next: Next) -> Next {
    let memory = memory.clone();
    Arc::new(move |payload| match payload.charged(memory.nothing()) {
        Ok(payload) => next(payload),
        Err(memory::Full) => Box::pin(async { Err(Refusal::out_of_memory()) }),
    })
}

pub(super) fn next(intake: &Arc<Intake>) -> Next {
    let intake = Arc::clone(intake);
    Arc::new(move |payload| {
        let intake = Arc::clone(&intake);
        Box::pin(async move { intake.accept(payload).await })
    })
}
