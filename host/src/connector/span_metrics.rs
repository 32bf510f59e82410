//! Metrics of spans: how many there were, and how long they took, by service, name, kind, status and attributes (`spanmetrics`).
//! An exporter of pipelines of traces, and a receiver of pipelines of metrics.
//!
//! The spans of a request are counted where it is taken, on the IO thread that received it: by themselves first, and then added to
//! the series of all, so that threads wait for each other as long as that takes and no longer. A task hands on what the series come
//! to. The metrics, their names and their dimensions are those of the Collector's connector of this name.
//!
//! **Invariant**: a request is acknowledged once its spans are counted, and each of its spans is counted once. What cannot be
//! counted is told by counters and refuses nothing: the spans themselves are none of this connector's.
//!
//! **Invariant**: what the series take is set aside of the process's memory at the start. Spans that find no room for a series of
//! their own are counted in one of their resource under `otel.metric.overflow`.

mod config;
mod counters;
mod flush;
mod plan;
mod series;
mod snapshot;
mod state;
mod table;
mod tally;
#[cfg(test)]
mod tests;
mod weight;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use super::{Next, StartError};
use crate::letters::Letters;
use crate::memory::{Lease, Memory};
use crate::payload::Payload;
use crate::queue::{Delivery, Lost};
use crate::refusal::{RETRY_AFTER, Refusal};
use crate::runtime::Runtimes;
use flush::{Flusher, Stage, now};
use plan::Plan;
use snapshot::{Cursor, Form, Lot};
use state::{Counted, State};
use table::Hashes;
use tally::{Uncounted, tally};

pub use config::{Config, DIMENSIONS, Dimension, Histogram, Temporality, Unit};
pub use counters::Counters;

/// The memory that is set aside for the lot that is on its way, beside the series.
const LOT_ASIDE: usize = 4 << 20;

/// A running connector. Dropping it stops it, and loses what was counted since it last handed on: see [`finish`](Self::finish).
pub struct SpanMetrics {
    series: Arc<Series>,
    stage: watch::Sender<Stage>,
    ended: watch::Receiver<bool>,
    _aside: Lease,
}

/// What is counted, and who counts.
struct Series {
    name: Arc<str>,
    plan: Plan,
    form: Form,
    hashes: Hashes,
    state: Mutex<State>,
    counters: Arc<Counters>,
    max_bytes: usize,
    is_closed: AtomicBool,
    /// Requests that are reserved.
    reserved: AtomicU64,
    /// Told when the last of them is counted or gone.
    emptied: Notify,
    /// Requests and spans that were counted since metrics were last handed on.
    pending: [AtomicU64; 2],
}

/// Leave to have a request counted.
#[must_use = "a request is counted when it is committed"]
pub struct Reservation(Arc<Series>);

impl Config {
    /// The memory that the connector sets aside when it is started.
    pub fn aside(&self) -> usize {
        self.max_bytes.saturating_add(LOT_ASIDE)
    }
}

impl SpanMetrics {
    /// Starts a connector that hands its metrics on to `next`. `letters` is where metrics are kept that are refused for good and
    /// that none will take the place of.
    pub fn start(
        config: &Config,
        runtimes: &Runtimes,
        next: Next,
        letters: Option<&Arc<Letters>>,
        memory: &Memory,
    ) -> Result<Self, StartError> {
        let aside = memory.take(config.aside());
        let aside = aside.map_err(|_full| StartError::of(&config.name))?;
        let series = Arc::new(Series::new(config));
        let (stage, stages) = watch::channel(Stage::Open);
        let (ended, ends) = watch::channel(false);
        let flusher = Flusher {
            series: Arc::clone(&series),
            next,
            letters: letters.map(Arc::clone),
            memory: memory.clone(),
            aside: Memory::unbounded(),
            stage: stages,
            every: config.metrics_flush_interval,
            temporality: config.aggregation_temporality,
            ended,
        };
        let (runtime, _load) = runtimes.least_loaded();
        runtime.spawn(flusher.run());
        Ok(Self {
            series,
            stage,
            ended: ends,
            _aside: aside,
        })
    }

    /// The connector's name in the config.
    pub fn name(&self) -> &str {
        &self.series.name
    }

    /// Gives leave to have a request counted, which is refused at the end alone.
    pub fn reserve(&self) -> Result<Reservation, Refusal> {
        self.series.reserved.fetch_add(1, Ordering::SeqCst);
        let reservation = Reservation(Arc::clone(&self.series));
        // It counts first, and looks at the door second; who closes does it the other way round.
        if self.series.is_closed.load(Ordering::SeqCst) {
            return Err(Refusal::Unavailable {
                what: format!("connector {:?} is shutting down", self.name()),
                after: RETRY_AFTER,
            });
        }
        Ok(reservation)
    }

    /// What it has done since it was started.
    pub fn counters(&self) -> &Counters {
        &self.series.counters
    }

    /// The bytes that its series may take.
    pub fn max_bytes(&self) -> usize {
        self.series.max_bytes
    }

    /// The requests, and the spans in them, that were counted since metrics were last handed on.
    pub fn pending(&self) -> Lost {
        let [requests, items] = self.series.pending();
        Lost { requests, items }
    }

    /// Takes no more, and hands on what there is, however long it takes until the pipelines have it.
    pub async fn finish(&self) {
        self.series.is_closed.store(true, Ordering::SeqCst);
        self.stage.send_if_modified(|stage| {
            let is_open = *stage == Stage::Open;
            if is_open {
                *stage = Stage::Closing;
            }
            is_open
        });
        self.ended().await;
    }

    /// Ends at once, and says what was counted and not handed on.
    pub async fn abort(&self) -> Lost {
        self.stage.send_replace(Stage::Stopped);
        self.ended().await;
        self.pending()
    }

    async fn ended(&self) {
        let mut ended = self.ended.clone();
        // It fails where the task is gone with its thread.
        let _gone = ended.wait_for(|ended| *ended).await;
    }
}

impl Drop for SpanMetrics {
    fn drop(&mut self) {
        self.stage.send_replace(Stage::Stopped);
    }
}

impl Reservation {
    /// Counts the spans of an opened request.
    pub fn commit(self, payload: &Payload) -> Delivery {
        self.0.count(&payload.message().unwrap_or_default());
        Delivery::taken()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.0.reserved.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.emptied.notify_waiters();
        }
    }
}

impl Series {
    fn new(config: &Config) -> Self {
        let hashes = Hashes::new();
        Self {
            name: config.name.as_str().into(),
            plan: Plan::of(config),
            form: Form::of(config),
            hashes,
            state: Mutex::new(State::new(config, hashes)),
            counters: Arc::default(),
            max_bytes: config.max_bytes,
            is_closed: AtomicBool::new(false),
            reserved: AtomicU64::new(0),
            emptied: Notify::new(),
            pending: [const { AtomicU64::new(0) }; 2],
        }
    }

    fn count(&self, message: &[u8]) {
        let mut counted = Counted::default();
        let uncounted = tally(&self.plan, self.hashes, message, |tally| {
            // It is only a few series, however many spans.
            counted.add(self.state().add(tally, now(), &self.plan));
        });
        let (counters, Counted { spans, overflow }) = (&self.counters, counted);
        counters.items.add(spans);
        if overflow > 0 {
            counters.overflow_items.add(overflow);
        }
        if uncounted.nameless + uncounted.unreadable > 0 || uncounted.read.is_err() {
            self.note_uncounted(&uncounted);
        }
        for (pending, more) in self.pending.iter().zip([1, spans]) {
            pending.fetch_add(more, Ordering::Relaxed);
        }
    }

    fn note_uncounted(&self, uncounted: &Uncounted) {
        let spans = uncounted.nameless + uncounted.unreadable;
        self.counters.uncounted_items.add(spans);
        if let Some(unlogged) = self.counters.uncounted.pass() {
            tracing::warn!(
                connector = &*self.name,
                without_service_name = uncounted.nameless,
                malformed = uncounted.unreadable,
                reason = uncounted.read.as_ref().err().map(tracing::field::display),
                unlogged,
                "spans were not counted"
            );
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next lot of what the series come to now; at the end, lets go of those that are over.
    fn lot(&self, from: Cursor, last: bool) -> Option<(Lot, u64)> {
        let now = now();
        let mut state = self.state();
        let lot = self.form.lot(&mut state, &self.plan, from, now, last);
        if lot.is_none() {
            state.expire(now, &self.plan);
        }
        self.counters.tell(state.count(), state.bytes());
        lot.map(|lot| (lot, now))
    }

    fn taken(&self, lot: &Lot, now: u64) {
        Form::taken(&mut self.state(), lot, now);
    }

    fn pending(&self) -> [u64; 2] {
        self.pending
            .each_ref()
            .map(|one| one.load(Ordering::Relaxed))
    }

    /// So many are handed on.
    fn settle(&self, handed_on: [u64; 2]) {
        for (pending, less) in self.pending.iter().zip(handed_on) {
            pending.fetch_sub(less, Ordering::Relaxed);
        }
    }

    /// Waits until nothing is reserved.
    async fn drained(&self) {
        loop {
            let mut told = std::pin::pin!(self.emptied.notified());
            told.as_mut().enable();
            if self.reserved.load(Ordering::SeqCst) == 0 {
                return;
            }
            told.await;
        }
    }
}
