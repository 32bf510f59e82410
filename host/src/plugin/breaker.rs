//! The circuit breaker of a processor, one for each signal: a plugin that fails again and again is left alone for a while, and
//! tried again with one batch, by itself.
//!
//! One sender must not trip a plugin for everyone, and behind one address there may be many: failures count while nobody's batch
//! succeeds, each batch once however often it is sent, and only of several senders or over some time. So what trips it fails on
//! all that comes, and a plugin that does well on some of it is not left alone, whatever the share: that would let a sender of
//! much speak for those of little. **Invariant**: while nothing fails, a batch costs two reads of an atomic.

use std::hash::{DefaultHasher, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::batch::{Batch, Signal};

/// Failures on so many different batches, with no success in between, are needed at least.
const FAILURES: usize = 5;

/// They are to be of so many senders, or else to go on for [`ALONE`].
const SENDERS: usize = 3;

/// With fewer senders they go on for this long: whoever else is behind the same address would have had a batch succeed, since
/// clients send every 5 s or more often.
const ALONE: Duration = Duration::from_secs(10);

/// How long the plugin is left alone at first, and at most: each try that fails doubles it. With fewer senders [`ALONE`] is the
/// most, since who sends seldom from behind the same address loses by it.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);

/// The bytes of a batch that tell it from others.
const TELLING: usize = 64 << 10;

/// A circuit breaker for each signal: a plugin may fail on all of one and do well on another.
#[derive(Debug, Default)]
pub(super) struct Breakers([Breaker; Signal::ALL.len()]);

/// A circuit breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    /// Whether nothing failed since the last success.
    calm: AtomicBool,
    tripped: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    circuit: Circuit,
    /// Those since the last success.
    failures: Option<Failures>,
}

#[derive(Clone, Copy, Debug)]
enum Circuit {
    /// Every batch is given to the plugin.
    Closed,
    /// No batch is, until the time.
    Open {
        until: Instant,
        pause: Duration,
        /// Whose batch failed at the last try: the next is another's, if one comes within as long again.
        suspect: Option<u64>,
    },
    /// One is, and what becomes of it decides.
    Trying { since: Instant, pause: Duration },
}

/// Failures with no success in between.
#[derive(Debug)]
struct Failures {
    since: Instant,
    /// What tells their batches apart, at most [`FAILURES`].
    batches: Vec<u64>,
    /// At most [`SENDERS`].
    senders: Vec<u64>,
}

/// What a breaker does with the next batch of its signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// The plugin is given it.
    Closed,
    /// The plugin is left alone, and tried with a batch that comes after so long.
    Open(Duration),
    /// The plugin is tried with a batch, and left alone meanwhile; if nothing is heard of that, it is tried again after so long.
    HalfOpen(Duration),
}

/// A batch that failed: whose it is, and what tells it from others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failing {
    sender: u64,
    batch: u64,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The plugin is left alone for so long.
    Tripped(Duration),
    /// It is given batches again.
    Recovered,
}

impl Position {
    /// Its name in lists.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open(_) => "open",
            Self::HalfOpen(_) => "half_open",
        }
    }

    /// After how long the plugin is tried, if it is left alone.
    pub fn next_try(self) -> Option<Duration> {
        match self {
            Self::Closed => None,
            Self::Open(after) | Self::HalfOpen(after) => Some(after),
        }
    }
}

impl Breakers {
    /// That of a signal.
    pub(super) fn of(&self, signal: Signal) -> &Breaker {
        let [traces, metrics, logs] = &self.0;
        match signal {
            Signal::Traces => traces,
            Signal::Metrics => metrics,
            Signal::Logs => logs,
        }
    }

    /// Whether one of them is tripped.
    pub(super) fn any_is_tripped(&self) -> bool {
        self.0.iter().any(Breaker::is_tripped)
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            calm: AtomicBool::new(true),
            tripped: AtomicBool::new(false),
            state: Mutex::new(State {
                circuit: Circuit::Closed,
                failures: None,
            }),
        }
    }
}

impl Breaker {
    /// Whether the plugin is left alone, but for a try now and then.
    pub(super) fn is_tripped(&self) -> bool {
        self.tripped.load(Ordering::Relaxed)
    }

    /// What it does as it stands.
    pub(super) fn position(&self) -> Position {
        self.position_at(Instant::now())
    }

    fn position_at(&self, now: Instant) -> Position {
        match self.lock().circuit {
            Circuit::Closed => Position::Closed,
            Circuit::Open { until, .. } => Position::Open(until.saturating_duration_since(now)),
            Circuit::Trying { since, .. } => {
                Position::HalfOpen((since + LONGEST).saturating_duration_since(now))
            }
        }
    }

    /// Whether the plugin may be given a batch of this sender. What becomes of it has to be told.
    pub(super) fn admits(&self, sender: u64) -> bool {
        !self.is_tripped() || self.admits_at(sender, Instant::now())
    }

    fn admits_at(&self, sender: u64, now: Instant) -> bool {
        let mut state = self.lock();
        let pause = match state.circuit {
            Circuit::Closed => return true,
            Circuit::Open {
                until,
                pause,
                suspect,
            } => {
                let from = if suspect == Some(sender) {
                    until + pause
                } else {
                    until
                };
                if now < from {
                    return false;
                }
                pause
            }
            // A try that was never heard of again is made again.
            Circuit::Trying { since, pause } if now >= since + LONGEST => pause,
            Circuit::Trying { .. } => return false,
        };
        state.circuit = Circuit::Trying { since: now, pause };
        true
    }

    /// The plugin did well on a batch.
    pub(super) fn succeeded(&self) -> Option<Change> {
        if self.calm.load(Ordering::Relaxed) {
            return None;
        }
        let mut state = self.lock();
        state.circuit = Circuit::Closed;
        state.failures = None;
        self.calm.store(true, Ordering::Relaxed);
        let was_tripped = self.tripped.swap(false, Ordering::Relaxed);
        was_tripped.then_some(Change::Recovered)
    }

    /// The plugin failed on a batch.
    pub(super) fn failed(&self, failing: Failing) -> Option<Change> {
        self.failed_at(failing, Instant::now())
    }

    fn failed_at(&self, failing: Failing, now: Instant) -> Option<Change> {
        let mut state = self.lock();
        self.calm.store(false, Ordering::Relaxed);
        let failures = state.failures.get_or_insert_with(|| Failures::from(now));
        failures.add(failing);
        let (are_too_many, longest) = (failures.are_too_many(now), failures.longest_pause());
        let (pause, suspect) = match state.circuit {
            Circuit::Closed if are_too_many => (FIRST, None),
            // One that is open heard of a batch that was begun before.
            Circuit::Closed | Circuit::Open { .. } => return None,
            Circuit::Trying { pause, .. } => {
                let pause = pause.saturating_mul(2).min(longest);
                (pause, Some(failing.sender))
            }
        };
        state.circuit = Circuit::Open {
            until: now + pause,
            pause,
            suspect,
        };
        self.tripped.store(true, Ordering::Relaxed);
        Some(Change::Tripped(pause))
    }

    /// Nothing was learned of the plugin from a batch: if that was the try, the next one is.
    pub(super) fn learned_nothing(&self) {
        if !self.is_tripped() {
            return;
        }
        let mut state = self.lock();
        if let Circuit::Trying { since, pause } = state.circuit {
            state.circuit = Circuit::Open {
                until: since,
                pause,
                suspect: None,
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that could panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failing {
    /// A batch as it came to the plugin.
    pub(super) fn of(batch: &Batch) -> Self {
        let message = batch.message();
        let mut hasher = DefaultHasher::new();
        hasher.write_usize(message.len());
        hasher.write(message.get(..TELLING).unwrap_or(message));
        Self {
            sender: batch.sender(),
            batch: hasher.finish(),
        }
    }
}

impl Failures {
    fn from(now: Instant) -> Self {
        Self {
            since: now,
            batches: Vec::new(),
            senders: Vec::new(),
        }
    }

    fn add(&mut self, Failing { sender, batch }: Failing) {
        if self.batches.len() < FAILURES && !self.batches.contains(&batch) {
            self.batches.push(batch);
        }
        if self.senders.len() < SENDERS && !self.senders.contains(&sender) {
            self.senders.push(sender);
        }
    }

    fn are_too_many(&self, now: Instant) -> bool {
        self.batches.len() >= FAILURES && (self.are_of_several() || now >= self.since + ALONE)
    }

    fn are_of_several(&self) -> bool {
        self.senders.len() >= SENDERS
    }

    fn longest_pause(&self) -> Duration {
        if self.are_of_several() {
            LONGEST
        } else {
            ALONE
        }
    }
}

#[cfg(test)]
mod tests;
