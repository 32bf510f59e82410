//! What goes back into a batch: `Rows`, `TextEdits` for a column, `AttributeEdits` for a table, `LeafEdits` for leaves.

use std::{fmt, ops::RangeFull};

use crate::{Value, contract::PackedTexts};

/// The rows that an edit writes: `..` for all, or a list in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows<'a> {
    /// Every row.
    All,
    /// These rows, ascending. None, if the list is empty.
    Only(&'a [usize]),
}

impl Rows<'_> {
    /// The rows as they go over the fence.
    pub(crate) fn numbers(self) -> Option<Vec<u32>> {
        match self {
            Rows::All => None,
            Rows::Only(rows) => Some(rows.iter().map(|row| number(*row)).collect()),
        }
    }
}

impl From<RangeFull> for Rows<'_> {
    fn from(_: RangeFull) -> Self {
        Self::All
    }
}

impl<'a> From<&'a [usize]> for Rows<'a> {
    fn from(rows: &'a [usize]) -> Self {
        Self::Only(rows)
    }
}

impl<'a> From<&'a Vec<usize>> for Rows<'a> {
    fn from(rows: &'a Vec<usize>) -> Self {
        Self::Only(rows)
    }
}

impl<'a, const N: usize> From<&'a [usize; N]> for Rows<'a> {
    fn from(rows: &'a [usize; N]) -> Self {
        Self::Only(rows)
    }
}

/// New texts for some rows of a column, pushed in ascending order of the rows.
#[derive(Clone, Debug, Default)]
pub struct TextEdits {
    edits: Edits,
}

impl TextEdits {
    /// No edits yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// This row gets this text.
    pub fn push(&mut self, row: usize, text: &str) {
        self.edits.push(row, |out| out.push_str(text));
    }

    /// This row gets the text that `write` writes: no `String` in between.
    pub fn push_with(&mut self, row: usize, write: impl FnOnce(&mut TextWriter<'_>)) {
        self.edits.push(row, write);
    }

    /// The number of rows that get a text.
    pub fn len(&self) -> usize {
        self.edits.indexes.len()
    }

    /// Whether no row gets a text.
    pub fn is_empty(&self) -> bool {
        self.edits.indexes.is_empty()
    }

    pub(crate) fn edits(&self) -> &Edits {
        &self.edits
    }
}

/// New texts for some leaves, pushed in ascending order of their [`Leaf::index`](crate::Leaf::index).
#[derive(Clone, Debug, Default)]
pub struct LeafEdits {
    edits: Edits,
}

impl LeafEdits {
    /// No edits yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// This leaf gets this text. A number or boolean becomes a string, bytes stay bytes.
    pub fn push(&mut self, leaf: usize, text: &str) {
        self.edits.push(leaf, |out| out.push_str(text));
    }

    /// This leaf gets the text that `write` writes: no `String` in between.
    pub fn push_with(&mut self, leaf: usize, write: impl FnOnce(&mut TextWriter<'_>)) {
        self.edits.push(leaf, write);
    }

    /// This leaf goes, and with it its attribute, map entry or element; a field is cleared.
    pub fn remove(&mut self, leaf: usize) {
        self.edits.push_absent(leaf);
    }

    /// The number of leaves that change.
    pub fn len(&self) -> usize {
        self.edits.indexes.len()
    }

    /// Whether no leaf changes.
    pub fn is_empty(&self) -> bool {
        self.edits.indexes.is_empty()
    }

    pub(crate) fn edits(&self) -> &Edits {
        &self.edits
    }
}

/// Attributes to add to rows, pushed in ascending order of the rows; a row may come several times, with different keys.
#[derive(Clone, Debug, Default)]
pub struct AttributeEdits {
    keys: Edits,
    values: Vec<Value>,
}

impl AttributeEdits {
    /// No attributes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// This row gets this attribute, unless it has one of this key.
    pub fn push(&mut self, row: usize, key: &str, value: impl Into<Value>) {
        self.keys.push(row, |out| out.push_str(key));
        self.values.push(value.into());
    }

    /// The number of attributes.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The rows with their keys, and the values.
    pub(crate) fn parts(&self) -> (&Edits, &[Value]) {
        (&self.keys, &self.values)
    }
}

/// Indexes and their texts, in the form in which they go over the fence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edits {
    pub(crate) indexes: Vec<u32>,
    pub(crate) texts: PackedTexts,
}

impl Edits {
    fn push(&mut self, index: usize, write: impl FnOnce(&mut TextWriter<'_>)) {
        write(&mut TextWriter {
            out: &mut self.texts.data,
        });
        self.end(index, true);
    }

    fn push_absent(&mut self, index: usize) {
        self.end(index, false);
    }

    fn end(&mut self, index: usize, present: bool) {
        let at = self.indexes.len();
        if at.is_multiple_of(8) {
            self.texts.present.push(0);
        }
        if let Some(byte) = self.texts.present.last_mut() {
            *byte |= u8::from(present) << (at % 8);
        }
        self.texts.ends.push(number(self.texts.data.len()));
        self.indexes.push(number(index));
    }
}

/// Where the text of one edit is written, piece by piece. It is a [`fmt::Write`], so `write!` works.
pub struct TextWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl TextWriter<'_> {
    /// Adds a piece of the text.
    pub fn push_str(&mut self, piece: &str) {
        self.out.extend_from_slice(piece.as_bytes());
    }
}

impl fmt::Write for TextWriter<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.push_str(piece);
        Ok(())
    }
}

/// A row, an index or an offset as it goes over the fence, where a list has fewer than 2^32 entries.
pub(crate) fn number(index: usize) -> u32 {
    u32::try_from(index).expect("a guest's memory has fewer than 2^32 bytes")
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::{LeafEdits, Rows, TextEdits};

    #[test]
    fn edits_are_packed() {
        let mut edits = TextEdits::new();
        edits.push(2, "ab");
        edits.push_with(5, |text| {
            text.push_str("c");
            write!(text, "{}", 7).unwrap();
        });
        assert_eq!(edits.edits().indexes, [2, 5]);
        assert_eq!(edits.edits().texts.data, b"abc7");
        assert_eq!(edits.edits().texts.ends, [2, 4]);
        assert_eq!(edits.edits().texts.present, [0b11]);
    }

    #[test]
    fn a_removed_leaf_has_no_text() {
        let mut edits = LeafEdits::new();
        for leaf in 0..8 {
            edits.push(leaf, "");
        }
        edits.remove(8);
        edits.push(9, "x");
        assert_eq!(edits.edits().texts.present, [0xff, 0b10]);
        assert_eq!(edits.edits().texts.ends, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((edits.len(), edits.is_empty()), (10, false));
    }

    #[test]
    fn rows_are_all_or_a_list() {
        assert_eq!(Rows::from(..).numbers(), None);
        assert_eq!(Rows::from(&[1, 3]).numbers(), Some(vec![1, 3]));
        assert_eq!(Rows::from(&Vec::new()).numbers(), Some(vec![]));
    }
}
