//! One pass over many texts that lie one behind the other: `weigh` finds each byte that gives something away (an at sign,
//! a separator, ...), and it is handed to the detector that it concerns.
//!
//! **Invariant** Everything is linear: look-backs are bounded or stop where their detector has looked before.

use std::ops::Range;

use crate::assign::{self, Separator};
use crate::card::Run;
use crate::detector::{Detector, Wanted};
use crate::text::{at, part, percent, tail};
use crate::value::Quote;
use crate::weigh::{BLOCK, Weights, weigh};
use crate::{email, token, url};

/// The bytes of two groups of four and what is between them.
const PAIR: usize = 9;

/// A secret found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The text's number.
    pub(crate) text: usize,
    /// Its bytes in the text.
    pub(crate) range: Range<usize>,
    /// Who found it.
    pub(crate) detector: Detector,
    /// The quote that its mask needs around it.
    pub(crate) quote: Option<Quote>,
}

/// What these detectors find in these texts, which end in `data` at `ends`, one after the other; in no order.
pub(crate) fn scan(data: &[u8], ends: &[u32], wanted: Wanted) -> Vec<Finding> {
    let mut scan = Scan {
        data,
        ends,
        wanted,
        digits: 0,
        digits_in: Cursor::default(),
        signs_in: Cursor::default(),
        looked: Looked::default(),
        findings: Vec::new(),
    };
    let blocks = data.as_chunks().0;
    let nexts = tail(data, 1).as_chunks().0;
    let mut start = 0;
    for (block, next) in blocks.iter().zip(nexts) {
        scan.block(start, weigh(block, next));
        start += BLOCK;
    }
    // What is left is at most a block.
    let [block, next] = [0, 1].map(|by| padded(tail(data, start + by)));
    scan.block(start, weigh(&block, &next));
    scan.findings
}

/// The first of these bytes, with zeros behind them.
fn padded(bytes: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    for (byte, there) in block.iter_mut().zip(bytes) {
        *byte = *there;
    }
    block
}

/// Where, in the digits of two blocks, four of them, any byte and four of them begin that end in the second block: every
/// card's number is full of these.
fn pairs(digits: u64) -> u64 {
    let two = digits & digits >> 1;
    let four = two & two >> 2;
    let ends = u64::from(u32::MAX) << (BLOCK + 1 - PAIR);
    four & four >> 5 & ends
}

/// Up to where in the data something was looked for, of what may read far ahead.
#[derive(Default)]
struct Looked {
    cards: usize,
    tokens: usize,
    jwts: usize,
    assigned: usize,
}

/// A text among the others.
#[derive(Clone, Copy)]
struct Text<'a> {
    number: usize,
    /// Where it starts in the data.
    start: usize,
    bytes: &'a [u8],
}

/// Goes from text to text.
#[derive(Default)]
struct Cursor {
    /// The number of the text after the one that it is at.
    next: usize,
    start: usize,
    end: usize,
}

impl Cursor {
    /// The text that holds this position, which is no earlier than the one before.
    #[inline]
    fn seek<'a>(&mut self, position: usize, data: &'a [u8], ends: &[u32]) -> Text<'a> {
        while self.end <= position
            && let Some(end) = ends.get(self.next)
        {
            (self.start, self.end) = (self.end, *end as usize);
            self.next += 1;
        }
        Text {
            number: self.next.saturating_sub(1),
            start: self.start,
            bytes: part(data, self.start, self.end),
        }
    }
}

struct Scan<'a> {
    data: &'a [u8],
    ends: &'a [u32],
    wanted: Wanted,
    /// Which bytes of the block before are digits.
    digits: u32,
    /// At the texts that pairs of digits are in, and signs.
    digits_in: Cursor,
    signs_in: Cursor,
    looked: Looked,
    findings: Vec<Finding>,
}

impl Scan<'_> {
    /// Looks into the block at `start` where its weights say so.
    fn block(&mut self, start: usize, weights: Weights) {
        let mut pairs = pairs(u64::from(self.digits) | u64::from(weights.digits) << BLOCK);
        self.digits = weights.digits;
        while pairs != 0 {
            let position = start + pairs.trailing_zeros() as usize - BLOCK;
            pairs &= pairs - 1;
            if position >= self.looked.cards {
                let text = self.digits_in.seek(position, self.data, self.ends);
                self.digit(text, position - text.start);
            }
        }
        let mut signs = weights.signs;
        while signs != 0 {
            let position = start + signs.trailing_zeros() as usize;
            signs &= signs - 1;
            let text = self.signs_in.seek(position, self.data, self.ends);
            self.sign(text, position - text.start);
        }
    }

    /// Hands the sign at `place` to whom it concerns.
    fn sign(&mut self, text: Text<'_>, place: usize) {
        match at(text.bytes, place) {
            b'@' => self.email(text, place, 1),
            b'%' => self.percent(text, place),
            b':' => self.colon(text, place),
            b'=' => self.assigned(text, place, 1, Separator::Equals),
            b'"' | b'\'' => self.assigned(text, place + 1, 1, Separator::Comma),
            b'J' => self.jwt(text, place),
            _ => self.scheme(text, place),
        }
    }

    fn found(
        &mut self,
        detector: Detector,
        text: Text<'_>,
        range: Range<usize>,
        quote: Option<Quote>,
    ) {
        self.findings.push(Finding {
            text: text.number,
            range,
            detector,
            quote,
        });
    }

    fn digit(&mut self, text: Text<'_>, place: usize) {
        let looked = text.start + place < self.looked.cards;
        if looked
            || !self.wanted.has(Detector::CreditCard)
            || !at(text.bytes, place).is_ascii_digit()
        {
            return;
        }
        let mut run = Run::around(
            text.bytes,
            place,
            self.looked.cards.saturating_sub(text.start),
        );
        for card in run.by_ref() {
            self.found(Detector::CreditCard, text, card, None);
        }
        self.looked.cards = text.start + run.end().max(place + 1);
    }

    fn email(&mut self, text: Text<'_>, place: usize, length: usize) {
        if self.wanted.has(Detector::Email)
            && let Some(address) = email::find(text.bytes, place..place + length)
        {
            self.found(Detector::Email, text, address, None);
        }
    }

    /// A percent sign: perhaps an encoded at sign, equals sign, colon, or separator in a card's number.
    fn percent(&mut self, text: Text<'_>, place: usize) {
        let (byte, length) = match percent(text.bytes, place) {
            Some(b'%') => match part(text.bytes, place + 3, place + 5) {
                b"40" => (b'@', 5),
                b"3D" | b"3d" => (b'=', 5),
                _ => return,
            },
            Some(byte) => (byte, 3),
            None => return,
        };
        match byte {
            b'@' => self.email(text, place, length),
            b'=' => self.assigned(text, place, length, Separator::Encoded),
            b' ' | b'-' | b'+' if at(text.bytes, place + 3).is_ascii_digit() => {
                self.digit(text, place + 3);
            }
            b':' if self.wanted.has(Detector::UrlSecret) => {
                if let Some(range) = url::encoded_userinfo(text.bytes, place) {
                    self.found(Detector::UrlSecret, text, range, None);
                }
            }
            _ => {}
        }
    }

    fn colon(&mut self, text: Text<'_>, place: usize) {
        if at(text.bytes, place + 1) != b'/' || at(text.bytes, place + 2) != b'/' {
            self.assigned(text, place, 1, Separator::Colon);
        } else if self.wanted.has(Detector::UrlSecret)
            && let Some(range) = url::userinfo(text.bytes, place)
        {
            self.found(Detector::UrlSecret, text, range, None);
        }
    }

    fn assigned(&mut self, text: Text<'_>, place: usize, length: usize, separator: Separator) {
        if text.start + place < self.looked.assigned {
            return;
        }
        let sign = place..place + length;
        if let Some((detector, value)) = assign::find(text.bytes, sign, separator, self.wanted) {
            self.looked.assigned = text.start + value.range.end;
            self.found(detector, text, value.range, value.quote);
        }
    }

    /// A `J`: perhaps of `eyJ`, the beginning of a JSON object in base64.
    fn jwt(&mut self, text: Text<'_>, place: usize) {
        let Some(start) = place.checked_sub(2) else {
            return;
        };
        let looked = text.start + place < self.looked.jwts;
        if looked || !self.wanted.has(Detector::Jwt) || part(text.bytes, start, place) != b"ey" {
            return;
        }
        let (found, end) = token::jwt(text.bytes, start);
        self.looked.jwts = text.start + end;
        if let Some(range) = found {
            self.found(Detector::Jwt, text, range, None);
        }
    }

    /// A `b`: perhaps of Bearer or Basic.
    fn scheme(&mut self, text: Text<'_>, place: usize) {
        if text.start + place < self.looked.tokens {
            return;
        }
        let (detector, (found, end)) = match at(text.bytes, place + 1) {
            b'e' | b'E' => (Detector::Bearer, token::bearer(text.bytes, place)),
            _ => (Detector::Basic, token::basic(text.bytes, place)),
        };
        self.looked.tokens = text.start + end;
        if let Some(range) = found.filter(|_| self.wanted.has(detector)) {
            self.found(detector, text, range, None);
        }
    }
}

#[cfg(test)]
mod tests;
