//! Hands batches on to the pipelines that take from a connector, and tries again for as long as they have no room.
//!
//! **Invariant**: what a pipeline refuses for now is tried again until it is taken: it was acknowledged. What it refuses for good
//! is taken apart and tried again ([`apart`]), a bounded number of times, since it is of several senders; what is refused then is
//! kept as a dead letter where there are any, else dropped, counted and logged.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Next;
use super::apart::{self, By, Part};
use super::counters::Counters;
use super::held::Bundle;
use super::origin::Origin;
use crate::acceptance::Accepted;
use crate::batch::Signal;
use crate::letters::{Grounds, Kind, Letter, Letters, Origin as Grown};
use crate::memory::Memory;
use crate::payload::{self, Payload};
use crate::queue::Queue;
use crate::refusal::Refusal;

/// The first wait after a refusal, and the longest. Nothing is sent in between, so that trying costs little.
const WAITS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// How long what finds no room among the dead letters waits until it is tried again.
const UNTIL_ROOM: Duration = Duration::from_secs(2);

/// How many parts of a batch are taken apart because they were refused for good, but for such as are too large for a queue: some
/// three spans among a thousand are found. What is refused after that is given up as it is.
const REFUSALS: u32 = 32;

/// What became of a part of a batch that was not refused.
enum Taken {
    All(Accepted),
    InParts(Box<[Part; 2]>),
}

/// The way to the pipelines.
pub(super) struct Onward {
    pub(super) name: Arc<str>,
    pub(super) next: Next,
    pub(super) letters: Option<Arc<Letters>>,
    pub(super) queue: Queue,
    pub(super) counters: Arc<Counters>,
    /// The process's memory.
    pub(super) memory: Memory,
    /// The room for one batch that finds none there, so that memory full of held spans gets free again.
    pub(super) aside: Memory,
    /// Who may use that.
    pub(super) turn: Semaphore,
    /// Whether senders wait for the end, and try again themselves.
    pub(super) is_awaited: bool,
}

impl Onward {
    /// Hands a batch on, and says what became of it to the requests that it is of; not if the connector ends before.
    pub(super) async fn hand_on(
        self: Arc<Self>,
        bundle: Bundle<Option<Arc<Origin>>>,
        permit: OwnedSemaphorePermit,
    ) {
        let Bundle {
            mut framed,
            spans,
            from,
            ..
        } = bundle;
        let bytes = framed.len() as u64;
        payload::put_prefix(&mut framed, false);
        let payload = Payload::plain(Signal::Traces, Bytes::from(framed)).joined(true);
        let answer = tokio::select! {
            answer = self.take_all(Part { payload, spans }) => answer,
            () = self.queue.stopped() => return,
        };
        for (origin, spans) in from {
            if let Some(origin) = origin {
                origin.went(spans, &answer);
            }
        }
        self.counters.spans.subtract(spans as u64);
        self.counters.going.subtract(bytes);
        drop(permit);
    }

    /// Hands on a request that holds no spans, or cannot be read.
    pub(super) async fn pass(self: Arc<Self>, payload: Payload, origin: Origin) {
        tokio::select! {
            answer = self.take_all(Part { payload, spans: 0 }) => origin.went(usize::MAX, &answer),
            () = self.queue.stopped() => {}
        }
    }

    /// Has the pipelines take a batch, in parts if they refuse it for good; gives the last refusal.
    async fn take_all(&self, whole: Part) -> Result<Accepted, Refusal> {
        let (mut parts, mut refusals) = (vec![whole], REFUSALS);
        let mut answer = Ok(Accepted::default());
        while let Some(mut part) = parts.pop() {
            match self.take(&mut part, &mut refusals).await {
                Ok(Taken::All(accepted)) => {
                    if let Ok(all) = &mut answer {
                        all.add(accepted);
                    }
                }
                Ok(Taken::InParts(halves)) => {
                    let [first, second] = *halves;
                    parts.extend([second, first]);
                }
                Err(refusal) => answer = Err(refusal),
            }
        }
        answer
    }

    async fn take(&self, part: &mut Part, refusals: &mut u32) -> Result<Taken, Refusal> {
        let mut wait = WAITS.0;
        loop {
            let refusal = match self.attempt(&mut part.payload).await {
                Ok(accepted) => {
                    self.counters.sent.add(1);
                    self.counters.sent_items.add(part.spans as u64);
                    return Ok(Taken::All(accepted));
                }
                Err(refusal) => refusal,
            };
            let pause = if self.is_awaited {
                return Err(refusal);
            } else if refusal.retry_after().is_some() {
                self.note_wait(&refusal);
                wait
            } else if let Some(halves) = self.halves(part, &refusal, refusals) {
                return Ok(Taken::InParts(Box::new(halves)));
            } else if self.ends(part, &refusal).await {
                return Err(refusal);
            } else {
                UNTIL_ROOM
            };
            tokio::time::sleep(pause).await;
            self.counters.retries.add(1);
            wait = (wait * 2).min(WAITS.1);
        }
    }

    /// The halves of what was refused for good, if they may do better.
    fn halves(&self, part: &Part, refusal: &Refusal, refusals: &mut u32) -> Option<[Part; 2]> {
        let by = match refusal {
            // A letter has it whole, for a larger queue.
            Refusal::TooLarge(_) if self.letters.is_some() => By::Traces,
            Refusal::TooLarge(_) => By::Spans,
            _ => {
                *refusals = refusals.checked_sub(1)?;
                By::Spans
            }
        };
        apart::halves(part, by)
    }

    /// Offers it once, within the process's memory, or else in the room aside, if that is free.
    async fn attempt(&self, payload: &mut Payload) -> Result<Accepted, Refusal> {
        if payload.memory().is_none()
            && let Ok(charged) = charged(payload, &self.memory)
        {
            *payload = charged;
        }
        let refusal = if payload.memory().is_some() {
            match (self.next)(payload.clone()).await {
                Err(refusal @ Refusal::Full { .. }) => refusal,
                answer => return answer,
            }
        } else {
            Refusal::out_of_memory()
        };
        match self.turn.try_acquire() {
            Ok(_turn) if self.aside.held() == 0 => {
                (self.next)(charged(payload, &self.aside)?).await
            }
            _ => Err(refusal),
        }
    }

    /// Whether nothing more can be done for a batch that was refused for good.
    async fn ends(&self, part: &Part, refusal: &Refusal) -> bool {
        let spans = part.spans as u64;
        if let Some(letters) = &self.letters {
            let letter = Letter {
                payload: part.payload.clone(),
                items: spans,
                grounds: Grounds {
                    origin: Grown::Connector {
                        connector: self.name.to_string(),
                    },
                    kind: Kind::Refused,
                    text: refusal.to_string(),
                },
            };
            if letters.keep(vec![letter]).await.is_err() {
                return false;
            }
        }
        self.counters.failed_items.add(spans);
        if let Some(unlogged) = self.counters.failures.pass() {
            tracing::error!(
                connector = &*self.name,
                reason = %refusal,
                dead_letter = self.letters.is_some(),
                items = spans,
                unlogged,
                "spans that were held were refused for good"
            );
        }
        true
    }

    /// Notes traces that are too large to go on together.
    pub(super) fn note_parted(&self, traces: u64) {
        self.counters.parted.add(traces);
        if let Some(unlogged) = self.counters.partings.pass() {
            tracing::warn!(
                connector = &*self.name,
                traces,
                unlogged,
                "a trace goes on in parts, each decided by itself, since it has more than 8 MiB or 65,536 spans"
            );
        }
    }

    fn note_wait(&self, refusal: &Refusal) {
        if let Some(unlogged) = self.counters.waits.pass() {
            tracing::warn!(
                connector = &*self.name,
                reason = %refusal,
                unlogged,
                "the pipelines do not take what was held: it is held on"
            );
        }
    }
}

fn charged(payload: &Payload, memory: &Memory) -> Result<Payload, Refusal> {
    let payload = payload.clone().charged(memory.nothing());
    payload.map_err(|_full| Refusal::out_of_memory())
}
