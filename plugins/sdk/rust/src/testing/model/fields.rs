//! Every field that has a path: the contract's table of paths, but for attributes.

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

/// A field of a table.
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

/// All three.
pub(super) const ALL: &[Signal] = &[Traces, Metrics, Logs];

macro_rules! fields {
    (@signals ALL) => { ALL };
    (@signals $signals:tt) => { &$signals };
    (@read_only read_only) => { true };
    (@read_only) => { false };
    ($($table:ident $name:literal $signals:tt $holds:ident $(($width:literal))? $($read_only:ident)?;)*) => {
        /// Every field.
        pub const FIELDS: &[Field] = &[$(Field {
            table: Table::$table,
            name: $name,
            signals: fields!(@signals $signals),
            holds: Type::$holds $(($width))?,
            read_only: fields!(@read_only $($read_only)?),
        }),*];
    };
}

fields! {
    Resource "schema_url" ALL Text;
    Resource "dropped_attributes_count" ALL Integer read_only;
    Scope "schema_url" ALL Text;
    Scope "name" ALL Text;
    Scope "version" ALL Text;
    Scope "dropped_attributes_count" ALL Integer read_only;
    Record "trace_id" [Traces, Logs] Id(16);
    Record "span_id" [Traces, Logs] Id(8);
    Record "flags" ALL Integer;
    Record "dropped_attributes_count" [Traces, Logs] Integer read_only;
    Record "parent_span_id" [Traces] Id(8);
    Record "trace_state" [Traces] Text;
    Record "name" [Traces] Text;
    Record "status.message" [Traces] Text;
    Record "kind" [Traces] Integer;
    Record "status.code" [Traces] Integer;
    Record "start_time_unix_nano" [Traces, Metrics] Integer;
    Record "end_time_unix_nano" [Traces] Integer;
    Record "duration" [Traces] Integer read_only;
    Record "dropped_events_count" [Traces] Integer read_only;
    Record "dropped_links_count" [Traces] Integer read_only;
    Record "time_unix_nano" [Logs, Metrics] Integer;
    Record "observed_time_unix_nano" [Logs] Integer;
    Record "severity_number" [Logs] Integer;
    Record "severity_text" [Logs] Text;
    Record "event_name" [Logs] Text;
    Record "body" [Logs] Any;
    Metric "name" [Metrics] Text;
    Metric "description" [Metrics] Text;
    Metric "unit" [Metrics] Text;
    Metric "type" [Metrics] Integer read_only;
    Metric "aggregation_temporality" [Metrics] Integer;
    Metric "is_monotonic" [Metrics] Boolean;
    Record "value_double" [Metrics] Double;
    Record "value_int" [Metrics] Integer;
    Record "count" [Metrics] Integer;
    Record "zero_count" [Metrics] Integer;
    Record "scale" [Metrics] Integer;
    Record "sum" [Metrics] Double;
    Record "min" [Metrics] Double;
    Record "max" [Metrics] Double;
    Record "zero_threshold" [Metrics] Double;
    Record "bucket_counts" [Metrics] Json read_only;
    Record "explicit_bounds" [Metrics] Json read_only;
    Record "positive.offset" [Metrics] Integer read_only;
    Record "positive.bucket_counts" [Metrics] Json read_only;
    Record "negative.offset" [Metrics] Integer read_only;
    Record "negative.bucket_counts" [Metrics] Json read_only;
    Record "quantile_values" [Metrics] Json read_only;
    Event "name" [Traces] Text;
    Event "time_unix_nano" [Traces] Integer;
    Event "dropped_attributes_count" [Traces] Integer read_only;
    Link "trace_id" [Traces] Id(16);
    Link "span_id" [Traces] Id(8);
    Link "trace_state" [Traces] Text;
    Link "flags" [Traces] Integer;
    Link "dropped_attributes_count" [Traces] Integer read_only;
    Exemplar "time_unix_nano" [Metrics] Integer;
    Exemplar "trace_id" [Metrics] Id(16);
    Exemplar "span_id" [Metrics] Id(8);
    Exemplar "value_double" [Metrics] Double;
    Exemplar "value_int" [Metrics] Integer;
}
