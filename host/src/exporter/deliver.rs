//! The tasks that send what waits, try again, and say how it ended.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::Retry;
use super::answer::{Accepted, Failure};
use super::client::Client;
use super::counters::Counters;
use super::gather::Gather;
use super::lot::{Lot, Piece};
use super::prepared::Prepared;
use super::retry::Backoff;
use crate::letters::{Grounds, Kind, Letter, Letters, Origin};
use crate::payload::Payload;
use crate::queue::{Queue, Ticket};
use crate::refusal::Refusal;

/// How long what finds no room among the dead letters waits until it is tried again, at the backend first.
const UNTIL_ROOM: Duration = Duration::from_secs(2);

/// What sends on one IO thread.
pub(super) struct Sender {
    pub(super) name: Arc<str>,
    pub(super) client: Client,
    pub(super) retry: Retry,
    pub(super) counters: Arc<Counters>,
    pub(super) letters: Option<Arc<Letters>>,
    pub(super) queue: Queue,
    pub(super) lane: usize,
    /// Puts requests together, if that is wanted.
    pub(super) gather: Option<Mutex<Gather>>,
    /// The most bytes that are sent as one, uncompressed, if there is such a bound.
    pub(super) max_bytes: Option<usize>,
}

impl Sender {
    /// Sends one lot after the other until the queue is stopped. Several of these share a lane.
    pub(super) async fn consume(self: Arc<Self>) {
        self.queue.adopt(self.lane);
        let work = async {
            while let Some(lot) = self.next().await {
                self.deliver(lot).await;
            }
        };
        tokio::select! {
            () = work => {}
            () = self.queue.stopped() => {}
        }
    }

    /// Sends each request as soon as it comes, in a task of its own, until the queue is stopped: how many at a time is
    /// bounded by the room in the queue. The task is not the sender's, so that an attempt ends as it may when it leaves.
    pub(super) async fn relay(self: Arc<Self>) {
        self.queue.adopt(self.lane);
        while let Some(queued) = self.queue.take(self.lane).await {
            let sender = Arc::clone(&self);
            tokio::spawn(async move {
                tokio::select! {
                    () = sender.deliver(Lot::from(*queued)) => {}
                    () = sender.queue.stopped() => {}
                }
            });
        }
    }

    async fn next(&self) -> Option<Lot> {
        match &self.gather {
            // One gathers while the others send.
            Some(gather) => gather.lock().await.next(&self.queue, self.lane).await,
            None => self.queue.take(self.lane).await.map(|one| Lot::from(*one)),
        }
    }

    async fn deliver(&self, lot: Lot) {
        let items = lot.items();
        let Lot {
            requests,
            mut tickets,
        } = lot;
        let answer = match self.pieces(requests, &tickets, items).await {
            Ok(pieces) => self.send(pieces, tickets.first_mut()).await,
            Err(failure) => Err(failure.refusal(&self.name)),
        };
        for ticket in tickets {
            ticket.settle(answer.clone());
        }
    }

    /// What is sent at a time: all as one, unless that is more than may be.
    async fn pieces(
        &self,
        mut requests: Vec<Payload>,
        tickets: &[Ticket],
        items: u64,
    ) -> Result<VecDeque<Piece>, Failure> {
        let whole = if requests.len() > 1 {
            let counted = requests.into_iter().zip(tickets.iter().map(Ticket::items));
            let (whole, damaged) = Piece::join(counted.collect()).await?;
            for (piece, failure) in damaged {
                // It cannot be opened, and so not kept.
                self.note_failed(&failure, &piece, false);
            }
            whole
        } else {
            let Some(payload) = requests.pop() else {
                return Ok(VecDeque::new());
            };
            Piece::whole(payload, items)
        };
        let parts = match self.max_bytes {
            Some(max) if whole.payload.opened_size() > max => whole.parts(max).await,
            _ => Err(whole),
        };
        Ok(parts.map_or_else(|whole| VecDeque::from([whole]), VecDeque::from))
    }

    /// Sends one piece after the other, those that are too large in smaller ones; gives the last failure.
    async fn send(
        &self,
        mut pieces: VecDeque<Piece>,
        mut ticket: Option<&mut Ticket>,
    ) -> Result<Accepted, Refusal> {
        let mut answer = Ok(Accepted::default());
        while let Some(mut piece) = pieces.pop_front() {
            let sent = self.export(&mut piece, ticket.as_deref_mut()).await;
            let failure = match sent {
                Ok(mut accepted) => {
                    if piece.items > 0 {
                        accepted.rejected = accepted.rejected.min(piece.items);
                    }
                    self.note_sent(&accepted, piece.items);
                    if let Ok(all) = &mut answer {
                        all.add(accepted);
                    }
                    continue;
                }
                Err(failure) => failure,
            };
            match piece.smaller(&failure).await {
                Ok(smaller) => smaller
                    .into_iter()
                    .rev()
                    .for_each(|one| pieces.push_front(one)),
                Err(piece) => {
                    let awaited = ticket.as_ref().is_some_and(|ticket| ticket.is_awaited());
                    if awaited && failure.retryable {
                        self.note_returned(&failure, &piece);
                    } else if awaited || self.letters.is_none() {
                        self.note_failed(&failure, &piece, false);
                    } else if self.keep(&piece, &failure).await {
                        self.note_failed(&failure, &piece, true);
                    } else {
                        // The queue holds it, and refuses once that is full: what was acknowledged is not thrown away.
                        tokio::time::sleep(UNTIL_ROOM).await;
                        pieces.push_front(piece);
                        continue;
                    }
                    answer = Err(failure.refusal(&self.name));
                }
            }
        }
        answer
    }

    /// Keeps what was acknowledged and cannot be delivered as a dead letter; says whether there was room for it.
    async fn keep(&self, piece: &Piece, failure: &Failure) -> bool {
        let Some(letters) = &self.letters else {
            return false;
        };
        let kind = if failure.retryable {
            Kind::GivenUp
        } else {
            Kind::Refused
        };
        let said = match failure.words.as_str() {
            "" => String::new(),
            words => format!(": {words}"),
        };
        let letter = Letter {
            payload: piece.payload.clone(),
            items: piece.items,
            grounds: Grounds {
                origin: Origin::Exporter {
                    exporter: self.name.to_string(),
                },
                kind,
                text: format!("{}{said}", failure.reason),
            },
        };
        letters.keep(vec![letter]).await.is_ok()
    }

    async fn export(
        &self,
        piece: &mut Piece,
        mut ticket: Option<&mut Ticket>,
    ) -> Result<Accepted, Failure> {
        if ticket.as_ref().is_some_and(|ticket| ticket.is_abandoned()) {
            return Err(Failure::transport(
                "the sender left before the request was sent".to_owned(),
            ));
        }
        let payload = piece.payload.clone();
        let mut prepared = self.client.prepare(payload, piece.items).await?;
        piece.items = prepared.items;
        let mut is_suspect = false;
        let awaited = ticket.as_ref().is_some_and(|ticket| ticket.is_awaited());
        let mut backoff = Backoff::new(&self.retry, Instant::now(), awaited);
        loop {
            let started = Instant::now();
            let attempt = self.client.attempt(&prepared).await;
            self.counters.attempts.record(started.elapsed());
            let failure = match attempt {
                Ok(accepted) => {
                    self.note_health(None);
                    if is_suspect {
                        self.give_up_compression();
                    }
                    return Ok(accepted);
                }
                Err(failure) if failure.unknown_coding && prepared.coding.is_some() => {
                    if ticket.as_ref().is_some_and(|ticket| ticket.is_abandoned()) {
                        return Err(failure);
                    }
                    let payload = piece.payload.clone();
                    let Ok(plain) = Prepared::new(payload, None, piece.items).await else {
                        return Err(failure);
                    };
                    (prepared, is_suspect) = (plain, true);
                    piece.items = prepared.items;
                    self.counters.retries.add(1);
                    continue;
                }
                Err(failure) if !failure.retryable => return Err(failure),
                Err(failure) => failure,
            };
            self.note_health(Some(&failure));
            let Some(wait) = backoff.next(Instant::now(), failure.after) else {
                return Err(failure);
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => self.counters.retries.add(1),
                () = abandoned(ticket.as_deref_mut()) => return Err(failure),
            }
        }
    }

    /// Keeps to no compression for a backend that refused a request, and took the same one uncompressed.
    fn give_up_compression(&self) {
        if let Some(compression) = self.client.give_up_compression() {
            tracing::warn!(
                exporter = &*self.name,
                compression,
                "the backend does not know this compression, so that requests are sent uncompressed until the next start: set \
                 `compression` to one that it knows, such as gzip, or to none"
            );
        }
    }

    /// Logs a backend's going and coming, not every attempt.
    fn note_health(&self, failure: Option<&Failure>) {
        let Some(unlogged) = self.counters.turned(failure.is_some()) else {
            return;
        };
        let Some(failure) = failure else {
            tracing::info!(
                exporter = &*self.name,
                unlogged,
                "the backend takes requests again"
            );
            return;
        };
        tracing::warn!(
            exporter = &*self.name,
            reason = failure.reason,
            said = failure.words,
            unlogged,
            "the backend does not take requests"
        );
    }

    fn note_sent(&self, accepted: &Accepted, items: u64) {
        let rejected = accepted.rejected.min(items);
        self.counters.sent_requests.add(1);
        self.counters.sent_items.add(items - rejected);
        self.counters.rejected_items.add(rejected);
        if accepted.rejected == 0 && accepted.words.is_empty() {
            return;
        }
        if let Some(unlogged) = self.counters.may_log_rejection() {
            tracing::warn!(
                exporter = &*self.name,
                rejected = accepted.rejected,
                items,
                said = accepted.words,
                unlogged,
                "the backend took a request in part"
            );
        }
    }

    /// Nothing is lost: a sender that waits keeps what it sends until it is answered.
    fn note_returned(&self, failure: &Failure, piece: &Piece) {
        let items = piece.items;
        self.counters.returned_requests.add(1);
        self.counters.returned_items.add(items);
        if let Some(unlogged) = self.counters.may_log_return() {
            tracing::warn!(
                exporter = &*self.name,
                reason = failure.reason,
                said = failure.words,
                items,
                unlogged,
                "a request was not delivered, and its sender was told to try again"
            );
        }
    }

    fn note_failed(&self, failure: &Failure, piece: &Piece, is_kept: bool) {
        let items = piece.items;
        self.counters.failed_requests.add(1);
        self.counters.failed_items.add(items);
        if let Some(unlogged) = self.counters.may_log_failure() {
            tracing::error!(
                exporter = &*self.name,
                reason = failure.reason,
                said = failure.words,
                retryable = failure.retryable,
                dead_letter = is_kept,
                items,
                unlogged,
                "a request was not delivered"
            );
        }
    }
}

async fn abandoned(ticket: Option<&mut Ticket>) {
    match ticket {
        Some(ticket) => ticket.abandoned().await,
        None => std::future::pending().await,
    }
}
