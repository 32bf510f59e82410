//! `Mask`: a bit a row, to say which rows stay.

/// A bit a row. [`Batch::retain`](crate::Batch::retain) keeps the rows whose bit is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mask {
    bits: Vec<u8>,
    len: usize,
}

impl Mask {
    /// A mask of `len` rows, none of them set.
    pub fn none(len: usize) -> Self {
        Self {
            bits: vec![0; len.div_ceil(8)],
            len,
        }
    }

    /// A mask of `len` rows, all of them set.
    pub fn all(len: usize) -> Self {
        let mut bits = vec![0xff; len.div_ceil(8)];
        if let Some(last) = bits.last_mut()
            && !len.is_multiple_of(8)
        {
            *last = 0xff >> (8 - len % 8);
        }
        Self { bits, len }
    }

    /// A mask of `len` rows, set where `keep` says so.
    pub fn from_fn(len: usize, keep: impl FnMut(usize) -> bool) -> Self {
        (0..len).map(keep).collect()
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no rows at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the row is set. A row past the end is not.
    pub fn get(&self, row: usize) -> bool {
        bit(&self.bits, row)
    }

    /// Sets or clears a row. A row past the end is left alone.
    pub fn set(&mut self, row: usize, keep: bool) {
        if row >= self.len {
            return;
        }
        if let Some(byte) = self.bits.get_mut(row / 8) {
            let bit = 1 << (row % 8);
            *byte = if keep { *byte | bit } else { *byte & !bit };
        }
    }

    /// The number of rows that are set.
    pub fn count(&self) -> usize {
        self.bits
            .iter()
            .map(|byte| byte.count_ones() as usize)
            .sum()
    }

    pub(crate) fn bits(&self) -> &[u8] {
        &self.bits
    }
}

impl FromIterator<bool> for Mask {
    fn from_iter<I: IntoIterator<Item = bool>>(rows: I) -> Self {
        let rows = rows.into_iter();
        let mut mask = Self {
            bits: Vec::with_capacity(rows.size_hint().0.div_ceil(8)),
            len: 0,
        };
        let mut byte = 0;
        for keep in rows {
            byte |= u8::from(keep) << (mask.len % 8);
            mask.len += 1;
            if mask.len.is_multiple_of(8) {
                mask.bits.push(byte);
                byte = 0;
            }
        }
        if !mask.len.is_multiple_of(8) {
            mask.bits.push(byte);
        }
        mask
    }
}

/// Bit `index` of a list of bits, least significant first; past the end it is clear.
pub(crate) fn bit(bits: &[u8], index: usize) -> bool {
    bits.get(index / 8)
        .is_some_and(|byte| byte >> (index % 8) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::Mask;

    #[test]
    fn rows_are_bits_from_the_least_significant() {
        let mask = Mask::from_fn(10, |row| row == 0 || row == 9);
        assert_eq!(
            (mask.bits(), mask.len(), mask.count()),
            (&[1, 2][..], 10, 2)
        );
        assert!(mask.get(9) && !mask.get(8) && !mask.get(10));
    }

    #[test]
    fn rows_are_set_and_cleared() {
        let mut mask = Mask::all(10);
        assert_eq!((mask.bits(), mask.count()), (&[0xff, 3][..], 10));
        mask.set(0, false);
        mask.set(10, true);
        assert_eq!(mask.bits(), [0xfe, 3]);
        assert_eq!(Mask::all(8).bits(), [0xff]);
        assert_eq!(Mask::none(9).bits(), [0, 0]);
    }
}
