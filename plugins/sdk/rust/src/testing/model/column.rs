//! Every path of the contract, and what a column of it is.

use crate::{Signal, Table};

use Signal::{Logs, Metrics, Traces};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Any value: attributes and log bodies.
    Any,
    /// A string.
    Text,
    /// An id of so many bytes.
    Id(usize),
    /// An integer.
    Integer,
    /// A double.
    Double,
    /// A boolean.
    Boolean,
    /// An array, as JSON.
    Json,
}

/// A field of a table: a line of the contract's table of paths.
#[derive(Debug)]
pub struct Field {
    /// The table.
    pub table: Table,
    /// The name after the table's.
    pub name: &'static str,
    /// The signals that have it.
    pub signals: &'static [Signal],
    /// What it holds.
    pub holds: Type,
    /// Whether writing it is a misuse.
    pub read_only: bool,
}

const fn field(
    table: Table,
    name: &'static str,
    signals: &'static [Signal],
    holds: Type,
    read_only: bool,
) -> Field {
    Field {
        table,
        name,
        signals,
        holds,
        read_only,
    }
}

const ALL: &[Signal] = &[Traces, Metrics, Logs];

/// Every field that has a path, but for attributes.
pub const FIELDS: &[Field] = &[
    field(Table::Resource, "schema_url", ALL, Type::Text, false),
    field(
        Table::Resource,
        "dropped_attributes_count",
        ALL,
        Type::Integer,
        true,
    ),
    field(Table::Scope, "schema_url", ALL, Type::Text, false),
    field(Table::Scope, "name", ALL, Type::Text, false),
    field(Table::Scope, "version", ALL, Type::Text, false),
    field(
        Table::Scope,
        "dropped_attributes_count",
        ALL,
        Type::Integer,
        true,
    ),
    field(
        Table::Record,
        "trace_id",
        &[Traces, Logs],
        Type::Id(16),
        false,
    ),
    field(
        Table::Record,
        "span_id",
        &[Traces, Logs],
        Type::Id(8),
        false,
    ),
    field(Table::Record, "flags", ALL, Type::Integer, false),
    field(
        Table::Record,
        "dropped_attributes_count",
        &[Traces, Logs],
        Type::Integer,
        true,
    ),
    field(
        Table::Record,
        "parent_span_id",
        &[Traces],
        Type::Id(8),
        false,
    ),
    field(Table::Record, "trace_state", &[Traces], Type::Text, false),
    field(Table::Record, "name", &[Traces], Type::Text, false),
    field(
        Table::Record,
        "status.message",
        &[Traces],
        Type::Text,
        false,
    ),
    field(Table::Record, "kind", &[Traces], Type::Integer, false),
    field(
        Table::Record,
        "status.code",
        &[Traces],
        Type::Integer,
        false,
    ),
    field(
        Table::Record,
        "start_time_unix_nano",
        &[Traces, Metrics],
        Type::Integer,
        false,
    ),
    field(
        Table::Record,
        "end_time_unix_nano",
        &[Traces],
        Type::Integer,
        false,
    ),
    field(Table::Record, "duration", &[Traces], Type::Integer, true),
    field(
        Table::Record,
        "dropped_events_count",
        &[Traces],
        Type::Integer,
        true,
    ),
    field(
        Table::Record,
        "dropped_links_count",
        &[Traces],
        Type::Integer,
        true,
    ),
    field(
        Table::Record,
        "time_unix_nano",
        &[Logs, Metrics],
        Type::Integer,
        false,
    ),
    field(
        Table::Record,
        "observed_time_unix_nano",
        &[Logs],
        Type::Integer,
        false,
    ),
    field(
        Table::Record,
        "severity_number",
        &[Logs],
        Type::Integer,
        false,
    ),
    field(Table::Record, "severity_text", &[Logs], Type::Text, false),
    field(Table::Record, "event_name", &[Logs], Type::Text, false),
    field(Table::Record, "body", &[Logs], Type::Any, false),
    field(Table::Metric, "name", &[Metrics], Type::Text, false),
    field(Table::Metric, "description", &[Metrics], Type::Text, false),
    field(Table::Metric, "unit", &[Metrics], Type::Text, false),
    field(Table::Metric, "type", &[Metrics], Type::Integer, true),
    field(
        Table::Metric,
        "aggregation_temporality",
        &[Metrics],
        Type::Integer,
        false,
    ),
    field(
        Table::Metric,
        "is_monotonic",
        &[Metrics],
        Type::Boolean,
        false,
    ),
    field(
        Table::Record,
        "value_double",
        &[Metrics],
        Type::Double,
        false,
    ),
    field(Table::Record, "value_int", &[Metrics], Type::Integer, false),
    field(Table::Record, "count", &[Metrics], Type::Integer, false),
    field(
        Table::Record,
        "zero_count",
        &[Metrics],
        Type::Integer,
        false,
    ),
    field(Table::Record, "scale", &[Metrics], Type::Integer, false),
    field(Table::Record, "sum", &[Metrics], Type::Double, false),
    field(Table::Record, "min", &[Metrics], Type::Double, false),
    field(Table::Record, "max", &[Metrics], Type::Double, false),
    field(
        Table::Record,
        "zero_threshold",
        &[Metrics],
        Type::Double,
        false,
    ),
    field(Table::Record, "bucket_counts", &[Metrics], Type::Json, true),
    field(
        Table::Record,
        "explicit_bounds",
        &[Metrics],
        Type::Json,
        true,
    ),
    field(
        Table::Record,
        "positive.offset",
        &[Metrics],
        Type::Integer,
        true,
    ),
    field(
        Table::Record,
        "positive.bucket_counts",
        &[Metrics],
        Type::Json,
        true,
    ),
    field(
        Table::Record,
        "negative.offset",
        &[Metrics],
        Type::Integer,
        true,
    ),
    field(
        Table::Record,
        "negative.bucket_counts",
        &[Metrics],
        Type::Json,
        true,
    ),
    field(
        Table::Record,
        "quantile_values",
        &[Metrics],
        Type::Json,
        true,
    ),
    field(Table::Event, "name", &[Traces], Type::Text, false),
    field(
        Table::Event,
        "time_unix_nano",
        &[Traces],
        Type::Integer,
        false,
    ),
    field(
        Table::Event,
        "dropped_attributes_count",
        &[Traces],
        Type::Integer,
        true,
    ),
    field(Table::Link, "trace_id", &[Traces], Type::Id(16), false),
    field(Table::Link, "span_id", &[Traces], Type::Id(8), false),
    field(Table::Link, "trace_state", &[Traces], Type::Text, false),
    field(Table::Link, "flags", &[Traces], Type::Integer, false),
    field(
        Table::Link,
        "dropped_attributes_count",
        &[Traces],
        Type::Integer,
        true,
    ),
    field(
        Table::Exemplar,
        "time_unix_nano",
        &[Metrics],
        Type::Integer,
        false,
    ),
    field(Table::Exemplar, "trace_id", &[Metrics], Type::Id(16), false),
    field(Table::Exemplar, "span_id", &[Metrics], Type::Id(8), false),
    field(
        Table::Exemplar,
        "value_double",
        &[Metrics],
        Type::Double,
        false,
    ),
    field(
        Table::Exemplar,
        "value_int",
        &[Metrics],
        Type::Integer,
        false,
    ),
];

/// The name of a table's list of attributes.
pub fn attributes_of(table: Table) -> &'static str {
    match table {
        Table::Metric => "metadata",
        Table::Exemplar => "filtered_attributes",
        _ => "attributes",
    }
}

/// A column, opened by its path.
#[derive(Clone, Debug)]
pub struct Column {
    pub(super) table: Table,
    pub(super) signals: &'static [Signal],
    pub(super) what: What,
}

/// What a column is in its table.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// The attribute with this key.
    Attribute(String),
    /// A field.
    Field(&'static Field),
}

impl Column {
    /// Opens a column.
    pub fn parse(path: &str) -> Result<Self, String> {
        let unknown = || format!("{path}: no such path; {}", known(path));
        let (table, rest) = path.split_once('.').ok_or_else(unknown)?;
        let (table, signals) = match table {
            "span" => (Table::Record, &[Traces][..]),
            "datapoint" => (Table::Record, &[Metrics][..]),
            "log" => (Table::Record, &[Logs][..]),
            table => (Table::from_name(table).ok_or_else(unknown)?, ALL),
        };
        let name = rest
            .replace("as_double", "value_double")
            .replace("as_int", "value_int");
        let mut fields = FIELDS
            .iter()
            .filter(|field| field.table == table && field.name == name);
        let column = if let Some(field) = fields.next() {
            let shared = signals.iter().any(|signal| field.signals.contains(signal));
            let signals = if signals == ALL {
                field.signals
            } else {
                signals
            };
            shared.then_some(Self {
                table,
                signals,
                what: What::Field(field),
            })
        } else {
            let key = rest.strip_prefix(attributes_of(table)).and_then(key);
            key.map(|key| Self {
                table,
                signals,
                what: What::Attribute(key),
            })
        };
        column.ok_or_else(unknown)
    }

    pub(super) fn holds(&self) -> Type {
        match &self.what {
            What::Attribute(_) => Type::Any,
            What::Field(field) => field.holds,
        }
    }

    pub(super) fn read_only(&self) -> bool {
        matches!(&self.what, What::Field(field) if field.read_only)
    }
}

/// The paths of the table that the path begins with.
fn known(path: &str) -> String {
    let table = match path.split(['.', '[']).next().unwrap_or_default() {
        "span" | "log" | "datapoint" => Some(Table::Record),
        name => Table::from_name(name),
    };
    let Some(table) = table else {
        let tables: Vec<_> = Table::ALL.iter().map(|table| table.name()).collect();
        return format!("tables are {}", tables.join(", "));
    };
    let fields = FIELDS.iter().filter(|field| field.table == table);
    let names: Vec<_> = fields
        .map(|field| format!("{table}.{}", field.name))
        .collect();
    format!(
        "there are {table}.{}[\"..\"] {}",
        attributes_of(table),
        names.join(", ")
    )
}

/// The key in `["key"]`.
fn key(brackets: &str) -> Option<String> {
    let quoted = brackets.strip_prefix("[\"")?.strip_suffix("\"]")?;
    let mut key = String::new();
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        key.push(match letter {
            '"' => return None,
            '\\' => letters
                .next()
                .filter(|letter| matches!(letter, '"' | '\\'))?,
            letter => letter,
        });
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::{Column, What};

    #[test]
    fn paths_are_fields_and_attributes() {
        for path in [
            "resource.schema_url",
            "span.status.code",
            "record.duration",
            "log.body",
            "datapoint.as_double",
            "exemplar.as_int",
            "record.attributes[\"http.route\"]",
            "log.attributes[\"\"]",
            "metric.metadata[\"k\"]",
            "exemplar.filtered_attributes[\"k\"]",
        ] {
            assert!(Column::parse(path).is_ok(), "{path}");
        }
        for path in [
            "",
            "span",
            "span.body",
            "log.name",
            "resource.metadata[\"k\"]",
            "metric.attributes[\"k\"]",
            "record.attributes[\"a\"][\"b\"]",
            "record.attributes[k]",
            "record.attributes[\"\\x\"]",
            "record.attributes[\"a\\\"]",
        ] {
            assert!(Column::parse(path).is_err(), "{path}");
        }
    }

    #[test]
    fn a_key_may_hold_quotes_and_backslashes() {
        let column = Column::parse(r#"event.attributes["a\"b\\"]"#).unwrap();
        assert!(matches!(column.what, What::Attribute(key) if key == r#"a"b\"#));
    }
}
