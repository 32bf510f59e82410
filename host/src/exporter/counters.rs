//! What an exporter has done since it was started.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::telemetry::{Counter, Histogram, Throttle};

/// The counters of one exporter. A request is one export request, an item a span, data point or log record.
#[derive(Debug, Default)]
pub struct Counters {
    /// Requests that a backend took.
    pub sent_requests: Counter,
    /// Items in them, without those that the backend rejected.
    pub sent_items: Counter,
    /// Requests that could not be sent now, and whose waiting senders were told to try again.
    pub returned_requests: Counter,
    /// Items in them.
    pub returned_items: Counter,
    /// Requests that were refused for good, or given up though they were acknowledged.
    pub failed_requests: Counter,
    /// Items in them.
    pub failed_items: Counter,
    /// Attempts after the first.
    pub retries: Counter,
    /// Items that a backend rejected of requests that it took (`partial_success`).
    pub rejected_items: Counter,
    /// What each attempt took, whatever came of it.
    pub attempts: Histogram,
    /// Whether the last attempt failed.
    failing: AtomicBool,
    /// Whether the log says so.
    told: AtomicBool,
    /// Keep a backend that goes and comes from flooding the log.
    going: Throttle,
    coming: Throttle,
    /// Keeps a log line that each request may cause from flooding the log.
    failures: Throttle,
    returns: Throttle,
    rejections: Throttle,
}

impl Counters {
    /// Notes how an attempt ended. If the log says otherwise it may be told now, with how many times it was not since the
    /// last.
    pub(super) fn turned(&self, failing: bool) -> Option<u64> {
        // Loads first: the cache line stays shared while nothing changes.
        if self.failing.load(Ordering::Relaxed) != failing {
            self.failing.store(failing, Ordering::Relaxed);
        }
        if self.told.load(Ordering::Relaxed) == failing {
            return None;
        }
        let throttle = if failing { &self.going } else { &self.coming };
        let unlogged = throttle.pass()?;
        self.told.store(failing, Ordering::Relaxed);
        Some(unlogged)
    }

    /// Whether the last attempt failed.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Whether a failed request may be logged now, and how many were not since the last.
    pub(super) fn may_log_failure(&self) -> Option<u64> {
        self.failures.pass()
    }

    /// Whether a request that goes back may be logged now, and how many were not since the last.
    pub(super) fn may_log_return(&self) -> Option<u64> {
        self.returns.pass()
    }

    /// Whether a partial success may be logged now, and how many were not since the last.
    pub(super) fn may_log_rejection(&self) -> Option<u64> {
        self.rejections.pass()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_from_well_to_failing_and_back_is_news_and_only_so_often() {
        let counters = Counters::default();
        let news: Vec<_> = [false, true, true, false, false, true]
            .into_iter()
            .map(|failing| counters.turned(failing).is_some())
            .collect();
        assert_eq!(news, [false, true, false, true, false, false]);
        assert!(counters.is_failing());
    }
}
