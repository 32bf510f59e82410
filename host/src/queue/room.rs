//! The bounds of a queue, counted without a lock by all its lanes.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Capacity, Config, Depth, Size, Sizer};

/// What a queued request costs in memory beyond its bytes, so that a bound in bytes bounds their number as well.
const OVERHEAD: u64 = 512;

/// What a queue may hold, and holds.
pub(super) struct Room {
    sizer: Sizer,
    queue_size: u64,
    max_bytes: AtomicU64,
    /// In the sizer's unit.
    used: AtomicU64,
    requests: AtomicU64,
    items: AtomicU64,
    bytes: AtomicU64,
}

/// What one request takes of a queue's room.
#[derive(Clone, Copy)]
pub(super) struct Charge {
    used: u64,
    items: u64,
    bytes: u64,
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shortage {
    /// Others have it.
    Now,
    /// The whole queue is too small.
    Ever,
}

impl Room {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            sizer: config.sizer,
            queue_size: config.queue_size,
            max_bytes: AtomicU64::new(config.max_bytes),
            used: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            items: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    pub(super) fn set_max_bytes(&self, max_bytes: u64) {
        self.max_bytes.store(max_bytes, Ordering::Relaxed);
    }

    pub(super) fn charge(&self, size: Size) -> Charge {
        let used = match self.sizer {
            Sizer::Requests => 1,
            Sizer::Items => size.items,
            Sizer::Bytes => size.bytes,
        };
        Charge {
            used,
            items: size.items,
            bytes: size.bytes.saturating_add(OVERHEAD),
        }
    }

    pub(super) fn take(&self, charge: Charge) -> Result<(), Shortage> {
        let max_bytes = self.max_bytes.load(Ordering::Relaxed);
        if charge.used > self.queue_size || charge.bytes > max_bytes {
            return Err(Shortage::Ever);
        }
        add_below(&self.used, charge.used, self.queue_size)?;
        add_below(&self.bytes, charge.bytes, max_bytes).inspect_err(|_full| {
            self.used.fetch_sub(charge.used, Ordering::Relaxed);
        })?;
        self.items.fetch_add(charge.items, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// Charges `to` in the place of `from`, bounds or no bounds.
    pub(super) fn adjust(&self, from: Charge, to: Charge) {
        shift(&self.used, from.used, to.used);
        shift(&self.items, from.items, to.items);
        shift(&self.bytes, from.bytes, to.bytes);
    }

    /// Gives the room of a request back; true if it was the last.
    pub(super) fn give_back(&self, charge: Charge) -> bool {
        self.used.fetch_sub(charge.used, Ordering::Relaxed);
        self.items.fetch_sub(charge.items, Ordering::Relaxed);
        self.bytes.fetch_sub(charge.bytes, Ordering::Relaxed);
        self.requests.fetch_sub(1, Ordering::SeqCst) == 1
    }

    pub(super) fn capacity(&self) -> Capacity {
        Capacity {
            sizer: self.sizer,
            size: self.queue_size,
            bytes: self.max_bytes.load(Ordering::Relaxed),
        }
    }

    pub(super) fn depth(&self) -> Depth {
        Depth {
            requests: self.requests.load(Ordering::SeqCst),
            items: self.items.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

fn add_below(counter: &AtomicU64, amount: u64, bound: u64) -> Result<(), Shortage> {
    counter
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
            now.checked_add(amount).filter(|sum| *sum <= bound)
        })
        .map(|_before| ())
        .map_err(|_now| Shortage::Now)
}

fn shift(counter: &AtomicU64, from: u64, to: u64) {
    if to >= from {
        counter.fetch_add(to - from, Ordering::Relaxed);
    } else {
        counter.fetch_sub(from - to, Ordering::Relaxed);
    }
}
