//! One series, and those of one resource.

use super::plan::Plan;
use super::table::Table;
use super::tally::{Exemplar, Sum};

/// What a series costs beyond its key and its buckets: itself, its place in the table, and what the allocator adds.
const OVERHEAD: usize = 240;

/// What a resource costs beyond its bytes, the series of what finds no room included.
const RESOURCE_OVERHEAD: usize = 512 + OVERHEAD;

/// The spans of one resource that have the same dimensions.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) hash: u64,
    /// Nothing for the series of what finds no room of its own.
    pub(super) key: Option<Box<[u8]>>,
    /// When it began, or was last handed on if that is what it is counted from; in nanoseconds since 1970.
    pub(super) start: u64,
    /// When the last of its spans came.
    pub(super) seen: u64,
    pub(super) sum: Sum,
    pub(super) buckets: Box<[u64]>,
    pub(super) exemplars: Vec<Exemplar>,
    /// Whether it has never been handed on.
    pub(super) is_new: bool,
    /// Whether something was counted that has not been handed on.
    pub(super) is_unsent: bool,
    /// Whether it counts towards the limit on a resource's series.
    pub(super) is_live: bool,
}

/// The series of one resource.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// What tells it from others.
    pub(super) identity: Box<[u8]>,
    /// The body of the resource that its metrics are of.
    pub(super) resource: Box<[u8]>,
    pub(super) series: Vec<Series>,
    table: Table,
    overflow: Option<usize>,
    live: usize,
    /// When the last of its spans came.
    pub(super) seen: u64,
}

/// What bounds the series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// The most series of a resource; 0 for any number.
    pub(super) limit: usize,
    /// The bytes that more may take.
    pub(super) bytes: usize,
}

impl Series {
    fn new(hash: u64, key: Option<&[u8]>, now: u64, plan: &Plan) -> Self {
        Self {
            hash,
            key: key.map(Into::into),
            start: now,
            seen: now,
            sum: Sum::default(),
            buckets: vec![0; plan.buckets].into(),
            exemplars: vec![],
            is_new: true,
            is_unsent: false,
            is_live: false,
        }
    }

    /// What it takes of the bound.
    pub(super) fn bytes(&self, plan: &Plan) -> usize {
        cost(self.key.as_deref().unwrap_or_default(), plan)
    }

    /// Begins to count anew.
    pub(super) fn reset(&mut self, now: u64) {
        self.start = now;
        self.sum = Sum::default();
        self.buckets.fill(0);
        self.is_unsent = false;
    }
}

fn cost(key: &[u8], plan: &Plan) -> usize {
    OVERHEAD + key.len() + 8 * plan.buckets + plan.exemplars * size_of::<Exemplar>()
}

impl Group {
    pub(super) fn new(identity: Vec<u8>, resource: Vec<u8>) -> Self {
        Self {
            identity: identity.into(),
            resource: resource.into(),
            ..Self::default()
        }
    }

    /// What it takes of the bound without its series, but with that of what finds no room.
    pub(super) fn bytes(&self, plan: &Plan) -> usize {
        // The identity stands twice.
        RESOURCE_OVERHEAD + 2 * self.identity.len() + self.resource.len() + cost(&[], plan)
    }

    /// Where the series with this key is.
    pub(super) fn known(&self, hash: u64, key: &[u8]) -> Option<usize> {
        let found = self.table.find(hash, |at| {
            let series = self.series.get(at as usize);
            series.is_some_and(|one| one.hash == hash && one.key.as_deref() == Some(key))
        });
        found.map(|at| at as usize)
    }

    /// The series with this key, which is at `known` if there is one, or that of what finds no room; and the bytes that are taken
    /// for it.
    pub(super) fn enter(
        &mut self,
        known: Option<usize>,
        (hash, key): (u64, &[u8]),
        now: u64,
        plan: &Plan,
        room: Room,
    ) -> (usize, usize) {
        let is_full = room.limit > 0 && self.live >= room.limit;
        let (at, more) = match known {
            Some(at) if !is_full || self.series.get(at).is_some_and(|one| one.is_live) => (at, 0),
            None if !is_full && cost(key, plan) <= room.bytes => {
                (self.add(hash, key, now, plan), cost(key, plan))
            }
            _ => return (self.overflow(now, plan), 0),
        };
        if let Some(series) = self.series.get_mut(at)
            && !std::mem::replace(&mut series.is_live, true)
        {
            self.live += 1;
        }
        (at, more)
    }

    fn add(&mut self, hash: u64, key: &[u8], now: u64, plan: &Plan) -> usize {
        let at = self.series.len();
        let number = u32::try_from(at).expect("the bytes that series take are bounded");
        let series = &self.series;
        self.table.insert(hash, number, |at| {
            series.get(at as usize).map_or(0, |one| one.hash)
        });
        self.series.push(Series::new(hash, Some(key), now, plan));
        at
    }

    /// The series of what finds no room of its own.
    pub(super) fn overflow(&mut self, now: u64, plan: &Plan) -> usize {
        *self.overflow.get_or_insert_with(|| {
            self.series.push(Series::new(0, None, now, plan));
            self.series.len() - 1
        })
    }

    /// Has a series count no more towards the limit.
    pub(super) fn rest(&mut self, at: usize) {
        if let Some(series) = self.series.get_mut(at)
            && std::mem::replace(&mut series.is_live, false)
        {
            self.live -= 1;
        }
    }

    /// Lets go of series; gives the bytes that get free.
    pub(super) fn let_go(&mut self, plan: &Plan, is_gone: impl Fn(&Series) -> bool) -> usize {
        let before = self.series.len();
        let mut bytes = 0;
        self.series.retain(|series| {
            let goes = !series.is_unsent && is_gone(series);
            if goes && series.key.is_some() {
                bytes += series.bytes(plan);
            }
            !goes
        });
        if self.series.len() < before {
            self.note();
        }
        bytes
    }

    /// Notes anew where each series is.
    fn note(&mut self) {
        self.table.clear();
        (self.overflow, self.live) = (None, 0);
        let series = &self.series;
        let hash_of = |at: u32| series.get(at as usize).map_or(0, |one| one.hash);
        for (number, one) in (0..).zip(series) {
            if one.key.is_some() {
                self.table.insert(one.hash, number, hash_of);
            } else {
                self.overflow = Some(number as usize);
            }
            self.live += usize::from(one.is_live);
        }
    }
}
