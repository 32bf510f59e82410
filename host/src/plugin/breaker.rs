//! The circuit breaker of a processor: a plugin that fails again and again is left alone for a while, and tried again with
//! one batch, by itself.
//!
//! One sender must not trip a plugin for everyone: failures count while nobody's batch succeeds, and only of several senders,
//! or over some time. **Invariant**: while nothing fails, a batch costs two reads of an atomic.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many failures, with no success in between, are needed at least.
const FAILURES: u32 = 5;

/// They are to be of so many senders, or else to go on for [`ALONE`].
const SENDERS: usize = 3;

/// With fewer senders they go on for this long: whoever else sends would have had a batch succeed.
const ALONE: Duration = Duration::from_secs(5);

/// How long the plugin is left alone at first, and at most: each try that fails doubles it.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);

/// A circuit breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    /// Whether nothing failed since the last success.
    calm: AtomicBool,
    tripped: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// Every batch is given to the plugin.
    Closed(Option<Failures>),
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
    count: u32,
    since: Instant,
    /// At most [`SENDERS`].
    senders: Vec<u64>,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The plugin is left alone for so long.
    Tripped(Duration),
    /// It is given batches again.
    Recovered,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            calm: AtomicBool::new(true),
            tripped: AtomicBool::new(false),
            state: Mutex::new(State::Closed(None)),
        }
    }
}

impl Breaker {
    /// Whether the plugin is left alone, but for a try now and then.
    pub(super) fn is_tripped(&self) -> bool {
        self.tripped.load(Ordering::Relaxed)
    }

    /// Whether the plugin may be given a batch of this sender. What becomes of it has to be told.
    pub(super) fn admits(&self, sender: u64) -> bool {
        !self.is_tripped() || self.admits_at(sender, Instant::now())
    }

    fn admits_at(&self, sender: u64, now: Instant) -> bool {
        let mut state = self.lock();
        let pause = match *state {
            State::Closed(_) => return true,
            State::Open {
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
            State::Trying { since, pause } if now >= since + LONGEST => pause,
            State::Trying { .. } => return false,
        };
        *state = State::Trying { since: now, pause };
        true
    }

    /// The plugin did well on a batch.
    pub(super) fn succeeded(&self) -> Option<Change> {
        if self.calm.load(Ordering::Relaxed) {
            return None;
        }
        let mut state = self.lock();
        *state = State::Closed(None);
        self.calm.store(true, Ordering::Relaxed);
        let was_tripped = self.tripped.swap(false, Ordering::Relaxed);
        was_tripped.then_some(Change::Recovered)
    }

    /// The plugin failed on a batch of this sender.
    pub(super) fn failed(&self, sender: u64) -> Option<Change> {
        self.failed_at(sender, Instant::now())
    }

    fn failed_at(&self, sender: u64, now: Instant) -> Option<Change> {
        let mut state = self.lock();
        self.calm.store(false, Ordering::Relaxed);
        let (pause, suspect) = match &mut *state {
            State::Closed(failures) => {
                let failures = failures.get_or_insert_with(|| Failures::from(now));
                if !failures.add(sender, now) {
                    return None;
                }
                (FIRST, None)
            }
            State::Trying { pause, .. } => (pause.saturating_mul(2).min(LONGEST), Some(sender)),
            // Of a batch that was begun before.
            State::Open { .. } => return None,
        };
        *state = State::Open {
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
        if let State::Trying { since, pause } = *state {
            *state = State::Open {
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

impl Failures {
    fn from(now: Instant) -> Self {
        Self {
            count: 0,
            since: now,
            senders: Vec::new(),
        }
    }

    /// Counts one, and says whether it is one too many.
    fn add(&mut self, sender: u64, now: Instant) -> bool {
        self.count = self.count.saturating_add(1);
        if self.senders.len() < SENDERS && !self.senders.contains(&sender) {
            self.senders.push(sender);
        }
        let are_several = self.senders.len() >= SENDERS;
        self.count >= FAILURES && (are_several || now >= self.since + ALONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A breaker that several senders tripped just now.
    fn tripped(now: Instant) -> Breaker {
        let breaker = Breaker::default();
        for sender in 0..4 {
            assert_eq!(breaker.failed_at(sender, now), None);
        }
        assert!(!breaker.is_tripped());
        assert_eq!(breaker.failed_at(4, now), Some(Change::Tripped(FIRST)));
        assert!(breaker.is_tripped());
        breaker
    }

    #[test]
    fn failures_of_several_senders_without_a_success_trip_it() {
        let now = Instant::now();
        let breaker = tripped(now);
        assert!(!breaker.admits_at(9, now));
        assert!(!breaker.admits_at(9, now + FIRST / 2));
    }

    #[test]
    fn a_success_of_anybody_begins_the_count_anew() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for round in 0..100 {
            for sender in 0..4 {
                let now = now + SECOND * round;
                assert_eq!(breaker.failed_at(sender, now), None);
            }
            assert_eq!(breaker.succeeded(), None);
        }
        assert!(breaker.admits(0));
    }

    #[test]
    fn one_sender_trips_it_only_where_nothing_else_succeeds_for_a_while() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..1_000 {
            assert_eq!(breaker.failed_at(7, now), None);
        }
        assert_eq!(breaker.failed_at(8, now + ALONE / 2), None);
        let change = breaker.failed_at(7, now + ALONE);
        assert_eq!(change, Some(Change::Tripped(FIRST)));
    }

    #[test]
    fn it_tries_one_batch_after_the_pause_and_recovers_by_itself() {
        let now = Instant::now();
        let breaker = tripped(now);
        let later = now + FIRST;
        assert!(breaker.admits_at(1, later));
        assert!(!breaker.admits_at(2, later), "one is enough");
        assert_eq!(breaker.succeeded(), Some(Change::Recovered));
        assert!(!breaker.is_tripped());
        assert!(breaker.admits(1) && breaker.admits(2));
        assert_eq!(breaker.succeeded(), None);
    }

    #[test]
    fn a_try_that_fails_doubles_the_pause_up_to_a_bound() {
        let mut now = Instant::now();
        let breaker = tripped(now);
        let mut pause = FIRST;
        for _ in 0..10 {
            now += 2 * pause;
            assert!(breaker.admits_at(1, now));
            pause = (2 * pause).min(LONGEST);
            assert_eq!(breaker.failed_at(1, now), Some(Change::Tripped(pause)));
        }
        assert_eq!(pause, LONGEST);
    }

    #[test]
    fn the_next_try_is_of_another_sender_if_one_comes() {
        let now = Instant::now();
        let breaker = tripped(now);
        let first = now + FIRST;
        assert!(breaker.admits_at(1, first));
        assert_eq!(
            breaker.failed_at(1, first),
            Some(Change::Tripped(2 * FIRST))
        );
        let second = first + 2 * FIRST;
        assert!(!breaker.admits_at(1, second));
        assert!(breaker.admits_at(2, second));
        assert_eq!(breaker.succeeded(), Some(Change::Recovered));
    }

    #[test]
    fn a_try_of_which_nothing_is_learned_is_made_again() {
        let now = Instant::now();
        let breaker = tripped(now);
        assert!(breaker.admits_at(1, now + FIRST));
        breaker.learned_nothing();
        assert!(breaker.admits_at(1, now + FIRST));
        // Nor does one that is lost keep it open for ever.
        assert!(!breaker.admits_at(1, now + 2 * FIRST));
        assert!(breaker.admits_at(1, now + FIRST + LONGEST));
    }
}
