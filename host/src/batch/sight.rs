//! A batch as it reads: the base bytes with the edits over them.

use std::cell::Cell;

use super::{
    any::only_field,
    column::{Column, What},
    edits::{Edit, Edits, Key},
    fields::FieldSpec,
    index::{Index, Piece, offset},
    outline::{Outline, Outlines},
    schema::{Msg, Part, Table},
    wire::{Field, Malformed, Reader, Wired},
};

/// The base, its index and the edits over it.
#[derive(Clone, Debug)]
pub(super) struct Sight<'a> {
    pub(super) base: &'a [u8],
    pub(super) index: &'a Index,
    pub(super) edits: &'a Edits,
    /// The records' outlines, if they were made before.
    outlines: Option<&'a Outlines>,
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
    /// What lies where in it, if it is a record of which that is known.
    outline: Option<Outline>,
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
            outlines: index.outlines(),
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
        let mut node = Node::new(msg, depth, piece);
        if table == Table::Record {
            node.outline = self.outline(row);
        }
        node
    }

    /// The message of a row and where its body lies, if nothing is edited in it.
    #[inline]
    pub(super) fn unedited(
        &self,
        table: Table,
        row: usize,
        piece: Piece,
    ) -> Option<(Msg, (u32, u32))> {
        let own = self.row_node(table, row, piece);
        let body = own.body.filter(|_| self.edits_of(&own).is_empty())?;
        Some((own.msg, body))
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
        let Some((number, msg)) = span.msg.child() else {
            return Ok(None);
        };
        let (start, end) = span.range(1 << number).unwrap_or_default();
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
        let edits = self.edits_of(node);
        for (start, end) in node
            .range(mask)
            .into_iter()
            .chain(node.more.iter().copied())
        {
            if !self.base_slots((start, end), mask, edits, &mut f)? {
                return Ok(());
            }
        }
        if edits.last().is_some_and(|edit| edit.key >= node.tail) {
            self.added_slots(node.tail, edits, &mut f)?;
        }
        Ok(())
    }

    /// The edits within a message.
    #[inline]
    pub(super) fn edits_of(&self, node: &Node) -> &'a [Edit] {
        if self.edits.is_empty() {
            return &[];
        }
        let mut hint = self.hint.get();
        let low = node.body.map_or(node.tail, |(start, _)| Key::at(start));
        let edits = self.edits.between(low, node.tail.last(), &mut hint);
        self.hint.set(hint);
        edits
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

    /// Whether no row can have a column: an attribute's key is searched for, a field is known of once the records' outlines are.
    pub(super) fn lacks_column(&self, column: &Column) -> bool {
        match &column.what {
            What::Attribute(key) => self.lacks(key.as_bytes()),
            What::Field(field) => {
                let outlines = self.outlines.filter(|_| self.edits.is_empty());
                column.table == Table::Record
                    && outlines.is_some_and(|outlines| outlines.lack(field.mask))
            }
        }
    }

    /// The outline of a record, if it was made before.
    #[inline]
    pub(super) fn outline(&self, record: usize) -> Option<Outline> {
        self.outlines.and_then(|outlines| outlines.of(record))
    }

    /// Whether it is known without a walk that a record does not have a field, when nothing is edited.
    #[inline]
    pub(super) fn row_lacks(&self, row: usize, field: &FieldSpec) -> bool {
        self.outline(row)
            .is_some_and(|outline| outline.lacks(field.mask))
    }

    /// The bytes of a record's body that hold all its fields with the numbers in `mask`.
    #[inline]
    pub(super) fn record_range(&self, row: usize, piece: Piece, mask: u32) -> (u32, u32) {
        let body = (piece.body, piece.end);
        (self.outline(row)).map_or(body, |outline| outline.range(body, mask))
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
            outline: None,
            tail: Key::adds(piece.end, depth),
        }
    }

    /// The bytes of its first body that hold all the fields with the numbers in `mask`.
    #[inline]
    pub(super) fn range(&self, mask: u32) -> Option<(u32, u32)> {
        let body = self.body?;
        Some(
            self.outline
                .map_or(body, |outline| outline.range(body, mask)),
        )
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
            outline: None,
            tail: Key::adds_to_new(self.tail.position(), self.depth),
        })
    }
}
