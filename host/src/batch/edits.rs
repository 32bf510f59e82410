//! Edits: fields replaced, removed or added, as a sorted list over the bytes that never change.
//!
//! An edit names the field that it replaces by where that field begins in the base, or the end of the message that it adds
//! a field to. It is one field's bytes, tag included, or nothing. So lists of edits merge by key, the later one wins, and
//! `splice` copies what lies between them.

use bytes::Bytes;

use super::index::offset;

/// Where an edit goes, in the order of the output: position, rank, sequence.
///
/// At one position the additions to the messages that end there come first, the innermost first, then what replaces the
/// field that begins there. Additions to one message stand in the order they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(u64);

/// Additions that one batch can take: a key keeps 28 bits for them.
pub(super) const MAX_ADDED: u32 = (1 << 28) - 1;
const DEEPEST: u8 = 6;
const REPLACES: u64 = 15;

impl Key {
    /// The key of what replaces the field that begins at `start`.
    #[inline]
    pub(super) fn replaces(start: usize) -> Self {
        Self((start as u64) << 32 | REPLACES << 28)
    }

    /// The key of the first addition to a message of this depth that ends at `end`.
    #[inline]
    pub(super) fn adds(end: u32, depth: u8) -> Self {
        Self(u64::from(end) << 32 | u64::from((DEEPEST - depth.min(DEEPEST)) * 2) << 28)
    }

    /// The same for a message yet to be created at the end of one of this depth.
    #[inline]
    pub(super) fn adds_to_new(end: u32, depth: u8) -> Self {
        Self(u64::from(end) << 32 | u64::from((DEEPEST - depth.min(DEEPEST - 1)) * 2 - 1) << 28)
    }

    /// The key of a message's addition with this number.
    #[inline]
    pub(super) fn numbered(self, sequence: u32) -> Self {
        Self(self.0 | u64::from(sequence))
    }

    /// The smallest key at a position.
    #[inline]
    pub(super) fn at(position: u32) -> Self {
        Self(u64::from(position) << 32)
    }

    /// The greatest key of the same position and rank.
    #[inline]
    pub(super) fn last(self) -> Self {
        Self(self.0 | u64::from(MAX_ADDED))
    }

    #[inline]
    pub(super) fn position(self) -> u32 {
        u32::try_from(self.0 >> 32).unwrap_or(u32::MAX)
    }

    /// Whether it adds a field rather than replaces one.
    #[inline]
    pub(super) fn is_addition(self) -> bool {
        self.0 >> 28 & 15 != REPLACES
    }
}

/// One field replaced by a text, or one added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) key: Key,
    /// Where the replaced field ends; the key's position for an addition.
    pub(super) end: u32,
    /// How deep the message lies whose field it is.
    pub(super) depth: u8,
    text: Text,
}

/// Where an edit's bytes lie; without length for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text {
    chunk: u32,
    start: u32,
    len: u32,
}

/// What one edit costs of the budget, beside its text.
pub(super) const EDIT_COST: usize = size_of::<Edit>();

/// Every edit of a batch, sorted by key, each key once.
#[derive(Clone, Debug, Default)]
pub(super) struct Edits {
    pub(super) list: Vec<Edit>,
    texts: Vec<Bytes>,
    /// The number of the next addition.
    pub(super) next: u32,
    /// The bytes that the list writes: edits may share a text.
    bytes: usize,
}

impl Edits {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The bytes of an edit.
    pub(super) fn text(&self, edit: &Edit) -> &[u8] {
        let Text { chunk, start, len } = edit.text;
        self.texts
            .get(chunk as usize)
            .and_then(|texts| texts.get(start as usize..start as usize + len as usize))
            .unwrap_or_default()
    }

    /// The bytes of all edits.
    pub(super) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.texts.iter().map(AsRef::as_ref)
    }

    /// The bytes that they write, whatever they take away.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The edits from one key to another, both included. `hint` is where the last search ended, and the next begins.
    #[inline]
    pub(super) fn between(&self, low: Key, high: Key, hint: &mut usize) -> &[Edit] {
        if self.list.is_empty() {
            return &[];
        }
        let start = seek(&self.list, low, *hint);
        let rest = self.list.get(start..).unwrap_or_default();
        let len = gallop(rest, |edit| edit.key <= high);
        *hint = start;
        rest.get(..len).unwrap_or_default()
    }

    /// The edit with this key.
    pub(super) fn find(&self, key: Key) -> Option<&Edit> {
        let at = self.list.binary_search_by_key(&key, |edit| edit.key).ok()?;
        self.list.get(at)
    }

    /// A draft of edits on top of these.
    pub(super) fn draft(&self) -> Draft {
        Draft {
            list: Vec::new(),
            text: Vec::new(),
            chunk: offset(self.texts.len()),
            next: self.next,
            sorted: true,
        }
    }

    /// Puts a draft's edits on top of these.
    pub(super) fn put(&mut self, draft: Draft) {
        let Draft {
            list: mut new,
            text,
            next,
            sorted,
            ..
        } = draft;
        if !sorted {
            // Stable, so that of equal keys the latest stays last, and quick on runs that are sorted already.
            new.sort_by_key(|edit| edit.key);
        }
        self.texts.push(Bytes::from(text));
        self.next = next;
        if self.list.is_empty() && sorted {
            self.bytes = sum(&new);
            self.list = new;
        } else if new.len() <= self.list.len() / FEW {
            for edit in new {
                self.insert(edit);
            }
        } else {
            self.list = merged(&self.list, new);
            self.bytes = sum(&self.list);
        }
    }

    /// Puts one edit where it belongs: mostly behind all others, since plugins go through rows in order.
    fn insert(&mut self, edit: Edit) {
        let is_last = self.list.last().is_none_or(|last| last.key < edit.key);
        let at = if is_last {
            self.list.len()
        } else {
            self.list.partition_point(|before| before.key < edit.key)
        };
        self.bytes += edit.text.len as usize;
        match self.list.get_mut(at) {
            Some(before) if before.key == edit.key => {
                self.bytes -= before.text.len as usize;
                *before = edit;
            }
            _ => self.list.insert(at, edit),
        }
    }
}

/// So many times fewer edits than there are already are put in one by one: a plugin that writes row by row must not have the
/// whole list merged each time, and mostly writes behind all that there is.
const FEW: usize = 64;

/// Two lists in one, where the later edit of a key counts.
fn merged(old: &[Edit], new: Vec<Edit>) -> Vec<Edit> {
    let mut list: Vec<Edit> = Vec::with_capacity(old.len() + new.len());
    let mut old = old.iter().peekable();
    for edit in new {
        while let Some(before) = old.next_if(|old| old.key < edit.key) {
            list.push(*before);
        }
        old.next_if(|old| old.key == edit.key);
        match list.last_mut() {
            Some(before) if before.key == edit.key => *before = edit,
            _ => list.push(edit),
        }
    }
    list.extend(old);
    list
}

fn sum(list: &[Edit]) -> usize {
    list.iter().map(|edit| edit.text.len as usize).sum()
}

/// The first place at or after `hint` whose key is not below `key`; from the start if the hint is too far.
fn seek(list: &[Edit], key: Key, hint: usize) -> usize {
    let before = hint.checked_sub(1).and_then(|i| list.get(i));
    if hint > list.len() || before.is_some_and(|edit| edit.key >= key) {
        return list.partition_point(|edit| edit.key < key);
    }
    hint + gallop(list.get(hint..).unwrap_or_default(), |edit| edit.key < key)
}

/// A partition point that is near the start.
fn gallop(list: &[Edit], below: impl Fn(&Edit) -> bool) -> usize {
    let mut step = 1;
    while list.get(step - 1).is_some_and(&below) {
        step *= 2;
    }
    let start = step / 2;
    let end = (step - 1).min(list.len());
    start
        + list
            .get(start..end)
            .map_or(0, |part| part.partition_point(below))
}

/// The edits of one call, before they count.
#[derive(Debug)]
pub(super) struct Draft {
    list: Vec<Edit>,
    text: Vec<u8>,
    chunk: u32,
    next: u32,
    sorted: bool,
}

impl Draft {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The edits in it.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Makes room for edits.
    pub(super) fn reserve(&mut self, edits: usize) {
        self.list.reserve(edits);
    }

    /// Keeps a text that edits can share.
    pub(super) fn keep(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Text {
        let start = self.text.len();
        write(&mut self.text);
        Text {
            chunk: self.chunk,
            start: offset(start),
            len: offset(self.text.len() - start),
        }
    }

    /// Adds an edit; without a text it removes the field.
    pub(super) fn push(&mut self, key: Key, end: u32, depth: u8, text: Option<Text>) -> Edit {
        let text = text.unwrap_or(Text {
            chunk: self.chunk,
            start: 0,
            len: 0,
        });
        self.sorted &= self.list.last().is_none_or(|last| last.key < key);
        let edit = Edit {
            key,
            end,
            depth,
            text,
        };
        self.list.push(edit);
        edit
    }

    /// Adds a field to the message whose additions begin at `tail`. None if the batch can take no more of them.
    pub(super) fn add(&mut self, tail: Key, depth: u8, text: Text) -> Option<()> {
        if self.next >= MAX_ADDED {
            return None;
        }
        self.push(tail.numbered(self.next), tail.position(), depth, Some(text));
        self.next += 1;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Drafts of one edit and of many, behind all others and among them, come to what a map would hold.
    #[test]
    fn of_each_key_the_latest_edit_counts_however_they_came() {
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..50 {
            let (mut edits, mut expected) = (Edits::default(), BTreeMap::new());
            for round in 0..60 {
                let many = if round % 20 == 0 { 300 } else { 1 };
                let mut draft = edits.draft();
                for _ in 0..many {
                    let key = if random.bool() {
                        Key::replaces(round * 10)
                    } else {
                        Key::replaces(random.usize(..2_000))
                    };
                    let value: String = (0..random.usize(..5))
                        .map(|_| random.alphabetic())
                        .collect();
                    let text = draft.keep(|text| text.extend_from_slice(value.as_bytes()));
                    draft.push(key, 0, 0, Some(text));
                    expected.insert(key, value);
                }
                edits.put(draft);
                let bytes: usize = expected.values().map(String::len).sum();
                assert_eq!(edits.bytes(), bytes);
            }
            let found = edits.list.iter().map(|edit| (edit.key, edits.text(edit)));
            let expected = expected.iter().map(|(key, value)| (*key, value.as_bytes()));
            assert!(found.eq(expected));
        }
    }
}
