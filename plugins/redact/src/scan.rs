//! One pass over many texts that lie one behind the other: blocks in which nothing can begin are passed over by arithmetic
//! that compilers turn into vector instructions, the rest is walked byte by byte, and each byte that gives something away
//! (an at sign, a separator, ...) is handed to the detector that it concerns.
//!
//! **Invariant** Everything is linear: look-backs are bounded or stop where their detector has looked before.

use std::ops::Range;

use crate::assign::{self, Separator};
use crate::card::Run;
use crate::detector::{Detector, Wanted};
use crate::text::{at, before, part, percent, tail};
use crate::value::Quote;
use crate::{email, token, url};

/// Bytes weighed together.
const BLOCK: usize = 32;
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

/// What these detectors find in these texts, of which `end` gives the end in `data`, one after the other; in no order.
pub(crate) fn scan(
    data: &[u8],
    end: impl Fn(usize) -> Option<usize>,
    wanted: Wanted,
) -> Vec<Finding> {
    let mut scan = Scan {
        data,
        end_of: end,
        wanted,
        digits: 0,
        digits_in: Text::default(),
        signs_in: Text::default(),
        looked: Looked::default(),
        findings: Vec::new(),
    };
    let blocks = data.as_chunks::<BLOCK>().0;
    let seconds = tail(data, 1).as_chunks::<BLOCK>().0;
    let thirds = tail(data, 2).as_chunks::<BLOCK>().0;
    let mut start = 0;
    for ((block, second), third) in blocks.iter().zip(seconds).zip(thirds) {
        scan.block(start, weigh(block, second, third));
        start += BLOCK;
    }
    // What is left is less than a block and two bytes.
    for start in [start, start + BLOCK] {
        let [block, second, third] = [0, 1, 2].map(|by| padded(tail(data, start + by)));
        scan.block(start, weigh(&block, &second, &third));
    }
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

/// A bit for each byte of a block.
#[derive(Clone, Copy, Default)]
struct Weights {
    /// Whether it may be the sign of a secret.
    signs: u32,
    /// Whether it is a digit.
    digits: u32,
}

/// Weighs a block, which is given thrice: itself, and one and two bytes further on.
fn weigh(block: &[u8; BLOCK], second: &[u8; BLOCK], third: &[u8; BLOCK]) -> Weights {
    let mut signs = [0_u8; BLOCK];
    let mut digits = [0_u8; BLOCK];
    let bytes = block.iter().zip(second).zip(third);
    for ((((&x, &y), &z), sign), digit) in bytes.zip(&mut signs).zip(&mut digits) {
        let assigns =
            u8::from(x == b'@') | u8::from(x == b'%') | u8::from(x == b':') | u8::from(x == b'=');
        let tuple = u8::from(y == b',') & (u8::from(x == b'"') | u8::from(x == b'\''));
        let jwt = u8::from(x == b'y') & u8::from(y == b'J');
        let bearer = u8::from(y | 0x20 == b'r') & u8::from(z | 0x20 == b'e');
        let basic = u8::from(y | 0x20 == b's') & u8::from(z | 0x20 == b'i');
        *sign = assigns | tuple | jwt | u8::from(x | 0x20 == b'a') & (bearer | basic);
        *digit = u8::from(x.wrapping_sub(b'0') < 10);
    }
    Weights {
        signs: gather(&signs),
        digits: gather(&digits),
    }
}

/// The lowest bits of these bytes.
fn gather(bytes: &[u8; BLOCK]) -> u32 {
    bytes.as_chunks::<8>().0.iter().rev().fold(0, |bits, word| {
        // The factor moves the bit of each byte to its place in the highest byte.
        let byte = u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits << 8 | u32::try_from(byte).unwrap_or_default()
    })
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
#[derive(Clone, Copy, Default)]
struct Text<'a> {
    number: usize,
    /// Where it starts and ends in the data.
    start: usize,
    end: usize,
    bytes: &'a [u8],
}

struct Scan<'a, E> {
    data: &'a [u8],
    end_of: E,
    wanted: Wanted,
    /// Which bytes of the block before are digits.
    digits: u32,
    /// The texts that pairs of digits and signs are in.
    digits_in: Text<'a>,
    signs_in: Text<'a>,
    looked: Looked,
    findings: Vec<Finding>,
}

impl<'a, E: Fn(usize) -> Option<usize>> Scan<'a, E> {
    /// Looks into the block at `start` where its weights say so.
    fn block(&mut self, start: usize, weights: Weights) {
        let mut pairs = pairs(u64::from(self.digits) | u64::from(weights.digits) << BLOCK);
        self.digits = weights.digits;
        while pairs != 0 {
            let position = start + pairs.trailing_zeros() as usize - BLOCK;
            pairs &= pairs - 1;
            if position >= self.looked.cards {
                self.digits_in = self.text_at(position, self.digits_in);
                self.digit(self.digits_in, position - self.digits_in.start);
            }
        }
        let mut signs = weights.signs;
        while signs != 0 {
            let position = start + signs.trailing_zeros() as usize;
            signs &= signs - 1;
            self.signs_in = self.text_at(position, self.signs_in);
            self.sign(self.signs_in, position - self.signs_in.start);
        }
    }

    /// The text that holds this position, which is no earlier than this one.
    fn text_at(&self, position: usize, mut text: Text<'a>) -> Text<'a> {
        if position < text.end {
            return text;
        }
        while text.end <= position
            && let Some(end) = (self.end_of)(text.number)
        {
            (text.start, text.end) = (text.end, end);
            text.number += 1;
        }
        text.bytes = part(self.data, text.start, text.end);
        text
    }

    /// Hands the sign at `place` to whom it concerns.
    fn sign(&mut self, text: Text<'_>, place: usize) {
        match at(text.bytes, place) {
            b'@' => self.email(text, place, 1),
            b'%' => self.percent(text, place),
            b':' => self.colon(text, place),
            b'=' => self.assigned(text, place, 1, Separator::Equals),
            b'"' | b'\'' => self.assigned(text, place + 1, 1, Separator::Comma),
            b'y' => self.jwt(text, place),
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
        // A text is numbered as it is left behind: its own number is one less.
        self.findings.push(Finding {
            text: text.number - 1,
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

    /// A `y` before a `J`: perhaps of the beginning of a JSON object in base64.
    fn jwt(&mut self, text: Text<'_>, place: usize) {
        let looked = text.start + place < self.looked.jwts;
        if looked || !self.wanted.has(Detector::Jwt) || before(text.bytes, place) != b'e' {
            return;
        }
        let (found, end) = token::jwt(text.bytes, place - 1);
        self.looked.jwts = text.start + end;
        if let Some(range) = found {
            self.found(Detector::Jwt, text, range, None);
        }
    }

    /// An `a`: perhaps of Bearer or Basic.
    fn scheme(&mut self, text: Text<'_>, place: usize) {
        if text.start + place < self.looked.tokens {
            return;
        }
        let (detector, (found, end)) = match at(text.bytes, place + 1) {
            b'r' | b'R' if place >= 2 => (Detector::Bearer, token::bearer(text.bytes, place - 2)),
            b's' | b'S' if place >= 1 => (Detector::Basic, token::basic(text.bytes, place - 1)),
            _ => return,
        };
        self.looked.tokens = text.start + end;
        if let Some(range) = found.filter(|_| self.wanted.has(detector)) {
            self.found(detector, text, range, None);
        }
    }
}

#[cfg(test)]
mod tests;
