//! By which share each span or log record of a batch is sampled, and what becomes of it.

use otlet_plugin::{Batch, Mask, TraceIds, host};

use crate::chance::Chance;
use crate::config::{By, Config};
use crate::decision::{Decision, Share};
use crate::keep::Keep;
use crate::rates::{Rate, Rates, noted};
use crate::threshold::Randomness;
use crate::traces;
use crate::tracestate::Sampling;

/// How many rows said a threshold that their own randomness contradicts.
const INCONSISTENT: &str = "inconsistent_thresholds";

/// The shares of a config.
#[derive(Debug)]
pub(crate) struct Shares {
    /// That of rows that no rate names; nothing where all of those are kept as they are.
    rest: Option<Share>,
    rates: Rates,
    keep: Keep,
    by: By,
}

impl Shares {
    /// Opens what the config names; nothing where `keep` is wrong. What is wrong goes to the mistakes.
    pub(crate) fn open(config: &Config, mistakes: &mut Vec<String>) -> Option<Self> {
        let share = |percentage| Share::of_percentage(percentage, config.mode);
        let rates = Rates::open(&config.rates, config.mode, mistakes);
        let keep = noted(Keep::open(&config.keep), mistakes)?;
        let rest = config.percentage.map(share).filter(|share| !share.is_all());
        Some(Self {
            rest,
            rates,
            keep,
            by: config.by,
        })
    }

    /// The records of a batch, to be decided one by one; nothing where all are kept as they are.
    pub(crate) fn of_records<'a>(&'a self, batch: &'a Batch) -> Option<Records<'a>> {
        let rates = self.rates.of_records(batch);
        if self.rest.is_none() && rates.iter().all(Option::is_none) {
            return None;
        }
        Some(Records {
            rest: self.rest.as_ref(),
            rates,
            kept: self.keep.records(batch),
            by: self.by,
            chance: Chance::new(batch, self.rates.keys()),
            inconsistent: 0,
        })
    }
}

/// The records of one batch.
pub(crate) struct Records<'a> {
    rest: Option<&'a Share>,
    /// By row; empty where no rate names any.
    rates: Vec<Option<&'a Rate>>,
    kept: Mask,
    by: By,
    chance: Chance<'a>,
    inconsistent: usize,
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) decision: Decision,
    /// The randomness that the row was given, since it had none.
    pub(crate) given: Option<Randomness>,
}

impl Records<'_> {
    /// Has what decides on one row of a trace decide on all that are here, if that is asked for.
    pub(crate) fn by_trace(&mut self, ids: &TraceIds) {
        if self.by == By::Trace {
            traces::keep_together(ids, &mut self.kept);
            traces::rate_together(ids, &mut self.rates);
        }
    }

    /// Decides on a row by what it says of sampling and by its trace. A row without either is of no trace: it is kept as it
    /// is, unless a rate names it.
    pub(crate) fn decide(
        &mut self,
        row: usize,
        says: Sampling,
        trace_id: Option<&[u8; 16]>,
    ) -> Outcome {
        let rate = self.rates.get(row).copied().flatten();
        let share = match (
            rate.map(|rate| &rate.share).or(self.rest),
            self.kept.get(row),
        ) {
            (None, _) => return Outcome::KEEP,
            (Some(_), true) => &Share::ALL,
            (Some(share), false) => share,
        };
        let own = says
            .randomness
            .or_else(|| trace_id.map(|id| Randomness::of_trace_id(*id)));
        let given = match (own, rate) {
            (None, Some(rate)) if !share.is_all() => {
                Some(self.chance.draw(rate.by, row, says.threshold))
            }
            _ => None,
        };
        let Some(randomness) = own.or(given) else {
            return Outcome::KEEP;
        };
        let consistent = says
            .threshold
            .is_none_or(|threshold| threshold.keeps(randomness));
        self.inconsistent += usize::from(!consistent);
        Outcome {
            decision: share.decide(randomness, says.threshold),
            given,
        }
    }

    /// Counts what was seen, when all rows are decided.
    pub(crate) fn end(self) {
        if self.inconsistent > 0 {
            host::count(INCONSISTENT, self.inconsistent);
        }
    }
}

impl Outcome {
    const KEEP: Self = Self {
        decision: Decision::Keep,
        given: None,
    };

    pub(crate) fn is_kept(self) -> bool {
        self.decision != Decision::Drop
    }
}
