//! The requests that spans came in: what became of each is known once its last span has gone on.

use std::sync::{Mutex, PoisonError};

use crate::acceptance::Accepted;
use crate::queue::Ticket;
use crate::refusal::Refusal;

/// A request of which spans are held or on their way. Dropped before its end it counts as lost: see [`Ticket`].
pub(super) struct Origin(Mutex<State>);

struct State {
    /// Spans that have not gone on.
    left: usize,
    ticket: Option<Ticket>,
    answer: Result<Accepted, Refusal>,
}

impl Origin {
    /// A request of so many spans.
    pub(super) fn new(ticket: Ticket, spans: usize) -> Self {
        Self(Mutex::new(State {
            left: spans,
            ticket: Some(ticket),
            answer: Ok(Accepted::default()),
        }))
    }

    /// Notes what became of some of its spans; the last settles it.
    pub(super) fn went(&self, spans: usize, answer: &Result<Accepted, Refusal>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (&mut state.answer, answer) {
            (Ok(all), Ok(part)) => all.add(part.clone()),
            (Ok(_), Err(refusal)) => state.answer = Err(refusal.clone()),
            (Err(_), _) => {}
        }
        state.left = state.left.saturating_sub(spans);
        if state.left == 0
            && let Some(ticket) = state.ticket.take()
        {
            let answer = state.answer.clone();
            drop(state);
            ticket.settle(answer);
        }
    }
}
