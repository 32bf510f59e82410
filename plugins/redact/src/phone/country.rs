//! Which international numbers there can be: calling codes, and how many digits follow them.

use std::ops::RangeInclusive;

/// The codes of one and two digits, and the fewest and the most digits behind them.
const CODES: [(u16, u8, u8); 46] = [
    (1, 10, 10),
    (7, 10, 10),
    (20, 8, 10),
    (27, 9, 9),
    (30, 10, 10),
    (31, 9, 9),
    (32, 8, 9),
    (33, 9, 9),
    (34, 9, 9),
    (36, 8, 9),
    (39, 6, 11),
    (40, 9, 9),
    (41, 9, 9),
    (43, 7, 13),
    (44, 9, 10),
    (45, 8, 8),
    (46, 7, 10),
    (47, 8, 8),
    (48, 9, 9),
    (49, 6, 12),
    (51, 8, 9),
    (52, 10, 11),
    (53, 6, 8),
    (54, 10, 11),
    (55, 10, 11),
    (56, 8, 9),
    (57, 8, 10),
    (58, 10, 10),
    (60, 8, 10),
    (61, 9, 9),
    (62, 7, 12),
    (63, 8, 10),
    (64, 8, 10),
    (65, 8, 8),
    (66, 8, 9),
    (81, 9, 10),
    (82, 8, 10),
    (84, 8, 10),
    (86, 8, 11),
    (90, 10, 10),
    (91, 10, 10),
    (92, 9, 10),
    (93, 9, 9),
    (94, 9, 9),
    (95, 7, 10),
    (98, 10, 10),
];
/// The codes of three digits; six to eleven digits follow them.
const LONG_CODES: [RangeInclusive<u16>; 25] = [
    211..=213,
    216..=216,
    218..=218,
    220..=258,
    260..=269,
    290..=291,
    297..=299,
    350..=359,
    370..=383,
    385..=387,
    389..=389,
    420..=421,
    423..=423,
    500..=509,
    590..=599,
    670..=670,
    672..=683,
    685..=692,
    800..=800,
    808..=808,
    850..=856,
    870..=888,
    960..=968,
    970..=977,
    992..=998,
];

/// Whether an international number, in digits, can be: of a known country, and as long as it has them.
pub(super) fn is_international(digits: &[u8]) -> bool {
    let code = |length: usize| {
        digits.get(..length).map(|code| {
            code.iter()
                .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'))
        })
    };
    let short = CODES.iter().find(|(known, _, _)| {
        let length = if *known < 10 { 1 } else { 2 };
        code(length) == Some(*known)
    });
    if let Some((code, least, most)) = short {
        let rest = digits.len() - if *code < 10 { 1 } else { 2 };
        let fits = (usize::from(*least)..=usize::from(*most)).contains(&rest);
        return fits && (*code != 1 || is_north_american(digits.get(1..).unwrap_or_default()));
    }
    let known = |code: u16| LONG_CODES.iter().any(|codes| codes.contains(&code));
    (9..=14).contains(&digits.len()) && code(3).is_some_and(known)
}

/// Whether these are the ten digits of a North American number: no area or exchange begins with 0 or 1, nor is like 911.
pub(super) fn is_north_american(digits: &[u8]) -> bool {
    let is_code =
        |code: &[u8]| code.first().is_some_and(|first| *first > b'1') && !code.ends_with(b"11");
    let (area, rest) = digits.split_at(digits.len().min(3));
    digits.len() == 10 && is_code(area) && rest.get(..3).is_some_and(is_code)
}

#[cfg(test)]
mod tests {
    use super::{is_international, is_north_american};

    #[test]
    fn numbers_of_known_countries_can_be() {
        for number in [
            "14155552671",
            "442079460151",
            "493040492834",
            "33612345678",
            "358401234567",
            "390612345",
            "35312345678",
            "971501234567",
            "6581234567",
        ] {
            assert!(is_international(number.as_bytes()), "{number}");
        }
    }

    #[test]
    fn others_cannot() {
        for number in [
            "",
            "1",
            "49",
            "0200",
            "11155552671",
            "1415555267",
            "20130313144700",
            "2101234567",
            "9991234567",
            "493",
            "33123",
        ] {
            assert!(!is_international(number.as_bytes()), "{number}");
        }
        for number in ["9115552671", "4159112671", "1234567890", "415555267"] {
            assert!(!is_north_american(number.as_bytes()), "{number}");
        }
    }
}
