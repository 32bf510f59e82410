//! `remove`, `remove_matching` and `keep_matching`: attributes by their path, or by what their keys look like.

use otlet_conditions::{Place, pattern, signal_of};
use otlet_plugin::{Batch, Column, Error, Kind, LeafEdits, Mask, Signal, Table};
use regex::Regex;

use crate::action::Verb;
use crate::path::{attributes_of, writable};
use crate::selection::Selection;

/// Attributes and fields of one table.
#[derive(Debug)]
pub(crate) struct Remove {
    table: Table,
    columns: Vec<Column>,
}

/// Attributes of one table by their keys.
#[derive(Debug)]
pub(crate) struct Matching {
    table: Table,
    signal: Option<Signal>,
    pattern: Regex,
    /// Whether those go that the pattern finds, or the others.
    found: bool,
}

impl Remove {
    /// One for each table.
    pub(crate) fn of(paths: &[String]) -> Result<Vec<Self>, Error> {
        if paths.is_empty() {
            return Err("is an empty list: name a path".into());
        }
        let mut all: Vec<Self> = Vec::new();
        for path in paths {
            let (column, place) = writable(path)?;
            match all.iter_mut().find(|remove| remove.table == place.table) {
                Some(remove) => remove.columns.push(column),
                None => all.push(Self {
                    table: place.table,
                    columns: vec![column],
                }),
            }
        }
        Ok(all)
    }
}

impl Verb for Remove {
    fn place(&self) -> (Table, Option<Signal>) {
        (self.table, signal_of(self.table))
    }

    fn apply(&self, batch: &mut Batch, when: Option<&Mask>) {
        if let Some(selection) = Selection::new(when.cloned()) {
            let columns: Vec<_> = self.columns.iter().collect();
            batch.unset(&columns, selection.rows());
        }
    }
}

impl Matching {
    /// `keys` is a regular expression, with the key that it stands at.
    pub(crate) fn new((key, keys): (&str, &str), from: &str, found: bool) -> Result<Self, Error> {
        let table = match from {
            "span" | "log" | "datapoint" => Some(Table::Record),
            name => Table::from_name(name),
        };
        let table = table.ok_or_else(|| {
            Error::new(format!(
                "from: no such table as `{from}`: write resource, scope, metric, record, span, log, datapoint, event, link or \
                 exemplar"
            ))
        })?;
        // A table is named as the first part of a path is.
        let path = format!("{from}.");
        let signal = Place::of(&path).map_or_else(|| signal_of(table), |place| place.signal);
        let pattern = pattern(keys).map_err(|error| error.context(key))?;
        Ok(Self {
            table,
            signal,
            pattern,
            found,
        })
    }

    fn goes(&self, key: &str) -> bool {
        self.pattern.is_match(key) == self.found
    }
}

impl Verb for Matching {
    fn place(&self) -> (Table, Option<Signal>) {
        (self.table, self.signal)
    }

    fn apply(&self, batch: &mut Batch, when: Option<&Mask>) {
        if !batch.keys(self.table).iter().any(|key| self.goes(key)) {
            return;
        }
        let leaves = batch.leaves(&[self.table], &[Kind::Key]);
        let attributes = format!("{}.{}[", self.table, attributes_of(self.table));
        let places = leaves.places().iter().map(|place| {
            // A key within a map, or in a body, is none of an attribute.
            place.path.starts_with(&attributes)
                && matches!(place.keys().as_slice(), [key] if self.goes(key))
        });
        let places: Vec<bool> = places.collect();
        let mut edits = LeafEdits::new();
        for leaf in leaves.iter() {
            let goes = places.get(leaf.place) == Some(&true);
            if goes && when.is_none_or(|when| when.get(leaf.row)) {
                edits.remove(leaf.index);
            }
        }
        batch.replace_leaves(&edits);
    }
}
