//! The processors of one pipeline, in order, over one batch.

use std::sync::Arc;

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

/// How far a run on an IO thread came.
pub(super) enum Run {
    Done(Outcome),
    /// It goes on on a worker thread.
    HandOver(HandOver),
}

/// A batch before a processor that may take long.
pub(super) struct HandOver {
    stage: usize,
    turn: Turn,
    batch: Batch,
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
        self.run(0, None, batch, Place::Inline)
    }

    /// Goes on on the calling worker thread.
    pub(super) fn run_on_worker(&self, from: HandOver) -> Outcome {
        let HandOver { stage, turn, batch } = from;
        match self.run(stage, Some(turn), batch, Place::Worker) {
            Run::Done(outcome) => outcome,
            Run::HandOver(_) => Outcome::Rejected(unavailable(&self.pipeline)),
        }
    }

    fn run(&self, from: usize, mut turn: Option<Turn>, mut batch: Batch, place: Place) -> Run {
        for (index, stage) in self.stages.iter().enumerate().skip(from) {
            let records = batch.records();
            batch = match stage.run(batch, place, turn.take()) {
                Ran::PassedBy(passed) => {
                    batch = passed;
                    continue;
                }
                Ran::Done(batch) => batch,
                Ran::HandOver(batch, turn) => {
                    stage.counters.handed_over.add(1);
                    return Run::HandOver(HandOver {
                        stage: index,
                        turn,
                        batch,
                    });
                }
                Ran::Failed(batch, failed) => match self.failed(stage, batch, failed) {
                    Outcome::Kept(batch) => batch,
                    outcome => {
                        stage.counters.ended(records, &outcome);
                        return Run::Done(outcome);
                    }
                },
            };
            stage.counters.record(records, batch.records());
            if batch.records() == 0 {
                return Run::Done(Outcome::Emptied);
            }
        }
        Run::Done(Outcome::Kept(batch))
    }

    /// What `on_error` makes of a batch. A plugin's own words are never sent to the sender. What is wrong with the batch itself
    /// is, and no dead letter is made of it: its sender has to mend it.
    fn failed(&self, stage: &Stage, batch: Batch, failed: Failed) -> Outcome {
        stage.counters.failed.add(1);
        let processor = stage.name();
        let on_error = failed.processor.on_error();
        let reason = failed.words();
        if let Some(unlogged) = stage.failures.pass() {
            tracing::warn!(processor, pipeline = %self.pipeline, ?on_error, reason, unlogged, "processor failed");
        }
        match on_error {
            OnError::Pass => Outcome::Kept(batch),
            OnError::Drop => Outcome::Emptied,
            OnError::DeadLetter if failed.malformed.is_none() => Outcome::Dead(Box::new(Grounds {
                origin: self.origin(&failed.processor),
                kind: kind(failed.cause),
                text: reason.to_owned(),
            })),
            OnError::Reject if failed.retryable => Outcome::Rejected(unavailable(processor)),
            OnError::Reject | OnError::DeadLetter => Outcome::Rejected(match failed.malformed {
                Some(malformed) => Refusal::Invalid(malformed),
                None => Refusal::Rejected(format!("processor {processor} failed")),
            }),
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
