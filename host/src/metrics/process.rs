//! What the operating system knows of the process.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use super::list;
use super::snapshot::Snapshot;

/// When the process started, but for a blink.
static START: LazyLock<SystemTime> = LazyLock::new(SystemTime::now);

/// To be called first of all: from now on the process is there.
pub fn begin() {
    LazyLock::force(&START);
}

/// When the process started.
pub(super) fn start() -> SystemTime {
    *START
}

pub(super) fn collect(into: &mut Snapshot) {
    let started = start().duration_since(UNIX_EPOCH).unwrap_or_default();
    into.add(&list::BUILD, [env!("CARGO_PKG_VERSION")], 1_u64);
    into.add(&list::PROCESS_START, [], started.as_secs_f64());
    into.add(&list::PROCESS_CPU, [], cpu().as_secs_f64());
    if let Some(bytes) = resident() {
        into.add(&list::PROCESS_MEMORY, [], bytes);
    }
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// The resident memory in bytes, where /proc tells it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}
