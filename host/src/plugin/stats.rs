//! What a processor's calls came to, in numbers.

use std::sync::Arc;

use crate::telemetry::{Counter, Gauge, Histogram};

/// Why a plugin failed on a batch: few kinds, so that they can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It trapped, or broke the contract.
    Trap,
    /// It said so itself.
    Error,
    /// It took longer than `limits.deadline`.
    Deadline,
    /// It asked for more than `limits.memory`.
    Memory,
    /// The batch's bytes are no OTLP.
    Malformed,
    /// No instance could be made.
    Busy,
    /// It failed again and again, and was not called.
    Tripped,
}

/// What a processor has done since the start.
#[derive(Debug, Default)]
pub struct Stats {
    /// What its calls took, those left out that were abandoned to be made again on a worker thread.
    pub durations: Histogram,
    /// Fields that it replaced, added or removed, in the calls that succeeded.
    pub edits: Counter,
    failures: [Counter; Cause::ALL.len()],
    /// The linear memory of its instances.
    pub(super) memory: Arc<Gauge>,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 7] = [
        Self::Trap,
        Self::Error,
        Self::Deadline,
        Self::Memory,
        Self::Malformed,
        Self::Busy,
        Self::Tripped,
    ];

    /// Whether the plugin's own words may be in the reason.
    pub fn is_of_the_plugin(self) -> bool {
        !matches!(self, Self::Deadline | Self::Tripped)
    }

    /// Whether it tells of the plugin, and not of the batch or of room.
    pub(super) fn is_of_the_processor(self) -> bool {
        matches!(
            self,
            Self::Trap | Self::Error | Self::Deadline | Self::Memory
        )
    }

    /// Its name, as metrics spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Error => "error",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Malformed => "malformed",
            Self::Busy => "busy",
            Self::Tripped => "tripped",
        }
    }
}

impl Stats {
    /// The batches that it failed on, by cause.
    pub fn failures(&self) -> impl Iterator<Item = (Cause, u64)> {
        Cause::ALL
            .into_iter()
            .zip(self.failures.iter().map(Counter::get))
    }

    /// The linear memory of its instances, in bytes.
    pub fn memory(&self) -> u64 {
        self.memory.get()
    }

    pub(super) fn failed(&self, cause: Cause) {
        if let Some(counter) = self.failures.get(cause as usize) {
            counter.add(1);
        }
    }
}
