//! Bundled plugins over requests, without a network.

use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use otlet::batch::{Batch, Signal};
use otlet::payload::PREFIX;
use otlet::plugin::{BUNDLED, Engine, Isolate, Place, Plugin, Processor, Sandbox};
use rustix::time::{ClockId, clock_gettime};

/// A request as the receiver takes it.
///
/// # Panics
/// If it is none.
pub fn batch(signal: Signal, request: &Bytes) -> Batch {
    Batch::new(signal, request.clone()).expect("the instrument makes valid requests")
}

/// A bundled plugin with its config.
pub fn processor(engine: &Engine, name: &str, config: &serde_json::Value) -> Result<Processor> {
    processor_of(engine, name, bundled(name)?, config, Isolate::default())
}

/// The component of a bundled plugin.
pub fn bundled(name: &str) -> Result<&'static [u8]> {
    let mut bundled = BUNDLED.iter();
    let (_, wasm) = bundled
        .find(|(bundled, _)| *bundled == name)
        .with_context(|| format!("no plugin {name} is bundled"))?;
    Ok(wasm)
}

/// A component with its config, of which an instance lives so long.
pub fn processor_of(
    engine: &Engine,
    name: &str,
    wasm: &[u8],
    config: &serde_json::Value,
    isolate: Isolate,
) -> Result<Processor> {
    let plugin = Arc::new(Plugin::load(engine, name, wasm)?);
    let sandbox = Sandbox {
        isolate,
        ..Sandbox::default()
    };
    Ok(Processor::new(plugin, name, config, &sandbox, None)?)
}

/// Takes a request's bytes through processors to those of the request it becomes.
///
/// # Panics
/// If a plugin fails.
pub fn through(signal: Signal, chain: Vec<Processor>) -> impl Fn(&Bytes) {
    move |request| {
        let mut batch = batch(signal, request);
        for processor in &chain {
            batch = processor
                .process(batch, Place::Worker)
                .expect("a bundled plugin does not fail");
        }
        black_box(batch.splice(PREFIX));
    }
}

/// The thread's CPU time in nanoseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "an hour has 42 bits of nanoseconds"
)]
pub fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
