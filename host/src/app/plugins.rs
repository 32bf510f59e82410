//! Plugins that come and change while otlet runs: what was put into the plugin directory is tried on a thread of its own, and
//! takes the place of the running version between two batches.
//!
//! A file that cannot be read as a component may be half-written: it is refused only when it is found the same a second time.
//! A file that is removed changes nothing before a restart.
//!
//! **Invariant**: a stage runs a version that every processor of its plugin has taken the config of and that has done sample
//! batches well, or the one that it ran before.

mod rehearsal;

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::grants;
use crate::config::{Config, ProcessorConfig};
use crate::pipeline::{Stage, Told};
use crate::plugin::{Cause, Digest, Found, Offer, Plugin, Processor, Registry};
use crate::watch::{Nudge, Watch, Watched};

/// How long a file that cannot be read as a component must stay as it is to be refused.
const SETTLED: Duration = Duration::from_secs(1);

/// Keeps the plugins of the running stages those of the registry and its directory. Dropped, it ends.
pub(super) struct Plugins {
    shared: Arc<Shared>,
    /// What is watched, and the watch.
    watch: Option<(PathBuf, Watch)>,
}

/// What others tell the thread that looks.
#[derive(Default)]
struct Shared {
    users: Mutex<Vec<Arc<User>>>,
    /// How trials ended that nobody has seen to yet.
    ended: Mutex<Vec<Ended>>,
    nudge: OnceLock<Nudge>,
}

/// A processor that runs, and its config.
struct User {
    stage: Arc<Stage>,
    config: ProcessorConfig,
    keeps_letters: bool,
}

/// The end of a trial in one stage.
struct Ended {
    plugin: String,
    digest: Digest,
    /// Why the old version is back, if it is.
    cause: Option<Cause>,
    /// The version that is no longer used: it is freed on the thread that looks.
    _gone: Arc<Processor>,
}

/// The thread's own.
struct Looker {
    registry: Arc<Registry>,
    shared: Arc<Shared>,
    /// Files that may be half-written, as they were.
    unfinished: BTreeMap<PathBuf, Found>,
    /// Versions on trial, by their plugins' names.
    trials: BTreeMap<String, OnTrial>,
    /// The versions that are remembered to do well, by their plugins' names.
    good: BTreeMap<String, Digest>,
    /// Why the directory cannot be read, where that has been said.
    unreadable: Option<String>,
}

struct OnTrial {
    plugin: Arc<Plugin>,
    old: Arc<Plugin>,
    /// The stages in which it still is on trial.
    stages: usize,
}

impl Plugins {
    /// Nothing is watched before [`follow`](Self::follow).
    pub(super) fn new() -> Self {
        Self {
            shared: Arc::default(),
            watch: None,
        }
    }

    /// Has these be the stages that run, in the order of the config's processors, and the registry's directory be the one that
    /// is watched.
    pub(super) fn follow(
        &mut self,
        registry: &Arc<Registry>,
        config: &Config,
        stages: &[Arc<Stage>],
    ) {
        let users = config.processors.iter().zip(stages);
        let users: Vec<_> = users
            .map(|(config_of, stage)| {
                Arc::new(User {
                    stage: Arc::clone(stage),
                    config: config_of.clone(),
                    keeps_letters: config.dead_letters.is_some(),
                })
            })
            .collect();
        let directory = registry.directory();
        if self.watch.as_ref().map(|(watched, _)| watched) == directory.as_ref() {
            *lock(&self.shared.users) = users;
        } else {
            // The thread of the old one ends with it.
            self.shared = Arc::new(Shared {
                users: Mutex::new(users),
                ..Shared::default()
            });
            self.watch = directory.and_then(|directory| {
                let watch = self.watch(registry, directory.clone());
                let watch = watch.inspect_err(|error| {
                    tracing::error!(%error, "the plugin directory cannot be watched");
                });
                Some((directory, watch.ok()?))
            });
        }
        if let Some((_, watch)) = &self.watch {
            watch.nudge().look();
        }
    }

    fn watch(&self, registry: &Arc<Registry>, directory: PathBuf) -> io::Result<Watch> {
        let mut looker = Looker {
            registry: Arc::clone(registry),
            shared: Arc::clone(&self.shared),
            unfinished: BTreeMap::new(),
            trials: BTreeMap::new(),
            good: BTreeMap::new(),
            unreadable: None,
        };
        let watched = Watched::new(vec![directory]);
        let watch = watched.start("plugins.directory", move || looker.look())?;
        // It is set once: the stages of another watch tell another.
        let _set = self.shared.nudge.set(watch.nudge());
        Ok(watch)
    }
}

impl Looker {
    fn look(&mut self) -> Option<Duration> {
        self.end_trials();
        match self.registry.changes() {
            Ok(changes) => {
                self.unreadable = None;
                for name in &changes.gone {
                    self.tell_gone(name);
                }
                let unfinished = mem::take(&mut self.unfinished);
                let mut files = changes.changed;
                // What telemetry goes through waits for no file that nobody uses, however long that takes.
                files.sort_by_cached_key(|found| self.users(&found.name).is_empty());
                for found in files {
                    let is_settled = unfinished.get(&found.path) == Some(&found);
                    match self.registry.offer(&found, is_settled) {
                        Offer::Fit(plugin) => self.bring_in(&plugin, &found),
                        Offer::Unfinished => {
                            self.unfinished.insert(found.path.clone(), found);
                        }
                        Offer::Current | Offer::Refused(_) => {}
                    }
                }
            }
            Err(error) => self.tell_unreadable(error.to_string()),
        }
        self.keep_current();
        (!self.unfinished.is_empty()).then_some(SETTLED)
    }

    fn users(&self, plugin: &str) -> Vec<Arc<User>> {
        let mut users = lock(&self.shared.users).clone();
        users.retain(|user| user.config.plugin == plugin);
        users
    }

    /// Tries a plugin with every processor of its name, and has all use it, or none. Without a processor it stays available.
    fn bring_in(&mut self, plugin: &Arc<Plugin>, found: &Found) {
        let users = self.users(plugin.name());
        if users.is_empty() {
            return;
        }
        let rehearsed = users.iter().map(|user| rehearsal::rehearse(plugin, user));
        let ready = match rehearsed.collect::<Result<Vec<_>, _>>() {
            Ok(ready) => ready,
            Err(refusal) => return self.registry.refuse(plugin, found, refusal),
        };
        self.registry.adopt(plugin, found);
        for (user, processor) in users.iter().zip(ready) {
            self.swap(user, plugin, processor);
            grants::tell(&user.config, plugin);
            grants::tell_unused(&user.config, plugin);
        }
        tracing::info!(
            digest = %plugin.digest(),
            plugin = plugin.name(),
            processors = users.len(),
            "a plugin's new version is in use"
        );
    }

    fn swap(&mut self, user: &User, plugin: &Arc<Plugin>, new: Processor) {
        let old = user.stage.swap(new, self.told(plugin)).shared_plugin();
        let trial = OnTrial {
            plugin: Arc::clone(plugin),
            old,
            stages: 0,
        };
        let trials = &mut self.trials;
        if trials.get(plugin.name()).map(|it| it.plugin.digest()) != Some(plugin.digest()) {
            trials.insert(plugin.name().to_owned(), trial);
        }
        if let Some(trial) = trials.get_mut(plugin.name()) {
            trial.stages += 1;
        }
    }

    /// What tells this thread how a trial ended.
    fn told(&self, plugin: &Plugin) -> Told {
        let shared = Arc::downgrade(&self.shared);
        let (plugin, digest) = (plugin.name().to_owned(), plugin.digest());
        Box::new(move |cause, gone| {
            let Some(shared) = shared.upgrade() else {
                return;
            };
            lock(&shared.ended).push(Ended {
                plugin,
                digest,
                cause,
                _gone: gone,
            });
            if let Some(nudge) = shared.nudge.get() {
                nudge.look();
            }
        })
    }

    fn end_trials(&mut self) {
        let ended = mem::take(&mut *lock(&self.shared.ended));
        for Ended {
            plugin,
            digest,
            cause,
            ..
        } in ended
        {
            let Some(trial) = self.trials.get_mut(&plugin) else {
                continue;
            };
            if trial.plugin.digest() != digest {
                continue;
            }
            trial.stages = trial.stages.saturating_sub(1);
            if cause.is_none() && trial.stages > 0 {
                continue;
            }
            let Some(trial) = self.trials.remove(&plugin) else {
                continue;
            };
            match cause {
                None => self.pass(&trial.plugin),
                Some(cause) => self.roll_back(&trial, cause),
            }
        }
    }

    fn pass(&mut self, plugin: &Plugin) {
        self.keep_good(plugin);
        tracing::info!(
            plugin = plugin.name(),
            version = plugin.version(),
            digest = %plugin.digest(),
            "plugin has passed its trial"
        );
    }

    fn keep_good(&mut self, plugin: &Plugin) {
        let digest = plugin.digest();
        if self.good.get(plugin.name()) != Some(&digest) {
            self.good.insert(plugin.name().to_owned(), digest);
            self.registry.keep_good(plugin);
        }
    }

    /// Brings the old version back in all stages, as one has done by itself.
    fn roll_back(&mut self, trial: &OnTrial, cause: Cause) {
        let OnTrial { plugin, old, .. } = trial;
        self.registry.roll_back(plugin, old, cause);
        for user in self.users(plugin.name()) {
            let runs = user.stage.processor().plugin().digest();
            if runs != plugin.digest() || user.stage.roll_back() {
                continue;
            }
            match rehearsal::processor(old, &user) {
                Ok(processor) => user.stage.replace(processor),
                Err(error) => tracing::error!(
                    processor = user.config.name,
                    %error,
                    "the old version of a plugin cannot be brought back: the new one goes on"
                ),
            }
        }
    }

    /// Has stages use the registry's versions where a config came or changed what is allowed, and remembers what does well.
    fn keep_current(&mut self) {
        let users = lock(&self.shared.users).clone();
        for user in users {
            let name = &user.config.plugin;
            let Some(current) = self.registry.current(name) else {
                continue;
            };
            // A stage that runs another has brought that back: the end of the trial is seen to next.
            if self.trials.contains_key(name) {
                continue;
            }
            if current.digest() != user.stage.processor().plugin().digest() {
                match rehearsal::rehearse(&current, &user) {
                    Ok(processor) => user.stage.replace(processor),
                    Err(refusal) => tracing::error!(
                        processor = user.config.name,
                        reason = refusal.reason,
                        "a processor cannot use the current version of its plugin, and goes on with another"
                    ),
                }
            }
            self.keep_good(&current);
        }
    }

    fn tell_gone(&self, name: &str) {
        if !self.users(name).is_empty() {
            tracing::warn!(
                plugin = name,
                "the file of a plugin is gone: what runs stays in use until otlet is started again"
            );
        }
    }

    fn tell_unreadable(&mut self, error: String) {
        if self.unreadable.as_ref() != Some(&error) {
            tracing::warn!(
                error,
                "the plugin directory cannot be read: what runs stays in use"
            );
            self.unreadable = Some(error);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that could panic runs under the lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
