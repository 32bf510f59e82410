//! The current plugin for every name: bundled ones, and those of the plugin directory.
//!
//! It compiles and checks what it is offered (`offering`), gives what it is asked for (`finding`), remembers what became of every
//! file, and lists it (`listing`). When to look, what is tried before a plugin is used, and the processors that use it, are
//! others' business: they [`offer`](Registry::offer) a file and then [`adopt`](Registry::adopt) its plugin or
//! [`refuse`](Registry::refuse) it.
//!
//! **Invariant**: a file takes the place of a bundled plugin only if the config allows its digest; and no plugin is ever had
//! by a name that the config has pinned to another digest.
//!
//! **Invariant**: what no processor uses is kept compiled for nobody: each component takes a file descriptor and memory.

mod beside;
mod entry;
mod finding;
mod listing;
mod offering;
mod past;
mod service;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::bundled;
use super::cache::Cache;
use super::compile::Compiler;
use super::directory::Stamp;
use super::engine::Engine;
use super::load::{LoadError, Plugin};
use super::refusal::{Absent, Refusal, Why};
use super::settings::{Digest, Settings};
use super::text::shown;
use super::vault::Vault;

use past::{Mark, Past};
use turns::Turns;

pub use entry::{About, Entry, Source, State};
pub use listing::Changes;
pub use offering::Offer;

/// The plugins that there are.
#[derive(Debug)]
pub struct Registry {
    engine: Engine,
    bundled: Arc<[Bundled]>,
    known: Mutex<Known>,
    /// One at a time loads a plugin of a name, so that nothing is compiled twice; other names do not wait for it.
    turns: Arc<Turns>,
    vault: Option<Arc<Vault>>,
    past: Past,
    cache: Option<Cache>,
    compiler: Option<Compiler>,
}

#[derive(Debug)]
struct Bundled {
    name: &'static str,
    wasm: &'static [u8],
    digest: OnceLock<Digest>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    settings: Settings,
    current: BTreeMap<String, Current>,
    /// What was current in the registry that it was made beside.
    began_with: BTreeMap<String, Digest>,
    /// What is known of the directory's files, by their paths.
    files: BTreeMap<PathBuf, File>,
    /// Whether the directory has more files than are looked at, where that was said.
    is_crowded: bool,
    /// The components that failed in service, by their files' paths, as far as it was asked for them.
    marks: BTreeMap<PathBuf, Option<Mark>>,
    /// What was asked for and is not there.
    absent: BTreeMap<String, Absent>,
}

#[derive(Clone, Debug)]
struct Current {
    plugin: Arc<Plugin>,
    source: Source,
}

#[derive(Clone, Debug)]
struct File {
    name: String,
    /// What it had when it was looked at; none if it is to be looked at again.
    stamp: Option<Stamp>,
    digest: Option<Digest>,
    state: FileState,
}

#[derive(Clone, Debug)]
enum FileState {
    /// Nothing was found wrong with it, but nobody has adopted its plugin.
    Available(About),
    /// Its plugin is the current one.
    Adopted,
    Refused(Refusal),
}

impl Registry {
    /// A registry of these bundled plugins, with room for so many instances: the sum of `limits.instances` over all processors.
    /// Compiled code is kept in the vault, if there is one.
    pub fn new(
        bundled: &[(&'static str, &'static [u8])],
        settings: Settings,
        vault: Option<Vault>,
        instances: usize,
    ) -> Result<Self, LoadError> {
        let bundled = bundled.iter().map(|(name, wasm)| Bundled {
            name,
            wasm,
            digest: OnceLock::new(),
        });
        let vault = vault.map(Arc::new);
        Ok(Self {
            cache: vault.clone().map(Cache::new),
            past: Past::new(vault.clone()),
            vault,
            compiler: None,
            engine: Engine::new(instances)?,
            bundled: bundled.collect(),
            known: Mutex::new(Known {
                settings,
                ..Known::default()
            }),
            turns: Arc::default(),
        })
    }

    /// The same, with files compiled by this compiler, and not in this process as what is bundled is.
    #[must_use]
    pub fn with_compiler(self, compiler: Option<Compiler>) -> Self {
        Self { compiler, ..self }
    }

    /// The most instances that a config may ask for: as many as the first one did, with as many again that replace them.
    pub fn room(&self) -> usize {
        self.engine.room()
    }

    /// The folder of compiled code, for what else is to outlive the process.
    pub fn vault(&self) -> Option<&Vault> {
        self.vault.as_deref()
    }

    /// The directory that is looked at, if there is one.
    pub fn directory(&self) -> Option<PathBuf> {
        self.known().settings.directory.clone()
    }

    /// The settings.
    pub fn settings(&self) -> Settings {
        self.known().settings.clone()
    }

    fn load(
        &self,
        name: &str,
        wasm: &[u8],
        compiler: Option<&Compiler>,
    ) -> Result<Plugin, LoadError> {
        Plugin::load_with(&self.engine, name, wasm, self.cache.as_ref(), compiler)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bundled {
    fn digest(&self) -> Digest {
        *self
            .digest
            .get_or_init(|| bundled::digest(self.wasm).unwrap_or_else(|| Digest::of(self.wasm)))
    }
}

fn refusal(why: Why, reason: &str) -> Refusal {
    Refusal {
        why,
        reason: reason.to_owned(),
    }
}

fn log_refusal(name: &str, path: &Path, digest: Option<Digest>, refusal: &Refusal) {
    tracing::warn!(
        plugin = name,
        file = shown(path),
        digest = digest.map(|digest| digest.to_string()),
        reason = refusal.reason,
        "a plugin's file is refused"
    );
}
