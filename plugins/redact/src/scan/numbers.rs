//! What shapes and signs of numbers and long words concern.

use wide::u64x2;

use super::{Scan, Text};
use crate::card::{self, Run};
use crate::detector::{Detector, Wanted};
use crate::scan::Quotes;
use crate::shape::{Around, STEP, Windows};
use crate::text::{at, before};
use crate::weigh::BLOCK;
use crate::{api_key, iban, ip, phone, ssn};

/// Who looks for what where a shape is.
const LONG: Wanted = Wanted::of(&[Detector::CreditCard, Detector::Iban]);
const ACCOUNTS: Wanted = Wanted::of(&[Detector::Iban]);
const SHORT: Wanted = Wanted::of(&[Detector::Phone, Detector::UsSsn]);
const DOTTED: Wanted = Wanted::of(&[Detector::Ip]);
const WORDS: Wanted = Wanted::of(&[Detector::ApiKey]);
/// The digits of a group.
const GROUP: usize = 4;

/// How far behind its head the first long row of digits of an account's number begins, at most.
const ACCOUNT: usize = 80;

/// Where the shapes are in both windows that somebody wants.
pub(super) struct Shapes {
    accounts: u64x2,
    cards: u64x2,
    short: u64x2,
    dotted: u64x2,
    words: u64x2,
}

impl Shapes {
    /// Whether there is any.
    #[inline]
    pub(super) fn any(&self) -> bool {
        let any = self.accounts | self.cards | self.short | self.dotted | self.words;
        let [early, late] = any.to_array();
        early | late != 0
    }

    /// The same, window by window.
    fn by_window(&self) -> [[u64; 5]; 2] {
        let all = [
            self.accounts,
            self.cards,
            self.short,
            self.dotted,
            self.words,
        ];
        let all = all.map(u64x2::to_array);
        [all.map(|[early, _]| early), all.map(|[_, late]| late)]
    }
}

impl Scan<'_> {
    /// The shapes in the windows over the block at `start`.
    #[inline]
    pub(super) fn shapes(&mut self, windows: &Windows, start: usize) -> Shapes {
        let wanted = self.wanted;
        let sought = |shape: fn(&Windows) -> u64x2, by: Wanted| {
            if wanted.has_any(by) {
                shape(windows)
            } else {
                u64x2::splat(0)
            }
        };
        let long = sought(Windows::long_numbers, LONG);
        let heads = sought(Windows::heads, ACCOUNTS);
        if heads.to_array() != [0; 2] {
            self.looked.heads = start + BLOCK + ACCOUNT;
        }
        Shapes {
            accounts: if start < self.looked.heads {
                long
            } else {
                u64x2::splat(0)
            },
            cards: if wanted.has(Detector::CreditCard) {
                windows.cards(long)
            } else {
                u64x2::splat(0)
            },
            short: sought(Windows::short_numbers, SHORT),
            dotted: sought(Windows::dotted, DOTTED),
            words: sought(Windows::long_words, WORDS),
        }
    }

    /// Hands on the shapes in the windows over the block at `start`.
    #[inline(never)]
    pub(super) fn hand_on(&mut self, shapes: &Shapes, windows: &Windows, start: usize) {
        let [_, past] = self.starts.past;
        let windows = shapes.by_window().into_iter().zip(windows.around());
        for (window, (shapes, around)) in windows.enumerate() {
            let [accounts, cards, short, dotted, words] = shapes;
            let mut any = accounts | cards | short | dotted | words;
            while any != 0 {
                let place = any.trailing_zeros();
                any &= any - 1;
                let position = start + window * STEP + place as usize - STEP;
                let is = |these: u64| these >> place & 1 == 1;
                let long_word = is(words) && self.is_key_like(position, place, &around);
                let short = is(short) && self.is_parted_or_named(position, place, &around);
                let account = is(accounts) && around.has_before(place, around.heads);
                if !long_word && !short && !account && !is(cards | dotted) {
                    continue;
                }
                let text = self.shapes_in.seek(position, past, self.data, self.ends);
                if self.escaped.last() == Some(&text.number) {
                    continue;
                }
                let place = position - text.start;
                if account {
                    self.account(text, place);
                }
                if is(cards) {
                    self.card(text, place);
                }
                if short {
                    self.short_number(text, place);
                }
                if is(dotted) {
                    self.address_v4(text, place);
                }
                if long_word {
                    self.long_word(text, place);
                }
            }
        }
    }

    /// Whether the long word at `position` begins as keys do: spares most words a look at the text around them.
    fn is_key_like(&self, position: usize, place: u32, around: &Around) -> bool {
        let previous = if around.starts >> place & 1 == 1 {
            0
        } else {
            before(self.data, position)
        };
        api_key::may_be(self.data, position, previous, around.joints >> place)
    }

    /// Whether the short number at `position` has the groups of those that need no name, or a letter is before it that may be
    /// of one: spares decimals and times a look at the text around them.
    fn is_parted_or_named(&self, position: usize, place: u32, around: &Around) -> bool {
        let parted = matches!(at(self.data, position + 3), b'-' | b'.' | b')');
        parted || around.has_before(place, around.letters)
    }

    #[inline(never)]
    pub(super) fn account(&mut self, text: Text<'_>, place: usize) {
        if text.start + place >= self.looked.ibans
            && let Some(range) = iban::find(text.bytes, place)
        {
            self.looked.ibans = text.start + range.end;
            self.found(Detector::Iban, text, range, Quotes::None);
        }
    }

    #[inline(never)]
    pub(super) fn card(&mut self, text: Text<'_>, place: usize) {
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

    #[inline(never)]
    pub(super) fn short_number(&mut self, text: Text<'_>, place: usize) {
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

    #[inline(never)]
    pub(super) fn address_v4(&mut self, text: Text<'_>, dot: usize) {
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

    #[inline(never)]
    pub(super) fn long_word(&mut self, text: Text<'_>, place: usize) {
        if self.wanted.has(Detector::ApiKey)
            && let Some(range) = api_key::find(text.bytes, place)
        {
            self.found(Detector::ApiKey, text, range, Quotes::None);
        }
    }
}
