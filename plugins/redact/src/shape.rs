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
    letters: u64,
    joints: u64,
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
            letters: self.letters >> BLOCK,
            joints: self.joints >> BLOCK,
            starts: self.starts >> BLOCK,
        }
    }

    /// The same, where these bytes of the second block join the parts of words, and texts start at those.
    #[inline]
    pub(crate) fn with(self, joints: u32, starts: u32) -> Self {
        let second = |block: u32| u64::from(block) << BLOCK;
        let letters = self.words & !self.digits & second(!joints);
        Self {
            letters: self.letters | letters,
            joints: self.joints | second(joints),
            starts: self.starts | second(starts),
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

    /// Those of the long numbers of [`Self::long_numbers`] that a card's may begin with: no letter is before, nor behind four
    /// digits, or thirteen are in a row.
    #[inline]
    pub(crate) fn cards(self, long: u64) -> u64 {
        if long == 0 {
            return 0;
        }
        let four = self.four();
        let row = four >> 4 & four >> 8 & self.digits >> 12;
        let parted = !(self.digits >> 4 | self.letters >> 4);
        long & (row | parted) & self.begin() & self.no_letter_before()
    }

    /// Where digits begin as they do in telephone and social security numbers: three that one or two other bytes part from
    /// three more, three and two and four, two and two and two and two, or six in a row. No letter is next to the first of
    /// these, and behind the beginning of a text the last two need a name.
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
        let row = three >> 3 & self.begin() & !self.starts;
        let parted = !(digits << 1 & digits << 2 | digits >> 2 | digits >> 5 | digits >> 8);
        let twos = twos & parted & !(self.letters >> 2) & !self.starts;
        let whole = self.of_one_text();
        let three = three & ((threes | security) & !(self.letters >> 3) | row) & whole.six;
        (three | twos & whole.nine) & self.no_letter_before() & MIDDLE
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

    /// Where a word of sixteen letters or more begins; at the beginning of a text only such as have a letter there or
    /// behind a joint.
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
        let mut parts = self.joints & self.letters >> 1;
        for by in [1, 2, 4, 8] {
            parts |= parts >> by;
        }
        let may_be_key = self.letters | parts | !self.starts;
        sixteen & begin & may_be_key & self.of_one_text().sixteen & MIDDLE
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
    fn no_letter_before(self) -> u64 {
        !(self.letters << 1) | self.starts
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
    use crate::weigh::{BLOCK, joints, weigh};

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

    #[test]
    fn no_shape_goes_on_from_one_text_to_the_next_nor_through_letters() {
        let long = |pair: Pair| pair.cards(pair.long_numbers());
        for (texts, shape, expected) in [
            (
                &["415-5", "55-2671"][..],
                Pair::short_numbers as fn(Pair) -> u64,
                &[][..],
            ),
            (&["x12", "415-555-2671"], Pair::short_numbers, &[3, 7]),
            (&["a415-555-2671"], Pair::short_numbers, &[5]),
            (&["415a555 x"], Pair::short_numbers, &[]),
            (&["x", "0171234567"], Pair::short_numbers, &[]),
            (&["x 0171234567"], Pair::short_numbers, &[2]),
            (&["1.2", ".3.4"], Pair::dotted, &[]),
            (&["x", "4111 1111"], long, &[1]),
            (&["x4111 1111"], long, &[]),
            (&["4111x1111"], long, &[]),
            (&["4111111111111"], long, &[0]),
            (&["411111111111"], long, &[]),
            (&["x", "ghp_0123456789ab"], Pair::long_words, &[1]),
            (&["ghp_0123", "456789ab"], Pair::long_words, &[]),
            (&["x", "0123456789abcdef"], Pair::long_words, &[]),
            (&["x", "0123_abcdefghijk"], Pair::long_words, &[1]),
            (&["x.0123456789abcdef"], Pair::long_words, &[2]),
        ] {
            let mut bytes = [b' '; 3 * BLOCK];
            let (mut end, mut starts) = (FIRST, 0);
            for text in texts {
                starts |= 1 << end;
                bytes[end..end + text.len()].copy_from_slice(text.as_bytes());
                end += text.len();
            }
            let mut pair = Pair::default();
            for (start, starts) in [(0, starts), (BLOCK, 0)] {
                let block = |by: usize| bytes[start + by..].first_chunk().unwrap();
                let weights = weigh(block(0), block(1));
                pair = pair.next(weights).with(joints(block(0)), starts);
            }
            let bits = shape(pair);
            let found: Vec<_> = (0..BLOCK)
                .filter(|i| bits >> (FIRST + i) & 1 == 1)
                .collect();
            assert_eq!(found, expected, "{texts:?}");
        }
    }
}
