//! US social security numbers: `123-45-6789` anywhere, other spellings only under a name that says so.

use std::ops::Range;

use crate::label::{THINGS, Words, says};
use crate::text::{at, before, part, run_end};

/// The digits of a number, and those of its groups.
const DIGITS: usize = 9;
const GROUPS: [usize; 3] = [3, 2, 4];
/// What it is called.
const NAMES: Words = Words::new(&[
    "ssn",
    "ssns",
    "socialsecurity",
    "socialsecuritynumber",
    "socialsecurityno",
]);
/// What it is called if it is not just any security's number.
const SECURITY: Words = Words::new(&["security"]);
/// How far before a number the word social is looked for.
const NEAR: usize = 40;
const SOCIAL: &[u8] = b"social";

/// Whether a name says that its value is a social security number.
pub(crate) fn is_name(name: &[u8]) -> bool {
    is_named(name, name.len())
}

/// Whether a name says that its value is something else that has such groups.
pub(crate) fn is_other_name(name: &[u8]) -> bool {
    says(name, name.len(), &THINGS)
}

/// Whether the words before `start` say that what follows is a number.
fn is_named(text: &[u8], start: usize) -> bool {
    let social = || {
        let near = part(text, start.saturating_sub(NEAR), start);
        near.windows(SOCIAL.len())
            .any(|word| word.eq_ignore_ascii_case(SOCIAL))
    };
    says(text, start, &NAMES) || says(text, start, &SECURITY) && social()
}

/// The number that begins at `start` with three digits.
pub(crate) fn find(text: &[u8], start: usize) -> Option<Range<usize>> {
    let joined = matches!(before(text, start), b'-' | b'.' | b'_');
    if joined || before(text, start).is_ascii_alphanumeric() {
        return None;
    }
    let separator = at(text, start + 3);
    let end = match separator {
        b'0'..=b'9' => plain(text, start)?,
        _ => grouped(text, start, separator)?,
    };
    let named = || is_named(text, start);
    let is_one = match separator {
        b'-' => named() || !says(text, start, &THINGS),
        b' ' | b'.' | b'+' | b'0'..=b'9' => named(),
        _ => false,
    };
    (is_one && ends(text, end)).then_some(start..end)
}

/// Whether all of this value, which stands under a name that says so, is a number. An integer has lost its zeros in front.
pub(crate) fn is_number(value: &[u8]) -> bool {
    let mut digits = [b'0'; DIGITS];
    let mut places = digits.iter_mut().rev();
    for byte in value.trim_ascii().iter().rev() {
        match byte {
            b'0'..=b'9' => match places.next() {
                Some(place) => *place = *byte,
                None => return false,
            },
            b'-' | b' ' | b'.' => {}
            _ => return false,
        }
    }
    places.len() <= 2 && is_given(&digits)
}

/// Where nine digits in a row end, if they are a number.
fn plain(text: &[u8], start: usize) -> Option<usize> {
    let end = run_end(text, start, |byte| byte.is_ascii_digit());
    let digits = text.get(start..end)?;
    (digits.len() == DIGITS && is_given(digits)).then_some(end)
}

/// Where three groups of digits end, if they are a number.
fn grouped(text: &[u8], start: usize, separator: u8) -> Option<usize> {
    let mut digits = [0; DIGITS];
    let mut places = digits.iter_mut();
    let mut i = start;
    for length in GROUPS {
        if i > start {
            i += usize::from(at(text, i) == separator);
        }
        for place in places.by_ref().take(length) {
            *place = at(text, i);
            i += 1;
        }
    }
    is_given(&digits).then_some(i)
}

/// Whether such a number is given to people.
fn is_given(digits: &[u8]) -> bool {
    let [area @ .., b'0'..=b'9', b'0'..=b'9', _, _, _, _] = digits else {
        return false;
    };
    let group = digits.get(3..5).unwrap_or_default();
    let serial = digits.get(5..).unwrap_or_default();
    digits.iter().all(u8::is_ascii_digit)
        && area != b"000"
        && area != b"666"
        && area.first() != Some(&b'9')
        && group != b"00"
        && serial != b"0000"
}

/// Whether a number may end here: not in a word or a longer number.
fn ends(text: &[u8], end: usize) -> bool {
    let next = at(text, end);
    let joins = matches!(next, b'-' | b'.' | b'/' | b':') && at(text, end + 1).is_ascii_digit();
    !next.is_ascii_alphanumeric() && next != b'_' && !joins
}

#[cfg(test)]
mod tests {
    use super::{find, is_number};

    fn ssn(text: &str) -> Option<&str> {
        let digit = text.find(|c: char| c.is_ascii_digit()).expect("a digit");
        find(text.as_bytes(), digit).and_then(|found| text.get(found))
    }

    #[test]
    fn numbers_are_found() {
        for (text, number) in [
            ("078-05-1120", "078-05-1120"),
            ("his 219-09-9999, too", "219-09-9999"),
            ("tax_id: 219-09-9999", "219-09-9999"),
            ("ssn: 219 09 9999", "219 09 9999"),
            ("social security number 219099999", "219099999"),
            ("{\"ssn\": \"219099999\"}", "219099999"),
        ] {
            assert_eq!(ssn(text), Some(number), "{text}");
        }
        for value in ["219-09-9999", "219099999", "78051120", " 078 05 1120 "] {
            assert!(is_number(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn other_numbers_are_left() {
        for text in [
            "000-12-3456",
            "666-12-3456",
            "900-12-3456",
            "219-00-9999",
            "219-09-0000",
            "219 09 9999",
            "219099999",
            "order 219-09-9999",
            "x219-09-9999",
            "1-219-09-9999",
            "219-09-9999-1",
            "219-09-99990",
            "219-09 9999",
            "ssn: 2190999991",
        ] {
            assert_eq!(ssn(text), None, "{text}");
        }
        for value in ["219099", "000123456", "2190999990", "219-09-x999", ""] {
            assert!(!is_number(value.as_bytes()), "{value}");
        }
    }
}
