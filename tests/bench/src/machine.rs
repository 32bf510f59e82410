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

/// Nanoseconds that threads had a core, and those that they waited for one because others had it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// User and system.
    pub cpu_ns: u64,
    /// What shows that the machine was busy with something else, or the program with more threads than cores.
    pub waited_ns: u64,
}

impl Used {
    /// What was used since then.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            cpu_ns: self.cpu_ns - before.cpu_ns,
            waited_ns: self.waited_ns - before.waited_ns,
        }
    }
}

/// The CPU time of a process, also of its threads that have ended, but for what they did since they were looked at last.
pub struct CpuClock {
    pid: u32,
    threads: HashMap<String, Used>,
}

impl CpuClock {
    /// A clock of this process.
    pub fn of(pid: u32) -> Self {
        Self {
            pid,
            threads: HashMap::new(),
        }
    }

    /// The time until now.
    pub fn now(&mut self) -> anyhow::Result<Used> {
        for task in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            let task = task?;
            // A thread may end meanwhile.
            let Ok(text) = fs::read_to_string(task.path().join("schedstat")) else {
                continue;
            };
            let mut times = text.split(' ').map(str::parse::<u64>);
            let mut time = || times.next().context("schedstat has no such figure");
            let used = Used {
                cpu_ns: time()??,
                waited_ns: time()??,
            };
            let thread = task.file_name().to_string_lossy().into_owned();
            self.threads.insert(thread, used);
        }
        let sum = |sum: Used, used: &Used| Used {
            cpu_ns: sum.cpu_ns + used.cpu_ns,
            waited_ns: sum.waited_ns + used.waited_ns,
        };
        Ok(self.threads.values().fold(Used::default(), sum))
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
        let mut cpu = || clock.now().unwrap().cpu_ns;
        let before = cpu();
        let busy = std::thread::spawn(|| {
            let start = Instant::now();
            while start.elapsed() < Duration::from_millis(50) {
                std::hint::spin_loop();
            }
        });
        while !busy.is_finished() {
            assert!(cpu() >= before);
        }
        let with = cpu();
        busy.join().unwrap();
        assert!(with > before);
        assert!(cpu() >= with);
    }
}
