//! Every OTLP field that is a column, with its number in each message that has it. wit/README.md shows the same to authors.

use super::{
    Signal,
    schema::{Msg, Part},
};

use Encoding::{Any as AnyValue, Bytes, Fixed32, Fixed64, Int32, Sint32, Text as Str, Uint32};
use Kind::{Boolean, Double, Id, Integer, Json, Text};
use Msg::{
    Event, Exemplar, ExponentialHistogram, ExponentialPoint, Histogram, HistogramPoint, Link,
    LogRecord, Metric, NumberPoint, Resource, ResourceContainer, Scope, ScopeContainer, Span,
    Status, Sum, SummaryPoint,
};

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    Text,
    Integer,
    Double,
    Boolean,
    /// An id of so many bytes.
    Id(usize),
    /// A list, read only.
    Json,
}

/// How a field is written on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Any,
    Text,
    Bytes,
    Fixed64,
    Fixed32,
    Double,
    Uint32,
    Int32,
    Sint32,
    Boolean,
}

/// When a field counts as present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// When it is not at its default.
    Implicit,
    /// When it is on the wire.
    Explicit,
    /// When it is on the wire after this other field, which it replaces.
    Instead(u32),
}

/// A field of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) msg: Msg,
    pub(super) number: u32,
    pub(super) encoding: Encoding,
    pub(super) presence: Presence,
}

/// How a column's value comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It is the field's value.
    Field,
    /// End less start.
    Duration,
    /// The kind of a metric's data.
    MetricType,
    /// A list of fixed 64-bit integers, of doubles, of quantiles.
    Counts,
    Bounds,
    Quantiles,
    /// Of the buckets in the field: their offset, their counts.
    BucketOffset,
    BucketCounts,
}

impl At {
    /// The numbers of the field and of the one that it replaces, as bits.
    #[inline]
    pub(super) const fn mask(&self) -> u32 {
        let other = match self.presence {
            Presence::Instead(other) => 1 << other,
            Presence::Implicit | Presence::Explicit => 0,
        };
        1 << self.number | other
    }
}

/// A column that is an OTLP field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FieldSpec {
    /// The path after the table.
    pub(super) name: &'static str,
    pub(super) table: &'static str,
    pub(super) part: Part,
    pub(super) kind: Kind,
    pub(super) origin: Origin,
    pub(super) writable: bool,
    pub(super) at: &'static [At],
    /// The numbers of the fields of a row that it is made of, in whatever message, as bits.
    pub(super) mask: u32,
}

impl FieldSpec {
    /// The field in a message.
    #[inline]
    pub(super) fn of(&self, msg: Msg) -> Option<&'static At> {
        self.at.iter().find(|at| at.msg == msg)
    }

    /// Whether some row of the signal can have it.
    pub(super) fn is_of(&self, signal: Signal) -> bool {
        self.at.iter().any(|at| match at.msg {
            Span | Status | Event | Link => signal == Signal::Traces,
            LogRecord => signal == Signal::Logs,
            ResourceContainer | Resource | ScopeContainer | Scope => true,
            _ => signal == Signal::Metrics,
        })
    }
}

const fn at(msg: Msg, number: u32, encoding: Encoding) -> At {
    At {
        msg,
        number,
        encoding,
        presence: Presence::Implicit,
    }
}

const fn optional(msg: Msg, number: u32, encoding: Encoding) -> At {
    At {
        msg,
        number,
        encoding,
        presence: Presence::Explicit,
    }
}

const fn instead(msg: Msg, number: u32, encoding: Encoding, other: u32) -> At {
    At {
        msg,
        number,
        encoding,
        presence: Presence::Instead(other),
    }
}

const fn field(
    table: &'static str,
    name: &'static str,
    kind: Kind,
    at: &'static [At],
) -> FieldSpec {
    FieldSpec {
        name,
        table,
        part: Part::Row,
        kind,
        origin: Origin::Field,
        writable: true,
        at,
        mask: mask(at),
    }
}

const fn mask(at: &[At]) -> u32 {
    match at {
        [first, rest @ ..] => first.mask() | mask(rest),
        [] => 0,
    }
}

const fn child(
    table: &'static str,
    name: &'static str,
    kind: Kind,
    at: &'static [At],
) -> FieldSpec {
    FieldSpec {
        part: Part::Child,
        // Of a record the one child is a span's status; other tables are not outlined.
        mask: 1 << 15,
        ..field(table, name, kind, at)
    }
}

const fn fixed(spec: FieldSpec) -> FieldSpec {
    FieldSpec {
        writable: false,
        ..spec
    }
}

const fn list(name: &'static str, kind: Kind, origin: Origin, at: &'static [At]) -> FieldSpec {
    FieldSpec {
        origin,
        writable: false,
        ..field("record", name, kind, at)
    }
}

/// Every field.
#[rustfmt::skip]
pub(super) static FIELDS: &[FieldSpec] = &[
    field("resource", "schema_url", Text, &[at(ResourceContainer, 3, Str)]),
    fixed(child("resource", "dropped_attributes_count", Integer, &[at(Resource, 2, Uint32)])),
    field("scope", "schema_url", Text, &[at(ScopeContainer, 3, Str)]),
    child("scope", "name", Text, &[at(Scope, 1, Str)]),
    child("scope", "version", Text, &[at(Scope, 2, Str)]),
    fixed(child("scope", "dropped_attributes_count", Integer, &[at(Scope, 4, Uint32)])),
    field("record", "trace_id", Id(16), &[at(Span, 1, Bytes), at(LogRecord, 9, Bytes)]),
    field("record", "span_id", Id(8), &[at(Span, 2, Bytes), at(LogRecord, 10, Bytes)]),
    field("record", "flags", Integer, &[
        at(Span, 16, Fixed32), at(LogRecord, 8, Fixed32), at(NumberPoint, 8, Uint32),
        at(HistogramPoint, 10, Uint32), at(ExponentialPoint, 10, Uint32), at(SummaryPoint, 8, Uint32),
    ]),
    fixed(field("record", "dropped_attributes_count", Integer, &[at(Span, 10, Uint32), at(LogRecord, 7, Uint32)])),
    field("record", "parent_span_id", Id(8), &[at(Span, 4, Bytes)]),
    field("record", "trace_state", Text, &[at(Span, 3, Str)]),
    field("record", "name", Text, &[at(Span, 5, Str)]),
    field("record", "kind", Integer, &[at(Span, 6, Int32)]),
    field("record", "start_time_unix_nano", Integer, &[
        at(Span, 7, Fixed64), at(NumberPoint, 2, Fixed64), at(HistogramPoint, 2, Fixed64),
        at(ExponentialPoint, 2, Fixed64), at(SummaryPoint, 2, Fixed64),
    ]),
    field("record", "end_time_unix_nano", Integer, &[at(Span, 8, Fixed64)]),
    list("duration", Integer, Origin::Duration, &[at(Span, 8, Fixed64)]),
    fixed(field("record", "dropped_events_count", Integer, &[at(Span, 12, Uint32)])),
    fixed(field("record", "dropped_links_count", Integer, &[at(Span, 14, Uint32)])),
    child("record", "status.message", Text, &[at(Status, 2, Str)]),
    child("record", "status.code", Integer, &[at(Status, 3, Int32)]),
    field("record", "time_unix_nano", Integer, &[
        at(LogRecord, 1, Fixed64), at(NumberPoint, 3, Fixed64), at(HistogramPoint, 3, Fixed64),
        at(ExponentialPoint, 3, Fixed64), at(SummaryPoint, 3, Fixed64),
    ]),
    field("record", "observed_time_unix_nano", Integer, &[at(LogRecord, 11, Fixed64)]),
    field("record", "severity_number", Integer, &[at(LogRecord, 2, Int32)]),
    field("record", "severity_text", Text, &[at(LogRecord, 3, Str)]),
    field("record", "event_name", Text, &[at(LogRecord, 12, Str)]),
    field("record", "body", Kind::Any, &[optional(LogRecord, 5, AnyValue)]),
    field("metric", "name", Text, &[at(Metric, 1, Str)]),
    field("metric", "description", Text, &[at(Metric, 2, Str)]),
    field("metric", "unit", Text, &[at(Metric, 3, Str)]),
    FieldSpec { table: "metric", ..list("type", Integer, Origin::MetricType, &[at(Metric, 0, Int32)]) },
    child("metric", "aggregation_temporality", Integer, &[
        at(Sum, 2, Int32), at(Histogram, 2, Int32), at(ExponentialHistogram, 2, Int32),
    ]),
    child("metric", "is_monotonic", Boolean, &[at(Sum, 3, Encoding::Boolean)]),
    field("record", "value_double", Double, &[instead(NumberPoint, 4, Encoding::Double, 6)]),
    field("record", "as_double", Double, &[instead(NumberPoint, 4, Encoding::Double, 6)]),
    field("record", "value_int", Integer, &[instead(NumberPoint, 6, Fixed64, 4)]),
    field("record", "as_int", Integer, &[instead(NumberPoint, 6, Fixed64, 4)]),
    field("record", "count", Integer, &[
        at(HistogramPoint, 4, Fixed64), at(ExponentialPoint, 4, Fixed64), at(SummaryPoint, 4, Fixed64),
    ]),
    field("record", "zero_count", Integer, &[at(ExponentialPoint, 7, Fixed64)]),
    field("record", "scale", Integer, &[at(ExponentialPoint, 6, Sint32)]),
    field("record", "sum", Double, &[
        optional(HistogramPoint, 5, Encoding::Double), optional(ExponentialPoint, 5, Encoding::Double),
        at(SummaryPoint, 5, Encoding::Double),
    ]),
    field("record", "min", Double, &[
        optional(HistogramPoint, 11, Encoding::Double), optional(ExponentialPoint, 12, Encoding::Double),
    ]),
    field("record", "max", Double, &[
        optional(HistogramPoint, 12, Encoding::Double), optional(ExponentialPoint, 13, Encoding::Double),
    ]),
    field("record", "zero_threshold", Double, &[at(ExponentialPoint, 14, Encoding::Double)]),
    list("bucket_counts", Json, Origin::Counts, &[at(HistogramPoint, 6, Fixed64)]),
    list("explicit_bounds", Json, Origin::Bounds, &[at(HistogramPoint, 7, Encoding::Double)]),
    list("positive.offset", Integer, Origin::BucketOffset, &[at(ExponentialPoint, 8, Sint32)]),
    list("positive.bucket_counts", Json, Origin::BucketCounts, &[at(ExponentialPoint, 8, Bytes)]),
    list("negative.offset", Integer, Origin::BucketOffset, &[at(ExponentialPoint, 9, Sint32)]),
    list("negative.bucket_counts", Json, Origin::BucketCounts, &[at(ExponentialPoint, 9, Bytes)]),
    list("quantile_values", Json, Origin::Quantiles, &[at(SummaryPoint, 6, Bytes)]),
    field("event", "name", Text, &[at(Event, 2, Str)]),
    field("event", "time_unix_nano", Integer, &[at(Event, 1, Fixed64)]),
    fixed(field("event", "dropped_attributes_count", Integer, &[at(Event, 4, Uint32)])),
    field("link", "trace_id", Id(16), &[at(Link, 1, Bytes)]),
    field("link", "span_id", Id(8), &[at(Link, 2, Bytes)]),
    field("link", "trace_state", Text, &[at(Link, 3, Str)]),
    field("link", "flags", Integer, &[at(Link, 6, Fixed32)]),
    fixed(field("link", "dropped_attributes_count", Integer, &[at(Link, 5, Uint32)])),
    field("exemplar", "trace_id", Id(16), &[at(Exemplar, 5, Bytes)]),
    field("exemplar", "span_id", Id(8), &[at(Exemplar, 4, Bytes)]),
    field("exemplar", "time_unix_nano", Integer, &[at(Exemplar, 2, Fixed64)]),
    field("exemplar", "value_double", Double, &[instead(Exemplar, 3, Encoding::Double, 6)]),
    field("exemplar", "as_double", Double, &[instead(Exemplar, 3, Encoding::Double, 6)]),
    field("exemplar", "value_int", Integer, &[instead(Exemplar, 6, Fixed64, 3)]),
    field("exemplar", "as_int", Integer, &[instead(Exemplar, 6, Fixed64, 3)]),
];
