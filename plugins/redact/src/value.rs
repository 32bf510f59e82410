//! The value that follows a name: quoted, in brackets, or bare.

use std::ops::Range;

use crate::detector::mask_length;
use crate::text::{at, before, part, percent, reads, tail};

/// Strings in strings in strings are seen through to this many backslashes before a quote.
const DEEPEST: usize = 7;
/// Schemes of an Authorization header: the value goes on with the next word.
const SCHEMES: [&[u8]; 7] = [
    b"bearer",
    b"basic",
    b"token",
    b"apikey",
    b"negotiate",
    b"ntlm",
    b"dpop",
];
/// Schemes whose parameters fill the line.
const LINE_SCHEMES: [&[u8]; 3] = [b"digest", b"hawk", b"aws4-hmac-sha256"];
/// What stands for no value.
const NOTHING: [&[u8]; 7] = [
    b"null",
    b"none",
    b"nil",
    b"true",
    b"false",
    b"undefined",
    b"nan",
];

/// A quote, and the backslashes in front of it where the string stands within another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quote {
    /// `"` or `'`.
    pub(crate) mark: u8,
    /// How many.
    pub(crate) backslashes: usize,
}

/// Where a value stands, which decides where a bare one ends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    /// The quote around the name.
    pub(crate) quote: Option<Quote>,
    /// In a URL's query or a form.
    pub(crate) query: bool,
    /// In one that is itself percent-encoded.
    pub(crate) encoded: bool,
    /// In a header that fills the line.
    pub(crate) line: bool,
}

/// A value, and the quote to put around what replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    /// Its bytes, without its quotes.
    pub(crate) range: Range<usize>,
    /// Of a quoted name's unquoted value: a mask is a string.
    pub(crate) quote: Option<Quote>,
}

/// The value at `start`, which is behind blanks and colours; none if there is nothing or a mask.
pub(crate) fn read(text: &[u8], start: usize, place: Place) -> Option<Value> {
    if let Some((quote, inside)) = opening(text, start) {
        return value(text, inside, closing(text, inside, quote), None);
    }
    if mask_length(tail(text, start)) > 0 {
        return None;
    }
    if !place.query && matches!(at(text, start), b'[' | b'{' | b'(') {
        let end = bracket_end(text, start);
        return (end > start + 2).then_some(Value {
            range: start..end,
            quote: place.quote,
        });
    }
    value(text, start, bare_end(text, start, place), place.quote)
}

fn value(text: &[u8], start: usize, end: usize, quote: Option<Quote>) -> Option<Value> {
    let bytes = part(text, start, end);
    let nothing = bytes.iter().all(|&byte| byte == b'*')
        || NOTHING.iter().any(|word| bytes.eq_ignore_ascii_case(word));
    (!nothing && mask_length(bytes) == 0).then_some(Value {
        range: start..end,
        quote,
    })
}

/// The quote that opens a string at `start`, and where the string's inside starts: `"`, `\"`, `b'`.
pub(crate) fn opening(text: &[u8], start: usize) -> Option<(Quote, usize)> {
    let mut i = start;
    if matches!(at(text, i), b'b' | b'B' | b'u' | b'U' | b'r' | b'R') {
        i += 1;
    }
    let backslashes = part(text, i, i + DEEPEST + 1)
        .iter()
        .take_while(|&&byte| byte == b'\\')
        .count();
    i += backslashes;
    let mark = at(text, i);
    matches!(mark, b'"' | b'\'').then_some((Quote { mark, backslashes }, i + 1))
}

/// Where the string whose inside starts at `inside` ends: at its quote behind as many backslashes, or, if the string
/// around it ends before it does, there.
fn closing(text: &[u8], inside: usize, quote: Quote) -> usize {
    let mut backslashes = 0;
    for (i, &byte) in text.iter().enumerate().skip(inside) {
        if byte == b'\\' {
            backslashes += 1;
            continue;
        }
        if byte == quote.mark {
            if backslashes < quote.backslashes {
                return i - backslashes;
            }
            if backslashes % (2 * (quote.backslashes + 1)) == quote.backslashes {
                return i - quote.backslashes;
            }
        }
        backslashes = 0;
    }
    text.len()
}

/// Where the bracket at `start` closes; the end of the text if it does not.
fn bracket_end(text: &[u8], start: usize) -> usize {
    let mut depth = 0_usize;
    let mut quoted = None;
    let mut escaped = false;
    let mut previous = 0;
    for (i, &byte) in text.iter().enumerate().skip(start) {
        if escaped {
            escaped = false;
        } else if byte == b'\\' {
            escaped = true;
        } else if let Some(mark) = quoted {
            if byte == mark {
                quoted = None;
            }
        } else {
            match byte {
                b'"' | b'\''
                    if matches!(
                        previous,
                        b'[' | b'{' | b'(' | b',' | b':' | b'=' | b'b' | b'u'
                    ) =>
                {
                    quoted = Some(byte);
                }
                b'[' | b'{' | b'(' => depth += 1,
                b']' | b'}' | b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return i + 1;
            }
        }
        if byte != b' ' {
            previous = byte;
        }
    }
    text.len()
}

/// Where the bare value at `start` ends.
fn bare_end(text: &[u8], start: usize, place: Place) -> usize {
    if place.line {
        return line_end(text, start);
    }
    let end = word_end(text, start, place);
    let scheme = part(text, start, end);
    if LINE_SCHEMES
        .iter()
        .any(|line| scheme.eq_ignore_ascii_case(line))
    {
        return line_end(text, end);
    }
    if !SCHEMES
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
    {
        return end;
    }
    let mut next = end;
    while matches!(at(text, next), b' ' | b'+') {
        next += 1;
    }
    if next == end || mask_length(tail(text, next)) > 0 {
        end
    } else {
        word_end(text, next, place).max(end)
    }
}

/// Where the run without blanks, quotes and separators ends.
fn word_end(text: &[u8], start: usize, place: Place) -> usize {
    let mut i = start;
    loop {
        match at(text, i) {
            0 if i >= text.len() => break,
            b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'&' | 0x1b => break,
            b'#' if place.query => break,
            b'%' if place.encoded && is_encoded_end(text, i) => break,
            b'\\'
                if matches!(
                    at(text, i + 1),
                    b'n' | b'r' | b't' | b'u' | b'x' | b'"' | b'\'' | b'\\'
                ) =>
            {
                break;
            }
            b',' | b';' | b')' | b']' | b'}' if !place.query => break,
            b'(' | b'[' | b'{' if !place.query => i = bracket_end(text, i),
            _ => i += 1,
        }
    }
    while place.query
        && i > start
        && matches!(before(text, i), b',' | b'.' | b';' | b')' | b']' | b'}')
    {
        i -= 1;
    }
    i
}

/// Whether an encoded `&`, `#`, quote or blank stands here, once or twice encoded.
fn is_encoded_end(text: &[u8], i: usize) -> bool {
    matches!(percent(text, i), Some(b'&' | b'#' | b'"' | b' ')) || reads(text, i, b"%2526")
}

/// Where the line, or the string that it stands in, ends.
fn line_end(text: &[u8], start: usize) -> usize {
    let mut i = start;
    loop {
        match at(text, i) {
            0 if i >= text.len() => return i,
            b'\n' | b'\r' | b'"' | b'\'' | 0x1b => return i,
            b'\\' if matches!(at(text, i + 1), b'n' | b'r' | b'"' | b'\'' | b'\\') => return i,
            _ => i += 1,
        }
    }
}
