//! A store, and how a guest is entered: with its clocks running, and with whatever ends the call turned into a value.

use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::Arc;

use wasmtime::component::{ComponentNamedList, Lift, Lower, TypedFunc};
use wasmtime::{Store, UpdateDeadline, WasmBacktrace};

use super::bound::{Bound, START, Stop};
use super::engine::Engine;
use super::limits::Meter;
use super::load::Plugin;
use super::sandbox::Sandbox;
use super::state::State;
use super::text::tame;
use super::wasi::{Sleeper, Wasi};
use crate::telemetry::Gauge;

/// The functions that are named of those that a trap happened in.
const FRAMES: usize = 16;

/// The store of one instance.
pub(super) struct Cell {
    engine: Engine,
    store: Store<State>,
    /// For components that import WASI, which are called asynchronously.
    sleeper: Option<Sleeper>,
}

/// How a call ended that did not return. The store is not to be entered again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// It was stopped.
    Stopped(Stop),
    /// It trapped; the reason is fit for a log.
    Trapped(String),
    /// It refused its config; each mistake is fit for a log.
    Refused(Vec<String>),
}

type Called<'a, T> = Pin<Box<dyn Future<Output = wasmtime::Result<T>> + Send + 'a>>;

impl Cell {
    /// An empty store with its limits and clocks; its memory is counted in `memory`, too.
    pub(super) fn new(
        plugin: &Plugin,
        sandbox: &Sandbox,
        memory: &Arc<Gauge>,
    ) -> Result<Self, Failed> {
        let limits = &sandbox.limits;
        let (engine, wasi) = (plugin.engine(), plugin.imports_wasi());
        let sleeper = wasi
            .then(Sleeper::new)
            .transpose()
            .map_err(|error| Failed::Trapped(error.to_string()))?;
        let seed = engine.seed(plugin.name());
        let wasi = wasi
            .then(|| Wasi::new(&sandbox.grants))
            .transpose()
            .map_err(Failed::Trapped)?;
        let state = State::new(
            Meter::new(limits.memory, memory),
            Bound::worker(START),
            seed,
            wasi,
        );
        let mut store = Store::new(engine.wasmtime(), state);
        store.limiter(|state| &mut state.meter);
        store.set_hostcall_fuel(limits.handed);
        store.epoch_deadline_callback(|mut store| {
            store.data_mut().bound.check()?;
            Ok(UpdateDeadline::Continue(1))
        });
        Ok(Self {
            engine: engine.clone(),
            store,
            sleeper,
        })
    }

    pub(super) fn store(&mut self) -> &mut Store<State> {
        &mut self.store
    }

    pub(super) fn state(&mut self) -> &mut State {
        self.store.data_mut()
    }

    /// Calls an export.
    pub(super) fn call<P, R>(&mut self, export: TypedFunc<P, R>, params: P) -> Result<R, Failed>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        self.enter(
            |store, params| export.call(store, params),
            |store, params| Box::pin(async move { export.call_async(store, params).await }),
            params,
        )
    }

    /// Runs guest code, by `call` or, in a component that imports WASI, by `call_async`.
    pub(super) fn enter<P, R: Send>(
        &mut self,
        call: impl FnOnce(&mut Store<State>, P) -> wasmtime::Result<R>,
        call_async: impl FnOnce(&mut Store<State>, P) -> Called<'_, R>,
        params: P,
    ) -> Result<R, Failed> {
        let running = self.engine.run();
        self.store.set_epoch_deadline(1);
        let wall = self.store.data().bound.wall();
        let (store, sleeper) = (&mut self.store, self.sleeper.as_ref());
        let called = panic::catch_unwind(AssertUnwindSafe(|| match sleeper {
            None => Some(call(store, params)),
            Some(sleeper) => sleeper.run(wall, call_async(store, params)),
        }));
        drop(running);
        let state = self.store.data();
        match called {
            Ok(Some(Ok(value))) => Ok(value),
            Ok(Some(Err(error))) => Err(failed(state, &error)),
            Ok(None) => Err(Failed::Stopped(state.bound.deadline())),
            // The panic hook has told where.
            Err(_) => Err(Failed::Trapped("an import panicked".to_owned())),
        }
    }
}

fn failed(state: &State, error: &wasmtime::Error) -> Failed {
    // Where, and not why: the reason may quote what the plugin was to hide.
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
        let frames = backtrace.frames().iter().take(FRAMES);
        let functions: Vec<_> = frames
            .map(|frame| tame(frame.func_name().unwrap_or("?")))
            .collect();
        tracing::debug!(functions = functions.join(" < "), "a guest trapped");
    }
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return Failed::Stopped(*stop);
    }
    let cause = error.root_cause();
    Failed::Trapped(if state.meter.breached() {
        format!(
            "it asked for more than its limit of {} bytes of memory ({})",
            state.meter.limit(),
            tame(&cause.to_string())
        )
    } else {
        tame(&cause.to_string())
    })
}
