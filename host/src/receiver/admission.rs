//! A budget in bytes that refuses what does not fit.
//!
//! It never waits: bodies that wait half sent would use up HTTP/2's connection window, and the one that was admitted could
//! not get the rest of its bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes that the requests in flight may hold together.
#[derive(Debug)]
pub(super) struct Budget {
    capacity: usize,
    used: AtomicUsize,
}

/// What one request holds of a budget, until it is dropped.
#[derive(Debug)]
pub(super) struct Charge {
    budget: Arc<Budget>,
    held: usize,
}

/// Why a charge was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// Others hold what is needed.
    Full,
    /// The request alone needs more than there is.
    Never,
}

impl Budget {
    pub(super) fn new(capacity: usize) -> Arc<Self> {
        let used = AtomicUsize::new(0);
        Arc::new(Self { capacity, used })
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
        Ok(())
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
        Ok(())
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

    #[test]
    fn what_fits_is_held_until_dropped() {
        let budget = Budget::new(10);
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
        let budget = Budget::new(10);
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
        let budget = Budget::new(10);
        let mut charge = Charge::none(&budget);
        assert_eq!(charge.grow(11), Err(Over::Never));
        assert_eq!(charge.grow(10), Ok(()));
        assert_eq!(charge.grow(1), Err(Over::Never));
        assert_eq!(charge.grow(usize::MAX), Err(Over::Never));
        assert_eq!(budget.used(), 10);
    }
}
