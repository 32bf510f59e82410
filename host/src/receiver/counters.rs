//! What one listening socket has counted.

use crate::refusal::Refusal;
use crate::telemetry::Counter;

/// What one listening socket has counted since it was opened.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections taken.
    pub connections: Counter,
    /// Connections closed at once, since `max_connections` were open.
    pub connections_refused: Counter,
    /// Requests, whatever became of them.
    pub requests: Counter,
    /// Requests that were answered with success.
    pub accepted: Counter,
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
    /// Requests that a processor or a backend refused for good.
    pub rejected: Counter,
    /// Requests whose sender went away before the body was whole.
    pub aborted: Counter,
}

impl Counters {
    pub(super) fn refused(&self, refusal: &Refusal) {
        let counter = match refusal {
            Refusal::Full { .. } => &self.full,
            Refusal::Unavailable { .. } => &self.unavailable,
            Refusal::Invalid(_) => &self.invalid,
            Refusal::TooLarge(_) => &self.too_large,
            Refusal::Unrouted(_) => &self.unrouted,
            Refusal::Rejected(_) => &self.rejected,
        };
        counter.add(1);
    }
}
