//! The task of a connector: it takes what waits in the queue, and says which traces go on, when and where.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::held::{Held, Reach};
use super::onward::Onward;
use super::origin::Origin;
use super::{Config, NOTED};
use crate::payload::PREFIX;
use crate::queue::Queued;

/// Of this part of its bytes on, traces go on early.
const FULL: (u64, u64) = (3, 4);

/// Who holds more than this part of the process's memory gives way to others, who find none: traces go on early until this part
/// of it is held by all.
const MUCH: usize = 8;
const SHORT: (usize, usize) = (3, 4);

/// Traces that come due within this part of `wait_duration` go on together, if that is no longer than [`LONGEST`].
const GATHERED: u32 = 8;

/// How much later than it could a trace goes on at most, to go with others.
const LONGEST: Duration = Duration::from_millis(100);

/// Batches on their way at the same time, for each IO thread.
const GOING: usize = 2;

/// The same for all together, whose bytes are less than what is set aside.
const MOST_GOING: usize = 16;

/// What holds the spans.
pub(super) struct Holder {
    held: Held<Option<Arc<Origin>>>,
    config: Config,
    /// The same, once it is another.
    next_config: watch::Receiver<Config>,
    onward: Arc<Onward>,
    /// Where batches are handed on, in turn.
    threads: Vec<Handle>,
    own: Handle,
    turn: usize,
    /// Who may hand one on.
    permits: Arc<Semaphore>,
    pressed: Arc<Notify>,
    is_pressed: bool,
    /// Whether others find no room in the process's memory.
    is_short: bool,
    /// What time is counted from.
    start: Instant,
    /// What was due then goes on.
    gate: Duration,
    /// The traces held, those that came late and those that went on in parts, that the counters know of.
    told: (u64, u64, u64),
}

/// What happened next.
enum Event {
    Came(Box<Queued>),
    /// A batch may be handed on.
    May(OwnedSemaphorePermit),
    /// The time has come, or something is different.
    Woken,
    /// The config is.
    Follows,
    /// It is to end.
    Stopped,
}

impl Holder {
    /// Holds nothing yet. It runs on the thread `own`, and hands on on all.
    pub(super) fn new(
        mut next_config: watch::Receiver<Config>,
        onward: Onward,
        threads: Vec<Handle>,
        own: Handle,
        pressed: &Arc<Notify>,
    ) -> Self {
        let going = (GOING * threads.len()).min(MOST_GOING);
        let config = next_config.borrow_and_update().clone();
        Self {
            held: Held::new(config.wait_duration),
            config,
            next_config,
            onward: Arc::new(onward),
            threads,
            own,
            turn: 0,
            permits: Arc::new(Semaphore::new(going)),
            pressed: Arc::clone(pressed),
            is_pressed: false,
            is_short: false,
            start: Instant::now(),
            gate: Duration::ZERO,
            told: (0, 0, 0),
        }
    }

    /// Runs until the queue is stopped.
    pub(super) async fn run(mut self) {
        self.onward.queue.adopt(0);
        loop {
            match self.next().await {
                Event::Came(queued) => self.hold(*queued),
                Event::May(permit) => self.send(permit),
                Event::Woken => {}
                Event::Follows => self.follow(),
                Event::Stopped => return,
            }
            self.tell();
        }
    }

    async fn next(&mut self) -> Event {
        let onward = Arc::clone(&self.onward);
        let queue = &onward.queue;
        let is_due = self.reach().is_some();
        // What waits in the queue is bounded by that.
        let takes = self.held.traces() <= self.config.num_traces;
        let holds_much = !self.is_short && self.holds_much();
        tokio::select! {
            () = queue.stopped() => Event::Stopped,
            queued = queue.take(0), if takes => queued.map_or(Event::Stopped, Event::Came),
            permit = Arc::clone(&self.permits).acquire_owned(), if is_due => {
                permit.map_or(Event::Stopped, Event::May)
            }
            () = until(self.wakes()), if !is_due => {
                self.gate = self.start.elapsed();
                Event::Woken
            }
            () = queue.closed(), if !queue.is_closed() => Event::Woken,
            () = self.pressed.notified() => {
                self.is_pressed = true;
                Event::Woken
            }
            () = onward.memory.short(), if holds_much => {
                self.is_short = true;
                Event::Woken
            }
            // Whoever could change it is gone with the queue.
            Ok(()) = self.next_config.changed() => Event::Follows,
        }
    }

    /// When the next traces go on, a little later than the first of them is due.
    fn wakes(&self) -> Option<Instant> {
        let gathered = (self.config.wait_duration / GATHERED).min(LONGEST);
        let due = self.held.due()?.checked_add(gathered)?;
        self.start.checked_add(due)
    }

    /// Which traces go on now, if any.
    fn reach(&self) -> Option<Reach> {
        let (due, now) = (self.held.due()?, self.start.elapsed());
        let queue = &self.onward.queue;
        let (bytes, going) = (queue.depth().bytes, self.onward.counters.going.get());
        let (part, whole) = FULL;
        let is_full = bytes.saturating_sub(going) > self.config.max_bytes / whole * part;
        if queue.is_closed() {
            Some(Reach::All)
        } else if due <= self.gate {
            Some(Reach::Due(now))
        } else if is_full || self.is_pressed || self.is_short {
            Some(Reach::Oldest(usize::MAX, now))
        } else {
            let over = self.held.traces().saturating_sub(self.config.num_traces);
            (over > 0).then_some(Reach::Oldest(over, now))
        }
    }

    /// Whether much of the process's memory is taken by what is held.
    fn holds_much(&self) -> bool {
        let bytes = usize::try_from(self.onward.queue.depth().bytes).unwrap_or(usize::MAX);
        let noted = self.held.spans().saturating_mul(NOTED);
        bytes.saturating_add(noted) > self.onward.memory.limit() / MUCH
    }

    fn follow(&mut self) {
        self.config = self.next_config.borrow_and_update().clone();
        self.held.set_wait(self.config.wait_duration);
    }

    fn hold(&mut self, queued: Queued) {
        let (payload, ticket) = queued.split();
        let (now, mut ticket) = (self.start.elapsed(), Some(ticket));
        let (before, payload) = (self.held.spans(), payload.only_opened());
        let token = |spans| {
            ticket
                .take()
                .map(|ticket| Arc::new(Origin::new(ticket, spans)))
        };
        let unread = self.held.insert(now, payload, token).err();
        self.onward
            .counters
            .spans
            .add((self.held.spans() - before) as u64);
        // The pipeline before it has looked at it: this is not to be, and nothing is lost if it is.
        if let (Some(payload), Some(ticket)) = (unread, ticket) {
            let passed = Arc::clone(&self.onward).pass(*payload, Origin::new(ticket, 1));
            self.next_thread().spawn(passed);
        }
    }

    /// Hands on what goes on next.
    fn send(&mut self, permit: OwnedSemaphorePermit) {
        let Some(reach) = self.reach() else { return };
        self.is_pressed &= !matches!(reach, Reach::Oldest(..));
        let Some(bundle) = self.held.take(reach, PREFIX) else {
            return;
        };
        let counters = &self.onward.counters;
        counters.early.add(bundle.early);
        counters.going.add(bundle.framed.len() as u64);
        let handed_on = Arc::clone(&self.onward).hand_on(bundle, permit);
        self.next_thread().spawn(handed_on);
    }

    /// The thread whose turn it is.
    fn next_thread(&mut self) -> &Handle {
        self.turn = (self.turn + 1) % self.threads.len();
        self.threads.get(self.turn).unwrap_or(&self.own)
    }

    /// Has the counters say what is held.
    fn tell(&mut self) {
        let counters = &self.onward.counters;
        let traces = self.held.traces() as u64;
        counters.traces.add(traces);
        counters
            .traces
            .subtract(std::mem::replace(&mut self.told.0, traces));
        let late = self.held.late();
        counters
            .late
            .add(late - std::mem::replace(&mut self.told.1, late));
        let parted = self.held.parted();
        let more = parted - std::mem::replace(&mut self.told.2, parted);
        if more > 0 {
            self.onward.note_parted(more);
        }
        // There is nothing that could make room.
        self.is_pressed &= traces > 0;
        let memory = &self.onward.memory;
        let (part, whole) = SHORT;
        self.is_short &= traces > 0 && memory.held() > memory.limit() / whole * part;
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
