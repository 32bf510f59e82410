//! Names with values in a text: `password=...`, `"api_key": "..."`, `'token': b'...'`, `?sig=...`. From the separator, back
//! over the name and on over the value.

mod apart;
mod enclosed;
mod key;

use crate::detector::{Detector, Wanted, ends_with_mask};
use crate::name::{Secrecy, secrecy};
use crate::prose;
use crate::scan::Quotes;
use crate::text::{Layer, at, before, part, read_before, run_end};
use crate::value::{Reach, Value, is_nothing, is_scheme, read};
use crate::yaml;
use key::{Key, is_blank};

/// More of a word of a sentence is not looked at.
const WORD: usize = 32;

/// What parts a name from its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    /// `:`
    Colon,
    /// `=`, `:=` and `=>`
    Equals,
    /// `,` in a tuple, and after a name that is a value itself: `('authorization', 'Basic ...')`
    Comma,
    /// `>` of a tag: `<password>...</password>`
    Tag,
    /// `--` of an option: `--password ...`
    Dashes,
    /// A blank before a quote: `PASSWORD '...'`
    Blank,
}

/// The secret around the separator at `sign`, and who of those wanted finds it.
pub(crate) fn find(
    layer: Layer<'_>,
    sign: usize,
    separator: Separator,
    wanted: Wanted,
) -> Option<(Detector, Value)> {
    let value = match separator {
        Separator::Colon | Separator::Equals => return named(layer, sign, separator, wanted),
        _ if !wanted.has(Detector::SecretKey) => return None,
        Separator::Comma => apart::in_list(layer, sign),
        Separator::Tag => apart::in_tag(layer, sign),
        Separator::Dashes => apart::after_option(layer, sign),
        Separator::Blank => apart::in_statement(layer, sign),
    }?;
    Some((Detector::SecretKey, value))
}

/// The secret around a colon or an equals sign.
fn named(
    layer: Layer<'_>,
    sign: usize,
    separator: Separator,
    wanted: Wanted,
) -> Option<(Detector, Value)> {
    let text = layer.text;
    let colon = separator == Separator::Colon;
    if colon && (layer.at(sign + 1) == b':' || before(text, sign) == b':') {
        return None; // a path: token::Kind
    }
    let key = Key::before(layer, sign, colon)?;
    let secrecy = secrecy(part(text, key.range.start, key.range.end), key.query);
    if secrecy == Secrecy::Open && wanted.has(Detector::SecretKey) {
        return apart::of_pair(layer, &key, sign).map(|value| (Detector::SecretKey, value));
    }
    let detector = match secrecy {
        Secrecy::Open => return None,
        _ if key.query && wanted.has(Detector::UrlSecret) => Detector::UrlSecret,
        Secrecy::InUrl | Secrecy::LongInUrl => return None,
        _ if wanted.has(Detector::SecretKey) => Detector::SecretKey,
        _ => return None,
    };
    let layer = key.layer(layer).down_to(sign);
    if key.query && !colon && layer.at(sign + 1) == b' ' {
        return None; // an empty parameter: GET /?token= HTTP/1.1
    }
    let bare = key.quote.is_none();
    let start = value_start(layer.text, sign, separator, !bare);
    let indexed = sign > key.range.end && matches!(layer.at(key.range.end), b'"' | b'\'');
    if bare && !indexed && enclosed::is_closed(layer, key.range.start, start) {
        return None;
    }
    if bare && colon {
        if let Some(range) = yaml::below(layer, key.range.start, sign + 1) {
            let masked = is_nothing(part(text, range.start, range.end));
            let quotes = Quotes::None;
            return (!masked).then_some((detector, Value { range, quotes }));
        }
        if is_about(layer, secrecy, key.range.start, start) {
            return None;
        }
    }
    let reach = match secrecy {
        _ if key.query => Reach::Query,
        Secrecy::Cookie if bare && colon => Reach::Line,
        Secrecy::Cookie if bare => Reach::Pairs,
        _ if bare && colon && is_header(part(text, key.range.start, key.range.end)) => {
            Reach::Credentials
        }
        _ => Reach::Word,
    };
    let quotes = key.quote.map_or(Quotes::None, Quotes::Like);
    let value = read(layer, start, reach, quotes)?;
    let (name, inside) = (key.range, value.range.clone());
    let (name, inside) = (
        part(text, name.start, name.end),
        part(text, inside.start, inside.end),
    );
    let spared = secrecy.spares(inside) || bare && enclosed::is_placeholder(inside, name);
    (!spared).then_some((detector, value))
}

/// Where the value starts: behind blanks and, of a quoted name, line breaks.
fn value_start(text: &[u8], sign: usize, separator: Separator, quoted: bool) -> usize {
    let goes_on = |byte: u8| match separator {
        Separator::Colon => byte == b'=',
        _ => matches!(byte, b'=' | b'>'),
    };
    let end = run_end(text, sign + 1, goes_on);
    run_end(text, end, |byte| {
        is_blank(byte) || quoted && matches!(byte, b'\n' | b'\r')
    })
}

/// Whether what follows the name at `name` is a sentence about it: `refresh token: missing`, `unexpected token: 'x'`.
fn is_about(layer: Layer<'_>, secrecy: Secrecy, name: usize, start: usize) -> bool {
    let text = layer.text;
    if before(text, start) != b' ' {
        return false;
    }
    let word = part(text, start, start + WORD);
    let end = run_end(word, 0, |byte| {
        byte > b' ' && !matches!(byte, b'"' | b'\'' | b'(' | b',' | b';')
    });
    let word = part(word, 0, end);
    let made = matches!(secrecy, Secrecy::Made | Secrecy::Cookie);
    let parsed = read_before(text, name, b"expected ") || read_before(text, name, b"next ");
    if word.is_empty() {
        return made && parsed;
    }
    let number = word.len() <= 3 && word.iter().all(u8::is_ascii_digit);
    let plain = in_sentence(text, name)
        && prose::is_word(word)
        && !is_scheme(word)
        && !(is_header(name_at(text, name)) && has_credentials(text, start + word.len()));
    prose::is_state(word)
        || secrecy == Secrecy::NoNumber // PASS: a test
        || made && (parsed || number || plain)
}

/// Whether this names a header whose value is a scheme with credentials.
fn is_header(name: &[u8]) -> bool {
    read_before(name, name.len(), b"authorization")
}

/// The name at `start`, before its colon.
fn name_at(text: &[u8], start: usize) -> &[u8] {
    let near = part(text, start, start + key::NAME);
    part(
        near,
        0,
        run_end(near, 0, |byte| byte != b':' && byte != b' '),
    )
}

/// Whether the word behind this one, which ends at `end`, is no word of a sentence.
fn has_credentials(text: &[u8], end: usize) -> bool {
    let next = part(text, end + 1, end + 1 + WORD);
    let next = part(next, 0, run_end(next, 0, |byte| byte > b' '));
    at(text, end) == b' ' && !prose::is_word(next)
}

/// Whether a word is before the name at `name`, or a mask, which may have been one or the beginning of the name.
fn in_sentence(text: &[u8], name: usize) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b']' | b'"' | b'\'');
    let after_word = read_before(text, name, b" ") && word(before(text, name - 1));
    after_word || ends_with_mask(part(text, 0, name))
}

#[cfg(test)]
mod tests;
