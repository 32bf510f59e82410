//! Plugins that come and change while otlet runs: what was put into the plugin directory is tried on a thread of its own, and
//! takes the place of the running version between two batches. What no processor uses is tried on another, so that nothing that
//! is used waits for it.
//!
//! A file that cannot be read as a component may be half-written: it is refused only when it is found the same a second time.
//! A file that is removed changes nothing before a restart.
//!
//! **Invariant**: a stage runs a version that every processor of its plugin has taken the config of and that has done sample
//! batches well, or the one that it ran before.

mod later;
mod rehearsal;
mod trials;
mod unused;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::grants;
use crate::config::{Config, ProcessorConfig};
use crate::pipeline::Stage;
use crate::plugin::{Digest, Found, Offer, Plugin, Registry};
use crate::watch::{Nudge, Watch, Watched};
use later::Later;
use trials::{Ended, OnTrial};
use unused::Unused;

/// How long a file that cannot be read as a component must stay as it is to be refused.
const SETTLED: Duration = Duration::from_secs(1);

/// How long it takes until another try of what failed for want of descriptors, memory or processes, and until another look at
/// what somebody still holds.
const RETRY: Duration = Duration::from_secs(5);

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

/// The thread's own.
struct Looker {
    registry: Arc<Registry>,
    shared: Arc<Shared>,
    /// The files that are to be offered again.
    later: Later,
    unused: Unused,
    /// Versions on trial, by their plugins' names.
    trials: BTreeMap<String, OnTrial>,
    /// The versions that are remembered to do well, by their plugins' names.
    good: BTreeMap<String, Digest>,
    /// Why the directory cannot be read, where that has been said.
    unreadable: Option<String>,
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
        self.look();
    }

    /// Has the files be looked at again, soon: what is allowed may be different.
    pub(super) fn look(&self) {
        if let Some((_, watch)) = &self.watch {
            watch.nudge().look();
        }
    }

    fn watch(&self, registry: &Arc<Registry>, directory: PathBuf) -> io::Result<Watch> {
        let mut looker = Looker {
            registry: Arc::clone(registry),
            shared: Arc::clone(&self.shared),
            later: Later::default(),
            unused: Unused::new(registry),
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
    /// Sees to all that has happened; what it returns is when to look again though nothing changes.
    fn look(&mut self) -> Option<Duration> {
        let now = Instant::now();
        self.end_trials();
        let used = lock(&self.shared.users)
            .iter()
            .map(|user| user.config.plugin.clone())
            .collect();
        self.forget_unused(&used);
        let retry = match self.registry.changes(&used) {
            Ok(changes) => {
                self.unreadable = None;
                for name in &changes.gone {
                    self.tell_gone(name);
                }
                self.offer(changes.changed, &used, now);
                changes.is_held.then_some(RETRY)
            }
            Err(error) => {
                self.tell_unreadable(error.to_string());
                Some(RETRY)
            }
        };
        self.keep_current();
        let again = [retry, self.later.next(now), self.rest()];
        again.into_iter().flatten().min()
    }

    /// Brings in what processors use, and has the rest tried elsewhere.
    fn offer(&mut self, changed: Vec<Found>, used: &BTreeSet<String>, now: Instant) {
        for (found, after) in self.unused.to_be_tried_again() {
            self.later.put_off(found, after);
        }
        self.later.keep(&changed);
        let mut unused = vec![];
        for found in changed {
            if self.later.is_early(&found, now) {
                continue;
            }
            let is_settled = self.later.has(&found);
            if !used.contains(&found.name) {
                unused.push((found, is_settled));
                continue;
            }
            match self.registry.offer(&found, is_settled) {
                Offer::Fit(plugin) => self.bring_in(&plugin, &found),
                offer => {
                    if let Some(after) = until_again(&offer) {
                        self.later.put_off(found, after);
                    }
                }
            }
        }
        let shared = Arc::downgrade(&self.shared);
        self.unused.try_these(unused, move || {
            if let Some(nudge) = shared.upgrade().as_ref().and_then(|it| it.nudge.get()) {
                nudge.look();
            }
        });
    }

    /// What is known of plugins that have no processor any more.
    fn forget_unused(&mut self, used: &BTreeSet<String>) {
        self.trials.retain(|plugin, _| used.contains(plugin));
        self.good.retain(|plugin, _| used.contains(plugin));
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
        let running = users.first().map(|user| user.stage.processor());
        let runs = |user: &Arc<User>| user.stage.processor().plugin().digest() == plugin.digest();
        if let Some(running) = running.filter(|_| users.iter().all(runs)) {
            // It was not allowed for a moment.
            return self.registry.adopt(&running.shared_plugin(), found);
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

    fn keep_good(&mut self, plugin: &Plugin) {
        let digest = plugin.digest();
        if self.good.get(plugin.name()) != Some(&digest) {
            self.good.insert(plugin.name().to_owned(), digest);
            self.registry.keep_good(plugin);
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

/// After how long a file is to be offered again, if it is though it has not changed.
fn until_again(offer: &Offer) -> Option<Duration> {
    match offer {
        Offer::Unfinished => Some(SETTLED),
        Offer::Refused(refusal) if refusal.why.is_passing() => Some(RETRY),
        Offer::Current | Offer::Fit(_) | Offer::Refused(_) => None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that could panic runs under the lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
