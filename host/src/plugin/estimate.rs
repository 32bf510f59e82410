//! How long a processor will take for a batch, learned from its calls: the place of the next call depends on it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::bound::SLICE;

/// A call is made inline when it is expected to take this at most: half of what stops it, since a call that is stopped is
/// made twice.
const EXPECTED: u128 = SLICE.as_nanos() / 2;

/// A call's fixed cost counts as that of this many bytes, or small batches would make large ones look slow.
const FLOOR: u64 = 16 << 10;

/// One part in this many of the difference that a cheaper call takes off the estimate.
const DECAY: u64 = 8;

/// Picoseconds a byte; 0 before the first call.
#[derive(Debug, Default)]
pub(super) struct Estimate(AtomicU64);

impl Estimate {
    /// Whether a call on this many bytes is expected to be short. Before the first call it is not.
    pub(super) fn is_short(&self, bytes: usize) -> bool {
        let rate = self.0.load(Ordering::Relaxed);
        rate != 0 && u128::from(rate) * u128::from(size(bytes)) / 1_000 <= EXPECTED
    }

    /// Learns from a call. A dearer one counts half, a cheaper one an eighth: a call too many on a worker costs less than
    /// one too few. Calls at the same time may lose one sample, which does no harm.
    pub(super) fn learn(&self, bytes: usize, cost: Duration) {
        let sample = cost.as_nanos() * 1_000 / u128::from(size(bytes));
        let sample = u64::try_from(sample).unwrap_or(u64::MAX).max(1);
        let old = self.0.load(Ordering::Relaxed);
        let new = match old {
            0 => sample,
            old if sample > old => old + (sample - old) / 2,
            old => old - (old - sample) / DECAY,
        };
        self.0.store(new.max(1), Ordering::Relaxed);
    }

    /// Learns that a call was stopped: the next one on as many bytes is made on a worker.
    pub(super) fn overran(&self, bytes: usize) {
        let rate = SLICE.as_nanos() * 1_000 / u128::from(size(bytes));
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        self.0.fetch_max(rate, Ordering::Relaxed);
    }
}

fn size(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX).max(FLOOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn nothing_is_short_before_the_first_call() {
        assert!(!Estimate::default().is_short(0));
    }

    #[test]
    fn what_scales_with_the_batch_is_short_for_small_ones_only() {
        let estimate = Estimate::default();
        estimate.learn(MIB, Duration::from_millis(2));
        assert!(estimate.is_short(MIB));
        assert!(!estimate.is_short(2 * MIB));
    }

    #[test]
    fn the_fixed_cost_of_a_small_batch_does_not_make_large_ones_slow() {
        let estimate = Estimate::default();
        estimate.learn(100, Duration::from_micros(10));
        assert!(estimate.is_short(MIB));
    }

    #[test]
    fn an_overrun_sends_the_next_call_to_a_worker_until_calls_were_cheap_again() {
        let estimate = Estimate::default();
        estimate.learn(MIB, Duration::from_micros(100));
        assert!(estimate.is_short(MIB));
        estimate.overran(MIB);
        assert!(!estimate.is_short(MIB));
        for _ in 0..20 {
            estimate.learn(MIB, Duration::from_micros(100));
        }
        assert!(estimate.is_short(MIB));
    }
}
