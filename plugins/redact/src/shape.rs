//! Shapes in the bits of blocks: where something may begin that is full of digits, or a long word.
//!
//! A bit is a byte. Two windows lie over the block that was weighed last and the one before, each one half a window further
//! on than the last: what begins in the middle of a window is met there whole, and each shape is met once. Both windows are
//! looked through together, and without asking: to tell most blocks apart costs more than to look at all.

use wide::u64x2;

use crate::weigh::{BLOCK, Weights};

/// Bits of both windows.
type Bits = u64x2;

/// How far a window is from the next one.
pub(crate) const STEP: usize = BLOCK / 2;
/// The first place in a window that shapes are looked for in: no shape is longer than half a window, nor looks back further.
pub(crate) const FIRST: usize = STEP / 2;
/// Where in a window shapes are looked for.
const MIDDLE: u64 = (u32::MAX as u64) << FIRST;

/// What the bytes in both windows are.
#[derive(Clone, Copy)]
pub(crate) struct Windows {
    digits: Bits,
    dots: Bits,
    letters: Bits,
    joints: Bits,
    /// Where texts start: no shape goes on from one to the next.
    starts: Bits,
}

/// What is around shapes in one window.
pub(crate) struct Around {
    /// Where letters are.
    pub(crate) letters: u64,
    /// Where underscores and dashes are.
    pub(crate) joints: u64,
    /// Where texts start.
    pub(crate) starts: u64,
    /// Where accounts' numbers may begin.
    pub(crate) heads: u64,
}

impl Around {
    /// Whether one of these is before `place` in its text, or may be before the window.
    pub(crate) fn has_before(&self, place: u32, these: u64) -> bool {
        let before = (1 << place) - 1;
        let started = self.starts & (before << 1 | 1);
        let start = u64::BITS - 1 - started.max(1).leading_zeros();
        started == 0 || (these & before) >> start != 0
    }
}

/// Whether the bytes so much further on are such.
#[inline]
fn on(bits: Bits, by: u32) -> Bits {
    bits >> by
}

/// Whether the bytes so much further back are such.
#[inline]
fn back(bits: Bits, by: u32) -> Bits {
    bits << by
}

/// The window that begins in the middle of the block before, and the one over the block.
#[inline]
fn over(before: u64, block: u64) -> Bits {
    Bits::new([before >> STEP | block << STEP, block])
}

impl Windows {
    /// The windows over a block and the one before, each with a bit where texts start.
    #[inline]
    pub(crate) fn new(before: &(Weights, u64), block: &(Weights, u64)) -> Self {
        Self {
            digits: over(before.0.digits, block.0.digits),
            dots: over(before.0.dots, block.0.dots),
            letters: over(before.0.letters, block.0.letters),
            joints: over(before.0.joints, block.0.joints),
            starts: over(before.1, block.1),
        }
    }

    /// What is around shapes, window by window.
    pub(crate) fn around(&self) -> [Around; 2] {
        let bits = [self.letters, self.joints, self.starts, self.heads()];
        let bits = bits.map(Bits::to_array);
        let around = |[letters, joints, starts, heads]: [u64; 4]| Around {
            letters,
            joints,
            starts,
            heads,
        };
        [
            around(bits.map(|[early, _]| early)),
            around(bits.map(|[_, late]| late)),
        ]
    }

    /// Where groups of four digits begin that one to three other bytes part from the next four, or nine digits in a row:
    /// numbers of cards and of bank accounts are full of these.
    #[inline]
    pub(crate) fn long_numbers(&self) -> Bits {
        let four = self.four();
        let parted = !on(self.digits, 4) & (on(four, 5) | on(four, 6) | on(four, 7));
        let row = on(four, 4) & on(self.digits, 8) & self.begin();
        four & (parted | row) & self.of_one_text().nine & Bits::splat(MIDDLE)
    }

    /// Those of the long numbers of [`Self::long_numbers`] that a card's may begin with: no letter is before, nor behind four
    /// digits, or thirteen are in a row, which are no decimals.
    #[inline]
    pub(crate) fn cards(&self, long: Bits) -> Bits {
        let four = self.four();
        let decimals = back(self.dots, 1) & back(self.digits, 2) & !back(self.starts, 1);
        let row = on(four, 4) & on(four, 8) & on(self.digits, 12) & !(decimals & !self.starts);
        let parted = !on(self.digits | self.letters, 4);
        long & (row | parted) & self.begin() & self.no_letter_before()
    }

    /// Where a bank account's number may begin: two letters and two digits, without a letter or digit before.
    #[inline]
    pub(crate) fn heads(&self) -> Bits {
        let behind = self.letters | self.digits;
        let head = self.letters & on(self.letters, 1) & on(self.digits, 2) & on(self.digits, 3);
        head & (!back(behind, 1) | self.starts)
    }

    /// Where digits begin as they do in telephone and social security numbers: three that one or two other bytes part from
    /// three more, three and two and four, two and two and two and two, or six in a row. No letter is next to the first of
    /// these, and behind the beginning of a text the last two need a name.
    #[inline]
    pub(crate) fn short_numbers(&self) -> Bits {
        let digits = self.digits;
        let two = digits & on(digits, 1);
        let three = two & on(digits, 2);
        let gap = !on(digits, 3);
        let threes = gap & (on(three, 4) | on(three, 5) & !on(digits, 4));
        let security = gap & on(two, 4) & !on(digits, 6) & on(self.four(), 7);
        let row = on(three, 3) & self.begin() & !self.starts;
        let parted =
            back(digits, 1) & back(digits, 2) | on(digits, 2) | on(digits, 5) | on(digits, 8);
        let twos = two & on(two, 3) & on(two, 6) & on(two, 9);
        let twos = twos & !(parted | on(self.letters, 2) | self.starts);
        let whole = self.of_one_text();
        let three = three & ((threes | security) & !on(self.letters, 3) | row) & whole.six;
        (three | twos & whole.nine) & self.no_letter_before() & Bits::splat(MIDDLE)
    }

    /// Where the first dot is of three that part numbers of one to three digits.
    #[inline]
    pub(crate) fn dotted(&self) -> Bits {
        let dots = self.dots & back(self.digits, 1) & on(self.digits, 1);
        let near = |dots: Bits| on(dots, 2) | on(dots, 3) | on(dots, 4);
        dots & near(dots & near(dots)) & self.of_one_text().six & Bits::splat(MIDDLE)
    }

    /// Where a word of sixteen letters or more begins; at the beginning of a text only such as have a letter there or
    /// behind a joint.
    #[inline]
    pub(crate) fn long_words(&self) -> Bits {
        let words = self.letters | self.digits | self.joints;
        let two = words & on(words, 1);
        let four = two & on(two, 2);
        let eight = four & on(four, 4);
        let sixteen = eight & on(eight, 8);
        let begin = !back(words, 1) | self.starts;
        let mut parts = self.joints & on(self.letters, 1);
        for by in [1, 2, 4, 8] {
            parts |= on(parts, by);
        }
        let may_be_key = self.letters | parts | !self.starts;
        sixteen & begin & may_be_key & self.of_one_text().sixteen & Bits::splat(MIDDLE)
    }

    #[inline]
    fn four(&self) -> Bits {
        let two = self.digits & on(self.digits, 1);
        two & on(two, 2)
    }

    /// Where no digit is before, in a text.
    #[inline]
    fn begin(&self) -> Bits {
        !back(self.digits, 1) | self.starts
    }

    #[inline]
    fn no_letter_before(&self) -> Bits {
        !back(self.letters, 1) | self.starts
    }

    #[inline]
    fn of_one_text(&self) -> Whole {
        let two = !on(self.starts, 1);
        let three = two & on(two, 1);
        let five = three & on(three, 2);
        let nine = five & on(five, 4);
        Whole {
            six: five & on(two, 4),
            nine,
            sixteen: nine & on(nine, 7),
        }
    }
}

/// Where so many bytes belong to one text.
struct Whole {
    six: Bits,
    nine: Bits,
    sixteen: Bits,
}

#[cfg(test)]
mod tests {
    use wide::u64x2;

    use super::{FIRST, MIDDLE, STEP, Windows};
    use crate::weigh::{BLOCK, weigh};

    /// Where the shape begins in these texts, which lie one behind the other; the first one begins with so many blanks.
    fn met(texts: &[&str], blanks: usize, shape: fn(&Windows) -> u64x2) -> Vec<usize> {
        let mut bytes = " ".repeat(blanks).into_bytes();
        let mut starts = vec![];
        for text in texts {
            bytes.extend_from_slice(text.as_bytes());
            starts.push(bytes.len());
        }
        starts.pop();
        bytes.resize(4 * BLOCK, b' ');
        let (mut before, mut found) = (Default::default(), vec![]);
        for start in (0..3 * BLOCK).step_by(BLOCK) {
            let inside = starts
                .iter()
                .filter(|at| (start..start + BLOCK).contains(at));
            let bits = inside.fold(0, |bits, at| bits | 1 << (at - start));
            let block = (weigh(bytes[start..].first_chunk().unwrap()), bits);
            let shapes = shape(&Windows::new(&before, &block)).to_array();
            for (window, bits) in shapes.into_iter().enumerate() {
                let bits = (0..BLOCK).filter(|bit| bits >> bit & 1 == 1);
                found.extend(bits.map(|bit| start + window * STEP + bit - STEP - blanks));
            }
            before = block;
        }
        found
    }

    /// Where the shape begins in these texts, wherever they lie in a block.
    fn begins(texts: &[&str], shape: fn(&Windows) -> u64x2) -> Vec<usize> {
        let mut all: Vec<_> = (0..BLOCK).map(|blanks| met(texts, blanks, shape)).collect();
        all.dedup();
        assert_eq!(all.len(), 1, "{texts:?}");
        all.remove(0)
    }

    #[test]
    fn every_shape_is_met_once_wherever_it_lies() {
        assert_eq!(FIRST, 16);
        let heads = |windows: &Windows| windows.heads() & u64x2::splat(MIDDLE);
        for (text, shape, expected) in [
            (
                "4111 1111 x",
                Windows::long_numbers as fn(&Windows) -> u64x2,
                vec![0],
            ),
            ("411111111", Windows::long_numbers, vec![0]),
            ("41111111", Windows::long_numbers, vec![]),
            ("(415) 555-2671", Windows::short_numbers, vec![1, 6]),
            ("415.555.2671", Windows::short_numbers, vec![0, 4]),
            ("078-05-1120", Windows::short_numbers, vec![0]),
            ("06 12 34 56 78", Windows::short_numbers, vec![0, 3]),
            ("0171234567", Windows::short_numbers, vec![0]),
            ("10:22:31 12345", Windows::short_numbers, vec![0]),
            ("12:34:56.78", Windows::short_numbers, vec![0]),
            ("12:34:5", Windows::short_numbers, vec![]),
            ("203.0.113.235", Windows::dotted, vec![3]),
            ("1.2.3, 4.5.6", Windows::dotted, vec![]),
            ("1.2.3.4.5", Windows::dotted, vec![1, 3]),
            ("1.2345.6.7", Windows::dotted, vec![]),
            ("ghp_0123456789ab", Windows::long_words, vec![0]),
            ("x=ghp-0123456789ab", Windows::long_words, vec![2]),
            ("ghp_0123456789a", Windows::long_words, vec![]),
            ("to DE89 3704", heads, vec![3]),
            ("DE8x, 1DE89, DE_89", heads, vec![]),
        ] {
            assert_eq!(begins(&[text], shape), expected, "{text}");
        }
    }

    #[test]
    fn no_shape_goes_on_from_one_text_to_the_next_nor_through_letters() {
        let long = |windows: &Windows| windows.cards(windows.long_numbers());
        for (texts, shape, expected) in [
            (
                &["415-5", "55-2671"][..],
                Windows::short_numbers as fn(&Windows) -> u64x2,
                &[][..],
            ),
            (&["x12", "415-555-2671"], Windows::short_numbers, &[3, 7]),
            (&["a415-555-2671"], Windows::short_numbers, &[5]),
            (&["415a555 x"], Windows::short_numbers, &[]),
            (&["x", "0171234567"], Windows::short_numbers, &[]),
            (&["x 0171234567"], Windows::short_numbers, &[2]),
            (&["1.2", ".3.4"], Windows::dotted, &[]),
            (&["x", "4111 1111"], long, &[1]),
            (&["x4111 1111"], long, &[]),
            (&["4111x1111"], long, &[]),
            (&["4111111111111"], long, &[0]),
            (&["411111111111"], long, &[]),
            (&["0.4111111111111"], long, &[]),
            (&["0", ".4111111111111"], long, &[2]),
            (&["0.", "4111111111111"], long, &[2]),
            (&["x", "ghp_0123456789ab"], Windows::long_words, &[1]),
            (&["ghp_0123", "456789ab"], Windows::long_words, &[]),
            (&["x", "0123456789abcdef"], Windows::long_words, &[]),
            (&["x", "0123_abcdefghijk"], Windows::long_words, &[1]),
            (&["x.0123456789abcdef"], Windows::long_words, &[2]),
        ] {
            let apart = [&[""], texts].concat();
            assert_eq!(begins(&apart, shape), expected, "{texts:?}");
        }
    }
}
