//! What one `jsonlines` receiver has counted.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::telemetry::Counter;

/// What one `jsonlines` receiver has counted since it was started.
#[derive(Debug, Default)]
pub struct Counters {
    /// Records that were taken.
    pub accepted: Counter,
    /// Records that were refused for good and passed over.
    pub refused: Counter,
    /// Bytes of lines that were read.
    pub bytes: Counter,
    /// Cuts through lines that were longer than `max_line_size`.
    pub cuts: Counter,
    /// Lines that were not UTF-8, whose wrong bytes were replaced by U+FFFD.
    pub not_utf8: Counter,
    held: AtomicUsize,
}

impl Counters {
    /// Records that were read and are not taken yet.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    pub(super) fn hold(&self, records: usize) {
        self.held.store(records, Ordering::Relaxed);
    }
}
