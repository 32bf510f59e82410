//! Columns as they come out of a batch: `Texts`, `Integers`, `Doubles`, `Ids`. One entry a row, held in one piece.

use std::ops::Range;

use crate::{
    contract::{PackedDoubles, PackedIntegers, PackedTexts},
    mask::bit,
};

/// A column of texts: one entry a row, absent or a `&str`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    packed: PackedTexts,
}

impl Texts {
    pub(crate) fn new(packed: PackedTexts) -> Self {
        Self { packed }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.packed.ends.len()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.packed.ends.is_empty()
    }

    /// The text of a row. Absent and past the end are both `None`.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.get_bytes(row).map(text)
    }

    /// The text of a row as bytes: UTF-8, and cheaper than [`get`](Self::get), which checks that.
    pub fn get_bytes(&self, row: usize) -> Option<&[u8]> {
        if !bit(&self.packed.present, row) {
            return None;
        }
        self.packed.data.get(self.range(row))
    }

    /// The texts, row by row.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&str>> {
        (0..self.len()).map(|row| self.get(row))
    }

    /// The rows that have a text, with it.
    pub fn present(&self) -> impl Iterator<Item = (usize, &str)> {
        (0..self.len()).filter_map(|row| Some((row, self.get(row)?)))
    }

    /// All texts in one piece, one after the other without anything in between, for what scans them in one pass.
    pub fn data(&self) -> &[u8] {
        &self.packed.data
    }

    /// Where each row's text ends in [`data`](Self::data), and the next one's begins.
    pub fn ends(&self) -> &[u32] {
        &self.packed.ends
    }

    /// Where a row's text is in [`data`](Self::data); empty where it is absent.
    pub fn range(&self, row: usize) -> Range<usize> {
        let end = |row: usize| self.packed.ends.get(row).map_or(0, |end| *end as usize);
        let start = row.checked_sub(1).map_or(0, end);
        start..end(row).max(start)
    }

    /// The row whose text holds the byte at `offset` of [`data`](Self::data).
    pub fn row_at(&self, offset: usize) -> usize {
        self.packed
            .ends
            .partition_point(|end| *end as usize <= offset)
    }
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).expect("the host hands out valid UTF-8")
}

/// A column of integers: one entry a row, absent or an `i64`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Integers {
    packed: PackedIntegers,
}

impl Integers {
    pub(crate) fn new(packed: PackedIntegers) -> Self {
        Self { packed }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.packed.items.len()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.packed.items.is_empty()
    }

    /// The integer of a row. Absent and past the end are both `None`.
    pub fn get(&self, row: usize) -> Option<i64> {
        self.packed
            .items
            .get(row)
            .copied()
            .filter(|_| bit(&self.packed.present, row))
    }

    /// The integers, row by row.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<i64>> {
        (0..self.len()).map(|row| self.get(row))
    }
}

/// A column of doubles: one entry a row, absent or an `f64`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Doubles {
    packed: PackedDoubles,
}

impl Doubles {
    pub(crate) fn new(packed: PackedDoubles) -> Self {
        Self { packed }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.packed.items.len()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.packed.items.is_empty()
    }

    /// The double of a row. Absent and past the end are both `None`.
    pub fn get(&self, row: usize) -> Option<f64> {
        self.packed
            .items
            .get(row)
            .copied()
            .filter(|_| bit(&self.packed.present, row))
    }

    /// The doubles, row by row.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<f64>> {
        (0..self.len()).map(|row| self.get(row))
    }
}

/// A column of ids of `N` bytes: one entry a row. An id of zeros is absent, as OpenTelemetry has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ids<const N: usize> {
    bytes: Vec<u8>,
}

/// A column of trace ids.
pub type TraceIds = Ids<16>;

/// A column of span ids.
pub type SpanIds = Ids<8>;

impl<const N: usize> Ids<N> {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.all().len()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The id of a row. Absent and past the end are both `None`.
    pub fn get(&self, row: usize) -> Option<&[u8; N]> {
        self.all().get(row).filter(|id| **id != [0; N])
    }

    /// The ids, row by row.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&[u8; N]>> {
        self.all()
            .iter()
            .map(|id| Some(id).filter(|id| **id != [0; N]))
    }

    fn all(&self) -> &[[u8; N]] {
        self.bytes.as_chunks().0
    }
}

#[cfg(test)]
mod tests {
    use super::{Doubles, Ids, Integers, Texts};
    use crate::contract::{PackedDoubles, PackedIntegers, PackedTexts};

    #[test]
    fn absent_and_empty_texts_differ() {
        let packed = PackedTexts {
            data: b"abc".into(),
            ends: vec![1, 1, 1, 3],
            present: vec![0b1011],
        };
        let texts = Texts::new(packed);
        assert_eq!(
            texts.iter().collect::<Vec<_>>(),
            [Some("a"), Some(""), None, Some("bc")]
        );
        assert_eq!(
            texts.present().collect::<Vec<_>>(),
            [(0, "a"), (1, ""), (3, "bc")]
        );
        assert_eq!((texts.len(), texts.get(4)), (4, None));
    }

    #[test]
    fn an_offset_in_the_data_belongs_to_a_row() {
        let packed = PackedTexts {
            data: b"abc".into(),
            ends: vec![1, 1, 3],
            present: vec![0b111],
        };
        let texts = Texts::new(packed);
        assert_eq!([0, 1, 2].map(|offset| texts.row_at(offset)), [0, 2, 2]);
        assert_eq!([0, 1, 2].map(|row| texts.range(row)), [0..1, 1..1, 1..3]);
    }

    #[test]
    fn absent_numbers_and_ids_are_none() {
        let integers = Integers::new(PackedIntegers {
            items: vec![7, 0],
            present: vec![1],
        });
        assert_eq!(integers.iter().collect::<Vec<_>>(), [Some(7), None]);
        let doubles = Doubles::new(PackedDoubles {
            items: vec![0.0, 0.5],
            present: vec![2],
        });
        assert_eq!(doubles.iter().collect::<Vec<_>>(), [None, Some(0.5)]);
        let ids = Ids::<2>::new(vec![0, 0, 1, 2]);
        assert_eq!(ids.iter().collect::<Vec<_>>(), [None, Some(&[1, 2])]);
        assert_eq!(
            (ids.len(), ids.get(1), ids.get(2)),
            (2, Some(&[1, 2]), None)
        );
    }
}
