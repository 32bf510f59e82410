//! The processors of one pipeline, in order, over one batch.

use std::sync::Arc;

use super::apart;
use super::stage::{Failed, Ran, Stage, Turn};
use crate::batch::{Batch, Signal};
use crate::letters::{Grounds, Kind, Origin};
use crate::plugin::{Cause, OnError, Place, Processor};
use crate::refusal::{RETRY_AFTER, Refusal};

/// The processors of one pipeline.
pub struct Chain {
    pipeline: String,
    stages: Vec<Arc<Stage>>,
}

/// What became of a batch.
#[derive(Debug)]
pub(super) enum Outcome {
    /// These records go on.
    Kept(Batch),
    /// No record is left.
    Emptied,
    /// The sender gets it back.
    Rejected(Refusal),
    /// The request is to be kept as a dead letter.
    Dead(Box<Grounds>),
}

/// What became of a batch, and of rows that were taken out of it.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) poison: Vec<Poison>,
}

/// Rows that a processor failed on, as they came, to be kept as a dead letter.
#[derive(Debug)]
pub(super) struct Poison {
    pub(super) grounds: Grounds,
    pub(super) batch: Batch,
}

/// How far a run on an IO thread came.
pub(super) enum Run {
    Done(Ended),
    /// It goes on on a worker thread.
    HandOver(HandOver),
}

/// A batch before a processor that may take long.
pub(super) struct HandOver {
    stage: usize,
    at: At,
    batch: Batch,
    poison: Vec<Poison>,
}

/// Where a worker thread goes on.
enum At {
    /// With the processor.
    Turn(Turn),
    /// With the parts of a batch that it failed on.
    Parts(Failed),
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            poison: vec![],
        }
    }
}

impl Chain {
    /// The processors of the pipeline of this name, in order.
    pub fn new(pipeline: &str, stages: Vec<Arc<Stage>>) -> Self {
        Self {
            pipeline: pipeline.to_owned(),
            stages,
        }
    }

    /// The pipeline's name.
    pub fn name(&self) -> &str {
        &self.pipeline
    }

    /// The processors, in order.
    pub(super) fn stages(&self) -> &[Arc<Stage>] {
        &self.stages
    }

    /// Whether any processor works on this signal.
    pub(super) fn takes(&self, signal: Signal) -> bool {
        self.stages.iter().any(|stage| stage.takes(signal))
    }

    /// Runs the processors on the calling IO thread, as long as each is expected to be quick.
    pub(super) fn run_inline(&self, batch: Batch) -> Run {
        self.run(0, None, batch, vec![], Place::Inline)
    }

    /// Goes on on the calling worker thread.
    pub(super) fn run_on_worker(&self, from: HandOver) -> Ended {
        let HandOver {
            stage,
            at,
            batch,
            poison,
        } = from;
        match self.run(stage, Some(at), batch, poison, Place::Worker) {
            Run::Done(ended) => ended,
            Run::HandOver(_) => Outcome::Rejected(unavailable(&self.pipeline)).into(),
        }
    }

    fn run(
        &self,
        from: usize,
        mut at: Option<At>,
        mut batch: Batch,
        mut poison: Vec<Poison>,
        place: Place,
    ) -> Run {
        for (index, stage) in self.stages.iter().enumerate().skip(from) {
            let records = batch.records();
            let ran = match at.take() {
                Some(At::Parts(failed)) => Ran::Failed(batch, failed),
                Some(At::Turn(turn)) => stage.run(batch, place, Some(turn)),
                None => stage.run(batch, place, None),
            };
            let hand_over = |batch, at, poison| {
                stage.counters.handed_over.add(1);
                Run::HandOver(HandOver {
                    stage: index,
                    at,
                    batch,
                    poison,
                })
            };
            let mut dead = 0;
            batch = match ran {
                Ran::PassedBy(passed) => {
                    batch = passed;
                    continue;
                }
                Ran::Done(batch) => batch,
                Ran::HandOver(batch, turn) => return hand_over(batch, At::Turn(turn), poison),
                Ran::Failed(batch, failed)
                    if place == Place::Inline && apart::is_worth_it(&batch, &failed) =>
                {
                    return hand_over(batch, At::Parts(failed), poison);
                }
                Ran::Failed(batch, failed) => match self.failed(stage, batch, failed) {
                    (Outcome::Kept(batch), rows) => {
                        dead = rows.as_ref().map_or(0, |rows| rows.batch.records());
                        poison.extend(rows);
                        batch
                    }
                    (outcome, _) => {
                        stage.counters.ended(records, &outcome);
                        return Run::Done(Ended { outcome, poison });
                    }
                },
            };
            stage.counters.kept_out(dead);
            stage
                .counters
                .record(records.saturating_sub(dead), batch.records());
            if batch.records() == 0 {
                let outcome = Outcome::Emptied;
                return Run::Done(Ended { outcome, poison });
            }
        }
        let outcome = Outcome::Kept(batch);
        Run::Done(Ended { outcome, poison })
    }

    /// What `on_error` makes of a batch, of those of its rows alone that the plugin fails on where that can be found out. The
    /// rows that come with it are a dead letter. A plugin's own words are never sent to the sender. What is wrong with the batch itself
    /// is, and no dead letter is made of it: its sender has to mend it.
    fn failed(&self, stage: &Stage, batch: Batch, failed: Failed) -> (Outcome, Option<Poison>) {
        stage.counters.failed.add(1);
        let processor = stage.name();
        let on_error = failed.processor.on_error();
        let reason = failed.words();
        if let Some(unlogged) = stage.failures.pass() {
            let on_error = on_error.name();
            tracing::warn!(processor, pipeline = %self.pipeline, on_error, reason, unlogged, "processor failed");
        }
        if apart::is_worth_it(&batch, &failed)
            && let Some(parted) = self.apart(&batch, &failed)
        {
            return parted;
        }
        let outcome = match on_error {
            OnError::Pass => Outcome::Kept(batch),
            OnError::Drop => Outcome::Emptied,
            OnError::DeadLetter if failed.malformed.is_none() => {
                Outcome::Dead(Box::new(self.grounds(&failed)))
            }
            OnError::Reject if failed.retryable => Outcome::Rejected(unavailable(processor)),
            OnError::Reject | OnError::DeadLetter => Outcome::Rejected(match failed.malformed {
                Some(malformed) => Refusal::Invalid(malformed),
                None => Refusal::Rejected(format!("processor {processor} failed")),
            }),
        };
        (outcome, None)
    }

    /// The rows that go on of a batch that a processor failed on, and those that are to be kept; none if it fails on all.
    fn apart(&self, batch: &Batch, failed: &Failed) -> Option<(Outcome, Option<Poison>)> {
        let apart = apart::apart(batch, failed)?;
        let (batch, poison) = match failed.processor.on_error() {
            OnError::Pass => (apart.whole()?, None),
            OnError::Drop => (apart.good()?, None),
            OnError::DeadLetter => {
                let batch = apart.poison()?;
                let grounds = self.grounds(failed);
                (apart.good()?, Some(Poison { grounds, batch }))
            }
            OnError::Reject => return None,
        };
        Some((Outcome::Kept(batch), poison))
    }

    fn grounds(&self, failed: &Failed) -> Grounds {
        Grounds {
            origin: self.origin(&failed.processor),
            kind: kind(failed.cause),
            text: failed.words().to_owned(),
        }
    }

    fn origin(&self, processor: &Processor) -> Origin {
        let plugin = processor.plugin();
        Origin::Processor {
            pipeline: self.pipeline.clone(),
            processor: processor.name().to_owned(),
            plugin: plugin.name().to_owned(),
            version: plugin.version().map(str::to_owned),
        }
    }
}

fn kind(cause: Cause) -> Kind {
    match cause {
        Cause::Error => Kind::Error,
        Cause::Deadline => Kind::Deadline,
        Cause::Memory => Kind::Memory,
        Cause::Busy | Cause::Tripped => Kind::Unavailable,
        // What is malformed becomes no letter.
        Cause::Trap | Cause::Malformed => Kind::Trap,
    }
}

fn unavailable(what: &str) -> Refusal {
    Refusal::Unavailable {
        what: format!("{what} is not available"),
        after: RETRY_AFTER,
    }
}
