//! What a bundled plugin has to know of a path beyond that the host knows it: where in OTLP's tree it stands and what it
//! holds, so that a mistake is found when the config is read and not batch after batch.

use std::ops::RangeInclusive;

use otlet_plugin::{Signal, Table};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A value of any type: an attribute, a log's body, or a field that this crate does not know.
    Any,
    /// A text.
    Text,
    /// An integer of 64 bits, with a sign.
    Integer,
    /// An integer of 64 bits, without a sign: it travels as its two's complement.
    Unsigned,
    /// A double.
    Double,
    /// True or false.
    Boolean,
    /// A trace or span id.
    Id,
    /// A list of numbers, as JSON.
    List,
}

/// A path, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table that has it.
    pub table: Table,
    /// The one signal that has it, unless all do.
    pub signal: Option<Signal>,
    /// What follows the table.
    pub column: &'a str,
}

impl<'a> Place<'a> {
    /// Takes a path apart that the host has opened.
    pub fn of(path: &'a str) -> Option<Self> {
        let (table, column) = path.trim().split_once('.')?;
        let (table, signal) = match table {
            "span" => (Table::Record, Some(Signal::Traces)),
            "log" => (Table::Record, Some(Signal::Logs)),
            "datapoint" => (Table::Record, Some(Signal::Metrics)),
            name => {
                let table = Table::from_name(name)?;
                (table, signal_of(table))
            }
        };
        Some(Self {
            table,
            signal,
            column: alias(column),
        })
    }

    /// What it holds.
    pub fn holds(&self) -> Type {
        if self.column.contains('[') {
            return Type::Any;
        }
        let field = FIELDS
            .iter()
            .find(|(names, _)| names.contains(&self.column));
        field.map_or(Type::Any, |(_, holds)| *holds)
    }

    /// Whether it cannot be written: OTLP or the host computes it.
    pub fn is_read_only(&self) -> bool {
        READ_ONLY.contains(&self.column)
    }

    /// Whether its default (0, false, the empty text) reads as absent, as that of most fields does.
    pub fn has_default(&self) -> bool {
        self.holds() != Type::Any && !PRESENT_AT_DEFAULT.contains(&self.column)
    }

    /// The integers that it takes: some fields have 32 bits.
    pub fn range(&self) -> RangeInclusive<i64> {
        match self.column {
            "flags" => 0..=u32::MAX.into(),
            "kind" | "status.code" | "severity_number" | "aggregation_temporality" | "scale" => {
                i32::MIN.into()..=i32::MAX.into()
            }
            _ => i64::MIN..=i64::MAX,
        }
    }

    /// Whether both are the same column, perhaps under two names.
    pub fn is(&self, other: &Self) -> bool {
        self.table == other.table && self.column == other.column
    }

    /// Whether a batch can have both.
    pub fn meets(&self, other: &Self) -> bool {
        self.signal.is_none() || other.signal.is_none() || self.signal == other.signal
    }
}

/// Whether each row of `below` is in one row of `above`, or is that row.
pub fn is_above(above: Table, below: Table) -> bool {
    above == below || depth(above) < depth(below)
}

/// The one signal that has a table, unless all do.
pub fn signal_of(table: Table) -> Option<Signal> {
    match table {
        Table::Event | Table::Link => Some(Signal::Traces),
        Table::Metric | Table::Exemplar => Some(Signal::Metrics),
        _ => None,
    }
}

/// How far a table is from the top of OTLP's tree.
pub(crate) fn depth(table: Table) -> u8 {
    match table {
        Table::Resource => 0,
        Table::Scope => 1,
        Table::Metric => 2,
        Table::Record => 3,
        _ => 4,
    }
}

/// Two fields have OTTL's name beside OTLP's own.
fn alias(column: &str) -> &str {
    match column {
        "as_double" => "value_double",
        "as_int" => "value_int",
        column => column,
    }
}

/// The contract's fields by what they hold. No name means different things in two tables, except that `sum`, `count` and
/// their like are a data point's alone.
const FIELDS: [(&[&str], Type); 7] = [
    (
        &[
            "schema_url",
            "name",
            "version",
            "description",
            "unit",
            "trace_state",
            "status.message",
            "severity_text",
            "event_name",
        ],
        Type::Text,
    ),
    (
        &[
            "flags",
            "kind",
            "status.code",
            "severity_number",
            "aggregation_temporality",
            "type",
            "value_int",
            "scale",
            "positive.offset",
            "negative.offset",
            "dropped_attributes_count",
            "dropped_events_count",
            "dropped_links_count",
        ],
        Type::Integer,
    ),
    (
        &[
            "start_time_unix_nano",
            "end_time_unix_nano",
            "time_unix_nano",
            "observed_time_unix_nano",
            "duration",
            "count",
            "zero_count",
        ],
        Type::Unsigned,
    ),
    (
        &["value_double", "sum", "min", "max", "zero_threshold"],
        Type::Double,
    ),
    (&["is_monotonic"], Type::Boolean),
    (&["trace_id", "span_id", "parent_span_id"], Type::Id),
    (
        &[
            "bucket_counts",
            "explicit_bounds",
            "positive.bucket_counts",
            "negative.bucket_counts",
            "quantile_values",
        ],
        Type::List,
    ),
];

const READ_ONLY: [&str; 12] = [
    "dropped_attributes_count",
    "dropped_events_count",
    "dropped_links_count",
    "duration",
    "type",
    "bucket_counts",
    "explicit_bounds",
    "positive.offset",
    "positive.bucket_counts",
    "negative.offset",
    "negative.bucket_counts",
    "quantile_values",
];

/// The fields of which OTLP says whether they were set, and the one that is computed.
const PRESENT_AT_DEFAULT: [&str; 6] =
    ["value_double", "value_int", "sum", "min", "max", "duration"];

#[cfg(test)]
mod tests {
    use otlet_plugin::{Signal, Table};

    use super::{Place, Type, is_above};

    fn place(path: &str) -> Place<'_> {
        Place::of(path).expect("a path")
    }

    #[test]
    fn a_path_has_a_table_and_perhaps_a_signal() {
        let of = |path| (place(path).table, place(path).signal);
        assert_eq!(of(r#"resource.attributes["a.b"]"#), (Table::Resource, None));
        assert_eq!(of("record.flags"), (Table::Record, None));
        assert_eq!(of("span.name"), (Table::Record, Some(Signal::Traces)));
        assert_eq!(of("log.body"), (Table::Record, Some(Signal::Logs)));
        assert_eq!(of("datapoint.sum"), (Table::Record, Some(Signal::Metrics)));
        assert_eq!(of("link.trace_state"), (Table::Link, Some(Signal::Traces)));
        assert_eq!(of("metric.name"), (Table::Metric, Some(Signal::Metrics)));
        assert_eq!(Place::of("attributes"), None);
    }

    #[test]
    fn a_path_holds_a_type() {
        let holds = |path| place(path).holds();
        assert_eq!(holds(r#"record.attributes["name"]"#), Type::Any);
        assert_eq!(holds(r#"metric.metadata["unit"]"#), Type::Any);
        assert_eq!(holds("log.body"), Type::Any);
        assert_eq!(holds("span.status.message"), Type::Text);
        assert_eq!(holds("span.status.code"), Type::Integer);
        assert_eq!(holds("datapoint.as_double"), Type::Double);
        assert_eq!(holds("metric.is_monotonic"), Type::Boolean);
        assert_eq!(holds("exemplar.trace_id"), Type::Id);
        assert_eq!(holds("span.duration"), Type::Unsigned);
        assert_eq!(holds("datapoint.quantile_values"), Type::List);
        assert!(place("span.duration").is_read_only() && !place("span.kind").is_read_only());
        assert!(place("span.kind").has_default() && !place("datapoint.sum").has_default());
        assert!(!place(r#"record.attributes["kind"]"#).has_default());
        assert!(!place("span.kind").range().contains(&(1 << 31)));
        assert!(place("record.flags").range().contains(&(1 << 31)));
        assert!(!place("record.flags").range().contains(&-1));
        assert!(
            place(r#"record.attributes["kind"]"#)
                .range()
                .contains(&i64::MIN)
        );
        assert_eq!(holds("record.of_a_later_version"), Type::Any);
    }

    #[test]
    fn the_same_column_has_two_names() {
        assert!(place("datapoint.as_int").is(&place("record.value_int")));
        assert!(place(r#"span.attributes["a"]"#).is(&place(r#"record.attributes["a"]"#)));
        assert!(!place(r#"record.attributes["a"]"#).is(&place(r#"event.attributes["a"]"#)));
    }

    #[test]
    fn tables_stand_above_one_another() {
        assert!(is_above(Table::Resource, Table::Scope) && is_above(Table::Record, Table::Event));
        assert!(!is_above(Table::Record, Table::Resource) && !is_above(Table::Event, Table::Link));
        let (span, log, event) = (place("span.name"), place("log.body"), place("event.name"));
        assert!(span.meets(&event) && !span.meets(&log) && !log.meets(&event));
    }
}
