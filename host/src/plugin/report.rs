//! What plugins report: log lines and counters. An instance stages them during a call and its processor's [`Sink`] gets
//! them after it, so that a call that is abandoned and made again is not told or counted twice.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::text::tame;
use crate::telemetry::Counter;

/// The most lines of one call. Does not limit those of a second, which `limits.log_lines` does.
const LINES: usize = 64;

/// The most counters of one processor; a further name is refused. Does not limit how far they count.
const COUNTERS: usize = 64;

/// The most bytes of a counter's name.
const LONGEST_NAME: usize = 64;

/// How bad a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// What one call reported.
#[derive(Debug, Default)]
pub(super) struct Report {
    lines: Vec<(Level, String)>,
    /// Lines beyond [`LINES`].
    dropped: u64,
    counts: BTreeMap<String, u64>,
}

/// Where the reports of one processor go.
#[derive(Debug)]
pub(super) struct Sink {
    processor: String,
    rate: Mutex<Rate>,
    dropped: Counter,
    counters: Mutex<BTreeMap<String, u64>>,
}

/// The lines left in the second that began at `since`.
#[derive(Debug)]
struct Rate {
    a_second: u32,
    left: u32,
    since: Instant,
    dropped: u64,
}

impl Level {
    /// The level of that name; one that later versions of the contract may add is `info`.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "debug" => Self::Debug,
            "warn" => Self::Warn,
            "error" => Self::Error,
            _ => Self::Info,
        }
    }
}

impl Report {
    pub(super) fn log(&mut self, level: Level, text: &str) {
        if self.lines.len() < LINES {
            self.lines.push((level, tame(text)));
        } else {
            self.dropped += 1;
        }
    }

    /// Leaves nothing of what the lines say: one that says so stands for all.
    pub(super) fn withhold(&mut self) {
        if let [(level, _), more @ ..] = self.lines.as_slice() {
            self.dropped += u64::try_from(more.len()).unwrap_or(u64::MAX);
            self.lines = vec![(*level, "withheld, since it fails closed".to_owned())];
        }
    }

    /// Adds to a counter; the error says what is wrong with its name.
    pub(super) fn count(&mut self, name: String, add: u32) -> Result<(), String> {
        let fits = (1..=LONGEST_NAME).contains(&name.len())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
        if !fits {
            return Err(format!(
                "a counter's name is 1 to {LONGEST_NAME} of the characters a-z A-Z 0-9 _ . -, not {:?}",
                tame(&name)
            ));
        }
        if self.counts.len() >= COUNTERS && !self.counts.contains_key(&name) {
            return Err(format!("a plugin has at most {COUNTERS} counters"));
        }
        let count = self.counts.entry(name).or_default();
        *count = count.saturating_add(add.into());
        Ok(())
    }
}

impl Sink {
    pub(super) fn new(processor: &str, lines_a_second: u32) -> Self {
        Self {
            processor: processor.to_owned(),
            rate: Mutex::new(Rate {
                a_second: lines_a_second,
                left: lines_a_second,
                since: Instant::now(),
                dropped: 0,
            }),
            dropped: Counter::default(),
            counters: Mutex::default(),
        }
    }

    /// Takes what a call reported; the counts of one that failed do not count.
    pub(super) fn take(&self, report: &mut Report, succeeded: bool) {
        if !report.lines.is_empty() {
            self.log(mem::take(&mut report.lines), mem::take(&mut report.dropped));
        }
        if report.counts.is_empty() {
            return;
        }
        let counts = mem::take(&mut report.counts);
        if !succeeded {
            return;
        }
        let mut counters = lock(&self.counters);
        for (name, add) in counts {
            if counters.len() < COUNTERS || counters.contains_key(&name) {
                let counter = counters.entry(name).or_default();
                *counter = counter.saturating_add(add);
            }
        }
    }

    /// The lines that were not logged: over the rate, or withheld.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    /// The counters and their values, by name.
    pub(super) fn counters(&self) -> Vec<(String, u64)> {
        lock(&self.counters)
            .iter()
            .map(|(name, value)| (name.clone(), *value))
            .collect()
    }

    fn log(&self, lines: Vec<(Level, String)>, dropped: u64) {
        let mut rate = lock(&self.rate);
        rate.dropped += dropped;
        self.dropped.add(dropped);
        for (level, text) in lines {
            if rate.takes(Instant::now()) {
                emit(level, &self.processor, &text, mem::take(&mut rate.dropped));
            } else {
                rate.dropped += 1;
                self.dropped.add(1);
            }
        }
    }
}

impl Rate {
    fn takes(&mut self, now: Instant) -> bool {
        if now.duration_since(self.since) >= Duration::from_secs(1) {
            self.since = now;
            self.left = self.a_second;
        }
        let takes = self.left > 0;
        self.left = self.left.saturating_sub(1);
        takes
    }
}

fn emit(level: Level, processor: &str, text: &str, dropped: u64) {
    match level {
        Level::Debug => tracing::debug!(processor, text, dropped, "a plugin logs"),
        Level::Info => tracing::info!(processor, text, dropped, "a plugin logs"),
        Level::Warn => tracing::warn!(processor, text, dropped, "a plugin logs"),
        Level::Error => tracing::error!(processor, text, dropped, "a plugin logs"),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Numbers are right whatever a panic interrupted.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_calls_that_succeed_add_up() {
        let sink = Sink::new("sample", 10);
        for succeeded in [true, false, true] {
            let mut report = Report::default();
            report.count("kept".to_owned(), 2).unwrap();
            report.count("kept".to_owned(), 3).unwrap();
            sink.take(&mut report, succeeded);
        }
        assert_eq!(sink.counters(), [("kept".to_owned(), 10)]);
    }

    #[test]
    fn a_name_that_is_none_and_one_too_many_are_refused() {
        let mut report = Report::default();
        for name in ["", "with space", "brace}", &"x".repeat(65)] {
            assert!(report.count(name.to_owned(), 1).is_err(), "{name:?}");
        }
        for name in 0..COUNTERS {
            report.count(format!("n{name}"), 1).unwrap();
        }
        assert!(report.count("n0".to_owned(), 1).is_ok());
        assert!(report.count("one.more".to_owned(), 1).is_err());
    }

    #[test]
    fn what_is_withheld_leaves_one_line_that_says_so() {
        let mut report = Report::default();
        report.withhold();
        assert!(report.lines.is_empty());
        for secret in 0..3 {
            report.log(Level::Warn, &format!("secret {secret}"));
        }
        report.withhold();
        let said = "withheld, since it fails closed".to_owned();
        assert_eq!(report.lines, [(Level::Warn, said)]);
        assert_eq!(report.dropped, 2);
    }

    #[test]
    fn lines_beyond_the_rate_are_dropped_until_the_next_second() {
        let start = Instant::now();
        let mut rate = Rate {
            a_second: 2,
            left: 2,
            since: start,
            dropped: 0,
        };
        let took: Vec<_> = [0, 10, 20, 999, 1_000, 1_001, 1_002]
            .map(|ms| rate.takes(start + Duration::from_millis(ms)))
            .to_vec();
        assert_eq!(took, [true, true, false, false, true, true, false]);
    }

    #[test]
    fn one_call_stages_a_bounded_number_of_lines() {
        let mut report = Report::default();
        for _ in 0..1_000 {
            report.log(Level::Info, "again");
        }
        assert_eq!(report.lines.len(), LINES);
        assert_eq!(report.dropped, 1_000 - 64);
    }
}
