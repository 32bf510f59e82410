//! The spans of one request, counted by themselves: what takes long needs no lock, and what is shared is told once for each
//! series and not for each span.

use std::cell::RefCell;
use std::ops::Range;

use crate::batch::WireError;
use crate::batch::observe::{Body, Observed, Observer, observe};

use super::plan::{Plan, Shared};
use super::table::{Hashes, Table};
use super::weight::weight;

/// What the room of a thread's tally may be after a request.
const MUCH: usize = 1 << 20;

/// Beyond so many series, or bytes of them, a request is told in parts: what a request can have a thread keep is bounded.
const MOST: (usize, usize) = (4096, 1 << 20);

/// The most bytes of a resource whose series are kept.
const LARGEST: usize = 64 << 10;

/// The most bytes that a resource may give to the keys of all its spans, or a few bytes of a request would cost very many.
const LARGEST_SHARED: usize = 2 << 10;

thread_local! {
    static TALLY: RefCell<Tally> = RefCell::default();
}

/// The spans of one request by their series.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The resources and the keys, one after another.
    bytes: Vec<u8>,
    resources: Vec<Resource>,
    entries: Vec<Entry>,
    /// The buckets of all entries, one after another.
    buckets: Vec<u64>,
    exemplars: Vec<Exemplar>,
    table: Table,
    shared: Shared,
    key: Vec<u8>,
    nameless: u64,
    unreadable: u64,
}

#[derive(Debug)]
struct Resource {
    /// Nothing if it is too large.
    bytes: Range<usize>,
    has_name: bool,
    is_large: bool,
}

/// What the spans of a series come to.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) hash: u64,
    resource: usize,
    key: Range<usize>,
    /// The spans that came.
    pub(super) spans: u64,
    pub(super) sum: Sum,
    exemplars: usize,
}

/// Spans, and their durations in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) count: u64,
    pub(super) nanoseconds: u128,
}

/// A span that a data point gives as an example.
#[derive(Clone, Debug)]
pub(super) struct Exemplar {
    pub(super) entry: usize,
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: [u8; 8],
    pub(super) nanoseconds: u64,
}

impl Sum {
    pub(super) fn add(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.nanoseconds = self.nanoseconds.saturating_add(other.nanoseconds);
    }
}

struct Counting<'a, F> {
    plan: &'a Plan,
    hashes: Hashes,
    tally: &'a mut Tally,
    tell: F,
}

/// What of a request could not be counted.
#[derive(Debug)]
pub(super) struct Uncounted {
    /// Spans of resources without a service's name.
    pub(super) nameless: u64,
    /// Spans that cannot be read.
    pub(super) unreadable: u64,
    /// Whether the request could be read to its end.
    pub(super) read: Result<(), WireError>,
}

/// Counts the spans of a request, and tells of them, in parts if they are of very many series.
pub(super) fn tally(
    plan: &Plan,
    hashes: Hashes,
    message: &[u8],
    tell: impl FnMut(&Tally),
) -> Uncounted {
    TALLY.with_borrow_mut(|tally| {
        tally.clear();
        let mut counting = Counting {
            plan,
            hashes,
            tally,
            tell,
        };
        let read = observe(message, &plan.keys, &mut counting);
        (counting.tell)(counting.tally);
        Uncounted {
            nameless: counting.tally.nameless,
            unreadable: counting.tally.unreadable,
            read,
        }
    })
}

impl Tally {
    fn clear(&mut self) {
        let bytes = self.bytes.capacity() + self.key.capacity();
        if bytes + 8 * self.buckets.capacity() > 2 * MUCH {
            *self = Self::default();
        }
        self.forget();
        self.bytes.clear();
        self.resources.clear();
        (self.nameless, self.unreadable) = (0, 0);
    }

    /// Forgets the series.
    fn forget(&mut self) {
        self.entries.clear();
        self.buckets.clear();
        self.exemplars.clear();
        self.table.clear();
    }

    /// Forgets what was told, and goes on with the resource that it is at.
    fn go_on(&mut self) {
        self.forget();
        let last = self.resources.pop();
        self.resources.clear();
        if let Some(last) = last {
            let length = last.bytes.len();
            self.bytes.copy_within(last.bytes, 0);
            self.bytes.truncate(length);
            self.resources.push(Resource {
                bytes: 0..length,
                ..last
            });
        }
    }

    /// Each series with its resource and its key, those of a resource one after another.
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.entries.iter().enumerate()
    }

    /// The resource that a series is of; nothing if it is too large to be kept.
    pub(super) fn resource(&self, entry: &Entry) -> Option<&[u8]> {
        let resource = self.resources.get(entry.resource)?;
        (!resource.is_large).then(|| self.bytes.get(resource.bytes.clone()))?
    }

    /// Which of the request's resources it is of.
    pub(super) fn resource_number(entry: &Entry) -> usize {
        entry.resource
    }

    pub(super) fn key(&self, entry: &Entry) -> &[u8] {
        self.bytes.get(entry.key.clone()).unwrap_or_default()
    }

    pub(super) fn buckets(&self, at: usize, count: usize) -> &[u64] {
        let buckets = self.buckets.get(at * count..(at + 1) * count);
        buckets.unwrap_or_default()
    }

    pub(super) fn exemplars(&self) -> &[Exemplar] {
        &self.exemplars
    }

    fn put(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    /// The entry of the series whose key was written.
    #[inline]
    fn entry(&mut self, hashes: Hashes, buckets: usize) -> usize {
        let hash = hashes.hash(&self.key);
        let resource = self.resources.len().saturating_sub(1);
        let spread = |hash: u64, resource: usize| hash.rotate_left(16) ^ hash ^ resource as u64;
        let (entries, bytes, key) = (&self.entries, &self.bytes, &self.key);
        let found = self.table.find(spread(hash, resource), |at| {
            entries.get(at as usize).is_some_and(|entry| {
                entry.hash == hash
                    && entry.resource == resource
                    && bytes.get(entry.key.clone()) == Some(key.as_slice())
            })
        });
        if let Some(at) = found {
            return at as usize;
        }
        let at = self.entries.len();
        let number = u32::try_from(at).expect("a request has fewer spans");
        self.table.insert(spread(hash, resource), number, |at| {
            let entry = entries.get(at as usize);
            entry.map_or(0, |entry| spread(entry.hash, entry.resource))
        });
        let written = std::mem::take(&mut self.key);
        let key = self.put(&written);
        self.key = written;
        self.entries.push(Entry {
            hash,
            resource,
            key,
            spans: 0,
            sum: Sum::default(),
            exemplars: 0,
        });
        self.buckets.resize(self.buckets.len() + buckets, 0);
        at
    }
}

impl<F: FnMut(&Tally)> Observer for Counting<'_, F> {
    fn resource(&mut self, resource: &[u8]) {
        let tally = &mut *self.tally;
        let last = tally.resources.last();
        let same = |last: &Resource| {
            !last.is_large && tally.bytes.get(last.bytes.clone()) == Some(resource)
        };
        if last.is_some_and(same) {
            return;
        }
        // Those that came before are told of by now, or few.
        if tally.resources.len() > MOST.0 || tally.bytes.len() > MOST.1 {
            (self.tell)(tally);
            tally.go_on();
        }
        let has_name = self.plan.share(resource, &mut tally.shared);
        let is_large = resource.len() > LARGEST || tally.shared.bytes() > LARGEST_SHARED;
        let bytes = tally.put(if is_large { &[] } else { resource });
        tally.resources.push(Resource {
            bytes,
            has_name,
            is_large,
        });
    }

    #[inline]
    fn span(&mut self, span: &Observed<'_>, values: &[Option<Body<'_>>]) {
        let (plan, tally) = (self.plan, &mut *self.tally);
        match tally.resources.last() {
            Some(resource) if resource.is_large && resource.has_name => tally.key.clear(),
            Some(resource) if resource.has_name => {
                plan.key(&tally.shared, span, values, &mut tally.key);
            }
            _ => {
                tally.nameless += 1;
                return;
            }
        }
        let at = tally.entry(self.hashes, plan.buckets);
        let count = weight(span.trace_state);
        let nanoseconds = span.end.saturating_sub(span.start);
        let Some(entry) = tally.entries.get_mut(at) else {
            return;
        };
        entry.spans += 1;
        entry.sum.add(Sum {
            count,
            nanoseconds: u128::from(nanoseconds).saturating_mul(count.into()),
        });
        if plan.buckets > 0 {
            let bucket = plan.bounds.partition_point(|bound| *bound < nanoseconds);
            if let Some(bucket) = tally.buckets.get_mut(at * plan.buckets + bucket) {
                *bucket = bucket.saturating_add(count);
            }
        }
        if entry.exemplars < plan.exemplars
            && let Ok(trace_id) = span.trace_id.try_into()
            && let Ok(span_id) = span.span_id.try_into()
            && trace_id != [0; 16]
        {
            entry.exemplars += 1;
            tally.exemplars.push(Exemplar {
                entry: at,
                trace_id,
                span_id,
                nanoseconds,
            });
        }
        if tally.entries.len() >= MOST.0 || tally.bytes.len() > MOST.1 {
            (self.tell)(tally);
            tally.go_on();
        }
    }

    fn unreadable(&mut self) {
        self.tally.unreadable += 1;
    }
}
