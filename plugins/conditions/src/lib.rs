//! Conditions: on which rows a bundled plugin does something. A plugin has a [`Condition`] in its config, opens it for a
//! table when it is made, and gets a mask of that table's rows from each batch.
//!
//! ```yaml
//! when:
//!   record.attributes["http.route"]: /health
//!   resource.attributes["service.name"]: [cart, shop]
//!   span.name: { matches: '^GET /health' }
//!   record.attributes["http.response.status_code"]: { at_least: 500, below: 600 }
//!   record.attributes["user.id"]: { exists: true }
//!   log.body: { not: { matches: secret } }
//! ```
//!
//! Of a map every entry must hold, of a list of maps one of them. What is under a path is a value (the row's is equal to
//! it), a list of values (equal to one of them), or tests, all of which must hold: `exists`, `matches`, `at_least`,
//! `at_most`, `above`, `below`, `not`.
//!
//! - A number in the config is equal to the integer, to the double, and to the text that is this number in decimal, since
//!   some senders write status codes as texts: 200 is 200, 200.0, "200" and "200.0". `true` is also the text "true". A text
//!   in the config, such as a quoted '200', is equal to that text alone. `at_least` and its like take texts for numbers, too.
//! - `matches` looks for a regular expression anywhere in a text, and only in texts. Ids are their hex.
//! - Where nothing is there, nothing holds but `exists: false` and `not`. A field of OTLP that is 0, false or empty reads as
//!   absent, so that a test for such a value is refused; `datapoint.sum` and its like, of which OTLP says whether they were
//!   set, are not meant.
//! - Paths may be of tables above, which are read a row there and not a row below; a column that the batch's signal does not
//!   have is absent.

mod number;
mod pattern;
mod place;
mod reading;
mod test;

use std::borrow::Cow;

use otlet_plugin::{Batch, Column, Error, Mask, Signal, Table};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

pub use number::decimal;
pub use pattern::pattern;
pub use place::{Place, Type, is_above, signal_of};
use reading::Reading;
pub use reading::hex;
use test::Test;

/// A condition as the config has it. What is wrong with it is said by [`open`](Self::open), which knows the paths.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(transparent)]
pub struct Condition(Json);

impl From<Json> for Condition {
    fn from(json: Json) -> Self {
        Self(json)
    }
}

impl JsonSchema for Condition {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["object", "array"], "items": { "type": "object" } })
    }
}

/// A condition with its columns open.
#[derive(Debug)]
pub struct Opened {
    table: Table,
    paths: Vec<Path>,
    /// One of these must hold.
    any: Vec<Vec<Entry>>,
    /// Whether a map that names a path of one signal alone is about that signal alone.
    own_signals: bool,
}

/// A path that is looked at, whatever is asked of it.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) column: Column,
    pub(crate) table: Table,
    pub(crate) signal: Option<Signal>,
    pub(crate) holds: Type,
    /// What follows the table, by which the same column is known again.
    name: String,
}

#[derive(Debug)]
struct Entry {
    /// An index of the paths.
    path: usize,
    test: Test,
}

impl Condition {
    /// Opens the columns of a condition on the rows of `table`. The error names each wrong path and says what to write
    /// instead, one a line.
    pub fn open(&self, table: Table) -> Result<Opened, Error> {
        self.open_under("", table)
    }

    /// The same for a condition that stands under a key of the config, with which each line of the error begins:
    /// `rates[0].when.span.nam: ...`.
    pub fn open_under(&self, key: &str, table: Table) -> Result<Opened, Error> {
        let mut opened = Opened {
            table,
            paths: Vec::new(),
            any: Vec::new(),
            own_signals: false,
        };
        let mut mistakes = Vec::new();
        match &self.0 {
            Json::Object(entries) => opened.add(entries, key, &mut mistakes),
            Json::Array(maps) if !maps.is_empty() => {
                for (index, map) in maps.iter().enumerate() {
                    let key = format!("{key}[{index}]");
                    match map {
                        Json::Object(entries) => opened.add(entries, &key, &mut mistakes),
                        _ => mistakes.push(format!("{key}: is no map: write `PATH: VALUE`")),
                    }
                }
            }
            _ => mistakes.push(at(
                key,
                "is neither a map nor a list of maps: write `PATH: VALUE`",
            )),
        }
        if mistakes.is_empty() {
            Ok(opened)
        } else {
            Err(mistakes.join("\n").into())
        }
    }
}

/// What is wrong, behind the key where it is.
fn at(key: &str, what: &str) -> String {
    match key {
        "" => what.to_owned(),
        key => format!("{key}: {what}"),
    }
}

impl Opened {
    /// Adds a map of which all entries must hold, those of the upper tables first.
    fn add(&mut self, entries: &Map<String, Json>, key: &str, mistakes: &mut Vec<String>) {
        if entries.is_empty() {
            mistakes.push(at(key, "is empty: write `PATH: VALUE`, or leave it out"));
        }
        let dot = if key.is_empty() { "" } else { "." };
        let mut all = Vec::new();
        for (path, test) in entries {
            match self.entry(path, test) {
                Ok(entry) => all.push(entry),
                Err(error) => mistakes.push(error.context(format!("{key}{dot}{path}")).into()),
            }
        }
        all.sort_by_key(|entry| {
            self.paths
                .get(entry.path)
                .map(|path| place::depth(path.table))
        });
        self.any.push(all);
    }

    fn entry(&mut self, path: &str, test: &Json) -> Result<Entry, Error> {
        let place = Place::of(path);
        let known = place.and_then(|place| self.paths.iter().position(|path| path.is(&place)));
        let column = match known {
            Some(_) => None,
            None => Some(Column::open(path)?),
        };
        let place = place.ok_or_else(|| Error::new("no such path"))?;
        if !is_above(place.table, self.table) {
            return Err(format!(
                "is not of a {} nor of what it is in: name a path of a table above",
                self.table
            )
            .into());
        }
        let test = Test::new(test, place)?;
        let path = known.unwrap_or(self.paths.len());
        self.paths.extend(column.map(|column| Path {
            column,
            table: place.table,
            signal: place.signal,
            holds: place.holds(),
            name: place.column.to_owned(),
        }));
        Ok(Entry { path, test })
    }

    /// The same condition for what drops rows: a map that names a path of one signal alone, such as `log.body`, holds in
    /// batches of that signal alone, whatever it asks.
    #[must_use]
    pub fn of_own_signals(self) -> Self {
        Self {
            own_signals: true,
            ..self
        }
    }

    /// Whether it names a path that this signal alone has.
    pub fn names(&self, signal: Signal) -> bool {
        self.paths.iter().any(|path| path.signal == Some(signal))
    }

    /// The rows of the table on which it holds. Each column is read at most once, and none that cannot change the outcome.
    pub fn holds(&self, batch: &Batch) -> Mask {
        if batch.rows(self.table) == 0 {
            return Mask::default();
        }
        let readings: Vec<_> = self
            .paths
            .iter()
            .map(|path| Reading::new(batch, path))
            .collect();
        let mut any: Option<Mask> = None;
        let signal = batch.signal();
        for all in self.any.iter().filter(|all| self.is_about(all, signal)) {
            let found = self.all(all, batch, &readings);
            any = Some(match any {
                None => found,
                Some(before) => Mask::from_fn(found.len(), |row| found.get(row) || before.get(row)),
            });
        }
        any.unwrap_or_else(|| Mask::none(batch.rows(self.table)))
    }

    fn is_about(&self, all: &[Entry], signal: Signal) -> bool {
        let mut paths = all.iter().filter_map(|entry| self.paths.get(entry.path));
        !self.own_signals || paths.all(|path| path.signal.is_none_or(|own| own == signal))
    }

    /// The rows on which all of these hold, which come table by table from the top.
    fn all(&self, entries: &[Entry], batch: &Batch, readings: &[Reading<'_>]) -> Mask {
        let mut held: Option<(Table, Mask)> = None;
        for entry in entries {
            let Some(reading) = readings.get(entry.path) else {
                continue;
            };
            if reading.is_lacking() {
                // Absent in every row, even of a table that the signal does not have.
                if entry.test.holds(reading, 0) {
                    continue;
                }
                return Mask::none(batch.rows(self.table));
            }
            let before = held.map(|held| spread(held, reading.table(), batch));
            let rows = batch.rows(reading.table());
            let mask = Mask::from_fn(rows, |row| {
                before.as_ref().is_none_or(|before| before.get(row))
                    && entry.test.holds(reading, row)
            });
            if mask.count() == 0 {
                return Mask::none(batch.rows(self.table));
            }
            held = Some((reading.table(), mask));
        }
        match held {
            Some(held) => spread(held, self.table, batch),
            None => Mask::all(batch.rows(self.table)),
        }
    }
}

impl Path {
    fn is(&self, place: &Place<'_>) -> bool {
        (self.table, self.signal, self.name.as_str()) == (place.table, place.signal, place.column)
    }
}

/// A mask of a table's rows as one of the rows below them.
fn spread((above, mask): (Table, Mask), table: Table, batch: &Batch) -> Mask {
    if above == table {
        return mask;
    }
    if mask.count() == mask.len() {
        return Mask::all(batch.rows(table));
    }
    let parents = batch.parents(table, above);
    parents.into_iter().map(|row| mask.get(row)).collect()
}

#[cfg(test)]
mod tests;
