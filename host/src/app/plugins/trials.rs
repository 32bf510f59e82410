//! Versions on trial: what becomes of them in each stage, and what is done once they have passed or failed.

use std::mem;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::{Looker, User, lock, rehearsal};
use crate::pipeline::Told;
use crate::plugin::{Cause, Digest, Plugin, Processor};

/// After how long a trial does not keep instances of the old version ready any more: what gets so few batches can wait for one.
const LONG: Duration = Duration::from_mins(1);

/// A version on trial.
pub(super) struct OnTrial {
    plugin: Arc<Plugin>,
    old: Arc<Plugin>,
    /// The stages in which it still is on trial.
    stages: usize,
    since: Instant,
    /// The processors that come back if it fails, as long as they have their instances ready.
    ready: Vec<Weak<Processor>>,
}

/// The end of a trial in one stage.
pub(super) struct Ended {
    plugin: String,
    digest: Digest,
    /// Why the old version is back, if it is.
    cause: Option<Cause>,
    /// The version that is no longer used: it is freed on the thread that looks.
    _gone: Arc<Processor>,
}

impl Looker {
    /// Has a processor run a new version, on trial.
    pub(super) fn swap(&mut self, user: &User, plugin: &Arc<Plugin>, new: Processor) {
        let old = user.stage.swap(new, self.told(plugin));
        let trial = OnTrial {
            plugin: Arc::clone(plugin),
            old: old.shared_plugin(),
            stages: 0,
            since: Instant::now(),
            ready: vec![],
        };
        let trials = &mut self.trials;
        if trials.get(plugin.name()).map(|it| it.plugin.digest()) != Some(plugin.digest()) {
            trials.insert(plugin.name().to_owned(), trial);
        }
        if let Some(trial) = trials.get_mut(plugin.name()) {
            trial.stages += 1;
            trial.ready.push(Arc::downgrade(&old));
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

    /// Sees to the trials that have ended.
    pub(super) fn end_trials(&mut self) {
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

    /// Gives back the memory of versions that may yet come back, where a trial goes on for long; says when to do so next.
    pub(super) fn rest(&mut self) -> Option<Duration> {
        let mut next: Option<Duration> = None;
        for trial in self.trials.values_mut().filter(|it| !it.ready.is_empty()) {
            let left = LONG.saturating_sub(trial.since.elapsed());
            if left.is_zero() {
                let ready = trial.ready.drain(..);
                ready.filter_map(|it| it.upgrade()).for_each(|it| it.rest());
            } else {
                next = Some(next.map_or(left, |next| next.min(left)));
            }
        }
        next
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
}
