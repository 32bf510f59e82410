//! What becomes of one span or log record: the share that it is sampled by, and the decision.

use crate::config::Mode;
use crate::threshold::{PRECISION, Randomness, Threshold};

/// A share of all traces, as it is applied to a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share {
    /// From 0 to 1.
    probability: f64,
    /// What a row has to reach that was not sampled before.
    threshold: Threshold,
    mode: Mode,
}

impl Share {
    /// All: a row that is kept by this is kept with certainty.
    pub(crate) const ALL: Self = Self {
        probability: 1.0,
        threshold: Threshold::KEEP_ALL,
        mode: Mode::Equalizing,
    };

    pub(crate) fn of_percentage(percentage: f64, mode: Mode) -> Self {
        let probability = percentage / 100.0;
        Self {
            probability,
            threshold: Threshold::of_share(probability, PRECISION),
            mode,
        }
    }

    /// What a row has to reach that was not sampled before: the larger the share, the lower.
    pub(crate) fn threshold(&self) -> Threshold {
        self.threshold
    }

    /// Whether a row is kept whatever its randomness.
    pub(crate) fn is_all(&self) -> bool {
        self.threshold == Threshold::KEEP_ALL
    }

    /// What a row has to reach that has passed `passed` before. It is never lower than that, since no later stage can raise a
    /// probability.
    fn threshold_after(&self, passed: Option<Threshold>) -> Threshold {
        match (passed, self.mode) {
            (None, _) => self.threshold,
            (Some(passed), Mode::Equalizing) => self.threshold.max(passed),
            (Some(passed), Mode::Proportional) if self.is_all() => passed,
            (Some(passed), Mode::Proportional) => passed.times(self.probability, PRECISION),
        }
    }

    /// Decides on a row: the specification's equalizing or proportional downstream sampler. A threshold that its randomness
    /// contradicts is untrue, since the row would not be here, and is as if it were not there.
    pub(crate) fn decide(&self, randomness: Randomness, says: Option<Threshold>) -> Decision {
        let passed = says.filter(|says| says.keeps(randomness));
        let threshold = self.threshold_after(passed);
        if !threshold.keeps(randomness) {
            Decision::Drop
        } else if passed == Some(threshold) {
            Decision::Keep
        } else {
            Decision::KeepAt(threshold)
        }
    }
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It goes.
    Drop,
    /// It stays as it is.
    Keep,
    /// It stays, and says this threshold from now on.
    KeepAt(Threshold),
}

#[cfg(test)]
mod tests;
