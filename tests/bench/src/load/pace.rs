//! When each request is to be sent, and a clock that says so: a thread that sleeps until then, since tokio's clock has
//! milliseconds, which would be most of what is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// Gives each sender its next request.
pub(super) struct Schedule {
    start: Instant,
    end: Instant,
    rate: Option<f64>,
    next: AtomicU64,
    /// One for each request that is due, in their order.
    ticks: Semaphore,
}

/// What a sender is to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// Send the request of this number at this time, or at once if it is over.
    At(u64, Instant),
    /// Count a request of this time that was not sent before the load's end.
    TooLate(Instant),
    /// Stop.
    Over,
}

impl Schedule {
    /// Requests at `rate` a second, or as soon as a sender is free, for so long.
    pub(super) fn start(
        start: Instant,
        duration: Duration,
        rate: Option<f64>,
    ) -> anyhow::Result<Arc<Self>> {
        let schedule = Arc::new(Self::new(start, duration, rate));
        if let Some(rate) = rate {
            let schedule = Arc::clone(&schedule);
            thread::Builder::new()
                .name("pace".to_owned())
                .spawn(move || schedule.tick(rate))?;
        }
        Ok(schedule)
    }

    fn new(start: Instant, duration: Duration, rate: Option<f64>) -> Self {
        Self {
            start,
            end: start + duration,
            rate,
            next: AtomicU64::new(0),
            ticks: Semaphore::new(0),
        }
    }

    fn due(&self, index: u64, rate: f64) -> Instant {
        self.start + Duration::from_secs_f64(index as f64 / rate)
    }

    fn tick(&self, rate: f64) {
        for index in 0.. {
            let due = self.due(index, rate);
            if due >= self.end {
                return;
            }
            loop {
                let left = due.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                thread::park_timeout(left);
            }
            self.ticks.add_permits(1);
        }
    }

    /// Waits until the request that was taken is due. Requests are taken and waited for in one order.
    pub(super) async fn wait(&self) {
        if self.rate.is_some() {
            let tick = self.ticks.acquire().await;
            tick.expect("nobody closes it").forget();
        }
    }

    pub(super) fn began(&self) -> Instant {
        self.start
    }

    pub(super) fn end(&self) -> Instant {
        self.end
    }

    pub(super) fn take(&self, now: Instant) -> Slot {
        let Some(rate) = self.rate else {
            return if now < self.end {
                Slot::At(self.next.fetch_add(1, Ordering::Relaxed), now)
            } else {
                Slot::Over
            };
        };
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let due = self.due(index, rate);
        match () {
            () if due >= self.end => Slot::Over,
            () if now >= self.end => Slot::TooLate(due),
            () => Slot::At(index, due),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn requests_at_a_rate_are_due_at_equal_distances_whoever_is_late() {
        let start = Instant::now();
        let schedule = Schedule::new(start, SECOND, Some(4.0));
        let due = |quarters| start + SECOND * quarters / 4;
        assert_eq!(schedule.take(start), Slot::At(0, due(0)));
        // Nobody was free for a while; what was due meanwhile is still due then.
        let late = start + SECOND * 7 / 10;
        assert_eq!(schedule.take(late), Slot::At(1, due(1)));
        assert_eq!(schedule.take(late), Slot::At(2, due(2)));
        // The last one was not sent in time, and is not forgotten.
        assert_eq!(schedule.take(start + SECOND), Slot::TooLate(due(3)));
        assert_eq!(schedule.take(start + SECOND), Slot::Over);
    }

    #[test]
    fn flat_out_a_request_is_due_when_a_sender_is_free() {
        let start = Instant::now();
        let schedule = Schedule::new(start, SECOND, None);
        let later = start + SECOND / 2;
        assert_eq!(schedule.take(start), Slot::At(0, start));
        assert_eq!(schedule.take(later), Slot::At(1, later));
        assert_eq!(schedule.take(start + SECOND), Slot::Over);
    }

    #[tokio::test]
    async fn a_sender_waits_until_its_request_is_due() {
        let start = Instant::now();
        let schedule = Schedule::start(start, Duration::from_millis(12), Some(250.0)).unwrap();
        for millis in [0, 4, 8] {
            schedule.wait().await;
            assert!(start.elapsed() >= Duration::from_millis(millis));
        }
    }
}
