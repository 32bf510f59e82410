//! Sends a request that is too large in parts, and one of several senders that is refused, so that it costs no more than what is
//! refused of it.
//!
//! One part is cut off at a time, always of the whole request, so that there is never more than one of them. In a part that was
//! refused the first half is tried, and then the half of what is left of it, down to one record; what comes behind it goes on
//! whole again.

use std::time::Duration;

use bytes::Bytes;
use tokio::time;

use super::answer::Failure;
use super::lot::Piece;
use super::prepared::off_thread;
use super::room::{Room, coded};
use crate::batch::{self, Bounds, Part};
use crate::compression;
use crate::memory::Lease;
use crate::payload::{PREFIX, Payload, put_prefix};

/// How often a part is halved for a backend that says that it is too large: to a thousandth.
const MAX_HALVINGS: u8 = 10;

/// How many parts are halved because the backend refused them: some ten single records among a thousand are found. What is
/// refused after that is given up as it is.
const MAX_REFUSALS: u8 = 64;

/// How often memory that was not promised is asked for, and how long what asks waits in between: a minute in all.
const TRIES: u32 = 120;
const UNTIL_SPARE: Duration = Duration::from_millis(500);

/// What is left of a request.
#[derive(Clone)]
pub(super) struct Rest {
    request: Payload,
    /// Its protobuf, once it is opened.
    message: Option<Bytes>,
    /// The items that are left of it; none where nobody counted them.
    items: u64,
    /// Where what is left begins.
    from: usize,
    /// The most bytes of a part.
    max: usize,
    halvings: u8,
    /// The records that it begins with, of which one is known to be refused.
    suspects: u32,
    refusals: u8,
}

/// Why a request is sent in smaller parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    TooLarge,
    /// Something in it was refused for good.
    Refused,
}

/// Where a part was cut off.
pub(super) struct Cut {
    /// What was left of the request before.
    before: Rest,
    len: usize,
    until: usize,
    records: u32,
    is_last: bool,
    /// Whether there is room for its compressed form beside it.
    pub(super) is_compressible: bool,
    /// What it is charged with, where it is larger than what was promised.
    _lease: Option<Lease>,
}

impl Rest {
    /// A request of which nothing is sent yet.
    pub(super) fn whole(request: Payload, items: u64, max: usize) -> Self {
        Self {
            request,
            message: None,
            items,
            from: 0,
            max,
            halvings: 0,
            suspects: 0,
            refusals: 0,
        }
    }

    /// A request in parts of half its size.
    pub(super) fn halved((request, items): &(Payload, u64), why: Why) -> Self {
        let whole = Self::whole(request.clone(), *items, request.opened_size() / 2);
        match why {
            Why::TooLarge => Self {
                halvings: 1,
                ..whole
            },
            Why::Refused => Self {
                suspects: u32::try_from(*items).unwrap_or(u32::MAX),
                refusals: 1,
                ..whole
            },
        }
    }

    /// The request, and the items that are left of it.
    pub(super) fn request(&self) -> (Payload, u64) {
        (self.request.clone(), self.items)
    }

    /// Whether parts of it are sent.
    pub(super) fn is_begun(&self) -> bool {
        self.from > 0
    }

    /// Cuts the next part off, and gives what is left then; nothing where that would be the whole request.
    pub(super) async fn cut(
        mut self,
        room: Room,
    ) -> Result<Option<(Piece, Option<Self>)>, Failure> {
        let free = room.of_part(&self.request);
        // Half of it is for the compressed form.
        let max = match room.coding {
            Some(_) => free.saturating_sub(1024) / 17 * 8,
            None => free,
        };
        let max = self.max.min(max);
        let mut lease: Option<Lease> = None;
        let part = loop {
            let bytes = self.request.opened_size();
            let (rest, part) = off_thread(bytes, move || {
                let part = self.next(max);
                (self, part)
            })
            .await?;
            self = rest;
            let Some(part) = part? else {
                return Ok(None);
            };
            if part.is_last && self.from == 0 {
                return Ok(None);
            }
            match part.framed.len().checked_sub(free) {
                Some(missing) if missing > 0 && lease.is_none() => {
                    drop(part);
                    lease = self.spare(missing).await?;
                }
                _ => break part,
            }
        };
        let len = part.framed.len();
        let items = u64::from(part.records);
        let rest = (!part.is_last).then(|| Self {
            from: part.until,
            items: self.items.saturating_sub(items),
            suspects: self.suspects.saturating_sub(part.records),
            ..self.clone()
        });
        let cut = Cut {
            len,
            until: part.until,
            records: part.records,
            is_last: part.is_last,
            is_compressible: len.saturating_add(coded(len)) <= free,
            _lease: lease,
            before: self,
        };
        let payload = Payload::plain(cut.before.request.signal(), part.framed.into());
        let piece = Piece {
            requests: vec![(payload, items)],
            cut: Some(cut),
        };
        Ok(Some((piece, rest)))
    }

    /// Waits for memory that was not promised: one record is more than a quarter of a request.
    async fn spare(&self, bytes: usize) -> Result<Option<Lease>, Failure> {
        let Some(memory) = self.request.memory() else {
            return Ok(None);
        };
        for _ in 0..TRIES {
            if let Ok(lease) = memory.take(bytes) {
                return Ok(Some(lease));
            }
            time::sleep(UNTIL_SPARE).await;
        }
        let reason = "there is no memory to send a request in parts".to_owned();
        Err(Failure::transport(reason))
    }

    fn next(&mut self, max: usize) -> Result<Option<Part>, Failure> {
        let signal = self.request.signal();
        if self.message.is_none() {
            let opened = compression::open(self.request.clone())
                .map_err(|refusal| Failure::permanent(refusal.to_string()))?;
            let message = opened.message().unwrap_or_default();
            if self.items == 0 {
                self.items = batch::records(signal, &message);
            }
            self.message = Some(message);
        }
        let message = self.message.as_deref().unwrap_or_default();
        let bounds = Bounds {
            bytes: max,
            records: match self.suspects {
                0 => u32::MAX,
                suspects => suspects.div_ceil(2),
            },
        };
        let part = batch::cut(signal, message, self.from, bounds, PREFIX)
            .map_err(|error| Failure::permanent(error.to_string()))?;
        Ok(part.map(|mut part| {
            put_prefix(&mut part.framed, false);
            part
        }))
    }
}

impl Cut {
    /// Whether nothing is left of the request behind it.
    pub(super) fn is_last(&self) -> bool {
        self.is_last
    }

    /// Whether the request is of several senders.
    pub(super) fn is_joined(&self) -> bool {
        self.before.request.is_joined()
    }

    /// What was left before it was cut off, in parts of half its size; nothing if that would be no smaller.
    pub(super) fn halved(&self, why: Why) -> Option<Rest> {
        let before = &self.before;
        let (halvings, refusals) = (before.halvings + 1, before.refusals + 1);
        let is_one = self.until - before.from <= 1;
        match why {
            Why::TooLarge => (!is_one && halvings <= MAX_HALVINGS).then(|| Rest {
                max: before.max.min(self.len) / 2,
                halvings,
                ..before.clone()
            }),
            Why::Refused => (self.records > 1 && refusals <= MAX_REFUSALS).then(|| Rest {
                suspects: self.records,
                refusals,
                ..before.clone()
            }),
        }
    }
}
