//! A batch as it reads: the base bytes with the edits over them.

use std::{borrow::Cow, cell::Cell};

use memchr::memmem;

use super::{
    any::{KeyValue, only_field, plain_pair},
    column::{Column, What},
    edits::{Edit, Edits, Key},
    index::{Index, Piece, offset},
    schema::{Msg, Part, Table},
    wire::{Field, Malformed, Reader, Wired, varint_bytes},
};

/// The base, its index and the edits over it.
#[derive(Clone, Debug)]
pub(super) struct Sight<'a> {
    pub(super) base: &'a [u8],
    pub(super) index: &'a Index,
    pub(super) edits: &'a Edits,
    hint: Cell<usize>,
}

/// A message of a row, that is or that an edit would create.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) msg: Msg,
    pub(super) depth: u8,
    /// Where its body lies in the base, if it is there.
    body: Option<(u32, u32)>,
    /// More bodies of the same message, which protobuf merges.
    more: Vec<(u32, u32)>,
    /// The key of its first addition.
    pub(super) tail: Key,
}

/// A field as it reads now, and the key of the edit that would replace it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot<'a> {
    pub(super) key: Key,
    /// Where the field in the base ends, or the position of the addition.
    pub(super) end: u32,
    /// The bytes that `field` was read from.
    pub(super) bytes: &'a [u8],
    pub(super) field: Field<'a>,
}

/// Whether to go on to the next slot.
pub(super) const ON: bool = true;
pub(super) const STOP: bool = false;

impl<'a> Sight<'a> {
    pub(super) fn new(base: &'a [u8], index: &'a Index, edits: &'a Edits) -> Self {
        Self {
            base,
            index,
            edits,
            hint: Cell::new(0),
        }
    }

    /// The message of a part of a row; none if the row's kind has no such part.
    pub(super) fn node(
        &self,
        table: Table,
        row: usize,
        piece: Piece,
        part: Part,
    ) -> Wired<Option<Node>> {
        let own = self.row_node(table, row, piece);
        match part {
            Part::Row => Ok(Some(own)),
            Part::Child => self.child(table, row, &own),
        }
    }

    #[inline]
    fn row_node(&self, table: Table, row: usize, piece: Piece) -> Node {
        let depth = self.index.depth(table);
        let msg = match table {
            Table::Resource => Msg::ResourceContainer,
            Table::Scope => Msg::ScopeContainer,
            Table::Metric => Msg::Metric,
            Table::Record => self.index.record_msg(row),
            Table::Event | Table::Link | Table::Exemplar => Msg::below(table),
        };
        Node::new(msg, depth, piece)
    }

    fn child(&self, table: Table, row: usize, own: &Node) -> Wired<Option<Node>> {
        let pieces = match table {
            Table::Resource => &self.index.resource_children,
            Table::Scope => &self.index.scope_children,
            Table::Metric => {
                let data = self.index.data.get(row).copied().flatten();
                return Ok(data.map(|(piece, msg)| Node::new(msg, own.depth + 1, piece)));
            }
            _ => return self.status(own),
        };
        Ok(match pieces.get(row).copied().flatten() {
            Some(piece) => own
                .msg
                .child()
                .map(|(_, msg)| Node::new(msg, own.depth + 1, piece)),
            None => own.new_child(),
        })
    }

    /// The status of a span, which may come in several pieces.
    fn status(&self, span: &Node) -> Wired<Option<Node>> {
        let Some(((number, msg), (start, end))) = span.msg.child().zip(span.body) else {
            return Ok(None);
        };
        let mut status: Option<Node> = None;
        let mut reader = Reader::within(self.base, start as usize, end as usize);
        while let Some(field) = reader.next_of(1 << number)? {
            if field.number == number {
                let body = field.message(self.base)?;
                let piece = super::index::piece(body, field.start, field.end);
                let node = Node::new(msg, span.depth + 1, piece);
                match &mut status {
                    None => status = Some(node),
                    Some(status) => {
                        status.more.extend(node.body);
                        status.tail = node.tail;
                    }
                }
            }
        }
        Ok(status.or_else(|| span.new_child()))
    }

    /// The fields of a message with the numbers in `mask` as they read now, in order; `f` says whether to go on.
    #[inline]
    pub(super) fn slots<E: From<Malformed>>(
        &self,
        node: &Node,
        mask: u32,
        mut f: impl FnMut(Slot<'a>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut hint = self.hint.get();
        let low = node.body.map_or(node.tail, |(start, _)| Key::at(start));
        let edits = self.edits.between(low, node.tail.last(), &mut hint);
        self.hint.set(hint);
        for &(start, end) in node.body.iter().chain(&node.more) {
            if !self.base_slots((start, end), mask, edits, &mut f)? {
                return Ok(());
            }
        }
        if edits.last().is_some_and(|edit| edit.key >= node.tail) {
            self.added_slots(node.tail, edits, &mut f)?;
        }
        Ok(())
    }

    #[inline]
    fn base_slots<E: From<Malformed>>(
        &self,
        (start, end): (u32, u32),
        mask: u32,
        mut edits: &'a [Edit],
        f: &mut impl FnMut(Slot<'a>) -> Result<bool, E>,
    ) -> Result<bool, E> {
        let mut reader = Reader::within(self.base, start as usize, end as usize);
        while let Some(field) = reader.next_of(mask)? {
            let mut slot = Slot {
                key: Key::replaces(field.start),
                end: offset(field.end),
                bytes: self.base,
                field,
            };
            while let [first, rest @ ..] = edits {
                if first.key > slot.key {
                    break;
                }
                edits = rest;
                if first.key == slot.key {
                    slot.bytes = self.edits.text(first);
                }
            }
            if !std::ptr::eq(slot.bytes, self.base) {
                match only_field(slot.bytes)? {
                    Some(field) => slot.field = field,
                    None => continue,
                }
            }
            if !f(slot)? {
                return Ok(STOP);
            }
        }
        Ok(ON)
    }

    #[cold]
    fn added_slots<E: From<Malformed>>(
        &self,
        tail: Key,
        edits: &'a [Edit],
        f: &mut impl FnMut(Slot<'a>) -> Result<bool, E>,
    ) -> Result<(), E> {
        for edit in edits {
            if edit.key < tail {
                continue;
            }
            let bytes = self.edits.text(edit);
            if let Some(field) = only_field(bytes)? {
                let slot = Slot {
                    key: edit.key,
                    end: edit.end,
                    bytes,
                    field,
                };
                if !f(slot)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether no attribute can have this key, since it stands nowhere behind its length: one search of the batch spares a walk
    /// of each row.
    pub(super) fn lacks(&self, key: &[u8]) -> bool {
        if key.is_empty() {
            return false;
        }
        let finder = memmem::Finder::new(key);
        let (length, size) = varint_bytes(key.len() as u64);
        // Where more bytes spell the length than need, the last of them is zero.
        let last = size.checked_sub(1).and_then(|last| length.get(last));
        let ends_length = |byte: u8| byte == 0 || Some(&byte) == last;
        let has = |text: &[u8]| {
            // Byte by byte past each find, since keys may overlap.
            let mut from = 0;
            while let Some(at) = text.get(from..).and_then(|rest| finder.find(rest)) {
                from += at + 1;
                let before = from.checked_sub(2).and_then(|before| text.get(before));
                if before.is_some_and(|byte| ends_length(*byte)) {
                    return true;
                }
            }
            false
        };
        !has(self.base) && !self.edits.texts().any(has)
    }

    /// The same for a column, which may be no attribute.
    pub(super) fn lacks_column(&self, column: &Column) -> bool {
        match &column.what {
            What::Attribute(key) => self.lacks(key.as_bytes()),
            What::Field(_) => false,
        }
    }

    /// The body of an attribute's value: of equal keys the first counts.
    #[inline]
    pub(super) fn attribute(&self, node: &Node, key: &[u8]) -> Wired<Option<Cow<'a, [u8]>>> {
        let Some(number) = node.msg.attributes() else {
            return Ok(None);
        };
        let mut found = None;
        self.slots(node, 1 << number, |slot| {
            if slot.field.number != number {
                return Ok::<_, Malformed>(ON);
            }
            let body = slot.field.message(slot.bytes)?;
            if plain_pair(body).is_some_and(|(other, _)| other != key) {
                return Ok(ON);
            }
            let pair = KeyValue::decode(body)?;
            if pair.key != key {
                return Ok(ON);
            }
            found = Some(pair.value.unwrap_or_default());
            Ok(STOP)
        })?;
        Ok(found)
    }
}

impl Node {
    #[inline]
    fn new(msg: Msg, depth: u8, piece: Piece) -> Self {
        Self {
            msg,
            depth,
            body: Some((piece.body, piece.end)),
            more: Vec::new(),
            tail: Key::adds(piece.end, depth),
        }
    }

    /// The message that this one wraps, in the slot of that; its body is the slot's.
    pub(super) fn child(&self, body: &[u8], slot: &Slot<'_>) -> Option<Self> {
        let (_, msg) = self.msg.child()?;
        let piece = super::index::piece(body, slot.field.start, slot.field.end);
        Some(Self::new(msg, self.depth + 1, piece))
    }

    /// The message that an edit would create at the end of this one.
    pub(super) fn new_child(&self) -> Option<Self> {
        let (_, msg) = self.msg.child()?;
        Some(Self {
            msg,
            depth: self.depth + 1,
            body: None,
            more: Vec::new(),
            tail: Key::adds_to_new(self.tail.position(), self.depth),
        })
    }
}
