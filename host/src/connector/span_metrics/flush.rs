//! The task of a connector: it hands on what the series come to, again and again, and once more at the end.
//!
//! **Invariant**: what series that count from one time to the next have counted is handed on once, and tried again until it is
//! taken. Of series that count from their beginnings a newer state takes the place of one that is not taken.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::config::Temporality;
use super::snapshot::{Cursor, Lot};
use super::{Counters, Series};
use crate::batch::Signal;
use crate::connector::Next;
use crate::letters::{Grounds, Kind, Letter, Letters, Origin};
use crate::memory::Memory;
use crate::payload::Payload;
use crate::refusal::Refusal;

/// The first wait after a refusal, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// How long what finds no room among the dead letters waits until it is tried again.
const UNTIL_ROOM: Duration = Duration::from_secs(2);

/// How far a connector's end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(super) enum Stage {
    Open,
    /// It hands on what there is, and ends.
    Closing,
    Stopped,
}

/// What hands on.
pub(super) struct Flusher {
    pub(super) series: Arc<Series>,
    pub(super) next: Next,
    pub(super) letters: Option<Arc<Letters>>,
    /// The process's memory.
    pub(super) memory: Memory,
    /// The room for one lot that finds none there.
    pub(super) aside: Memory,
    pub(super) stage: watch::Receiver<Stage>,
    pub(super) every: Duration,
    pub(super) temporality: Temporality,
    pub(super) ended: watch::Sender<bool>,
}

/// Waits until the end has come so far; at once if nobody is left who would say so.
async fn reached(stage: &mut watch::Receiver<Stage>, until: Stage) {
    let _gone = stage.wait_for(|stage| *stage >= until).await;
}

/// Now, in nanoseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}

/// A request of metrics. They are of several senders' spans, so that an exporter takes it apart if it is refused for good.
fn request(framed: Vec<u8>) -> Payload {
    Payload::plain(Signal::Metrics, Bytes::from(framed)).joined(true)
}

impl Flusher {
    /// Runs until the connector has ended.
    pub(super) async fn run(self) {
        let mut stage = self.stage.clone();
        tokio::select! {
            // Once it is stopped nothing more is handed on.
            biased;
            () = reached(&mut stage, Stage::Stopped) => {}
            () = self.work() => {}
        }
        self.ended.send_replace(true);
    }

    async fn work(&self) {
        let mut stage = self.stage.clone();
        let mut ticks = interval_at(Instant::now() + self.every, self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.flush(false).await,
                () = reached(&mut stage, Stage::Closing) => break,
            }
        }
        self.series.drained().await;
        self.flush(true).await;
    }

    /// Hands on what there is, lot by lot.
    async fn flush(&self, last: bool) {
        let counters = &self.series.counters;
        let mut cursor = Cursor::default();
        let requests = self.series.pending();
        while let Some(lot) = self.series.lot(cursor, last) {
            cursor = match self.temporality {
                Temporality::Cumulative => self.show(lot, last).await,
                Temporality::Delta => {
                    let until = lot.0.until;
                    self.deliver(lot).await;
                    until
                }
            };
        }
        self.series.settle(requests);
        counters.flushes.add(1);
    }

    /// Hands on a lot of series that count from their beginnings, or what they come to by the time that it is taken.
    async fn show(&self, mut lot: (Lot, u64), last: bool) -> Cursor {
        let mut wait = WAITS.0;
        loop {
            let (Lot { until, points, .. }, now) = (&lot.0, lot.1);
            let (until, points) = (*until, *points);
            let payload = request(std::mem::take(&mut lot.0.framed));
            match self.attempt(&payload).await {
                Ok(()) => {
                    self.sent();
                    self.series.taken(&lot.0, now);
                    return until;
                }
                Err(refusal) if refusal.retry_after().is_some() => self.note_wait(&refusal),
                Err(refusal) => {
                    self.note_failure(&refusal, points, false);
                    return until;
                }
            }
            tokio::time::sleep(wait).await;
            self.series.counters.retries.add(1);
            wait = (wait * 2).min(WAITS.1);
            match self.series.lot(lot.0.from, last) {
                Some(newer) => lot = newer,
                None => return until,
            }
        }
    }

    /// Hands on a lot of what came since the one before, until it is taken.
    async fn deliver(&self, (lot, _): (Lot, u64)) {
        let payload = request(lot.framed);
        let mut wait = WAITS.0;
        loop {
            let pause = match self.attempt(&payload).await {
                Ok(()) => return self.sent(),
                Err(refusal) if refusal.retry_after().is_some() => {
                    self.note_wait(&refusal);
                    wait
                }
                Err(refusal) if self.ends(&payload, lot.points, &refusal).await => return,
                Err(_) => UNTIL_ROOM,
            };
            tokio::time::sleep(pause).await;
            self.series.counters.retries.add(1);
            wait = (wait * 2).min(WAITS.1);
        }
    }

    /// Offers it once, within the process's memory, or else in the room aside, if that is free.
    async fn attempt(&self, payload: &Payload) -> Result<(), Refusal> {
        let charged = |memory: &Memory| {
            let charged = payload.clone().charged(memory.nothing());
            charged.map_err(|_full| Refusal::out_of_memory())
        };
        let refusal = match charged(&self.memory) {
            Ok(payload) => match (self.next)(payload).await {
                Ok(_) => return Ok(()),
                Err(refusal @ Refusal::Full { .. }) => refusal,
                Err(refusal) => return Err(refusal),
            },
            Err(refusal) => refusal,
        };
        if self.aside.held() > 0 {
            return Err(refusal);
        }
        (self.next)(charged(&self.aside)?).await.map(drop)
    }

    /// Whether nothing more can be done for a lot that was refused for good.
    async fn ends(&self, payload: &Payload, points: u64, refusal: &Refusal) -> bool {
        if let Some(letters) = &self.letters {
            let letter = Letter {
                payload: payload.clone(),
                items: points,
                grounds: Grounds {
                    origin: Origin::Connector {
                        connector: self.series.name.to_string(),
                    },
                    kind: Kind::Refused,
                    text: refusal.to_string(),
                },
            };
            if letters.keep(vec![letter]).await.is_err() {
                return false;
            }
        }
        self.note_failure(refusal, points, self.letters.is_some());
        true
    }

    fn sent(&self) {
        self.series.counters.sent.add(1);
    }

    fn note_failure(&self, refusal: &Refusal, points: u64, dead_letter: bool) {
        let counters: &Counters = &self.series.counters;
        counters.failed_items.add(points);
        if let Some(unlogged) = counters.failures.pass() {
            tracing::error!(
                connector = &*self.series.name,
                reason = %refusal,
                dead_letter,
                items = points,
                unlogged,
                "metrics of spans were refused for good"
            );
        }
    }

    fn note_wait(&self, refusal: &Refusal) {
        if let Some(unlogged) = self.series.counters.waits.pass() {
            tracing::warn!(
                connector = &*self.series.name,
                reason = %refusal,
                unlogged,
                "the pipelines do not take metrics of spans: they are tried again"
            );
        }
    }
}
