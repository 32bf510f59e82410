//! Weighs bytes sixteen at a time: which of them may be the sign of a secret, which are digits, dots, and letters of words.
//!
//! Each half of a byte picks a row of a table, and what both rows have in common is what the byte is: the way of looking
//! bytes up that Hyperscan calls shufti. A byte is weighed together with the next one, so that the letters and quotes that
//! every text is full of are signs only before what makes them one.

use wide::u8x16;

/// Bytes weighed together.
pub(crate) const BLOCK: usize = 64;
const LANES: usize = 16;

/// A bit for each byte of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weights {
    /// Whether it may be the sign of a secret.
    pub(crate) signs: u64,
    /// Whether it is a digit.
    pub(crate) digits: u64,
    /// Whether it is a dot.
    pub(crate) dots: u64,
    /// Whether it is a letter of ASCII.
    pub(crate) letters: u64,
    /// Whether it joins the parts of a word: an underscore or a dash.
    pub(crate) joints: u64,
}

/// What a byte can be; the highest is the one that `to_bitmask` reads.
const DIGIT: u8 = 1 << 7;
const DOT: u8 = 1 << 7;
/// An at sign, and the last letter of `eyJ`, with which JSON begins in base64.
const AT: u8 = 1;
/// What escapes begin with: the first of HTML's too.
const PERCENT: u8 = 1 << 1;
const BACKSLASH: u8 = 1 << 2;
/// An escape character before a bracket, or a plus before a digit or a bracket, and before some letters by the way.
const ESC: u8 = 1 << 3;
/// A colon, an equals sign, or the end of a tag.
const ASSIGNS: u8 = 1 << 4;
/// A quote, blank or dash, before a comma, a single quote, perhaps with a backslash, or a dash: `"name", "value"`,
/// `password 'value'`, `--name value`; and before a `W` or a `]` by the way.
const PARTS: u8 = 1 << 5;
/// A `b`, before the next letter of Bearer, Basic or BEGIN.
const SCHEME: u8 = 1 << 6;
const ALONE: u8 = DIGIT | AT | PERCENT | BACKSLASH | ASSIGNS;

/// What a byte with this low half, and one with this high half, can be.
const THIS: [[u8; LANES]; 2] = table(
    [0; LANES],
    &[
        (DIGIT, b"0123456789"),
        (AT, b"@J"),
        (PERCENT, b"%&"),
        (BACKSLASH, b"\\"),
        (ESC, b"\x1b+"),
        (ASSIGNS, b":=>"),
        (PARTS, b"\"' -"),
        (SCHEME, b"bB"),
    ],
);

/// What a byte can be before one with this low half, and one with this high half.
const NEXT: [[u8; LANES]; 2] = table(
    [ALONE; LANES],
    &[(PARTS, b",'-\\"), (SCHEME, b"aAeE"), (ESC, b"[(0123456789")],
);

/// What else a byte can be: a dot, or a letter, which is of either other kind.
const WORDS: [[u8; LANES]; 2] = table(
    [0; LANES],
    &[
        (DOT, b"."),
        (1, b"ABCDEFGHIJKLMNOabcdefghijklmno"),
        (1 << 1, b"PQRSTUVWXYZpqrstuvwxyz"),
    ],
);

/// Each kind takes the low and high halves of its bytes; the combinations of these halves must be no other bytes.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses a wrong index"
)]
const fn table(start: [u8; LANES], kinds: &[(u8, &[u8])]) -> [[u8; LANES]; 2] {
    let mut halves = [start, start];
    let mut kind = 0;
    while kind < kinds.len() {
        let (bit, bytes) = kinds[kind];
        let mut i = 0;
        while i < bytes.len() {
            halves[0][(bytes[i] & 15) as usize] |= bit;
            halves[1][(bytes[i] >> 4) as usize] |= bit;
            i += 1;
        }
        kind += 1;
    }
    halves
}

/// Weighs a block, which the byte behind it follows.
#[inline]
pub(crate) fn weigh(bytes: &[u8; BLOCK + 1]) -> Weights {
    let ([block @ .., _], [_, nexts @ ..]) = (bytes, bytes);
    let (blocks, nexts) = (block.as_chunks().0, nexts.as_chunks().0);
    let mut weights = Weights::default();
    for (i, (bytes, next)) in blocks.iter().zip(nexts).enumerate() {
        let (block, next) = (Halves::of(*bytes), Halves::of(*next));
        let kinds = block.look_up(&THIS) & next.look_up(&NEXT);
        let words = block.look_up(&WORDS);
        let place = |bits: u32| u64::from(bits) << (i * LANES);
        weights.digits |= place(kinds.to_bitmask());
        weights.signs |= place(any_but_highest(kinds));
        weights.dots |= place(words.to_bitmask());
        weights.letters |= place(any_but_highest(words));
        weights.joints |= place(joints(*bytes));
    }
    weights
}

/// A bit for each of these bytes that joins the parts of a word.
#[inline]
pub(crate) fn joints(bytes: [u8; LANES]) -> u32 {
    let bytes = u8x16::new(bytes);
    let is = |byte| bytes.simd_eq(u8x16::splat(byte));
    (is(b'_') | is(b'-')).to_bitmask()
}

/// Whether this byte is among these.
pub(crate) fn holds(bytes: &[u8], byte: u8) -> bool {
    let (vectors, rest) = bytes.as_chunks();
    let sought = u8x16::splat(byte);
    rest.contains(&byte)
        || vectors
            .iter()
            .any(|vector| u8x16::new(*vector).simd_eq(sought).any())
}

/// Which bytes have any bit but the highest.
#[inline]
fn any_but_highest(kinds: u8x16) -> u32 {
    let others = u8x16::splat(0x7f);
    (kinds & others).saturating_add(others).to_bitmask()
}

/// The low and the high halves of bytes.
struct Halves {
    low: u8x16,
    high: u8x16,
}

impl Halves {
    #[inline]
    fn of(bytes: [u8; LANES]) -> Self {
        let bytes = u8x16::new(bytes);
        Self {
            low: bytes & u8x16::splat(15),
            high: bytes.unbounded_shr_scalar(4),
        }
    }

    #[inline]
    fn look_up(&self, [low, high]: &[[u8; LANES]; 2]) -> u8x16 {
        u8x16::new(*low).shuffle(self.low) & u8x16::new(*high).shuffle(self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Weights, weigh};

    fn expected(byte: u8, next: u8) -> Weights {
        let sign = match byte {
            b'@' | b'J' | b'%' | b'&' | b'\\' | b':' | b'=' | b'>' => true,
            0x1b | b'+' => matches!(next >> 4, 2 | 3 | 5) && matches!(next & 15, 0..=9 | 11),
            b'"' | b'\'' | b' ' | b'-' => {
                matches!(next, b',' | b'\'' | b'-' | b'\\' | b'W' | b']')
            }
            b'b' | b'B' => matches!(next, b'a' | b'A' | b'e' | b'E'),
            _ => false,
        };
        Weights {
            signs: u64::from(sign),
            digits: u64::from(byte.is_ascii_digit()),
            dots: u64::from(byte == b'.'),
            letters: u64::from(byte.is_ascii_alphabetic()),
            joints: u64::from(matches!(byte, b'_' | b'-')),
        }
    }

    /// The same, of a byte at this place in a block.
    fn placed(weights: Weights, place: usize) -> Weights {
        let shifted = |bit: u64| if place < BLOCK { bit << place } else { 0 };
        Weights {
            signs: shifted(weights.signs),
            digits: shifted(weights.digits),
            dots: shifted(weights.dots),
            letters: shifted(weights.letters),
            joints: shifted(weights.joints),
        }
    }

    #[test]
    fn every_pair_of_bytes_weighs_what_it_is_in_every_place() {
        for byte in 0..=u8::MAX {
            for next in 0..=u8::MAX {
                let place = usize::from(byte ^ next) % BLOCK;
                let mut block = [0; BLOCK + 1];
                block[place..place + 2].copy_from_slice(&[byte, next]);
                let first = placed(expected(byte, next), place);
                let second = placed(expected(next, 0), place + 1);
                let both = Weights {
                    signs: first.signs | second.signs,
                    digits: first.digits | second.digits,
                    dots: first.dots | second.dots,
                    letters: first.letters | second.letters,
                    joints: first.joints | second.joints,
                };
                assert_eq!(weigh(&block), both, "{byte:#x} {next:#x}");
            }
        }
    }
}
