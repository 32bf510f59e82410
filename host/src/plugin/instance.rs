//! One live plugin: started, configured, and given batches.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{self, ComponentExportIndex, ComponentNamedList, Lift, Lower, TypedFunc};

use super::bound::{Bound, Stop};
use super::cell::{Cell, Failed};
use super::config::Config;
use super::load::Plugin;
use super::processor::Place;
use super::report::Sink;
use super::sandbox::{Isolate, Sandbox};
use super::text::tame;
use crate::batch::Batch;
use crate::telemetry::Gauge;

/// An instance whose memory grew by more than this since it was configured, or by more than a quarter of its limit, is thrown
/// away: the memory of a guest never shrinks, and one large batch would stay in every instance. Does not limit what it has while
/// it works.
const GROWTH: usize = 16 << 20;

/// An instance that was given so many batches is thrown away: what a plugin forgets to give back does not add up for ever.
/// Seldom enough that a `configure` of a second, as of a Python plugin, costs nothing beside them. Does not limit what an instance
/// remembers of a batch until then.
#[cfg(not(test))]
const BATCHES: u32 = 100_000;
/// What a test can wait for.
#[cfg(test)]
const BATCHES: u32 = 100;

/// The most lines that are shown of why a plugin refuses its config, each of them a mistake.
const MISTAKES: usize = 50;

/// What `process` and `configure` return.
type Answer = Result<(), String>;

/// One live plugin.
pub(super) struct Instance {
    cell: Cell,
    process: TypedFunc<(), (Answer,)>,
    deadline: Duration,
    handed: usize,
    growth: usize,
    /// The memory it may have and still be used again.
    most: usize,
    /// The batches that it may still be given.
    left: u32,
}

/// What came of one `process`.
pub(super) struct Processed {
    /// The batch: as the plugin left it, or after a failure as it was before.
    pub(super) batch: Batch,
    /// The fields that it edited, if it succeeded.
    pub(super) edits: u64,
    /// What is wrong with the batch's bytes, if the plugin came upon it.
    pub(super) malformed: Option<String>,
    /// How the call ended: with the plugin's own answer, or not by itself.
    pub(super) ended: Result<Answer, Failed>,
    /// What it took.
    pub(super) cost: Duration,
}

/// A started plugin, before anything of it was called.
struct Started {
    cell: Cell,
    exports: component::Instance,
}

impl Started {
    fn new(plugin: &Plugin, sandbox: &Sandbox, memory: &Arc<Gauge>) -> Result<Self, Failed> {
        let mut cell = Cell::new(plugin, sandbox, memory)?;
        let pre = plugin.pre();
        let exports = cell.enter(
            |store, pre| pre.instantiate(store),
            |store, pre| Box::pin(async move { pre.instantiate_async(store).await }),
            pre,
        )?;
        Ok(Self { cell, exports })
    }

    fn export<P, R>(&mut self, index: &ComponentExportIndex) -> Result<TypedFunc<P, R>, Failed>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        self.exports
            .get_typed_func(self.cell.store(), index)
            .map_err(|error| Failed::Trapped(tame(&format!("{error:#}"))))
    }
}

/// What the plugin's `describe` returns, asked of an instance of its own.
pub(super) fn describe(plugin: &Plugin, sink: &Sink) -> Result<String, Failed> {
    let mut started = Started::new(plugin, &Sandbox::default(), &Arc::default())?;
    let describe = started.export::<(), (String,)>(&plugin.exports().describe)?;
    let described = started.cell.call(describe, ());
    report(&mut started.cell, sink, described.is_ok());
    described.map(|(text,)| text)
}

impl Instance {
    /// An instance that is ready for batches. What it logs meanwhile goes to `sink`: the first of a processor says it all. Its
    /// memory is counted in `memory`.
    pub(super) fn new(
        plugin: &Plugin,
        sink: Option<&Sink>,
        sandbox: &Sandbox,
        config: &Arc<Config>,
        memory: &Arc<Gauge>,
    ) -> Result<Self, Failed> {
        let limits = &sandbox.limits;
        let mut started = Started::new(plugin, sandbox, memory)?;
        let configure = started.export::<(String,), (Answer,)>(&plugin.exports().configure)?;
        let process = started.export(&plugin.exports().process)?;
        let Started { mut cell, .. } = started;
        cell.state().config = Some(Arc::clone(config));
        let configured = cell.call(configure, (config.text().to_owned(),));
        match sink {
            Some(sink) => report(&mut cell, sink, configured.is_ok()),
            None => cell.state().forget(),
        }
        let (answer,) = configured?;
        answer.map_err(|reason| Failed::Refused(mistakes(&reason)))?;
        let most = cell.state().meter.used() + GROWTH.min(limits.memory / 4);
        Ok(Self {
            cell,
            process,
            deadline: limits.deadline,
            handed: limits.handed,
            growth: limits.growth,
            most,
            left: match sandbox.isolate {
                Isolate::Processor => BATCHES,
                Isolate::Batch => 1,
            },
        })
    }

    /// Puts a batch into the plugin's hands. `withhold` says that what it logs may quote what it was to hide.
    pub(super) fn process(
        &mut self,
        batch: Batch,
        place: Place,
        sink: &Sink,
        withhold: bool,
    ) -> Processed {
        self.left = self.left.saturating_sub(1);
        let state = self.cell.state();
        state.batch = Some(batch.begin(self.handed).growing(self.growth));
        state.bound = match place {
            Place::Inline => Bound::inline(self.deadline),
            Place::Worker => Bound::worker(self.deadline),
        };
        let ended = self.cell.call(self.process, ()).map(|(answer,)| answer);
        let state = self.cell.state();
        let cost = state.bound.cost();
        let batch = state
            .batch
            .take()
            .expect("it was put there above, and no import takes it");
        let succeeded = matches!(ended, Ok(Ok(())));
        if matches!(ended, Err(Failed::Stopped(Stop::Slow))) {
            // The call is made again, and reports then.
            state.forget();
        }
        if withhold {
            let state = self.cell.state();
            state.stage();
            state.report.withhold();
        }
        report(&mut self.cell, sink, succeeded);
        Processed {
            malformed: batch.malformed().map(str::to_owned),
            edits: batch.edits(),
            batch: if succeeded {
                batch.commit()
            } else {
                batch.rollback()
            },
            ended,
            cost,
        }
    }

    /// Whether it asked for more memory than it may have.
    pub(super) fn has_breached(&mut self) -> bool {
        self.cell.state().meter.breached()
    }

    /// Whether it may be given another batch after a call that returned.
    pub(super) fn is_reusable(&mut self) -> bool {
        let meter = &self.cell.state().meter;
        self.left > 0 && !meter.breached() && meter.used() <= self.most
    }
}

fn report(cell: &mut Cell, sink: &Sink, succeeded: bool) {
    let state = cell.state();
    state.stage();
    sink.take(&mut state.report, succeeded);
}

/// Why a plugin refuses its config, a mistake a line.
fn mistakes(reason: &str) -> Vec<String> {
    let mut mistakes: Vec<_> = reason.lines().take(MISTAKES).map(tame).collect();
    let more = reason.lines().count() - mistakes.len();
    if more > 0 {
        mistakes.push(format!("{more} more mistakes"));
    }
    mistakes
}
