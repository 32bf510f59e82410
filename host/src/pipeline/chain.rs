//! The processors of one pipeline, in order, over one batch.

use std::sync::Arc;

use crate::batch::{Batch, Signal};
use crate::plugin::{Failure, OnError, Place, Processor};
use crate::refusal::{RETRY_AFTER, Refusal};
use crate::telemetry::Counter;

/// A processor as the pipelines share it, and what went through it.
pub struct Stage {
    /// The processor.
    pub processor: Processor,
    /// What went through it, in all pipelines together.
    pub counters: Counters,
}

/// What went through a processor since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Batches that it was given.
    pub batches: Counter,
    /// Records that it was given.
    pub records_in: Counter,
    /// Records that it kept.
    pub records_out: Counter,
    /// Batches that it failed on.
    pub failed: Counter,
}

impl Stage {
    /// A processor through which nothing went yet.
    pub fn new(processor: Processor) -> Self {
        Self {
            processor,
            counters: Counters::default(),
        }
    }
}

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
}

/// How far a run on an IO thread came.
pub(super) enum Run {
    Done(Outcome),
    /// The processor at `stage` may take long, and so goes on from there on a worker thread.
    HandOver {
        stage: usize,
        batch: Batch,
    },
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

    /// Whether any processor works on this signal.
    pub(super) fn takes(&self, signal: Signal) -> bool {
        self.stages
            .iter()
            .any(|stage| stage.processor.takes(signal))
    }

    /// Runs the processors on the calling IO thread, as long as each is expected to be quick.
    pub(super) fn run_inline(&self, batch: Batch) -> Run {
        self.run(0, batch, Place::Inline)
    }

    /// Runs the processors from `stage` on the calling worker thread.
    pub(super) fn run_on_worker(&self, stage: usize, batch: Batch) -> Outcome {
        match self.run(stage, batch, Place::Worker) {
            Run::Done(outcome) => outcome,
            Run::HandOver { .. } => Outcome::Rejected(unavailable(&self.pipeline)),
        }
    }

    fn run(&self, from: usize, mut batch: Batch, place: Place) -> Run {
        for (index, stage) in self.stages.iter().enumerate().skip(from) {
            let processor = &stage.processor;
            if !processor.takes(batch.signal()) {
                continue;
            }
            if place == Place::Inline && !processor.is_inline(batch.message().len()) {
                return Run::HandOver {
                    stage: index,
                    batch,
                };
            }
            let records = batch.records();
            batch = match processor.process(batch, place) {
                Ok(batch) => batch,
                Err(Failure::Slow(batch) | Failure::Busy(batch)) => {
                    return Run::HandOver {
                        stage: index,
                        batch,
                    };
                }
                Err(Failure::Failed {
                    batch,
                    reason,
                    retryable,
                    malformed,
                }) => match self.failed(stage, batch, &reason, retryable, malformed) {
                    Outcome::Kept(batch) => batch,
                    outcome => {
                        stage.counters.record(records, 0);
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

    /// What `on_error` makes of a batch. A plugin's own words are never sent to the sender, and not logged for one that
    /// fails closed: they may quote what it was to hide. What is wrong with the batch itself is told to both.
    fn failed(
        &self,
        stage: &Stage,
        batch: Batch,
        reason: &str,
        retryable: bool,
        malformed: Option<String>,
    ) -> Outcome {
        stage.counters.failed.add(1);
        let processor = stage.processor.name();
        let on_error = stage.processor.on_error();
        let reason = match &malformed {
            Some(malformed) => malformed,
            None if on_error == OnError::Reject => "withheld",
            None => reason,
        };
        tracing::warn!(processor, pipeline = %self.pipeline, ?on_error, reason, "processor failed");
        match on_error {
            OnError::Pass => Outcome::Kept(batch),
            OnError::Drop => Outcome::Emptied,
            OnError::Reject if retryable => Outcome::Rejected(unavailable(processor)),
            OnError::Reject => Outcome::Rejected(match malformed {
                Some(malformed) => Refusal::Invalid(malformed),
                None => Refusal::Rejected(format!("processor {processor} failed")),
            }),
        }
    }
}

impl Counters {
    fn record(&self, records_in: u32, records_out: u32) {
        self.batches.add(1);
        self.records_in.add(records_in.into());
        self.records_out.add(records_out.into());
    }
}

fn unavailable(what: &str) -> Refusal {
    Refusal::Unavailable {
        what: format!("{what} is not available"),
        after: RETRY_AFTER,
    }
}
