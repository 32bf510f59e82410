//! What is sent as one: a request, or several that were put together; and its parts, where it is too large.

use std::ops::Range;

use bytes::{BufMut, Bytes, BytesMut};

use super::answer::Failure;
use crate::batch::{self, Signal, split};
use crate::compression;
use crate::payload::{self, PREFIX, Payload};
use crate::queue::{Queued, Ticket};

/// Above this, compressing, opening and joining take longer than a hand-over to another thread is worth (about 2 ms a MiB).
pub(super) const INLINE: usize = 1 << 20;

/// How often a part is halved for a backend that says that it is too large: to a thousandth.
const MAX_HALVINGS: u8 = 10;

/// Requests of one signal that are sent as one, and the duty to say how they ended.
pub(super) struct Lot {
    pub(super) requests: Vec<Payload>,
    pub(super) tickets: Vec<Ticket>,
}

/// What one attempt sends.
pub(super) struct Piece {
    pub(super) payload: Payload,
    /// Spans, data points or log records; none where nobody opened it.
    pub(super) items: u64,
    /// Where each of the requests stands that were put together, and its items; empty where there is but one.
    requests: Vec<(Range<usize>, u64)>,
    halvings: u8,
}

impl From<Queued> for Lot {
    fn from(queued: Queued) -> Self {
        let (payload, ticket) = queued.split();
        Self {
            requests: vec![payload],
            tickets: vec![ticket],
        }
    }
}

impl Lot {
    /// A lot of these requests, if there are any.
    pub(super) fn new(requests: Vec<(Payload, Ticket)>) -> Option<Self> {
        let (requests, tickets): (Vec<_>, _) = requests.into_iter().unzip();
        (!requests.is_empty()).then_some(Self { requests, tickets })
    }

    /// Spans, data points or log records.
    pub(super) fn items(&self) -> u64 {
        self.tickets.iter().map(Ticket::items).sum()
    }
}

impl Piece {
    /// A request as it came.
    pub(super) fn whole(payload: Payload, items: u64) -> Self {
        Self {
            payload,
            items,
            requests: Vec::new(),
            halvings: 0,
        }
    }

    /// Joins requests of one signal and their items; what cannot be opened comes back with the reason.
    pub(super) async fn join(
        requests: Vec<(Payload, u64)>,
    ) -> Result<(Self, Vec<(Self, Failure)>), Failure> {
        let bytes = requests.iter().map(|(one, _)| one.opened_size()).sum();
        off_thread(bytes, move || join(requests)).await
    }

    /// This piece in smaller ones, if the backend would take those rather than the whole; the whole again if there are none.
    pub(super) async fn smaller(self, failure: &Failure) -> Result<Vec<Self>, Self> {
        if failure.too_large && self.halvings < MAX_HALVINGS {
            let half = self.payload.opened_size() / 2;
            return self.parts(half).await;
        }
        let is_refused = !failure.retryable && !failure.too_large;
        if !is_refused || self.requests.len() < 2 {
            return Err(self);
        }
        // One request that is refused should not cost the others.
        let Some(message) = self.payload.message() else {
            return Err(self);
        };
        let signal = self.payload.signal();
        let alone = |(range, items): &(Range<usize>, u64)| {
            let bytes = message.get(range.clone()).unwrap_or_default();
            let alone = plain(signal, bytes).owed_to(self.payload.memory());
            Self::whole(alone, *items)
        };
        Ok(self.requests.iter().map(alone).collect())
    }

    /// This piece in parts of at most `max` bytes; the whole again if it cannot be parted.
    pub(super) async fn parts(self, max: usize) -> Result<Vec<Self>, Self> {
        let (payload, halvings) = (self.payload.clone(), self.halvings + 1);
        let parts = off_thread(payload.opened_size(), move || parts(payload, max)).await;
        match parts {
            Ok(parts) if parts.len() > 1 => Ok(parts
                .into_iter()
                .map(|(payload, items)| Self {
                    halvings,
                    ..Self::whole(payload, items)
                })
                .collect()),
            _ => Err(self),
        }
    }
}

/// Does work on `bytes` here, or on another thread if that is much.
async fn off_thread<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    if bytes <= INLINE {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Failure::permanent(error.to_string()))
}

fn join(requests: Vec<(Payload, u64)>) -> (Piece, Vec<(Piece, Failure)>) {
    let bytes: usize = requests.iter().map(|(one, _)| one.opened_size()).sum();
    let first = requests.first().map(|(one, _)| one);
    let signal = first.map_or(Signal::Traces, Payload::signal);
    let memory = first.and_then(Payload::memory).cloned();
    let mut framed = BytesMut::with_capacity(PREFIX + bytes);
    framed.put_bytes(0, PREFIX);
    let (mut ranges, mut damaged, mut items) = (Vec::with_capacity(requests.len()), vec![], 0);
    for (payload, count) in requests {
        let opened = compression::open(payload.clone());
        match opened.map(|opened| opened.message().unwrap_or_default()) {
            Ok(message) => {
                let start = framed.len() - PREFIX;
                framed.put_slice(&message);
                let count = counted(count, signal, &message);
                ranges.push((start..framed.len() - PREFIX, count));
                items += count;
            }
            Err(refusal) => {
                let failure = Failure::permanent(refusal.to_string());
                damaged.push((Piece::whole(payload, count), failure));
            }
        }
    }
    let len = framed.len() - PREFIX;
    if let Some(head) = framed.first_chunk_mut::<PREFIX>() {
        *head = payload::prefix(false, len);
    }
    let piece = Piece {
        requests: ranges,
        ..Piece::whole(
            Payload::plain(signal, framed.freeze()).owed_to(memory.as_ref()),
            items,
        )
    };
    (piece, damaged)
}

/// The items of a request that was opened: those that are known, or else those that are there.
pub(super) fn counted(known: u64, signal: Signal, message: &[u8]) -> u64 {
    if known > 0 {
        return known;
    }
    batch::records(signal, message)
}

fn parts(payload: Payload, max: usize) -> Vec<(Payload, u64)> {
    let (signal, memory) = (payload.signal(), payload.memory().cloned());
    let opened = compression::open(payload).ok();
    let message = opened.and_then(|opened| opened.message());
    let parts = message.and_then(|message| split(signal, &message, max, PREFIX).ok());
    let framed = parts.unwrap_or_default().into_iter().map(|mut part| {
        let len = part.framed.len() - PREFIX;
        if let Some(head) = part.framed.first_chunk_mut::<PREFIX>() {
            *head = payload::prefix(false, len);
        }
        let payload = Payload::plain(signal, Bytes::from(part.framed)).owed_to(memory.as_ref());
        (payload, u64::from(part.records))
    });
    framed.collect()
}

fn plain(signal: Signal, message: &[u8]) -> Payload {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_slice(&payload::prefix(false, message.len()));
    framed.put_slice(message);
    Payload::plain(signal, framed.freeze())
}
