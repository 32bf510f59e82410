//! What one receiver's requests came to, by signal.

use crate::batch::Signal;
use crate::telemetry::Counter;

/// What came in of one signal.
#[derive(Debug, Default)]
pub struct Taken {
    /// Requests that every pipeline took.
    pub requests: Counter,
    /// Records in them, as far as they were opened.
    pub items: Counter,
    /// Records of requests that were opened and refused.
    pub refused_items: Counter,
}

/// [`Taken`] of each signal.
#[derive(Debug, Default)]
pub struct BySignal([Taken; Signal::ALL.len()]);

impl BySignal {
    /// What came in of each signal.
    pub fn iter(&self) -> impl Iterator<Item = (Signal, &Taken)> {
        Signal::ALL.into_iter().zip(&self.0)
    }

    pub(super) fn count(&self, signal: Signal, records: u32, is_taken: bool) {
        let Some(taken) = self.0.get(signal as usize) else {
            return;
        };
        if is_taken {
            taken.requests.add(1);
            taken.items.add(records.into());
        } else {
            taken.refused_items.add(records.into());
        }
    }
}
