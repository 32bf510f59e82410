//! Columns, signals and values, for both sides.

use otlet::batch;
use otlet_plugin::{
    Signal, Table, Value,
    testing::model::{self, FIELDS, Type, attributes_of},
};

use crate::generate::TEXTS;

/// A column of both sides.
#[derive(Clone)]
pub(crate) struct Column {
    pub(crate) path: String,
    pub(crate) table: Table,
    pub(crate) holds: Type,
    pub(crate) read_only: bool,
    pub(crate) host: batch::Column,
    pub(crate) model: model::Column,
}

/// Every column: every field, and the attributes of every table by every text that the generator has for a key.
pub(crate) fn columns() -> Vec<Column> {
    let fields = FIELDS.iter().map(|field| {
        let path = format!("{}.{}", field.table, field.name);
        (path, field.table, field.holds, field.read_only)
    });
    let attributes = Table::ALL.iter().flat_map(|table| {
        TEXTS.iter().map(move |key| {
            let key = key.replace('\\', "\\\\").replace('"', "\\\"");
            let path = format!("{table}.{}[\"{key}\"]", attributes_of(*table));
            (path, *table, Type::Any, false)
        })
    });
    let columns = fields
        .chain(attributes)
        .map(|(path, table, holds, read_only)| Column {
            host: batch::Column::parse(&path).unwrap(),
            model: model::Column::parse(&path).unwrap(),
            path,
            table,
            holds,
            read_only,
        });
    columns.collect()
}

/// The signal, as otlet has it.
pub(crate) fn host_signal(signal: Signal) -> batch::Signal {
    match signal {
        Signal::Metrics => batch::Signal::Metrics,
        Signal::Logs => batch::Signal::Logs,
        _ => batch::Signal::Traces,
    }
}

/// The value, as otlet has it.
pub(crate) fn to_host(value: &Value) -> batch::Value {
    match value.clone() {
        Value::Empty => batch::Value::Empty,
        Value::Text(text) => batch::Value::Text(text),
        Value::Boolean(boolean) => batch::Value::Boolean(boolean),
        Value::Integer(integer) => batch::Value::Integer(integer),
        Value::Double(double) => batch::Value::Double(double),
        Value::Bytes(bytes) => batch::Value::Bytes(bytes),
        Value::Json(json) => batch::Value::Json(json),
    }
}
