//! What an exporter has done since it was started.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use std::sync::Mutex;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

/// The counters of one exporter. A request is one export request, an item a span, data point or log record.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests that a backend took.
    pub sent_requests: Counter,
    /// Items in them, without those that the backend rejected.
    pub sent_items: Counter,
    /// Requests that were refused for good or given up.
    pub failed_requests: Counter,
    /// Items in them.
    pub failed_items: Counter,
    /// Attempts after the first.
    pub retries: Counter,
    /// Items that a backend rejected of requests that it took (`partial_success`).
    pub rejected_items: Counter,
    /// Whether the last attempt failed.
    failing: AtomicBool,
    /// Keeps a log line that each request may cause from flooding the log.
    failures: Throttle,
    rejections: Throttle,
}

/// Lets one event a second through, and counts the others.
#[derive(Debug, Default)]
struct Throttle(Mutex<Silence>);

#[derive(Debug, Default)]
struct Silence {
    until: Option<Instant>,
    unsaid: u64,
}

impl Counter {
    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }
}

impl Counters {
    /// Notes how an attempt ended; true if the one before ended otherwise.
    pub(super) fn turned(&self, failing: bool) -> bool {
        // A load first: the cache line stays shared while nothing changes.
        self.failing.load(Ordering::Relaxed) != failing
            && self.failing.swap(failing, Ordering::Relaxed) != failing
    }

    /// Whether a failed request may be logged now, and how many were not since the last.
    pub(super) fn may_log_failure(&self) -> Option<u64> {
        self.failures.pass(Instant::now())
    }

    /// Whether a partial success may be logged now, and how many were not since the last.
    pub(super) fn may_log_rejection(&self) -> Option<u64> {
        self.rejections.pass(Instant::now())
    }
}

impl Throttle {
    fn pass(&self, now: Instant) -> Option<u64> {
        let mut silence = self.0.lock().expect("nothing panics under this lock");
        if silence.until.is_some_and(|until| now < until) {
            silence.unsaid += 1;
            return None;
        }
        silence.until = Some(now + Duration::from_secs(1));
        Some(std::mem::take(&mut silence.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_is_logged_and_the_others_are_counted() {
        let throttle = Throttle::default();
        let start = Instant::now();
        assert_eq!(throttle.pass(start), Some(0));
        assert_eq!(throttle.pass(start), None);
        assert_eq!(throttle.pass(start + Duration::from_millis(999)), None);
        assert_eq!(throttle.pass(start + Duration::from_secs(1)), Some(2));
    }

    #[test]
    fn only_a_change_from_well_to_failing_and_back_is_news() {
        let counters = Counters::default();
        let news: Vec<_> = [false, true, true, false, false]
            .into_iter()
            .map(|failing| counters.turned(failing))
            .collect();
        assert_eq!(news, [false, true, false, true, false]);
    }
}
