//! Reading columns.

use super::{
    super::{
        Column, PackedDoubles, PackedIntegers, PackedTexts, Value,
        any::AnyRef,
        budget::{Budget, Halt},
        cell::Cell,
        fields::Kind,
        index::Piece,
        live::BitList,
        schema::Table,
        texts::{end_of, settle},
    },
    Answer, Transaction, check_row, wrong_type,
};

impl Transaction {
    /// Reads a column as texts.
    pub fn texts(&mut self, column: &Column) -> Answer<Vec<Option<String>>> {
        if let Some(rows) = self.absent(column, size_of::<Option<String>>())? {
            return Ok(vec![None; rows]);
        }
        let mut texts = Vec::new();
        self.read(column, |cell, budget| {
            texts.push(match text_of(cell.as_ref())? {
                Some(text) => {
                    budget.charge(text.len())?;
                    Some(String::from_utf8_lossy(text).into_owned())
                }
                None => None,
            });
            Ok(())
        })?;
        Ok(texts)
    }

    /// Reads a column as texts in one piece.
    pub fn packed(&mut self, column: &Column) -> Answer<PackedTexts> {
        if let Some(rows) = self.absent(column, 5)? {
            return Ok(PackedTexts {
                data: Vec::new(),
                ends: vec![0; rows],
                present: vec![0; rows.div_ceil(8)],
            });
        }
        let rows = self.view(column.table)?.len() as usize;
        let (mut data, mut ends) = (Vec::new(), Vec::with_capacity(rows));
        let mut present = BitList::default();
        self.read(column, |cell, budget| {
            let text = text_of(cell.as_ref())?;
            if let Some(text) = text {
                budget.charge(text.len())?;
                data.extend_from_slice(text);
            }
            present.push(text.is_some());
            ends.push(end_of(&data)?);
            Ok(())
        })?;
        let mut texts = PackedTexts {
            data,
            ends,
            present: present.into_bytes(),
        };
        let mut budget = self.budget;
        settle(&mut texts, &mut budget).map_err(|halt| self.halt(halt))?;
        self.budget = budget;
        Ok(texts)
    }

    /// Reads a column as integers.
    pub fn integers(&mut self, column: &Column) -> Answer<PackedIntegers> {
        if let Some(rows) = self.absent(column, 9)? {
            return Ok(PackedIntegers {
                items: vec![0; rows],
                present: vec![0; rows.div_ceil(8)],
            });
        }
        let (mut items, mut present) = (Vec::new(), BitList::default());
        self.read(column, |cell, _| {
            let item = match cell.as_ref().map(Cell::opened).transpose()? {
                Some(Cell::Integer(integer)) => Some(integer),
                _ => None,
            };
            present.push(item.is_some());
            items.push(item.unwrap_or_default());
            Ok(())
        })?;
        let present = present.into_bytes();
        Ok(PackedIntegers { items, present })
    }

    /// Reads a column as doubles; of a data point's value the integers, too.
    pub fn doubles(&mut self, column: &Column) -> Answer<PackedDoubles> {
        let view = self.view(column.table)?;
        self.charge(view.len() as usize * 9)?;
        let is_of = column.is_of(self.signal());
        self.outline(column, view.len() as usize);
        let (mut items, mut present) = (Vec::new(), BitList::default());
        let sight = self.work.sight();
        self.each(&view, column.table, |row, piece| {
            let cell = if is_of {
                sight.point(column, row, piece)?
            } else {
                None
            };
            let item = match cell.as_ref().map(Cell::opened).transpose()? {
                Some(Cell::Double(double)) => Some(double),
                #[expect(clippy::cast_precision_loss, reason = "asked for as a double")]
                Some(Cell::Integer(integer)) if column.is_point_value() => Some(integer as f64),
                _ => None,
            };
            present.push(item.is_some());
            items.push(item.unwrap_or_default());
            Ok(())
        })?;
        let present = present.into_bytes();
        Ok(PackedDoubles { items, present })
    }

    /// Reads a column as values.
    pub fn values(&mut self, column: &Column) -> Answer<Vec<Option<Value>>> {
        if let Some(rows) = self.absent(column, size_of::<Option<Value>>())? {
            return Ok(vec![None; rows]);
        }
        let mut values = Vec::new();
        self.read(column, |cell, budget| {
            values.push(value_of(cell, budget)?);
            Ok(())
        })?;
        Ok(values)
    }

    /// Reads a column as ids, 16 or 8 bytes a row, zeros where absent or of a wrong length.
    pub fn ids(&mut self, column: &Column) -> Answer<Vec<u8>> {
        let Kind::Id(len) = column.kind() else {
            return Err(wrong_type(column, "holds no ids"));
        };
        let view = self.view(column.table)?;
        self.charge(view.len() as usize * len)?;
        let mut ids = Vec::with_capacity(view.len() as usize * len);
        if !column.is_of(self.signal()) {
            ids.resize(view.len() as usize * len, 0);
            return Ok(ids);
        }
        if !column.comes_first(self.work.wire.index.record_msg(0)) {
            self.outline(column, view.len() as usize);
        }
        let sight = self.work.sight();
        if sight.lacks_column(column) {
            ids.resize(view.len() as usize * len, 0);
            return Ok(ids);
        }
        self.each(&view, column.table, |row, piece| {
            let id = sight.id(column, row, piece)?;
            if id.len() == len {
                ids.extend_from_slice(id);
            } else {
                ids.resize(ids.len() + len, 0);
            }
            Ok(())
        })?;
        Ok(ids)
    }

    /// Reads one value.
    pub fn get(&mut self, column: &Column, row: u32) -> Answer<Option<Value>> {
        let view = self.view(column.table)?;
        check_row(&view, column.table, row)?;
        if !column.is_of(self.signal()) {
            return Ok(None);
        }
        let mut budget = self.budget;
        let value = self
            .piece(column.table, view.base(row))
            .and_then(|(row, piece)| {
                let cell = self.work.sight().cell(column, row, piece)?;
                value_of(cell, &mut budget)
            })
            .map_err(|halt| self.halt(halt))?;
        self.budget = budget;
        Ok(value)
    }

    /// Charges so many bytes a row for a column that is about to be read. The number of rows if none of them has it.
    fn absent(&mut self, column: &Column, cost: usize) -> Answer<Option<usize>> {
        let rows = self.view(column.table)?.len() as usize;
        self.charge(rows * cost)?;
        self.outline(column, rows);
        let absent = !column.is_of(self.signal()) || self.work.sight().lacks_column(column);
        Ok(absent.then_some(rows))
    }

    /// Calls `f` with every value of a column, which is charged for, and with a budget for the values.
    #[inline]
    fn read(
        &mut self,
        column: &Column,
        mut f: impl FnMut(Option<Cell<'_>>, &mut Budget) -> Result<(), Halt>,
    ) -> Answer<()> {
        let view = self.view(column.table)?;
        let mut budget = self.budget;
        let sight = self.work.sight();
        self.each(&view, column.table, |row, piece| {
            f(sight.cell(column, row, piece)?, &mut budget)
        })?;
        self.budget = budget;
        Ok(())
    }

    /// A row of the base with its bytes.
    fn piece(&self, table: Table, row: usize) -> Result<(usize, Piece), Halt> {
        let wire = &self.work.wire;
        wire.index
            .rows(table, &wire.base)
            .ok()
            .and_then(|level| level.pieces.get(row))
            .map(|piece| (row, *piece))
            .ok_or_else(|| Halt::misuse(format!("no row {row} in {}", table.name())))
    }
}

fn text_of<'c>(cell: Option<&'c Cell<'_>>) -> Result<Option<&'c [u8]>, Halt> {
    Ok(match cell {
        Some(Cell::Text(text)) => Some(text),
        Some(Cell::Any(body)) => match AnyRef::decode(body)? {
            AnyRef::Text(text) => Some(text),
            _ => None,
        },
        _ => None,
    })
}

fn value_of(cell: Option<Cell<'_>>, budget: &mut Budget) -> Result<Option<Value>, Halt> {
    let Some(cell) = cell else {
        return Ok(None);
    };
    budget.charge(match &cell {
        Cell::Json(text, _) => text.len(),
        other => other.size(),
    })?;
    let Some(value) = cell.into_value(budget.left)? else {
        return Err(budget.breached());
    };
    if let Value::Json(text) = &value {
        budget.charge(text.len())?;
    }
    Ok(Some(value))
}
