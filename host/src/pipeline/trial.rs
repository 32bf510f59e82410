//! The trial of a plugin's new version: its first batches, on which one trap or three errors bring the old version back.
//!
//! What is wrong with a batch's own bytes, and room that the host lacks, are no failures of the version.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::plugin::{Cause, Processor};

/// The batches of a trial.
const FIRST: u32 = 20;

/// The errors that bring the old version back; a trap, a deadline passed or too much memory asked for does so at once.
const ERRORS: u32 = 3;

/// Is told once how a trial ended: with nothing, or why the old version came back; and is given the version that has gone, so
/// that it is freed elsewhere. It must not block: a thread that carries telemetry calls it. A trial that is given up, since
/// another version or the old one takes the place, ends untold.
pub type Told = Box<dyn FnOnce(Option<Cause>, Arc<Processor>) + Send + Sync>;

/// A version's first batches.
pub(super) struct Trial {
    /// The batches that have begun; no more are counted than there are in a trial.
    begun: AtomicU32,
    /// Whether the version was replaced while on trial.
    gone: AtomicBool,
    state: Mutex<State>,
}

enum State {
    On {
        old: Arc<Processor>,
        told: Told,
        ended: u32,
        errors: u32,
    },
    Over,
}

/// What comes back, and who is to be told.
pub(super) struct RollBack {
    pub(super) old: Arc<Processor>,
    pub(super) told: Told,
}

impl Trial {
    pub(super) fn new(old: Arc<Processor>, told: Told) -> Self {
        Self {
            begun: AtomicU32::new(0),
            gone: AtomicBool::new(false),
            state: Mutex::new(State::On {
                old,
                told,
                ended: 0,
                errors: 0,
            }),
        }
    }

    /// Counts a batch that begins, if it is among the first; then [`Trial::ended`] must follow.
    pub(super) fn counts(&self) -> bool {
        self.begun.load(Ordering::Relaxed) < FIRST
            && self.begun.fetch_add(1, Ordering::Relaxed) < FIRST
    }

    /// Counts the end of a batch that counts; the last ends the trial, and with it the old version.
    pub(super) fn ended(&self) {
        let mut state = self.lock();
        let State::On { ended, .. } = &mut *state else {
            return;
        };
        *ended += 1;
        if *ended >= FIRST
            && let State::On { told, old, .. } = mem::replace(&mut *state, State::Over)
        {
            drop(state);
            told(None, old);
        }
    }

    /// Counts a failure on a batch that counts, and gives the old version if that is one too many.
    pub(super) fn failed(&self, cause: Cause) -> Option<RollBack> {
        let mut state = self.lock();
        let State::On { errors, .. } = &mut *state else {
            return None;
        };
        match cause {
            Cause::Trap | Cause::Deadline | Cause::Memory => {}
            Cause::Error => {
                *errors += 1;
                if *errors < ERRORS {
                    return None;
                }
            }
            Cause::Malformed | Cause::Busy | Cause::Tripped => return None,
        }
        self.go(&mut state)
    }

    /// Ends the trial and gives the old version, unless it is over.
    pub(super) fn give_up(&self) -> Option<Arc<Processor>> {
        self.go(&mut self.lock()).map(|roll_back| roll_back.old)
    }

    /// Whether it is not over.
    pub(super) fn is_on(&self) -> bool {
        matches!(*self.lock(), State::On { .. })
    }

    /// Whether the version was replaced while on trial.
    pub(super) fn has_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    fn go(&self, state: &mut State) -> Option<RollBack> {
        match mem::replace(state, State::Over) {
            State::On { old, told, .. } => {
                self.gone.store(true, Ordering::Release);
                Some(RollBack { old, told })
            }
            State::Over => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that could panic runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
