//! `Batch`: the telemetry of one request, in the hands of a plugin.

use crate::{
    AttributeEdits, Column, Doubles, Error, Ids, Integers, Kind, LeafEdits, Leaves, Mask, Rows,
    Signal, SpanIds, Table, TextEdits, Texts, TraceIds, Value, edit::number, fence::batch,
};

/// The telemetry of one request, of one signal. It stays in the host: a plugin reads the columns that it asks for and
/// sends edits back.
///
/// OTLP is a tree and each of its levels is a [`Table`]. Row numbers follow the order on the wire and hold for the whole of
/// one [`process`](crate::Plugin::process): dropping rows renumbers nothing before it returns. Reads see the edits made so
/// far. A column that the batch's signal does not have reads as absent, and writing it does nothing. What is wrong in
/// itself (rows that are not ascending, a mask of the wrong length, a text for an integer field) ends the call.
#[derive(Debug)]
pub struct Batch(());

impl Batch {
    /// The batch in hand. There is one in [`process`](crate::Plugin::process), and only there.
    pub(crate) fn in_hand() -> Self {
        Self(())
    }

    /// The signal of all its records.
    pub fn signal(&self) -> Signal {
        Signal::from_name(&batch::signal()).expect("the host gives the signals of the manifest")
    }

    /// The number of rows of a table.
    pub fn rows(&self, table: Table) -> usize {
        batch::rows(table.name()) as usize
    }

    /// For each row of `table` its row in `above`, at any distance: record to resource, event to span.
    pub fn parents(&self, table: Table, above: Table) -> Vec<usize> {
        batch::parents(table.name(), above.name())
            .into_iter()
            .map(|row| row as usize)
            .collect()
    }

    /// Every distinct attribute key of a table.
    pub fn keys(&self, table: Table) -> Vec<String> {
        batch::keys(table.name())
    }

    /// Reads a column as texts. A value of another type is absent, as is a field that is empty.
    pub fn texts(&self, column: &Column) -> Texts {
        Texts::new(batch::packed(column.number()))
    }

    /// Reads a column as integers. A value of another type is absent, as is a field that is 0.
    pub fn integers(&self, column: &Column) -> Integers {
        Integers::new(batch::integers(column.number()))
    }

    /// Reads a column as doubles; integer points, too. A value of another type is absent, as is a field that is 0.
    pub fn doubles(&self, column: &Column) -> Doubles {
        Doubles::new(batch::doubles(column.number()))
    }

    /// Reads a column as values of any type: dearer than the typed ways.
    pub fn values(&self, column: &Column) -> Vec<Option<Value>> {
        batch::values(column.number())
    }

    /// Reads one value: for few rows.
    pub fn get(&self, column: &Column, row: usize) -> Option<Value> {
        batch::get(column.number(), number(row))
    }

    /// Reads a column of trace ids.
    pub fn trace_ids(&self, column: &Column) -> TraceIds {
        ids(column)
    }

    /// Reads a column of span ids.
    pub fn span_ids(&self, column: &Column) -> SpanIds {
        ids(column)
    }

    /// Writes texts to some rows of a column.
    pub fn set_texts(&mut self, column: &Column, edits: &TextEdits) {
        if !edits.is_empty() {
            let edits = edits.edits();
            batch::set_packed(column.number(), Some(&edits.indexes), &edits.texts);
        }
    }

    /// Writes a value to each of these rows.
    pub fn set_values<'a>(&mut self, column: &Column, rows: impl Into<Rows<'a>>, values: &[Value]) {
        batch::set_values(column.number(), rows.into().numbers().as_deref(), values);
    }

    /// Writes an id of 16 or 8 bytes to each of these rows. An id of zeros clears it.
    pub fn set_ids<'a, const N: usize>(
        &mut self,
        column: &Column,
        rows: impl Into<Rows<'a>>,
        ids: &[[u8; N]],
    ) {
        batch::set_ids(
            column.number(),
            rows.into().numbers().as_deref(),
            ids.as_flattened(),
        );
    }

    /// Writes the same value to all these rows: the cheapest edit.
    pub fn fill<'a>(
        &mut self,
        column: &Column,
        rows: impl Into<Rows<'a>>,
        value: impl Into<Value>,
    ) {
        batch::fill(
            column.number(),
            rows.into().numbers().as_deref(),
            &value.into(),
        );
    }

    /// Removes these attributes from these rows; clears these fields.
    pub fn unset<'a>(&mut self, columns: &[&Column], rows: impl Into<Rows<'a>>) {
        let columns: Vec<_> = columns.iter().map(|column| column.number()).collect();
        batch::unset(&columns, rows.into().numbers().as_deref());
    }

    /// Adds attributes of any keys: each to its row, unless that has one of its key.
    pub fn add_attributes(&mut self, table: Table, added: &AttributeEdits) {
        if !added.is_empty() {
            let (keys, values) = added.parts();
            batch::add_attributes(table.name(), &keys.indexes, &keys.texts, values);
        }
    }

    /// Writes the value of `source` to `target`, exactly, in the same row or from the row above it (a resource's attribute to
    /// its records). A rename is a copy and an unset.
    pub fn copy<'a>(&mut self, source: &Column, target: &Column, rows: impl Into<Rows<'a>>) {
        batch::copy(
            source.number(),
            target.number(),
            rows.into().numbers().as_deref(),
        );
    }

    /// Keeps the rows that are set in the mask, which has a bit for each row of the table, and drops the others. A resource,
    /// scope or metric that is left without rows goes, too.
    pub fn retain(&mut self, table: Table, keep: &Mask) {
        batch::retain(table.name(), keep.bits());
    }

    /// Drops these rows, which ascend, and what [`retain`](Self::retain) would: simpler where they are few.
    pub fn drop_rows(&mut self, table: Table, rows: &[usize]) {
        if !rows.is_empty() {
            let rows: Vec<_> = rows.iter().map(|row| number(*row)).collect();
            batch::drop_rows(table.name(), &rows);
        }
    }

    /// Every leaf of these tables and kinds, at any depth, in one walk.
    pub fn leaves(&self, tables: &[Table], kinds: &[Kind]) -> Leaves {
        let tables: Vec<_> = tables.iter().map(|table| table.name().to_owned()).collect();
        let kinds: Vec<_> = kinds.iter().map(|kind| kind.name().to_owned()).collect();
        Leaves::new(batch::all_leaves(&tables, &kinds))
    }

    /// Replaces leaves that the latest [`leaves`](Self::leaves) of this call gave. A leaf that has gone or was edited since is
    /// left alone.
    pub fn replace_leaves(&mut self, edits: &LeafEdits) {
        if !edits.is_empty() {
            let edits = edits.edits();
            batch::replace_leaves(&edits.indexes, &edits.texts);
        }
    }

    /// The whole batch as an OTLP export request, for code that brings its own OTLP library.
    pub fn to_otlp(&self) -> Vec<u8> {
        batch::to_otlp()
    }

    /// Replaces the whole batch. Row numbers and leaves from before mean nothing afterwards.
    pub fn replace_with_otlp(&mut self, request: &[u8]) -> Result<(), Error> {
        batch::replace_with_otlp(request).map_err(Error::new)
    }
}

fn ids<const N: usize>(column: &Column) -> Ids<N> {
    assert_eq!(column.width(), N, "bytes of the ids in this column");
    Ids::new(batch::ids(column.number()))
}
