//! A budget in bytes that refuses what does not fit, within the memory of the process.
//!
//! It never waits: bodies that wait half sent would use up HTTP/2's connection window, and the one that was admitted could
//! not get the rest of its bytes.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::memory::{Lease, Memory};
use crate::payload::Payload;
use crate::refusal::Refusal;

/// The bytes that the requests in flight may hold together.
#[derive(Debug)]
pub(super) struct Budget {
    capacity: usize,
    used: AtomicUsize,
    memory: Memory,
}

/// What one request holds of a budget, until it is dropped; and of the process's memory, until it is handed over.
#[derive(Debug)]
pub(super) struct Charge {
    budget: Arc<Budget>,
    held: usize,
    lease: Lease,
}

/// Why a charge was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// Others hold what is needed.
    Full,
    /// What is needed of the process's memory is held, perhaps by queues.
    Memory,
    /// The request alone needs more than there is.
    Never,
}

impl Budget {
    pub(super) fn new(capacity: usize, memory: Memory) -> Arc<Self> {
        let used = AtomicUsize::new(0);
        Arc::new(Self {
            capacity,
            used,
            memory,
        })
    }

    /// The bytes held now.
    pub(super) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        self.used
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= self.capacity)
            })
            .is_ok()
    }
}

impl Charge {
    /// A charge of nothing yet.
    pub(super) fn none(budget: &Arc<Budget>) -> Self {
        Self {
            budget: Arc::clone(budget),
            held: 0,
            lease: budget.memory.nothing(),
        }
    }

    /// Whether so much more would fit now. Nothing is held for it: what is announced and does not come takes no room from
    /// others.
    pub(super) fn would_fit(&self, bytes: usize) -> Result<(), Over> {
        if self.held.saturating_add(bytes) > self.budget.capacity {
            return Err(Over::Never);
        }
        let sum = self.budget.used().checked_add(bytes);
        if sum.is_none_or(|sum| sum > self.budget.capacity) {
            return Err(Over::Full);
        }
        self.budget
            .memory
            .would_fit(bytes)
            .map_err(|_full| Over::Memory)
    }

    /// Charges more to the same request.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Over> {
        let sum = self.held.saturating_add(bytes);
        if sum > self.budget.capacity {
            return Err(Over::Never);
        }
        if !self.budget.take(bytes) {
            return Err(Over::Full);
        }
        self.held = sum;
        self.lease.grow(bytes).map_err(|_full| Over::Memory)
    }

    /// Lets a request that was read take what is held for it of the process's memory; what it does not need is given back.
    pub(super) fn hand_over(&mut self, payload: Payload) -> Result<Payload, Refusal> {
        let nothing = self.budget.memory.nothing();
        payload
            .charged(mem::replace(&mut self.lease, nothing))
            .map_err(|_full| Refusal::out_of_memory())
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Signal;

    #[test]
    fn what_fits_is_held_until_dropped() {
        let budget = Budget::new(10, Memory::unbounded());
        let mut first = Charge::none(&budget);
        let mut second = Charge::none(&budget);
        assert_eq!(first.grow(4), Ok(()));
        assert_eq!(first.grow(3), Ok(()));
        assert_eq!(second.grow(4), Err(Over::Full));
        assert_eq!(second.grow(3), Ok(()));
        assert_eq!(budget.used(), 10);
        drop(first);
        assert_eq!(budget.used(), 3);
        assert_eq!(second.grow(7), Ok(()));
    }

    #[test]
    fn what_is_only_announced_holds_nothing() {
        let budget = Budget::new(10, Memory::unbounded());
        let mut first = Charge::none(&budget);
        assert_eq!(first.would_fit(11), Err(Over::Never));
        assert_eq!(first.would_fit(10), Ok(()));
        assert_eq!(budget.used(), 0);
        first.grow(4).unwrap();
        assert_eq!(first.would_fit(7), Err(Over::Never));
        assert_eq!(Charge::none(&budget).would_fit(7), Err(Over::Full));
    }

    #[test]
    fn what_can_never_fit_is_told_apart() {
        let budget = Budget::new(10, Memory::unbounded());
        let mut charge = Charge::none(&budget);
        assert_eq!(charge.grow(11), Err(Over::Never));
        assert_eq!(charge.grow(10), Ok(()));
        assert_eq!(charge.grow(1), Err(Over::Never));
        assert_eq!(charge.grow(usize::MAX), Err(Over::Never));
        assert_eq!(budget.used(), 10);
    }

    #[test]
    fn the_memory_of_the_process_is_a_bound_too_and_both_are_given_back() {
        let memory = Memory::new(8);
        let budget = Budget::new(100, memory.clone());
        let mut charge = Charge::none(&budget);
        assert_eq!(charge.would_fit(9), Err(Over::Memory));
        charge.grow(6).unwrap();
        assert_eq!(charge.grow(3), Err(Over::Memory));
        let mut other = Charge::none(&budget);
        assert_eq!(other.grow(3), Err(Over::Memory));
        drop((charge, other));
        assert_eq!((budget.used(), memory.held()), (0, 0));
    }

    #[test]
    fn what_is_handed_over_is_held_as_long_as_the_request() {
        let memory = Memory::new(10_000);
        let budget = Budget::new(100, memory.clone());
        let mut charge = Charge::none(&budget);
        charge.grow(90).unwrap();
        let bytes = bytes::Bytes::from_static(&[0; 20]);
        let payload = Payload::plain(Signal::Logs, bytes);
        let payload = charge.hand_over(payload).unwrap();
        assert_eq!(budget.used(), 90);
        drop(charge);
        assert_eq!(budget.used(), 0);
        assert!(memory.held() >= 20);
        drop(payload);
        assert_eq!(memory.held(), 0);
    }
}
