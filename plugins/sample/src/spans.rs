//! Spans: sampled by what their trace state says and by their trace id, and told of it in the trace state.

use std::collections::BTreeMap;

use otlet_plugin::{Batch, Column, Error, Mask, Table, TextEdits};

use crate::decision::Decision;
use crate::shares::Shares;
use crate::threshold::{Randomness, Threshold};
use crate::tracestate::{Sampling, sampling, with_sampling};

/// What is looked at of spans.
#[derive(Debug)]
pub(crate) struct Spans {
    trace_id: Column,
    trace_state: Column,
}

impl Spans {
    pub(crate) fn open() -> Result<Self, Error> {
        Ok(Self {
            trace_id: Column::open("record.trace_id")?,
            trace_state: Column::open("span.trace_state")?,
        })
    }

    /// Drops the spans that their share does not keep, and writes the threshold that the others have passed.
    pub(crate) fn sample(&self, batch: &mut Batch, shares: &Shares) {
        let Some(mut records) = shares.of_records(batch) else {
            return;
        };
        let ids = batch.trace_ids(&self.trace_id);
        records.by_trace(&ids);
        let states = batch.texts(&self.trace_state);
        let mut new = NewStates::default();
        // Most often the spans of a batch all have the same state, if any.
        let mut read = ("", Sampling::default());
        let kept = Mask::from_fn(ids.len(), |row| {
            let state = states.get(row).unwrap_or_default();
            if state != read.0 {
                read = (state, sampling(state));
            }
            let outcome = records.decide(row, read.1, ids.get(row));
            if let Decision::KeepAt(threshold) = outcome.decision {
                new.push(row, state, outcome.given, threshold);
            }
            outcome.is_kept()
        });
        records.end();
        new.write(batch, &self.trace_state);
        if kept.count() < kept.len() {
            batch.retain(Table::Record, &kept);
        }
    }
}

/// The trace states of kept spans. Where there was none, all spans of a threshold get the same: one call for all of them.
#[derive(Default)]
struct NewStates<'a> {
    fresh: BTreeMap<Threshold, Vec<usize>>,
    changed: TextEdits,
    /// The latest change of a state.
    latest: Option<(&'a str, Threshold, String)>,
}

impl<'a> NewStates<'a> {
    fn push(&mut self, row: usize, state: &'a str, given: Option<Randomness>, reached: Threshold) {
        if given.is_some() {
            let new = with_sampling(state, given, reached);
            self.changed.push(row, &new);
        } else if state.is_empty() {
            self.fresh.entry(reached).or_default().push(row);
        } else {
            let latest = self
                .latest
                .take_if(|(old, threshold, _)| (*old, *threshold) == (state, reached));
            let (_, _, new) = self.latest.insert(
                latest.unwrap_or_else(|| (state, reached, with_sampling(state, None, reached))),
            );
            self.changed.push(row, new);
        }
    }

    fn write(&self, batch: &mut Batch, trace_state: &Column) {
        for (threshold, rows) in &self.fresh {
            batch.fill(trace_state, rows, with_sampling("", None, *threshold));
        }
        batch.set_texts(trace_state, &self.changed);
    }
}
