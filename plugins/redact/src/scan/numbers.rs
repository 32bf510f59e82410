//! What shapes and signs of numbers and long words concern.

use super::{Scan, Text};
use crate::card::{self, Run};
use crate::detector::{Detector, Wanted};
use crate::scan::Quotes;
use crate::shape::Pair;
use crate::text::{at, before};
use crate::weigh::BLOCK;
use crate::{api_key, iban, ip, phone, ssn};

/// Who looks for what where a shape is.
const LONG: Wanted = Wanted::of(&[Detector::CreditCard, Detector::Iban]);
const SHORT: Wanted = Wanted::of(&[Detector::Phone, Detector::UsSsn]);
const DOTTED: Wanted = Wanted::of(&[Detector::Ip]);
const WORDS: Wanted = Wanted::of(&[Detector::ApiKey]);
/// The digits of a group.
const GROUP: usize = 4;

/// Where the shapes are in two blocks that somebody wants.
pub(super) struct Shapes {
    accounts: u64,
    cards: u64,
    short: u64,
    dotted: u64,
    words: u64,
}

impl Shapes {
    /// Where any is.
    #[inline]
    pub(super) fn any(&self) -> u64 {
        self.accounts | self.cards | self.short | self.dotted | self.words
    }
}

impl Scan<'_> {
    /// The shapes in two blocks.
    #[inline]
    pub(super) fn shapes(&self, pair: Pair) -> Shapes {
        let sought = |shape: fn(Pair) -> u64, by: Wanted| {
            if self.wanted.has_any(by) {
                shape(pair)
            } else {
                0
            }
        };
        let long = sought(Pair::long_numbers, LONG);
        Shapes {
            accounts: if self.wanted.has(Detector::Iban) {
                long
            } else {
                0
            },
            cards: if self.wanted.has(Detector::CreditCard) {
                pair.cards(long)
            } else {
                0
            },
            short: sought(Pair::short_numbers, SHORT),
            dotted: sought(Pair::dotted, DOTTED),
            words: sought(Pair::long_words, WORDS),
        }
    }

    /// Hands on the shapes in two blocks, of which the second starts at `start`.
    #[inline(never)]
    pub(super) fn hand_on(&mut self, shapes: &Shapes, start: usize) {
        let [_, past] = self.starts.past;
        let mut any = shapes.any();
        while any != 0 {
            let shape = any & any.wrapping_neg();
            any ^= shape;
            let position = start + shape.trailing_zeros() as usize - BLOCK;
            let text = self.shapes_in.seek(position, past, self.data, self.ends);
            if self.escaped.last() == Some(&text.number) {
                continue;
            }
            let place = position - text.start;
            if shapes.accounts & shape != 0 {
                self.account(text, place);
            }
            if shapes.cards & shape != 0 {
                self.card(text, place);
            }
            if shapes.short & shape != 0 {
                self.short_number(text, place);
            }
            if shapes.dotted & shape != 0 {
                self.address_v4(text, place);
            }
            if shapes.words & shape != 0 {
                self.long_word(text, place);
            }
        }
    }

    fn account(&mut self, text: Text<'_>, place: usize) {
        if text.start + place >= self.looked.ibans
            && let Some(range) = iban::find(text.bytes, place)
        {
            self.looked.ibans = text.start + range.end;
            self.found(Detector::Iban, text, range, Quotes::None);
        }
    }

    fn card(&mut self, text: Text<'_>, place: usize) {
        let looked = text.start + place < self.looked.cards;
        let goes_on = card::goes_on(at(text.bytes, place + GROUP));
        if looked || !goes_on {
            return;
        }
        let floor = self.looked.cards.saturating_sub(text.start);
        let mut run = Run::around(text.bytes, place, floor);
        for card in run.by_ref() {
            self.number(Detector::CreditCard, text, card);
        }
        self.looked.cards = text.start + run.end().max(place + 1);
    }

    fn short_number(&mut self, text: Text<'_>, place: usize) {
        if text.start + place < self.looked.numbers {
            return;
        }
        let phone = || phone::find(text.bytes, place).map(|range| (Detector::Phone, range));
        let ssn = || ssn::find(text.bytes, place).map(|range| (Detector::UsSsn, range));
        let phone = self.wanted.has(Detector::Phone).then(phone).flatten();
        let ssn = self.wanted.has(Detector::UsSsn).then(ssn).flatten();
        for (detector, range) in [phone, ssn].into_iter().flatten() {
            self.looked.numbers = text.start + range.end;
            self.number(detector, text, range);
        }
    }

    /// A plus before digits: perhaps of a telephone number.
    pub(super) fn plus(&mut self, text: Text<'_>, place: usize) {
        if self.wanted.has(Detector::Phone)
            && let Some(range) = phone::international(text.bytes, place)
        {
            self.found(Detector::Phone, text, range, Quotes::None);
        }
    }

    fn address_v4(&mut self, text: Text<'_>, dot: usize) {
        if self.wanted.has(Detector::Ip)
            && let Some(range) = ip::v4(text.bytes, dot, self.search.private_addresses)
        {
            self.found(Detector::Ip, text, range, Quotes::None);
        }
    }

    pub(super) fn address_v6(&mut self, text: Text<'_>, colon: usize) {
        let inside = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
        let parts = inside(before(text.bytes, colon)) || at(text.bytes, colon + 1) == b':';
        let looked = text.start + colon < self.looked.addresses;
        if looked || !parts || !inside(at(text.bytes, colon + 1)) || !self.wanted.has(Detector::Ip)
        {
            return;
        }
        let (found, end) = ip::v6(text.bytes, colon, self.search.private_addresses);
        self.looked.addresses = text.start + end;
        if let Some(range) = found {
            self.found(Detector::Ip, text, range, Quotes::None);
        }
    }

    fn long_word(&mut self, text: Text<'_>, place: usize) {
        if self.wanted.has(Detector::ApiKey)
            && let Some(range) = api_key::find(text.bytes, place)
        {
            self.found(Detector::ApiKey, text, range, Quotes::None);
        }
    }
}
