//! Writes a batch with its edits, once.
//!
//! A first pass over the tree lists patches in the order of the bytes: rows that go, fields that change, and the lengths of
//! the messages around them, which are known when a message has been left. A second pass copies what lies between the
//! patches. A row that nobody touched costs neither a patch nor a copy of its own.

mod patch;

use bytes::BytesMut;
use patch::{Patch, With};

use super::{
    Signal,
    edits::{Edit, Key},
    index::Piece,
    live::Bits,
    schema::{Msg, Table},
    sight::Sight,
    wire::{LEN, Reader, Wired, varint_len},
};

/// The rows of each table that are still there; none where all are.
pub(super) type Live<'a> = [Option<&'a Bits>; 7];

/// The request with its edits, after `headroom` zero bytes. The error cannot come of a batch whose edits were made by its
/// own functions, since they walked the rows before.
pub(super) fn splice(sight: &Sight<'_>, live: Live<'_>, headroom: usize) -> Wired<BytesMut> {
    let mut plan = Plan {
        sight,
        live,
        at: 0,
        patches: Vec::new(),
        delta: 0,
        next: 0,
        drops_below: [Table::Event, Table::Link, Table::Exemplar]
            .iter()
            .any(|table| live.get(*table as usize).is_some_and(Option::is_some)),
    };
    plan.advance(0);
    plan.request()?;
    let Plan { patches, delta, .. } = plan;
    let len = sight.base.len().saturating_add_signed(delta);
    Ok(patch::write(&patches, sight, len, headroom))
}

struct Plan<'s, 'a> {
    sight: &'s Sight<'a>,
    live: Live<'s>,
    /// The first edit that is not planned yet.
    at: usize,
    /// Its position, or one behind all.
    next: u32,
    patches: Vec<Patch>,
    /// Bytes that the output is longer than the base, so far.
    delta: isize,
    /// Whether any events, links or exemplars go.
    drops_below: bool,
}

impl Plan<'_, '_> {
    fn request(&mut self) -> Wired<()> {
        let index = self.sight.index;
        for (row, piece) in index.resources.pieces.iter().enumerate() {
            if !self.is_live(Table::Resource, row) {
                self.remove(*piece, 1);
            } else if self.touches(Table::Resource, row, *piece) {
                self.around(*piece, |plan| plan.resource(row, *piece))?;
            }
        }
        Ok(())
    }

    fn resource(&mut self, row: usize, piece: Piece) -> Wired<()> {
        let index = self.sight.index;
        let child = index.resource_children.get(row).copied().flatten();
        let scopes = index.resources.inside(row);
        let mut child = child.into_iter().peekable();
        for row in scopes {
            let Some(scope) = index.scopes.pieces.get(row) else {
                break;
            };
            if let Some(child) = child.next_if(|child| child.start < scope.start) {
                self.leaf_message(child, 2)?;
            }
            self.own(scope.start);
            if !self.is_live(Table::Scope, row) {
                self.remove(*scope, 2);
            } else if self.touches(Table::Scope, row, *scope) {
                self.around(*scope, |plan| plan.scope(row, *scope))?;
            }
        }
        if let Some(child) = child.next() {
            self.leaf_message(child, 2)?;
        }
        self.close(piece, 1, Msg::ResourceContainer);
        Ok(())
    }

    fn scope(&mut self, row: usize, piece: Piece) -> Wired<()> {
        let index = self.sight.index;
        let child = index.scope_children.get(row).copied().flatten();
        let (table, level) = match Table::Record.above(index.signal) {
            Some(Table::Metric) => (Table::Metric, &index.metrics),
            _ => (Table::Record, &index.records),
        };
        let mut child = child.into_iter().peekable();
        for row in index.scopes.inside(row) {
            let Some(inside) = level.pieces.get(row) else {
                break;
            };
            if let Some(child) = child.next_if(|child| child.start < inside.start) {
                self.leaf_message(child, 3)?;
            }
            self.row(table, row, *inside)?;
        }
        if let Some(child) = child.next() {
            self.leaf_message(child, 3)?;
        }
        self.close(piece, 2, Msg::ScopeContainer);
        Ok(())
    }

    /// A metric or record.
    #[inline]
    fn row(&mut self, table: Table, row: usize, piece: Piece) -> Wired<()> {
        if table == Table::Record && self.next > piece.end && !self.drops_below {
            if !self.is_live(table, row) {
                self.leave_out(piece);
            }
            return Ok(());
        }
        self.own(piece.start);
        let depth = self.sight.index.depth(table);
        if !self.is_live(table, row) {
            self.remove(piece, depth);
        } else if self.touches(table, row, piece) {
            self.around(piece, |plan| match table {
                Table::Metric => plan.metric(row, piece),
                _ => plan.record(row, piece, depth),
            })?;
        }
        Ok(())
    }

    fn metric(&mut self, row: usize, piece: Piece) -> Wired<()> {
        let index = self.sight.index;
        if let Some((data, msg)) = index.data.get(row).copied().flatten() {
            self.own(data.start);
            self.around(data, |plan| {
                for row in index.metrics.inside(row) {
                    if let Some(point) = index.records.pieces.get(row) {
                        plan.row(Table::Record, row, *point)?;
                    }
                }
                plan.close(data, 4, msg);
                Ok(())
            })?;
        }
        self.close(piece, 3, Msg::Metric);
        Ok(())
    }

    fn record(&mut self, row: usize, piece: Piece, depth: u8) -> Wired<()> {
        let index = self.sight.index;
        let msg = index.record_msg(row);
        let high = Key::adds(piece.end, depth).last();
        let edits = self.sight.edits.list.get(self.at..).unwrap_or_default();
        let is_deep = edits
            .iter()
            .take_while(|edit| edit.key <= high)
            .any(|edit| edit.depth > depth);
        if is_deep || self.drops_below(row) {
            let mut seen = [0; 7];
            let base = self.sight.base;
            let mut reader = Reader::within(base, piece.body as usize, piece.end as usize);
            while let Some(field) = reader.next()? {
                let table = msg.rows_in(field.number);
                let is_child = msg
                    .child()
                    .is_some_and(|(number, _)| number == field.number);
                // Nobody has looked at the wire types of what lies beside an edit; of a wrong one, it was not edited.
                if field.wire != LEN || table.is_none() && !is_child {
                    continue;
                }
                let inside = super::index::piece(field.body, field.start, field.end);
                self.own(inside.start);
                if let Some(table) = table
                    && let Some(seen) = seen.get_mut(table as usize)
                {
                    let first = index
                        .rows(table, base)
                        .map_or(0, |level| level.inside(row).start);
                    let is_live = self.is_live(table, first + *seen);
                    *seen += 1;
                    if !is_live {
                        self.remove(inside, depth + 1);
                        continue;
                    }
                }
                self.leaf_message(inside, depth + 1)?;
            }
        }
        self.close(piece, depth, msg);
        Ok(())
    }

    /// A message that has fields of its own alone.
    fn leaf_message(&mut self, piece: Piece, depth: u8) -> Wired<()> {
        self.own(piece.start);
        if self
            .peek()
            .is_some_and(|edit| edit.key <= Key::adds(piece.end, depth).last())
        {
            self.around(piece, |plan| {
                plan.take_until(Key::adds(piece.end, depth).last());
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Writes a message's length anew if what `inside` plans changes it.
    fn around(&mut self, piece: Piece, inside: impl FnOnce(&mut Self) -> Wired<()>) -> Wired<()> {
        let (place, before) = (self.patches.len(), self.delta);
        let old = varint_start(self.sight.base, piece);
        self.patches.push(Patch {
            start: old,
            end: old,
            with: With::Nothing,
        });
        inside(self)?;
        let grown = self.delta - before;
        if grown == 0 && self.patches.len() == place + 1 {
            self.patches.pop();
        } else if grown != 0 {
            let len = ((piece.end - piece.body) as usize).saturating_add_signed(grown);
            let len = super::index::offset(len);
            if let Some(patch) = self.patches.get_mut(place) {
                patch.end = piece.body;
                patch.with = With::Varint(len);
            }
            self.delta += signed(varint_len(len.into())) - signed((piece.body - old) as usize);
        }
        Ok(())
    }

    /// Plans the edits of a message's own fields before a position.
    #[inline]
    fn own(&mut self, before: u32) {
        if self.peek().is_some_and(|edit| edit.key < Key::at(before)) {
            self.take_while(|key| key < Key::at(before));
        }
    }

    /// Plans what is left of a message's edits: its fields, the message that is created in it, its additions.
    fn close(&mut self, piece: Piece, depth: u8, msg: Msg) {
        let new = Key::adds_to_new(piece.end, depth);
        self.take_while(|key| key < new);
        if let Some((number, _)) = msg.child()
            && self.peek().is_some_and(|edit| edit.key <= new.last())
        {
            let (place, before) = (self.patches.len(), self.delta);
            self.patches.push(Patch {
                start: piece.end,
                end: piece.end,
                with: With::Nothing,
            });
            self.take_until(new.last());
            let len = usize::try_from(self.delta - before).unwrap_or_default();
            let len = super::index::offset(len);
            if len > 0
                && let Some(patch) = self.patches.get_mut(place)
            {
                patch.with = With::Head { number, len };
                self.delta += signed(varint_len(u64::from(number) << 3) + varint_len(len.into()));
            }
        }
        self.take_until(Key::adds(piece.end, depth).last());
    }

    fn take_until(&mut self, high: Key) {
        self.take_while(|key| key <= high);
    }

    fn take_while(&mut self, is_next: impl Fn(Key) -> bool) {
        while let Some(edit) = self.peek().copied().filter(|edit| is_next(edit.key)) {
            let len = self.sight.edits.text(&edit).len();
            let start = edit.key.position();
            let end = if edit.key.is_addition() {
                start
            } else {
                edit.end
            };
            if len > 0 || end > start {
                let i = super::index::offset(self.at);
                self.delta += signed(len) - signed((end - start) as usize);
                self.patches.push(Patch {
                    start,
                    end,
                    with: With::Edit(i),
                });
            }
            self.advance(1);
        }
    }

    /// Goes on by so many edits.
    fn advance(&mut self, by: usize) {
        self.at += by;
        self.next = self.peek().map_or(u32::MAX, |edit| edit.key.position());
    }

    /// Leaves out a message of this depth, with the edits in it.
    fn remove(&mut self, piece: Piece, depth: u8) {
        let high = Key::adds(piece.end, depth).last();
        while self.peek().is_some_and(|edit| edit.key <= high) {
            self.advance(1);
        }
        self.leave_out(piece);
    }

    #[inline]
    fn leave_out(&mut self, piece: Piece) {
        self.delta -= signed((piece.end - piece.start) as usize);
        match self.patches.last_mut() {
            Some(Patch {
                end,
                with: With::Nothing,
                start,
            }) if *end == piece.start && *start < *end => *end = piece.end,
            _ => self.patches.push(Patch {
                start: piece.start,
                end: piece.end,
                with: With::Nothing,
            }),
        }
    }

    fn peek(&self) -> Option<&Edit> {
        self.sight.edits.list.get(self.at)
    }

    #[inline]
    fn is_live(&self, table: Table, row: usize) -> bool {
        let bits = self.live.get(table as usize).copied().flatten();
        bits.is_none_or(|bits| bits.get(row))
    }

    /// Whether an edit or a row that goes lies in this row.
    #[inline]
    fn touches(&self, table: Table, row: usize, piece: Piece) -> bool {
        let depth = self.sight.index.depth(table);
        let high = Key::adds(piece.end, depth).last();
        self.peek().is_some_and(|edit| edit.key <= high) || self.drops_in(table, row)
    }

    /// Whether rows below this one go.
    fn drops_in(&self, table: Table, row: usize) -> bool {
        let index = self.sight.index;
        let below = match table {
            Table::Resource => Table::Scope,
            Table::Scope if index.signal == Signal::Metrics => Table::Metric,
            Table::Scope | Table::Metric => Table::Record,
            _ => return self.drops_below(row),
        };
        if self.live.iter().all(Option::is_none) {
            return false;
        }
        let rows = index.level(table).map_or(0..0, |level| level.inside(row));
        match below {
            Table::Record if self.live.iter().skip(4).all(Option::is_none) => self
                .live
                .get(below as usize)
                .copied()
                .flatten()
                .is_some_and(|bits| !bits.any_and_all(rows).1),
            _ => rows
                .into_iter()
                .any(|row| !self.is_live(below, row) || self.drops_in(below, row)),
        }
    }

    /// Whether events, links or exemplars of a record go.
    #[inline]
    fn drops_below(&self, record: usize) -> bool {
        self.drops_below
            && [Table::Event, Table::Link, Table::Exemplar]
                .into_iter()
                .any(|table| {
                    let bits = self.live.get(table as usize).copied().flatten();
                    bits.is_some_and(|bits| {
                        let level = self.sight.index.rows(table, self.sight.base);
                        level.is_ok_and(|level| !bits.any_and_all(level.inside(record)).1)
                    })
                })
    }
}

fn signed(len: usize) -> isize {
    isize::try_from(len).unwrap_or(isize::MAX)
}

/// Where the length of a message begins: after the one tag that it has.
fn varint_start(base: &[u8], piece: Piece) -> u32 {
    let head = base
        .get(piece.start as usize..piece.body as usize)
        .unwrap_or_default();
    let tag = head
        .iter()
        .position(|byte| *byte < 0x80)
        .unwrap_or_default();
    piece.start + super::index::offset(tag + 1)
}
