//! OTLP's shape: its tables, its messages, and which of their fields hold telemetry's text.
//!
//! The three signals are one code over this data; only here are field numbers written down (those of columns in `fields`).

use super::Signal;

/// A level of the OTLP tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Table {
    Resource,
    Scope,
    Metric,
    Record,
    Event,
    Link,
    Exemplar,
}

impl Table {
    pub(super) const ALL: [Self; 7] = [
        Self::Resource,
        Self::Scope,
        Self::Metric,
        Self::Record,
        Self::Event,
        Self::Link,
        Self::Exemplar,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Scope => "scope",
            Self::Metric => "metric",
            Self::Record => "record",
            Self::Event => "event",
            Self::Link => "link",
            Self::Exemplar => "exemplar",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// The table that this one's rows lie in.
    pub(super) fn above(self, signal: Signal) -> Option<Self> {
        match self {
            Self::Resource => None,
            Self::Scope => Some(Self::Resource),
            Self::Record if signal == Signal::Metrics => Some(Self::Metric),
            Self::Metric | Self::Record => Some(Self::Scope),
            Self::Event | Self::Link | Self::Exemplar => Some(Self::Record),
        }
    }

    /// Whether the signal has the table.
    pub(super) fn is_of(self, signal: Signal) -> bool {
        match self {
            Self::Resource | Self::Scope | Self::Record => true,
            Self::Metric | Self::Exemplar => signal == Signal::Metrics,
            Self::Event | Self::Link => signal == Signal::Traces,
        }
    }

    /// How deep a row's message lies in the request.
    pub(super) fn depth(self, signal: Signal) -> u8 {
        self.above(signal).map_or(1, |above| {
            above.depth(signal) + 1 + u8::from(above == Self::Metric)
        })
    }
}

/// The part of a row that a field stands in: the row's own message, or the one message that OTLP wraps in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// `ResourceSpans`, `ScopeSpans`, `Metric`, `Span`, ...
    Row,
    /// `Resource`, `InstrumentationScope`, `Gauge` and the like, `Status`.
    Child,
}

/// A message whose fields are columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Msg {
    ResourceContainer,
    Resource,
    ScopeContainer,
    Scope,
    Metric,
    Gauge,
    Sum,
    Histogram,
    ExponentialHistogram,
    Summary,
    Span,
    Status,
    Event,
    Link,
    LogRecord,
    NumberPoint,
    HistogramPoint,
    ExponentialPoint,
    SummaryPoint,
    Exemplar,
}

/// What a field holds that `all-leaves` gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// A string.
    Text,
    /// Key-value pairs.
    Attributes,
    /// An `AnyValue`.
    Any,
    /// An `EntityRef`.
    Entity,
    /// The row's wrapped message.
    Child,
}

/// A field with leaves: its number, what it holds and its path.
pub(super) type LeafField = (u32, Holds, &'static str);

impl Msg {
    /// The message of a metric's `data`, by its field number.
    pub(super) fn of_data(number: u32) -> Option<Self> {
        match number {
            5 => Some(Self::Gauge),
            7 => Some(Self::Sum),
            9 => Some(Self::Histogram),
            10 => Some(Self::ExponentialHistogram),
            11 => Some(Self::Summary),
            _ => None,
        }
    }

    /// The message of the points in a metric's `data`.
    pub(super) fn point(self) -> Self {
        match self {
            Self::Histogram => Self::HistogramPoint,
            Self::ExponentialHistogram => Self::ExponentialPoint,
            Self::Summary => Self::SummaryPoint,
            _ => Self::NumberPoint,
        }
    }

    /// The field of the attributes.
    pub(super) fn attributes(self) -> Option<u32> {
        match self {
            Self::Resource | Self::ExponentialPoint => Some(1),
            Self::Scope | Self::Event => Some(3),
            Self::Metric => Some(12),
            Self::Span | Self::HistogramPoint => Some(9),
            Self::LogRecord => Some(6),
            Self::Link => Some(4),
            Self::NumberPoint | Self::SummaryPoint | Self::Exemplar => Some(7),
            _ => None,
        }
    }

    /// The field of the wrapped message that is created when an edit needs it.
    pub(super) fn child(self) -> Option<(u32, Self)> {
        match self {
            Self::ResourceContainer => Some((1, Self::Resource)),
            Self::ScopeContainer => Some((1, Self::Scope)),
            Self::Span => Some((15, Self::Status)),
            _ => None,
        }
    }

    /// The table whose rows lie in this field of a record, if any.
    pub(super) fn rows_in(self, number: u32) -> Option<Table> {
        match (self, number) {
            (Self::Span, 11) => Some(Table::Event),
            (Self::Span, 13) => Some(Table::Link),
            (Self::NumberPoint, 5) | (Self::HistogramPoint, 8) | (Self::ExponentialPoint, 11) => {
                Some(Table::Exemplar)
            }
            _ => None,
        }
    }

    /// The numbers of the fields whose rows are tables below the record, as bits.
    pub(super) fn mask_below(self) -> u32 {
        match self {
            Self::Span => 1 << 11 | 1 << 13,
            Self::NumberPoint => 1 << 5,
            Self::HistogramPoint => 1 << 8,
            Self::ExponentialPoint => 1 << 11,
            _ => 0,
        }
    }

    /// The numbers of the fields that hold leaves, as bits.
    pub(super) fn mask_leaves(self) -> u32 {
        self.leaves()
            .iter()
            .fold(0, |mask, (number, ..)| mask | 1 << number)
    }

    /// The field of the attributes that are leaves, and its path.
    #[inline]
    pub(super) fn leaf_attributes(self) -> Option<(u32, &'static str)> {
        let mut leaves = self.leaves().iter();
        let leaf = leaves.find(|(_, holds, _)| *holds == Holds::Attributes);
        leaf.map(|(number, _, path)| (*number, *path))
    }

    /// The message of a row of a table below the record.
    pub(super) fn below(table: Table) -> Self {
        match table {
            Table::Link => Self::Link,
            Table::Exemplar => Self::Exemplar,
            _ => Self::Event,
        }
    }

    /// What a field holds, and its path, if that is leaves.
    #[inline]
    pub(super) fn leaf(self, number: u32) -> Option<(Holds, &'static str)> {
        let leaf = self.leaves().iter().find(|(leaf, ..)| *leaf == number);
        leaf.map(|(_, holds, path)| (*holds, *path))
    }

    /// Every field that holds leaves.
    pub(super) fn leaves(self) -> &'static [LeafField] {
        use Holds::{Any, Attributes, Child, Entity, Text};
        match self {
            Self::ResourceContainer => &[(1, Child, ""), (3, Text, "resource.schema_url")],
            Self::Resource => &[
                (1, Attributes, "resource.attributes"),
                (3, Entity, "resource.entity_refs"),
            ],
            Self::ScopeContainer => &[(1, Child, ""), (3, Text, "scope.schema_url")],
            Self::Scope => &[
                (1, Text, "scope.name"),
                (2, Text, "scope.version"),
                (3, Attributes, "scope.attributes"),
            ],
            Self::Metric => &[
                (1, Text, "metric.name"),
                (2, Text, "metric.description"),
                (3, Text, "metric.unit"),
                (12, Attributes, "metric.metadata"),
            ],
            Self::Span => &[
                (3, Text, "record.trace_state"),
                (5, Text, "record.name"),
                (9, Attributes, "record.attributes"),
                (15, Child, ""),
            ],
            Self::Status => &[(2, Text, "record.status.message")],
            Self::LogRecord => &[
                (3, Text, "record.severity_text"),
                (5, Any, "record.body"),
                (6, Attributes, "record.attributes"),
                (12, Text, "record.event_name"),
            ],
            Self::NumberPoint | Self::SummaryPoint => &[(7, Attributes, "record.attributes")],
            Self::HistogramPoint => &[(9, Attributes, "record.attributes")],
            Self::ExponentialPoint => &[(1, Attributes, "record.attributes")],
            Self::Event => &[(2, Text, "event.name"), (3, Attributes, "event.attributes")],
            Self::Link => &[
                (3, Text, "link.trace_state"),
                (4, Attributes, "link.attributes"),
            ],
            Self::Exemplar => &[(7, Attributes, "exemplar.filtered_attributes")],
            Self::Gauge
            | Self::Sum
            | Self::Histogram
            | Self::ExponentialHistogram
            | Self::Summary => &[],
        }
    }
}
