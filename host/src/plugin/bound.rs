//! How long one call may take.

use std::fmt;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::ticker::TICK;

/// A call on the thread of a receiver is stopped after this, so that it stalls no other connection for longer.
pub(super) const SLICE: Duration = Duration::from_millis(5);

/// The CPU time of `describe`, `configure` and what runs before them, at load or in a new instance: a Python plugin takes a
/// second. Does not limit how often instances are made, which is at most once a batch.
#[cfg(not(test))]
pub(super) const START: Duration = Duration::from_secs(10);
/// The guests of the tests start at once, and one of them spins for as long as this.
#[cfg(test)]
pub(super) const START: Duration = Duration::from_secs(1);

/// Wall time is an outer bound of this many times the CPU time, since a paused container or a busy machine is no slow
/// plugin; only a guest that sleeps in the host meets it.
pub(super) const WALL: u32 = 10;

/// The clocks of one call, read at every epoch.
#[derive(Debug)]
pub(super) struct Bound {
    started: Instant,
    /// At the first epoch of the call: what is counted until then, and the thread's CPU time. Reading that costs a system
    /// call, which a call that ends within a tick should not pay for.
    first: Option<(Duration, Duration)>,
    cpu: Duration,
    inline: bool,
}

/// Why a call was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It took longer than an inline call may.
    Slow,
    /// It took longer than its deadline.
    Deadline(Duration),
}

impl Bound {
    /// From now on: `cpu` of CPU time, ten times that on the wall.
    pub(super) fn worker(cpu: Duration) -> Self {
        Self {
            started: Instant::now(),
            first: None,
            cpu,
            inline: false,
        }
    }

    /// From now on: `cpu` as for a worker, and stopped as [`Stop::Slow`] after [`SLICE`].
    pub(super) fn inline(cpu: Duration) -> Self {
        Self {
            inline: true,
            ..Self::worker(cpu)
        }
    }

    /// The most time on the wall.
    pub(super) fn wall(&self) -> Duration {
        self.cpu.saturating_mul(WALL)
    }

    pub(super) fn deadline(&self) -> Stop {
        Stop::Deadline(self.cpu)
    }

    pub(super) fn check(&mut self) -> Result<(), Stop> {
        let now = thread_cpu();
        let until_first = self.started.elapsed().min(TICK);
        let (counted, first) = *self.first.get_or_insert((until_first, now));
        let used = counted + now.saturating_sub(first);
        if used >= self.cpu || self.started.elapsed() >= self.wall() {
            return Err(self.deadline());
        }
        if self.inline && used >= SLICE {
            return Err(Stop::Slow);
        }
        Ok(())
    }

    /// What the call has cost so far: CPU time if it ran long enough to be measured, else time on the wall.
    pub(super) fn cost(&self) -> Duration {
        match self.first {
            Some((counted, first)) => counted + thread_cpu().saturating_sub(first),
            None => self.started.elapsed(),
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slow => f.write_str("it took longer than an inline call may"),
            Self::Deadline(limit) => write!(
                f,
                "it took longer than its deadline of {} ms",
                limit.as_millis()
            ),
        }
    }
}

impl std::error::Error for Stop {}

fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn burn(cpu: Duration) {
        let from = thread_cpu();
        while thread_cpu() < from + cpu {}
    }

    #[test]
    fn a_call_within_its_bounds_goes_on() {
        let mut bound = Bound::inline(Duration::from_secs(1));
        assert_eq!(bound.check(), Ok(()));
        burn(Duration::from_millis(1));
        assert_eq!(bound.check(), Ok(()));
    }

    #[test]
    fn an_inline_call_is_slow_after_its_slice() {
        let mut bound = Bound::inline(Duration::from_secs(1));
        assert_eq!(bound.check(), Ok(()));
        burn(SLICE);
        assert_eq!(bound.check(), Err(Stop::Slow));
    }

    #[test]
    fn cpu_time_runs_out() {
        let limit = Duration::from_millis(2);
        let mut bound = Bound::worker(limit);
        assert_eq!(bound.check(), Ok(()));
        burn(limit);
        assert_eq!(bound.check(), Err(Stop::Deadline(limit)));
    }

    #[test]
    fn wall_time_runs_out_without_cpu_time() {
        let limit = Duration::from_micros(100);
        let mut bound = Bound::worker(limit);
        let end = bound.started + limit * WALL;
        while Instant::now() < end {
            thread::park_timeout(limit);
        }
        assert_eq!(bound.check(), Err(Stop::Deadline(limit)));
    }
}
