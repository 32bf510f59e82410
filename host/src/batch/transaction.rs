//! A batch in the hands of one plugin: what the contract's `interface batch` does.

use std::fmt;

use bytes::Bytes;

use super::{Batch, Column, Leaves, PackedDoubles, PackedIntegers, PackedTexts, Signal, Value};

/// What a guest did wrong, or a budget that it breached. The host turns it into a trap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misuse(String);

impl Misuse {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}

/// A batch while one plugin works on it. Edits count once it is committed.
#[derive(Debug)]
pub struct Transaction {
    batch: Batch,
}

impl Transaction {
    pub(super) fn new(batch: Batch, _budget: usize) -> Self {
        Self { batch }
    }

    /// Ends it, keeping the edits.
    pub fn commit(self) -> Batch {
        self.batch
    }

    /// Ends it, dropping the edits.
    pub fn rollback(self) -> Batch {
        self.batch
    }

    /// The batch's signal.
    pub fn signal(&self) -> Signal {
        self.batch.signal()
    }

    /// The number of rows of a table.
    pub fn rows(&mut self, table: &str) -> Result<u32, Misuse> {
        let _ = (table,);
        Err(Misuse::new("not yet"))
    }

    /// For each row of `table`, its row in `above`.
    pub fn parents(&mut self, table: &str, above: &str) -> Result<Vec<u32>, Misuse> {
        let _ = (table, above);
        Err(Misuse::new("not yet"))
    }

    /// Every distinct attribute key of a table.
    pub fn keys(&mut self, table: &str) -> Result<Vec<String>, Misuse> {
        let _ = (table,);
        Err(Misuse::new("not yet"))
    }

    /// Reads a column as texts.
    pub fn texts(&mut self, c: &Column) -> Result<Vec<Option<String>>, Misuse> {
        let _ = (c,);
        Err(Misuse::new("not yet"))
    }

    /// Reads a column as texts in one piece.
    pub fn packed(&mut self, c: &Column) -> Result<PackedTexts, Misuse> {
        let _ = (c,);
        Err(Misuse::new("not yet"))
    }

    /// Reads a column as integers.
    pub fn integers(&mut self, c: &Column) -> Result<PackedIntegers, Misuse> {
        let _ = (c,);
        Err(Misuse::new("not yet"))
    }

    /// Reads a column as doubles.
    pub fn doubles(&mut self, c: &Column) -> Result<PackedDoubles, Misuse> {
        let _ = (c,);
        Err(Misuse::new("not yet"))
    }

    /// Reads a column as values.
    pub fn values(&mut self, c: &Column) -> Result<Vec<Option<Value>>, Misuse> {
        let _ = (c,);
        Err(Misuse::new("not yet"))
    }

    /// Reads a column as ids, 16 or 8 bytes a row.
    pub fn ids(&mut self, c: &Column) -> Result<Vec<u8>, Misuse> {
        let _ = (c,);
        Err(Misuse::new("not yet"))
    }

    /// Reads one value.
    pub fn get(&mut self, c: &Column, row: u32) -> Result<Option<Value>, Misuse> {
        let _ = (c, row);
        Err(Misuse::new("not yet"))
    }

    /// Writes texts to a column.
    pub fn set_texts(&mut self, c: &Column, texts: &[Option<String>]) -> Result<(), Misuse> {
        let _ = (c, texts);
        Err(Misuse::new("not yet"))
    }

    /// Writes texts in one piece to a column.
    pub fn set_packed(
        &mut self,
        c: &Column,
        rows: Option<&[u32]>,
        texts: &PackedTexts,
    ) -> Result<(), Misuse> {
        let _ = (c, rows, texts);
        Err(Misuse::new("not yet"))
    }

    /// Writes values to a column.
    pub fn set_values(
        &mut self,
        c: &Column,
        rows: Option<&[u32]>,
        values: &[Value],
    ) -> Result<(), Misuse> {
        let _ = (c, rows, values);
        Err(Misuse::new("not yet"))
    }

    /// Writes ids to a column.
    pub fn set_ids(&mut self, c: &Column, rows: Option<&[u32]>, ids: &[u8]) -> Result<(), Misuse> {
        let _ = (c, rows, ids);
        Err(Misuse::new("not yet"))
    }

    /// Writes the same value to every row.
    pub fn fill(&mut self, c: &Column, rows: Option<&[u32]>, value: &Value) -> Result<(), Misuse> {
        let _ = (c, rows, value);
        Err(Misuse::new("not yet"))
    }

    /// Removes attributes, clears fields.
    pub fn unset(&mut self, columns: &[&Column], rows: Option<&[u32]>) -> Result<(), Misuse> {
        let _ = (columns, rows);
        Err(Misuse::new("not yet"))
    }

    /// Writes the value of one column to another, exactly.
    pub fn copy(
        &mut self,
        source: &Column,
        target: &Column,
        rows: Option<&[u32]>,
    ) -> Result<(), Misuse> {
        let _ = (source, target, rows);
        Err(Misuse::new("not yet"))
    }

    /// Keeps the rows whose bit is set.
    pub fn retain(&mut self, table: &str, mask: &[u8]) -> Result<(), Misuse> {
        let _ = (table, mask);
        Err(Misuse::new("not yet"))
    }

    /// Every leaf of these tables and kinds.
    pub fn all_leaves(&mut self, tables: &[String], kinds: &[String]) -> Result<Leaves, Misuse> {
        let _ = (tables, kinds);
        Err(Misuse::new("not yet"))
    }

    /// Replaces leaves of the latest `all_leaves`.
    pub fn replace_leaves(&mut self, leaves: &[u32], texts: &PackedTexts) -> Result<(), Misuse> {
        let _ = (leaves, texts);
        Err(Misuse::new("not yet"))
    }

    /// The batch as an OTLP request.
    pub fn to_otlp(&mut self) -> Result<Bytes, Misuse> {
        Err(Misuse::new("not yet"))
    }

    /// Replaces the batch; the inner error is for the guest.
    pub fn replace_with_otlp(&mut self, request: Bytes) -> Result<Result<(), String>, Misuse> {
        let _ = (request,);
        Err(Misuse::new("not yet"))
    }
}
