//! What a batch holds at a path, read when it is first asked for, in the way that is cheapest for what is asked.

use std::borrow::Cow;
use std::cell::OnceCell;

use otlet_plugin::{Batch, Doubles, Integers, Table, Texts, Value};

use crate::number::Number;
use crate::{Path, Type};

/// A column of the batch in hand. Its signal may lack it; then all is absent.
pub(crate) struct Reading<'a> {
    batch: &'a Batch,
    path: &'a Path,
    lacking: OnceCell<bool>,
    texts: OnceCell<Texts>,
    integers: OnceCell<Integers>,
    doubles: OnceCell<Doubles>,
    values: OnceCell<Vec<Option<Value>>>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(batch: &'a Batch, path: &'a Path) -> Self {
        Self {
            batch,
            path,
            lacking: OnceCell::new(),
            texts: OnceCell::new(),
            integers: OnceCell::new(),
            doubles: OnceCell::new(),
            values: OnceCell::new(),
        }
    }

    pub(crate) fn table(&self) -> Table {
        self.path.table
    }

    /// The row's text, if it has one; an id is its hex.
    pub(crate) fn text(&self, row: usize) -> Option<Cow<'_, str>> {
        match self.path.holds {
            _ if self.is_lacking() => None,
            Type::Any | Type::Text => self.texts().get(row).map(Cow::Borrowed),
            Type::Id => match self.value(row)? {
                Value::Bytes(id) => Some(Cow::Owned(hex(id))),
                _ => None,
            },
            _ => None,
        }
    }

    /// The row's number, if it has one, perhaps as a text.
    pub(crate) fn number(&self, row: usize) -> Option<Number> {
        match self.path.holds {
            _ if self.is_lacking() => None,
            Type::Integer => Some(Number::Whole(self.integers().get(row)?.into())),
            Type::Unsigned => Some(Number::Whole(
                self.integers().get(row)?.cast_unsigned().into(),
            )),
            Type::Double => self.doubles().get(row).map(Number::of_double),
            Type::Text => Number::of_text(self.texts().get(row)?),
            Type::Any => match self.value(row)? {
                Value::Integer(integer) => Some(Number::Whole((*integer).into())),
                Value::Double(double) => Some(Number::of_double(*double)),
                Value::Text(text) => Number::of_text(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the row has true or false, perhaps as a text.
    pub(crate) fn boolean(&self, row: usize) -> Option<bool> {
        if self.is_lacking() {
            return None;
        }
        match self.value(row)? {
            Value::Boolean(boolean) => Some(*boolean),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Whether the row has anything there.
    pub(crate) fn exists(&self, row: usize) -> bool {
        match self.path.holds {
            _ if self.is_lacking() => false,
            Type::Any => {
                let texts = self.texts.get();
                texts.is_some_and(|texts| texts.get_bytes(row).is_some())
                    || self.value(row).is_some()
            }
            Type::Text => self.texts().get_bytes(row).is_some(),
            Type::Integer | Type::Unsigned => self.integers().get(row).is_some(),
            Type::Double => self.doubles().get(row).is_some(),
            Type::Boolean | Type::Id | Type::List => self.value(row).is_some(),
        }
    }

    /// Whether the batch's signal does not have the column.
    pub(crate) fn is_lacking(&self) -> bool {
        *self.lacking.get_or_init(|| {
            let signal = self.path.signal;
            signal.is_some_and(|signal| signal != self.batch.signal())
        })
    }

    fn texts(&self) -> &Texts {
        self.texts
            .get_or_init(|| self.batch.texts(&self.path.column))
    }

    fn integers(&self) -> &Integers {
        self.integers
            .get_or_init(|| self.batch.integers(&self.path.column))
    }

    fn doubles(&self) -> &Doubles {
        self.doubles
            .get_or_init(|| self.batch.doubles(&self.path.column))
    }

    fn value(&self, row: usize) -> Option<&Value> {
        let values = self
            .values
            .get_or_init(|| self.batch.values(&self.path.column));
        values.get(row)?.as_ref()
    }
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let digits = [byte >> 4, byte & 15];
        text.extend(
            digits
                .iter()
                .filter_map(|digit| char::from_digit((*digit).into(), 16)),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_byte_is_two_digits() {
        assert_eq!(super::hex(&[0, 15, 16, 0xab, 255]), "000f10abff");
    }
}
