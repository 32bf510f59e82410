//! Adding attributes whose keys only the data knows.

use std::{collections::HashSet, sync::Arc};

use super::{
    super::{
        Column, PackedTexts, Value,
        any::{KeyValue, attribute_len, put_attribute},
        budget::{Budget, Halt},
        cell::Cell,
        edits::{Draft, EDIT_COST},
        rows::Standing,
        sight::{Node, ON, Sight},
        texts::{check_packed, packed_text},
    },
    Answer, Misuse, Transaction, check_row, named,
};

impl Transaction {
    /// Adds attribute `keys[i]` with `values[i]` to row `rows[i]` of a table, unless the row has one of that key. Rows
    /// ascend, and one may come several times.
    pub fn add_attributes(
        &mut self,
        table: &str,
        rows: &[u32],
        keys: &PackedTexts,
        values: &[Value],
    ) -> Answer<()> {
        check_packed(keys)?;
        let table = named(table)?;
        let view = self.view(table)?;
        if rows.len() != keys.ends.len() || rows.len() != values.len() {
            return Err(Misuse::new(format!(
                "{} rows, {} keys and {} values",
                rows.len(),
                keys.ends.len(),
                values.len()
            )));
        }
        if !rows.is_sorted() {
            return Err(Misuse::new(
                "add-attributes was given rows that do not ascend",
            ));
        }
        if let Some(row) = rows.last() {
            check_row(&view, table, *row)?;
        }
        let wire = Arc::clone(&self.work.wire);
        let level = wire.index.rows(table, &wire.base);
        let level = level.map_err(|fault| self.fault(fault))?;
        let mut standing = Standing::new(&self.work, table, level);
        let mut budget = self.budget;
        let mut adder = Adder {
            sight: self.work.sight(),
            draft: self.work.edits.draft(),
            column: Column::attribute(table, ""),
            present: HashSet::new(),
            body: Vec::new(),
        };
        let mut first = 0;
        let written = rows
            .chunk_by(|one, next| one == next)
            .try_for_each(|group| {
                let entries = first..first + group.len();
                first = entries.end;
                let row = group.first().map_or(0, |row| view.base(*row));
                let Some(piece) = level.pieces.get(row).filter(|_| standing.has(row)) else {
                    return Ok(());
                };
                let node = adder.sight.node(table, row, *piece, adder.column.part())?;
                let Some(node) = node else { return Ok(()) };
                let entries = entries.filter_map(|i| Some((packed_text(keys, i)?, values.get(i)?)));
                adder.add(&node, entries, &mut budget)
            });
        let draft = adder.draft;
        written.map_err(|halt| self.halt(halt))?;
        self.budget = budget;
        self.apply(draft)
    }
}

/// Adds attributes, row by row.
struct Adder<'a> {
    sight: Sight<'a>,
    draft: Draft,
    /// Any attribute's column: what values it takes and where it stands.
    column: Column,
    /// The keys that the row in hand has.
    present: HashSet<&'a [u8]>,
    body: Vec<u8>,
}

impl<'a> Adder<'a> {
    fn add<'e: 'a>(
        &mut self,
        node: &Node,
        entries: impl Iterator<Item = (&'e [u8], &'e Value)>,
        budget: &mut Budget,
    ) -> Result<(), Halt> {
        let Some(number) = node.msg.attributes() else {
            return Ok(());
        };
        let present = &mut self.present;
        present.clear();
        self.sight.slots(node, 1 << number, |slot| {
            if slot.field.number == number {
                present.insert(KeyValue::decode(slot.field.message(slot.bytes)?)?.key);
            }
            Ok::<_, Halt>(ON)
        })?;
        for (key, value) in entries {
            if !self.present.insert(key) {
                continue;
            }
            if let Value::Json(text) = value {
                budget.charge(text.len().saturating_mul(4))?;
            }
            let cell = Cell::of_value(value, &self.column)?;
            self.body.clear();
            cell.put_any(&mut self.body);
            let body = &self.body;
            budget.charge(attribute_len(number, key, body) + EDIT_COST)?;
            let text = self.draft.keep(|out| put_attribute(out, number, key, body));
            self.draft
                .add(node.tail, node.depth, text)
                .ok_or_else(|| Halt::misuse("more additions than a batch can take"))?;
        }
        Ok(())
    }
}
