//! The spans that are held, and which of them go on together. It knows no clock, no queue and no exporter: it is told what
//! time it is, and what comes out of it somebody else hands on.
//!
//! Requests stay as the bytes that they came in. Of each span it is noted where it lies and which span of its trace came
//! before it, so that a trace is a chain that leads through the requests. A trace is due so long after its first span came,
//! so that the traces stand in the order in which they are due. What goes on is copied out of its requests, and a request is let
//! go of with its last span.
//!
//! **Invariant**: every span that goes in comes out once, and those of a trace together, unless the trace is larger than
//! [`PARTED`], comes in several goes, or lies in a request of which too little is left ([`REPEATED`]).

mod past;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use crate::batch::{Spans, TraceId};
use crate::payload::Payload;
use past::Past;

/// What goes on together has no more bytes than this, and what is left of the trace that reaches it.
pub(super) const TOGETHER: usize = 1 << 20;

/// A trace goes on in parts from this size on: twice what most backends take as one.
pub(super) const PARTED: usize = 8 << 20;

/// And from this number of spans on, of which a batch cannot have any number.
pub(super) const PARTED_SPANS: usize = 1 << 16;

/// What the spans of a request share is copied each time that some of them go on. Once that comes to so many times the
/// request's own size, what is left of it goes on at once, or a sender could make much of little.
const REPEATED: usize = 8;

/// Held spans. `T` stands for a request to whoever counts what became of it.
pub(super) struct Held<T> {
    wait: Duration,
    requests: Vec<Option<Request<T>>>,
    /// The places in `requests` that are free.
    free: Vec<u32>,
    /// In the order in which they are due.
    traces: VecDeque<Trace>,
    /// The number of the first of them; each has the number after the one before it.
    first: u32,
    numbers: HashMap<TraceId, u32>,
    past: Past,
    spans: usize,
    late: u64,
    parted: u64,
    /// Used again and again.
    ids: Vec<TraceId>,
    picked: Vec<Link>,
    rows: Vec<u32>,
}

/// What goes on together: a request of its own.
#[derive(Debug)]
pub(super) struct Bundle<T> {
    /// Its bytes, after the headroom.
    pub(super) framed: Vec<u8>,
    pub(super) spans: usize,
    /// Traces that went on before they were due.
    pub(super) early: u64,
    /// The requests that its spans came in, and how many came in each.
    pub(super) from: Vec<(T, usize)>,
}

/// Which traces go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Those that came so long ago by now.
    Due(Duration),
    /// At most so many of the oldest, due or not.
    Oldest(usize, Duration),
    /// All.
    All,
}

struct Request<T> {
    message: Bytes,
    spans: Spans,
    /// Keeps what the message is charged with.
    payload: Option<Payload>,
    /// For each span, the one of its trace before it.
    before: Box<[Link]>,
    /// Spans that are not taken out yet.
    left: usize,
    /// Bytes of what its spans share that were written so far.
    repeated: usize,
    /// Nothing where all that was left has gone on, and only the chains still lead through it.
    token: Option<T>,
}

struct Trace {
    id: TraceId,
    since: Duration,
    last: Link,
    /// Whether a part of it has gone on.
    is_begun: bool,
}

/// A span: its request's place, and its row there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    request: u32,
    row: u32,
}

impl Link {
    /// The end of a chain.
    const END: Self = Self {
        request: u32::MAX,
        row: 0,
    };
    /// In the place of the link of a span that is taken out.
    const TAKEN: Self = Self {
        request: u32::MAX,
        row: 1,
    };
}

impl<T: Clone> Held<T> {
    /// Nothing held; a trace is due `wait` after its first span came.
    pub(super) fn new(wait: Duration) -> Self {
        Self {
            wait,
            requests: vec![],
            free: vec![],
            traces: VecDeque::new(),
            first: 0,
            numbers: HashMap::new(),
            past: Past::new(),
            spans: 0,
            late: 0,
            parted: 0,
            ids: vec![],
            picked: vec![],
            rows: vec![],
        }
    }

    /// Holds an opened request that came `now`, for which `token` stands, which is told the number of its spans; gives it
    /// back if it has none, or cannot be read.
    pub(super) fn insert(
        &mut self,
        now: Duration,
        payload: Payload,
        token: impl FnOnce(usize) -> T,
    ) -> Result<(), Box<Payload>> {
        self.ids.clear();
        let message = payload.message().unwrap_or_default();
        let spans = match Spans::read(&message, &mut self.ids) {
            Ok(spans) if spans.count() > 0 => spans,
            _ => return Err(Box::new(payload)),
        };
        let request = self.free.pop().unwrap_or_else(|| {
            self.requests.push(None);
            u32::try_from(self.requests.len() - 1).expect("a request has bytes of its own")
        });
        let ids = std::mem::take(&mut self.ids);
        let mut before = Vec::with_capacity(ids.len());
        let mut latest: Option<(TraceId, usize)> = None;
        for (row, id) in (0..).zip(&ids) {
            let at = match latest {
                Some((latest, at)) if latest == *id => at,
                _ => self.trace(id, now),
            };
            latest = Some((*id, at));
            let link = Link { request, row };
            if let Some(trace) = self.traces.get_mut(at) {
                before.push(std::mem::replace(&mut trace.last, link));
            }
        }
        self.spans += ids.len();
        if let Some(slot) = self.requests.get_mut(request as usize) {
            *slot = Some(Request {
                message,
                spans,
                payload: Some(payload),
                before: before.into(),
                left: ids.len(),
                repeated: 0,
                token: Some(token(ids.len())),
            });
        }
        self.ids = ids;
        Ok(())
    }

    /// Where a trace stands, which begins now if there is none of this id.
    fn trace(&mut self, id: &TraceId, now: Duration) -> usize {
        let next = self.first.wrapping_add(number(self.traces.len()));
        let number = *self.numbers.entry(*id).or_insert(next);
        if number == next {
            self.late += u64::from(self.past.has(id));
            self.traces.push_back(Trace {
                id: *id,
                since: now,
                last: Link::END,
                is_begun: false,
            });
        }
        number.wrapping_sub(self.first) as usize
    }

    /// Traces that are held.
    pub(super) fn traces(&self) -> usize {
        self.traces.len()
    }

    /// Spans that are held.
    pub(super) fn spans(&self) -> usize {
        self.spans
    }

    /// Traces that began anew after they had gone on, as far as is remembered.
    pub(super) fn late(&self) -> u64 {
        self.late
    }

    /// Traces of which a part went on before the rest, since they were too large.
    pub(super) fn parted(&self) -> u64 {
        self.parted
    }

    /// Has traces be due so long after their first span came, those that are held included.
    pub(super) fn set_wait(&mut self, wait: Duration) {
        self.wait = wait;
    }

    /// When the next trace is due; at once if a part of it has gone on.
    pub(super) fn due(&self) -> Option<Duration> {
        let first = self.traces.front()?;
        Some(if first.is_begun {
            Duration::ZERO
        } else {
            first.since.saturating_add(self.wait)
        })
    }

    /// Takes out what goes on next, with so many bytes of headroom before it; nothing if there is none, or no more.
    pub(super) fn take(&mut self, reach: Reach, headroom: usize) -> Option<Bundle<T>> {
        let mut bundle = Bundle {
            framed: vec![0; headroom],
            spans: 0,
            early: 0,
            from: vec![],
        };
        self.pick(reach, &mut bundle);
        let mut picked = std::mem::take(&mut self.picked);
        picked.sort_unstable();
        for of_one in picked.chunk_by(|one, other| one.request == other.request) {
            self.write(of_one, &mut bundle);
        }
        picked.clear();
        self.picked = picked;
        self.spans -= bundle.spans;
        self.shrink();
        (bundle.spans > 0).then_some(bundle)
    }

    /// Picks the spans of the traces that go on, until they are enough.
    fn pick(&mut self, reach: Reach, bundle: &mut Bundle<T>) {
        let (mut bytes, mut oldest) = (0, 0);
        while bytes < TOGETHER
            && self.picked.len() < PARTED_SPANS
            && let Some(trace) = self.traces.front()
        {
            let is_due = |now| trace.is_begun || trace.since.saturating_add(self.wait) <= now;
            let is_early = match reach {
                Reach::Due(now) if is_due(now) => false,
                Reach::Due(_) => break,
                Reach::Oldest(most, _) if oldest >= most => break,
                Reach::Oldest(_, now) => !is_due(now),
                Reach::All => false,
            };
            oldest += 1;
            bundle.early += u64::from(is_early);
            let last = self.follow(trace.last, &mut bytes);
            if last != Link::END {
                if let Some(trace) = self.traces.front_mut() {
                    self.parted += u64::from(!trace.is_begun);
                    (trace.last, trace.is_begun) = (last, true);
                }
                break;
            }
            if let Some(trace) = self.traces.pop_front() {
                self.numbers.remove(&trace.id);
                self.past.add(&trace.id);
                self.first = self.first.wrapping_add(1);
            }
        }
        // And some for what they share.
        bundle.framed.reserve(bytes + bytes / 8);
    }

    /// Picks the spans of a chain; gives where it goes on if they are too many.
    fn follow(&mut self, mut at: Link, bytes: &mut usize) -> Link {
        while at != Link::END && *bytes < PARTED && self.picked.len() < PARTED_SPANS {
            let slot = self.requests.get_mut(at.request as usize);
            let Some(request) = slot.and_then(Option::as_mut) else {
                return Link::END;
            };
            let Some(before) = request.before.get_mut(at.row as usize) else {
                return Link::END;
            };
            let next = std::mem::replace(before, Link::TAKEN);
            if request.token.is_some() {
                *bytes += request.spans.bytes(at.row);
                self.picked.push(at);
            } else {
                self.let_go(at.request, 1);
            }
            at = next;
        }
        at
    }

    /// Writes spans of one request, and all that is left of it if that is better.
    fn write(&mut self, picked: &[Link], bundle: &mut Bundle<T>) {
        let Some(at) = picked.first().map(|first| first.request) else {
            return;
        };
        let Some(request) = self.requests.get_mut(at as usize).and_then(Option::as_mut) else {
            return;
        };
        self.rows.clear();
        self.rows.extend(picked.iter().map(|link| link.row));
        let (repeats, size) = (request.spans.shared(), request.message.len());
        if request.repeated + repeats > REPEATED * size {
            // The links of those that are picked say so; the others' chains still lead through here.
            let left = (0..).zip(&request.before);
            let left = left.filter(|(_, before)| **before != Link::TAKEN);
            self.rows.extend(left.map(|(row, _)| row));
            self.rows.sort_unstable();
        }
        let is_first = request.left == request.spans.count();
        if is_first && self.rows.len() < request.left {
            request
                .spans
                .write_loose(&request.message, &mut bundle.framed);
        }
        let before = bundle.framed.len();
        request
            .spans
            .write(&request.message, &self.rows, &mut bundle.framed);
        let rows = self.rows.iter().map(|row| request.spans.bytes(*row));
        request.repeated += (bundle.framed.len() - before).saturating_sub(rows.sum());
        let spans = self.rows.len();
        bundle.spans += spans;
        if spans > picked.len() {
            bundle
                .from
                .extend(request.token.take().map(|it| (it, spans)));
            (request.message, request.payload) = (Bytes::new(), None);
        } else {
            bundle
                .from
                .extend(request.token.clone().map(|it| (it, spans)));
        }
        self.let_go(at, picked.len());
    }

    /// Lets go of a request with its last span.
    fn let_go(&mut self, at: u32, spans: usize) {
        let Some(slot) = self.requests.get_mut(at as usize) else {
            return;
        };
        if let Some(request) = slot {
            request.left -= spans;
            if request.left == 0 {
                *slot = None;
                self.free.push(at);
            }
        }
    }

    /// Gives back the memory of a rush that is over.
    fn shrink(&mut self) {
        const MUCH: usize = 1 << 12;
        if self.traces.capacity() > MUCH && self.traces.capacity() / 8 > self.traces.len() {
            self.traces.shrink_to(2 * self.traces.len());
            self.numbers.shrink_to(2 * self.traces.len());
        }
        // No chain leads through any of them.
        if self.traces.is_empty() && self.requests.capacity() > MUCH {
            self.requests = vec![];
            self.free = vec![];
        }
    }
}

/// A count of what costs bytes each.
fn number(count: usize) -> u32 {
    u32::try_from(count).expect("there is no memory for so many")
}
