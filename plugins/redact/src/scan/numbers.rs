//! What shapes and signs of numbers and long words concern.

use super::{Scan, Text};
use crate::card::{self, Run};
use crate::detector::Detector;
use crate::scan::Quotes;
use crate::text::{at, before, part};
use crate::weigh::BLOCK;
use crate::{api_key, iban, ip, phone, ssn};

/// The digits of a group.
const GROUP: usize = 4;

impl Scan<'_> {
    /// Hands on the shapes in two blocks, of which the second starts at `start`.
    #[inline]
    pub(super) fn shapes(&mut self, start: usize) {
        let pair = self.pair;
        let words = pair.long_words();
        let (long, short, dotted) = if pair.has_no_digits() {
            (0, 0, 0)
        } else {
            (pair.long_numbers(), pair.short_numbers(), pair.dotted())
        };
        let mut shapes = long | short | dotted | words;
        while shapes != 0 {
            let shape = shapes & shapes.wrapping_neg();
            shapes ^= shape;
            let position = start + shape.trailing_zeros() as usize - BLOCK;
            let text = self.shapes_in.seek(position, self.data, self.ends);
            if self.escaped.last() == Some(&text.number) {
                continue;
            }
            let place = position - text.start;
            if long & shape != 0 {
                self.long_number(text, place);
            }
            if short & shape != 0 {
                self.short_number(text, place);
            }
            if dotted & shape != 0 {
                self.address_v4(text, place);
            }
            if words & shape != 0 {
                self.long_word(text, place);
            }
        }
    }

    /// Looks for keys where texts begin: there is no telling by shape that a word does not go on from the text before.
    pub(super) fn first_words(&mut self) {
        let mut start = 0;
        for (number, &end) in self.ends.iter().enumerate() {
            let end = end as usize;
            let bytes = part(self.data, start, end);
            let text = Text {
                number,
                start,
                bytes,
            };
            start = end;
            if api_key::may_start(bytes) {
                self.long_word(text, 0);
            }
        }
    }

    fn long_number(&mut self, text: Text<'_>, place: usize) {
        let position = text.start + place;
        if position >= self.looked.ibans
            && self.wanted.has(Detector::Iban)
            && let Some(range) = iban::find(text.bytes, place)
        {
            self.looked.ibans = text.start + range.end;
            self.found(Detector::Iban, text, range, Quotes::None);
        }
        let goes_on = card::goes_on(at(text.bytes, place + GROUP));
        if position < self.looked.cards || !goes_on || !self.wanted.has(Detector::CreditCard) {
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
