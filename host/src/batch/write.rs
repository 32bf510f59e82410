//! Writes one column in one row, as edits.

use std::borrow::Cow;

use super::{
    any::{attribute_len, put_attribute},
    budget::{Budget, Halt},
    cell::{Cell, in_range},
    column::{Column, What},
    edits::{Draft, EDIT_COST, Key, Text},
    fields::{At, FieldSpec, Presence},
    index::Piece,
    sight::{Node, ON, Sight},
    wire::{Malformed, Wired},
};

/// Writes one column.
pub(super) struct Pen<'a> {
    sight: Sight<'a>,
    column: &'a Column,
    pub(super) draft: Draft,
    /// Whether no row can have the column yet, so that no row need be walked.
    is_new: bool,
    /// The field as it was last written, for a value that many rows share.
    last: Option<(u32, Text)>,
    /// The body of the value that is being written.
    body: Vec<u8>,
}

impl<'a> Pen<'a> {
    pub(super) fn new(sight: Sight<'a>, draft: Draft, column: &'a Column) -> Self {
        let is_new = sight.lacks_column(column);
        Self {
            sight,
            column,
            draft,
            is_new,
            last: None,
            body: Vec::new(),
        }
    }

    /// Makes room where each row will most likely take an edit, no more than the budget pays for.
    pub(super) fn reserve(&mut self, rows: usize, budget: &Budget) {
        if self.is_new {
            self.draft.reserve(rows.min(budget.left / EDIT_COST));
        }
    }

    /// Writes a value to a row; `same` says that the call before wrote the same one. None removes what is there.
    pub(super) fn write(
        &mut self,
        (row, piece): (usize, Piece),
        cell: Option<&Cell<'_>>,
        same: bool,
        budget: &mut Budget,
    ) -> Result<(), Halt> {
        if self.is_new && cell.is_none() {
            return Ok(());
        }
        let column = self.column;
        let Some(node) = self.sight.node(column.table, row, piece, column.part())? else {
            return Ok(());
        };
        match &column.what {
            What::Attribute(key) => self.attribute(&node, key.as_bytes(), cell, same, budget),
            What::Field(field) => self.field(&node, field, cell, same, budget),
        }
    }

    fn attribute(
        &mut self,
        node: &Node,
        key: &[u8],
        cell: Option<&Cell<'_>>,
        same: bool,
        budget: &mut Budget,
    ) -> Result<(), Halt> {
        let Some(number) = node.msg.attributes() else {
            return Ok(());
        };
        let mut places = Places::default();
        let mut is_same = false;
        if !self.is_new {
            self.sight.attributes(node, key, |slot, value| {
                if let (None, Some(cell)) = (places.first, cell) {
                    is_same = cell.is_any(&value)?;
                }
                places.push(slot.key, slot.end);
                Ok::<_, Malformed>(ON)
            })?;
        }
        let Some(cell) = cell else {
            return places.remove_from(0, node.depth, &mut self.draft, budget);
        };
        if places.first.is_some() && is_same {
            return places.remove_from(1, node.depth, &mut self.draft, budget);
        }
        let text = match self.last {
            Some((last, text)) if same && last == number => text,
            _ => {
                let body = match cell {
                    Cell::Any(body) => body.as_ref(),
                    Cell::Json(_, body) => body,
                    other => {
                        budget.charge(other.size())?;
                        self.body.clear();
                        other.put_any(&mut self.body);
                        &self.body
                    }
                };
                budget.charge(attribute_len(number, key, body))?;
                self.draft.keep(|out| put_attribute(out, number, key, body))
            }
        };
        self.last = Some((number, text));
        places.put(text, node, &mut self.draft, budget)
    }

    fn field(
        &mut self,
        node: &Node,
        spec: &FieldSpec,
        cell: Option<&Cell<'_>>,
        same: bool,
        budget: &mut Budget,
    ) -> Result<(), Halt> {
        let Some(at) = spec.of(node.msg) else {
            return Ok(());
        };
        let (places, old) = if self.is_new {
            (Places::default(), None)
        } else {
            self.places(node, at)?
        };
        let new = cell.filter(|cell| match at.presence {
            Presence::Implicit => !cell.is_default(),
            Presence::Explicit | Presence::Instead(_) => !matches!(cell, Cell::Empty),
        });
        let Some(new) = new else {
            let is_empty = match (&old, cell) {
                (None, _) => true,
                (Some(old), Some(cell)) => cell.is_field(old)?,
                (Some(old), None) => at.presence == Presence::Implicit && old.is_default(),
            };
            if is_empty {
                return Ok(());
            }
            return places.remove_from(0, node.depth, &mut self.draft, budget);
        };
        if let Some(old) = &old
            && new.is_field(old)?
        {
            return Ok(());
        }
        if let Cell::Integer(integer) = new
            && !in_range(*integer, at.encoding)
        {
            return Err(Halt::misuse(format!(
                "{integer} is out of the range of column {:?}",
                self.column.path()
            )));
        }
        let text = match self.last {
            Some((last, text)) if same && last == at.number => text,
            _ => {
                budget.charge(new.size() + 16)?;
                self.draft.keep(|out| {
                    // The range was checked above.
                    let _written = new.put_field(at, out);
                })
            }
        };
        self.last = Some((at.number, text));
        places.put(text, node, &mut self.draft, budget)
    }

    /// Where the field stands, with what it replaces, and its value.
    fn places(&self, node: &Node, at: &At) -> Wired<(Places, Option<Cell<'a>>)> {
        let mut places = Places::default();
        let mut old: Option<Cell<'a>> = None;
        self.sight.slots(node, at.mask(), |slot| {
            if slot.field.number == at.number {
                let next = Cell::of_field(&slot.field, at, slot.bytes)?;
                old = Some(match (old.take(), next) {
                    (Some(Cell::Any(joined)), Cell::Any(more)) => {
                        Cell::Any(Cow::Owned([joined, more].concat()))
                    }
                    (_, next) => next,
                });
                places.push(slot.key, slot.end);
            } else if at.presence == Presence::Instead(slot.field.number) {
                old = None;
                places.push(slot.key, slot.end);
            }
            Ok::<_, Malformed>(ON)
        })?;
        Ok((places, old))
    }
}

/// The fields that a write takes the place of.
#[derive(Default)]
struct Places {
    first: Option<(Key, u32)>,
    more: Vec<(Key, u32)>,
}

impl Places {
    #[inline]
    fn push(&mut self, key: Key, end: u32) {
        if self.first.is_none() {
            self.first = Some((key, end));
        } else {
            self.more.push((key, end));
        }
    }

    /// Puts a text where the first stands, or last in the message, and removes the others.
    fn put(
        self,
        text: Text,
        node: &Node,
        draft: &mut Draft,
        budget: &mut Budget,
    ) -> Result<(), Halt> {
        budget.charge(EDIT_COST)?;
        match self.first {
            Some((key, end)) => {
                draft.push(key, end, node.depth, Some(text));
                self.remove_from(1, node.depth, draft, budget)
            }
            None => draft
                .add(node.tail, node.depth, text)
                .ok_or_else(|| Halt::misuse("more additions than a batch can take")),
        }
    }

    /// Removes the fields from the `skip`th on.
    fn remove_from(
        self,
        skip: usize,
        depth: u8,
        draft: &mut Draft,
        budget: &mut Budget,
    ) -> Result<(), Halt> {
        for (key, end) in self.first.into_iter().chain(self.more).skip(skip) {
            budget.charge(EDIT_COST)?;
            draft.push(key, end, depth, None);
        }
        Ok(())
    }
}
