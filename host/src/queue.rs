//! A bounded queue in front of each exporter: room is reserved before anything runs, and filled or given back after.
//!
//! A request is charged from its reservation until the exporter is done with it, its retries included: the bounds are on
//! what is held, not on what merely waits. Requests wait in lanes, one for each IO thread, under bounds that the lanes
//! share. It is not for sending: an exporter takes what waits and says how it ended.
//!
//! **Invariant**: whoever was told that a request is taken has it either sent, or counted by the exporter as failed, or
//! counted here as lost.

mod lanes;
mod owned;
mod request;
mod room;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::memory::{Lease, Memory};
use crate::payload::Payload;
use crate::refusal::{RETRY_AFTER, Refusal};
use crate::telemetry::Counter;
use lanes::Lanes;
use room::{Charge, Room, Shortage};

pub use owned::Owned;
pub use request::{Delivery, Queued, Ticket};

/// How an exporter queues (`sending_queue`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whether a request is acknowledged once it is queued (`true`), or only once the backend has it.
    /// Example: `enabled: false`.
    pub enabled: bool,
    /// How many requests are sent at the same time. Example: `num_consumers: 10`.
    pub num_consumers: usize,
    /// The bound on what waits, counted by `sizer`. Example: `queue_size: 1000`.
    pub queue_size: u64,
    /// What `queue_size` counts. Example: `sizer: requests`.
    pub sizer: Sizer,
    /// A further bound on what waits, in bytes, whatever `sizer` counts. Example: `max_bytes: 256MiB`.
    pub max_bytes: u64,
    /// Whether requests are put together before they are sent. Example: `batch: { max_bytes: 2MiB }`.
    pub batch: Option<Batching>,
}

/// How requests of one signal are put together (`sending_queue.batch`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batching {
    /// The most bytes of uncompressed protobuf that are sent as one; a larger request is sent in parts.
    /// Example: `max_bytes: 2MiB`.
    pub max_bytes: usize,
    /// How long a request may wait for others. Example: `max_delay: 200ms`.
    pub max_delay: Duration,
}

impl Default for Batching {
    fn default() -> Self {
        Self {
            // Half of what a gRPC server takes unless it is told otherwise.
            max_bytes: 2 << 20,
            max_delay: Duration::from_millis(200),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            num_consumers: 10,
            queue_size: 1000,
            sizer: Sizer::Requests,
            max_bytes: 256 << 20,
            batch: None,
        }
    }
}

/// What a queue counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizer {
    /// Export requests.
    Requests,
    /// Spans, data points or log records.
    Items,
    /// Bytes of uncompressed protobuf.
    Bytes,
}

/// How much room a request takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// The bytes it holds in memory.
    pub bytes: u64,
    /// Spans, data points or log records.
    pub items: u64,
}

/// What a queue holds: reserved, waiting and being sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Export requests.
    pub requests: u64,
    /// Spans, data points or log records.
    pub items: u64,
    /// Bytes, with what each request costs beyond its own.
    pub bytes: u64,
}

/// What a queue can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// What `size` counts.
    pub sizer: Sizer,
    /// The bound of the config's `queue_size`.
    pub size: u64,
    /// The bound in bytes beside it.
    pub bytes: u64,
}

/// Telemetry that was taken and could not be sent before the process had to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Export requests.
    pub requests: u64,
    /// Spans, data points or log records.
    pub items: u64,
}

/// The queue of one exporter. Clones are the same queue.
#[derive(Clone)]
pub struct Queue(Arc<Shared>);

/// Room in a queue. Dropping it gives the room back.
#[must_use = "dropping a reservation gives the room back"]
pub struct Reservation(Held);

struct Shared {
    name: Arc<str>,
    /// Whose it is, and the keys of its bounds.
    owner: &'static str,
    keys: &'static str,
    enabled: bool,
    room: Room,
    lanes: Lanes,
    closed: Flag,
    stopped: Flag,
    refused: Counter,
    /// Requests that were committed and have not ended.
    pending: AtomicU64,
    lost_requests: AtomicU64,
    lost_items: AtomicU64,
    /// Told when the last request is gone.
    emptied: Notify,
}

/// Room that is charged for as long as it lives.
struct Held {
    queue: Arc<Shared>,
    charge: Charge,
    /// The process's memory that is promised to the exporter.
    memory: Option<Lease>,
}

/// Something that happens once, and can be awaited.
#[derive(Default)]
struct Flag {
    raised: AtomicBool,
    told: Notify,
}

impl Sizer {
    /// Its name in the config.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Items => "items",
            Self::Bytes => "bytes",
        }
    }
}

impl Queue {
    /// A queue for the exporter `name` with a lane for each IO thread.
    pub fn new(name: &str, config: &Config, lanes: usize) -> Self {
        Self::of(
            "exporter",
            "`queue_size` or `max_bytes`",
            name,
            config,
            lanes,
        )
    }

    /// A queue for the connector `name`, with one lane, bounded in bytes alone.
    pub fn of_connector(name: &str, max_bytes: u64, enabled: bool) -> Self {
        let config = Config {
            enabled,
            queue_size: u64::MAX,
            max_bytes,
            ..Config::default()
        };
        Self::of("connector", "`max_bytes`", name, &config, 1)
    }

    fn of(
        owner: &'static str,
        keys: &'static str,
        name: &str,
        config: &Config,
        lanes: usize,
    ) -> Self {
        Self(Arc::new(Shared {
            name: name.into(),
            owner,
            keys,
            enabled: config.enabled,
            room: Room::new(config),
            lanes: Lanes::new(lanes),
            closed: Flag::default(),
            stopped: Flag::default(),
            refused: Counter::default(),
            pending: AtomicU64::new(0),
            lost_requests: AtomicU64::new(0),
            lost_items: AtomicU64::new(0),
            emptied: Notify::new(),
        }))
    }

    /// Bounds its bytes anew. What is held above the new bound stays, and nothing is taken until there is less.
    pub fn set_max_bytes(&self, max_bytes: u64) {
        self.0.room.set_max_bytes(max_bytes);
    }

    /// Takes room for a request before any processor runs on it.
    pub fn reserve(&self, size: Size) -> Result<Reservation, Refusal> {
        self.try_reserve(size).inspect_err(|_refusal| {
            self.0.refused.add(1);
        })
    }

    fn try_reserve(&self, size: Size) -> Result<Reservation, Refusal> {
        let charge = self.0.room.charge(size);
        self.0.room.take(charge).map_err(|shortage| match shortage {
            Shortage::Now => Refusal::Full {
                what: format!("the queue of {} {:?}", self.0.owner, self.0.name),
                after: RETRY_AFTER,
            },
            Shortage::Ever => Refusal::TooLarge(format!(
                "the request is larger than the whole queue of {} {:?}: send smaller batches, or raise {}",
                self.0.owner, self.0.name, self.0.keys
            )),
        })?;
        let held = Held {
            queue: Arc::clone(&self.0),
            charge,
            memory: None,
        };
        // The room is taken first and the door looked at second, and `emptied` does it the other way round, so that one
        // of the two sees the other.
        if self.is_closed() {
            return Err(self.0.leaving());
        }
        Ok(Reservation(held))
    }

    /// Takes the next request of a lane, or else of a longer one; none once the queue is stopped.
    pub async fn take(&self, lane: usize) -> Option<Box<Queued>> {
        self.0.lanes.take(lane).await
    }

    /// Makes the calling thread the one whose requests go to `lane`.
    pub fn adopt(&self, lane: usize) {
        self.0.lanes.adopt(lane);
    }

    /// Refuses everything from now on; what was reserved may still be committed.
    pub fn close(&self) {
        self.0.closed.raise();
    }

    /// Whether it takes no more.
    pub fn is_closed(&self) -> bool {
        self.0.closed.is_raised()
    }

    /// Waits until it takes no more.
    pub async fn closed(&self) {
        self.0.closed.wait().await;
    }

    /// Waits until nothing is held, reservations included. Without [`close`](Self::close), more may come.
    pub async fn emptied(&self) {
        self.0.wait(|| self.0.room.depth().requests == 0).await;
    }

    /// Ends it: refuses everything, and drops what waits. Whoever sends must stop, too: see [`stopped`](Self::stopped).
    pub fn stop(&self) {
        self.close();
        self.0.stopped.raise();
        self.0.lanes.stop();
    }

    /// Waits until the queue is stopped.
    pub async fn stopped(&self) {
        self.0.stopped.wait().await;
    }

    /// Waits until every committed request has ended, and says what was lost.
    pub async fn ended(&self) -> Lost {
        self.0
            .wait(|| self.0.pending.load(Ordering::SeqCst) == 0)
            .await;
        self.lost()
    }

    /// What it holds.
    pub fn depth(&self) -> Depth {
        self.0.room.depth()
    }

    /// What it can hold.
    pub fn capacity(&self) -> Capacity {
        self.0.room.capacity()
    }

    /// The requests that were refused.
    pub fn refused(&self) -> u64 {
        self.0.refused.get()
    }

    /// What was taken and dropped, because the queue was stopped.
    pub fn lost(&self) -> Lost {
        Lost {
            requests: self.0.lost_requests.load(Ordering::SeqCst),
            items: self.0.lost_items.load(Ordering::SeqCst),
        }
    }
}

impl Reservation {
    /// Promises the exporter so much of the process's memory for what it makes of the request, in the place of what was
    /// promised before.
    pub fn promise(&mut self, memory: &Memory, bytes: usize) -> Result<(), Refusal> {
        let promised = self.0.memory.get_or_insert_with(|| memory.nothing());
        promised
            .fit(bytes)
            .map_err(|_full| Refusal::out_of_memory())
    }

    /// Hands a request over. It may have become larger than what was reserved, which is charged and never refused, or
    /// smaller, which gives room back.
    pub fn commit(mut self, payload: Payload, actual: Size) -> Delivery {
        let queue = Arc::clone(&self.0.queue);
        let charge = queue.room.charge(actual);
        queue.room.adjust(self.0.charge, charge);
        self.0.charge = charge;
        let (queued, delivery) = Queued::new(self.0, payload, actual);
        match queue.lanes.push(queued) {
            Ok(()) => delivery,
            Err(queued) => {
                queued.split().1.settle(Err(queue.leaving()));
                Delivery::refused(queue.leaving())
            }
        }
    }
}

impl Shared {
    fn leaving(&self) -> Refusal {
        Refusal::Unavailable {
            what: format!("{} {:?} is shutting down", self.owner, self.name),
            after: RETRY_AFTER,
        }
    }

    async fn wait(&self, done: impl Fn() -> bool + Send) {
        loop {
            let mut told = std::pin::pin!(self.emptied.notified());
            told.as_mut().enable();
            if done() {
                return;
            }
            told.await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Whoever is told that nothing is left finds nothing held.
        drop(self.memory.take());
        if self.queue.room.give_back(self.charge) {
            self.queue.emptied.notify_waiters();
        }
    }
}

impl Flag {
    fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
        self.told.notify_waiters();
    }

    fn is_raised(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }

    async fn wait(&self) {
        let mut told = std::pin::pin!(self.told.notified());
        told.as_mut().enable();
        if !self.is_raised() {
            told.await;
        }
    }
}
