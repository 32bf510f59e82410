//! Payment card numbers: digits in the groups that cards are printed in, of a known issuer, with a right check digit.

use std::ops::Range;

use crate::name::is_id_name;
use crate::text::{at, before, part, read_before, run_end, run_start, starts_word, tail};

/// The most digits a card number has.
const LONGEST: usize = 19;
/// A run with separators that begins further back than this has digits enough to be met there already.
const LOOK_BACK: usize = 48;
/// A trace id and its dash, in a traceparent.
const ID: usize = 33;
/// What may stand between a name and its value, and how much of a name is looked at.
const GAP: usize = 6;
const NAME: usize = 24;
/// What parts groups beyond ASCII: blanks and dashes that break no line.
const GAPS: [&[u8]; 5] = [
    "\u{a0}".as_bytes(),
    "\u{2009}".as_bytes(),
    "\u{202f}".as_bytes(),
    "\u{2011}".as_bytes(),
    "\u{2013}".as_bytes(),
];
/// The groups that numbers are printed in.
const GROUPS: [&[usize]; 5] = [
    &[4, 4, 4, 4, 3],
    &[4, 4, 4, 4],
    &[4, 6, 5],
    &[4, 6, 4],
    &[4, 4, 4, 1],
];

/// A run of digits and single separators.
pub(crate) struct Run<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Run<'a> {
    /// The run that the digit at `digit` stands in, from no earlier than `floor`.
    pub(crate) fn around(text: &'a [u8], digit: usize, floor: usize) -> Self {
        let floor = floor.max(digit.saturating_sub(LOOK_BACK));
        let mut start = digit;
        while start > floor {
            let gap = gap_before(text, start);
            if before(text, start).is_ascii_digit() {
                start -= 1;
            } else if gap > 0 && start - gap > floor && before(text, start - gap).is_ascii_digit() {
                start -= gap + 1;
            } else {
                break;
            }
        }
        Self { text, at: start }
    }

    /// The position behind what was looked at.
    pub(crate) fn end(&self) -> usize {
        self.at
    }
}

impl Iterator for Run<'_> {
    type Item = Range<usize>;

    /// The next card number of the run.
    fn next(&mut self) -> Option<Self::Item> {
        while at(self.text, self.at).is_ascii_digit() {
            let start = self.at;
            let digits = run_end(self.text, start, |byte| byte.is_ascii_digit());
            let found = (may_be_card(digits - start) && starts(self.text, start))
                .then(|| card_end(self.text, start))
                .flatten()
                .filter(|&end| !is_id(self.text, start, end));
            let end = found.unwrap_or(digits);
            let gap = gap_after(self.text, end);
            self.at = if gap > 0 && at(self.text, end + gap).is_ascii_digit() {
                end + gap
            } else {
                end
            };
            if found.is_some() {
                return Some(start..end);
            }
        }
        None
    }
}

/// Whether a card's number may begin with so many digits in one group.
fn may_be_card(digits: usize) -> bool {
    digits == 4 || (13..=LONGEST).contains(&digits)
}

/// Whether a number may start here: not inside a word, nor in the decimals of another number.
fn starts(text: &[u8], start: usize) -> bool {
    let decimals = before(text, start) == b'.' && start > 1 && at(text, start - 2).is_ascii_digit();
    starts_word(text, start) && !decimals
}

/// Whether a number may end here: not inside a word, nor before decimals other than one zero.
fn ends(text: &[u8], end: usize) -> bool {
    match at(text, end) {
        b'.' if at(text, end + 1) == b'0' => !at(text, end + 2).is_ascii_alphanumeric(),
        b'.' => !at(text, end + 1).is_ascii_digit(),
        byte => !byte.is_ascii_alphanumeric(),
    }
}

/// Whether this is a span or trace id that happens to have digits alone: `span_id=...`, or within a traceparent.
fn is_id(text: &[u8], start: usize, end: usize) -> bool {
    let hexes = |from: usize, to: usize| part(text, from, to).iter().all(u8::is_ascii_hexdigit);
    if before(text, start) == b'-' && at(text, end) == b'-' && start > ID && end - start == 16 {
        return hexes(start - ID, start - 1) && hexes(end + 1, end + 3);
    }
    let name_end = run_start(text, start, GAP, |byte| {
        matches!(byte, b' ' | b'"' | b'\'' | b'\\' | b':' | b'=')
    });
    let name = run_start(text, name_end, NAME, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
    });
    let plain = part(text, start, end).iter().all(u8::is_ascii_digit);
    plain && name_end < start && is_id_name(part(text, name, name_end))
}

/// Where the card number that starts here ends.
fn card_end(text: &[u8], start: usize) -> Option<usize> {
    let mut lengths = [0_usize; 5];
    let mut stops = [0_usize; 5];
    let mut digits = [0_u8; LONGEST];
    let mut count = 0_usize;
    let mut group = start;
    for (length, stop) in lengths.iter_mut().zip(&mut stops) {
        let mut i = group;
        while at(text, i).is_ascii_digit() {
            if let Some(digit) = digits.get_mut(count) {
                *digit = at(text, i) - b'0';
            } else if i - group > LONGEST {
                break;
            }
            count += 1;
            i += 1;
        }
        (*length, *stop) = (i - group, i);
        let gap = gap_after(text, i);
        if gap == 0 || count >= LONGEST || !at(text, i + gap).is_ascii_digit() {
            break;
        }
        group = i + gap;
    }
    let single = lengths
        .first()
        .filter(|length| (13..=LONGEST).contains(length))
        .map(std::slice::from_ref);
    let groups = GROUPS.iter().copied().chain(single);
    groups
        .filter(|groups| lengths.starts_with(groups))
        .find_map(|groups| {
            let number = part(&digits, 0, groups.iter().sum());
            let end = *stops.get(groups.len() - 1)?;
            (ends(text, end) && has_issuer(number) && has_check_digit(number)).then_some(end)
        })
}

/// Whether a number may go on behind a group with this byte: a digit, or the first of a separator.
pub(crate) const fn goes_on(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'+' | b'.' | b'_' | b'\t' | 0xc2 | 0xe2)
}

/// The length of the separator at `i`, of those that cards are printed and typed with.
pub(crate) fn gap_after(text: &[u8], i: usize) -> usize {
    match at(text, i) {
        b' ' => 1 + usize::from(at(text, i + 1) == b' '),
        b'-' | b'+' | b'.' | b'_' | b'\t' => 1,
        0xc2 | 0xe2 => {
            let text = tail(text, i);
            let is = |gap: &&&[u8]| text.starts_with(gap);
            GAPS.iter().find(is).map_or(0, |gap| gap.len())
        }
        _ => 0,
    }
}

/// The length of the separator that ends at `i`.
pub(crate) fn gap_before(text: &[u8], i: usize) -> usize {
    match before(text, i) {
        b' ' => 1 + usize::from(read_before(text, i, b"  ")),
        b'-' | b'+' | b'.' | b'_' | b'\t' => 1,
        byte if byte >= 0x80 => {
            let text = part(text, 0, i);
            let is = |gap: &&&[u8]| text.ends_with(gap);
            GAPS.iter().find(is).map_or(0, |gap| gap.len())
        }
        _ => 0,
    }
}

/// Whether numbers of this length begin so with some issuer.
fn has_issuer(number: &[u8]) -> bool {
    let head = number
        .iter()
        .take(6)
        .fold(0_u32, |head, &digit| head * 10 + u32::from(digit));
    let (two, three, four) = (head / 10_000, head / 1_000, head / 100);
    match number.len() {
        15 if matches!(two, 34 | 37) => true, // American Express
        14 if matches!(three, 300..=305 | 309) || matches!(two, 36 | 38 | 39) => true, // Diners Club
        13 | 16 | 19 if two / 10 == 4 => true,                                         // Visa
        16 if matches!(two, 51..=55) || matches!(four, 2221..=2720) => true,           // Mastercard
        16 | 19 if four == 6011 || matches!(three, 644..=649) || two == 65 => true,    // Discover
        16 if matches!(two, 60 | 81 | 82) || three == 508 => true,                     // RuPay
        16..=19 if two == 62 || matches!(four, 3528..=3589 | 2200..=2204) => true, // UnionPay, JCB, Mir
        _ => matches!(four, 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763), // Maestro
    }
}

/// Whether the last digit is right, by Luhn.
fn has_check_digit(number: &[u8]) -> bool {
    let sum: u32 = number
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| {
            let digit = u32::from(digit);
            if place % 2 == 0 {
                digit
            } else {
                digit * 2 / 10 + digit * 2 % 10
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::Run;

    fn cards(text: &str) -> Vec<&str> {
        let Some(digit) = text.find(|c: char| c.is_ascii_digit()) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let mut at = digit;
        while at < text.len() {
            if !text.as_bytes()[at].is_ascii_digit() {
                at += 1;
                continue;
            }
            let mut run = Run::around(text.as_bytes(), at, 0);
            found.extend(run.by_ref().filter_map(|card| text.get(card)));
            at = run.end().max(at + 1);
        }
        found
    }

    #[test]
    fn numbers_of_every_issuer_are_found() {
        for card in [
            "4111111111111111",
            "4222222222222",
            "5555555555554444",
            "2223003122003222",
            "378282246310005",
            "6011111111111117",
            "30569309025904",
            "3530111333300000",
            "6200000000000005",
            "6759649826438453",
            "6304000000000000",
            "2200000000000053",
            "4000000000000000006",
            "6521111111111110",
        ] {
            assert_eq!(cards(card), [card]);
        }
    }

    #[test]
    fn numbers_are_found_in_the_groups_they_are_printed_in() {
        for (text, card) in [
            ("card 4275 1228 6996 4256 declined", "4275 1228 6996 4256"),
            ("card=4275+1228+6996+4256&x", "4275+1228+6996+4256"),
            ("pan=6011-3993-5115-9488.", "6011-3993-5115-9488"),
            ("3766 113202 04027", "3766 113202 04027"),
            ("3711-305828-66550", "3711-305828-66550"),
            ("3056 930902 5904", "3056 930902 5904"),
            ("4000 0000 0000 0000 006", "4000 0000 0000 0000 006"),
            ("5 4111 1111 1111 1111 12 26 123", "4111 1111 1111 1111"),
            (
                "4111\u{a0}1111\u{a0}1111\u{a0}1111",
                "4111\u{a0}1111\u{a0}1111\u{a0}1111",
            ),
            (
                "4111\u{2013}1111\u{2013}1111\u{2013}1111",
                "4111\u{2013}1111\u{2013}1111\u{2013}1111",
            ),
            ("4111  1111  1111  1111", "4111  1111  1111  1111"),
            ("4111.1111.1111.1111", "4111.1111.1111.1111"),
            ("card_4111_1111_1111_1111_end", "4111_1111_1111_1111"),
            ("4111\t1111\t1111\t1111", "4111\t1111\t1111\t1111"),
            ("span_id: 4111 1111 1111 1111", "4111 1111 1111 1111"),
            ("4111111111111111.0", "4111111111111111"),
            ("order_4111111111111111", "4111111111111111"),
            ("\"pan\":4111111111111111,", "4111111111111111"),
        ] {
            assert_eq!(cards(text), [card], "{text:?}");
        }
        assert_eq!(
            cards("4111111111111111,5555555555554444 4222222222222").len(),
            3
        );
    }

    #[test]
    fn other_numbers_are_left() {
        for text in [
            "4111111111111112",
            "9400110200881234567890",
            "1780999351412000000",
            "1795358385249462528",
            "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            "3f2504e0-4111-1111-1111-1111aabbccdd",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "SKU-4111-22-EU",
            "1,234,567.89",
            "0.4111111111111111",
            "4111111111111111.25",
            "a4111111111111111",
            "4111111111111111a",
            "2026-06-09T10:22:31.412Z",
            "+49 30 404 92834",
            "2025550100",
            "4111 11111111 1111",
            "4111   1111 1111 1111",
            "4111,1111,1111,1111",
            "12.4111.1111.1111.1111",
            "4111.1111.1111.1111.12",
            "41111111111111114111111111111111",
            "0000000000000000",
            "7000000000000005",
            "span_id=4111111111111111 x",
            "{\"otelSpanID\": \"4111111111111111\"}",
            "dd.trace_id=4000000000000000006",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-4111111111111111-01",
        ] {
            assert!(cards(text).is_empty(), "{text:?} {:?}", cards(text));
        }
    }
}
