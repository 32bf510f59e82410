//! Telephone numbers: international ones behind a plus, North American ones by their groups, and any behind a word that
//! names them.

mod country;

use std::ops::Range;

use crate::label::{THINGS, Words, says};
use crate::text::{at, before, part, run_end, run_start, tail};
use country::{is_international, is_north_american};

/// The digits that a number has with its country's code at most, and without at least.
const LONGEST: usize = 15;
const SHORTEST: usize = 7;
/// The most groups of digits, and how far before the first digits met a number behind its name may begin.
const GROUPS: usize = 9;
const LOOK_BACK: usize = 20;
/// What a number is called.
const NAMES: Words = Words::new(&[
    "phone",
    "phones",
    "phoneno",
    "phonenr",
    "phonenum",
    "phonenumber",
    "phonenumbers",
    "telephone",
    "telephonenumber",
    "tel",
    "telefon",
    "telefonnummer",
    "telefono",
    "telefone",
    "mobile",
    "mobiles",
    "mobileno",
    "mobilenumber",
    "mobilephone",
    "mobil",
    "mobilnummer",
    "handynummer",
    "cellphone",
    "cellnumber",
    "fax",
    "faxnumber",
    "telefax",
    "whatsapp",
    "msisdn",
    "sms",
    "landline",
    "callerid",
]);
/// What else has numbers in groups of three, three and four, beside [`THINGS`].
const OTHERS: Words = Words::new(&[
    "orders", "orderno", "isbn", "item", "product", "batch", "lot", "version", "build", "policy",
    "claim", "rma",
]);
/// What parts the groups of a number, longer ones first.
const GAPS: [&[u8]; 20] = [
    b" (0) ",
    b" (0)",
    b"(0) ",
    b"(0)",
    b" - ",
    b") ",
    b")-",
    b" (",
    b"-(",
    b")",
    b" ",
    b"-",
    b".",
    b"/",
    b"+",
    "\u{a0}".as_bytes(),
    "\u{2009}".as_bytes(),
    "\u{202f}".as_bytes(),
    "\u{2011}".as_bytes(),
    "\u{2013}".as_bytes(),
];

/// Whether a name says that its value is a telephone number.
pub(crate) fn is_name(name: &[u8]) -> bool {
    says(name, name.len(), &NAMES)
}

/// Whether a name says that its value is something else that has such groups.
pub(crate) fn is_other_name(name: &[u8]) -> bool {
    says_other(name, name.len())
}

/// Whether the words before `start` say that what follows is something else.
fn says_other(text: &[u8], start: usize) -> bool {
    says(text, start, &THINGS) || says(text, start, &OTHERS)
}

/// Whether all of this value, which stands under a name that says so, is a number.
pub(crate) fn is_number(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let plain = value
        .iter()
        .all(|byte| byte.is_ascii_digit() || b" ()-./+\t".contains(byte));
    let mut parts = value.iter().filter(|byte| !byte.is_ascii_digit());
    let decimal = parts.next() == Some(&b'.') && parts.next().is_none();
    (SHORTEST..=LONGEST).contains(&digits) && plain && !decimal && !is_date(value, 0)
}

/// The number behind the plus at `plus`.
pub(crate) fn international(text: &[u8], plus: usize) -> Option<Range<usize>> {
    let previous = before(text, plus);
    if previous.is_ascii_alphanumeric() || matches!(previous, b'+' | b')' | b']' | b'_') {
        return None;
    }
    let first = plus + 1 + usize::from(at(text, plus + 1) == b'(');
    let end = longest(text, first, |digits, groups| {
        let dotted = groups.dotted && groups.others;
        is_international(digits) && !dotted && !(groups.dotted && groups.count == 2)
    })?;
    Some(plus..end)
}

/// The number that the digits at `digits` stand in: a North American one in its groups, or one behind its name.
pub(crate) fn find(text: &[u8], digits: usize) -> Option<Range<usize>> {
    north_american(text, digits).or_else(|| named(text, digits))
}

/// The number of which the area's code begins at `area`: `(415) 555-2671`, `415-555-2671`, `1.415.555.2671`.
fn north_american(text: &[u8], area: usize) -> Option<Range<usize>> {
    let (open, gap, second) = match (before(text, area), at(text, area + 3)) {
        (b'(', b')') => {
            let gap = usize::from(matches!(at(text, area + 4), b' ' | b'-' | b'.' | b'+'));
            (1, 1 + gap, b'-')
        }
        (_, separator @ (b'-' | b'.')) => (0, 1, separator),
        _ => return None,
    };
    let exchange = area + 3 + gap;
    let separator = at(text, exchange + 3);
    let parted = separator == second || open == 1 && matches!(separator, b' ' | b'.' | b'+');
    if !parted {
        return None;
    }
    let places = (area..area + 3).chain(exchange..exchange + 3);
    let mut places = places.chain(exchange + 4..exchange + 8);
    let number: [u8; 10] = std::array::from_fn(|_| places.next().map_or(0, |i| at(text, i)));
    let valid = number.iter().all(u8::is_ascii_digit) && is_north_american(&number);
    let end = exchange + 8;
    let mut start = area - open;
    if before(text, start.saturating_sub(1)) == b'1' || before(text, start) == b'1' {
        start = with_code(text, start);
    }
    let begins = !before(text, start).is_ascii_alphanumeric()
        && !matches!(before(text, start), b'-' | b'.' | b'_' | b'/');
    (valid && begins && ends(text, end) && !says_other(text, start)).then_some(start..end)
}

/// Where the number starts whose area starts at `start`, with the country's code 1 that may be before it.
fn with_code(text: &[u8], start: usize) -> usize {
    let gap = usize::from(matches!(before(text, start), b'-' | b'.' | b' ' | b'+'));
    let one = start - gap;
    let alone = before(text, one) == b'1'
        && (gap > 0 || at(text, start) == b'(')
        && !before(text, one - 1).is_ascii_alphanumeric()
        && !matches!(before(text, one - 1), b'.' | b'-' | b'/');
    if alone { one - 1 } else { start }
}

/// The number that the digits at `digits` stand in, if words before it say that it is one.
fn named(text: &[u8], digits: usize) -> Option<Range<usize>> {
    if before(text, digits).is_ascii_alphabetic() {
        return None;
    }
    let mut start = run_start(text, digits, LOOK_BACK, |byte| {
        byte.is_ascii_digit() || b" ()-./+".contains(&byte)
    });
    // It begins with a digit, or with the bracket or the plus before one.
    start = run_end(text, start, |byte| b" )-./".contains(&byte));
    let first = run_end(text, start, |byte| b" (+".contains(&byte));
    let plus = part(text, start, first)
        .iter()
        .position(|&byte| byte != b' ');
    start += plus.unwrap_or(first - start);
    // A plus behind a letter is a blank of a form.
    start += usize::from(at(text, start) == b'+' && before(text, start).is_ascii_alphanumeric());
    if before(text, start).is_ascii_alphanumeric() || !says(text, start, &NAMES) {
        return None;
    }
    let end = longest(text, first, |digits, _| {
        (SHORTEST..=LONGEST).contains(&digits.len())
    })?;
    (end > digits && !is_date(text, first)).then_some(start..end)
}

/// How the groups of a number are parted.
#[derive(Clone, Copy, Default)]
struct Groups {
    count: usize,
    /// By dots, and by others.
    dotted: bool,
    others: bool,
}

/// Where the longest run of groups from `start` on ends that `is_number` says is a number.
fn longest(text: &[u8], start: usize, is_number: impl Fn(&[u8], Groups) -> bool) -> Option<usize> {
    let mut digits = [0; LONGEST];
    let mut count = 0;
    let mut groups = Groups::default();
    let mut found = None;
    let mut i = start;
    for _ in 0..GROUPS {
        let group = run_end(part(text, 0, i + LONGEST + 1), i, |byte| {
            byte.is_ascii_digit()
        });
        let room = digits.get_mut(count..count + group - i)?;
        room.copy_from_slice(part(text, i, group));
        // What is alone behind the first groups is no part of it: `030 1234567 2 times`.
        if group == i || group == i + 1 && groups.count > 1 {
            break;
        }
        count += group - i;
        groups.count += 1;
        if ends(text, group) && is_number(part(&digits, 0, count), groups) {
            found = Some(group);
        }
        let gap = gap_after(text, group);
        if gap == 0 || !at(text, group + gap).is_ascii_digit() {
            break;
        }
        groups.dotted |= at(text, group) == b'.';
        groups.others |= at(text, group) != b'.';
        i = group + gap;
        if count + run_end(part(text, 0, i + LONGEST), i, |byte| byte.is_ascii_digit()) - i
            > LONGEST
        {
            break;
        }
    }
    found
}

fn gap_after(text: &[u8], i: usize) -> usize {
    let text = tail(text, i);
    let is = |gap: &&&[u8]| text.starts_with(gap);
    GAPS.iter().find(is).map_or(0, |gap| gap.len())
}

/// Whether a number may end here: not in a word, a longer number, a time or a date.
fn ends(text: &[u8], end: usize) -> bool {
    let next = at(text, end);
    let joins =
        matches!(next, b'-' | b'.' | b'/' | b':' | b',') && at(text, end + 1).is_ascii_digit();
    !next.is_ascii_alphanumeric() && !matches!(next, b'_' | b'%') && !joins
}

/// Whether a date starts here: `2026-06-09`.
fn is_date(text: &[u8], start: usize) -> bool {
    let digits = |from, to| {
        part(text, start + from, start + to)
            .iter()
            .all(u8::is_ascii_digit)
    };
    matches!(part(text, start, start + 2), b"19" | b"20")
        && matches!(at(text, start + 4), b'-' | b'/' | b'.')
        && at(text, start + 7) == at(text, start + 4)
        && digits(2, 4)
        && digits(5, 7)
        && digits(8, 10)
}

#[cfg(test)]
mod tests;
