//! A batch that a processor failed on, taken apart by rows and tried again, so that only the rows that it fails on meet its
//! `on_error`.
//!
//! Not for `reject`, which is of the whole or of nothing. **Invariant**: it ends after a bounded number of calls, and all
//! are of the version that failed, so that no batch bears two.

use super::stage::Failed;
use crate::batch::Batch;
use crate::plugin::{Cause, Failure, OnError};

/// How often a batch is halved: down to a sixty-fourth.
const DEEPEST: u32 = 6;

/// The failures after which the rest is taken for rows that the plugin fails on: one in a hundred rows is found, and a plugin that
/// fails on everything costs no more than that.
const FAILURES: u32 = 16;

/// A deadline passed counts for so many: each costs the whole of it.
const DEADLINE: u32 = 8;

/// A batch taken apart.
#[derive(Debug)]
pub(super) struct Apart {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    batch: Batch,
    did_well: bool,
}

struct Halving<'a> {
    failed: &'a Failed,
    left: u32,
    parts: Vec<Part>,
}

/// Whether parts of it may do better than the whole did.
pub(super) fn is_worth_it(batch: &Batch, failed: &Failed) -> bool {
    let is_of_rows = matches!(
        failed.cause,
        Cause::Trap | Cause::Error | Cause::Deadline | Cause::Memory
    );
    is_of_rows
        && batch.records() > 1
        && match failed.processor.on_error() {
            OnError::Pass | OnError::Drop => true,
            // A letter holds what came, and that is not known of rows that a plugin put in its place.
            OnError::DeadLetter => batch.as_it_came().is_some(),
            OnError::Reject => false,
        }
}

/// Takes a batch apart; none if no part of it did well. Blocks, on a worker thread.
pub(super) fn apart(batch: &Batch, failed: &Failed) -> Option<Apart> {
    let mut halving = Halving {
        failed,
        left: FAILURES,
        parts: vec![],
    };
    halving.count(failed.cause);
    halving.halve(batch.clone(), 0);
    let parts = halving.parts;
    let did_well = parts.iter().any(|part| part.did_well);
    did_well.then_some(Apart { parts })
}

impl Halving<'_> {
    fn halve(&mut self, batch: Batch, depth: u32) {
        let is_left = self.left > 0 && depth < DEEPEST;
        let Some(halves) = is_left.then(|| batch.halves()).flatten() else {
            return self.ends(batch, false);
        };
        for half in halves {
            if self.left == 0 {
                self.ends(half, false);
                continue;
            }
            match self.failed.processor.process_part(half) {
                Ok(batch) => self.ends(batch, true),
                Err(Failure::Slow(batch) | Failure::Busy(batch)) => self.ends(batch, false),
                Err(Failure::Failed { batch, cause, .. }) => {
                    self.count(cause);
                    self.halve(batch, depth + 1);
                }
            }
        }
    }

    fn ends(&mut self, batch: Batch, did_well: bool) {
        self.parts.push(Part { batch, did_well });
    }

    fn count(&mut self, cause: Cause) {
        let cost = match cause {
            Cause::Trap | Cause::Error | Cause::Memory | Cause::Malformed => 1,
            Cause::Deadline => DEADLINE,
            Cause::Busy | Cause::Tripped => FAILURES,
        };
        self.left = self.left.saturating_sub(cost);
    }
}

impl Apart {
    /// All rows: those that the plugin did well on as it left them, the others as they were.
    pub(super) fn whole(&self) -> Option<Batch> {
        let parts: Vec<_> = self.parts.iter().map(|part| &part.batch).collect();
        Batch::joined(&parts).ok()
    }

    /// The rows that the plugin did well on.
    pub(super) fn good(&self) -> Option<Batch> {
        let good = self.parts.iter().filter(|part| part.did_well);
        let good: Vec<_> = good.map(|part| &part.batch).collect();
        Batch::joined(&good).ok()
    }

    /// The rows that it failed on, as they came.
    pub(super) fn poison(&self) -> Option<Batch> {
        let poison = self.parts.iter().filter(|part| !part.did_well);
        let came: Option<Vec<_>> = poison.map(|part| part.batch.as_it_came()).collect();
        let came = came?;
        Batch::joined(&came.iter().collect::<Vec<_>>()).ok()
    }
}
