//! What one listening socket has counted.

use std::time::Instant;

use crate::acceptance::Accepted;
use crate::refusal::Refusal;
use crate::telemetry::{Counter, Histogram};

/// What one listening socket has counted since it was opened.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections taken.
    pub connections: Counter,
    /// Connections closed at once, since `max_connections` were open.
    pub connections_refused: Counter,
    /// Connections that ended with their TLS handshake.
    pub handshakes_failed: Counter,
    /// Requests, whatever became of them.
    pub requests: Counter,
    /// What requests took, from their head to their answer.
    pub durations: Histogram,
    /// Requests that were answered with success.
    pub accepted: Counter,
    /// Requests of those that a backend took in part, or with a warning, which their senders were told.
    pub partial: Counter,
    /// Spans, data points or log records that backends said not to have taken of such requests.
    pub rejected_items: Counter,
    /// Bytes of bodies as they came, of the requests that were read whole.
    pub bytes: Counter,
    /// Requests refused because something was full.
    pub full: Counter,
    /// Requests refused because something was away.
    pub unavailable: Counter,
    /// Requests that were not what their protocol demands.
    pub invalid: Counter,
    /// Requests over a bound.
    pub too_large: Counter,
    /// Requests of a signal that no pipeline takes.
    pub unrouted: Counter,
    /// Requests without a token that is taken.
    pub unauthenticated: Counter,
    /// Requests that a processor or a backend refused for good.
    pub rejected: Counter,
    /// Requests whose sender went away before the body was whole.
    pub aborted: Counter,
}

/// A request being answered. One that is dropped before its end counts as aborted.
pub(super) struct Begun<'a> {
    counters: &'a Counters,
    at: Instant,
    ended: bool,
}

impl Counters {
    pub(super) fn partial(&self, accepted: &Accepted) {
        self.partial.add(1);
        self.rejected_items.add(accepted.rejected);
    }

    /// Counts a request.
    pub(super) fn begin(&self) -> Begun<'_> {
        self.requests.add(1);
        Begun {
            counters: self,
            at: Instant::now(),
            ended: false,
        }
    }

    /// The requests that were refused or not whole, by kind.
    pub fn refusals(&self) -> [(&'static str, u64); 8] {
        [
            ("full", &self.full),
            ("unavailable", &self.unavailable),
            ("invalid", &self.invalid),
            ("too_large", &self.too_large),
            ("unrouted", &self.unrouted),
            ("unauthenticated", &self.unauthenticated),
            ("rejected", &self.rejected),
            ("aborted", &self.aborted),
        ]
        .map(|(kind, counter)| (kind, counter.get()))
    }

    pub(super) fn refused(&self, refusal: &Refusal) {
        let counter = match refusal {
            Refusal::Full { .. } => &self.full,
            Refusal::Unavailable { .. } => &self.unavailable,
            Refusal::Invalid(_) => &self.invalid,
            Refusal::TooLarge(_) => &self.too_large,
            Refusal::Unrouted(_) => &self.unrouted,
            Refusal::Rejected(_) => &self.rejected,
            Refusal::Unauthenticated(_) => &self.unauthenticated,
        };
        counter.add(1);
    }
}

impl Begun<'_> {
    /// The request is answered.
    pub(super) fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.counters.aborted.add(1);
        }
        self.counters.durations.record(self.at.elapsed());
    }
}
