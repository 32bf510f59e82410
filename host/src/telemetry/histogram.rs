//! How long things take, in buckets that are the same everywhere, so that figures can be compared and added up.
//!
//! It keeps no order between its numbers: a scrape in the middle of [`Histogram::record`] may see a duration in its bucket
//! and not yet in the sum. The count is that of the buckets, so buckets and count always agree.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the buckets but the last, which has none: a quick plugin takes 10 us, a backend that does not answer 10 s.
pub const BOUNDS: [Duration; 18] = [
    Duration::from_micros(10),
    Duration::from_micros(25),
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(10),
];

/// The number of buckets.
pub const BUCKETS: usize = BOUNDS.len() + 1;

/// Durations, counted by how long they are.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    /// In nanoseconds: enough for five centuries.
    sum: AtomicU64,
}

/// What a histogram held at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Durations {
    /// How many were in each bucket and in none before it, in the order of [`BOUNDS`].
    pub buckets: [u64; BUCKETS],
    /// All of them together.
    pub sum: Duration,
}

impl Histogram {
    /// Counts a duration.
    pub fn record(&self, duration: Duration) {
        let at = BOUNDS.partition_point(|bound| *bound < duration);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.sum.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// What it holds now.
    pub fn durations(&self) -> Durations {
        Durations {
            buckets: self
                .buckets
                .each_ref()
                .map(|bucket| bucket.load(Ordering::Relaxed)),
            sum: Duration::from_nanos(self.sum.load(Ordering::Relaxed)),
        }
    }
}

impl Durations {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket_and_what_is_over_the_last_is_counted() {
        let histogram = Histogram::default();
        for duration in [
            Duration::ZERO,
            Duration::from_micros(10),
            Duration::from_nanos(10_001),
            Duration::from_secs(10),
            Duration::from_mins(1),
        ] {
            histogram.record(duration);
        }
        let durations = histogram.durations();
        let mut expected = [0; BUCKETS];
        expected[0] = 2;
        expected[1] = 1;
        expected[BUCKETS - 2] = 1;
        expected[BUCKETS - 1] = 1;
        assert_eq!(durations.buckets, expected);
        assert_eq!(durations.count(), 5);
        assert_eq!(durations.sum, Duration::from_nanos(70_000_020_001));
    }

    #[test]
    fn the_bounds_ascend() {
        assert!(BOUNDS.is_sorted());
    }
}
