//! The engine: what compiles plugins and gives their instances room.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::bindings;
use super::load::{LoadError, Problem};
use super::state::State;
use super::ticker::{Running, Ticker};

/// Core instances, memories and tables that one component may have. A Python component has 38 core instances that share a
/// memory and a table, the largest measured. Do not limit what is in them: the limits of a processor do.
pub(super) const CORE_INSTANCES: u32 = 64;
pub(super) const MEMORIES: u32 = 4;
pub(super) const TABLES: u32 = 8;

/// Instances that room is made for, at the least: a config that is loaded later may have more.
const LEAST: u32 = 64;

/// Instances beyond those of processors: of `describe`, and of plugins that are tried.
const SPARE: u32 = 16;

/// The most instances in all, of which each reserves so many GiB of addresses; there are 128 TiB.
const MOST: u32 = 1_024;
const GIB_EACH: u32 = 24;

/// Stack for a guest: far less than the 2 MiB of any thread that runs one, so that recursion is a trap. Does not limit the stack
/// that a guest keeps in its own memory.
const STACK: usize = 512 << 10;

/// Compiles plugins, gives their instances room and keeps their time. A clone is the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    /// The instances that a config may ask for.
    room: usize,
    // Before the engine, so that its thread ends first.
    ticker: Ticker,
    wasmtime: wasmtime::Engine,
    /// What a plugin gets.
    contract: Linker<State>,
    /// The same and an empty WASI, for components that import it.
    wasi: Linker<State>,
    /// Random, and the same while this process lives.
    seed: [u8; 32],
}

impl Engine {
    /// An engine with room for this many instances, the sum of `limits.instances` over all processors, and for as many that
    /// replace them: plugins and configs are changed while the old instances live.
    pub fn new(instances: usize) -> Result<Self, LoadError> {
        Self::build(instances).map_err(|error| LoadError {
            plugin: None,
            problem: Problem::Engine(format!("{error:#}")),
        })
    }

    fn build(instances: usize) -> wasmtime::Result<Self> {
        let wasmtime = wasmtime::Engine::new(&config(instances)).map_err(|error| {
            let instances = total(instances);
            error.context(format!(
                "it reserves about {} GiB of addresses (not of memory) for {instances} instances: raise the limit of \
                 virtual memory (`ulimit -v`), or lower the processors' `limits.instances`",
                instances * GIB_EACH
            ))
        })?;
        let mut contract = Linker::new(&wasmtime);
        bindings::Plugin::add_to_linker::<State, HasSelf<State>>(&mut contract, |state| state)?;
        let mut wasi = contract.clone();
        wasmtime_wasi::p2::add_to_linker_async(&mut wasi)?;
        let mut seed = [0; 32];
        wasmtime_wasi::thread_rng().fill_bytes(&mut seed);
        Ok(Self(Arc::new(Inner {
            room: room(instances),
            ticker: Ticker::start(wasmtime.weak())?,
            wasmtime,
            contract,
            wasi,
            seed,
        })))
    }

    /// The most instances that a config may ask for.
    pub fn room(&self) -> usize {
        self.0.room
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.wasmtime
    }

    pub(super) fn linker(&self, wasi: bool) -> &Linker<State> {
        if wasi { &self.0.wasi } else { &self.0.contract }
    }

    /// The bytes that all instances of the plugin of this name share.
    pub(super) fn seed(&self, plugin: &str) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.0.seed)
            .chain_update(plugin)
            .finalize()
            .into()
    }

    #[cfg(test)]
    pub(super) fn ticks(&self) -> u64 {
        self.0.ticker.ticks()
    }

    /// Keeps time for a call while the result lives.
    pub(super) fn run(&self) -> Running<'_> {
        self.0.ticker.run()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Engine")
    }
}

/// The instances that room is made for.
fn total(instances: usize) -> u32 {
    let instances = u32::try_from(instances).unwrap_or(MOST).max(LEAST / 2);
    instances.saturating_mul(2).saturating_add(SPARE).min(MOST)
}

/// The most instances of a config: half of the room, so that its instances can be replaced, or as many as the first asks for.
fn room(instances: usize) -> usize {
    let all = total(instances).saturating_sub(SPARE);
    let all = usize::try_from(all).unwrap_or_default();
    instances.min(all).max(all / 2)
}

/// How code is made, the same wherever it is. Default reservation and guards (bounds checks by the MMU), epochs rather than
/// fuel: both measured best. Exceptions are there for languages that unwind by them (Lua's `pcall`); objects of the garbage
/// collection proposal are not.
pub(super) fn code() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(STACK)
        .wasm_gc(false);
    config
}

fn config(instances: usize) -> Config {
    let instances = total(instances);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances * CORE_INSTANCES)
        .total_memories(instances * MEMORIES)
        .total_tables(instances * TABLES)
        .total_stacks(instances)
        .total_gc_heaps(instances)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        // The bound that counts is the processor's, in `limits`.
        .max_component_instance_size(16 << 20);
    let mut config = code();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_to_replace_all_instances_within_the_bound() {
        for (instances, everything, for_a_config) in [
            (0, 80, 32),
            (8, 80, 32),
            (100, 216, 100),
            (504, 1_024, 504),
            // Not all can be replaced at once, but they fit.
            (1_000, 1_024, 1_000),
            (5_000, 1_024, 1_008),
        ] {
            assert_eq!(total(instances), everything, "{instances}");
            assert_eq!(room(instances), for_a_config, "{instances}");
        }
    }
}
