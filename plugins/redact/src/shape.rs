//! Shapes in the bits of two blocks: where something may begin that is full of digits, or a long word.
//!
//! A bit is a byte. Shapes are looked for where they begin in the middle of the two blocks, so that what begins late in a
//! block is met with the next one, and each shape is met once.

use crate::weigh::{BLOCK, Weights};

/// Where in two blocks shapes are looked for: no shape is longer than half a block, nor looks back further.
const MIDDLE: u64 = (u32::MAX as u64) << FIRST;
/// The first place that shapes are looked for in.
pub(crate) const FIRST: usize = BLOCK / 2;

/// What two blocks hold, the first one's in the lower bits.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pair {
    digits: u64,
    dots: u64,
    words: u64,
    /// Where texts start: no shape goes on from one to the next.
    starts: u64,
}

impl Pair {
    /// The pair of this one's second block and the next.
    #[inline]
    pub(crate) fn next(self, weights: Weights) -> Self {
        let shift = |blocks: u64, block: u32| blocks >> BLOCK | u64::from(block) << BLOCK;
        Self {
            digits: shift(self.digits, weights.digits),
            dots: shift(self.dots, weights.dots),
            words: shift(self.words, weights.words),
            starts: self.starts >> BLOCK,
        }
    }

    /// The same with texts that start so in the second block.
    #[inline]
    pub(crate) fn with_starts(self, starts: u32) -> Self {
        Self {
            starts: self.starts | u64::from(starts) << BLOCK,
            ..self
        }
    }

    /// Where groups of four digits begin that one to three other bytes part from the next four, or nine digits in a row:
    /// numbers of cards and of bank accounts are full of these.
    #[inline]
    pub(crate) fn long_numbers(self) -> u64 {
        let four = self.four();
        if four == 0 {
            return 0;
        }
        let parted = !(self.digits >> 4) & (four >> 5 | four >> 6 | four >> 7);
        let row = four >> 4 & self.digits >> 8 & self.begin();
        four & (parted | row) & self.of_one_text().nine & MIDDLE
    }

    /// Where digits begin as they do in telephone and social security numbers: three that one or two other bytes part from
    /// three more, three and two and four, two and two and two and two, or six in a row.
    #[inline]
    pub(crate) fn short_numbers(self) -> u64 {
        let digits = self.digits;
        let two = digits & digits >> 1;
        let three = two & digits >> 2;
        let twos = two & two >> 3 & two >> 6 & two >> 9;
        if three | twos == 0 {
            return 0;
        }
        let gap = !(digits >> 3);
        let threes = gap & (three >> 4 | three >> 5 & !(digits >> 4));
        let security = gap & two >> 4 & !(digits >> 6) & self.four() >> 7;
        let row = three >> 3 & self.begin();
        let parted = !(digits << 1 & digits << 2 | digits >> 2 | digits >> 5 | digits >> 8);
        let whole = self.of_one_text();
        (three & (threes | security | row) & whole.six | twos & parted & whole.nine) & MIDDLE
    }

    /// Where the first dot is of three that part numbers of one to three digits.
    #[inline]
    pub(crate) fn dotted(self) -> u64 {
        let dots = self.dots & self.digits << 1 & self.digits >> 1;
        if dots == 0 {
            return 0;
        }
        let near = |dots: u64| dots >> 2 | dots >> 3 | dots >> 4;
        dots & near(dots & near(dots)) & self.of_one_text().six & MIDDLE
    }

    /// Where a word of sixteen letters or more begins.
    #[inline]
    pub(crate) fn long_words(self) -> u64 {
        let two = self.words & self.words >> 1;
        let four = two & two >> 2;
        let eight = four & four >> 4;
        let sixteen = eight & eight >> 8;
        if sixteen == 0 {
            return 0;
        }
        let begin = !(self.words << 1) | self.starts;
        sixteen & begin & self.of_one_text().sixteen & MIDDLE
    }

    #[inline]
    fn four(self) -> u64 {
        let two = self.digits & self.digits >> 1;
        two & two >> 2
    }

    /// Where no digit is before, in a text.
    #[inline]
    fn begin(self) -> u64 {
        !(self.digits << 1) | self.starts
    }

    #[inline]
    fn of_one_text(self) -> Whole {
        let two = !(self.starts >> 1);
        let three = two & two >> 1;
        let five = three & three >> 2;
        let nine = five & five >> 4;
        Whole {
            six: five & two >> 4,
            nine,
            sixteen: nine & nine >> 7,
        }
    }
}

/// Where so many bytes belong to one text.
struct Whole {
    six: u64,
    nine: u64,
    sixteen: u64,
}

#[cfg(test)]
mod tests {
    use super::{FIRST, Pair};
    use crate::weigh::{BLOCK, weigh};

    /// Where the shape begins in this text, of less than a block, wherever that lies in a block.
    fn begins(text: &str, shape: fn(Pair) -> u64) -> Vec<usize> {
        let mut all = Vec::new();
        for before in 0..BLOCK {
            let mut bytes = " ".repeat(before).into_bytes();
            bytes.extend_from_slice(text.as_bytes());
            bytes.resize(4 * BLOCK, b' ');
            let mut pair = Pair::default();
            let mut found = Vec::new();
            for start in (0..3 * BLOCK).step_by(BLOCK) {
                let block = |by: usize| bytes[start + by..].first_chunk().unwrap();
                pair = pair.next(weigh(block(0), block(1)));
                let mut bits = shape(pair);
                while bits != 0 {
                    let bit = bits.trailing_zeros() as usize;
                    found.push(start + bit - BLOCK - before);
                    bits &= bits - 1;
                }
            }
            all.push(found);
        }
        all.dedup();
        assert_eq!(all.len(), 1, "{text}");
        all.remove(0)
    }

    #[test]
    fn every_shape_is_met_once_wherever_it_lies() {
        assert_eq!(FIRST, 16);
        for (text, shape, expected) in [
            (
                "4111 1111 x",
                Pair::long_numbers as fn(Pair) -> u64,
                vec![0],
            ),
            ("411111111", Pair::long_numbers, vec![0]),
            ("41111111", Pair::long_numbers, vec![]),
            ("(415) 555-2671", Pair::short_numbers, vec![1, 6]),
            ("415.555.2671", Pair::short_numbers, vec![0, 4]),
            ("078-05-1120", Pair::short_numbers, vec![0]),
            ("06 12 34 56 78", Pair::short_numbers, vec![0, 3]),
            ("0171234567", Pair::short_numbers, vec![0]),
            ("10:22:31 12345", Pair::short_numbers, vec![0]),
            ("12:34:56.78", Pair::short_numbers, vec![0]),
            ("12:34:5", Pair::short_numbers, vec![]),
            ("203.0.113.235", Pair::dotted, vec![3]),
            ("1.2.3, 4.5.6", Pair::dotted, vec![]),
            ("1.2.3.4.5", Pair::dotted, vec![1, 3]),
            ("1.2345.6.7", Pair::dotted, vec![]),
            ("ghp_0123456789ab", Pair::long_words, vec![0]),
            ("x=ghp-0123456789ab", Pair::long_words, vec![2]),
            ("ghp_0123456789a", Pair::long_words, vec![]),
        ] {
            assert_eq!(begins(text, shape), expected, "{text}");
        }
    }
}
