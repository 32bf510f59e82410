//! Puts requests of one signal together before they are sent (`sending_queue.batch`).
//!
//! Encoded requests may be concatenated, so this costs one copy, and opening what came compressed. It stands behind the
//! processors: a plugin that rejects still reaches the sender.

use std::time::Duration;

use tokio::time::{self, Instant};

use super::lot::Lot;
use crate::batch::Signal;
use crate::payload::Payload;
use crate::queue::{Batching, Queue, Queued, Ticket};

/// What waits on one IO thread to be sent together.
pub(super) struct Gather {
    max_bytes: usize,
    max_delay: Duration,
    /// By signal.
    open: [Open; Signal::ALL.len()],
}

/// Requests of one signal.
#[derive(Default)]
struct Open {
    requests: Vec<(Payload, Ticket)>,
    /// Their bytes of uncompressed protobuf.
    bytes: usize,
    /// When they are sent at the latest.
    due: Option<Instant>,
}

impl Gather {
    pub(super) fn new(batching: &Batching) -> Self {
        Self {
            max_bytes: batching.max_bytes,
            max_delay: batching.max_delay,
            open: Default::default(),
        }
    }

    /// Waits for the next requests that are to be sent as one; none once the queue is stopped. Dropping the future loses
    /// nothing.
    pub(super) async fn next(&mut self, queue: &Queue, lane: usize) -> Option<Lot> {
        loop {
            // Nothing more comes that would be worth waiting for.
            if queue.is_closed()
                && let Some(lot) = self.open.iter_mut().find_map(Open::take)
            {
                return Some(lot);
            }
            let due = self.open.iter().filter_map(|open| open.due).min();
            let full = tokio::select! {
                queued = queue.take(lane) => self.add(*queued?),
                () = until(due) => self.overdue(Instant::now()),
                () = queue.closed(), if due.is_some() => None,
            };
            if full.is_some() {
                return full;
            }
        }
    }

    /// Adds a request; gives those that are enough by themselves.
    fn add(&mut self, queued: Queued) -> Option<Lot> {
        let (payload, ticket) = queued.split();
        let bytes = payload.opened_size();
        let open = self.open.get_mut(payload.signal() as usize)?;
        let full = if open.bytes + bytes > self.max_bytes {
            open.take()
        } else {
            None
        };
        open.requests.push((payload, ticket));
        open.bytes += bytes;
        let due = open
            .due
            .get_or_insert_with(|| Instant::now() + self.max_delay);
        if open.bytes >= self.max_bytes {
            if full.is_none() {
                return open.take();
            }
            *due = Instant::now();
        }
        full
    }

    fn overdue(&mut self, now: Instant) -> Option<Lot> {
        let late = |open: &&mut Open| open.due.is_some_and(|due| due <= now);
        self.open.iter_mut().find(late)?.take()
    }
}

impl Open {
    fn take(&mut self) -> Option<Lot> {
        Lot::new(std::mem::take(self).requests)
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
