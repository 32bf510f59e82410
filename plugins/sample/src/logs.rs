//! Log records: sampled by the trace that they belong to. What OTLP has no place for stands, if anywhere, in two attributes
//! that the Collector's sampler reads and writes.

use std::collections::BTreeMap;

use otlet_plugin::{Batch, Column, Error, Mask, Table, TextEdits, Texts};

use crate::decision::Decision;
use crate::shares::Shares;
use crate::threshold::{Randomness, Threshold};
use crate::tracestate::Sampling;

/// What is looked at of log records.
#[derive(Debug)]
pub(crate) struct Logs {
    trace_id: Column,
    attributes: Option<Attributes>,
}

/// What in trace states are `th` and `rv`.
#[derive(Debug)]
struct Attributes {
    threshold: Column,
    randomness: Column,
}

impl Logs {
    pub(crate) fn open(with_attributes: bool) -> Result<Self, Error> {
        let attributes = || {
            Ok::<_, Error>(Attributes {
                threshold: Column::attribute(Table::Record, "sampling.threshold")?,
                randomness: Column::attribute(Table::Record, "sampling.randomness")?,
            })
        };
        Ok(Self {
            trace_id: Column::open("record.trace_id")?,
            attributes: with_attributes.then(attributes).transpose()?,
        })
    }

    /// Drops the records that their share does not keep.
    pub(crate) fn sample(&self, batch: &mut Batch, shares: &Shares) {
        let Some(mut records) = shares.of_records(batch) else {
            return;
        };
        let ids = batch.trace_ids(&self.trace_id);
        records.by_trace(&ids);
        let said = self.attributes.as_ref().map(|attributes| Said {
            thresholds: batch.texts(&attributes.threshold),
            randomness: batch.texts(&attributes.randomness),
        });
        let mut new = NewAttributes::default();
        let kept = Mask::from_fn(ids.len(), |row| {
            let says = said.as_ref().map(|said| said.sampling(row));
            let outcome = records.decide(row, says.unwrap_or_default(), ids.get(row));
            if let (Some(said), Decision::KeepAt(threshold)) = (&said, outcome.decision) {
                new.push(row, threshold, outcome.given, said.is_malformed(row));
            }
            outcome.is_kept()
        });
        records.end();
        if let Some(attributes) = &self.attributes {
            new.write(batch, attributes);
        }
        if kept.count() < kept.len() {
            batch.retain(Table::Record, &kept);
        }
    }
}

/// What the records of a batch say of sampling.
struct Said {
    thresholds: Texts,
    randomness: Texts,
}

impl Said {
    fn sampling(&self, row: usize) -> Sampling {
        Sampling {
            randomness: self.randomness.get(row).and_then(Randomness::parse),
            threshold: self.thresholds.get(row).and_then(Threshold::parse),
        }
    }

    /// Whether there is randomness that nobody can read. It took no part in the decision, and would make a stricter reader
    /// refuse the threshold beside it.
    fn is_malformed(&self, row: usize) -> bool {
        let text = self.randomness.get(row);
        text.is_some_and(|text| Randomness::parse(text).is_none())
    }
}

/// The new attributes of kept records: one call for all of a threshold.
#[derive(Default)]
struct NewAttributes {
    thresholds: BTreeMap<Threshold, Vec<usize>>,
    randomness: TextEdits,
    malformed: Vec<usize>,
}

impl NewAttributes {
    fn push(
        &mut self,
        row: usize,
        threshold: Threshold,
        given: Option<Randomness>,
        is_malformed: bool,
    ) {
        self.thresholds.entry(threshold).or_default().push(row);
        match given {
            Some(given) => self
                .randomness
                .push_with(row, |text| text.push_str(&given.to_string())),
            None if is_malformed => self.malformed.push(row),
            None => {}
        }
    }

    fn write(&self, batch: &mut Batch, attributes: &Attributes) {
        for (threshold, rows) in &self.thresholds {
            batch.fill(&attributes.threshold, rows, threshold.to_string());
        }
        batch.set_texts(&attributes.randomness, &self.randomness);
        if !self.malformed.is_empty() {
            batch.unset(&[&attributes.randomness], &self.malformed);
        }
    }
}
