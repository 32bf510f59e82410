//! What came of a load: answers, records, and how long the answers took.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::client::Answer;

/// What came of a load.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Requests that were acknowledged.
    pub acknowledged: u64,
    /// Requests that were refused and may be sent again.
    pub retryable: u64,
    /// Requests that were refused for good.
    pub permanent: u64,
    /// Requests without an answer.
    pub failed: u64,
    /// Requests that were due, but not sent before the end, since too many waited for an answer.
    pub unsent: u64,
    /// Records of the requests that were acknowledged, less those that the answer says were rejected.
    pub records: u64,
    /// How long it took until the last answer, in seconds.
    pub seconds: f64,
    /// How long the acknowledged took.
    pub latency: Latency,
    /// The same for each second.
    pub each_second: Vec<Second>,
}

impl Outcome {
    /// That of no load for so long.
    pub fn none(seconds: f64) -> Self {
        Self {
            acknowledged: 0,
            retryable: 0,
            permanent: 0,
            failed: 0,
            unsent: 0,
            records: 0,
            seconds,
            latency: Latency::default(),
            each_second: vec![],
        }
    }
}

/// Percentiles in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Latency {
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p999: u64,
    pub max: u64,
}

/// The answers of one second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Second {
    /// Requests that were acknowledged.
    pub acknowledged: u64,
    /// Half of them took less, in microseconds.
    pub p50: u64,
    /// 99 % of them took less.
    pub p99: u64,
}

/// The longest latency that is told apart, in microseconds.
const LONGEST: u64 = 600_000_000;
/// Digits that are told apart, of the whole and of its seconds, which are many.
const DIGITS: u8 = 3;
const DIGITS_OF_A_SECOND: u8 = 2;

/// What one sender counts.
pub(super) struct Tally {
    start: Instant,
    latencies: Histogram<u64>,
    seconds: Vec<Histogram<u64>>,
    acknowledged: u64,
    retryable: u64,
    permanent: u64,
    failed: u64,
    unsent: u64,
    records: u64,
}

fn histogram(digits: u8) -> anyhow::Result<Histogram<u64>> {
    // What is longer counts as the longest: it grows to no more.
    Ok(Histogram::new_with_bounds(1, LONGEST, digits)?)
}

impl Tally {
    pub(super) fn new(start: Instant) -> anyhow::Result<Self> {
        Ok(Self {
            start,
            latencies: histogram(DIGITS)?,
            seconds: vec![],
            acknowledged: 0,
            retryable: 0,
            permanent: 0,
            failed: 0,
            unsent: 0,
            records: 0,
        })
    }

    /// Counts an answer to a request that was due at one time and answered at another.
    pub(super) fn answered(
        &mut self,
        due: Instant,
        at: Instant,
        records: u64,
        answer: &Answer,
    ) -> anyhow::Result<()> {
        match answer {
            Answer::Acknowledged { rejected } => {
                self.acknowledged += 1;
                self.records += records.saturating_sub(*rejected);
                let latency = micros(at.saturating_duration_since(due));
                self.latencies.saturating_record(latency);
                self.second(due)?.saturating_record(latency);
            }
            Answer::Retryable => self.retryable += 1,
            Answer::Permanent => self.permanent += 1,
            Answer::Failed => self.failed += 1,
        }
        Ok(())
    }

    /// Counts a request that was due and not sent before the end: it waited until then at least.
    pub(super) fn unsent(&mut self, due: Instant, end: Instant) -> anyhow::Result<()> {
        self.unsent += 1;
        let waited = micros(end.saturating_duration_since(due));
        self.latencies.saturating_record(waited);
        Ok(())
    }

    fn second(&mut self, due: Instant) -> anyhow::Result<&mut Histogram<u64>> {
        let index = due.saturating_duration_since(self.start).as_secs() as usize;
        while self.seconds.len() <= index {
            self.seconds.push(histogram(DIGITS_OF_A_SECOND)?);
        }
        Ok(&mut self.seconds[index])
    }

    pub(super) fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.latencies.add(&other.latencies)?;
        while self.seconds.len() < other.seconds.len() {
            self.seconds.push(histogram(DIGITS_OF_A_SECOND)?);
        }
        for (second, other) in self.seconds.iter_mut().zip(&other.seconds) {
            second.add(other)?;
        }
        self.acknowledged += other.acknowledged;
        self.retryable += other.retryable;
        self.permanent += other.permanent;
        self.failed += other.failed;
        self.unsent += other.unsent;
        self.records += other.records;
        Ok(())
    }

    pub(super) fn outcome(&self, took: Duration) -> Outcome {
        let at = |quantile| self.latencies.value_at_quantile(quantile);
        Outcome {
            acknowledged: self.acknowledged,
            retryable: self.retryable,
            permanent: self.permanent,
            failed: self.failed,
            unsent: self.unsent,
            records: self.records,
            seconds: took.as_secs_f64(),
            latency: Latency {
                p50: at(0.5),
                p90: at(0.9),
                p99: at(0.99),
                p999: at(0.999),
                max: self.latencies.max(),
            },
            each_second: self
                .seconds
                .iter()
                .map(|second| Second {
                    acknowledged: second.len(),
                    p50: second.value_at_quantile(0.5),
                    p99: second.value_at_quantile(0.99),
                })
                .collect(),
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).map_or(LONGEST, |micros| micros.clamp(1, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACKNOWLEDGED: Answer = Answer::Acknowledged { rejected: 0 };

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn percentiles_are_those_of_all_senders_together() {
        let start = Instant::now();
        let mut whole = Tally::new(start).unwrap();
        for half in [1..=500, 501..=1000] {
            let mut tally = Tally::new(start).unwrap();
            for millis in half {
                tally
                    .answered(start, after(start, millis), 10, &ACKNOWLEDGED)
                    .unwrap();
            }
            whole.add(&tally).unwrap();
        }
        let outcome = whole.outcome(Duration::from_secs(1));
        // Three digits: a value stands for those within a thousandth.
        let near = |found: u64, millis: u64| found.abs_diff(millis * 1000) <= millis;
        let latency = &outcome.latency;
        assert!(near(latency.p50, 500), "{latency:?}");
        assert!(near(latency.p90, 900), "{latency:?}");
        assert!(near(latency.p99, 990), "{latency:?}");
        assert!(near(latency.p999, 999), "{latency:?}");
        assert!(near(latency.max, 1000), "{latency:?}");
        assert_eq!((outcome.acknowledged, outcome.records), (1000, 10_000));
    }

    #[test]
    fn answers_are_told_apart_and_only_acknowledged_records_count() {
        let start = Instant::now();
        let mut tally = Tally::new(start).unwrap();
        for answer in [
            Answer::Acknowledged { rejected: 3 },
            Answer::Retryable,
            Answer::Permanent,
            Answer::Failed,
        ] {
            tally.answered(start, after(start, 1), 10, &answer).unwrap();
        }
        let found = tally.outcome(Duration::from_secs(1));
        assert_eq!(
            [
                found.acknowledged,
                found.retryable,
                found.permanent,
                found.failed,
                found.records
            ],
            [1, 1, 1, 1, 7]
        );
        assert_eq!(found.latency.max, 1000);
    }

    #[test]
    fn a_request_that_was_never_sent_has_waited_until_the_end() {
        let start = Instant::now();
        let mut tally = Tally::new(start).unwrap();
        tally
            .answered(start, after(start, 1), 10, &ACKNOWLEDGED)
            .unwrap();
        tally.unsent(after(start, 10), after(start, 1010)).unwrap();
        let found = tally.outcome(Duration::from_secs(1));
        assert_eq!((found.acknowledged, found.unsent), (1, 1));
        assert!(found.latency.max.abs_diff(1_000_000) <= 1000);
    }

    #[test]
    fn a_stall_shows_in_the_second_in_which_requests_were_due() {
        let start = Instant::now();
        let mut tally = Tally::new(start).unwrap();
        for (due, answered) in [(0, 1), (1000, 2500), (2000, 2501), (2600, 2601)] {
            tally
                .answered(after(start, due), after(start, answered), 1, &ACKNOWLEDGED)
                .unwrap();
        }
        let seconds = tally.outcome(Duration::from_secs(3)).each_second;
        let found: Vec<_> = seconds.iter().map(|second| second.acknowledged).collect();
        assert_eq!(found, [1, 1, 2]);
        assert!(seconds[1].p99 >= 1_499_000);
        assert!(seconds[0].p99 <= 1_010);
    }
}
