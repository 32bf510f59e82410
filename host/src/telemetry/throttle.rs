//! Keeps what every request, connection or batch can cause from flooding the log: one line a second of each kind.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often a line of one kind is let through.
const EVERY: Duration = Duration::from_secs(1);

/// What time is counted from.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Lets one event a second through, and counts the others. One stands wherever a line is logged.
#[derive(Debug, Default)]
pub struct Throttle {
    /// When the next may pass, in nanoseconds since [`START`].
    next: AtomicU64,
    unlogged: AtomicU64,
}

impl Throttle {
    /// One that lets the first through.
    pub const fn new() -> Self {
        Self {
            next: AtomicU64::new(0),
            unlogged: AtomicU64::new(0),
        }
    }

    /// Whether a line may be logged now, and how many were not since the last.
    pub fn pass(&self) -> Option<u64> {
        self.pass_at(START.elapsed())
    }

    fn pass_at(&self, now: Duration) -> Option<u64> {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let next = self.next.load(Ordering::Relaxed);
        let then = nanoseconds(now.saturating_add(EVERY));
        let passes = nanoseconds(now) >= next
            && self
                .next
                .compare_exchange(next, then, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if passes {
            return Some(self.unlogged.swap(0, Ordering::Relaxed));
        }
        self.unlogged.fetch_add(1, Ordering::Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_is_logged_and_the_others_are_counted() {
        let throttle = Throttle::new();
        let passed: Vec<_> = [0, 1, 999, 1_000, 1_001, 9_000]
            .map(|ms| throttle.pass_at(Duration::from_millis(ms)))
            .to_vec();
        assert_eq!(passed, [Some(0), None, None, Some(2), None, Some(1)]);
    }

    #[test]
    fn of_many_threads_one_passes_and_all_are_counted() {
        let throttle = Throttle::new();
        let passed: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| throttle.pass_at(Duration::ZERO)))
                .collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert_eq!(passed.iter().flatten().count(), 1);
        let told: u64 = passed.iter().flatten().sum();
        let later = throttle.pass_at(EVERY).unwrap();
        assert_eq!(told + later, 7);
    }
}
