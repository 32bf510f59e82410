//! The `keep` rules: rows that stay whatever becomes of their trace.

use otlet_conditions::Opened;
use otlet_plugin::{Batch, Column, Error, Mask, Signal, Table};

use crate::config::Keep as Config;
use crate::rates::opened;

/// OTLP's `STATUS_CODE_ERROR`.
const STATUS_ERROR: i64 = 2;

/// OTLP's `SEVERITY_NUMBER_ERROR`, the lowest of the severities that are errors.
const SEVERITY_ERROR: i64 = 17;

/// The rules of a config.
#[derive(Debug)]
pub(crate) struct Keep {
    rules: Vec<Rule>,
    when: Option<Opened>,
}

/// Keeps the records of one signal for what stands in one column.
#[derive(Debug)]
struct Rule {
    signal: Signal,
    column: Column,
    test: Test,
}

#[derive(Clone, Copy, Debug)]
enum Test {
    Is(i64),
    AtLeast(i64),
    /// A length of time, which is unsigned and travels as its two's complement.
    LongerThan(u64),
}

impl Keep {
    /// Opens the columns that the rules look at.
    pub(crate) fn open(keep: &Config) -> Result<Self, Error> {
        let mut rules = Vec::new();
        let mut add = |signal, path, test| {
            let column = Column::open(path)?;
            rules.push(Rule {
                signal,
                column,
                test,
            });
            Ok::<(), Error>(())
        };
        if keep.errors {
            add(Signal::Traces, "span.status.code", Test::Is(STATUS_ERROR))?;
            add(
                Signal::Logs,
                "log.severity_number",
                Test::AtLeast(SEVERITY_ERROR),
            )?;
        }
        if let Some(limit) = keep.slower_than {
            add(Signal::Traces, "span.duration", Test::LongerThan(limit.0))?;
        }
        let when = keep.when.as_ref().map(|when| opened(when, "keep.when"));
        Ok(Self {
            rules,
            when: when.transpose()?,
        })
    }

    /// The records that a rule keeps. Without a rule for the signal no column is read.
    pub(crate) fn records(&self, batch: &Batch) -> Mask {
        let signal = batch.signal();
        let when = self.when.as_ref().map(|when| when.holds(batch));
        let mut kept = when.unwrap_or_default();
        for rule in self.rules.iter().filter(|rule| rule.signal == signal) {
            if kept.is_empty() {
                kept = Mask::none(batch.rows(Table::Record));
            }
            for (row, value) in batch.integers(&rule.column).iter().enumerate() {
                if value.is_some_and(|value| rule.test.holds(value)) {
                    kept.set(row, true);
                }
            }
        }
        kept
    }
}

impl Test {
    fn holds(self, value: i64) -> bool {
        match self {
            Self::Is(wanted) => value == wanted,
            Self::AtLeast(least) => value >= least,
            Self::LongerThan(limit) => value.cast_unsigned() > limit,
        }
    }
}
