//! What a plugin may use. Each limit says what it does not limit; SECURITY.md has them all, with the tests of each.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use wasmtime::ResourceLimiter;

use super::engine::{CORE_INSTANCES, MEMORIES, TABLES};
use crate::telemetry::Gauge;

/// The limits of one processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The linear memory of one instance, in bytes, over all its memories. Does not limit what the host holds for the
    /// guest (see `handed`), compiled code (shared by all instances), nor the instances together (see `instances`).
    /// Example: `memory: 64MiB`.
    pub memory: usize,
    /// The CPU time of one `process`, and a tenth of its time on the wall. Does not limit one call into the host, which is
    /// bounded by `handed`, nor `describe` and `configure`, which have 10 s, nor the time that a batch waits for an instance.
    /// Example: `deadline: 500ms`.
    pub deadline: Duration,
    /// The instances alive at the same time, and so the calls. Does not limit the batches that wait for one.
    /// Example: `instances: 4`.
    pub instances: usize,
    /// The bytes of one batch that a plugin is handed in one `process`, together with those of its edits, of which each
    /// counts 32 bytes and its value; as much again may cross in one call from the guest. So it bounds the number of edits
    /// and the size of a value, too. Does not limit the batch itself, which the receiver bounds. Example: `handed: 128MiB`.
    pub handed: usize,
    /// How many times as large a batch may become, beside 1 MiB that each may grow by. Does not limit what the processors of
    /// a pipeline come to together: each counts from what it was given. Example: `growth: 8`.
    pub growth: usize,
    /// The lines a second that a processor logs; more are counted and dropped. Does not limit a line, which is cut at 256
    /// bytes. Example: `log_lines: 10`.
    pub log_lines: u32,
}

/// The elements of one table: components in C# have more than 10,000. Does not limit the tables together, of which there are at
/// most [`TABLES`].
const TABLE_ELEMENTS: usize = 20_000;

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A plugin that reads every text of the largest request, 16 MiB, holds it several times.
            memory: 256 << 20,
            deadline: Duration::from_secs(1),
            // One for every IO thread and every worker, of which there is one a core each.
            instances: 2 * thread::available_parallelism().map_or(1, usize::from),
            handed: 128 << 20,
            growth: 8,
            log_lines: 10,
        }
    }
}

/// Counts the memory of one instance and refuses more than its limit.
#[derive(Debug)]
pub(super) struct Meter {
    limit: usize,
    used: usize,
    /// What all instances of a processor use.
    total: Arc<Gauge>,
    /// A growth was refused: whatever the guest makes of that, the instance is not used again.
    breached: bool,
}

impl Meter {
    /// A meter of nothing yet, which adds to `total` for as long as it lives.
    pub(super) fn new(limit: usize, total: &Arc<Gauge>) -> Self {
        Self {
            limit,
            used: 0,
            total: Arc::clone(total),
            breached: false,
        }
    }

    /// The linear memory in use, in bytes.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Whether more than the limit was asked for.
    pub(super) fn breached(&self) -> bool {
        self.breached
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.total.subtract(bytes(self.used));
    }
}

fn bytes(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        if used > self.limit {
            self.breached = true;
            return Ok(false);
        }
        self.total.add(bytes(used - self.used));
        self.used = used;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES as usize
    }

    fn tables(&self) -> usize {
        TABLES as usize
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_together_have_the_limit_and_no_more() {
        let total = Arc::default();
        let mut meter = Meter::new(100, &total);
        assert!(meter.memory_growing(0, 60, None).unwrap());
        assert!(meter.memory_growing(0, 40, None).unwrap());
        assert_eq!(
            (meter.used(), meter.breached(), total.get()),
            (100, false, 100)
        );
        assert!(!meter.memory_growing(40, 41, None).unwrap());
        assert_eq!(
            (meter.used(), meter.breached(), total.get()),
            (100, true, 100)
        );
        drop(meter);
        assert_eq!(total.get(), 0);
    }

    #[test]
    fn a_table_has_so_many_elements_and_no_more() {
        let mut meter = Meter::new(0, &Arc::default());
        assert!(meter.table_growing(0, TABLE_ELEMENTS, None).unwrap());
        assert!(!meter.table_growing(0, TABLE_ELEMENTS + 1, None).unwrap());
    }
}
