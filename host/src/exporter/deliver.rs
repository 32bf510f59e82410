//! The tasks that send what waits, try again, and say how it ended.

use std::sync::Arc;
use std::time::Instant;

use super::Retry;
use super::answer::{Accepted, Failure};
use super::client::Client;
use super::counters::Counters;
use super::retry::Backoff;
use crate::payload::Payload;
use crate::queue::{Queue, Queued, Ticket};

/// What sends on one IO thread.
pub(super) struct Sender {
    pub(super) name: Arc<str>,
    pub(super) client: Client,
    pub(super) retry: Retry,
    pub(super) counters: Arc<Counters>,
    pub(super) queue: Queue,
    pub(super) lane: usize,
}

impl Sender {
    /// Sends one request after the other until the queue is stopped. Several of these share a lane.
    pub(super) async fn consume(self: Arc<Self>) {
        self.queue.adopt(self.lane);
        let work = async {
            while let Some(queued) = self.queue.take(self.lane).await {
                self.deliver(queued).await;
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
                    () = sender.deliver(queued) => {}
                    () = sender.queue.stopped() => {}
                }
            });
        }
    }

    async fn deliver(&self, queued: Box<Queued>) {
        let (payload, mut ticket) = queued.split();
        let result = match self.export(payload, &mut ticket).await {
            Ok(accepted) => {
                self.note_sent(&accepted, ticket.items());
                Ok(())
            }
            Err(failure) => {
                self.note_failed(&failure, ticket.items());
                Err(failure.refusal(&self.name))
            }
        };
        ticket.settle(result);
    }

    async fn export(&self, payload: Payload, ticket: &mut Ticket) -> Result<Accepted, Failure> {
        if ticket.is_abandoned() {
            return Err(Failure::transport(
                "the sender left before the request was sent".to_owned(),
            ));
        }
        let prepared = self.client.prepare(payload).await?;
        let mut backoff = Backoff::new(&self.retry, Instant::now(), ticket.is_awaited());
        loop {
            let failure = match self.client.attempt(&prepared).await {
                Ok(accepted) => {
                    self.note_health(None);
                    return Ok(accepted);
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
                () = ticket.abandoned() => return Err(failure),
            }
        }
    }

    /// Logs a backend's going and coming, not every attempt.
    fn note_health(&self, failure: Option<&Failure>) {
        if !self.counters.turned(failure.is_some()) {
            return;
        }
        let Some(failure) = failure else {
            tracing::info!(exporter = &*self.name, "the backend takes requests again");
            return;
        };
        tracing::warn!(
            exporter = &*self.name,
            reason = failure.reason,
            said = failure.words,
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
                rejected,
                items,
                said = accepted.words,
                unlogged,
                "the backend took a request in part"
            );
        }
    }

    fn note_failed(&self, failure: &Failure, items: u64) {
        self.counters.failed_requests.add(1);
        self.counters.failed_items.add(items);
        if let Some(unlogged) = self.counters.may_log_failure() {
            tracing::error!(
                exporter = &*self.name,
                reason = failure.reason,
                said = failure.words,
                retryable = failure.retryable,
                items,
                unlogged,
                "a request was not delivered"
            );
        }
    }
}
