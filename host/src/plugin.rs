//! Plugins: WebAssembly components that work on batches inside a sandbox.
//!
//! A [`Registry`] has the current [`Plugin`] of every name, compiled by its [`Engine`]; a [`Processor`] is a plugin at a place
//! in a pipeline, with its config, its limits and a pool of configured instances. This is the only module that knows wasmtime.
//!
//! **Invariant**: a guest can fail its batch and nothing else. Every import returns or traps, an instance that trapped,
//! ran out of time or broke a limit is never entered again, and the batch comes back as it was before the plugin.

mod bindings;
mod bound;
mod breaker;
mod bundled;
mod cache;
mod cell;
mod compile;
mod complete;
mod config;
mod directory;
mod engine;
mod estimate;
mod imports;
mod instance;
mod limits;
mod load;
mod manifest;
mod pool;
mod printed;
mod processor;
mod refusal;
mod registry;
mod report;
mod sandbox;
mod settings;
mod state;
mod stats;
mod text;
mod ticker;
mod vault;
mod wasi;

#[cfg(test)]
mod tests;

pub use breaker::Position;
pub use bundled::BUNDLED;
pub use cache::default_cache;
pub use compile::{Bounds, Compiler, compile_here};
pub use directory::Found;
pub use engine::Engine;
pub use limits::Limits;
pub use load::{LoadError, Plugin, Problem};
pub use manifest::{Manifest, OnError};
pub use processor::{Failure, Place, Processor};
pub use refusal::{Absent, Refusal, Why};
pub use registry::{About, Changes, Entry, Offer, Registry, Source, State};
pub use sandbox::{Folder, Grants, Isolate, Sandbox};
pub use settings::{Digest, Settings, is_plugin_name};
pub use stats::{Cause, Stats};
pub use text::shown;
pub use vault::{Unusable, Vault};
