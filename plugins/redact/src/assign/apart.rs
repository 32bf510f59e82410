//! Names and values that neither a colon nor an equals sign parts.

use super::enclosed::is_closed;
use super::key::{Key, is_blank};
use crate::name::{Secrecy, VALUES, secrecy};
use crate::prose;
use crate::scan::Quotes;
use crate::text::{
    Layer, at, before, part, read_before, reads, run_end, run_start, starts_word, tail,
};
use crate::value::{Reach, Value, is_nothing, opening, read};

/// The most of a name that is looked at, and of blanks around a colon.
const NAME: usize = 64;
const BLANKS: usize = 4;
/// The names that names have in lists of names and values.
const NAMES: [&str; 7] = [
    "name", "key", "header", "field", "variable", "param", "property",
];

/// The value behind the comma at `comma`: of `('token', 'abc')`, `["--token", "abc"]`, and
/// `{"name": "token", "value": "abc"}`.
pub(super) fn in_list(layer: Layer<'_>, comma: usize) -> Option<Value> {
    let text = layer.text;
    if at(text, comma) != b',' {
        return None;
    }
    let key = Key::quoted(text, comma)?;
    let name = part(text, key.range.start, key.range.end);
    if !is_secret(name) {
        return None;
    }
    let layer = key.layer(layer);
    let opened = key.opening(text)?;
    let start = run_end(text, comma + 1, is_space);
    let prefix = usize::from(before(text, opened) == b'b');
    if before(text, opened - prefix) == b'(' || name.starts_with(b"--") {
        opening(layer, start)?;
        return read(layer, start, Reach::Word, Quotes::None);
    }
    let colon = run_start(text, opened, BLANKS, is_blank).checked_sub(1)?;
    let label = Key::quoted(text, run_start(text, colon, BLANKS, is_blank))?;
    let (_, inside) = opening(layer, start)?;
    let end = run_end(text, inside, |byte| byte.is_ascii_alphabetic());
    let quote = key.quote.unwrap_or_default();
    let behind = end + quote.len();
    let named = is_any(part(text, label.range.start, label.range.end), &NAMES)
        && is_any(part(text, inside, end), &VALUES)
        && part(text, end, behind) == part(text, quote.start, quote.end);
    let second = run_end(text, behind, is_space);
    if !named || at(text, colon) != b':' || at(text, second) != b':' {
        return None;
    }
    let start = run_end(text, second + 1, is_space);
    read(layer, start, Reach::Word, Quotes::Like(quote))
}

/// The value behind the colon at `sign`, whose name is no more than `value`, if the name before it says that it is a secret:
/// `{"name": "password", "value": "abc"}` in JSON, YAML, Go and text of protobuf.
pub(super) fn of_pair(layer: Layer<'_>, key: &Key, sign: usize) -> Option<Value> {
    let text = layer.text;
    if !is_any(part(text, key.range.start, key.range.end), &VALUES) || at(text, sign) != b':' {
        return None;
    }
    let gap = |byte: u8| is_space(byte) || matches!(byte, b'"' | b'\'' | b'\\' | b',' | b';');
    let word = |byte: u8| byte.is_ascii_alphanumeric() || is_joint(byte) || byte == b'.';
    let end = run_start(text, key.range.start, NAME, gap);
    let start = run_start(text, end, NAME, word);
    let colon = run_start(text, start, BLANKS, gap).checked_sub(1)?;
    let label_end = run_start(text, colon, BLANKS, gap);
    let label = run_start(text, label_end, BLANKS * 2, |byte| {
        byte.is_ascii_alphabetic()
    });
    let named = at(text, colon) == b':'
        && end < key.range.start
        && is_any(part(text, label, label_end), &NAMES)
        && is_secret(part(text, start, end));
    if !named {
        return None;
    }
    let layer = key.layer(layer).down_to(sign);
    let start = run_end(text, sign + 1, is_blank);
    let quotes = key.quote.clone().map_or(Quotes::None, Quotes::Like);
    read(layer, start, Reach::Word, quotes)
}

/// The value between the tag that ends at `end` and the one that closes it.
pub(super) fn in_tag(layer: Layer<'_>, end: usize) -> Option<Value> {
    let text = layer.text;
    let start = run_start(text, end, NAME, |byte| {
        byte.is_ascii_alphanumeric() || is_joint(byte) || matches!(byte, b'.' | b':')
    });
    let name = part(text, start, end);
    if before(text, start) != b'<' || !is_secret(name) {
        return None;
    }
    let close = run_end(text, end + 1, |byte| byte != b'<');
    let closes = reads(text, close, b"</") && tail(text, close + 2).starts_with(name);
    let range = end + 1..close;
    let value = part(text, range.start, range.end).trim_ascii();
    (closes && !is_nothing(value)).then_some(Value {
        range,
        quotes: Quotes::None,
    })
}

/// The value of the option whose dashes start at `dashes`: `--password hunter2`.
pub(super) fn after_option(layer: Layer<'_>, dashes: usize) -> Option<Value> {
    let text = layer.text;
    let mark = before(text, dashes);
    let starts = matches!(
        mark,
        0..=b' ' | b'"' | b'\'' | b'[' | b'(' | b'{' | b'`' | b'>' | b',' | b'|'
    );
    if !reads(text, dashes, b"--") || !starts {
        return None;
    }
    let option = part(text, dashes, dashes + NAME);
    let end = dashes
        + run_end(option, 0, |byte| {
            byte.is_ascii_alphanumeric() || is_joint(byte)
        });
    let quoted = matches!(mark, b'"' | b'\'') && at(text, end) == mark;
    let stop = end + usize::from(quoted);
    let mut start = run_end(text, stop, is_blank);
    if at(text, start) == b'\\' && matches!(at(text, start + 1), b'\n' | b'\r') {
        start = run_end(text, start + 1, is_space); // the line goes on
    }
    if start == stop
        || quoted && at(text, start) != mark
        || at(text, start) == b'-'
        || is_closed(layer, dashes, start)
        || !is_secret(part(text, dashes, end))
    {
        return None;
    }
    read(layer.down_to(dashes), start, Reach::Word, Quotes::None)
        .filter(|value| !prose::is_state(part(text, value.range.start, value.range.end)))
}

/// The value in the quotes behind the blank at `blank`: `CREATE USER u WITH PASSWORD 'hunter2'`.
pub(super) fn in_statement(layer: Layer<'_>, blank: usize) -> Option<Value> {
    let text = layer.text;
    let named =
        |words: &&&[u8]| read_before(text, blank, words) && starts_word(text, blank - words.len());
    [b"password".as_slice(), b"identified by"]
        .iter()
        .find(named)?;
    let layer = layer.down_to(blank + 1);
    if is_closed(layer, blank, blank + 1) {
        return None;
    }
    let (quote, _) = opening(layer, blank + 1)?;
    (quote.mark == b'\'').then(|| read(layer, blank + 1, Reach::Word, Quotes::None))?
}

fn is_secret(name: &[u8]) -> bool {
    secrecy(name, false) != Secrecy::Open
}

fn is_any(word: &[u8], words: &[&str]) -> bool {
    let mut words = words.iter().map(|known| known.as_bytes());
    words.any(|known| word.eq_ignore_ascii_case(known))
}

/// What the words of a name are joined by.
const fn is_joint(byte: u8) -> bool {
    matches!(byte, b'_' | b'-')
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
