//! What stands at a path, as texts: numbers and booleans in decimal, ids and bytes in hexadecimal, lists and maps as JSON.

use otlet_conditions::{Type, hex};
use otlet_plugin::{Batch, Texts, Value};

use crate::path::Source;

/// A column as texts.
#[derive(Debug, Default)]
pub(crate) struct Words {
    texts: Texts,
    /// What is no text, if anything is.
    others: Vec<Option<String>>,
}

impl Words {
    /// Reads a column. One that the batch's signal does not have is absent.
    pub(crate) fn read(batch: &Batch, source: &Source) -> Self {
        let column = &source.column;
        if source.is_lacking(batch) {
            return Self::default();
        }
        let others = match source.holds {
            Type::Text => Vec::new(),
            Type::Integer => {
                let integers = batch.integers(column);
                integers
                    .iter()
                    .map(|integer| Some(integer?.to_string()))
                    .collect()
            }
            Type::Unsigned => {
                let integers = batch.integers(column);
                integers
                    .iter()
                    .map(|integer| Some(integer?.cast_unsigned().to_string()))
                    .collect()
            }
            Type::Double => {
                let doubles = batch.doubles(column);
                doubles
                    .iter()
                    .map(|double| Some(double?.to_string()))
                    .collect()
            }
            Type::Boolean | Type::Id | Type::List => batch
                .values(column)
                .iter()
                .map(|value| word(value.as_ref()?))
                .collect(),
            Type::Any => return Self::any(batch, source),
        };
        let texts = match source.holds {
            Type::Text => batch.texts(column),
            _ => Texts::default(),
        };
        Self { texts, others }
    }

    /// Reads of a column what is a text: in one piece, and nothing else.
    pub(crate) fn texts(batch: &Batch, source: &Source) -> Self {
        match source.holds {
            Type::Any if !source.is_lacking(batch) => Self {
                texts: batch.texts(&source.column),
                others: Vec::new(),
            },
            _ => Self::read(batch, source),
        }
    }

    /// Most attributes are texts in every row, which are cheapest in one piece.
    fn any(batch: &Batch, source: &Source) -> Self {
        let texts = batch.texts(&source.column);
        if (0..texts.len()).all(|row| texts.get_bytes(row).is_some()) {
            return Self {
                texts,
                others: Vec::new(),
            };
        }
        let values = batch.values(&source.column);
        let others = values.iter().map(|value| match value {
            None | Some(Value::Text(_)) => None,
            Some(value) => word(value),
        });
        Self {
            texts,
            others: others.collect(),
        }
    }

    /// The text of a row.
    pub(crate) fn get(&self, row: usize) -> Option<&str> {
        self.texts
            .get(row)
            .or_else(|| self.others.get(row)?.as_deref())
    }
}

/// A value as a text; an empty one is none.
pub(crate) fn word(value: &Value) -> Option<String> {
    Some(match value {
        Value::Empty => return None,
        Value::Text(text) | Value::Json(text) => text.clone(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Integer(integer) => integer.to_string(),
        Value::Double(double) => double.to_string(),
        Value::Bytes(bytes) => hex(bytes),
    })
}
