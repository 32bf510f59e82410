//! A batch in the hands of one plugin: the contract's `interface batch`, checked at the fence.
//!
//! Whatever a guest sends is looked at here before it is believed: tables, row numbers, lengths, UTF-8. Work is done on a
//! copy of the batch that shares its bytes; `commit` returns that, `rollback` the batch as it was.

mod adds;
mod reads;
mod writes;

use std::{cell::OnceCell, collections::HashSet, fmt, sync::Arc};

use bytes::Bytes;

use super::{
    Batch, Column, Leaves, PackedTexts, Signal,
    any::KeyValue,
    budget::{Budget, Cause, Halt},
    edits::Draft,
    gather::all_leaves,
    index::{Fault, Piece},
    leaves::Kinds,
    replace::Scan,
    rows::{Above, Standing, View, retain},
    schema::Table,
    sight::ON,
    texts::check_packed,
    too_many,
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
    malformed: OnceCell<String>,
    /// The fields that were edited.
    edits: u64,
    growth: Growth,
}

/// How large the batch may become.
#[derive(Clone, Copy, Debug)]
struct Growth {
    most: usize,
    /// How many times what it was; for the message.
    factor: usize,
}

/// What a batch may grow by however small it is.
const ALWAYS: usize = 1 << 20;

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
            malformed: OnceCell::new(),
            edits: 0,
            growth: Growth {
                most: usize::MAX,
                factor: usize::MAX,
            },
        }
    }

    /// Has edits stop once they make the batch more than so many times as large, and 1 MiB.
    #[must_use]
    pub fn growing(mut self, factor: usize) -> Self {
        let most = self.before.most_bytes().saturating_mul(factor);
        self.growth = Growth {
            most: most.saturating_add(ALWAYS),
            factor,
        };
        self
    }

    /// Ends it, keeping the edits.
    pub fn commit(self) -> Batch {
        self.work
    }

    /// Ends it, dropping the edits.
    pub fn rollback(self) -> Batch {
        self.before
    }

    /// What is wrong with the batch's own bytes, if a read came upon it: no plugin is to blame. It names the place and no
    /// value.
    pub fn malformed(&self) -> Option<&str> {
        self.malformed.get().map(String::as_str)
    }

    /// The fields replaced, added and removed so far. What `replace_with_otlp` changes is not among them.
    pub fn edits(&self) -> u64 {
        self.edits
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
        let level = sight.index.level_of(table, sight.base);
        let level = level.map_err(|halt| self.halt(halt))?;
        let mut standing = Standing::new(&self.work, table, level);
        self.each(&view, table, |row, piece| {
            let node = sight.node(table, row, piece, attributes.part())?;
            let Some(node) = node.filter(|_| standing.has(row)) else {
                return Ok(());
            };
            let mut at = 0;
            let mask = node.msg.attributes().map_or(0, |number| 1 << number);
            sight.slots(&node, mask, |slot| {
                if Some(slot.field.number) != node.msg.attributes() {
                    return Ok::<_, Halt>(ON);
                }
                let key = KeyValue::decode(slot.field.message(slot.bytes)?)?.key;
                if before.get(at) != Some(&key) {
                    if seen.insert(key) {
                        budget.charge(key.len() + size_of::<String>())?;
                        keys.push(String::from_utf8_lossy(key).into_owned());
                    }
                    before.truncate(at);
                    before.push(key);
                }
                at += 1;
                Ok(ON)
            })
        })?;
        self.budget = budget;
        Ok(keys)
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

    /// Drops these rows, which ascend, as `retain` does.
    pub fn drop_rows(&mut self, table: &str, rows: &[u32]) -> Answer<()> {
        let of = named(table)?;
        let view = self.view(of)?;
        if rows.windows(2).any(|pair| matches!(pair, [a, b] if a >= b)) {
            return Err(Misuse::new("drop-rows was given rows that do not ascend"));
        }
        rows.last()
            .map_or(Ok(()), |row| check_row(&view, of, *row))?;
        let mut mask = vec![0xff; (view.len() as usize).div_ceil(8)];
        for row in rows {
            if let Some(byte) = mask.get_mut(*row as usize / 8) {
                *byte &= !(1 << (row % 8));
            }
        }
        retain(&mut self.work, &view, of, &mask).map_err(|fault| self.fault(fault))
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
        self.apply(draft)
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
        self.check_growth(request.len())?;
        if self.work.is_unedited() && self.work.message == request {
            return Ok(Ok(()));
        }
        match Batch::new(self.signal(), request) {
            Ok(batch) => {
                self.work = Batch {
                    is_replaced: true,
                    sender: self.work.sender,
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

    /// Outlines the records if a column is one for which that pays, and so many of its rows are looked at.
    fn outline(&self, column: &Column, rows: usize) {
        let wire = &self.work.wire;
        if column.is_outlined() && rows >= wire.index.records.pieces.len() / 2 {
            wire.index.outlined(&wire.base);
        }
    }

    fn charge(&mut self, bytes: usize) -> Answer<()> {
        let charged = self.budget.charge(bytes);
        charged.map_err(|halt| self.halt(halt))
    }

    #[cold]
    fn halt(&self, halt: Halt) -> Misuse {
        match halt.cause() {
            Cause::Misuse(misuse) => misuse,
            Cause::Malformed(malformed) => self.fault(Fault::Malformed(malformed)),
        }
    }

    #[cold]
    fn fault(&self, fault: Fault) -> Misuse {
        let signal = self.signal();
        Misuse(match fault {
            Fault::Malformed(malformed) => {
                let fault = malformed.describe(&self.work.wire.base);
                let text = format!("malformed {}: {fault}", signal.name());
                if self.work.is_replaced {
                    // A plugin's own doing, for which no sender is to blame.
                    return Misuse(text);
                }
                self.malformed.get_or_init(|| text).clone()
            }
            Fault::TooMany(table) => too_many(signal, table),
            Fault::Pieces => String::from("a message in several pieces"),
        })
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

    fn apply(&mut self, draft: Draft) -> Answer<()> {
        if draft.is_empty() {
            return Ok(());
        }
        self.edits += draft.len() as u64;
        Arc::make_mut(&mut self.work.edits).put(draft);
        self.check_growth(self.work.most_bytes())
    }

    /// One value on many rows is charged once, so it is what leaves that has to be bounded.
    fn check_growth(&self, bytes: usize) -> Answer<()> {
        let Growth { most, factor } = self.growth;
        if bytes > most {
            return Err(Misuse::new(format!(
                "the batch would become {bytes} bytes, more than {factor} times what it was and {ALWAYS}"
            )));
        }
        Ok(())
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
