//! The value that follows a name: quoted, in brackets, or bare.

use std::ops::Range;

use crate::detector::mask_length;
use crate::scan::Quotes;
use crate::text::{BACKSLASHES, Layer, before, part, run_end, tail};

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
/// The most that stands before a string's quote and belongs to it.
const PREFIX: usize = 2;
/// The longest scheme.
const SCHEME: usize = 24;
/// What stands for no value.
const NOTHING: [&[u8]; 11] = [
    b"null",
    b"none",
    b"nil",
    b"true",
    b"false",
    b"yes",
    b"no",
    b"undefined",
    b"nan",
    b"str",
    b"string",
];

/// A quote, and the backslashes in front of it where the string stands within another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quote {
    /// `"` or `'`.
    pub(crate) mark: u8,
    /// How many.
    pub(crate) backslashes: usize,
}

/// How far a bare value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// To the next separator.
    Word,
    /// Over a scheme, known or not, and what follows it.
    Credentials,
    /// To what ends a parameter in a URL's query or a form.
    Query,
    /// Over `a=b; c=d`.
    Pairs,
    /// To the end of the line.
    Line,
}

/// A value, and the quotes to put around what replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    /// Its bytes, without its quotes.
    pub(crate) range: Range<usize>,
    /// Of a quoted name's unquoted value: a mask is a string.
    pub(crate) quotes: Quotes,
}

/// Whether this stands for no value, or is masked already.
pub(crate) fn is_nothing(value: &[u8]) -> bool {
    value.iter().all(|&byte| matches!(byte, b'*' | b'+'))
        || is_any(value, &NOTHING)
        || mask_length(value) > 0
}

/// Whether this is a scheme of an Authorization header.
pub(crate) fn is_scheme(word: &[u8]) -> bool {
    is_any(word, &SCHEMES) || is_any(word, &LINE_SCHEMES)
}

fn is_any(word: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// The value at `start`, which is behind blanks; none if there is nothing or a mask. Without quotes of its own it gets
/// `quotes`.
pub(crate) fn read(layer: Layer<'_>, start: usize, reach: Reach, quotes: Quotes) -> Option<Value> {
    let (range, quotes) = if let Some((quote, inside)) = opening(layer, start) {
        (inside..closing(layer, inside, quote), Quotes::None)
    } else if reach != Reach::Query && is_opening_bracket(layer.at(start)) {
        if mask_length(tail(layer.text, start)) > 0 {
            return None;
        }
        let end = bracket_end(layer, start);
        return (end > start + 2).then_some(Value {
            range: start..end,
            quotes,
        });
    } else {
        (start..bare_end(layer, start, reach), quotes)
    };
    let open = !is_nothing(part(layer.text, range.start, range.end));
    open.then_some(Value { range, quotes })
}

/// Whether this may stand before a string's quote: Python's `b'`, the shell's `$'`, SQL's `N'` and `E'`, C#'s `@"`.
const fn is_prefix(byte: u8) -> bool {
    matches!(
        byte.to_ascii_lowercase(),
        b'b' | b'u' | b'r' | b'f' | b'n' | b'e' | b'l' | b'x' | b'$' | b'@'
    )
}

/// The quote that opens a string at `start`, and where the string's inside starts: `"`, `\"`, `b'`.
pub(crate) fn opening(layer: Layer<'_>, start: usize) -> Option<(Quote, usize)> {
    let mut i = start;
    while i < start + PREFIX && is_prefix(layer.at(i)) {
        i += 1;
    }
    let backslashes = (0..=BACKSLASHES)
        .take_while(|&more| layer.at(i + more) == b'\\')
        .count();
    i += backslashes;
    let mark = layer.at(i);
    matches!(mark, b'"' | b'\'').then_some((Quote { mark, backslashes }, i + 1))
}

/// Where the string whose inside starts at `inside` ends: at its quote behind as many backslashes, or, if the string
/// around it ends before it does, there. A quote that is doubled is none.
pub(crate) fn closing(layer: Layer<'_>, inside: usize, quote: Quote) -> usize {
    let mut backslashes = 0;
    let mut i = inside;
    while i < layer.text.len() {
        let byte = layer.at(i);
        if byte == b'\\' {
            backslashes += 1;
            i += 1;
            continue;
        }
        if byte == quote.mark {
            if backslashes < quote.backslashes {
                return i - backslashes;
            }
            let ends = backslashes % (2 * (quote.backslashes + 1)) == quote.backslashes;
            let doubled = backslashes == 0 && layer.at(i + 1) == quote.mark;
            if ends && !doubled {
                return i - quote.backslashes;
            }
            i += usize::from(doubled);
        }
        backslashes = 0;
        i += 1;
    }
    layer.text.len()
}

const fn is_opening_bracket(byte: u8) -> bool {
    matches!(byte, b'[' | b'{' | b'(')
}

/// Where the bracket at `start` closes; the end of the text if it does not.
fn bracket_end(layer: Layer<'_>, start: usize) -> usize {
    let mut depth = 0_usize;
    let mut quoted = None;
    let mut escaped = false;
    let mut previous = 0;
    for i in start..layer.text.len() {
        let byte = layer.at(i);
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
    layer.text.len()
}

/// Where the bare value at `start` ends.
fn bare_end(layer: Layer<'_>, start: usize, reach: Reach) -> usize {
    match reach {
        Reach::Line => return line_end(layer, start),
        Reach::Query => return parameter_end(layer, start),
        Reach::Pairs => return pairs_end(layer, start),
        Reach::Word | Reach::Credentials => {}
    }
    let end = word_end(layer, start);
    let scheme = part(layer.text, start, end);
    if is_any(scheme, &LINE_SCHEMES) {
        let next = run_end(layer.text, end, |byte| byte == b' ');
        return line_end(layer, end).max(credentials_end(layer, next));
    }
    let mut next = end;
    while matches!(layer.at(next), b' ' | b'+') {
        next += 1;
    }
    let known = is_any(scheme, &SCHEMES) || reach == Reach::Credentials && may_be_scheme(scheme);
    if known && next > end && mask_length(tail(layer.text, next)) == 0 {
        credentials_end(layer, next).max(end)
    } else {
        end
    }
}

/// Whether this may be a scheme that is not known: letters and dashes.
fn may_be_scheme(word: &[u8]) -> bool {
    let letters = word
        .iter()
        .all(|&byte| byte.is_ascii_alphabetic() || byte == b'-');
    letters && (1..=SCHEME).contains(&word.len())
}

/// Where the credentials of a scheme end: a word, or parameters that commas part, `username="bob", uri=/x`.
fn credentials_end(layer: Layer<'_>, start: usize) -> usize {
    let mut end = word_end(layer, start);
    loop {
        if before(layer.text, end) == b'='
            && let Some((quote, inside)) = opening(layer, end)
            && (!ends_word(layer, inside) || layer.at(inside) == quote.mark)
            && !matches!(layer.at(inside), b',' | b';' | b'}' | b']' | b')' | b':')
        {
            end = closing(layer, inside, quote) + inside - end;
            end = end.min(layer.text.len());
        }
        if !matches!(layer.at(end), b',' | b';') {
            return end;
        }
        let next = run_end(layer.text, end + 1, |byte| byte == b' ');
        let name = run_end(layer.text, next, |byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
        });
        let listed = layer.at(end) == b';' && next == end + 1;
        if name == next || layer.at(name) != b'=' && !listed {
            return end;
        }
        end = word_end(layer, name);
    }
}

/// Where the run without blanks, quotes and separators ends.
fn word_end(layer: Layer<'_>, start: usize) -> usize {
    let mut i = start;
    let mut opened = None;
    loop {
        match layer.at(i) {
            b',' | b';' | b')' | b']' | b'}' => return i,
            // A quote in the middle of a word: ab"cd", it's.
            mark @ (b'"' | b'\'')
                if i > start
                    && (opened == Some(mark) || layer.at(i + 1).is_ascii_alphanumeric()) =>
            {
                opened = if opened == Some(mark) {
                    None
                } else {
                    Some(mark)
                };
                i += 1;
            }
            byte if is_opening_bracket(byte) => i = bracket_end(layer, i),
            _ if ends_word(layer, i) => return i,
            _ => i += 1,
        }
    }
}

/// Where the parameter of a query or form ends, without the punctuation of the sentence that it stands in.
fn parameter_end(layer: Layer<'_>, start: usize) -> usize {
    let mut end = start;
    while !ends_word(layer, end) && layer.at(end) != b'#' {
        end += 1;
    }
    let opened = part(layer.text, start, end)
        .iter()
        .any(|&byte| is_opening_bracket(byte));
    while end > start {
        match before(layer.text, end) {
            b',' | b'.' | b';' => {}
            b')' | b']' | b'}' if !opened => {}
            _ => break,
        }
        end -= 1;
    }
    end
}

/// Where the list of cookies that starts with this one ends.
fn pairs_end(layer: Layer<'_>, start: usize) -> usize {
    let mut end = word_end(layer, start);
    while layer.at(end) == b';' {
        let mut next = end + 1;
        while layer.at(next) == b' ' {
            next += 1;
        }
        let more = word_end(layer, next);
        if !part(layer.text, next, more).contains(&b'=') {
            break;
        }
        end = more;
    }
    end
}

/// Whether a word ends at `i`, whatever it is a word of.
fn ends_word(layer: Layer<'_>, i: usize) -> bool {
    match layer.at(i) {
        0 => i >= layer.text.len(),
        b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'\'' | b'<' | b'>' | b'`' | b'&' | 0x1b => true,
        b'\\' => escapes_quote(layer, i),
        _ => false,
    }
}

/// Where the line, or the string that it stands in, ends.
fn line_end(layer: Layer<'_>, start: usize) -> usize {
    let mut i = start;
    loop {
        match layer.at(i) {
            0 if i >= layer.text.len() => return i,
            b'\n' | b'\r' | b'"' | b'\'' | 0x1b => return i,
            b' ' | b'&' if layer.is_outside(i) => return i,
            b'\\' if escapes_quote(layer, i) => return i,
            _ => i += 1,
        }
    }
}

/// Whether the backslashes at `i` stand in front of a quote.
fn escapes_quote(layer: Layer<'_>, i: usize) -> bool {
    let quote = (i..=i + BACKSLASHES).find(|&i| layer.at(i) != b'\\');
    quote.is_some_and(|quote| matches!(layer.at(quote), b'"' | b'\''))
}
