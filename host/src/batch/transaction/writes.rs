//! Writing columns.

use std::{borrow::Cow, sync::Arc};

use super::{
    super::{
        Column, Misuse, PackedTexts, Value,
        budget::{Budget, Halt},
        cell::{Cell, in_range},
        column::What,
        fields::{Encoding, Kind},
        index::Piece,
        json,
        rows::{Above, Standing, View},
        texts::{check_packed, packed_text},
        write::Pen,
    },
    Answer, Transaction, check_row, wrong_type,
};

impl Transaction {
    /// Writes texts to a column; absent ones leave their row.
    pub fn set_texts(&mut self, column: &Column, texts: &[Option<String>]) -> Answer<()> {
        check_writable(column, |kind| matches!(kind, Kind::Any | Kind::Text))?;
        self.write(column, None, texts.len(), |i| {
            let text = texts.get(i).and_then(Option::as_ref);
            Ok(text.map(|text| Cell::Text(text.as_bytes())))
        })
    }

    /// Writes texts in one piece to a column; absent ones leave their row.
    pub fn set_packed(
        &mut self,
        column: &Column,
        rows: Option<&[u32]>,
        texts: &PackedTexts,
    ) -> Answer<()> {
        check_writable(column, |kind| matches!(kind, Kind::Any | Kind::Text))?;
        check_packed(texts)?;
        self.write(column, rows, texts.ends.len(), |i| {
            Ok(packed_text(texts, i).map(Cell::Text))
        })
    }

    /// Writes values to a column.
    pub fn set_values(
        &mut self,
        column: &Column,
        rows: Option<&[u32]>,
        values: &[Value],
    ) -> Answer<()> {
        check_writable(column, |_| true)?;
        self.write(column, rows, values.len(), |i| {
            let value = values.get(i);
            value.map(|value| Cell::of_value(value, column)).transpose()
        })
    }

    /// Writes ids to a column; zeros clear the field.
    pub fn set_ids(&mut self, column: &Column, rows: Option<&[u32]>, ids: &[u8]) -> Answer<()> {
        check_writable(column, |kind| matches!(kind, Kind::Id(_)))?;
        let len = match column.kind() {
            Kind::Id(len) => len,
            _ => 1,
        };
        if !ids.len().is_multiple_of(len) {
            return Err(wrong_type(column, &format!("takes {len} bytes a row")));
        }
        self.write(column, rows, ids.len() / len, |i| {
            let id = ids.get(i * len..(i + 1) * len).unwrap_or_default();
            let is_clear = id.iter().all(|byte| *byte == 0);
            Ok(Some(if is_clear {
                Cell::Empty
            } else {
                Cell::Bytes(id)
            }))
        })
    }

    /// Writes the same value to every row.
    pub fn fill(&mut self, column: &Column, rows: Option<&[u32]>, value: &Value) -> Answer<()> {
        check_writable(column, |_| true)?;
        if let Value::Json(text) = value {
            self.charge(text.len().saturating_mul(4))?;
        }
        let cell = Cell::of_value(value, column)?;
        self.write_all(column, rows, None, |pen, row, _, budget| {
            pen.write(row, Some(&cell), true, budget)
        })
    }

    /// Removes attributes, clears fields.
    pub fn unset(&mut self, columns: &[&Column], rows: Option<&[u32]>) -> Answer<()> {
        for column in columns {
            check_writable(column, |_| true)?;
            self.write_all(column, rows, None, |pen, row, _, budget| {
                pen.write(row, None, false, budget)
            })?;
        }
        Ok(())
    }

    /// Writes the value of one column to another, exactly, in the same row or from the row above it.
    pub fn copy(&mut self, source: &Column, target: &Column, rows: Option<&[u32]>) -> Answer<()> {
        check_writable(target, |_| true)?;
        let (from, to) = (source.kind(), target.kind());
        if from != to && from != Kind::Any && to != Kind::Any {
            return Err(wrong_type(
                target,
                &format!("is of another type than {:?}", source.path()),
            ));
        }
        let signal = self.signal();
        if !source.is_of(signal) || !target.is_of(signal) {
            return self.write_all(target, rows, None, |_, _, _, _| Ok(()));
        }
        let work = self.work.clone();
        let wire = &work.wire;
        let above = Above::new(&wire.index, &wire.base, target.table, source.table);
        let Some(mut above) = above.map_err(|fault| self.fault(fault))? else {
            return Err(wrong_type(
                target,
                &format!("lies not below {:?}", source.path()),
            ));
        };
        let sight = work.sight();
        self.write_all(target, rows, None, |pen, row, _, budget| {
            let (from, piece) = if source.table == target.table {
                row
            } else {
                let row = above.row(row.0);
                let level = wire.index.level(source.table);
                match level.and_then(|level| level.pieces.get(row)) {
                    Some(piece) => (row, *piece),
                    None => return Ok(()),
                }
            };
            let Some(cell) = sight.cell(source, from, piece)? else {
                return Ok(());
            };
            match moved(&cell, target)? {
                Some(cell) => pen.write(row, Some(&cell), false, budget),
                None => Ok(()),
            }
        })
    }

    /// Writes the `i`th value to the `i`th row named.
    fn write<'v>(
        &mut self,
        column: &Column,
        rows: Option<&[u32]>,
        len: usize,
        value: impl Fn(usize) -> Answer<Option<Cell<'v>>>,
    ) -> Answer<()> {
        self.write_all(
            column,
            rows,
            Some(len),
            |pen, row, i, budget| match value(i)? {
                Some(cell) => {
                    if let Cell::Json(text, body) = &cell {
                        budget.charge(text.len() + body.len())?;
                    }
                    pen.write(row, Some(&cell), false, budget)
                }
                None => Ok(()),
            },
        )
    }

    /// Calls `f` with every row to write: those named, or all; `len` is the number of values that came for them.
    fn write_all(
        &mut self,
        column: &Column,
        rows: Option<&[u32]>,
        len: Option<usize>,
        mut f: impl FnMut(&mut Pen<'_>, (usize, Piece), usize, &mut Budget) -> Result<(), Halt>,
    ) -> Answer<()> {
        let view = self.view(column.table)?;
        check_rows(&view, column, rows, len)?;
        if !column.is_of(self.signal()) {
            return Ok(());
        }
        let wire = Arc::clone(&self.work.wire);
        let level = wire.index.rows(column.table, &wire.base);
        let level = level.map_err(|fault| self.fault(fault))?;
        let named = rows.map_or(view.len() as usize, <[u32]>::len);
        self.outline(column, named);
        let mut standing = Standing::new(&self.work, column.table, level);
        let mut budget = self.budget;
        let mut pen = Pen::new(self.work.sight(), self.work.edits.draft(), column);
        pen.reserve(named, &budget);
        let mut each = |i: usize, row: usize| match level.pieces.get(row) {
            Some(piece) if standing.has(row) => f(&mut pen, (row, *piece), i, &mut budget),
            _ => Ok(()),
        };
        let written = match rows {
            Some(rows) => rows
                .iter()
                .enumerate()
                .try_for_each(|(i, row)| each(i, view.base(*row))),
            None => view
                .iter()
                .enumerate()
                .try_for_each(|(i, row)| each(i, row)),
        };
        let draft = pen.draft;
        written.map_err(|halt| self.halt(halt))?;
        self.budget = budget;
        self.apply(draft)
    }
}

fn check_writable(column: &Column, takes: impl Fn(Kind) -> bool) -> Answer<()> {
    if let What::Field(field) = &column.what
        && !field.writable
    {
        return Err(wrong_type(column, "is read only"));
    }
    if takes(column.kind()) {
        Ok(())
    } else {
        Err(wrong_type(column, "is of another type"))
    }
}

fn check_rows(
    view: &View,
    column: &Column,
    rows: Option<&[u32]>,
    len: Option<usize>,
) -> Answer<()> {
    let named = rows.map_or(view.len() as usize, <[u32]>::len);
    if let Some(len) = len.filter(|len| *len != named) {
        return Err(Misuse::new(format!(
            "{len} values for {named} rows of column {:?}",
            column.path()
        )));
    }
    let rows = rows.unwrap_or_default();
    if rows.windows(2).any(|pair| matches!(pair, [a, b] if a >= b)) {
        return Err(wrong_type(column, "was given rows that do not ascend"));
    }
    rows.last()
        .map_or(Ok(()), |row| check_row(view, column.table, *row))
}

/// A value on its way to another column; none if that cannot take it.
fn moved<'c>(cell: &'c Cell<'c>, target: &Column) -> Result<Option<Cell<'c>>, Halt> {
    let What::Field(field) = &target.what else {
        return Ok(Some(match cell {
            Cell::Json(text, _) => Cell::Json(Cow::Borrowed(text), json_body(text)?),
            other => other.clone(),
        }));
    };
    if field.kind == Kind::Any {
        return Ok(Some(cell.clone()));
    }
    let cell = cell.opened()?;
    let encoding = field.at.first().map_or(Encoding::Any, |at| at.encoding);
    let fits = cell.fits(field.kind)
        && match cell {
            Cell::Integer(integer) => in_range(integer, encoding),
            _ => true,
        };
    Ok(fits.then_some(cell))
}

fn json_body(text: &str) -> Result<Vec<u8>, Halt> {
    json::parse(text).map_err(|error| Halt::misuse(format!("a list that is no JSON: {error}")))
}
