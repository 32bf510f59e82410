//! The scan as it would be without blocks, bits and shortcuts: at every place of every text, alone, everybody is asked whose
//! sign or shape is there. What the scan finds in texts of all kinds is what this finds.

use super::{Scan, Text, run, scan, scan_by};
use crate::detector::{Detector, Wanted};
use crate::mask::{self, Covered};
use crate::search::Search;
use crate::text::at;

/// What texts are put together of: beginnings, ends and pieces of secrets, and what is around them.
const PIECES: &[&str] = &[
    "alice",
    "@",
    "example.org",
    ".",
    "-",
    "_",
    " ",
    "  ",
    ":",
    "=",
    "&",
    "?",
    "/",
    "//",
    "://",
    "%",
    "%40",
    "%3D",
    "%20",
    "\\",
    "\\\"",
    "\\u0040",
    "\\n",
    "\"",
    "'",
    "\", \"",
    "', '",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    ",",
    ";",
    "+",
    "\x1b[0m",
    "&#64;",
    "&quot;",
    "&amp;",
    "0",
    "1",
    "7",
    "42",
    "415",
    "555",
    "2671",
    "4111",
    "1111",
    "12345",
    "078",
    "05",
    "1120",
    "0.",
    "203.0.113.9",
    "10.0.0.1",
    "192.168.1.1",
    "1.2.3.4",
    "2001:db8::1",
    "fe80::",
    "::",
    "10:22:31",
    "2026-06-09T",
    "4111111111111111",
    "4111 1111 1111 1111",
    "378282246310005",
    "DE89",
    "3704",
    "0044",
    "0532",
    "0130",
    "00",
    "DE89370400440532013000",
    "GB29 NWBK 6016 1331 9268 19",
    "NWBK",
    "a",
    "b",
    "e",
    "x",
    "J",
    "eyJ",
    "eyJhbGciOiJub25lIn0",
    "eyJzdWIiOiJhIn0",
    "bearer",
    "Bearer ",
    "basic ",
    "dTpw",
    "0af9c1d2e3",
    "BEGIN",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "PuTTY-User-Key-File-3:",
    "password",
    "passwd",
    "token",
    "secret",
    "api_key",
    "cookie",
    "sig",
    "key",
    "pass",
    "PWD",
    "value",
    "name",
    "page",
    "sort",
    "hunter2",
    "phone",
    "number",
    "ssn",
    "iban",
    "order",
    "version",
    "ghp_",
    "sk_live_",
    "AKIA",
    "SG.",
    "dp.st.",
    "xoxb-",
    "hooks.slack.com/services/",
    "T024BE7LH/B024BE7LH/",
    "0123456789abcdef",
    "aB3xY7kQ9aB3xY7kQ9aB3xY7",
    "ABCDEFGHIJKLMNOP",
    "7f3a9c71d0b2e845",
    "MTIzNDU2Nzg5MDEyMzQ1Njc4",
    "12345678:AA",
    "--token",
    " --",
    "<token>",
    "</token>",
    "\u{fc}",
    "\u{a0}",
    "\u{2013}",
    "\n",
    "\t",
    "[redacted:email]",
];

/// Numbers that look random, and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    /// A text of a few pieces, of which one may be cut.
    fn text(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..self.roll(12) {
            let piece = PIECES[self.roll(PIECES.len())];
            let cut = if self.roll(8) == 0 {
                self.roll(piece.len())
            } else {
                0
            };
            text.push_str(piece.get(cut..).unwrap_or(piece));
        }
        text
    }
}

/// What is found in these texts, one behind the other.
fn found(run: fn(&mut Scan<'_>), texts: &[String], search: &Search) -> Vec<Covered> {
    let mut end = 0;
    let ends: Vec<_> = (texts.iter())
        .map(|text| {
            end += u32::try_from(text.len()).expect("short texts");
            end
        })
        .collect();
    mask::merge(scan_by(run, texts.concat().as_bytes(), &ends, search))
}

#[test]
fn the_scan_finds_what_everybody_finds_who_is_asked_at_every_place() {
    let mut dice = Dice(1);
    let mut masked = 0;
    for round in 0..6000 {
        let texts: Vec<_> = (0..=dice.roll(6)).map(|_| dice.text()).collect();
        let search = match round % 4 {
            0 => Search::of(&[Detector::ALL[dice.roll(Detector::ALL.len())]]),
            _ => Search::default(),
        };
        let expected: Vec<_> = (0..)
            .zip(&texts)
            .flat_map(|(number, text)| {
                let found = found(run_everywhere, std::slice::from_ref(text), &search);
                found.into_iter().map(move |found| Covered {
                    text: number,
                    ..found
                })
            })
            .collect();
        masked += expected.len();
        assert_eq!(
            found(run, &texts, &search),
            expected,
            "{texts:?} {:?}",
            search.wanted
        );
    }
    assert!(masked > 2000, "{masked} of the texts' secrets were found");
    assert_eq!(scan(b"", &[], &Search::default()), []);
}

/// What [`run`] does, slowly.
fn run_everywhere(scan: &mut Scan<'_>) {
    let mut start = 0;
    for (number, &end) in scan.ends.iter().enumerate() {
        let end = end as usize;
        let bytes = &scan.data[start..end];
        for place in 0..bytes.len() {
            if scan.escaped.last() == Some(&number) {
                break;
            }
            scan.ask_everybody(
                Text {
                    number,
                    start,
                    bytes,
                },
                place,
            );
        }
        start = end;
    }
}

impl Scan<'_> {
    fn ask_everybody(&mut self, text: Text<'_>, place: usize) {
        let wanted = self.wanted;
        let shapes = Shapes {
            bytes: text.bytes,
            place,
        };
        if matches!(
            at(text.bytes, place),
            b'@' | b'J'
                | b'%'
                | b'&'
                | b'\\'
                | 0x1b
                | b'+'
                | b':'
                | b'='
                | b'>'
                | b'"'
                | b'\''
                | b' '
                | b'-'
                | b'b'
                | b'B'
        ) {
            self.sign(text, place);
        }
        if shapes.is_long_number() && wanted.has(Detector::Iban) {
            self.account(text, place);
        }
        if shapes.is_long_number() && shapes.may_be_card() && wanted.has(Detector::CreditCard) {
            self.card(text, place);
        }
        if shapes.is_short_number()
            && wanted.has_any(Wanted::of(&[Detector::Phone, Detector::UsSsn]))
        {
            self.short_number(text, place);
        }
        if shapes.is_first_dot() && wanted.has(Detector::Ip) {
            self.address_v4(text, place);
        }
        if shapes.is_long_word() && wanted.has(Detector::ApiKey) {
            self.long_word(text, place);
        }
    }
}

/// The shapes at a place, in words.
struct Shapes<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl Shapes<'_> {
    /// Whether the byte so much further on is such; none beyond the text is.
    fn is(&self, by: isize, such: fn(&u8) -> bool) -> bool {
        let place = self.place.checked_add_signed(by);
        place
            .and_then(|place| self.bytes.get(place))
            .is_some_and(such)
    }

    /// Whether so many digits in a row are there.
    fn digits(&self, by: isize, count: isize) -> bool {
        (by..by + count).all(|by| self.is(by, u8::is_ascii_digit))
    }

    fn letter(&self, by: isize) -> bool {
        self.is(by, u8::is_ascii_alphabetic)
    }

    fn is_long_number(&self) -> bool {
        let parted = !self.digits(4, 1) && (5..8).any(|by| self.digits(by, 4));
        self.digits(0, 4) && (parted || self.digits(4, 5) && !self.digits(-1, 1))
    }

    fn may_be_card(&self) -> bool {
        let parted = !self.digits(4, 1) && !self.letter(4);
        !self.digits(-1, 1) && !self.letter(-1) && (parted || self.digits(0, 13))
    }

    fn is_short_number(&self) -> bool {
        let gap = !self.digits(3, 1) && !self.letter(3);
        let threes = self.digits(4, 3) || !self.digits(4, 1) && self.digits(5, 3);
        let security = self.digits(4, 2) && !self.digits(6, 1) && self.digits(7, 4);
        let row = self.place > 0 && !self.digits(-1, 1) && self.digits(3, 3);
        let twos = self.place > 0
            && [0, 3, 6, 9].into_iter().all(|by| self.digits(by, 2))
            && !self.digits(-2, 2)
            && ![2, 5, 8].into_iter().any(|by| self.digits(by, 1))
            && !self.letter(2);
        let three = self.digits(0, 3) && (gap && (threes || security) || row);
        !self.letter(-1) && (three || twos)
    }

    fn is_first_dot(&self) -> bool {
        let dot = |by: isize| {
            self.is(by, |byte| *byte == b'.') && self.digits(by - 1, 1) && self.digits(by + 1, 1)
        };
        dot(0) && (2..5).any(|second| dot(second) && (2..5).any(|third| dot(second + third)))
    }

    fn is_long_word(&self) -> bool {
        let joint = |byte: &u8| matches!(byte, b'_' | b'-');
        let word = |by| self.is(by, u8::is_ascii_alphanumeric) || self.is(by, joint);
        let begins = self.letter(0) || (0..16).any(|by| self.is(by, joint) && self.letter(by + 1));
        (0..16).all(word) && (self.place == 0 && begins || self.place > 0 && !word(-1))
    }
}
