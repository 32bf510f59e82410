//! A processor's place in the pipelines, whatever versions of its plugin come and go.
//!
//! A batch takes the current version once, and ends on it: on a worker thread too, where one that was begun on an IO thread
//! is begun again. A new version is on trial for its first batches; `trial` says when the old one comes back. Once the trial is
//! over a batch costs no more than reading the current version.
//!
//! **Invariant**: what a batch leaves the stage with was made by one version alone. A batch comes back from a version that
//! failed on it as it was before.

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, Guard};

use super::chain::Outcome;
use super::trial::{RollBack, Told, Trial};
use crate::batch::{Batch, Signal};
use crate::plugin::{Cause, Failure, Place, Processor};
use crate::telemetry::{Counter, Throttle};

/// A processor as the pipelines share it, and what went through it.
pub struct Stage {
    name: String,
    current: ArcSwap<Version>,
    /// Held while the current version is changed, and never while a plugin runs.
    changing: Mutex<()>,
    /// What went through it, in all pipelines and versions together.
    pub counters: Counters,
    pub(super) failures: Throttle,
}

/// What went through a processor since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Batches that it was given.
    pub batches: Counter,
    /// Records that it was given.
    pub records_in: Counter,
    /// Records that it kept.
    pub records_out: Counter,
    /// Records that it dropped, or that were dropped because it failed.
    pub records_dropped: Counter,
    /// Records that went back to their senders because it failed.
    pub records_rejected: Counter,
    /// Batches that it failed on.
    pub failed: Counter,
    /// Batches that went from an IO thread to a worker thread at this processor.
    pub handed_over: Counter,
}

/// A processor of one version of its plugin.
pub(super) struct Version {
    processor: Arc<Processor>,
    /// None for one that replaced no other.
    pub(super) trial: Option<Trial>,
}

/// A batch's hold on the version that it runs on.
pub(super) struct Turn {
    version: Guard<Arc<Version>>,
    /// Whether it is among the first of a version on trial.
    counts: bool,
}

/// How a run of one stage ended.
pub(super) enum Ran {
    /// The plugin does not work on this signal.
    PassedBy(Batch),
    Done(Batch),
    /// It goes on on a worker thread, on the same version.
    HandOver(Batch, Turn),
    Failed(Batch, Failed),
}

/// How a processor failed; see [`Failure::Failed`].
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) processor: Arc<Processor>,
    pub(super) reason: String,
    pub(super) retryable: bool,
    pub(super) cause: Cause,
    pub(super) malformed: Option<String>,
}

impl Stage {
    /// A processor through which nothing went yet.
    pub fn new(processor: Processor) -> Self {
        Self {
            name: processor.name().to_owned(),
            current: ArcSwap::from_pointee(Version::new(Arc::new(processor), None)),
            changing: Mutex::default(),
            counters: Counters::default(),
            failures: Throttle::new(),
        }
    }

    /// The processor's name in the config, such as `sample/tenth`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The processor that the next batch runs on.
    pub fn processor(&self) -> Arc<Processor> {
        Arc::clone(&self.current.load().processor)
    }

    /// Whether the current version is on trial.
    pub fn is_on_trial(&self) -> bool {
        self.current.load().trial.as_ref().is_some_and(Trial::is_on)
    }

    /// Whether the current version works on this signal.
    pub(super) fn takes(&self, signal: Signal) -> bool {
        self.current.load().processor.takes(signal)
    }

    /// Has the next batches run on `new`, and batches that have begun end on the version that they began on. `new` is on
    /// trial; how that ends is said to `told`, once, on the thread that finds out. Gives what comes back if it ends badly.
    pub fn swap(&self, new: Processor, told: Told) -> Arc<Processor> {
        let _changing = self.changing();
        let current = self.current.load_full();
        // One that was still on trial has proven nothing: what comes back is what it would have been.
        let old = match current.trial.as_ref().and_then(Trial::give_up) {
            Some(proven) => proven,
            None => Arc::clone(&current.processor),
        };
        let trial = Some(Trial::new(Arc::clone(&old), told));
        self.current
            .store(Arc::new(Version::new(Arc::new(new), trial)));
        old
    }

    /// Has the next batches run on `new`, without a trial, and ends that of the current version.
    pub fn replace(&self, new: Processor) {
        let _changing = self.changing();
        let new = Arc::new(Version::new(Arc::new(new), None));
        if let Some(trial) = &self.current.swap(new).trial {
            trial.give_up();
        }
    }

    /// Brings back what the current version replaced, if it is still on trial.
    pub fn roll_back(&self) -> bool {
        let _changing = self.changing();
        let current = self.current.load_full();
        let old = current.trial.as_ref().and_then(Trial::give_up);
        let came_back = old.is_some();
        if let Some(old) = old {
            self.current.store(Arc::new(Version::new(old, None)));
        }
        came_back
    }

    /// Runs the current version over a batch, or that of its turn if it has one.
    pub(super) fn run(&self, mut batch: Batch, place: Place, turn: Option<Turn>) -> Ran {
        let mut turn = turn
            .filter(|turn| !turn.is_given_up())
            .unwrap_or_else(|| self.turn());
        loop {
            let processor = &turn.version.processor;
            if !processor.takes(batch.signal()) {
                return Ran::PassedBy(batch);
            }
            let (signal, bytes) = (batch.signal(), batch.message().len());
            if place == Place::Inline && !processor.is_inline(signal, bytes) {
                return Ran::HandOver(batch, turn.pinned());
            }
            match processor.process(batch, place) {
                Ok(batch) => return Ran::Done(batch),
                Err(Failure::Slow(batch) | Failure::Busy(batch)) => {
                    return Ran::HandOver(batch, turn.pinned());
                }
                Err(Failure::Failed {
                    batch: untouched,
                    reason,
                    retryable,
                    cause,
                    malformed,
                }) => {
                    let failed = Failed {
                        processor: Arc::clone(processor),
                        reason,
                        retryable,
                        cause,
                        malformed,
                    };
                    if !self.runs_again(&turn, &failed) {
                        return Ran::Failed(untouched, failed);
                    }
                    batch = untouched;
                    turn = self.turn();
                }
            }
        }
    }

    fn turn(&self) -> Turn {
        let version = self.current.load();
        let counts = version.trial.as_ref().is_some_and(Trial::counts);
        Turn { version, counts }
    }

    /// Whether the batch that a version failed on is run again, since that version has gone or goes now.
    fn runs_again(&self, turn: &Turn, failed: &Failed) -> bool {
        let Some(trial) = &turn.version.trial else {
            return false;
        };
        if turn.counts {
            let changing = self.changing();
            if let Some(RollBack { old, told }) = trial.failed(failed.cause) {
                // A version on trial is the current one.
                self.current.store(Arc::new(Version::new(old, None)));
                drop(changing);
                self.log_roll_back(failed);
                told(Some(failed.cause), Arc::clone(&failed.processor));
            }
        }
        trial.has_gone()
    }

    fn log_roll_back(&self, failed: &Failed) {
        let plugin = failed.processor.plugin();
        tracing::error!(
            processor = self.name,
            plugin = plugin.name(),
            version = plugin.version(),
            digest = %plugin.digest(),
            cause = failed.cause.name(),
            reason = failed.words(),
            "a plugin's new version failed on its first batches: the old one is back"
        );
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counters {
    pub(super) fn record(&self, records_in: u32, records_out: u32) {
        self.batches.add(1);
        self.records_in.add(records_in.into());
        self.records_out.add(records_out.into());
        if records_out < records_in {
            self.records_dropped.add((records_in - records_out).into());
        }
    }

    /// Counts records that became a dead letter while others of their batch go on.
    pub(super) fn kept_out(&self, records: u32) {
        self.records_in.add(records.into());
    }

    /// Counts a batch that goes no further, for a failure.
    pub(super) fn ended(&self, records: u32, outcome: &Outcome) {
        let is_rejected = matches!(outcome, Outcome::Rejected(_));
        if is_rejected || matches!(outcome, Outcome::Dead(_)) {
            self.batches.add(1);
            self.records_in.add(records.into());
            self.records_rejected
                .add(if is_rejected { records.into() } else { 0 });
        } else {
            self.record(records, 0);
        }
    }
}

impl Failed {
    /// What may be said of it. A plugin's own words are neither logged nor kept for one that fails closed: they may quote what
    /// it was to hide. What is wrong with the batch itself may be said.
    pub(super) fn words(&self) -> &str {
        match &self.malformed {
            Some(malformed) => malformed,
            None if self.processor.withholds() && self.cause.is_of_the_plugin() => "withheld",
            None => &self.reason,
        }
    }
}

impl Version {
    fn new(processor: Arc<Processor>, trial: Option<Trial>) -> Self {
        Self { processor, trial }
    }
}

impl Turn {
    fn is_given_up(&self) -> bool {
        self.version.trial.as_ref().is_some_and(Trial::has_gone)
    }

    /// Fit to wait for a worker thread.
    fn pinned(mut self) -> Self {
        self.version = Guard::from_inner(Arc::clone(&self.version));
        self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.counts
            && let Some(trial) = &self.version.trial
        {
            trial.ended();
        }
    }
}
