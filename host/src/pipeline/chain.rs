//! The processors of one pipeline, in order, over one batch.

use std::sync::Arc;

use crate::batch::{Batch, Signal};
use crate::letters::{Grounds, Kind, Origin};
use crate::plugin::{Cause, Failure, OnError, Place, Processor};
use crate::refusal::{RETRY_AFTER, Refusal};
use crate::telemetry::{Counter, Throttle};

/// A processor as the pipelines share it, and what went through it.
pub struct Stage {
    /// The processor.
    pub processor: Processor,
    /// What went through it, in all pipelines together.
    pub counters: Counters,
    failures: Throttle,
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
    /// Records that it dropped, or that were dropped because it failed.
    pub records_dropped: Counter,
    /// Records that went back to their senders because it failed.
    pub records_rejected: Counter,
    /// Batches that it failed on.
    pub failed: Counter,
    /// Batches that went from an IO thread to a worker thread at this processor.
    pub handed_over: Counter,
}

impl Stage {
    /// A processor through which nothing went yet.
    pub fn new(processor: Processor) -> Self {
        Self {
            processor,
            counters: Counters::default(),
            failures: Throttle::new(),
        }
    }

    /// Leaves a batch to a worker thread, from this processor on, which is at `index` of its chain.
    fn hand_over(&self, index: usize, batch: Batch) -> Run {
        self.counters.handed_over.add(1);
        Run::HandOver {
            stage: index,
            batch,
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
    /// The request is to be kept as a dead letter.
    Dead(Box<Grounds>),
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
                return stage.hand_over(index, batch);
            }
            let records = batch.records();
            batch = match processor.process(batch, place) {
                Ok(batch) => batch,
                Err(Failure::Slow(batch) | Failure::Busy(batch)) => {
                    return stage.hand_over(index, batch);
                }
                Err(Failure::Failed {
                    batch,
                    reason,
                    retryable,
                    cause,
                    malformed,
                }) => {
                    let failed = Failed {
                        reason,
                        retryable,
                        cause,
                        malformed,
                    };
                    match self.failed(stage, batch, failed) {
                        Outcome::Kept(batch) => batch,
                        outcome => {
                            stage.counters.ended(records, &outcome);
                            return Run::Done(outcome);
                        }
                    }
                }
            };
            stage.counters.record(records, batch.records());
            if batch.records() == 0 {
                return Run::Done(Outcome::Emptied);
            }
        }
        Run::Done(Outcome::Kept(batch))
    }

    /// What `on_error` makes of a batch. A plugin's own words are never sent to the sender, and neither logged nor kept for
    /// one that fails closed: they may quote what it was to hide. What is wrong with the batch itself is told to both, and
    /// no dead letter is made of it: its sender has to mend it.
    fn failed(&self, stage: &Stage, batch: Batch, failed: Failed) -> Outcome {
        let Failed {
            reason,
            retryable,
            cause,
            malformed,
        } = failed;
        stage.counters.failed.add(1);
        let processor = stage.processor.name();
        let on_error = stage.processor.on_error();
        let reason = match &malformed {
            Some(malformed) => malformed,
            None if on_error.fails_closed() && cause != Cause::Deadline => "withheld",
            None => &reason,
        };
        if let Some(unlogged) = stage.failures.pass() {
            tracing::warn!(processor, pipeline = %self.pipeline, ?on_error, reason, unlogged, "processor failed");
        }
        match on_error {
            OnError::Pass => Outcome::Kept(batch),
            OnError::Drop => Outcome::Emptied,
            OnError::DeadLetter if malformed.is_none() => Outcome::Dead(Box::new(Grounds {
                origin: self.origin(stage),
                kind: kind(cause),
                text: reason.to_owned(),
            })),
            OnError::Reject if retryable => Outcome::Rejected(unavailable(processor)),
            OnError::Reject | OnError::DeadLetter => Outcome::Rejected(match malformed {
                Some(malformed) => Refusal::Invalid(malformed),
                None => Refusal::Rejected(format!("processor {processor} failed")),
            }),
        }
    }

    fn origin(&self, stage: &Stage) -> Origin {
        let plugin = stage.processor.plugin();
        Origin::Processor {
            pipeline: self.pipeline.clone(),
            processor: stage.processor.name().to_owned(),
            plugin: plugin.name().to_owned(),
            version: plugin.version().map(str::to_owned),
        }
    }
}

/// How a processor failed; see [`Failure::Failed`].
struct Failed {
    reason: String,
    retryable: bool,
    cause: Cause,
    malformed: Option<String>,
}

fn kind(cause: Cause) -> Kind {
    match cause {
        Cause::Error => Kind::Error,
        Cause::Deadline => Kind::Deadline,
        Cause::Memory => Kind::Memory,
        Cause::Busy => Kind::Unavailable,
        // What is malformed becomes no letter.
        Cause::Trap | Cause::Malformed => Kind::Trap,
    }
}

impl Counters {
    fn record(&self, records_in: u32, records_out: u32) {
        self.batches.add(1);
        self.records_in.add(records_in.into());
        self.records_out.add(records_out.into());
        if records_out < records_in {
            self.records_dropped.add((records_in - records_out).into());
        }
    }

    /// Counts a batch that goes no further, for a failure.
    fn ended(&self, records: u32, outcome: &Outcome) {
        let is_rejected = matches!(outcome, Outcome::Rejected(_));
        if is_rejected || matches!(outcome, Outcome::Dead(_)) {
            self.batches.add(1);
            self.records_in.add(records.into());
            self.records_rejected
                .add(if is_rejected { records.into() } else { 0 });
        } else {
            self.record(records, 0);
        }
    }
}

fn unavailable(what: &str) -> Refusal {
    Refusal::Unavailable {
        what: format!("{what} is not available"),
        after: RETRY_AFTER,
    }
}
