//! A batch in the hands of one plugin: the contract's `interface batch`, checked at the fence.
//!
//! Whatever a guest sends is looked at here before it is believed: tables, row numbers, lengths, UTF-8. Work is done on a
//! copy of the batch that shares its bytes; `commit` returns that, `rollback` the batch as it was.

use std::{borrow::Cow, collections::HashSet, fmt, sync::Arc};

use bytes::Bytes;

use super::{
    Batch, Column, Leaves, PackedDoubles, PackedIntegers, PackedTexts, Signal, Value,
    any::{AnyRef, KeyValue},
    budget::{Budget, Halt},
    cell::{Cell, in_range},
    column::What,
    edits::Draft,
    fields::{Encoding, Kind},
    index::{Fault, Piece},
    json,
    leaves::{Kinds, all_leaves},
    live::{BitList, bit},
    replace::Scan,
    rows::{Above, View, retain},
    schema::Table,
    sight::ON,
    too_many,
    write::Pen,
};

/// What a guest did wrong, or a budget that it breached, or bytes that are no OTLP where it read. The host turns it into a
/// trap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misuse(String);

impl Misuse {
    pub(super) fn new(text: impl Into<String>) -> Self {
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
    before: Batch,
    work: Batch,
    /// The batch whose live rows are what row numbers count: as it was before, or what it was replaced with.
    numbered: Batch,
    views: [Option<View>; 7],
    budget: Budget,
    scan: Option<Scan>,
}

type Answer<T> = Result<T, Misuse>;

impl Transaction {
    pub(super) fn new(batch: Batch, budget: usize) -> Self {
        Self {
            work: batch.clone(),
            numbered: batch.clone(),
            before: batch,
            views: Default::default(),
            budget: Budget::new(budget),
            scan: None,
        }
    }

    /// Ends it, keeping the edits.
    pub fn commit(self) -> Batch {
        self.work
    }

    /// Ends it, dropping the edits.
    pub fn rollback(self) -> Batch {
        self.before
    }

    /// The batch's signal.
    pub fn signal(&self) -> Signal {
        self.work.signal()
    }

    /// The number of rows of a table.
    pub fn rows(&mut self, table: &str) -> Answer<u32> {
        Ok(self.view(named(table)?)?.len())
    }

    /// For each row of `table`, its row in `above`, at any distance.
    pub fn parents(&mut self, table: &str, above: &str) -> Answer<Vec<u32>> {
        let (table, above) = (named(table)?, named(above)?);
        let (view, target) = (self.view(table)?, self.view(above)?);
        self.charge(view.len() as usize * 4)?;
        let wire = &self.numbered.wire;
        let up = Above::new(&wire.index, &wire.base, table, above);
        let up = up.map_err(|fault| self.fault(fault))?;
        let Some(mut up) = up.filter(|_| table != above) else {
            return match view.len() {
                0 => Ok(Vec::new()),
                _ => Err(Misuse::new(format!(
                    "{} does not lie in {}",
                    table.name(),
                    above.name()
                ))),
            };
        };
        let mut number = 0;
        Ok(view
            .iter()
            .map(|row| {
                number = target.number(up.row(row), number);
                number
            })
            .collect())
    }

    /// Every distinct attribute key of a table.
    pub fn keys(&mut self, table: &str) -> Answer<Vec<String>> {
        let table = named(table)?;
        let view = self.view(table)?;
        let attributes = Column::attribute(table, "");
        let mut budget = self.budget;
        let mut seen: HashSet<&[u8]> = HashSet::new();
        let mut keys = Vec::new();
        let sight = self.work.sight();
        // Rows have the same keys in the same order more often than not, which spares most of the hashing.
        let mut before: Vec<&[u8]> = Vec::new();
        self.each(&view, table, |row, piece| {
            let Some(node) = sight.node(table, row, piece, attributes.part())? else {
                return Ok(());
            };
            let mut at = 0;
            let mut new = Ok(());
            let mask = node.msg.attributes().map_or(0, |number| 1 << number);
            sight.slots(&node, mask, |slot| {
                if Some(slot.field.number) != node.msg.attributes() {
                    return ON;
                }
                let key = KeyValue::decode(slot.field.message(slot.bytes)?)?.key;
                if before.get(at) != Some(&key) {
                    if seen.insert(key) {
                        new = budget.charge(key.len() + size_of::<String>());
                        keys.push(String::from_utf8_lossy(key).into_owned());
                    }
                    before.truncate(at);
                    before.push(key);
                }
                at += 1;
                Ok(new.is_ok())
            })?;
            new
        })?;
        self.budget = budget;
        Ok(keys)
    }

    /// Reads a column as texts.
    pub fn texts(&mut self, column: &Column) -> Answer<Vec<Option<String>>> {
        let mut texts = Vec::new();
        self.read(column, size_of::<Option<String>>(), |cell, budget| {
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
        let rows = self.view(column.table)?.len() as usize;
        let (mut data, mut ends) = (Vec::new(), Vec::new());
        let mut present = BitList::default();
        self.read(column, 5, |cell, budget| {
            if ends.is_empty() {
                ends.reserve_exact(rows);
            }
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
        let (mut items, mut present) = (Vec::new(), BitList::default());
        self.read(column, 9, |cell, _| {
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
        let (mut items, mut present) = (Vec::new(), BitList::default());
        let sight = self.work.sight();
        self.each(&view, column.table, |row, piece| {
            let cell = match is_of {
                true => sight.point(column, row, piece)?,
                false => None,
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
        let mut values = Vec::new();
        self.read(column, size_of::<Option<Value>>(), |cell, budget| {
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
        let sight = self.work.sight();
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

    /// Writes texts to a column; absent ones leave their row.
    pub fn set_texts(&mut self, column: &Column, texts: &[Option<String>]) -> Answer<()> {
        self.check_writable(column, |kind| matches!(kind, Kind::Any | Kind::Text))?;
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
        self.check_writable(column, |kind| matches!(kind, Kind::Any | Kind::Text))?;
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
        self.check_writable(column, |_| true)?;
        self.write(column, rows, values.len(), |i| {
            let value = values.get(i);
            value.map(|value| Cell::of_value(value, column)).transpose()
        })
    }

    /// Writes ids to a column; zeros clear the field.
    pub fn set_ids(&mut self, column: &Column, rows: Option<&[u32]>, ids: &[u8]) -> Answer<()> {
        self.check_writable(column, |kind| matches!(kind, Kind::Id(_)))?;
        let len = match column.kind() {
            Kind::Id(len) => len,
            _ => 1,
        };
        if !ids.len().is_multiple_of(len) {
            return Err(wrong_type(column, &format!("takes {len} bytes a row")));
        }
        self.write(column, rows, ids.len() / len, |i| {
            let id = ids.get(i * len..(i + 1) * len).unwrap_or_default();
            Ok(Some(match id.iter().all(|byte| *byte == 0) {
                true => Cell::Empty,
                false => Cell::Bytes(id),
            }))
        })
    }

    /// Writes the same value to every row.
    pub fn fill(&mut self, column: &Column, rows: Option<&[u32]>, value: &Value) -> Answer<()> {
        self.check_writable(column, |_| true)?;
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
            self.check_writable(column, |_| true)?;
            self.write_all(column, rows, None, |pen, row, _, budget| {
                pen.write(row, None, false, budget)
            })?;
        }
        Ok(())
    }

    /// Writes the value of one column to another, exactly, in the same row or from the row above it.
    pub fn copy(&mut self, source: &Column, target: &Column, rows: Option<&[u32]>) -> Answer<()> {
        self.check_writable(target, |_| true)?;
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
            let (from, piece) = match source.table == target.table {
                true => row,
                false => {
                    let row = above.row(row.0);
                    let level = wire.index.level(source.table);
                    match level.and_then(|level| level.pieces.get(row)) {
                        Some(piece) => (row, *piece),
                        None => return Ok(()),
                    }
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

    /// Keeps the rows whose bit is set, and that no earlier call dropped.
    pub fn retain(&mut self, table: &str, mask: &[u8]) -> Answer<()> {
        let table = named(table)?;
        let view = self.view(table)?;
        if mask.len() != (view.len() as usize).div_ceil(8) {
            return Err(Misuse::new(format!(
                "a mask of {} bytes for the {} rows of {}",
                mask.len(),
                view.len(),
                table.name()
            )));
        }
        retain(&mut self.work, &view, table, mask).map_err(|fault| self.fault(fault))
    }

    /// Every leaf of these tables and kinds.
    pub fn all_leaves(&mut self, tables: &[String], kinds: &[String]) -> Answer<Leaves> {
        let mut views = Vec::new();
        for name in tables {
            let table = named(name)?;
            if views.iter().any(|(before, _)| *before == table) {
                return Err(Misuse::new(format!("table {name:?} asked for twice")));
            }
            views.push((table, self.view(table)?));
        }
        let mut budget = self.budget;
        let (scan, leaves) = Kinds::named(kinds)
            .and_then(|kinds| all_leaves(&self.work, views, kinds, &mut budget))
            .map_err(|halt| self.halt(halt))?;
        self.budget = budget;
        self.scan = Some(scan);
        Ok(leaves)
    }

    /// Replaces leaves of the latest `all_leaves`; an absent text removes what the leaf stands in.
    pub fn replace_leaves(&mut self, leaves: &[u32], texts: &PackedTexts) -> Answer<()> {
        check_packed(texts)?;
        let Some(mut scan) = self.scan.take() else {
            return Err(Misuse::new("replace-leaves before all-leaves"));
        };
        let mut budget = self.budget;
        let draft = scan
            .replace(&self.work, leaves, texts, &mut budget)
            .map_err(|halt| self.halt(halt))?;
        self.budget = budget;
        self.scan = Some(scan);
        self.apply(draft);
        Ok(())
    }

    /// The batch as an OTLP request.
    pub fn to_otlp(&mut self) -> Answer<Bytes> {
        if self.work.is_unedited() {
            self.charge(self.work.message.len())?;
            return Ok(self.work.message.clone());
        }
        // What a splice takes is bounded by the base and the edits, which were charged.
        self.charge(self.work.message.len())?;
        Ok(self.work.splice(0).freeze())
    }

    /// Replaces the batch; the inner error is for the guest.
    pub fn replace_with_otlp(&mut self, request: Bytes) -> Answer<Result<(), String>> {
        self.charge(request.len())?;
        if self.work.is_unedited() && self.work.message == request {
            return Ok(Ok(()));
        }
        match Batch::new(self.signal(), request) {
            Ok(batch) => {
                self.work = Batch {
                    is_replaced: true,
                    ..batch
                };
                self.numbered = self.work.clone();
                self.views = Default::default();
                self.scan = None;
                Ok(Ok(()))
            }
            Err(error) => Ok(Err(error.to_string())),
        }
    }
}

impl Transaction {
    fn view(&mut self, table: Table) -> Answer<View> {
        if let Some(Some(view)) = self.views.get(table as usize) {
            return Ok(view.clone());
        }
        let view = View::of(&self.numbered, table).map_err(|fault| self.fault(fault))?;
        if let Some(slot) = self.views.get_mut(table as usize) {
            *slot = Some(view.clone());
        }
        Ok(view)
    }

    fn charge(&mut self, bytes: usize) -> Answer<()> {
        let charged = self.budget.charge(bytes);
        charged.map_err(|halt| self.halt(halt))
    }

    #[cold]
    fn halt(&self, halt: Halt) -> Misuse {
        match halt {
            Halt::Misuse(misuse) => misuse,
            Halt::Malformed(malformed) => self.fault(Fault::Malformed(malformed)),
        }
    }

    #[cold]
    fn fault(&self, fault: Fault) -> Misuse {
        let signal = self.signal();
        Misuse(match fault {
            Fault::Malformed(malformed) => {
                let fault = malformed.describe(&self.work.wire.base);
                format!("malformed {}: {fault}", signal.name())
            }
            Fault::TooMany(table) => too_many(signal, table),
            Fault::Pieces => String::from("a message in several pieces"),
        })
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

    /// Calls `f` with every row of a view, in order.
    #[inline]
    fn each(
        &self,
        view: &View,
        table: Table,
        mut f: impl FnMut(usize, Piece) -> Result<(), Halt>,
    ) -> Answer<()> {
        let wire = &self.work.wire;
        let level = wire.index.rows(table, &wire.base);
        let level = level.map_err(|fault| self.fault(fault))?;
        for row in view.iter() {
            if let Some(piece) = level.pieces.get(row) {
                f(row, *piece).map_err(|halt| self.halt(halt))?;
            }
        }
        Ok(())
    }

    /// Calls `f` with every value of a column, which costs `cost` bytes a row and what `f` charges.
    #[inline]
    fn read(
        &mut self,
        column: &Column,
        cost: usize,
        mut f: impl FnMut(Option<Cell<'_>>, &mut Budget) -> Result<(), Halt>,
    ) -> Answer<()> {
        let view = self.view(column.table)?;
        self.charge(view.len() as usize * cost)?;
        let mut budget = self.budget;
        let sight = self.work.sight();
        if !column.is_of(self.signal()) || sight.lacks_column(column) {
            for _ in 0..view.len() {
                f(None, &mut budget).map_err(|halt| self.halt(halt))?;
            }
            return Ok(());
        }
        self.each(&view, column.table, |row, piece| {
            f(sight.cell(column, row, piece)?, &mut budget)
        })?;
        self.budget = budget;
        Ok(())
    }

    fn check_writable(&self, column: &Column, takes: impl Fn(Kind) -> bool) -> Answer<()> {
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
        let records = wire
            .index
            .rows(column.table, &wire.base)
            .map(|level| &level.first);
        let below = match column.table {
            Table::Event | Table::Link | Table::Exemplar => self.work.live(Table::Record),
            _ => None,
        };
        let own = self.work.live(column.table);
        let mut record = 0;
        let mut is_live = |row: usize| {
            let in_live_record = below.is_none_or(|bits| {
                let bounds = records.as_ref().map_or(&[][..], |bounds| bounds);
                while bounds
                    .get(record + 1)
                    .is_some_and(|end| *end as usize <= row)
                {
                    record += 1;
                }
                bits.get(record)
            });
            in_live_record && own.is_none_or(|bits| bits.get(row))
        };
        let mut budget = self.budget;
        let mut pen = Pen::new(self.work.sight(), self.work.edits.draft(), column);
        let mut each = |i: usize, row: usize| match level.pieces.get(row) {
            Some(piece) if is_live(row) => f(&mut pen, (row, *piece), i, &mut budget),
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
        self.apply(draft);
        Ok(())
    }

    fn apply(&mut self, draft: Draft) {
        if !draft.is_empty() {
            self.work.edits = Arc::new(self.work.edits.with(draft));
        }
    }
}

fn named(table: &str) -> Answer<Table> {
    Table::named(table).ok_or_else(|| {
        let known = Table::ALL.map(Table::name).join(", ");
        let shown: String = table.chars().take(100).collect();
        Misuse::new(format!("no table {shown:?}, write one of {known}"))
    })
}

#[cold]
fn wrong_type(column: &Column, what: &str) -> Misuse {
    Misuse::new(format!("column {:?} {what}", column.path()))
}

fn check_row(view: &View, table: Table, row: u32) -> Answer<()> {
    if row < view.len() {
        return Ok(());
    }
    let (table, len) = (table.name(), view.len());
    Err(Misuse::new(format!(
        "row {row} of {table}, which has {len}"
    )))
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

fn check_packed(texts: &PackedTexts) -> Answer<()> {
    let fault = |what: &str| Err(Misuse::new(format!("packed texts {what}")));
    if texts.present.len() != texts.ends.len().div_ceil(8) {
        return fault("with the wrong number of presence bytes");
    }
    if texts.ends.last().map_or(0, |end| *end as usize) != texts.data.len() {
        return fault("whose last end is not the end of their data");
    }
    let Ok(data) = std::str::from_utf8(&texts.data) else {
        return fault("that are not UTF-8");
    };
    let mut start = 0;
    for &end in &texts.ends {
        if end < start || !data.is_char_boundary(end as usize) {
            return fault("with ends that do not ascend or that cut a character");
        }
        start = end;
    }
    Ok(())
}

/// Text `i` of checked packed texts.
pub(super) fn packed_text(texts: &PackedTexts, i: usize) -> Option<&[u8]> {
    let start = i
        .checked_sub(1)
        .and_then(|i| texts.ends.get(i))
        .map_or(0, |end| *end as usize);
    let end = *texts.ends.get(i)? as usize;
    bit(&texts.present, i).then(|| texts.data.get(start..end).unwrap_or_default())
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

/// Puts U+FFFD where texts are not UTF-8. One look at all of them at once is far cheaper than one at each: where the whole
/// is UTF-8 and no end cuts a character, every text is.
pub(super) fn settle(texts: &mut PackedTexts, budget: &mut Budget) -> Result<(), Halt> {
    let whole = std::str::from_utf8(&texts.data);
    if whole.is_ok_and(|all| {
        texts
            .ends
            .iter()
            .all(|end| all.is_char_boundary(*end as usize))
    }) {
        return Ok(());
    }
    budget.charge(texts.data.len().saturating_mul(2))?;
    let old = std::mem::take(&mut texts.data);
    let mut start = 0;
    for end in &mut texts.ends {
        let text = old.get(start..*end as usize).unwrap_or_default();
        start = *end as usize;
        texts
            .data
            .extend_from_slice(String::from_utf8_lossy(text).as_bytes());
        *end = end_of(&texts.data)?;
    }
    Ok(())
}

#[inline]
pub(super) fn end_of(data: &[u8]) -> Result<u32, Halt> {
    u32::try_from(data.len()).map_err(|_over| Halt::misuse("texts of more than 4 GiB"))
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
