//! What a connector of span metrics has done since it was started, and keeps.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::telemetry::{Counter, Throttle};

/// The counters of one connector.
#[derive(Debug, Default)]
pub struct Counters {
    /// Spans that were counted.
    pub items: Counter,
    /// Of these in series of what found no room of its own.
    pub overflow_items: Counter,
    /// Spans that were not counted: of resources without `service.name`, or malformed.
    pub uncounted_items: Counter,
    /// How often metrics were handed on.
    pub flushes: Counter,
    /// Batches of metrics that the pipelines took.
    pub sent: Counter,
    /// Attempts after a batch's first.
    pub retries: Counter,
    /// Data points that the pipelines refused for good.
    pub failed_items: Counter,
    series: AtomicU64,
    bytes: AtomicU64,
    pub(super) uncounted: Throttle,
    pub(super) failures: Throttle,
    pub(super) waits: Throttle,
}

impl Counters {
    /// The series that there were when metrics were last handed on.
    pub fn series(&self) -> u64 {
        self.series.load(Ordering::Relaxed)
    }

    /// The bytes that they took.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn tell(&self, series: usize, bytes: usize) {
        self.series.store(series as u64, Ordering::Relaxed);
        self.bytes.store(bytes as u64, Ordering::Relaxed);
    }
}
