//! Reads of a column.

use opentelemetry_proto::tonic::common::v1::AnyValue;

use super::{Column, Misuse, Model, Type, column::What, named, tables, value};
use crate::{
    Value,
    contract::{PackedDoubles, PackedIntegers, PackedTexts},
};

impl Model {
    /// `values`
    pub fn values(&mut self, column: &Column) -> Result<Vec<Option<Value>>, Misuse> {
        let rows = self.tables[&column.table].len();
        Ok((0..rows).map(|row| self.read(column, row)).collect())
    }

    /// `get`
    pub fn get(&mut self, column: &Column, row: u32) -> Result<Option<Value>, Misuse> {
        let mut values = self.values(column)?;
        let row = row as usize;
        if row >= values.len() {
            return Err(Misuse::new(format!("row {row} of {} rows", values.len())));
        }
        Ok(values.swap_remove(row))
    }

    /// `texts`
    pub fn texts(&mut self, column: &Column) -> Result<Vec<Option<String>>, Misuse> {
        let text = |value| match value {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        };
        Ok(self.values(column)?.into_iter().map(text).collect())
    }

    /// `packed`
    pub fn packed(&mut self, column: &Column) -> Result<PackedTexts, Misuse> {
        Ok(pack(&self.texts(column)?))
    }

    /// `integers`
    pub fn integers(&mut self, column: &Column) -> Result<PackedIntegers, Misuse> {
        let integer = |value| match value {
            Some(Value::Integer(integer)) => Some(integer),
            _ => None,
        };
        let integers: Vec<_> = self.values(column)?.into_iter().map(integer).collect();
        let items = integers.iter().map(|integer| integer.unwrap_or_default());
        Ok(PackedIntegers {
            items: items.collect(),
            present: present(&integers),
        })
    }

    /// `doubles`
    pub fn doubles(&mut self, column: &Column) -> Result<PackedDoubles, Misuse> {
        let rows = self.tables[&column.table].len();
        let doubles: Vec<_> = (0..rows).map(|row| self.read_double(column, row)).collect();
        let items = doubles.iter().map(|double| double.unwrap_or_default());
        Ok(PackedDoubles {
            items: items.collect(),
            present: present(&doubles),
        })
    }

    /// `ids`
    pub fn ids(&mut self, column: &Column) -> Result<Vec<u8>, Misuse> {
        let Type::Id(width) = column.holds() else {
            return Err(Misuse::new("a column that holds no ids"));
        };
        let id = |value| match value {
            Some(Value::Bytes(id)) if id.len() == width => id,
            _ => vec![0; width],
        };
        Ok(self.values(column)?.into_iter().flat_map(id).collect())
    }

    /// `keys`, in the order in which they come first.
    pub fn keys(&mut self, table: &str) -> Result<Vec<String>, Misuse> {
        let table = named(table)?;
        let mut keys = Vec::new();
        for row in 0..self.tables[&table].len() {
            if self.is_dropped(table, row) {
                continue;
            }
            for attribute in self.row(table, row).attributes(false).into_iter().flatten() {
                if !keys.contains(&attribute.key) {
                    keys.push(attribute.key.clone());
                }
            }
        }
        Ok(keys)
    }

    /// Whether this signal has the column.
    pub(super) fn has(&self, column: &Column) -> bool {
        let signal = self.signal();
        column.signals.contains(&signal) && tables::depth(signal, column.table).is_some()
    }

    /// Whether a write to this row does something.
    pub(super) fn is_written(&self, column: &Column, row: usize) -> bool {
        self.has(column) && !self.is_dropped(column.table, row)
    }

    /// A dropped row reads as it was.
    pub(super) fn read(&mut self, column: &Column, row: usize) -> Option<Value> {
        if !self.has(column) {
            return None;
        }
        let row = self.row(column.table, row);
        match &column.what {
            What::Field(field) => row.slot(field.name, false)?.read(),
            What::Attribute(key) => {
                let mut attributes = row.attributes(false)?.iter();
                let attribute = attributes.find(|attribute| attribute.key == *key)?;
                Some(value::read(attribute.value.as_ref()))
            }
        }
    }

    fn read_double(&mut self, column: &Column, row: usize) -> Option<f64> {
        match &column.what {
            What::Field(field) if self.has(column) => self
                .row(column.table, row)
                .slot(field.name, false)?
                .read_double(),
            _ => match self.read(column, row) {
                Some(Value::Double(double)) => Some(double),
                _ => None,
            },
        }
    }

    /// The value of a column as OTLP has it; an attribute that lacks even an empty one has an empty one.
    pub(super) fn read_exact(&mut self, column: &Column, row: usize) -> Option<AnyValue> {
        let seen = self.read(column, row)?;
        let row = self.row(column.table, row);
        let any = match &column.what {
            What::Attribute(key) => {
                let mut attributes = row.attributes(false)?.iter();
                attributes
                    .find(|attribute| attribute.key == *key)?
                    .value
                    .clone()
            }
            What::Field(field) => match row.slot(field.name, false)? {
                super::slot::Slot::Any(any) => any.clone(),
                _ => value::write(&seen).ok(),
            },
        };
        Some(any.unwrap_or_default())
    }
}

/// A bit for each that is there.
fn present<T>(items: &[Option<T>]) -> Vec<u8> {
    let mut bits = vec![0; items.len().div_ceil(8)];
    for (index, item) in items.iter().enumerate() {
        bits[index / 8] |= u8::from(item.is_some()) << (index % 8);
    }
    bits
}

/// Texts in one piece.
pub(super) fn pack(texts: &[Option<String>]) -> PackedTexts {
    let mut packed = PackedTexts {
        present: present(texts),
        ..PackedTexts::default()
    };
    for text in texts {
        packed
            .data
            .extend_from_slice(text.as_deref().unwrap_or_default().as_bytes());
        packed.ends.push(crate::edit::number(packed.data.len()));
    }
    packed
}
