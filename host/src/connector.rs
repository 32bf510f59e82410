//! Connectors: an exporter of some pipelines and a receiver of others, which holds spans until their traces are whole
//! (`groupbytrace`), or makes metrics of them ([`span_metrics`]). [`AnyConnector`] is one of either type.
//!
//! A request is taken as by an exporter's queue: room is reserved before processors run on it, and it is acknowledged once it
//! is held. One task holds the spans of all (`held`), and what is due goes on in tasks on all IO threads, to the
//! pipelines behind ([`Next`]), which decide for whole traces.
//!
//! **Invariant**: a request is charged to the queue until its last span was taken by the pipelines behind, and its bytes to the
//! process's memory until they are copied out, and the copy from then on. At a bound the oldest traces go on early; if nobody takes them, new requests are refused.
//!
//! **Invariant**: what memory full of held spans needs to get free is set aside when the connector is started ([`ASIDE`]).

mod any;
mod apart;
mod counters;
mod held;
mod holder;
mod onward;
mod origin;
pub mod span_metrics;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};

use crate::acceptance::Accepted;
use crate::letters::Letters;
use crate::memory::{Lease, Memory};
use crate::payload::Payload;
use crate::queue::{Owned, Queue, Reservation, Size};
use crate::refusal::Refusal;
use crate::runtime::Runtimes;
use holder::Holder;
use onward::Onward;

pub use any::{AnyConfig, AnyConnector, AnyReservation};
pub use counters::Counters;

/// One connector of the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The connector's name in the config, such as `groupbytrace/shop`.
    pub name: String,
    /// How long after its first span a trace goes on. Example: `wait_duration: 10s`.
    pub wait_duration: Duration,
    /// The most traces that are held. Example: `num_traces: 1000000`.
    pub num_traces: usize,
    /// The most bytes of requests that are held. Example: `max_bytes: 256MiB`.
    pub max_bytes: u64,
}

impl Config {
    /// The defaults: those of the Collector's processor, and a queue's bytes.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            wait_duration: Duration::from_secs(1),
            num_traces: 1_000_000,
            max_bytes: 256 << 20,
        }
    }
}

/// Takes what a connector hands on.
pub type Next = Arc<dyn Fn(Payload) -> Taking + Send + Sync>;

/// A batch being taken.
pub type Taking = Pin<Box<dyn Future<Output = Result<Accepted, Refusal>> + Send>>;

/// The memory that a connector sets aside when it is started: what the largest part of a trace may need in the pipelines behind.
pub const ASIDE: usize = 4 * held::PARTED;

/// The most bytes and spans that are handed on at once.
pub const MOST_BYTES: usize = held::TOGETHER + held::PARTED;
/// See [`MOST_BYTES`].
pub const MOST_SPANS: usize = held::PARTED_SPANS;

/// What is noted of a span beyond its bytes: itself (16 bytes), and its trace, if it is the only one.
const NOTED: usize = 128;

/// Why a connector cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "connector {name:?}: there is no room for what it sets aside: raise `service.memory.limit`, or try again later"
)]
pub struct StartError {
    name: String,
}

impl StartError {
    fn of(name: &str) -> Self {
        Self {
            name: name.to_owned(),
        }
    }
}

/// A running connector. Dropping it stops it, and loses what it still holds: see [`Owned::finish`].
pub struct Connector {
    name: Arc<str>,
    queue: Owned,
    counters: Arc<Counters>,
    /// What the config says of it now.
    config: watch::Sender<Config>,
    /// Told when a request found no room.
    pressed: Arc<Notify>,
    _aside: Lease,
}

impl Connector {
    /// Starts a connector that hands on to `next`. `letters` is where batches are kept that are refused for good. With
    /// `is_awaited` a request is answered only once all of it has gone on, and nothing is tried again.
    pub fn start(
        config: &Config,
        runtimes: &Runtimes,
        next: Next,
        letters: Option<&Arc<Letters>>,
        memory: &Memory,
        is_awaited: bool,
    ) -> Result<Self, StartError> {
        let aside = memory
            .take(ASIDE)
            .map_err(|_full| StartError::of(&config.name))?;
        let queue = Queue::of_connector(&config.name, config.max_bytes, !is_awaited);
        let counters = Arc::<Counters>::default();
        let name: Arc<str> = config.name.as_str().into();
        let pressed = Arc::<Notify>::default();
        let threads: Vec<_> = runtimes.iter().cloned().collect();
        let (own, _load) = runtimes.least_loaded();
        let onward = Onward {
            name: Arc::clone(&name),
            next,
            letters: letters.map(Arc::clone),
            queue: queue.clone(),
            counters: Arc::clone(&counters),
            memory: memory.clone(),
            aside: Memory::unbounded(),
            turn: Semaphore::new(1),
            is_awaited,
        };
        let (told, config) = watch::channel(config.clone());
        let holder = Holder::new(config, onward, threads, own.clone(), &pressed);
        own.spawn(holder.run());
        Ok(Self {
            name,
            queue: queue.into(),
            counters,
            config: told,
            pressed,
            _aside: aside,
        })
    }

    /// The connector's name in the config.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What waits, and what was taken and not handed on yet: requests of which a span is held.
    pub fn queue(&self) -> &Owned {
        &self.queue
    }

    /// Keeps to another config of the same name from now on, for what it holds, too.
    pub fn follow(&self, config: &Config) {
        self.queue.set_max_bytes(config.max_bytes);
        self.config.send_if_modified(|now| {
            let differs = now != config;
            now.clone_from(config);
            differs
        });
    }

    /// Takes room for a request, and memory for what is noted of its spans.
    pub fn reserve(&self, payload: &Payload, size: Size) -> Result<Reservation, Refusal> {
        let reserved = self.queue.reserve(size);
        let mut reservation = reserved.inspect_err(|refusal| {
            if matches!(refusal, Refusal::Full { .. }) {
                self.pressed.notify_one();
            }
        })?;
        self.promise(&mut reservation, payload, size)?;
        Ok(reservation)
    }

    /// Has the memory that was taken fit what leaves the processors.
    pub fn promise(
        &self,
        reservation: &mut Reservation,
        payload: &Payload,
        size: Size,
    ) -> Result<(), Refusal> {
        let Some(memory) = payload.memory() else {
            return Ok(());
        };
        let spans = usize::try_from(size.items).unwrap_or(usize::MAX);
        let promised = reservation.promise(memory, spans.saturating_mul(NOTED));
        promised.inspect_err(|_full| self.pressed.notify_one())
    }

    /// What it has done since it was started, and holds.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
