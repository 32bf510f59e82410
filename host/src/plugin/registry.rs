//! The current plugin for every name: bundled ones, and those of the plugin directory.
//!
//! It compiles and checks what it is offered, and remembers what became of every file. When to look, what is tried before a
//! plugin is used, and the processors that use it, are others' business: they [`offer`](Registry::offer) a file and then
//! [`adopt`](Registry::adopt) its plugin or [`refuse`](Registry::refuse) it.
//!
//! **Invariant**: a file takes the place of a bundled plugin only if the config allows its digest; and no plugin is ever had
//! by a name that the config has pinned to another digest.

mod entry;
mod past;
mod service;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::cache::Cache;
use super::compile::Compiler;
use super::directory::{self, Found, Stamp, Unread};
use super::engine::Engine;
use super::load::{LARGEST, LoadError, Plugin};
use super::refusal::{Absent, Refusal, Why};
use super::settings::{Digest, Settings};
use super::text::shown;
use super::vault::Vault;

use past::{Mark, Past};

pub use entry::{Entry, Source, State};

/// The plugins that there are.
#[derive(Debug)]
pub struct Registry {
    engine: Engine,
    bundled: Vec<Bundled>,
    known: Mutex<Known>,
    /// Held while something is compiled, so that nothing is compiled twice.
    compiling: Mutex<()>,
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

#[derive(Debug, Default)]
struct Known {
    settings: Settings,
    current: BTreeMap<String, Current>,
    /// What is known of the directory's files, by their paths.
    files: BTreeMap<PathBuf, File>,
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
    /// What it had when it was looked at.
    stamp: Option<Stamp>,
    digest: Option<Digest>,
    state: FileState,
}

/// What a file holds that may be used as far as its name and digest tell.
type Usable = (Vec<u8>, Digest, Stamp);

#[derive(Clone, Debug)]
enum FileState {
    /// Nothing was found wrong with it, but nobody has adopted its plugin.
    Available(Arc<Plugin>),
    /// Its plugin is the current one.
    Adopted,
    Refused(Refusal),
}

/// What became of a file that was offered.
#[derive(Clone, Debug)]
pub enum Offer {
    /// It holds what is current already.
    Current,
    /// It keeps the contract: whoever tries it further adopts or refuses it.
    Fit(Arc<Plugin>),
    /// It cannot be used.
    Refused(Refusal),
    /// It cannot be used, and may be half-written: it is to be offered again, and is not refused yet.
    Unfinished,
}

/// What has changed in the plugin directory.
#[derive(Debug, Default)]
pub struct Changes {
    /// The files that are new, or not as they were when they were last offered.
    pub changed: Vec<Found>,
    /// The names of plugins whose files are no longer there; what is current stays.
    pub gone: Vec<String>,
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
            compiling: Mutex::new(()),
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

    /// The names of the bundled plugins, and of the directory's files that are not refused.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.bundled.iter().map(|one| one.name.to_owned()).collect();
        let known = self.known();
        let files = known.files.values();
        names.extend(
            files
                .filter(|file| !matches!(file.state, FileState::Refused(_)))
                .map(|file| file.name.clone()),
        );
        names.sort();
        names.dedup();
        names
    }

    /// The directory that is looked at, if there is one.
    pub fn directory(&self) -> Option<PathBuf> {
        self.known().settings.directory.clone()
    }

    /// The settings.
    pub fn settings(&self) -> Settings {
        self.known().settings.clone()
    }

    /// Other settings from now on; gives those until now. What they do not permit is no longer current.
    pub fn set(&self, settings: Settings) -> Settings {
        let mut known = self.known();
        if known.settings.directory != settings.directory {
            known.files.clear();
        }
        known.absent.clear();
        known.current.retain(|name, current| {
            let digest = current.plugin.digest();
            match &current.source {
                Source::Bundled => settings.allow.get(name).is_none_or(|pin| *pin == digest),
                Source::File(path) => {
                    let is_there = settings.directory.as_deref() == path.parent();
                    is_there && self.objection(&settings, name, digest).is_none()
                }
            }
        });
        // What is pinned otherwise may be refused or not any more: it is looked at again.
        known.files.values_mut().for_each(|file| file.stamp = None);
        std::mem::replace(&mut known.settings, settings)
    }

    /// The current plugin of this name, loaded if it is not yet.
    pub fn get(&self, name: &str) -> Result<Arc<Plugin>, Absent> {
        let plugin = self.find(name);
        let mut known = self.known();
        match &plugin {
            Ok(_) => {
                known.absent.remove(name);
            }
            Err(absent) if absent.may_come() => {
                known.absent.insert(name.to_owned(), absent.clone());
            }
            Err(_) => {}
        }
        drop(known);
        plugin
    }

    fn find(&self, name: &str) -> Result<Arc<Plugin>, Absent> {
        if let Some(current) = self.known().current.get(name) {
            return Ok(Arc::clone(&current.plugin));
        }
        let directory = self.directory();
        let found = directory
            .as_deref()
            .and_then(|directory| directory::find(directory, name));
        let mut refused = None;
        if let Some(found) = found {
            match self.offer(&found, true) {
                Offer::Fit(plugin) => {
                    self.adopt(&plugin, &found);
                    return Ok(plugin);
                }
                Offer::Refused(refusal) => {
                    if refusal.why == Why::RolledBack
                        && let Some(good) = self.last_good(&found)
                    {
                        return Ok(good);
                    }
                    refused = Some(refusal);
                }
                Offer::Current | Offer::Unfinished => {}
            }
        }
        if let Some(bundled) = self.bundled.iter().find(|bundled| bundled.name == name) {
            return self.get_bundled(bundled, directory.as_deref());
        }
        Err(match (directory, refused) {
            (None, _) => Absent::Unknown,
            (Some(directory), None) => Absent::Missing(directory::path(&directory, name)),
            (Some(directory), Some(refusal)) => {
                Absent::Refused(directory::path(&directory, name), refusal)
            }
        })
    }

    fn get_bundled(
        &self,
        bundled: &Bundled,
        directory: Option<&Path>,
    ) -> Result<Arc<Plugin>, Absent> {
        let digest = bundled.digest();
        let pin = self.known().settings.allow.get(bundled.name).copied();
        if let Some(allowed) = pin.filter(|pin| *pin != digest) {
            return Err(Absent::Pinned {
                allowed,
                bundled: digest,
                path: directory.map(|directory| directory::path(directory, bundled.name)),
            });
        }
        let _one = self
            .compiling
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = self.known().current.get(bundled.name) {
            return Ok(Arc::clone(&current.plugin));
        }
        let plugin = self.load(bundled.name, bundled.wasm, None);
        let plugin = Arc::new(plugin.map_err(Absent::Broken)?);
        let current = Current {
            plugin: Arc::clone(&plugin),
            source: Source::Bundled,
        };
        self.known()
            .current
            .insert(bundled.name.to_owned(), current);
        Ok(plugin)
    }

    /// Loads the bundled plugins that are not loaded yet.
    pub fn load_bundled(&self) {
        for bundled in &self.bundled {
            if !self.known().current.contains_key(bundled.name) {
                // What is wrong with it is said by whoever needs it.
                let _absent = self.get_bundled(bundled, None);
            }
        }
    }

    /// What has changed in the directory since its files were offered. A directory that is not there has no files.
    pub fn changes(&self) -> io::Result<Changes> {
        let Some(directory) = self.directory() else {
            return Ok(Changes::default());
        };
        let (found, all) = match directory::list(&directory) {
            Ok(listed) => listed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => (vec![], true),
            Err(error) => return Err(error),
        };
        if !all {
            tracing::warn!(
                directory = shown(&directory),
                "the plugin directory has more than {} plugins: the others are not looked at",
                directory::MOST
            );
        }
        let mut known = self.known();
        let mut gone = vec![];
        known.files.retain(|path, file| {
            let stays = found.iter().any(|found| found.path == *path);
            if !stays {
                gone.push(file.name.clone());
            }
            stays
        });
        // What a processor has stays; what none has is as if it had never been there.
        known.current.retain(|_, current| {
            let stays = match &current.source {
                Source::Bundled => true,
                Source::File(path) => found.iter().any(|found| found.path == *path),
            };
            stays || Arc::strong_count(&current.plugin) > 1
        });
        let changed = found.into_iter().filter(|found| {
            let seen = known.files.get(&found.path);
            seen.is_none_or(|file| file.stamp.is_none() || file.stamp != found.stamp)
        });
        let changed = changed.collect();
        Ok(Changes { changed, gone })
    }

    /// Reads, compiles and checks a file. It may take long, and is not for a thread that carries telemetry. What is refused is
    /// logged, once. A file that is not `settled`, having been found like this before, may be half-written.
    pub fn offer(&self, found: &Found, settled: bool) -> Offer {
        let _one = self
            .compiling
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = self.known().files.get(&found.path).cloned();
        if let Some(before) = &before
            && before.stamp.is_some()
            && before.stamp == found.stamp
        {
            return match &before.state {
                FileState::Available(plugin) => Offer::Fit(Arc::clone(plugin)),
                FileState::Adopted => Offer::Current,
                FileState::Refused(refusal) => Offer::Refused(refusal.clone()),
            };
        }
        let (digest, stamp, offer) = match self.read(found) {
            Ok((wasm, digest, stamp)) => {
                (Some(digest), Some(stamp), self.check(found, &wasm, digest))
            }
            Err((refusal, digest)) => (digest, found.stamp, Offer::Refused(refusal)),
        };
        let state = match &offer {
            Offer::Unfinished => return offer,
            Offer::Refused(refusal) if !settled && refusal.why.may_be_half_written() => {
                return Offer::Unfinished;
            }
            Offer::Current => FileState::Adopted,
            Offer::Fit(plugin) => FileState::Available(Arc::clone(plugin)),
            Offer::Refused(refusal) => FileState::Refused(refusal.clone()),
        };
        if let FileState::Refused(refusal) = &state
            && !before.is_some_and(|file| {
                file.digest == digest
                    && matches!(&file.state, FileState::Refused(before) if before == refusal)
            })
        {
            log_refusal(&found.name, &found.path, digest, refusal);
        }
        let file = File {
            name: found.name.clone(),
            stamp,
            digest,
            state,
        };
        self.known().files.insert(found.path.clone(), file);
        offer
    }

    /// The bytes of a file that may be used as far as its name and digest tell.
    fn read(&self, found: &Found) -> Result<Usable, (Refusal, Option<Digest>)> {
        if !found.is_named {
            let reason = "a plugin's name is a letter or digit, and then at most 62 of letters, digits, `_`, `-` and `.`: \
                          rename the file";
            return Err((refusal(Why::Name, reason), None));
        }
        let (wasm, stamp) = found.read().map_err(|unread| {
            let refusal = match unread {
                Unread::Large(size) => refusal(
                    Why::Large,
                    &format!("it has {size} bytes, more than {LARGEST}"),
                ),
                Unread::Other(reason) => refusal(Why::Unreadable, &reason),
            };
            (refusal, None)
        })?;
        let digest = Digest::of(&wasm);
        let objection = self.objection(&self.known().settings, &found.name, digest);
        match objection.or_else(|| self.marked(found, digest)) {
            Some(refusal) => Err((refusal, Some(digest))),
            None => Ok((wasm, digest, stamp)),
        }
    }

    /// Why a file of this name and digest may not be used.
    fn objection(&self, settings: &Settings, name: &str, digest: Digest) -> Option<Refusal> {
        match settings.allow.get(name) {
            Some(pin) if *pin == digest => None,
            Some(pin) => {
                let reason = format!(
                    "its digest is {digest}, and `plugins.allow` names {pin} for this name"
                );
                Some(refusal(Why::Digest, &reason))
            }
            None if self.bundled.iter().any(|bundled| bundled.name == name) => {
                let reason = format!(
                    "a bundled plugin has this name, and stays in use: rename the file, or write \
                     `plugins: {{ allow: {{ {name}: {digest} }} }}` to use it instead"
                );
                Some(refusal(Why::Bundled, &reason))
            }
            None => None,
        }
    }

    fn check(&self, found: &Found, wasm: &[u8], digest: Digest) -> Offer {
        let current = self.known().current.get(&found.name).cloned();
        if let Some(current) = current
            && current.plugin.digest() == digest
        {
            return Offer::Current;
        }
        match self.load(&found.name, wasm, self.compiler.as_ref()) {
            Ok(plugin) => Offer::Fit(Arc::new(plugin)),
            Err(LoadError { problem, .. }) => Offer::Refused(Refusal::from(&problem)),
        }
    }

    /// Makes a plugin that came of a file the current one of its name.
    pub fn adopt(&self, plugin: &Arc<Plugin>, found: &Found) {
        let mut known = self.known();
        let current = Current {
            plugin: Arc::clone(plugin),
            source: Source::File(found.path.clone()),
        };
        known.current.insert(found.name.clone(), current);
        if let Some(file) = known.files.get_mut(&found.path) {
            file.state = FileState::Adopted;
        }
        tracing::info!(
            plugin = found.name,
            version = plugin.version(),
            digest = %plugin.digest(),
            file = shown(&found.path),
            "plugin loaded"
        );
    }

    /// Remembers that a plugin that came of a file is not used, until the file changes. What is current stays.
    pub fn refuse(&self, plugin: &Plugin, found: &Found, refusal: Refusal) {
        log_refusal(&found.name, &found.path, Some(plugin.digest()), &refusal);
        if let Some(file) = self.known().files.get_mut(&found.path) {
            file.state = FileState::Refused(refusal);
        }
    }

    /// Every plugin, loaded or not, and every file that is refused, by name.
    pub fn list(&self) -> Vec<Entry> {
        let known = self.known();
        let mut entries: Vec<_> = known.current.iter().map(Entry::current).collect();
        let unused = self
            .bundled
            .iter()
            .filter(|bundled| !known.current.contains_key(bundled.name));
        entries.extend(
            unused.map(|bundled| Entry::bundled(bundled, known.settings.allow.get(bundled.name))),
        );
        entries.extend(
            known
                .files
                .iter()
                .filter_map(|(path, file)| Entry::file(path, file)),
        );
        let absent = known.absent.iter();
        entries.extend(absent.filter_map(|(name, absent)| Entry::missing(name, absent)));
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries
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
        *self.digest.get_or_init(|| Digest::of(self.wasm))
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
