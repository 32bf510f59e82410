//! `Key`: an attribute or field, of a record or of what it is in, whose value decides something.

use std::collections::BTreeMap;

use otlet_conditions::Place;
use otlet_plugin::{Batch, Column, Error, Signal, Table, Value};

/// A column with texts or integers, or of any type.
#[derive(Debug)]
pub(crate) struct Key {
    column: Column,
    table: Table,
    /// Whether booleans and doubles are looked at, too.
    of_any_type: bool,
}

impl Key {
    /// Opens the column. The error says what to write instead.
    pub(crate) fn open(path: &str) -> Result<Self, Error> {
        let column = Column::open(path)?;
        let place = Place::of(path).filter(|place| {
            let of_a_record = [Table::Resource, Table::Scope, Table::Record].contains(&place.table);
            of_a_record && place.signal != Some(Signal::Metrics)
        });
        let place = place.ok_or_else(|| {
            format!(
                "`{path}` is not of a span or log record nor of what it is in: write such as \
                resource.attributes[\"service.name\"]"
            )
        })?;
        Ok(Self {
            column,
            table: place.table,
            of_any_type: false,
        })
    }

    /// The same, with booleans and doubles if these values can be equal to one.
    pub(crate) fn with_types_of(self, values: &ByValue) -> Self {
        Self {
            of_any_type: !values.doubles.is_empty() || values.booleans != [None; 2],
            ..self
        }
    }

    /// What `of` makes of the value of each record. One above the records is looked at once for all of them.
    pub(crate) fn by_record<T: Copy>(
        &self,
        batch: &Batch,
        of: impl Fn(Option<KeyValue<'_>>) -> T,
    ) -> Vec<T> {
        let texts = batch.texts(&self.column);
        let rows = 0..texts.len();
        let integers = if rows.clone().all(|row| texts.get_bytes(row).is_some()) {
            None
        } else {
            Some(batch.integers(&self.column))
        };
        let others = match integers {
            Some(_) if self.of_any_type => batch.values(&self.column),
            _ => Vec::new(),
        };
        let made = rows.map(|row| {
            let text = texts.get_bytes(row).map(KeyValue::Text);
            let integer = || Some(KeyValue::Integer(integers.as_ref()?.get(row)?));
            let other = || match others.get(row)?.as_ref()? {
                Value::Boolean(boolean) => Some(KeyValue::Boolean(*boolean)),
                Value::Double(double) => Some(KeyValue::Double(*double)),
                _ => None,
            };
            of(text.or_else(integer).or_else(other))
        });
        let made: Vec<_> = made.collect();
        if self.table == Table::Record {
            return made;
        }
        let above = batch.parents(Table::Record, self.table);
        above
            .into_iter()
            .filter_map(|row| made.get(row).copied())
            .collect()
    }
}

/// What stands there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum KeyValue<'a> {
    /// A text, in UTF-8.
    Text(&'a [u8]),
    Integer(i64),
    Boolean(bool),
    Double(f64),
}

/// Something for each of some values, which the config writes as texts.
#[derive(Debug, Default)]
pub(crate) struct ByValue {
    texts: BTreeMap<Vec<u8>, usize>,
    integers: BTreeMap<i64, usize>,
    /// By their bits.
    doubles: BTreeMap<u64, usize>,
    /// False and true.
    booleans: [Option<usize>; 2],
}

impl ByValue {
    /// Adds a value. One that reads as a number is that integer or double, too, and `true` and `false` are booleans.
    pub(crate) fn add(&mut self, value: &str, at: usize) {
        self.texts.insert(value.as_bytes().to_vec(), at);
        let integer = value.parse::<i64>().ok();
        if let Some(integer) = integer.filter(|integer| integer.to_string() == value) {
            self.integers.insert(integer, at);
        }
        if let Some(double) = value
            .parse::<f64>()
            .ok()
            .filter(|double| double.is_finite())
        {
            self.doubles.entry(bits(double)).or_insert(at);
        }
        let [no, yes] = &mut self.booleans;
        match value {
            "false" => *no = Some(at),
            "true" => *yes = Some(at),
            _ => {}
        }
    }

    pub(crate) fn get(&self, value: KeyValue<'_>) -> Option<usize> {
        let found = match value {
            KeyValue::Text(text) => self.texts.get(text),
            KeyValue::Integer(integer) => self.integers.get(&integer),
            KeyValue::Double(double) => self.doubles.get(&bits(double)),
            KeyValue::Boolean(boolean) => {
                let [no, yes] = self.booleans;
                return if boolean { yes } else { no };
            }
        };
        found.copied()
    }
}

/// The bits of a number, of which -0 is 0.
fn bits(double: f64) -> u64 {
    (double + 0.0).to_bits()
}
