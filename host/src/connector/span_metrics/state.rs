//! All series of a connector, and the bound on them.
//!
//! **Invariant**: every span that was counted is in one series of the resource that it is of, or in one for what finds no room
//! there, or in one for what belongs to no resource that does. What the series take is never above the bound, and one goes only
//! if all that it counts was handed on.

use std::collections::HashMap;
use std::time::Duration;

use crate::batch::observe::{attributes, put_attribute, put_readable};

use super::Config;
use super::plan::Plan;
use super::series::{Group, Room};
use super::table::Hashes;
use super::tally::{Entry, Tally};

/// The most bytes of a key, and of a resource as it is shown, that a series of its own is kept for: a data point must come through
/// everywhere.
const LARGEST: usize = 64 << 10;

/// The resources, as they came, of which the series are known without reading them.
const KNOWN: usize = 4096;

/// Above this part of the bound those series go of which no span has come for the longest time, until there is that part.
const PRESSED: (usize, usize) = (7, 8);
const RELIEVED: (usize, usize) = (3, 4);

/// All series of a connector.
#[derive(Debug)]
pub(super) struct State {
    pub(super) groups: Vec<Group>,
    hashes: Hashes,
    identities: HashMap<Box<[u8]>, usize>,
    /// The same by resources as they came.
    known: HashMap<Box<[u8]>, usize>,
    known_bytes: usize,
    bytes: usize,
    bounds: Bounds,
}

#[derive(Debug)]
struct Bounds {
    bytes: usize,
    series: usize,
    groups: usize,
    keys: Vec<String>,
    group_expiration: Duration,
    series_expiration: Duration,
}

/// What came of a request's spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) spans: u64,
    /// Of these in series of what finds no room.
    pub(super) overflow: u64,
}

impl Counted {
    pub(super) fn add(&mut self, other: Self) {
        self.spans += other.spans;
        self.overflow += other.overflow;
    }
}

impl State {
    /// No series yet; `groups[0]` is for what belongs to no resource that finds room.
    pub(super) fn new(config: &Config, hashes: Hashes) -> Self {
        Self {
            groups: vec![Group::default()],
            hashes,
            identities: HashMap::new(),
            known: HashMap::new(),
            known_bytes: 0,
            bytes: 0,
            bounds: Bounds {
                bytes: config.max_bytes,
                series: config.aggregation_cardinality_limit,
                groups: config.resource_metrics_cache_size,
                keys: config.resource_metrics_key_attributes.clone(),
                group_expiration: config.metrics_expiration,
                series_expiration: config.series_expiration,
            },
        }
    }

    /// Adds what a request's spans come to.
    pub(super) fn add(&mut self, tally: &Tally, now: u64, plan: &Plan) -> Counted {
        let mut counted = Counted::default();
        let mut last: Option<(usize, usize)> = None;
        let mut places = vec![];
        for (number, entry) in tally.entries() {
            let resource = Tally::resource_number(entry);
            let group = match last {
                Some((last, group)) if last == resource => group,
                _ => match tally.resource(entry) {
                    Some(resource) => self.group(resource, plan),
                    None => 0,
                },
            };
            last = Some((resource, group));
            let at = self.series(group, tally, entry, now, plan);
            counted.spans += entry.spans;
            if !tally.exemplars().is_empty() {
                places.push((group, at));
            }
            let Some(group) = self.groups.get_mut(group) else {
                continue;
            };
            group.seen = now;
            let Some(series) = group.series.get_mut(at) else {
                continue;
            };
            if series.key.is_none() {
                counted.overflow += entry.spans;
            }
            (series.seen, series.is_unsent) = (now, true);
            series.sum.add(entry.sum);
            let buckets = tally.buckets(number, plan.buckets);
            for (bucket, more) in series.buckets.iter_mut().zip(buckets) {
                *bucket = bucket.saturating_add(*more);
            }
        }
        for exemplar in tally.exemplars() {
            let place = places.get(exemplar.entry);
            let series =
                place.and_then(|(group, at)| self.groups.get_mut(*group)?.series.get_mut(*at));
            if let Some(series) = series
                && series.key.is_some()
                && series.exemplars.len() < plan.exemplars
            {
                series.exemplars.push(exemplar.clone());
            }
        }
        counted
    }

    fn series(
        &mut self,
        group: usize,
        tally: &Tally,
        entry: &Entry,
        now: u64,
        plan: &Plan,
    ) -> usize {
        let room = Room {
            limit: self.bounds.series,
            bytes: self.bounds.bytes.saturating_sub(self.bytes),
        };
        let key = tally.key(entry);
        let Some(found) = self.groups.get_mut(group) else {
            return 0;
        };
        if group == 0 || key.len() > LARGEST {
            return found.overflow(now, plan);
        }
        let known = found.known(entry.hash, key);
        let (at, more) = if known.is_some() || plan.is_readable(key) {
            found.enter(known, (entry.hash, key), now, plan, room)
        } else {
            let key = plan.mended(key);
            let hash = self.hashes.hash(&key);
            found.enter(found.known(hash, &key), (hash, &key), now, plan, room)
        };
        self.bytes += more;
        at
    }

    /// The series of a resource, as it came.
    fn group(&mut self, resource: &[u8], plan: &Plan) -> usize {
        if let Some(at) = self.known.get(resource) {
            return *at;
        }
        let (identity, body) = self.read(resource);
        let found = self.identities.get(&*identity).copied();
        let Some(at) = found.or_else(|| self.begin(identity, body, plan)) else {
            return 0;
        };
        if self.known.len() >= KNOWN || self.known_bytes > 16 * LARGEST {
            self.forget();
        }
        self.known_bytes += resource.len();
        self.known.insert(resource.into(), at);
        at
    }

    /// Begins the series of a resource, if there is room for it.
    fn begin(&mut self, identity: Vec<u8>, body: Vec<u8>, plan: &Plan) -> Option<usize> {
        let group = Group::new(identity, body);
        let bytes = group.bytes(plan);
        let is_small = group.resource.len() <= LARGEST;
        if !is_small || bytes > self.bounds.bytes.saturating_sub(self.bytes) {
            return None;
        }
        self.bytes += bytes;
        let at = self.groups.len();
        self.identities.insert(group.identity.clone(), at);
        self.groups.push(group);
        Some(at)
    }

    fn forget(&mut self) {
        self.known.clear();
        self.known_bytes = 0;
    }

    /// What tells a resource from others, and the body of the one that metrics are of.
    fn read(&self, resource: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (mut pairs, mut body) = (vec![], vec![]);
        attributes(resource, |key, value| {
            let key = String::from_utf8_lossy(key).into_owned();
            let mut shown = vec![];
            put_readable(value, &mut shown);
            put_attribute(&mut body, 1, key.as_bytes(), &shown);
            if self.bounds.keys.is_empty() || self.bounds.keys.contains(&key) {
                pairs.push((key, shown));
            }
        });
        pairs.sort_unstable();
        let mut identity = vec![];
        for (key, value) in pairs {
            put_attribute(&mut identity, 1, key.as_bytes(), &value);
        }
        (identity, body)
    }

    /// How many series there are.
    pub(super) fn count(&self) -> usize {
        self.groups.iter().map(|group| group.series.len()).sum()
    }

    /// The bytes that they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Lets go of series of which no span has come for long, and of the oldest if there are too many.
    pub(super) fn expire(&mut self, now: u64, plan: &Plan) {
        let before = |expiration: Duration| {
            let expiration = u64::try_from(expiration.as_nanos()).unwrap_or(u64::MAX);
            (expiration > 0).then(|| now.saturating_sub(expiration))
        };
        if let Some(since) = before(self.bounds.series_expiration) {
            self.let_go(plan, |_, seen| seen <= since);
        }
        let mut groups = before(self.bounds.group_expiration);
        // The first is none.
        let over = (self.groups.len() - 1).saturating_sub(self.bounds.groups);
        if over > 0 {
            let mut seen: Vec<u64> = self.groups.iter().skip(1).map(|group| group.seen).collect();
            let (_, oldest, _) = seen.select_nth_unstable(over - 1);
            groups = groups.max(Some(*oldest));
        }
        if let Some(since) = groups {
            self.let_go(plan, |group, _| group <= since);
        }
        self.relieve(plan);
    }

    /// Lets go of the series of which no span has come for the longest time, if there is little room left.
    fn relieve(&mut self, plan: &Plan) {
        let part = |(part, whole): (usize, usize)| self.bounds.bytes / whole * part;
        if self.bytes <= part(PRESSED) {
            return;
        }
        let mut over = self.bytes - part(RELIEVED);
        let all = self.groups.iter().skip(1).flat_map(|group| &group.series);
        let sent = all.filter(|series| !series.is_unsent);
        let mut oldest: Vec<_> = sent
            .map(|series| (series.seen, series.bytes(plan)))
            .collect();
        oldest.sort_unstable();
        let mut since = None;
        for (seen, bytes) in oldest {
            if over == 0 {
                break;
            }
            over = over.saturating_sub(bytes);
            since = Some(seen);
        }
        if let Some(since) = since {
            self.let_go(plan, |_, seen| seen <= since);
        }
    }

    /// Lets go of the series that were last seen so long ago, and whose resource was.
    fn let_go(&mut self, plan: &Plan, is_gone: impl Fn(u64, u64) -> bool) {
        for group in &mut self.groups {
            let seen = group.seen;
            self.bytes -= group.let_go(plan, |series| is_gone(seen, series.seen));
        }
        let mut number = 0;
        let bytes = &mut self.bytes;
        self.groups.retain(|group| {
            let stays = number == 0 || !group.series.is_empty();
            number += 1;
            if !stays {
                *bytes -= group.bytes(plan);
            }
            stays
        });
        if self.groups.len() < number {
            self.forget();
            let groups = self.groups.iter().enumerate().skip(1);
            self.identities = groups
                .map(|(at, group)| (group.identity.clone(), at))
                .collect();
        }
    }
}
