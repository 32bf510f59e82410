//! The name in front of a separator: bare, quoted, or an index in brackets.

use std::ops::Range;

use crate::text::{Layer, at, before, part, quote_before, run_start};

/// The most of a name that is looked at.
pub(super) const NAME: usize = 64;
/// Blanks between a name and its separator.
const BLANKS: usize = 4;

/// The name of a value.
pub(super) struct Key {
    /// Where it stands, without its quotes.
    pub(super) range: Range<usize>,
    /// The quote that closes it, if its value is to have such quotes too.
    pub(super) quote: Option<Range<usize>>,
    /// Whether it names a parameter of a URL or a form.
    pub(super) query: bool,
}

impl Key {
    /// The name before the separator at `sign`, which is a colon or an equals sign.
    pub(super) fn before(layer: Layer<'_>, sign: usize, colon: bool) -> Option<Self> {
        let text = layer.text;
        let end = run_start(text, sign, BLANKS, is_blank);
        if let Some(key) = Self::quoted(text, end) {
            return Some(key);
        }
        let (end, index) = past_index(text, end);
        if index == Some(Index::Quoted) {
            let key = Self::quoted(text, end)?;
            return Some(Self { quote: None, ..key });
        }
        let start = run_start(text, end, NAME, |byte| is_name(byte, false));
        let path = colon && before(text, start) == b'/'; // /v1/tokens/token:revoke
        (start < end && !path).then(|| Self {
            range: start..end,
            quote: None,
            query: !colon && (index.is_some() || in_query(layer, start)),
        })
    }

    /// The name in quotes that ends at `end`.
    pub(super) fn quoted(text: &[u8], end: usize) -> Option<Self> {
        let quote = quote_before(Layer::new(text, &[]), end)?;
        let start = run_start(text, quote.start, NAME, |byte| is_name(byte, true));
        (start < quote.start).then_some(Self {
            range: start..quote.start,
            quote: Some(quote),
            query: false,
        })
    }

    /// The layer of this name's quote, if it has one.
    pub(super) fn layer<'a>(&self, layer: Layer<'a>) -> Layer<'a> {
        match &self.quote {
            Some(quote) => layer.down_to(quote.start).down_to(quote.end - 1),
            None => layer,
        }
    }

    /// Where the quote in front of this name starts, if there is one like that behind it.
    pub(super) fn opening(&self, text: &[u8]) -> Option<usize> {
        let quote = self.quote.as_ref()?;
        let start = self.range.start.checked_sub(quote.len())?;
        (part(text, start, self.range.start) == part(text, quote.start, quote.end)).then_some(start)
    }
}

const fn is_name(byte: u8, quoted: bool) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'-' | b'.' | b'$')
        || quoted && byte == b' '
}

pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// How a name stands before or in brackets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Index {
    /// `user[password]`, `password[]`
    Bare,
    /// `user["password"]`
    Quoted,
}

/// Where the name ends that an index at `end` belongs to or holds.
fn past_index(text: &[u8], end: usize) -> (usize, Option<Index>) {
    let Some(inside) = end.checked_sub(1).filter(|&close| at(text, close) == b']') else {
        return (end, None);
    };
    if matches!(before(text, inside), b'"' | b'\'') {
        return (inside, Some(Index::Quoted));
    }
    let start = run_start(text, inside, NAME, |byte| is_name(byte, false));
    match before(text, start) {
        b'[' if start == inside => (inside - 1, Some(Index::Bare)),
        b'[' => (inside, Some(Index::Bare)),
        _ => (end, None),
    }
}

/// Whether a name that starts here is a parameter of a URL or form, of which the text may be the whole query.
fn in_query(layer: Layer<'_>, start: usize) -> bool {
    match before(layer.text, start) {
        0 => (0..layer.text.len()).all(|i| !matches!(layer.at(i), 0..=b' ' | b'"' | b'\'')),
        byte => matches!(byte, b'?' | b'&' | b'#' | b';'),
    }
}
