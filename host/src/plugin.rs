//! Plugins: WebAssembly components that work on batches inside a sandbox.
//!
//! An [`Engine`] compiles a [`Plugin`]; a [`Processor`] is a plugin at a place in a pipeline, with its config, its limits
//! and a pool of configured instances. This is the only module that knows wasmtime.
//!
//! **Invariant**: a guest can fail its batch and nothing else. Every import returns or traps, an instance that trapped,
//! ran out of time or broke a limit is never entered again, and the batch comes back as it was before the plugin.

mod bindings;
mod bound;
mod bundled;
mod cell;
mod engine;
mod estimate;
mod imports;
mod instance;
mod limits;
mod load;
mod manifest;
mod pool;
mod processor;
mod report;
mod sandbox;
mod state;
mod stats;
mod text;
mod ticker;
mod wasi;

#[cfg(test)]
mod tests;

pub use bundled::BUNDLED;
pub use engine::Engine;
pub use limits::Limits;
pub use load::{LoadError, Plugin, Problem};
pub use manifest::{Manifest, OnError};
pub use processor::{Failure, Place, Processor};
pub use sandbox::{Folder, Grants, Isolate, Sandbox};
pub use stats::{Cause, Stats};
