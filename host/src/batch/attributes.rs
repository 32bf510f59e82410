//! A message's attributes by key.
//!
//! Most attributes that are walked over are of another key and written as every encoder writes them, so that is what is made
//! quick: the others are read by the rules of protobuf.

use std::borrow::Cow;

use memchr::memmem;

use super::{
    any::{KeyValue, short_pair},
    edits::Key,
    index::{Piece, offset},
    sight::{Node, ON, STOP, Sight, Slot},
    wire::{Field, Malformed, Reader, Wired, varint_bytes},
};

impl<'a> Sight<'a> {
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

    /// The body of an attribute's value: of equal keys the first counts.
    pub(super) fn attribute(&self, node: &Node, key: &[u8]) -> Wired<Option<Cow<'a, [u8]>>> {
        let mut found = None;
        self.attributes(node, key, |_, value| {
            found = Some(value);
            Ok::<_, Malformed>(STOP)
        })?;
        Ok(found)
    }

    /// The same of a record, when nothing is edited.
    #[inline]
    pub(super) fn unedited_attribute(
        &self,
        row: usize,
        piece: Piece,
        key: &[u8],
    ) -> Wired<Option<Cow<'a, [u8]>>> {
        let Some(number) = self.index.record_msg(row).attributes() else {
            return Ok(None);
        };
        let mut found = None;
        let range = self.record_range(row, piece, 1 << number);
        self.attributes_within(range, number, key, &mut |_, value| {
            found = Some(value);
            Ok::<_, Malformed>(STOP)
        })?;
        Ok(found)
    }

    /// The attributes of a message that have this key, with the bodies of their values.
    pub(super) fn attributes<E: From<Malformed>>(
        &self,
        node: &Node,
        key: &[u8],
        mut f: impl FnMut(&Slot<'a>, Cow<'a, [u8]>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let Some(number) = node.msg.attributes() else {
            return Ok(());
        };
        match (node.range(1 << number), self.edits_of(node)) {
            (Some(range), []) => self.attributes_within(range, number, key, &mut f),
            _ => self.slots(node, 1 << number, |slot| look(&slot, number, key, &mut f)),
        }
    }

    /// The same between two positions of the base, when nothing is edited there.
    #[inline]
    fn attributes_within<E: From<Malformed>>(
        &self,
        (start, end): (u32, u32),
        number: u32,
        key: &[u8],
        f: &mut impl FnMut(&Slot<'a>, Cow<'a, [u8]>) -> Result<bool, E>,
    ) -> Result<(), E> {
        let tag = Field::short_tag(number);
        let mut reader = Reader::within(self.base, start as usize, end as usize);
        loop {
            let start = reader.pos();
            let field = match reader.next_short(tag) {
                Some(body) => {
                    if short_pair(body).is_some_and(|(other, _)| other != key) {
                        continue;
                    }
                    Field::short(number, body, start, reader.pos())
                }
                None if reader.skip_short(1 << number) => continue,
                None => match reader.next()? {
                    Some(field) => field,
                    None => return Ok(()),
                },
            };
            let slot = Slot {
                key: Key::replaces(field.start),
                end: offset(field.end),
                bytes: self.base,
                field,
            };
            if !look(&slot, number, key, f)? {
                return Ok(());
            }
        }
    }
}

/// Hands on an attribute if it has this key.
#[inline]
fn look<'a, E: From<Malformed>>(
    slot: &Slot<'a>,
    number: u32,
    key: &[u8],
    f: &mut impl FnMut(&Slot<'a>, Cow<'a, [u8]>) -> Result<bool, E>,
) -> Result<bool, E> {
    if slot.field.number != number {
        return Ok(ON);
    }
    let body = slot.field.message(slot.bytes)?;
    let pair = match short_pair(body) {
        Some((own, _)) if own != key => return Ok(ON),
        Some((_, value)) => return f(slot, Cow::Borrowed(value)),
        None => KeyValue::decode(body)?,
    };
    if pair.key == key {
        f(slot, pair.value.unwrap_or_default())
    } else {
        Ok(ON)
    }
}
