//! The contract on decoded OTLP messages, in the slowest and most obvious way: what a host must do, function by function of
//! `wit/plugin.wit`.
//!
//! Nothing is taken out of the request before [`Model::commit`], so that rows keep their numbers.

mod add;
mod column;
mod fields;
mod leaves;
mod read;
mod row;
mod slot;
mod tables;
mod value;
mod write;

use std::fmt;

pub use column::{Column, attributes_of};
pub use fields::{FIELDS, Field, Type};

use self::{leaves::Leaf, row::Row, tables::Tables};
use super::Request;
use crate::{Signal, Table, mask::bit};

/// What a guest did wrong. A host would trap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misuse(String);

impl Misuse {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}

/// A batch in the hands of one plugin.
#[derive(Clone, Debug)]
pub struct Model {
    request: Request,
    tables: Tables,
    /// Those of the latest `all_leaves`; None where one has gone or was edited since.
    leaves: Vec<Option<Leaf>>,
}

impl Model {
    /// Takes a request in hand.
    pub fn new(mut request: Request) -> Self {
        let tables = tables::find(&mut request);
        Self {
            request,
            tables,
            leaves: Vec::new(),
        }
    }

    /// The request with the edits made.
    pub fn commit(mut self) -> Request {
        for table in Table::ALL.iter().rev() {
            for entry in self.tables[table]
                .iter()
                .rev()
                .filter(|entry| entry.dropped)
            {
                tables::remove(&mut self.request, *table, &entry.address);
            }
        }
        self.request
    }

    /// `signal`
    pub fn signal(&self) -> Signal {
        self.request.signal()
    }

    /// `rows`
    pub fn rows(&self, table: &str) -> Result<u32, Misuse> {
        Ok(crate::edit::number(self.tables[&named(table)?].len()))
    }

    /// `parents`
    pub fn parents(&self, table: &str, above: &str) -> Result<Vec<u32>, Misuse> {
        let (table, above) = (named(table)?, named(above)?);
        if !tables::is_above(above, table) {
            return Err(Misuse::new(format!("{above} is not above {table}")));
        }
        let rows = self.tables[&table].iter().enumerate();
        rows.map(|(row, _)| {
            let above = self.row_above(table, row, above);
            above
                .map(crate::edit::number)
                .ok_or_else(|| Misuse::new("the signal lacks that table"))
        })
        .collect()
    }

    /// `retain`
    pub fn retain(&mut self, table: &str, mask: &[u8]) -> Result<(), Misuse> {
        let table = named(table)?;
        let rows = self.tables[&table].len();
        if mask.len() != rows.div_ceil(8) {
            return Err(Misuse::new(format!(
                "a mask of {} bytes for {rows} rows",
                mask.len()
            )));
        }
        for row in (0..rows).filter(|row| !bit(mask, *row)) {
            self.drop_row(table, row);
        }
        Ok(())
    }

    /// `drop-rows`
    pub fn drop_rows(&mut self, table: &str, rows: &[u32]) -> Result<(), Misuse> {
        let table = named(table)?;
        let all = self.tables[&table].len();
        if !rows.is_sorted_by(|row, next| row < next) {
            return Err(Misuse::new("rows that do not ascend"));
        }
        if let Some(row) = rows.last().filter(|row| **row as usize >= all) {
            return Err(Misuse::new(format!("row {row} of {all} rows")));
        }
        for row in rows {
            self.drop_row(table, *row as usize);
        }
        Ok(())
    }

    /// `to_otlp`
    pub fn to_otlp(&self) -> Vec<u8> {
        self.clone().commit().to_protobuf()
    }

    /// `replace_with_otlp`
    pub fn replace_with_otlp(&mut self, request: &[u8]) -> Result<(), String> {
        *self = Self::new(Request::from_protobuf(self.signal(), request)?);
        Ok(())
    }

    fn row(&mut self, table: Table, row: usize) -> Row<'_> {
        tables::row(&mut self.request, table, &self.tables[&table][row].address)
    }

    fn is_dropped(&self, table: Table, row: usize) -> bool {
        self.tables[&table][row].dropped
    }

    /// The row of `above` that this row is in.
    fn row_above(&self, table: Table, row: usize, above: Table) -> Option<usize> {
        let depth = tables::depth(self.signal(), above)?;
        let address = &self.tables[&table][row].address;
        self.tables[&above]
            .iter()
            .position(|entry| entry.address == address[..depth])
    }

    /// Drops a row with all that is in it, and what held it, if that is left with nothing.
    fn drop_row(&mut self, table: Table, row: usize) {
        let address = self.tables[&table][row].address.clone();
        if std::mem::replace(&mut self.row_entry(table, row).dropped, true) {
            return;
        }
        let below = Table::ALL
            .iter()
            .filter(|below| tables::is_above(table, **below));
        for below in below {
            for entry in self.tables.entry(*below).or_default() {
                entry.dropped |= entry.address.starts_with(&address);
            }
        }
        if let Some(above) = tables::parent(self.signal(), table)
            && above != Table::Record
            && let Some(row_above) = self.row_above(table, row, above)
        {
            let inside = |row: &usize| self.row_above(table, *row, above) == Some(row_above);
            let mut siblings = (0..self.tables[&table].len()).filter(inside);
            if siblings.all(|row| self.is_dropped(table, row)) {
                self.drop_row(above, row_above);
            }
        }
    }

    fn row_entry(&mut self, table: Table, row: usize) -> &mut tables::Entry {
        &mut self.tables.get_mut(&table).expect("every table is there")[row]
    }
}

/// The table with this name.
fn named(table: &str) -> Result<Table, Misuse> {
    Table::from_name(table).ok_or_else(|| Misuse::new(format!("no such table: {table}")))
}
