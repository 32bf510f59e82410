//! Row numbers: what a plugin counts, and the rows of the base behind it.
//!
//! A view leaves out what was dropped before the transaction began, and holds for the whole of it. Dropping clears bits of
//! the work in hand, with the rows below, and with the rows above that are left empty by it.

use std::{ops::Range, sync::Arc};

use super::{
    Batch,
    index::{Fault, Index, Level, offset},
    live::{Bits, bit},
    schema::Table,
};

/// The rows of a table as one plugin counts them.
#[derive(Clone, Debug)]
pub(super) enum View {
    /// Every row of the base, of which there are so many.
    All(u32),
    /// These rows of the base, ascending.
    Some(Arc<[u32]>),
}

impl View {
    pub(super) fn of(batch: &Batch, table: Table) -> Result<Self, Fault> {
        let index = &batch.wire.index;
        let rows = index.rows(table, &batch.wire.base)?.pieces.len();
        let own = batch.live(table);
        if index.level(table).is_some() {
            return Ok(match own {
                None => Self::All(offset(rows)),
                Some(bits) => Self::Some(bits.rows().collect()),
            });
        }
        let records = batch.live(Table::Record);
        if own.is_none() && records.is_none() {
            return Ok(Self::All(offset(rows)));
        }
        let level = index.rows(table, &batch.wire.base)?;
        let live = |bits: Option<&Arc<Bits>>, row: usize| bits.is_none_or(|bits| bits.get(row));
        Ok(Self::Some(
            (0..index.records.pieces.len())
                .filter(|record| live(records, *record))
                .flat_map(|record| level.inside(record))
                .filter(|row| live(own, *row))
                .map(offset)
                .collect(),
        ))
    }

    pub(super) fn len(&self) -> u32 {
        match self {
            Self::All(len) => *len,
            Self::Some(rows) => offset(rows.len()),
        }
    }

    /// The base's row behind a row that was checked against `len`.
    #[inline]
    pub(super) fn base(&self, row: u32) -> usize {
        match self {
            Self::All(_) => row as usize,
            Self::Some(rows) => rows
                .get(row as usize)
                .map_or(usize::MAX, |row| *row as usize),
        }
    }

    /// The base's rows in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        let (all, some) = match self {
            Self::All(len) => (0..*len, [].as_slice()),
            Self::Some(rows) => (0..0, rows.as_ref()),
        };
        all.chain(some.iter().copied()).map(|row| row as usize)
    }

    /// The number of a row of the base, looked for from `from` on.
    pub(super) fn number(&self, base: usize, from: u32) -> u32 {
        match self {
            Self::All(_) => offset(base),
            Self::Some(rows) => {
                let rest = rows.get(from as usize..).unwrap_or_default();
                let step = rest
                    .iter()
                    .take_while(|row| (**row as usize) < base)
                    .count();
                from + offset(step)
            }
        }
    }
}

/// Which row above holds each row of a table; asked for in ascending order.
#[derive(Debug)]
pub(super) struct Above<'a> {
    /// For each level on the way up, its bounds and the row reached.
    steps: Vec<(&'a [u32], usize)>,
}

impl<'a> Above<'a> {
    /// None if `above` does not lie above `table`.
    pub(super) fn new(
        index: &'a Index,
        base: &[u8],
        table: Table,
        above: Table,
    ) -> Result<Option<Self>, Fault> {
        let mut steps = Vec::new();
        let mut at = table;
        while at != above {
            let Some(next) = at.above(index.signal) else {
                return Ok(None);
            };
            let bounds = match at {
                Table::Event | Table::Link | Table::Exemplar => &index.rows(at, base)?.first,
                _ => &index.rows(next, base)?.first,
            };
            steps.push((bounds.as_slice(), 0));
            at = next;
        }
        Ok(Some(Self { steps }))
    }

    /// The row above a row of the base.
    #[inline]
    pub(super) fn row(&mut self, row: usize) -> usize {
        let mut row = row;
        for (bounds, at) in &mut self.steps {
            while bounds.get(*at + 1).is_some_and(|end| *end as usize <= row) {
                *at += 1;
            }
            row = *at;
        }
        row
    }
}

/// Which rows of a table are still there; asked for in ascending order.
#[derive(Debug)]
pub(super) struct Standing<'a> {
    own: Option<&'a Bits>,
    /// The records' bits, for a table below the record, and where each record's rows begin.
    records: Option<(&'a Bits, &'a [u32])>,
    record: usize,
}

impl<'a> Standing<'a> {
    pub(super) fn new(batch: &'a Batch, table: Table, level: &'a Level) -> Self {
        let is_below = batch.wire.index.level(table).is_none();
        let records = batch.live(Table::Record).filter(|_| is_below);
        Self {
            own: batch.live(table).map(Arc::as_ref),
            records: records.map(|bits| (bits.as_ref(), level.first.as_slice())),
            record: 0,
        }
    }

    #[inline]
    pub(super) fn has(&mut self, row: usize) -> bool {
        if let Some((bits, bounds)) = self.records {
            let ends = bounds.get(self.record + 1..).unwrap_or_default();
            self.record += ends.iter().take_while(|end| **end as usize <= row).count();
            if !bits.get(self.record) {
                return false;
            }
        }
        self.own.is_none_or(|bits| bits.get(row))
    }
}

/// Drops the rows of a table whose bit is clear in the mask.
pub(super) fn retain(
    batch: &mut Batch,
    view: &View,
    table: Table,
    mask: &[u8],
) -> Result<(), Fault> {
    let gone = |number: usize| !bit(mask, number);
    if (0..view.len() as usize).all(|number| !gone(number)) {
        return Ok(());
    }
    let wire = Arc::clone(&batch.wire);
    let rows = wire.index.rows(table, &wire.base)?.pieces.len();
    let mut bits = Drops {
        index: &wire.index,
        live: batch.live.each_ref().map(Option::clone),
    };
    let own = bits.of(table, rows);
    let mut dropped = Vec::new();
    for (number, row) in view.iter().enumerate() {
        if gone(number) && own.get(row) {
            own.clear(row);
            dropped.push(offset(row));
        }
    }
    if dropped.is_empty() {
        return Ok(());
    }
    bits.below(table, &dropped);
    bits.above(table, &dropped);
    let Drops { live, .. } = bits;
    batch.live = live;
    if let Some(records) = batch.live(Table::Record) {
        batch.records = offset(records.count());
    }
    Ok(())
}

/// Rows on their way out.
struct Drops<'a> {
    index: &'a Index,
    live: [Option<Arc<Bits>>; 7],
}

impl Drops<'_> {
    fn of(&mut self, table: Table, rows: usize) -> &mut Bits {
        let [resource, scope, metric, record, event, link, exemplar] = &mut self.live;
        let slot = match table {
            Table::Resource => resource,
            Table::Scope => scope,
            Table::Metric => metric,
            Table::Record => record,
            Table::Event => event,
            Table::Link => link,
            Table::Exemplar => exemplar,
        };
        Arc::make_mut(slot.get_or_insert_with(|| Arc::new(Bits::all(rows))))
    }

    fn level_below(&self, table: Table) -> Option<Table> {
        Table::ALL.into_iter().take(4).find(|below| {
            below.is_of(self.index.signal) && below.above(self.index.signal) == Some(table)
        })
    }

    /// Drops what lies in dropped rows, down to the records; what lies in a record goes with it without a word.
    fn below(&mut self, table: Table, dropped: &[u32]) {
        let Some(below) = self.level_below(table) else {
            return;
        };
        let index = self.index;
        let (Some(level), Some(inside)) = (index.level(table), index.level(below)) else {
            return;
        };
        let bits = self.of(below, inside.pieces.len());
        let mut rows = Vec::new();
        for row in dropped.iter().flat_map(|row| level.inside(*row as usize)) {
            if bits.get(row) {
                bits.clear(row);
                rows.push(offset(row));
            }
        }
        self.below(below, &rows);
    }

    /// Drops resources, scopes and metrics that dropped rows leave empty.
    fn above(&mut self, table: Table, dropped: &[u32]) {
        let index = self.index;
        let Some(above) = table.above(index.signal) else {
            return;
        };
        let (Some(level), Some(_)) = (index.level(above), index.level(table)) else {
            return;
        };
        let mut emptied = Vec::new();
        let mut rows: Range<usize> = 0..0;
        let mut parent = 0;
        for row in dropped.iter().map(|row| *row as usize) {
            if rows.contains(&row) {
                continue;
            }
            parent += level
                .first
                .get(parent + 1..)
                .map_or(0, |ends| ends.partition_point(|end| *end as usize <= row));
            rows = level.inside(parent);
            let len = index.level(table).map_or(0, |level| level.pieces.len());
            if !self.of(table, len).any_and_all(rows.clone()).0 {
                emptied.push(offset(parent));
            }
        }
        if emptied.is_empty() {
            return;
        }
        let bits = self.of(above, level.pieces.len());
        emptied.retain(|row| bits.get(*row as usize));
        for row in &emptied {
            bits.clear(*row as usize);
        }
        self.above(above, &emptied);
    }
}
