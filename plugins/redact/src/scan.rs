//! One pass over many texts that lie one behind the other: `weigh` finds each byte that gives something away (an at sign,
//! a separator, ...), and it is handed to the detector that it concerns.
//!
//! The detectors know of no escapes. A text that holds one is looked at in its views instead, which hold none.
//!
//! **Invariant** Everything is linear: look-backs are bounded or stop where their detector has looked before.

mod idle;
#[cfg(test)]
mod model;
mod numbers;
mod texts;

use std::ops::Range;

use crate::assign::{self, Separator};
use crate::detector::{Detector, Wanted};
use crate::escape;
use crate::pattern::is_in_mask;
use crate::search::Search;
use crate::shape::{FIRST, Windows};
use crate::text::{Layer, at, before, part, tail};
use crate::value::Value;
use crate::view::View;
use crate::weigh::{BLOCK, weigh};
use crate::{email, json, pem, token, url};
use texts::{Cursor, Starts, Text, start_of};

/// Who looks for names with values.
const ASSIGNED: Wanted = Wanted::of(&[Detector::SecretKey, Detector::UrlSecret]);

/// A secret found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The text's number.
    pub(crate) text: usize,
    /// Its bytes in the text.
    pub(crate) range: Range<usize>,
    /// Who found it.
    pub(crate) detector: Detector,
    /// The quotes that its mask needs around it.
    pub(crate) quotes: Quotes,
}

/// The quotes that a mask needs around it, so that what was JSON stays JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Quotes {
    /// None.
    #[default]
    None,
    /// Those that JSON has.
    Plain,
    /// Such as stands here in the text, with the backslashes or the percent-encoding that it has.
    Like(Range<usize>),
}

/// What these detectors find in these texts, which end in `data` at `ends`, one after the other; in no order.
pub(crate) fn scan(data: &[u8], ends: &[u32], search: &Search) -> Vec<Finding> {
    scan_by(run, data, ends, search)
}

/// The same, by this way to look at texts without escapes.
fn scan_by(run: fn(&mut Scan<'_>), data: &[u8], ends: &[u32], search: &Search) -> Vec<Finding> {
    let mut scan = Scan::new(data, ends, search);
    run(&mut scan);
    let Scan {
        escaped,
        mut findings,
        ..
    } = scan;
    if escaped.is_empty() {
        return findings;
    }
    findings.retain(|found| escaped.binary_search(&found.text).is_err());
    for number in escaped {
        let [start, end] = [number, number + 1].map(|number| start_of(number, ends));
        see_through(run, (number, part(data, start, end)), search, &mut findings);
    }
    findings
}

/// Finds what is in the views of a text that holds escapes.
fn see_through(
    run: fn(&mut Scan<'_>),
    (number, text): (usize, &[u8]),
    search: &Search,
    findings: &mut Vec<Finding>,
) {
    for view in View::all(text) {
        let ends = [u32::try_from(view.bytes().len()).unwrap_or(u32::MAX)];
        let mut scan = Scan::new(view.bytes(), &ends, search);
        scan.depths = Some(view.depths());
        run(&mut scan);
        findings.extend(scan.findings.into_iter().map(|found| Finding {
            text: number,
            range: view.raw(&found.range),
            quotes: match found.quotes {
                Quotes::Like(quote) => Quotes::Like(view.raw(&quote)),
                quotes => quotes,
            },
            ..found
        }));
    }
}

/// Looks at texts without escapes, block by block.
fn run(scan: &mut Scan<'_>) {
    let (mut start, mut last) = (0, Default::default());
    // What begins late in the last block is met with the one behind it, which is empty.
    while start < scan.data.len() + FIRST {
        let rest = tail(scan.data, start);
        let zeros;
        let bytes = if let Some(bytes) = rest.first_chunk() {
            bytes
        } else {
            zeros = padded(rest);
            &zeros
        };
        let block = (weigh(bytes), scan.starts.bits(start / BLOCK));
        let windows = Windows::new(&last, &block);
        let shapes = scan.shapes(&windows, start);
        if shapes.any() {
            scan.hand_on(&shapes, &windows, start);
        }
        if block.0.signs != 0 {
            scan.signs(start, block.0.signs);
        }
        scan.starts.pass(start / BLOCK);
        last = block;
        start += BLOCK;
    }
    if !scan.search.patterns.is_empty() {
        scan.patterns();
    }
}

/// The first of these bytes, with zeros behind them.
fn padded(bytes: &[u8]) -> [u8; BLOCK + 1] {
    let mut block = [0; BLOCK + 1];
    for (byte, there) in block.iter_mut().zip(bytes) {
        *byte = *there;
    }
    block
}

/// Up to where in the data something was looked for, of what may read far ahead.
#[derive(Default)]
struct Looked {
    cards: usize,
    ibans: usize,
    numbers: usize,
    addresses: usize,
    tokens: usize,
    jwts: usize,
    keys: usize,
    assigned: usize,
    /// Behind here no account's number has begun that is long enough.
    heads: usize,
}

struct Scan<'a> {
    data: &'a [u8],
    ends: &'a [u32],
    search: &'a Search,
    wanted: Wanted,
    /// Of a view, which has no escapes: how often each byte was encoded.
    depths: Option<&'a [u8]>,
    /// At the block, and at the texts that shapes are in, and signs.
    starts: Starts,
    shapes_in: Cursor,
    signs_in: Cursor,
    looked: Looked,
    /// The numbers of the texts that hold escapes, which are not looked at any further.
    escaped: Vec<usize>,
    findings: Vec<Finding>,
}

impl<'a> Scan<'a> {
    fn new(data: &'a [u8], ends: &'a [u32], search: &'a Search) -> Self {
        Self {
            data,
            ends,
            search,
            wanted: search.wanted,
            depths: None,
            starts: Starts::new(data.len(), ends),
            shapes_in: Cursor::default(),
            signs_in: Cursor::default(),
            looked: Looked::default(),
            escaped: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Looks for the user's patterns in the texts without escapes.
    fn patterns(&mut self) {
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
            if self.escaped.binary_search(&number).is_err() {
                let patterns = &self.search.patterns;
                patterns.find(bytes, |detector, range| self.number(detector, text, range));
            }
        }
    }

    #[inline(never)]
    fn signs(&mut self, start: usize, mut signs: u64) {
        let [past, _] = self.starts.past;
        while signs != 0 {
            let position = start + signs.trailing_zeros() as usize;
            signs &= signs - 1;
            if idle::is_idle(self.data, position) {
                continue;
            }
            let text = self.signs_in.seek(position, past, self.data, self.ends);
            if self.escaped.last() != Some(&text.number) {
                self.sign(text, position - text.start);
            }
        }
    }

    /// Hands the sign at `place` to whom it concerns.
    fn sign(&mut self, text: Text<'_>, place: usize) {
        match at(text.bytes, place) {
            b'@' => self.at_sign(text, place),
            b'%' | b'&' | b'\\' | 0x1b => self.escape(text, place),
            b'+' => self.plus(text, place),
            b':' => self.colon(text, place),
            b'=' => self.assigned(text, place, Separator::Equals),
            b'>' => self.assigned(text, place, Separator::Tag),
            b'-' => self.assigned(text, place, Separator::Dashes),
            b' ' => self.assigned(text, place, Separator::Blank),
            b'"' | b'\'' => self.assigned(text, place + 1, Separator::Comma),
            b'J' => self.jwt(text, place),
            _ => self.word(text, place),
        }
    }

    fn found(&mut self, detector: Detector, text: Text<'_>, range: Range<usize>, quotes: Quotes) {
        if is_in_mask(text.bytes, &range) {
            return;
        }
        self.findings.push(Finding {
            text: text.number,
            range,
            detector,
            quotes,
        });
    }

    /// Something without quotes of its own was found, which may be a number in JSON.
    fn number(&mut self, detector: Detector, text: Text<'_>, range: Range<usize>) {
        let digits = part(text.bytes, range.start, range.end);
        let (range, quotes) = if digits.iter().all(u8::is_ascii_digit) {
            json::quoted(self.layer(text), range)
        } else {
            (range, Quotes::None)
        };
        self.found(detector, text, range, quotes);
    }

    fn layer<'b>(&self, text: Text<'b>) -> Layer<'b>
    where
        'a: 'b,
    {
        Layer::new(text.bytes, self.depths.unwrap_or_default())
    }

    /// Leaves a text that holds an escape to be looked at in its views.
    fn escape(&mut self, text: Text<'_>, place: usize) {
        let inside = at(text.bytes, place) == b'\\' && before(text.bytes, place) == b'\\';
        if self.depths.is_none() && !inside && escape::is_any(text.bytes, place) {
            self.escaped.push(text.number);
        }
    }

    fn at_sign(&mut self, text: Text<'_>, place: usize) {
        if self.wanted.has(Detector::Email)
            && let Some(address) = email::find(text.bytes, place)
        {
            self.found(Detector::Email, text, address, Quotes::None);
        }
        if self.wanted.has(Detector::UrlSecret)
            && let Some(userinfo) = url::bare_userinfo(self.layer(text).down_to(place), place)
        {
            self.found(Detector::UrlSecret, text, userinfo, Quotes::None);
        }
    }

    fn colon(&mut self, text: Text<'_>, place: usize) {
        if part(text.bytes, place + 1, place + 3) != b"//" {
            self.address_v6(text, place);
            if before(text.bytes, place).is_ascii_digit() {
                self.private_key(text, place, pem::putty);
            }
            self.assigned(text, place, Separator::Colon);
        } else if self.wanted.has(Detector::UrlSecret)
            && let Some(userinfo) = url::userinfo(self.layer(text), place)
        {
            self.found(Detector::UrlSecret, text, userinfo, Quotes::None);
        }
    }

    fn assigned(&mut self, text: Text<'_>, place: usize, separator: Separator) {
        if !self.wanted.has_any(ASSIGNED) || text.start + place < self.looked.assigned {
            return;
        }
        let found = assign::find(self.layer(text), place, separator, self.wanted);
        if let Some((detector, Value { range, quotes })) = found {
            self.looked.assigned = text.start + range.end;
            self.found(detector, text, range, quotes);
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
            self.found(Detector::Jwt, text, range, Quotes::None);
        }
    }

    /// A `b`: perhaps of Bearer, Basic or `-----BEGIN`.
    fn word(&mut self, text: Text<'_>, place: usize) {
        if at(text.bytes, place + 1) == b'E' {
            self.private_key(text, place, pem::find);
        }
        if text.start + place < self.looked.tokens {
            return;
        }
        let (detector, (found, end)) = match at(text.bytes, place + 1) {
            b'e' | b'E' => (Detector::Bearer, token::bearer(text.bytes, place)),
            _ => (Detector::Basic, token::basic(text.bytes, place)),
        };
        self.looked.tokens = text.start + end;
        if let Some(range) = found.filter(|_| self.wanted.has(detector)) {
            self.found(detector, text, range, Quotes::None);
        }
    }

    fn private_key(
        &mut self,
        text: Text<'_>,
        place: usize,
        find: fn(&[u8], usize) -> Option<Range<usize>>,
    ) {
        let looked = text.start + place < self.looked.keys;
        if !looked
            && self.wanted.has(Detector::PrivateKey)
            && let Some(range) = find(text.bytes, place)
        {
            self.looked.keys = text.start + range.end;
            self.found(Detector::PrivateKey, text, range, Quotes::None);
        }
    }
}

#[cfg(test)]
mod tests;
