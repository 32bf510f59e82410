//! The tables of `lookup`: each key's row, of which only those columns are held that an action asks for. Every instance of
//! the plugin has its own, so each distinct value is there once.

mod csv;
mod json;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use otlet_plugin::{Error, Value};
use serde_json::Value as Json;

use crate::config::{self, Action, To};
use crate::keys::listed;
use crate::literal::any;

/// The tables of a config.
#[derive(Debug)]
pub(crate) struct Tables(BTreeMap<String, Rc<Table>>);

/// A table.
#[derive(Debug, Default)]
pub(crate) struct Table {
    columns: Vec<String>,
    rows: HashMap<Box<str>, usize>,
    /// Row by row, an index of the values for each column.
    cells: Vec<u32>,
    /// Each value once, after one that stands for no value.
    values: Vec<Value>,
}

/// A table that is being read.
#[derive(Debug, Default)]
struct Builder {
    table: Table,
    /// The column of the keys.
    key: Option<String>,
    texts: HashMap<Box<str>, u32>,
    others: HashMap<String, u32>,
}

impl Tables {
    /// Reads the tables, with the columns that the actions ask for.
    pub(crate) fn new(
        configs: BTreeMap<String, config::Table>,
        actions: &[Action],
        mistakes: &mut Vec<String>,
    ) -> Self {
        let mut tables = BTreeMap::new();
        for (name, config) in configs {
            let lookups = actions
                .iter()
                .filter(|action| action.in_.as_ref() == Some(&name));
            let columns: BTreeSet<_> = lookups
                .filter_map(|action| match &action.to {
                    Some(To::Each(targets)) => Some(targets.keys().cloned()),
                    _ => None,
                })
                .flatten()
                .collect();
            let table = Table::new(config, columns.into_iter().collect()).unwrap_or_else(|error| {
                mistakes.push(error.context(format!("tables.{name}")).into());
                Table::default()
            });
            tables.insert(name, Rc::new(table));
        }
        Self(tables)
    }

    pub(crate) fn get(&self, name: &str) -> Result<Rc<Table>, Error> {
        self.0.get(name).map(Rc::clone).ok_or_else(|| {
            let names: Vec<_> = self.0.keys().collect();
            let cure = match names.as_slice() {
                [] => "add it to `tables`".to_owned(),
                names => format!("write {}", listed(names, "or")),
            };
            Error::new(format!("no such table as `{name}`: {cure}"))
        })
    }
}

impl Table {
    fn new(config: config::Table, columns: Vec<String>) -> Result<Self, Error> {
        let builder = Builder::new(config.key, columns);
        match (config.csv, config.json, config.rows) {
            (Some(text), None, None) => {
                csv::read(&text, builder).map_err(|error| error.context("csv"))
            }
            (None, Some(text), None) => {
                json::read(&text, builder).map_err(|error| error.context("json"))
            }
            (None, None, Some(rows)) => {
                json::read_value(rows, builder).map_err(|error| error.context("rows"))
            }
            _ => Err("is not one table: give it one of `csv`, `json` and `rows`".into()),
        }
    }

    /// The number of a column that an action asked for.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// The number of the row with this key.
    pub(crate) fn row(&self, key: &str) -> Option<usize> {
        self.rows.get(key).copied()
    }

    pub(crate) fn cell(&self, row: usize, column: usize) -> Option<&Value> {
        let cell = *self.cells.get(row * self.columns.len() + column)? as usize;
        self.values.get(cell).filter(|_| cell != 0)
    }

    /// Every value of a column.
    pub(crate) fn column_of(&self, column: usize) -> impl Iterator<Item = &Value> {
        (0..self.rows.len()).filter_map(move |row| self.cell(row, column))
    }
}

impl Builder {
    fn new(key: Option<String>, columns: Vec<String>) -> Self {
        let table = Table {
            columns,
            values: vec![Value::Empty],
            ..Table::default()
        };
        Self {
            table,
            key,
            ..Self::default()
        }
    }

    /// Begins the row of a key.
    fn begin(&mut self, key: &str) -> Result<(), Error> {
        if key.is_empty() {
            return Err("a key is empty: name what the row is of".into());
        }
        let row = self.table.rows.len();
        if self.table.rows.insert(key.into(), row).is_some() {
            return Err(format!("the key `{key}` is there twice: leave one row out").into());
        }
        Ok(())
    }

    /// Adds the next cell of a row that is a text; an empty one is no value.
    fn text(&mut self, text: &str) {
        let next = number(self.table.values.len());
        let cell = match self.texts.get(text) {
            _ if text.is_empty() => 0,
            Some(known) => *known,
            None => {
                self.table.values.push(text.into());
                self.texts.insert(text.into(), next);
                next
            }
        };
        self.table.cells.push(cell);
    }

    /// Adds the next cell of a row, of any type; null is no value.
    fn value(&mut self, value: Option<&Json>) -> Result<(), Error> {
        let value = match value {
            Some(Json::String(text)) if !text.is_empty() => {
                self.text(text);
                return Ok(());
            }
            None | Some(Json::Null) => {
                self.table.cells.push(0);
                return Ok(());
            }
            Some(value) => value,
        };
        let next = number(self.table.values.len());
        let written = value.to_string();
        let cell = if let Some(known) = self.others.get(&written) {
            *known
        } else {
            self.table.values.push(any(value)?.unwrap_or(Value::Empty));
            self.others.insert(written, next);
            next
        };
        self.table.cells.push(cell);
        Ok(())
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("a guest's memory has fewer than 2^32 bytes")
}

/// A text without the mark that some editors put before it.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

#[cfg(test)]
mod tests;
