//! What the series come to at a time, as OTLP metrics: written in lots, each a request of its own, so that nobody waits long for the
//! series and no request is too large for a backend.

use prost::encoding::{WireType, encode_key, encode_varint};

use super::Config;
use super::config::{Temporality, Unit};
use super::plan::{Plan, put_attributes};
use super::series::{Group, Series};
use super::state::State;
use super::tally::Exemplar;
use crate::batch::observe::put_attribute;
use crate::payload::{self, PREFIX};

/// A lot has no more bytes than this, and one series.
const LOT: usize = 1 << 20;

/// The Collector's name for the scope of these metrics.
const SCOPE: &[u8] = b"spanmetricsconnector";

/// The attribute of the series of what found no room of its own, by OpenTelemetry's specification.
const OVERFLOW: &[u8] = b"otel.metric.overflow";

/// The body of the value `true`.
const TRUE: &[u8] = &[0x10, 1];

/// How metrics are written.
#[derive(Debug)]
pub(super) struct Form {
    calls: String,
    duration: String,
    unit: Unit,
    bounds: Vec<u8>,
    temporality: Temporality,
}

/// Where the next lot begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    group: usize,
    series: usize,
}

/// A part of what the series come to.
#[derive(Debug)]
pub(super) struct Lot {
    /// With its prefix.
    pub(super) framed: Vec<u8>,
    /// Its data points.
    pub(super) points: u64,
    pub(super) from: Cursor,
    /// Where the next begins.
    pub(super) until: Cursor,
}

impl Form {
    pub(super) fn of(config: &Config) -> Self {
        let named = |name: &str| match config.namespace.as_str() {
            "" => name.to_owned(),
            namespace => format!("{namespace}.{name}"),
        };
        let histogram = config.histogram.clone().unwrap_or_default();
        let bounds = histogram.buckets.iter();
        let bounds = bounds.map(|bound| histogram.unit.of(bound.as_nanos()).to_le_bytes());
        Self {
            calls: named("calls"),
            duration: named("duration"),
            unit: histogram.unit,
            bounds: bounds.flatten().collect(),
            temporality: config.aggregation_temporality,
        }
    }

    /// The next lot, of what has come until `now`; none at the end. Series that count from one time to the next begin anew. The
    /// first number of calls of a series that counts from its beginning is 0, as with the Collector, since a backend that adds up
    /// differences would miss what a series begins with; not if this is the `last` that is ever told.
    pub(super) fn lot(
        &self,
        state: &mut State,
        plan: &Plan,
        from: Cursor,
        now: u64,
        last: bool,
    ) -> Option<Lot> {
        let mut lot = Lot {
            framed: vec![0; PREFIX],
            points: 0,
            from,
            until: from,
        };
        while let Some(group) = state.groups.get_mut(lot.until.group) {
            let (mut calls, mut durations) = (vec![], vec![]);
            while lot.framed.len() + calls.len() + durations.len() < LOT
                && let Some(series) = group.series.get_mut(lot.until.series)
            {
                lot.until.series += 1;
                let is_delta = self.temporality == Temporality::Delta;
                if is_delta && !series.is_unsent {
                    continue;
                }
                let now = now.max(series.start);
                let shown = if series.is_new && !is_delta && !last {
                    0
                } else {
                    series.sum.count
                };
                self.calls(series, plan, now, shown, &mut calls);
                lot.points += 1;
                if plan.buckets > 0 {
                    self.duration(series, plan, now, &mut durations);
                    lot.points += 1;
                }
                series.exemplars.clear();
                if is_delta {
                    series.reset(now);
                    group.rest(lot.until.series - 1);
                }
            }
            self.group(group, &calls, &durations, &mut lot.framed);
            if group.series.get(lot.until.series).is_some() {
                break;
            }
            lot.until = Cursor {
                group: lot.until.group + 1,
                series: 0,
            };
        }
        payload::put_prefix(&mut lot.framed, false);
        (lot.points > 0).then_some(lot)
    }

    /// Notes that a lot was taken whose series count from their beginnings.
    pub(super) fn taken(state: &mut State, lot: &Lot, now: u64) {
        let groups = state.groups.iter_mut().enumerate();
        for (number, group) in groups.skip(lot.from.group) {
            if number > lot.until.group {
                return;
            }
            let first = if number == lot.from.group {
                lot.from.series
            } else {
                0
            };
            let until = if number == lot.until.group {
                lot.until.series
            } else {
                usize::MAX
            };
            let series = group.series.iter_mut().take(until).skip(first);
            for series in series {
                // What came since the lot was made is in the next.
                series.is_unsent &= series.is_new || series.seen >= now;
                series.is_new = false;
            }
        }
    }

    fn group(&self, group: &Group, calls: &[u8], durations: &[u8], out: &mut Vec<u8>) {
        if calls.is_empty() {
            return;
        }
        let (mut scope, mut metric, mut data, mut body) = (vec![], vec![], vec![], vec![]);
        put(&mut data, 1, SCOPE);
        put(&mut scope, 1, &data);
        put(&mut metric, 1, self.calls.as_bytes());
        data.clear();
        data.extend_from_slice(calls);
        put_number(&mut data, 2, self.temporality.number());
        put_number(&mut data, 3, 1);
        put(&mut metric, 7, &data);
        put(&mut scope, 2, &metric);
        if !durations.is_empty() {
            metric.clear();
            put(&mut metric, 1, self.duration.as_bytes());
            put(&mut metric, 3, self.unit.name().as_bytes());
            data.clear();
            data.extend_from_slice(durations);
            put_number(&mut data, 2, self.temporality.number());
            put(&mut metric, 9, &data);
            put(&mut scope, 2, &metric);
        }
        put(&mut body, 1, &group.resource);
        put(&mut body, 2, &scope);
        put(out, 1, &body);
    }

    /// Writes a point of the metric `calls`.
    fn calls(&self, series: &Series, plan: &Plan, now: u64, shown: u64, out: &mut Vec<u8>) {
        let mut point = vec![];
        put_fixed(&mut point, 2, series.start);
        put_fixed(&mut point, 3, now);
        for exemplar in &series.exemplars {
            self.exemplar(exemplar, 5, now, &mut point);
        }
        put_fixed(&mut point, 6, shown.min(i64::MAX.cast_unsigned()));
        put_series(series, 7, plan, &mut point);
        put(out, 1, &point);
    }

    /// Writes a point of the metric `duration`.
    fn duration(&self, series: &Series, plan: &Plan, now: u64, out: &mut Vec<u8>) {
        let mut point = vec![];
        put_fixed(&mut point, 2, series.start);
        put_fixed(&mut point, 3, now);
        put_fixed(&mut point, 4, series.sum.count);
        put_fixed(
            &mut point,
            5,
            self.unit.of(series.sum.nanoseconds).to_bits(),
        );
        let counts = series.buckets.iter().map(|count| count.to_le_bytes());
        put(&mut point, 6, &counts.flatten().collect::<Vec<_>>());
        put(&mut point, 7, &self.bounds);
        for exemplar in &series.exemplars {
            self.exemplar(exemplar, 8, now, &mut point);
        }
        put_series(series, 9, plan, &mut point);
        put(out, 1, &point);
    }

    fn exemplar(&self, exemplar: &Exemplar, number: u32, now: u64, out: &mut Vec<u8>) {
        let mut body = vec![];
        put_fixed(&mut body, 2, now);
        put_fixed(
            &mut body,
            3,
            self.unit.of(exemplar.nanoseconds.into()).to_bits(),
        );
        put(&mut body, 4, &exemplar.span_id);
        put(&mut body, 5, &exemplar.trace_id);
        put(out, number, &body);
    }
}

fn put_series(series: &Series, number: u32, plan: &Plan, out: &mut Vec<u8>) {
    match &series.key {
        Some(key) => put_attributes(out, number, plan, key),
        None => put_attribute(out, number, OVERFLOW, TRUE),
    }
}

fn put(out: &mut Vec<u8>, number: u32, body: &[u8]) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(body.len() as u64, out);
    out.extend_from_slice(body);
}

fn put_fixed(out: &mut Vec<u8>, number: u32, value: u64) {
    encode_key(number, WireType::SixtyFourBit, out);
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_number(out: &mut Vec<u8>, number: u32, value: u64) {
    encode_key(number, WireType::Varint, out);
    encode_varint(value, out);
}
