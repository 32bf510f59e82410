//! What enrich has to know of a path beyond that the host knows it: where in OTLP's tree it stands and what it takes, so
//! that a mistake is found when the config is read and not batch after batch.

use otlet_plugin::{Signal, Table};

/// What a column takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// A value of any type: an attribute, a log's body, or a field that this crate does not know.
    Any,
    Text,
    Integer,
    Double,
    Boolean,
    /// A trace or span id.
    Id,
    /// Nothing: OTLP or the host computes it.
    ReadOnly,
}

/// A path, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) table: Table,
    /// The one signal that has it, unless all do.
    pub(crate) signal: Option<Signal>,
    /// What follows the table.
    pub(crate) column: &'a str,
}

impl<'a> Place<'a> {
    /// Takes a path apart that the host has opened.
    pub(crate) fn of(path: &'a str) -> Option<Self> {
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

    /// What it takes.
    pub(crate) fn takes(&self) -> Type {
        if self.column.contains('[') {
            return Type::Any;
        }
        let field = FIELDS
            .iter()
            .find(|(names, _)| names.contains(&self.column));
        field.map_or(Type::Any, |(_, takes)| *takes)
    }

    /// Whether both are the same column, perhaps under two names.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.table == other.table && self.column == other.column
    }

    /// Whether a batch can have both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.signal.is_none() || other.signal.is_none() || self.signal == other.signal
    }

    /// Whether each row of `below` is in one row of this one's table, or is that row.
    pub(crate) fn is_above(&self, below: &Self) -> bool {
        self.table == below.table || depth(self.table) < depth(below.table)
    }
}

fn signal_of(table: Table) -> Option<Signal> {
    match table {
        Table::Event | Table::Link => Some(Signal::Traces),
        Table::Metric | Table::Exemplar => Some(Signal::Metrics),
        _ => None,
    }
}

fn depth(table: Table) -> u8 {
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

/// The contract's fields by what they take. No name means different things in two tables, except that `sum`, `count` and
/// their like are a data point's alone.
const FIELDS: [(&[&str], Type); 6] = [
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
            "start_time_unix_nano",
            "end_time_unix_nano",
            "time_unix_nano",
            "observed_time_unix_nano",
            "severity_number",
            "aggregation_temporality",
            "value_int",
            "count",
            "zero_count",
            "scale",
        ],
        Type::Integer,
    ),
    (
        &["value_double", "sum", "min", "max", "zero_threshold"],
        Type::Double,
    ),
    (&["is_monotonic"], Type::Boolean),
    (&["trace_id", "span_id", "parent_span_id"], Type::Id),
    (
        &[
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
        ],
        Type::ReadOnly,
    ),
];

#[cfg(test)]
mod tests {
    use otlet_plugin::{Signal, Table};

    use super::{Place, Type};

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
    fn a_path_takes_a_type() {
        let takes = |path| place(path).takes();
        assert_eq!(takes(r#"record.attributes["name"]"#), Type::Any);
        assert_eq!(takes(r#"metric.metadata["unit"]"#), Type::Any);
        assert_eq!(takes("log.body"), Type::Any);
        assert_eq!(takes("span.status.message"), Type::Text);
        assert_eq!(takes("span.status.code"), Type::Integer);
        assert_eq!(takes("datapoint.as_double"), Type::Double);
        assert_eq!(takes("metric.is_monotonic"), Type::Boolean);
        assert_eq!(takes("exemplar.trace_id"), Type::Id);
        assert_eq!(takes("span.duration"), Type::ReadOnly);
        assert_eq!(takes("record.of_a_later_version"), Type::Any);
    }

    #[test]
    fn the_same_column_has_two_names() {
        assert!(place("datapoint.as_int").is(&place("record.value_int")));
        assert!(place(r#"span.attributes["a"]"#).is(&place(r#"record.attributes["a"]"#)));
        assert!(!place(r#"record.attributes["a"]"#).is(&place(r#"event.attributes["a"]"#)));
    }

    #[test]
    fn copies_go_down_within_a_signal() {
        let (resource, scope) = (place("resource.schema_url"), place("scope.name"));
        let (span, log, event) = (place("span.name"), place("log.body"), place("event.name"));
        assert!(resource.is_above(&scope) && scope.is_above(&span) && span.is_above(&event));
        assert!(!span.is_above(&resource) && !event.is_above(&place("link.flags")));
        assert!(span.meets(&event) && !span.meets(&log) && !log.meets(&event));
    }
}
