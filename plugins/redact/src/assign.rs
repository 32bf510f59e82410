//! Names with values in a text: `password=...`, `"api_key": "..."`, `'token': b'...'`, `?sig=...`. From the separator, back
//! over the name and on over the value.

use std::ops::Range;

use crate::detector::{Detector, Wanted};
use crate::name::{LONG_VALUE, Secrecy, secrecy};
use crate::text::{at, before, colour_after, colour_start, part, past_escape, reads};
use crate::value::{Place, Quote, Value, opening, read};

/// The most of a name that is looked at.
const NAME: usize = 64;
/// Blanks between a name and its separator.
const BLANKS: usize = 4;

/// What parts a name from its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    /// `:`
    Colon,
    /// `=`, `:=` and `=>`
    Equals,
    /// `%3D`, `%253D`
    Encoded,
    /// `,` in a tuple: `('authorization', 'Basic ...')`
    Comma,
}

/// The secret around the separator `text[sign]`, and who of those wanted finds it.
pub(crate) fn find(
    text: &[u8],
    sign: Range<usize>,
    separator: Separator,
    wanted: Wanted,
) -> Option<(Detector, Value)> {
    if separator == Separator::Colon
        && (at(text, sign.end) == b':' || before(text, sign.start) == b':')
    {
        return None; // a path: token::Kind
    }
    let name = name_before(text, sign.start, separator)?;
    let secrecy = secrecy(part(text, name.start, name.end), name.query);
    let detector = match secrecy {
        Secrecy::Open => return None,
        _ if name.query && wanted.has(Detector::UrlSecret) => Detector::UrlSecret,
        Secrecy::Secret | Secrecy::Cookie if wanted.has(Detector::SecretKey) => Detector::SecretKey,
        _ => return None,
    };
    let start = value_start(text, sign.end, separator, name.quote.is_some());
    if separator == Separator::Comma {
        opening(text, start)?;
    }
    let place = Place {
        quote: name.quote,
        query: name.query,
        encoded: separator == Separator::Encoded,
        line: secrecy == Secrecy::Cookie && separator == Separator::Colon && name.quote.is_none(),
    };
    let value = read(text, start, place)?;
    let short = secrecy == Secrecy::LongInUrl && value.range.len() < LONG_VALUE;
    (!short).then_some((detector, value))
}

struct Name {
    start: usize,
    end: usize,
    quote: Option<Quote>,
    query: bool,
}

/// The name that ends before the separator at `separator_at`.
fn name_before(text: &[u8], separator_at: usize, separator: Separator) -> Option<Name> {
    let mut end = separator_at;
    while separator_at - end < BLANKS && matches!(before(text, end), b' ' | b'\t') {
        end -= 1;
    }
    if let Some(start) = colour_start(text, end) {
        end = start;
    }
    let quote = closing_quote(text, end);
    let whole = end;
    end = match quote {
        Some(quote) => end - quote.backslashes - 1,
        None => past_index(text, end),
    };
    let indexed = quote.is_none() && end < whole;
    let floor = end.saturating_sub(NAME);
    let mut start = end;
    while start > floor && is_name(before(text, start), quote.is_some()) {
        start -= 1;
    }
    if start == end || separator == Separator::Comma && !opens_tuple(text, start, quote?) {
        return None;
    }
    let mut query = false;
    if quote.is_none() {
        start = past_escape(text, start).min(end);
        if separator == Separator::Colon {
            if before(text, start) == b'/' {
                return None; // a path: /v1/tokens/token:revoke
            }
        } else {
            query = indexed || in_query(text, start);
        }
    }
    Some(Name {
        start,
        end,
        quote,
        query,
    })
}

const fn is_name(byte: u8, quoted: bool) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'-' | b'.' | b'$')
        || quoted && byte == b' '
}

/// The quote that closes a name at `end`.
fn closing_quote(text: &[u8], end: usize) -> Option<Quote> {
    let mark = before(text, end);
    if !matches!(mark, b'"' | b'\'') {
        return None;
    }
    let backslashes = (2..=8)
        .take_while(|&back| end >= back && at(text, end - back) == b'\\')
        .count();
    Some(Quote { mark, backslashes })
}

/// The end of the name in `user[password]`, `user%5Bpassword%5D` and `password[]`, of which the end is given.
fn past_index(text: &[u8], end: usize) -> usize {
    let closed = |end: usize| {
        if before(text, end) == b']' {
            1
        } else if end >= 3 && reads(text, end - 3, b"%5D") {
            3
        } else {
            0
        }
    };
    let inside = end - closed(end);
    let opened = if before(text, inside) == b'[' {
        1
    } else if inside >= 3 && reads(text, inside - 3, b"%5B") {
        3
    } else {
        0
    };
    if inside == end {
        return end;
    }
    if opened > 0 {
        return inside - opened; // password[]
    }
    let floor = inside.saturating_sub(NAME);
    let mut start = inside;
    while start > floor && is_name(before(text, start), false) {
        start -= 1;
    }
    let opens =
        before(text, start) == b'[' || before(text, start) == b'%' && reads(text, start, b"5B");
    if opens { inside } else { end }
}

/// Whether the name that starts here is the first in a tuple.
fn opens_tuple(text: &[u8], start: usize, quote: Quote) -> bool {
    let Some(mut i) = start.checked_sub(quote.backslashes + 1) else {
        return false;
    };
    if before(text, i) == b'b' {
        i -= 1;
    }
    at(text, start - 1) == quote.mark && before(text, i) == b'('
}

/// Whether a name that starts here is a parameter of a URL or form, of which the text may be the whole query.
fn in_query(text: &[u8], start: usize) -> bool {
    let ends_with = |escape: &[u8]| part(text, 0, start).ends_with(escape);
    match before(text, start) {
        0 => text
            .iter()
            .all(|&byte| byte > b' ' && !matches!(byte, b'"' | b'\'')),
        b'?' | b'&' | b'#' | b';' => true,
        b'6' => ends_with(b"%26") || ends_with(b"\\u0026"),
        b'f' | b'F' => ends_with(b"%3F") || ends_with(b"%3f"),
        b'3' => ends_with(b"%23"),
        _ => false,
    }
}

/// Where the value starts: behind blanks, colours and, of a quoted name, line breaks.
fn value_start(text: &[u8], end: usize, separator: Separator, quoted: bool) -> usize {
    let mut i = end;
    while separator == Separator::Equals && matches!(at(text, i), b'=' | b'>') {
        i += 1;
    }
    if separator == Separator::Colon && at(text, i) == b'=' {
        i += 1;
    }
    loop {
        i = match at(text, i) {
            b' ' | b'\t' => i + 1,
            b'\n' | b'\r' if quoted => i + 1,
            0x1b | b'\\' => match colour_after(text, i) {
                Some(end) => end,
                None => return i,
            },
            _ => return i,
        };
    }
}

#[cfg(test)]
mod tests;
