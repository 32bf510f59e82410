//! An action, checked and with its columns open.

use otlet_conditions::{Place, Type, is_above};
use otlet_plugin::{Batch, Column, Error, Signal, Value};

use crate::config::{self, Paths, When};

/// An action that has nothing wrong with it.
#[derive(Debug)]
pub(crate) struct Action {
    /// The one signal that has its columns, unless all do.
    signal: Option<Signal>,
    verb: Verb,
}

#[derive(Debug)]
enum Verb {
    Set { target: Target, value: Value },
    Copy { source: Column, target: Target },
    Rename { source: Column, target: Target },
    Remove { columns: Vec<Column> },
}

/// A column to write, and when.
#[derive(Debug)]
struct Target {
    column: Column,
    when: When,
}

impl Action {
    /// Checks an action of the config. The error names the key and says what to write instead.
    pub(crate) fn new(config: &config::Action) -> Result<Self, Error> {
        let when = config.when.unwrap_or_default();
        let config::Action {
            set,
            copy,
            rename,
            remove,
            value,
            to,
            ..
        } = config;
        match (set, copy, rename, remove, value, to) {
            (Some(path), None, None, None, Some(value), None) => Self::set(path, value, when),
            (None, Some(from), None, None, None, Some(to)) => Self::copy(from, to, when),
            (None, None, Some(from), None, None, Some(to)) => Self::rename(from, to, when),
            (None, None, None, Some(paths), None, None) if config.when.is_none() => {
                Self::remove(paths)
            }
            _ => Err(what_is_wrong(config).into()),
        }
    }

    fn set(path: &str, value: &serde_json::Value, when: When) -> Result<Self, Error> {
        let (column, place) = writable(path).map_err(|error| error.context("set"))?;
        let value = typed(value, place.holds()).ok_or_else(|| {
            Error::new(format!(
                "value: {path} takes {}, not {value}",
                name(place.holds())
            ))
        })?;
        Ok(Self {
            signal: place.signal,
            verb: Verb::Set {
                target: Target { column, when },
                value,
            },
        })
    }

    fn copy(from: &str, to: &str, when: When) -> Result<Self, Error> {
        let (source, from) = open(from).map_err(|error| error.context("copy"))?;
        let (column, to) = writable(to).map_err(|error| error.context("to"))?;
        if from.is(&to) {
            return Err("to: is what is copied: name another attribute or field".into());
        }
        if !from.meets(&to) {
            return Err("to: no signal has both what is copied and this".into());
        }
        if !is_above(from.table, to.table) {
            return Err(format!(
                "to: a {} cannot take what one of its rows below has: copy within a row, or down, such as from a resource to \
                 its records",
                to.table
            )
            .into());
        }
        let (given, taken) = (from.holds(), to.holds());
        if given != taken && ![given, taken].contains(&Type::Any) && !from.is_read_only() {
            return Err(format!(
                "to: takes {}, and what is copied is {}",
                name(taken),
                name(given)
            )
            .into());
        }
        let signal = from.signal.or(to.signal);
        Ok(Self {
            signal,
            verb: Verb::Copy {
                source,
                target: Target { column, when },
            },
        })
    }

    fn rename(from: &str, to: &str, when: When) -> Result<Self, Error> {
        let (source, from) = writable(from).map_err(|error| error.context("rename"))?;
        let (column, to) = writable(to).map_err(|error| error.context("to"))?;
        if from.is(&to) {
            return Err("to: is the name that it has: give it another".into());
        }
        if from.table != to.table || !from.meets(&to) {
            return Err(
                "to: is not of the same row: to move a value, copy it and then remove it".into(),
            );
        }
        // Where a value does not fit it would not be copied, and then removed.
        if ![Type::Any, from.holds()].contains(&to.holds()) {
            return Err(format!(
                "to: takes {} alone: to move a value there, copy it and then remove it",
                name(to.holds())
            )
            .into());
        }
        let signal = from.signal.or(to.signal);
        Ok(Self {
            signal,
            verb: Verb::Rename {
                source,
                target: Target { column, when },
            },
        })
    }

    fn remove(paths: &Paths) -> Result<Self, Error> {
        let columns = paths
            .iter()
            .map(|path| writable(path).map(|(column, _)| column));
        let columns = columns
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.context("remove"))?;
        Ok(Self {
            signal: None,
            verb: Verb::Remove { columns },
        })
    }

    /// Does it.
    pub(crate) fn apply(&self, batch: &mut Batch) {
        if self.signal.is_some_and(|signal| signal != batch.signal()) {
            return;
        }
        match &self.verb {
            Verb::Set { target, value } => match target.rows(batch) {
                None => batch.fill(&target.column, .., value),
                Some(rows) => batch.fill(&target.column, &rows, value),
            },
            Verb::Copy { source, target } => match target.rows(batch) {
                None => batch.copy(source, &target.column, ..),
                Some(rows) => batch.copy(source, &target.column, &rows),
            },
            Verb::Rename { source, target } => match target.rows(batch) {
                None => {
                    batch.copy(source, &target.column, ..);
                    batch.unset(&[source], ..);
                }
                Some(rows) => {
                    batch.copy(source, &target.column, &rows);
                    batch.unset(&[source], &rows);
                }
            },
            Verb::Remove { columns } => batch.unset(&columns.iter().collect::<Vec<_>>(), ..),
        }
    }
}

impl Target {
    /// The rows that are written; nothing for all of them.
    fn rows(&self, batch: &Batch) -> Option<Vec<usize>> {
        let present = match self.when {
            When::Always => return None,
            When::Missing => false,
            When::Present => true,
        };
        let values = batch.values(&self.column);
        let rows = values
            .iter()
            .enumerate()
            .filter(|(_, value)| value.is_some() == present);
        Some(rows.map(|(row, _)| row).collect())
    }
}

fn open(path: &str) -> Result<(Column, Place<'_>), Error> {
    let column = Column::open(path)?;
    let place = Place::of(path).ok_or_else(|| Error::new(format!("no such path: {path}")))?;
    match place.holds() {
        Type::Id => Err(format!("{path} is an id: enrich leaves ids alone").into()),
        _ => Ok((column, place)),
    }
}

fn writable(path: &str) -> Result<(Column, Place<'_>), Error> {
    let (column, place) = open(path)?;
    if place.is_read_only() {
        return Err(format!("{path} is read only").into());
    }
    Ok((column, place))
}

/// The value as the column takes it, if it does.
fn typed(value: &serde_json::Value, takes: Type) -> Option<Value> {
    use serde_json::Value as Json;
    let given = match value {
        Json::Null => return None,
        Json::Bool(boolean) => Value::Boolean(*boolean),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(_) | Json::Object(_) => Value::Json(value.to_string()),
        Json::Number(number) => match number.as_i64() {
            Some(integer) if takes != Type::Double => Value::Integer(integer),
            // An integer that is too large for OTLP is a mistake, not a double that is nearly it.
            None if number.is_u64() => return None,
            _ => Value::Double(number.as_f64()?),
        },
    };
    let fits = matches!(
        (&given, takes),
        (_, Type::Any)
            | (Value::Text(_), Type::Text)
            | (Value::Integer(_), Type::Integer | Type::Unsigned)
            | (Value::Double(_), Type::Double)
            | (Value::Boolean(_), Type::Boolean)
    );
    fits.then_some(given)
}

fn name(takes: Type) -> &'static str {
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

/// Says what is wrong with the keys of an action.
fn what_is_wrong(config: &config::Action) -> &'static str {
    let verbs = [
        config.set.is_some(),
        config.copy.is_some(),
        config.rename.is_some(),
        config.remove.is_some(),
    ];
    match verbs {
        [false, false, false, false] => {
            "does nothing: give it one of `set`, `copy`, `rename` and `remove`"
        }
        [true, false, false, false] if config.value.is_none() => {
            "`set` needs a `value`; to take something away, `remove` it"
        }
        [true, false, false, false] => "`set` has a `value` and no `to`",
        [false, true, false, false] if config.to.is_none() => {
            "`copy` needs `to`, the path to copy to"
        }
        [false, false, true, false] if config.to.is_none() => {
            "`rename` needs `to`, the new name's path"
        }
        [false, true, false, false] | [false, false, true, false] => "`value` belongs to `set`",
        [false, false, false, true] => "`remove` stands alone",
        _ => {
            "is several actions: write each of `set`, `copy`, `rename` and `remove` as an entry of its own"
        }
    }
}

#[cfg(test)]
mod tests;
