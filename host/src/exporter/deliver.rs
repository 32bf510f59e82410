//! The tasks that send what waits, try again, and say how it ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::Retry;
use super::answer::{Accepted, Failure};
use super::client::Client;
use super::counters::Counters;
use super::gather::Gather;
use super::lot::{Lot, Piece, Pieces};
use super::prepared::Prepared;
use super::retry::Backoff;
use super::room::Room;
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
    /// What is promised for its copies.
    pub(super) room: Room,
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
        let Lot {
            requests,
            mut tickets,
        } = lot;
        let pieces = Pieces::new(requests, self.room, self.max_bytes);
        let answer = self.send(pieces, tickets.first_mut()).await;
        for ticket in tickets {
            ticket.settle(answer.clone());
        }
    }

    /// Sends one piece after the other, those that are too large in smaller ones; gives the last failure.
    async fn send(
        &self,
        mut pieces: Pieces,
        mut ticket: Option<&mut Ticket>,
    ) -> Result<Accepted, Refusal> {
        let mut answer = Ok(Accepted::default());
        let awaited = ticket.as_ref().is_some_and(|ticket| ticket.is_awaited());
        while let Some(next) = pieces.next().await {
            let (piece, failure) = match next {
                Ok(mut piece) => match self.export(&mut piece, ticket.as_deref_mut()).await {
                    Ok(accepted) => {
                        let accepted = self.note_sent(accepted, piece.items());
                        if let Ok(all) = &mut answer {
                            all.add(accepted);
                        }
                        continue;
                    }
                    // Whoever waits looks for what is refused: it knows what is whole.
                    Err(failure) if awaited && !failure.too_large => (piece, failure),
                    Err(failure) => match pieces.again_smaller(piece, &failure).await {
                        Ok(()) => continue,
                        Err(piece) => (piece, failure),
                    },
                },
                Err(unsent) => unsent,
            };
            if awaited && failure.retryable {
                self.note_returned(&failure, piece.items());
            } else if awaited || self.letters.is_none() {
                self.note_failed(&failure, piece.items(), false);
            } else if self.keep(&piece, &failure).await {
                self.note_failed(&failure, piece.items(), true);
            } else {
                // The queue holds it, and refuses once that is full: what was acknowledged is not thrown away.
                tokio::time::sleep(UNTIL_ROOM).await;
                pieces.again(piece);
                continue;
            }
            answer = Err(failure.refusal(&self.name));
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
        let letter = |(payload, items): &(Payload, u64)| Letter {
            payload: payload.clone(),
            items: *items,
            grounds: Grounds {
                origin: Origin::Exporter {
                    exporter: self.name.to_string(),
                },
                kind,
                text: format!("{}{said}", failure.reason),
            },
        };
        let dead = piece.requests.iter().map(letter).collect();
        letters.keep(dead).await.is_ok()
    }

    /// Brings a piece into the form in which it is sent; `compressed` is whether it is, if the exporter compresses.
    async fn prepare(&self, piece: &mut Piece, compressed: bool) -> Result<Prepared, Failure> {
        let is_roomy = piece.cut.as_ref().is_none_or(|cut| cut.is_compressible);
        let coding = self.client.coding().filter(|_| compressed && is_roomy);
        Prepared::new(piece, coding, |items, failure| {
            // It cannot be opened, and so not kept.
            self.note_failed(&failure, items, false);
        })
        .await
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
        let mut prepared = self.prepare(piece, true).await?;
        let mut is_suspect = false;
        let awaited = ticket.as_ref().is_some_and(|ticket| ticket.is_awaited());
        let mut started = Instant::now();
        let mut backoff = Backoff::new(&self.retry, started, awaited);
        loop {
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
                    // There is room for one form at a time.
                    drop(prepared);
                    let Ok(plain) = self.prepare(piece, false).await else {
                        return Err(failure);
                    };
                    (prepared, is_suspect) = (plain, true);
                    self.counters.retries.add(1);
                    started = Instant::now();
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
            started = Instant::now();
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

    /// Gives what the backend took, as far as that can be.
    fn note_sent(&self, mut accepted: Accepted, items: u64) -> Accepted {
        if items > 0 {
            accepted.rejected = accepted.rejected.min(items);
        }
        let rejected = accepted.rejected.min(items);
        self.counters.sent_requests.add(1);
        self.counters.sent_items.add(items - rejected);
        self.counters.rejected_items.add(rejected);
        if accepted.rejected == 0 && accepted.words.is_empty() {
            return accepted;
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
        accepted
    }

    /// Nothing is lost: a sender that waits keeps what it sends until it is answered.
    fn note_returned(&self, failure: &Failure, items: u64) {
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

    fn note_failed(&self, failure: &Failure, items: u64, is_kept: bool) {
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
