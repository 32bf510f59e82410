//! A plugin at a place in a pipeline.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bound::{SLICE, Stop};
use super::breaker::{Breakers, Change, Failing, Position};
use super::cell::Failed;
use super::config::Config;
use super::estimate::Estimate;
use super::instance::{Instance, Processed};
use super::load::{LoadError, Plugin, Problem};
use super::manifest::OnError;
use super::pool::{Lease, Pool};
use super::report::Sink;
use super::sandbox::Sandbox;
use super::stats::{Cause, Stats};
use super::text::tame;
use crate::batch::{Batch, Signal};
use crate::telemetry::Throttle;

/// A plugin at a place in a pipeline: its config, its sandbox, and its pool of configured instances.
pub struct Processor {
    name: String,
    plugin: Arc<Plugin>,
    config: Arc<Config>,
    sandbox: Sandbox,
    on_error: OnError,
    pub(super) pool: Pool<Instance>,
    estimate: Estimate,
    breakers: Breakers,
    sink: Arc<Sink>,
    stats: Arc<Stats>,
    /// Of instances that cannot be made.
    unmade: Throttle,
    /// What the first instance took to be ready.
    start: Duration,
}

/// The thread that a call is made on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A thread that carries connections: nothing waits, and the call is given up after about 5 ms.
    Inline,
    /// A thread for plugins: the call has its whole deadline, and waits for an instance if it must.
    Worker,
}

/// Why a batch was not processed. It comes back as it was before the processor.
#[derive(Debug)]
pub enum Failure {
    /// The call took too long for [`Place::Inline`], or the plugin is never called there: make it on a worker.
    Slow(Batch),
    /// No instance was free for [`Place::Inline`]: make the call on a worker, which waits.
    Busy(Batch),
    /// The plugin failed: `on_error` says what happens next.
    Failed {
        /// The batch, as it was before the plugin.
        batch: Batch,
        /// What went wrong, in at most 256 bytes or so. The plugin wrote it: it may hold telemetry, and is for the log.
        reason: String,
        /// Whether the same batch may succeed later.
        retryable: bool,
        /// What kind of failure it is.
        cause: Cause,
        /// What is wrong with the batch's bytes, where that is why: fit for the sender, since it holds no telemetry.
        malformed: Option<String>,
    },
}

impl Processor {
    /// Configures a first instance, and with it finds out whether the config is right.
    pub fn new(
        plugin: Arc<Plugin>,
        name: &str,
        config: &serde_json::Value,
        sandbox: &Sandbox,
        on_error: Option<OnError>,
    ) -> Result<Self, LoadError> {
        let numbers = (
            Arc::new(Sink::new(name, sandbox.limits.log_lines)),
            Arc::default(),
        );
        let config = Arc::new(Config::new(config));
        Self::counting(plugin, name, config, sandbox, on_error, numbers)
    }

    /// The same processor with another version of its plugin. Both count into the same numbers, so that none of them goes
    /// backwards: neither its failures nor the plugin's own counters.
    pub fn with(&self, plugin: Arc<Plugin>, on_error: Option<OnError>) -> Result<Self, LoadError> {
        let numbers = (Arc::clone(&self.sink), Arc::clone(&self.stats));
        let config = Arc::clone(&self.config);
        Self::counting(plugin, &self.name, config, &self.sandbox, on_error, numbers)
    }

    fn counting(
        plugin: Arc<Plugin>,
        name: &str,
        config: Arc<Config>,
        sandbox: &Sandbox,
        on_error: Option<OnError>,
        (sink, stats): (Arc<Sink>, Arc<Stats>),
    ) -> Result<Self, LoadError> {
        let started = Instant::now();
        let first = Instance::new(&plugin, Some(&sink), sandbox, &config, &stats.memory);
        let first = first.map_err(|failed| {
            plugin.error(match failed {
                Failed::Refused(mistakes) => Problem::Refused(mistakes),
                failed => Problem::Configure(failed.to_string()),
            })
        })?;
        let start = started.elapsed();
        Ok(Self {
            name: name.to_owned(),
            on_error: on_error.unwrap_or(plugin.manifest().on_error),
            plugin,
            config,
            sandbox: sandbox.clone(),
            pool: Pool::new(sandbox.limits.instances, first),
            estimate: Estimate::default(),
            breakers: Breakers::default(),
            sink,
            stats,
            unmade: Throttle::new(),
            start,
        })
    }

    /// Its name in the config, such as `sample/tenth`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The plugin that it runs.
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// The same, to be kept.
    pub fn shared_plugin(&self) -> Arc<Plugin> {
        Arc::clone(&self.plugin)
    }

    /// What happens to a batch that it fails on: the config's word, else the plugin's.
    pub fn on_error(&self) -> OnError {
        self.on_error
    }

    /// Whether what the plugin says of a batch is not logged, since it may quote what it was to hide: of one that lets nothing pass
    /// that it failed on. Where the config has that pass, the batch says as much.
    pub fn withholds(&self) -> bool {
        match self.on_error {
            OnError::Pass => false,
            OnError::Drop => self.plugin.manifest().on_error.fails_closed(),
            OnError::Reject | OnError::DeadLetter => true,
        }
    }

    /// Whether the plugin works on this signal; a batch of another passes it by.
    pub fn takes(&self, signal: Signal) -> bool {
        self.plugin.manifest().signals.contains(&signal)
    }

    /// Whether a batch of this many bytes is expected to be done within 5 ms, so that it need not leave its thread.
    pub fn is_inline(&self, signal: Signal, bytes: usize) -> bool {
        self.breakers.of(signal).is_tripped()
            || (!self.plugin.imports_wasi() && self.estimate.is_short(bytes))
    }

    /// Whether the plugin failed again and again on a signal, and is left alone for a while: `on_error` is applied without
    /// calling it.
    pub fn is_tripped(&self) -> bool {
        self.breakers.any_is_tripped()
    }

    /// What its circuit breakers do as they stand, for each signal that the plugin works on.
    pub fn breakers(&self) -> impl Iterator<Item = (Signal, Position)> {
        let signals = self.plugin.manifest().signals.iter();
        signals.map(|signal| (*signal, self.breakers.of(*signal).position()))
    }

    /// What its calls came to.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The instances alive now.
    pub fn instances(&self) -> usize {
        self.pool.alive()
    }

    /// Gives back the memory of instances that do nothing just now.
    pub fn rest(&self) {
        self.pool.drain();
    }

    /// The lines of the plugin's log that were not logged.
    pub fn dropped_lines(&self) -> u64 {
        self.sink.dropped()
    }

    /// The plugin's counters and their values, by name.
    pub fn counters(&self) -> Vec<(String, u64)> {
        self.sink.counters()
    }

    /// Runs the plugin over a batch, and blocks until it is done.
    #[expect(
        clippy::result_large_err,
        reason = "the batch comes back either way, and is as large in `Ok`"
    )]
    pub fn process(&self, batch: Batch, place: Place) -> Result<Batch, Failure> {
        let signal = batch.signal();
        let breaker = self.breakers.of(signal);
        let result = if breaker.admits(batch.sender()) {
            self.attempt(batch, place)
        } else {
            Err(tripped(batch))
        };
        if let Err(Failure::Failed { cause, .. }) = &result {
            self.stats.failed(*cause);
        }
        let change = match &result {
            Ok(_) => breaker.succeeded(),
            Err(Failure::Failed { batch, cause, .. }) if cause.is_of_the_processor() => {
                breaker.failed(Failing::of(batch))
            }
            Err(Failure::Failed {
                cause: Cause::Tripped,
                ..
            }) => None,
            Err(_) => {
                breaker.learned_nothing();
                None
            }
        };
        if let Some(change) = change {
            self.log(change, signal);
        }
        result
    }

    /// Runs the plugin over a part of a batch that it failed on, and blocks until it is done. That it fails on parts too counts
    /// no more.
    #[expect(
        clippy::result_large_err,
        reason = "the batch comes back either way, and is as large in `Ok`"
    )]
    pub fn process_part(&self, part: Batch) -> Result<Batch, Failure> {
        let signal = part.signal();
        let result = self.attempt(part, Place::Worker);
        if result.is_ok()
            && let Some(change) = self.breakers.of(signal).succeeded()
        {
            self.log(change, signal);
        }
        result
    }

    #[expect(
        clippy::result_large_err,
        reason = "the batch comes back either way, and is as large in `Ok`"
    )]
    fn attempt(&self, batch: Batch, place: Place) -> Result<Batch, Failure> {
        if place == Place::Inline && self.plugin.imports_wasi() {
            return Err(Failure::Slow(batch));
        }
        let Some(mut lease) = self.pool.take(place) else {
            return Err(Failure::Busy(batch));
        };
        let mut instance = match lease.instance() {
            Some(instance) => instance,
            None if place == Place::Inline && self.start > SLICE => {
                return Err(Failure::Busy(batch));
            }
            None => match self.another() {
                Ok(instance) => instance,
                Err(failed) => return Err(self.not_started(batch, &failed)),
            },
        };
        let bytes = batch.message().len();
        let processed = instance.process(batch, place, &self.sink, self.withholds());
        self.ended(processed, bytes, lease, instance)
    }

    fn log(&self, change: Change, signal: Signal) {
        let (processor, on_error, signal) = (&self.name, self.on_error.name(), signal.name());
        match change {
            Change::Tripped(pause) => tracing::error!(
                processor,
                signal,
                on_error,
                seconds = pause.as_secs(),
                "a plugin fails again and again: it is left alone, and its `on_error` applied"
            ),
            Change::Recovered => tracing::info!(processor, signal, "a plugin does well again"),
        }
    }

    fn another(&self) -> Result<Instance, Failed> {
        let memory = &self.stats.memory;
        Instance::new(&self.plugin, None, &self.sandbox, &self.config, memory)
    }

    #[expect(
        clippy::result_large_err,
        reason = "the batch comes back either way, and is as large in `Ok`"
    )]
    fn ended(
        &self,
        processed: Processed,
        bytes: usize,
        lease: Lease<'_, Instance>,
        mut instance: Instance,
    ) -> Result<Batch, Failure> {
        let Processed {
            batch,
            edits,
            malformed,
            ended,
            cost,
        } = processed;
        let breached = instance.has_breached();
        if ended.is_ok() {
            self.estimate.learn(bytes, cost);
            if instance.is_reusable() {
                lease.give_back(instance);
            }
        }
        if matches!(ended, Err(Failed::Stopped(Stop::Slow))) {
            self.estimate.overran(bytes);
            return Err(Failure::Slow(batch));
        }
        self.stats.durations.record(cost);
        let cause = match &ended {
            _ if malformed.is_some() => Cause::Malformed,
            Ok(_) => Cause::Error,
            Err(Failed::Stopped(_)) => Cause::Deadline,
            Err(_) if breached => Cause::Memory,
            Err(_) => Cause::Trap,
        };
        let reason = match ended {
            Ok(Ok(())) => {
                self.stats.edits.add(edits);
                return Ok(batch);
            }
            Ok(Err(reason)) => tame(&reason),
            Err(failed) => failed.to_string(),
        };
        Err(Failure::Failed {
            batch,
            reason,
            retryable: false,
            cause,
            malformed,
        })
    }

    /// It could be configured before: what it lacks now is room, which may come back.
    fn not_started(&self, batch: Batch, failed: &Failed) -> Failure {
        if let Some(unlogged) = self.unmade.pass() {
            tracing::warn!(
                processor = self.name,
                reason = %failed,
                unlogged,
                "a plugin's instance could not be made"
            );
        }
        Failure::Failed {
            batch,
            reason: format!("no instance could be made: {failed}"),
            retryable: true,
            cause: Cause::Busy,
            malformed: None,
        }
    }
}

fn tripped(batch: Batch) -> Failure {
    Failure::Failed {
        batch,
        reason: "it failed again and again, and is left alone for a while".to_owned(),
        retryable: true,
        cause: Cause::Tripped,
        malformed: None,
    }
}

impl fmt::Debug for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processor")
            .field("name", &self.name)
            .field("plugin", &self.plugin)
            .finish_non_exhaustive()
    }
}
