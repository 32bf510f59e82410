//! Looks at a process over time.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time;

use crate::machine::{self, CpuClock, Used};

/// What a process had used at one time.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sample {
    /// Milliseconds since its start.
    pub at_ms: u64,
    /// Its CPU time in nanoseconds.
    pub cpu_ns: u64,
    /// Its resident memory in KiB.
    pub resident_kib: u64,
}

/// How often a process is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Looks at a process until it is dropped.
pub(super) struct Watch {
    clock: Arc<Mutex<CpuClock>>,
    samples: Arc<Mutex<Vec<Sample>>>,
    looking: tokio::task::JoinHandle<()>,
}

impl Watch {
    pub(super) fn start(pid: u32, start: Instant) -> Self {
        let clock = Arc::new(Mutex::new(CpuClock::of(pid)));
        let samples = Arc::new(Mutex::new(vec![]));
        let looking = tokio::spawn(look(pid, start, Arc::clone(&clock), Arc::clone(&samples)));
        Self {
            clock,
            samples,
            looking,
        }
    }

    /// What the process has used until now.
    pub(super) fn used(&self) -> anyhow::Result<Used> {
        self.clock.lock().expect("nobody panics").now()
    }

    /// What was seen.
    pub(super) fn end(self) -> Vec<Sample> {
        std::mem::take(&mut self.samples.lock().expect("nobody panics"))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

async fn look(
    pid: u32,
    start: Instant,
    clock: Arc<Mutex<CpuClock>>,
    samples: Arc<Mutex<Vec<Sample>>>,
) {
    let mut tick = time::interval(LOOK);
    tick.set_missed_tick_behavior(time::MissedTickBehavior::Skip);
    loop {
        tick.tick().await;
        let used = clock.lock().expect("nobody panics").now();
        let (Ok(used), Ok(resident_kib)) = (used, machine::memory(pid)) else {
            return;
        };
        samples.lock().expect("nobody panics").push(Sample {
            at_ms: start.elapsed().as_millis() as u64,
            cpu_ns: used.cpu_ns,
            resident_kib,
        });
    }
}
