//! International bank account numbers: of a known country, as long as it has them, with right check digits.

use std::ops::Range;

use crate::card::{gap_after, gap_before};
use crate::label::{Words, says};
use crate::text::{at, before, part, run_start};

/// The longest number.
const LONGEST: usize = 34;
/// The letters of a group, and the most groups before the first digits that are met.
const GROUP: usize = 4;
const GROUPS: usize = 6;
/// What it is called.
const NAME: Words = Words::new(&["iban", "ibans"]);
/// How long a country's numbers are.
const LENGTHS: [(&[u8; 2], usize); 88] = [
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HN", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SD", 18),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"SO", 23),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
];

/// Whether a name says that its value is such a number.
pub(crate) fn is_name(name: &[u8]) -> bool {
    says(name, name.len(), &NAME)
}

/// Whether all of this value, which stands under a name that says so, is a number.
pub(crate) fn is_number(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    end(value, 0, || true) == Some(value.len())
}

/// The number that the long run of digits at `digits` stands in.
pub(crate) fn find(text: &[u8], digits: usize) -> Option<Range<usize>> {
    let mut start = run_start(text, digits, LONGEST, |byte| byte.is_ascii_alphanumeric());
    for _ in 0..=GROUPS {
        if let Some(end) = end(text, start, || says(text, start, &NAME)) {
            return Some(start..end);
        }
        let gap = gap_before(text, start);
        let group = start.checked_sub(gap + GROUP).filter(|_| gap > 0)?;
        let letters = part(text, group, group + GROUP);
        if !letters.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        start = group;
    }
    None
}

/// Where the number ends that starts here, if one does. In small letters it has groups or a name.
fn end(text: &[u8], start: usize, named: impl Fn() -> bool) -> Option<usize> {
    let country = [at(text, start), at(text, start + 1)].map(|letter| letter.to_ascii_uppercase());
    let checked = at(text, start + 2).is_ascii_digit() && at(text, start + 3).is_ascii_digit();
    let headed = checked && country.iter().all(u8::is_ascii_uppercase);
    if !headed || before(text, start).is_ascii_alphanumeric() {
        return None;
    }
    let (_, length) = LENGTHS.iter().find(|(known, _)| **known == country)?;
    let mut number = [0; LONGEST];
    let mut i = start;
    let mut grouped = false;
    for (place, letter) in number.iter_mut().take(*length).enumerate() {
        if place > 0 && place.is_multiple_of(GROUP) && (place == GROUP || grouped) {
            let gap = gap_after(text, i);
            grouped = gap > 0;
            i += gap;
        }
        *letter = at(text, i).to_ascii_uppercase();
        i += 1;
    }
    let number = part(&number, 0, *length);
    let small = part(text, start, i).iter().any(u8::is_ascii_lowercase);
    let ends = !at(text, i).is_ascii_alphanumeric();
    (ends && is_checked(number) && (!small || grouped || named())).then_some(i)
}

/// Whether these are letters and digits with right check digits: the number with its head at its end, letters as two
/// digits, leaves 1 when it is divided by 97.
fn is_checked(number: &[u8]) -> bool {
    let (head, account) = number.split_at(GROUP.min(number.len()));
    let rest = account.iter().chain(head).try_fold(0, |rest, letter| {
        let value = char::from(*letter).to_digit(36)?;
        let shift = if value < 10 { 10 } else { 100 };
        Some((rest * shift + value) % 97)
    });
    rest == Some(1)
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::text::run_end;

    /// What is found around the first four digits in a row behind the first four letters.
    fn iban(text: &str) -> Option<&str> {
        let bytes = text.as_bytes();
        let digits = (0..bytes.len())
            .find(|&i| run_end(bytes, i, |byte| byte.is_ascii_digit()) >= i + 4)
            .expect("digits");
        find(bytes, digits).and_then(|found| text.get(found))
    }

    #[test]
    fn numbers_are_found_plain_and_in_groups() {
        for (text, number) in [
            ("DE89370400440532013000", "DE89370400440532013000"),
            (
                "to DE89 3704 0044 0532 0130 00, ok",
                "DE89 3704 0044 0532 0130 00",
            ),
            ("GB29-NWBK-6016-1331-9268-19", "GB29-NWBK-6016-1331-9268-19"),
            ("gb29 nwbk 6016 1331 9268 19", "gb29 nwbk 6016 1331 9268 19"),
            ("iban=de89370400440532013000", "de89370400440532013000"),
            ("x=NL91+ABNA+0417+1643+00&y", "NL91+ABNA+0417+1643+00"),
            ("NO9386011117947", "NO9386011117947"),
            (
                "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
                "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
            ),
        ] {
            assert_eq!(iban(text), Some(number), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_left() {
        for text in [
            "DE88370400440532013000",
            "DE893704004405320130001",
            "XDE89370400440532013000",
            "de89370400440532013000",
            "ZZ89370400440532013000",
            "DE89 3704 0044",
            "0000 1111 2222 3333",
        ] {
            assert_eq!(iban(text), None, "{text}");
        }
    }
}
