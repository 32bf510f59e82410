//! Edits of a column.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

use super::{
    Column, Misuse, Model, Type, attributes_of, column::What, leaves::Step, tables, value,
};
use crate::{Value, contract::PackedTexts, mask::bit};

impl Model {
    /// `set_texts`
    pub fn set_texts(&mut self, column: &Column, texts: &[Option<String>]) -> Result<(), Misuse> {
        self.write_texts(column, None, texts)
    }

    /// `set_packed`
    pub fn set_packed(
        &mut self,
        column: &Column,
        rows: Option<&[u32]>,
        texts: &PackedTexts,
    ) -> Result<(), Misuse> {
        self.write_texts(column, rows, &unpack(texts)?)
    }

    fn write_texts(
        &mut self,
        column: &Column,
        rows: Option<&[u32]>,
        texts: &[Option<String>],
    ) -> Result<(), Misuse> {
        writable(column, &Value::Text(String::new()))?;
        for (row, text) in self
            .rows_written(column, rows, Some(texts.len()))?
            .into_iter()
            .zip(texts)
        {
            if let Some(text) = text {
                self.write(column, row, &Value::Text(text.clone()))?;
            }
        }
        Ok(())
    }

    /// `set_values`
    pub fn set_values(
        &mut self,
        column: &Column,
        rows: Option<&[u32]>,
        values: &[Value],
    ) -> Result<(), Misuse> {
        writable(column, &Value::Empty)?;
        let rows = self.rows_written(column, rows, Some(values.len()))?;
        for (row, value) in rows.into_iter().zip(values) {
            // What is not written is not looked at.
            if self.is_written(column, row) {
                writable(column, value)?;
                self.write(column, row, value)?;
            }
        }
        Ok(())
    }

    /// `set_ids`
    pub fn set_ids(
        &mut self,
        column: &Column,
        rows: Option<&[u32]>,
        ids: &[u8],
    ) -> Result<(), Misuse> {
        let Type::Id(width) = column.holds() else {
            return Err(Misuse::new("a column that holds no ids"));
        };
        if !ids.len().is_multiple_of(width) {
            return Err(Misuse::new(format!(
                "{} bytes of ids of {width}",
                ids.len()
            )));
        }
        let rows = self.rows_written(column, rows, Some(ids.len() / width))?;
        for (row, id) in rows.into_iter().zip(ids.chunks(width)) {
            let is_zero = id.iter().all(|byte| *byte == 0);
            let id = if is_zero {
                Value::Empty
            } else {
                Value::Bytes(id.to_vec())
            };
            self.write(column, row, &id)?;
        }
        Ok(())
    }

    /// `fill`
    pub fn fill(
        &mut self,
        column: &Column,
        rows: Option<&[u32]>,
        value: &Value,
    ) -> Result<(), Misuse> {
        writable(column, value)?;
        value::write(value)?;
        let mut rows = self.rows_written(column, rows, None)?.into_iter();
        rows.try_for_each(|row| self.write(column, row, value))
    }

    /// `unset`
    pub fn unset(&mut self, columns: &[&Column], rows: Option<&[u32]>) -> Result<(), Misuse> {
        for column in columns {
            writable(column, &Value::Empty)?;
            for row in self.rows_written(column, rows, None)? {
                self.clear(column, row);
            }
        }
        Ok(())
    }

    /// `copy`
    pub fn copy(
        &mut self,
        source: &Column,
        target: &Column,
        rows: Option<&[u32]>,
    ) -> Result<(), Misuse> {
        writable(target, &Value::Empty)?;
        let fields = [source.holds(), target.holds()];
        if !fields.contains(&Type::Any) && source.holds() != target.holds() {
            return Err(Misuse::new(
                "a field of another type than the other field's",
            ));
        }
        let rows = self.rows_written(target, rows, None)?;
        if !self.has(source) || !self.has(target) {
            return Ok(());
        }
        if source.table != target.table && !tables::is_above(source.table, target.table) {
            let (source, target) = (source.table, target.table);
            return Err(Misuse::new(format!("{source} is not above {target}")));
        }
        for row in rows {
            let from = if source.table == target.table {
                Some(row)
            } else {
                self.row_above(target.table, row, source.table)
            };
            let Some(from) = from else { continue };
            let Some(any) = self.read_exact(source, from) else {
                continue;
            };
            match (&target.what, target.holds()) {
                (What::Attribute(key), _) => self.write_attribute(target, row, key, any, true),
                (What::Field(_), Type::Any) => self.write_body(target, row, any, true),
                // What a field cannot hold stays out: a plugin cannot know every row's type beforehand.
                (What::Field(_), _) => {
                    let seen = value::read(Some(&any));
                    if fits(target.holds(), &seen) {
                        self.write(target, row, &seen).unwrap_or_default();
                    }
                }
            }
        }
        Ok(())
    }

    /// The rows that an edit writes; `entries` is how many values came with it.
    fn rows_written(
        &self,
        column: &Column,
        rows: Option<&[u32]>,
        entries: Option<usize>,
    ) -> Result<Vec<usize>, Misuse> {
        let all = self.tables[&column.table].len();
        let rows: Vec<_> = match rows {
            None => (0..all).collect(),
            Some(rows) => rows.iter().map(|row| *row as usize).collect(),
        };
        if !rows.is_sorted_by(|row, next| row < next) {
            return Err(Misuse::new("rows that do not ascend"));
        }
        if let Some(row) = rows.last().filter(|row| **row >= all) {
            return Err(Misuse::new(format!("row {row} of {all} rows")));
        }
        match entries {
            Some(entries) if entries != rows.len() => Err(Misuse::new(format!(
                "{entries} entries for {} rows",
                rows.len()
            ))),
            _ => Ok(rows),
        }
    }

    /// Writes a value, which the column can hold.
    fn write(&mut self, column: &Column, row: usize, new: &Value) -> Result<(), Misuse> {
        if !self.is_written(column, row) {
            return Ok(());
        }
        match &column.what {
            What::Attribute(key) => {
                self.write_attribute(column, row, key, value::write(new)?, false);
            }
            What::Field(field) if field.holds == Type::Any && *new != Value::Empty => {
                self.write_body(column, row, value::write(new)?, false);
            }
            What::Field(field) => {
                // What holds the field is not made for its default.
                let create = !is_default(new);
                let slot = self.row(column.table, row).slot(field.name, create);
                if let Some(slot) = slot
                    && slot.read().unwrap_or(Value::Empty) != *new
                {
                    slot.write(new)?;
                    self.leaves_changed(column.table, row, &[Step::Field(field.name)]);
                }
            }
        }
        Ok(())
    }

    /// The first of that key gets the value, where it stands; repetitions go; what was not there comes last. `exact` tells the
    /// host's own value from a guest's.
    pub(super) fn write_attribute(
        &mut self,
        column: &Column,
        row: usize,
        key: &str,
        new: AnyValue,
        exact: bool,
    ) {
        if !self.is_written(column, row) {
            return;
        }
        let list = attributes_of(column.table);
        let attributes = self
            .row(column.table, row)
            .attributes(true)
            .expect("it was to be made");
        let Some(first) = attributes.iter().position(|attribute| attribute.key == key) else {
            attributes.push(KeyValue {
                key: key.to_owned(),
                value: Some(new),
                ..KeyValue::default()
            });
            return;
        };
        let old = &mut attributes[first].value;
        if !is_same(old.as_ref(), &new, exact) {
            *old = Some(new);
            self.leaves_changed(column.table, row, &[Step::Field(list), Step::Item(first)]);
        }
        self.remove_attributes(column, row, key, first + 1);
    }

    /// Removes those of that key from this index on.
    fn remove_attributes(&mut self, column: &Column, row: usize, key: &str, from: usize) {
        let list = attributes_of(column.table);
        let count = self
            .row(column.table, row)
            .attributes(false)
            .map_or(0, |list| list.len());
        for index in (from..count).rev() {
            if let Some(attributes) = self.row(column.table, row).attributes(false)
                && attributes[index].key == key
            {
                attributes.remove(index);
                self.leaf_removed(column.table, row, &[Step::Field(list), Step::Item(index)]);
            }
        }
    }

    fn write_body(&mut self, column: &Column, row: usize, new: AnyValue, exact: bool) {
        if !self.is_written(column, row) {
            return;
        }
        if let What::Field(field) = &column.what
            && let Some(super::slot::Slot::Any(body)) =
                self.row(column.table, row).slot(field.name, false)
            && (body.is_none() || !is_same(body.as_ref(), &new, exact))
        {
            *body = Some(new);
            self.leaves_changed(column.table, row, &[Step::Field(field.name)]);
        }
    }

    /// Removes an attribute, clears a field.
    fn clear(&mut self, column: &Column, row: usize) {
        if !self.is_written(column, row) {
            return;
        }
        match &column.what {
            What::Attribute(key) => self.remove_attributes(column, row, key, 0),
            What::Field(field) => {
                if let Some(slot) = self.row(column.table, row).slot(field.name, false)
                    && slot.read().is_some()
                {
                    slot.clear();
                    self.leaves_changed(column.table, row, &[Step::Field(field.name)]);
                }
            }
        }
    }
}

/// Whether a guest may write this value to the column, whatever the row.
fn writable(column: &Column, value: &Value) -> Result<(), Misuse> {
    if column.read_only() {
        return Err(Misuse::new("a column that is read only"));
    }
    if !matches!(value, Value::Empty) && !fits(column.holds(), value) {
        return Err(Misuse::new("a value of another type than the field's"));
    }
    Ok(())
}

fn fits(holds: Type, value: &Value) -> bool {
    match (holds, value) {
        (Type::Id(width), Value::Bytes(id)) => id.len() == width || id.is_empty(),
        (Type::Any, _)
        | (_, Value::Empty)
        | (Type::Text, Value::Text(_))
        | (Type::Integer, Value::Integer(_))
        | (Type::Double, Value::Double(_))
        | (Type::Boolean, Value::Boolean(_)) => true,
        _ => false,
    }
}

/// Whether writing `new` over `old` is no edit. To a guest, that is so if it sees no difference: what JSON cannot say
/// stays.
fn is_same(old: Option<&AnyValue>, new: &AnyValue, exact: bool) -> bool {
    if exact {
        old.unwrap_or(&AnyValue::default()) == new
    } else {
        value::read(old) == value::read(Some(new))
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Empty => true,
        Value::Text(text) => text.is_empty(),
        Value::Integer(integer) => *integer == 0,
        _ => false,
    }
}

/// The texts of a packed list, if it is one.
pub(super) fn unpack(packed: &PackedTexts) -> Result<Vec<Option<String>>, Misuse> {
    let wrong = |what: &str| Misuse::new(format!("packed texts: {what}"));
    let PackedTexts {
        data,
        ends,
        present,
    } = packed;
    if present.len() != ends.len().div_ceil(8) {
        return Err(wrong("a wrong number of bits"));
    }
    if ends.last().map_or(0, |end| *end as usize) != data.len() {
        return Err(wrong("the last end is not the end"));
    }
    let mut start = 0;
    let mut texts = Vec::new();
    for (index, end) in ends.iter().enumerate() {
        let bytes = data
            .get(start..*end as usize)
            .ok_or_else(|| wrong("an end out of order"))?;
        let text = str::from_utf8(bytes).map_err(|_error| wrong("a text that is not UTF-8"))?;
        texts.push(bit(present, index).then(|| text.to_owned()));
        start = *end as usize;
    }
    Ok(texts)
}
