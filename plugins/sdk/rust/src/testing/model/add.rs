//! Attributes added by keys that are in the data.

use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::{Column, Misuse, Model, column::What, named, value, write::unpack};
use crate::{Signal, Value, contract::PackedTexts};

impl Model {
    /// `add_attributes`
    pub fn add_attributes(
        &mut self,
        table: &str,
        rows: &[u32],
        keys: &PackedTexts,
        values: &[Value],
    ) -> Result<(), Misuse> {
        let keys = unpack(keys)?;
        let table = named(table)?;
        if rows.len() != keys.len() || rows.len() != values.len() || !rows.is_sorted() {
            return Err(Misuse::new("rows, keys and values that do not fit"));
        }
        let all = self.tables[&table].len();
        if rows.last().is_some_and(|row| *row as usize >= all) {
            return Err(Misuse::new(format!("a row beyond {all}")));
        }
        for ((row, key), value) in rows.iter().zip(keys).zip(values) {
            let Some(key) = key else { continue };
            let row = *row as usize;
            let column = Column {
                table,
                signals: Signal::ALL,
                what: What::Attribute(key.clone()),
            };
            let has = |attributes: &mut Vec<KeyValue>| attributes.iter().any(|old| old.key == key);
            let is_there = self.row(table, row).attributes(false).is_some_and(has);
            if self.is_written(&column, row) && !is_there {
                self.write_attribute(&column, row, &key, value::write(value)?, false);
            }
        }
        Ok(())
    }
}
