//! When a failed request is tried again: exponential back-off with jitter, never before the backend wants it.

use std::time::{Duration, Instant};

use super::Retry;

/// How long the senders that wait for the backend's answer are made to wait for its recovery: they give up after 10 s,
/// without trying again, and half of that is left for the last attempt.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest wait that a backend can ask for; an `Instant` cannot go on for ever.
const LONGEST: Duration = Duration::from_hours(24);

/// The waits of one request.
pub(super) struct Backoff<'a> {
    retry: &'a Retry,
    interval: Duration,
    /// When it is given up.
    end: Option<Instant>,
}

impl<'a> Backoff<'a> {
    /// The waits of a request whose first attempt begins `now`. `answered` says that a sender waits for its end.
    pub(super) fn new(retry: &'a Retry, now: Instant, answered: bool) -> Self {
        let most = Some(retry.max_elapsed_time).filter(|most| !most.is_zero());
        let most = if answered {
            Some(most.map_or(PATIENCE, |most| most.min(PATIENCE)))
        } else {
            most
        };
        Self {
            retry,
            interval: retry.initial_interval,
            end: most.and_then(|most| now.checked_add(most)),
        }
    }

    /// How long to wait after an attempt that ended `now`, at least as long as the backend asked for; none if the request
    /// is to be given up.
    pub(super) fn next(&mut self, now: Instant, asked: Option<Duration>) -> Option<Duration> {
        if !self.retry.enabled {
            return None;
        }
        let wait = self.jitter().max(asked.unwrap_or_default()).min(LONGEST);
        let grown = self.interval.as_secs_f64() * self.retry.multiplier;
        self.interval = Duration::try_from_secs_f64(grown)
            .unwrap_or(self.retry.max_interval)
            .min(self.retry.max_interval);
        let then = now.checked_add(wait)?;
        self.end.is_none_or(|end| then <= end).then_some(wait)
    }

    fn jitter(&self) -> Duration {
        let factor = 1.0 + self.retry.randomization_factor * (2.0 * fastrand::f64() - 1.0);
        Duration::try_from_secs_f64(self.interval.as_secs_f64() * factor).unwrap_or(self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact() -> Retry {
        Retry {
            randomization_factor: 0.0,
            ..Retry::default()
        }
    }

    fn seconds(waits: &[Option<Duration>]) -> Vec<Option<f64>> {
        waits
            .iter()
            .map(|wait| wait.map(|wait| (wait.as_secs_f64() * 1000.0).round() / 1000.0))
            .collect()
    }

    #[test]
    fn waits_grow_by_the_multiplier_up_to_the_longest() {
        let retry = Retry {
            max_elapsed_time: Duration::ZERO,
            ..exact()
        };
        let now = Instant::now();
        let mut backoff = Backoff::new(&retry, now, false);
        let waits: Vec<_> = (0..7).map(|_attempt| backoff.next(now, None)).collect();
        assert_eq!(
            seconds(&waits),
            [5.0, 7.5, 11.25, 16.875, 25.313, 30.0, 30.0].map(Some)
        );
    }

    #[test]
    fn jitter_stays_within_its_part_and_uses_it() {
        let retry = Retry::default();
        let now = Instant::now();
        let waits: Vec<_> = (0..400)
            .map(|_request| Backoff::new(&retry, now, false).next(now, None).unwrap())
            .collect();
        let (least, most) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
        assert!(*least >= Duration::from_millis(2500) && *most <= Duration::from_millis(7500));
        assert!(*least + Duration::from_secs(3) < *most);
    }

    #[test]
    fn a_wait_is_at_least_what_the_backend_asks_for() {
        let now = Instant::now();
        let retry = exact();
        let mut backoff = Backoff::new(&retry, now, false);
        let asked = Duration::from_mins(1);
        assert_eq!(backoff.next(now, Some(asked)), Some(asked));
        let short = backoff.next(now, Some(Duration::from_millis(1)));
        assert_eq!(seconds(&[short]), [Some(7.5)]);
    }

    #[test]
    fn a_request_is_given_up_when_its_next_attempt_would_be_too_late() {
        let now = Instant::now();
        let retry = Retry {
            max_elapsed_time: Duration::from_secs(10),
            ..exact()
        };
        let mut backoff = Backoff::new(&retry, now, false);
        assert!(backoff.next(now, None).is_some());
        assert_eq!(backoff.next(now + Duration::from_secs(5), None), None);
        let mut backoff = Backoff::new(&retry, now, false);
        assert_eq!(backoff.next(now, Some(Duration::from_secs(11))), None);
    }

    #[test]
    fn a_sender_that_waits_is_not_made_to_wait_longer_than_it_will() {
        let now = Instant::now();
        let retry = Retry {
            max_elapsed_time: Duration::ZERO,
            ..exact()
        };
        assert!(Backoff::new(&retry, now, true).next(now, None).is_some());
        let late = now + Duration::from_millis(1);
        assert_eq!(Backoff::new(&retry, now, true).next(late, None), None);
    }

    #[test]
    fn no_retry_means_one_attempt() {
        let retry = Retry {
            enabled: false,
            ..exact()
        };
        let now = Instant::now();
        assert_eq!(Backoff::new(&retry, now, false).next(now, None), None);
    }

    #[test]
    fn hostile_numbers_do_no_harm() {
        let retry = Retry {
            initial_interval: Duration::MAX,
            max_interval: Duration::MAX,
            multiplier: f64::INFINITY,
            max_elapsed_time: Duration::ZERO,
            ..Retry::default()
        };
        let now = Instant::now();
        let mut backoff = Backoff::new(&retry, now, false);
        for _attempt in 0..3 {
            assert_eq!(backoff.next(now, Some(Duration::MAX)), Some(LONGEST));
        }
    }
}
