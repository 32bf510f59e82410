//! Exporters send what the pipelines let through.
//!
//! An exporter is a queue, and on each IO thread a client with connections of its own and the tasks that send what waits
//! in that thread's lane. What OTLP calls retryable is tried again ([`Retry`]); what is given up or refused for good is
//! counted and logged, never with its content.
//!
//! **Delivery is at least once.** An answer that is lost on its way is a failure here, so the backend may see the request
//! again. With the queue disabled the sender waits for the backend, so the retries must not outlast it: what cannot be tried
//! again within its patience is the sender's to try again. When a sender leaves, the attempt under way ends as it may, and
//! no other begins: nothing was acknowledged, and a sender that tries again may then deliver twice.

mod answer;
mod client;
mod coding;
mod connector;
mod counters;
mod debug;
mod deliver;
mod file;
mod gather;
mod grpc;
mod http;
mod lot;
mod mask;
mod parts;
mod prepared;
mod retry;
mod room;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::compression::Coding;
use crate::letters::Letters;
use crate::payload::Payload;
use crate::queue::{self, Lost, Owned, Queue, Reservation, Size};
use crate::refusal::Refusal;
use crate::runtime::Runtimes;
use crate::{auth, tls};
use client::{Client, Shared};
use deliver::Sender;
use gather::Gather;
use room::Room;

pub use counters::Counters;
pub use debug::Output;
pub use file::{Config as FileConfig, Format as FileFormat, Hindrance, Rotation};

/// One exporter of the config.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The exporter's name in the config, such as `otlp/backup`.
    pub name: String,
    /// What it speaks, and to whom.
    pub kind: Kind,
    /// How long one attempt may take; zero is for ever. Example: `timeout: 5s`.
    pub timeout: Duration,
    /// How what failed is tried again.
    pub retry: Retry,
    /// What waits.
    pub queue: queue::Config,
}

/// What an exporter speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// OTLP over gRPC.
    Otlp(Target),
    /// OTLP over HTTP, in protobuf.
    OtlpHttp(Box<HttpTarget>),
    /// Prints what a person can read.
    Debug(Verbosity),
    /// Writes to a file.
    File(FileConfig),
}

impl Kind {
    /// How it compresses, if it does.
    fn coding(&self) -> Option<Coding> {
        match self {
            Self::Otlp(target) => target.compression.coding(),
            Self::OtlpHttp(to) => to.target.compression.coding(),
            Self::Debug(_) | Self::File(_) => None,
        }
    }
}

/// Where an exporter sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `http://host:port`, or `https://` with TLS. Example: `endpoint: https://backend:4317`.
    pub endpoint: ::http::Uri,
    /// TLS, where an endpoint is `https://`. Example: `tls: { ca_file: ca.pem }`.
    pub tls: Box<tls::Client>,
    /// The token that is sent with every request. Example: `auth: { authenticator: bearertokenauth }`.
    pub auth: Option<Box<auth::Config>>,
    /// Sent with every request. Example: `headers: { x-tenant: shop }`.
    pub headers: Vec<(::http::HeaderName, ::http::HeaderValue)>,
    /// Example: `compression: zstd`.
    pub compression: Compression,
    /// Pings over HTTP/2, of which there are none if `None`. Example: `keepalive: { time: 5m }`.
    pub keepalive: Option<Keepalive>,
}

/// How a gRPC backend that is gone without a word is noticed. Servers made with grpc-go hang up on whoever pings more often
/// than every 5 minutes, unless they are told to let it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// After how long without a word from the backend it is asked for one. Example: `time: 5m`.
    pub time: Duration,
    /// How long it may take to answer that. Example: `timeout: 20s`.
    pub timeout: Duration,
    /// Whether it is asked while no request is in flight. Example: `permit_without_stream: true`.
    pub permit_without_stream: bool,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            time: Duration::from_mins(5),
            timeout: Duration::from_secs(20),
            permit_without_stream: false,
        }
    }
}

/// Where the `otlphttp` exporter sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpTarget {
    /// As for gRPC; `/v1/traces` and its like are added to the endpoint's path.
    pub target: Target,
    /// The whole URL for traces instead. Example: `traces_endpoint: http://backend:4318/v1/traces`.
    pub traces_endpoint: Option<::http::Uri>,
    /// The whole URL for metrics instead.
    pub metrics_endpoint: Option<::http::Uri>,
    /// The whole URL for logs instead.
    pub logs_endpoint: Option<::http::Uri>,
}

impl HttpTarget {
    /// Every endpoint that requests are sent to.
    pub fn endpoints(&self) -> impl Iterator<Item = &::http::Uri> {
        let whole = [
            &self.traces_endpoint,
            &self.metrics_endpoint,
            &self.logs_endpoint,
        ];
        whole
            .into_iter()
            .map(|whole| whole.as_ref().unwrap_or(&self.target.endpoint))
    }
}

/// How an exporter compresses: at the level that costs least (1); what came compressed in the same way and was not edited
/// goes on as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
    /// Deflate in zlib's frame.
    Deflate,
    /// The same, and over HTTP by the name that a Collector gives it.
    Zlib,
}

impl Compression {
    /// The coding, if any.
    fn coding(self) -> Option<Coding> {
        match self {
            Self::None => None,
            Self::Gzip => Some(Coding::Gzip),
            Self::Zstd => Some(Coding::Zstd),
            Self::Deflate | Self::Zlib => Some(Coding::Zlib),
        }
    }
}

/// How much the `debug` exporter prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// One line a request: the signal and its counts.
    Basic,
    /// One line a record.
    Normal,
    /// Every field of every record.
    Detailed,
}

/// How what failed is tried again (`retry_on_failure`).
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// Whether it is. Example: `enabled: false`.
    pub enabled: bool,
    /// The wait after the first failure. Example: `initial_interval: 5s`.
    pub initial_interval: Duration,
    /// The longest wait. Example: `max_interval: 30s`.
    pub max_interval: Duration,
    /// When a request is given up, counted from its first attempt; zero is never. Example: `max_elapsed_time: 5m`.
    pub max_elapsed_time: Duration,
    /// The factor from one wait to the next. Example: `multiplier: 1.5`.
    pub multiplier: f64,
    /// Each wait is drawn from itself plus or minus this part. Example: `randomization_factor: 0.5`.
    pub randomization_factor: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            enabled: true,
            initial_interval: Duration::from_secs(5),
            max_interval: Duration::from_secs(30),
            max_elapsed_time: Duration::from_mins(5),
            multiplier: 1.5,
            randomization_factor: 0.5,
        }
    }
}

/// Why an exporter cannot be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("exporter {name:?}: {reason}")]
pub struct StartError {
    /// The exporter's name in the config.
    pub name: String,
    /// What is wrong, and the cure.
    pub reason: String,
}

/// How long an exporter that drains may stand still that waits for no backend but for whoever reads its output: a reader that
/// reads at all has read something by then.
const STANDSTILL: Duration = Duration::from_secs(5);

/// A running exporter. Dropping it stops it, and loses what still waits: see [`drain`](Self::drain).
pub struct Exporter {
    name: Arc<str>,
    queue: Owned,
    counters: Arc<Counters>,
    room: Room,
    /// Whether every attempt ends, be it by its time-out.
    is_bounded: bool,
}

impl Exporter {
    /// Starts an exporter on every IO thread. It connects when the first request comes. `output` is where one of the kind
    /// `debug` prints, and `letters` where requests are kept that were acknowledged and cannot be delivered.
    pub fn start(
        config: &Config,
        runtimes: &Runtimes,
        output: &Output,
        letters: Option<&Arc<Letters>>,
    ) -> Result<Self, StartError> {
        let queue = Queue::new(&config.name, &config.queue, runtimes.iter().len());
        let counters = Arc::<Counters>::default();
        let file = match &config.kind {
            Kind::File(file) => Some(file::Writer::new(file)),
            _ => None,
        };
        let name: Arc<str> = config.name.as_str().into();
        let consumers = config.queue.num_consumers.div_ceil(runtimes.iter().len());
        let batch = config.queue.batch.as_ref();
        let shared = Shared::read(config)?;
        let room = Room::new(config);
        for (lane, runtime) in runtimes.iter().enumerate() {
            let sender = Arc::new(Sender {
                name: Arc::clone(&name),
                client: Client::new(config, &shared, output, file.as_ref())?,
                retry: config.retry.clone(),
                counters: Arc::clone(&counters),
                letters: letters.map(Arc::clone),
                queue: queue.clone(),
                lane,
                room,
                gather: batch.map(|batch| Mutex::new(Gather::new(batch))),
                max_bytes: batch.map(|batch| batch.max_bytes),
            });
            if config.queue.enabled {
                for _consumer in 0..consumers.max(1) {
                    runtime.spawn(Arc::clone(&sender).consume());
                }
            } else {
                runtime.spawn(sender.relay());
            }
        }
        Ok(Self {
            name,
            queue: queue.into(),
            counters,
            room,
            is_bounded: !matches!(config.kind, Kind::Debug(_)),
        })
    }

    /// The exporter's name in the config.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes room for a request in the exporter's queue; see [`Queue::reserve`].
    pub fn reserve(&self, size: Size) -> Result<Reservation, Refusal> {
        self.queue.reserve(size)
    }

    /// Promises the exporter the memory that it may need to get rid of a request, or refuses it. What was promised for the same
    /// reservation before is made to fit.
    pub fn promise(&self, reservation: &mut Reservation, payload: &Payload) -> Result<(), Refusal> {
        match payload.memory() {
            Some(memory) => reservation.promise(memory, self.room.of(payload)),
            None => Ok(()),
        }
    }

    /// What it has done since it was started.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What it holds: reserved, waiting and being sent.
    pub fn queue(&self) -> &Owned {
        &self.queue
    }

    /// Takes no more, and waits until all that was taken is sent or given up; says what is lost, because nobody reads what
    /// the exporter prints. Dropping the future leaves the exporter sending; [`Owned::abort`] ends it.
    pub async fn drain(&self) -> Lost {
        if self.is_bounded {
            self.queue.finish().await;
            return Lost::default();
        }
        self.queue.close();
        loop {
            let before = self.queue.depth().requests;
            if tokio::time::timeout(STANDSTILL, self.queue.emptied())
                .await
                .is_ok()
            {
                return Lost::default();
            }
            if self.queue.depth().requests == before {
                return self.queue.abort().await;
            }
        }
    }
}
