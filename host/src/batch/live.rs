//! Which rows are still there: a bit for each row of a table.

/// A bit for each row; all set in the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    pub(super) fn all(len: usize) -> Self {
        let mut words = vec![u64::MAX; len.div_ceil(64)];
        if let Some(last) = words.last_mut().filter(|_| !len.is_multiple_of(64)) {
            *last = (1 << (len % 64)) - 1;
        }
        Self { words, len }
    }

    #[inline]
    pub(super) fn get(&self, i: usize) -> bool {
        self.words
            .get(i / 64)
            .is_some_and(|word| word >> (i % 64) & 1 == 1)
    }

    #[inline]
    pub(super) fn clear(&mut self, i: usize) {
        if let Some(word) = self.words.get_mut(i / 64) {
            *word &= !(1 << (i % 64));
        }
    }

    pub(super) fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// Whether any bit of these rows is set, and whether all are.
    pub(super) fn any_and_all(&self, rows: std::ops::Range<usize>) -> (bool, bool) {
        let (mut any, mut all) = (false, true);
        let mut i = rows.start;
        while i < rows.end {
            let width = (64 - i % 64).min(rows.end - i);
            let mask = (u64::MAX >> (64 - width)) << (i % 64);
            let word = self.words.get(i / 64).copied().unwrap_or_default() & mask;
            any |= word != 0;
            all &= word == mask;
            i += width;
        }
        (any, all)
    }

    /// The rows whose bit is set.
    pub(super) fn rows(&self) -> impl Iterator<Item = u32> {
        (0u32..).zip(&self.words).flat_map(|(i, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                (left != 0).then(|| {
                    let bit = left.trailing_zeros();
                    left &= left - 1;
                    i * 64 + bit
                })
            })
        })
    }
}

/// Bit `i` of a packed list of bits, least significant first; no bit beyond its end.
#[inline]
pub(super) fn bit(bits: &[u8], i: usize) -> bool {
    bits.get(i / 8).is_some_and(|byte| byte >> (i % 8) & 1 == 1)
}

/// A packed list of bits under construction.
#[derive(Debug, Default)]
pub(super) struct BitList {
    bytes: Vec<u8>,
    len: usize,
}

impl BitList {
    #[inline]
    pub(super) fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (self.len % 8);
        }
        self.len += 1;
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
