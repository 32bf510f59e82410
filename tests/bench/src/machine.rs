//! The machine: which core a process runs on, and the CPU time and memory that it took.

use std::fs;

use anyhow::Context;
use rustix::thread::{CpuSet, sched_setaffinity};

/// Binds the calling thread, and so every thread it starts, to one core.
pub fn pin(core: usize) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).with_context(|| format!("core {core} could not be had"))
}

/// The CPU time of a process in nanoseconds: user and system, all threads that live.
pub fn cpu_time(pid: u32) -> anyhow::Result<u64> {
    let mut total = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        let time = text.split(' ').next().context("schedstat is empty")?;
        total += time.parse::<u64>()?;
    }
    Ok(total)
}

/// The most memory that a process held at one time, in KiB.
pub fn peak_memory(pid: u32) -> anyhow::Result<u64> {
    status(pid, "VmHWM:")
}

/// The memory that a process holds now, in KiB.
pub fn memory(pid: u32) -> anyhow::Result<u64> {
    status(pid, "VmRSS:")
}

fn status(pid: u32, key: &str) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .with_context(|| format!("no {key}"))?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
