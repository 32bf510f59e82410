//! Paths that an action reads and writes, checked and opened.

use std::ops::RangeInclusive;

use otlet_conditions::{Condition, Opened, Place, Type, is_above};
use otlet_plugin::{Batch, Column, Error, Mask, Signal, Table, Value};
use serde_json::json;

use crate::config::If;
use crate::selection::Selection;

/// What an action reads.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) column: Column,
    pub(crate) table: Table,
    /// The one signal that has it, unless all do.
    pub(crate) signal: Option<Signal>,
    pub(crate) holds: Type,
}

/// What an action writes, and where.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) column: Column,
    pub(crate) table: Table,
    /// The one signal that has it, unless all do.
    pub(crate) signal: Option<Signal>,
    pub(crate) takes: Type,
    /// The integers that it takes.
    range: RangeInclusive<i64>,
    /// `missing` or `present`.
    only: Option<Opened>,
}

impl Source {
    pub(crate) fn open(path: &str) -> Result<Self, Error> {
        let (column, place) = open(path)?;
        Ok(Self {
            column,
            table: place.table,
            signal: place.signal,
            holds: place.holds(),
        })
    }

    /// Whether the batch's signal does not have it.
    pub(crate) fn is_lacking(&self, batch: &Batch) -> bool {
        self.signal.is_some_and(|signal| signal != batch.signal())
    }
}

impl Target {
    /// Opens a path to write.
    pub(crate) fn open(path: &str, when: Option<If>) -> Result<Self, Error> {
        let (column, place) = writable(path)?;
        let exists = match when.unwrap_or_default() {
            If::Always => None,
            If::Missing => Some(false),
            If::Present => Some(true),
        };
        let only = exists.map(|exists| {
            let condition = Condition::from(json!({ path: { "exists": exists } }));
            condition.open(place.table)
        });
        Ok(Self {
            column,
            table: place.table,
            signal: place.signal,
            takes: place.holds(),
            range: place.range(),
            only: only.transpose()?,
        })
    }

    /// Opens a path to write what is read at another, of the same row or of one above it.
    pub(crate) fn below(path: &str, source: &Source, when: Option<If>) -> Result<Self, Error> {
        let target = Self::open(path, when)?;
        meet(source.signal, target.signal)?;
        if is_above(source.table, target.table) {
            Ok(target)
        } else {
            Err(format!(
                "a {} cannot take what one of its rows below has: name a path of the same row, or of one below, such as \
                 a resource's attribute and its records",
                target.table
            )
            .into())
        }
    }

    /// The rows that are written, of those that the action is about; nothing if that is none.
    pub(crate) fn select(&self, batch: &Batch, when: Option<&Mask>) -> Option<Selection> {
        let only = self.only.as_ref().map(|only| only.holds(batch));
        let mask = match (when, only) {
            (Some(when), Some(only)) => Some(Mask::from_fn(only.len(), |row| {
                only.get(row) && when.get(row)
            })),
            (when, only) => only.or_else(|| when.cloned()),
        };
        Selection::new(mask)
    }

    /// Whether it takes a value, of its type and within its range.
    pub(crate) fn fits(&self, value: &Value) -> bool {
        match (value, self.takes) {
            (Value::Integer(integer), Type::Any | Type::Integer | Type::Unsigned) => {
                self.range.contains(integer)
            }
            (_, Type::Any)
            | (Value::Text(_), Type::Text)
            | (Value::Double(_), Type::Double)
            | (Value::Boolean(_), Type::Boolean) => true,
            _ => false,
        }
    }

    /// Refuses a field that takes another type.
    pub(crate) fn must_take(&self, given: Type, path: &str) -> Result<(), Error> {
        if [Type::Any, given].contains(&self.takes) {
            return Ok(());
        }
        Err(format!("{path} takes {}, not {}", name(self.takes), name(given)).into())
    }
}

/// Refuses what no batch can have both of; the signal of both.
pub(crate) fn meet(one: Option<Signal>, other: Option<Signal>) -> Result<Option<Signal>, Error> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => {
            Err(format!("is of {other}, and no signal has both this and what is of {one}").into())
        }
        _ => Ok(one.or(other)),
    }
}

/// Opens a path.
pub(crate) fn open(path: &str) -> Result<(Column, Place<'_>), Error> {
    let column = Column::open(path)?;
    let place = Place::of(path).ok_or_else(|| Error::new(format!("no such path: {path}")))?;
    Ok((column, place))
}

/// Opens a path that is written.
pub(crate) fn writable(path: &str) -> Result<(Column, Place<'_>), Error> {
    let (column, place) = open(path)?;
    if place.holds() == Type::Id {
        return Err(format!("{path} is an id: enrich leaves ids alone").into());
    }
    if place.is_read_only() {
        return Err(format!("{path} is read only").into());
    }
    Ok((column, place))
}

/// What a table's attributes are called in a path.
pub(crate) fn attributes_of(table: Table) -> &'static str {
    match table {
        Table::Metric => "metadata",
        Table::Exemplar => "filtered_attributes",
        _ => "attributes",
    }
}

/// What a column takes, for a message.
pub(crate) fn name(takes: Type) -> &'static str {
    match takes {
        Type::Any => "a text, a number of at most 64 bits, true or false, a list or a map",
        Type::Text => "a text",
        Type::Integer | Type::Unsigned => "an integer of at most 64 bits",
        Type::Double => "a number",
        Type::Boolean => "true or false",
        Type::Id => "an id",
        Type::List => "a list",
    }
}
