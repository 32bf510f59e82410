//! The machine: which cores a process runs on, and the CPU time and memory that it took.

use std::collections::HashMap;
use std::fs;

use anyhow::Context;
use rustix::thread::{CpuSet, sched_setaffinity};
use serde::Serialize;

/// What a report was made on.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// The processor, as it calls itself.
    pub processor: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// The kernel's release.
    pub kernel: String,
}

impl Machine {
    /// This machine.
    pub fn this() -> anyhow::Result<Self> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo")?;
        let processor = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split(':').nth(1))
            .unwrap_or("unknown");
        Ok(Self {
            processor: processor.trim().to_owned(),
            cores: std::thread::available_parallelism()?.get(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?
                .trim()
                .to_owned(),
        })
    }
}

/// Binds the calling thread, and so every thread it starts, to these cores.
pub fn pin(cores: &[usize]) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    sched_setaffinity(None, &set).with_context(|| format!("cores {cores:?} could not be had"))
}

/// The CPU time of a process, also of its threads that have ended, but for what they did since they were looked at last.
pub struct CpuClock {
    pid: u32,
    threads: HashMap<String, u64>,
}

impl CpuClock {
    /// A clock of this process.
    pub fn of(pid: u32) -> Self {
        Self {
            pid,
            threads: HashMap::new(),
        }
    }

    /// The time until now in nanoseconds, user and system.
    pub fn now(&mut self) -> anyhow::Result<u64> {
        for task in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            let task = task?;
            // A thread may end meanwhile.
            let Ok(text) = fs::read_to_string(task.path().join("schedstat")) else {
                continue;
            };
            let time = text.split(' ').next().context("schedstat is empty")?;
            let thread = task.file_name().to_string_lossy().into_owned();
            self.threads.insert(thread, time.parse()?);
        }
        Ok(self.threads.values().sum())
    }
}

/// The size of the file that a process runs, in bytes.
pub fn binary(pid: u32) -> anyhow::Result<u64> {
    Ok(fs::metadata(format!("/proc/{pid}/exe"))?.len())
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn the_time_of_a_thread_that_ended_is_not_forgotten() {
        let mut clock = CpuClock::of(std::process::id());
        let before = clock.now().unwrap();
        let busy = std::thread::spawn(|| {
            let start = Instant::now();
            while start.elapsed() < Duration::from_millis(50) {
                std::hint::spin_loop();
            }
        });
        while !busy.is_finished() {
            assert!(clock.now().unwrap() >= before);
        }
        let with = clock.now().unwrap();
        busy.join().unwrap();
        assert!(with > before);
        assert!(clock.now().unwrap() >= with);
    }
}
