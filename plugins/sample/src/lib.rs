//! otlet's plugin `sample`: keeps a share of the traces, the same traces wherever the share is applied.
//!
//! Consistent probability sampling by the OpenTelemetry specification. A kept span leaves with the threshold that it has
//! passed in its trace state (`ot=th:e666`), because that is how a backend knows that it stands for ten; without it every
//! count and rate that is derived from spans would be a tenth of the truth. Logs follow their trace and say nothing of it,
//! since OTLP has no place for it. The README is for users.

mod config;
mod decision;
mod duration;
mod rules;
mod threshold;
mod tracestate;

use otlet_plugin::{Batch, Column, Error, Manifest, Mask, Plugin, Signal, Table, TextEdits};

pub use config::{Config, Keep};
use decision::{Decision, decide};
pub use duration::Duration;
use rules::Rules;
use threshold::PRECISION;
pub use threshold::{Randomness, Threshold};
pub use tracestate::{Sampling, sampling, with_threshold};

/// The plugin.
#[derive(Debug)]
pub struct Sample {
    /// What the rest has to reach; nothing where all is kept.
    threshold: Option<Threshold>,
    rules: Rules,
    trace_id: Column,
    trace_state: Column,
}

impl Plugin for Sample {
    type Config = Config;

    fn manifest() -> Manifest {
        Manifest::new(env!("CARGO_PKG_VERSION")).signals([Signal::Traces, Signal::Logs])
    }

    fn new(config: Config) -> Result<Self, Error> {
        config.check()?;
        let share = config.percentage.map(|percentage| percentage / 100.0);
        let threshold = share.map(|share| Threshold::of_share(share, PRECISION));
        Ok(Self {
            threshold: threshold.filter(|threshold| *threshold != Threshold::KEEP_ALL),
            rules: Rules::open(&config.keep)?,
            trace_id: Column::open("record.trace_id")?,
            trace_state: Column::open("span.trace_state")?,
        })
    }

    fn process(&mut self, batch: &mut Batch) -> Result<(), Error> {
        let Some(threshold) = self.threshold else {
            return Ok(());
        };
        let by_rule = self.rules.kept(batch);
        match batch.signal() {
            Signal::Traces => self.sample_spans(batch, threshold, &by_rule),
            _ => self.sample_logs(batch, threshold, &by_rule),
        }
        Ok(())
    }
}

impl Sample {
    fn sample_spans(&self, batch: &mut Batch, threshold: Threshold, by_rule: &Mask) {
        let ids = batch.trace_ids(&self.trace_id);
        let states = batch.texts(&self.trace_state);
        let mut new = NewStates::default();
        let kept = Mask::from_fn(ids.len(), |row| {
            let wanted = if by_rule.get(row) {
                Threshold::KEEP_ALL
            } else {
                threshold
            };
            let state = states.get(row);
            let upstream = state.map(sampling).unwrap_or_default();
            let decision = decide(wanted, ids.get(row).copied(), upstream);
            if let Decision::KeepAt(reached) = decision {
                new.push(row, state, reached);
            }
            decision != Decision::Drop
        });
        new.write(batch, &self.trace_state, threshold);
        batch.retain(Table::Record, &kept);
    }

    fn sample_logs(&self, batch: &mut Batch, threshold: Threshold, by_rule: &Mask) {
        let ids = batch.trace_ids(&self.trace_id);
        let kept = Mask::from_fn(ids.len(), |row| {
            let id = ids.get(row).copied();
            by_rule.get(row) || decide(threshold, id, Sampling::default()) != Decision::Drop
        });
        batch.retain(Table::Record, &kept);
    }
}

/// The trace states of kept spans. Where there was none, all spans of a threshold get the same: one call for all of them.
#[derive(Default)]
struct NewStates {
    sampled: Vec<usize>,
    by_rule: Vec<usize>,
    changed: TextEdits,
}

impl NewStates {
    fn push(&mut self, row: usize, state: Option<&str>, reached: Threshold) {
        match state {
            Some(state) => self.changed.push(row, &with_threshold(state, reached)),
            None if reached == Threshold::KEEP_ALL => self.by_rule.push(row),
            None => self.sampled.push(row),
        }
    }

    fn write(&self, batch: &mut Batch, trace_state: &Column, threshold: Threshold) {
        batch.fill(trace_state, &self.sampled, with_threshold("", threshold));
        batch.fill(
            trace_state,
            &self.by_rule,
            with_threshold("", Threshold::KEEP_ALL),
        );
        batch.set_texts(trace_state, &self.changed);
    }
}

otlet_plugin::export!(Sample);
