//! One request in a queue, the duty to say how it ended, and the answer that its sender waits for.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::oneshot;

use super::{Held, Size};
use crate::acceptance::Accepted;
use crate::payload::Payload;
use crate::refusal::Refusal;

/// What the sender of a committed request waits for.
#[must_use = "the sender is answered once the delivery is done"]
pub struct Delivery(State);

enum State {
    Taken,
    Refused(Refusal),
    Waiting {
        answer: oneshot::Receiver<Result<Accepted, Refusal>>,
        lost: Refusal,
    },
}

/// A request that waits to be sent.
pub struct Queued {
    payload: Payload,
    ticket: Ticket,
}

/// The duty to say how a request ended. Dropping it unsaid counts the request as lost, unless its sender still
/// waits, and is told to try again.
pub struct Ticket {
    held: Held,
    size: Size,
    answer: Option<oneshot::Sender<Result<Accepted, Refusal>>>,
    settled: bool,
}

impl Queued {
    pub(super) fn new(held: Held, payload: Payload, size: Size) -> (Box<Self>, Delivery) {
        let (answer, state) = if held.queue.enabled {
            (None, State::Taken)
        } else {
            let (answer, receiver) = oneshot::channel();
            let lost = held.queue.leaving();
            let state = State::Waiting {
                answer: receiver,
                lost,
            };
            (Some(answer), state)
        };
        held.queue.pending.fetch_add(1, Ordering::SeqCst);
        let ticket = Ticket {
            held,
            size,
            answer,
            settled: false,
        };
        (Box::new(Self { payload, ticket }), Delivery(state))
    }

    /// The bytes to send, and the ticket to settle when they are.
    pub fn split(self) -> (Payload, Ticket) {
        (self.payload, self.ticket)
    }
}

impl Ticket {
    /// Spans, data points or log records.
    pub fn items(&self) -> u64 {
        self.size.items
    }

    /// Whether a sender waits for the answer.
    pub fn is_awaited(&self) -> bool {
        self.answer.is_some()
    }

    /// Whether a sender waited for the answer and does so no more. Never true for a queue that is enabled.
    pub fn is_abandoned(&self) -> bool {
        self.answer.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    /// Waits until [`is_abandoned`](Self::is_abandoned), for ever if it never will be.
    pub async fn abandoned(&mut self) {
        match &mut self.answer {
            Some(answer) => answer.closed().await,
            None => std::future::pending().await,
        }
    }

    /// Gives the room back and answers the sender, if it still waits.
    pub fn settle(mut self, result: Result<Accepted, Refusal>) {
        self.settled = true;
        let answer = self.answer.take();
        // The room first: whoever hears the answer may send its next request at once.
        drop(self);
        if let Some(answer) = answer {
            // Whoever stopped waiting needs no answer.
            let _gone = answer.send(result);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        // Whoever is told that the last has ended finds nothing held.
        drop(self.held.memory.take());
        let queue = Arc::clone(&self.held.queue);
        if !self.settled && self.answer.is_none() {
            queue.lost_requests.fetch_add(1, Ordering::SeqCst);
            queue
                .lost_items
                .fetch_add(self.size.items, Ordering::SeqCst);
        }
        if queue.pending.fetch_sub(1, Ordering::SeqCst) == 1 {
            queue.emptied.notify_waiters();
        }
    }
}

impl Delivery {
    /// A request that is safe, though no queue has it.
    pub fn taken() -> Self {
        Self(State::Taken)
    }

    pub(super) fn refused(refusal: Refusal) -> Self {
        Self(State::Refused(refusal))
    }

    /// Waits until the request is safe: at once if the queue is enabled, else until the backend has answered.
    pub async fn wait(self) -> Result<Accepted, Refusal> {
        match self.0 {
            State::Taken => Ok(Accepted::default()),
            State::Refused(refusal) => Err(refusal),
            State::Waiting { answer, lost } => answer.await.unwrap_or(Err(lost)),
        }
    }
}
