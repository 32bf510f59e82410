//! Reading bytes of a text by position, without running past its ends, and with an eye on how deeply they were encoded.

use std::ops::Range;

/// The most backslashes before a quote that are counted: those of strings in strings in strings.
pub(crate) const BACKSLASHES: usize = 7;
/// Marks, among how often a byte was percent-encoded, one that a backslash spelled.
pub(crate) const SPELLED: u8 = 1 << 7;

/// The byte at `i`, 0 past the end.
pub(crate) fn at(text: &[u8], i: usize) -> u8 {
    text.get(i).copied().unwrap_or(0)
}

/// The byte before `i`, 0 at the beginning.
pub(crate) fn before(text: &[u8], i: usize) -> u8 {
    i.checked_sub(1).map_or(0, |i| at(text, i))
}

/// `text[start..end]`, as much of it as there is.
pub(crate) fn part(text: &[u8], start: usize, end: usize) -> &[u8] {
    let end = end.min(text.len());
    text.get(start.min(end)..end).unwrap_or_default()
}

/// The text from `start`.
pub(crate) fn tail(text: &[u8], start: usize) -> &[u8] {
    part(text, start, text.len())
}

/// Whether `text` goes on with `word` at `i`, whatever its case.
pub(crate) fn reads(text: &[u8], i: usize, word: &[u8]) -> bool {
    part(text, i, i.saturating_add(word.len())).eq_ignore_ascii_case(word)
}

/// Whether `text` reads `word` up to `end`, whatever its case.
pub(crate) fn read_before(text: &[u8], end: usize, word: &[u8]) -> bool {
    end.checked_sub(word.len())
        .is_some_and(|start| reads(text, start, word))
}

/// Whether a word may start at `i`: after anything but a letter or digit.
pub(crate) fn starts_word(text: &[u8], i: usize) -> bool {
    !before(text, i).is_ascii_alphanumeric()
}

/// Where the run of such bytes that ends at `end` starts, which is looked for no further back than `bound`.
pub(crate) fn run_start(
    text: &[u8],
    end: usize,
    bound: usize,
    within: impl Fn(u8) -> bool,
) -> usize {
    let run = part(text, end.saturating_sub(bound), end);
    end - run.iter().rev().take_while(|&&byte| within(byte)).count()
}

/// Where the run of such bytes that starts at `start` ends.
pub(crate) fn run_end(text: &[u8], start: usize, within: impl Fn(u8) -> bool) -> usize {
    let run = tail(text, start);
    start + run.iter().take_while(|&&byte| within(byte)).count()
}

/// The quote that ends at `end`, with the backslashes that it has in strings in strings.
pub(crate) fn quote_before(layer: Layer<'_>, end: usize) -> Option<Range<usize>> {
    let mark = end.checked_sub(1)?;
    let layer = layer.down_to(mark);
    if !matches!(layer.at(mark), b'"' | b'\'') {
        return None;
    }
    let is_backslash = |&back: &usize| mark >= back && layer.at(mark - back) == b'\\';
    let backslashes = (1..=BACKSLASHES).take_while(is_backslash).count();
    // 1, 3 or 7 are the quote's; those before them are the string's.
    let own = backslashes & !(backslashes + 1);
    Some(mark - own..end)
}

/// A text as a value in it sees it. What is percent-encoded more deeply than that value's separator is part of the value:
/// in `token=a%26b&n=1` the first `&` is a letter, and the second one ends the token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer<'a> {
    /// The bytes, of which the encoded ones are decoded.
    pub(crate) text: &'a [u8],
    /// How often each of them was encoded; none was, of those beyond its end.
    depths: &'a [u8],
    /// More often encoded than this is a letter.
    depth: u8,
}

impl<'a> Layer<'a> {
    /// The outermost layer.
    pub(crate) fn new(text: &'a [u8], depths: &'a [u8]) -> Self {
        Self {
            text,
            depths,
            depth: 0,
        }
    }

    /// The layer of the byte at `i`, if that is deeper than this one.
    pub(crate) fn down_to(self, i: usize) -> Self {
        let depth = self.depth_of(i).max(self.depth);
        Self { depth, ..self }
    }

    /// The layer in which nothing is a letter that is none, if it is not this one.
    pub(crate) fn deepest(self) -> Option<Self> {
        let depth = u8::MAX;
        (!self.depths.is_empty()).then_some(Self { depth, ..self })
    }

    /// The byte at `i`, 0 past the end.
    pub(crate) fn at(self, i: usize) -> u8 {
        if self.depth_of(i) > self.depth {
            b'x'
        } else {
            at(self.text, i)
        }
    }

    /// Whether the byte at `i` was encoded less often than this layer, so that it is around what is in it.
    pub(crate) fn is_outside(self, i: usize) -> bool {
        self.depth_of(i) < self.depth
    }

    /// Whether a backslash spelled the byte at `i`, so that it is in a string.
    pub(crate) fn is_spelled(self, i: usize) -> bool {
        at(self.depths, i) & SPELLED != 0
    }

    fn depth_of(self, i: usize) -> u8 {
        at(self.depths, i) & !SPELLED
    }
}

#[cfg(test)]
mod tests {
    use super::{Layer, quote_before, read_before, run_end, run_start};

    #[test]
    fn a_layer_reads_what_is_encoded_more_deeply_as_letters() {
        let outer = Layer::new(b"a&b&", &[0, 1, 0, 0]);
        let read = |layer: Layer<'_>| [0, 1, 2, 3, 4].map(|i| layer.at(i));
        assert_eq!(read(outer), *b"axb&\0");
        assert_eq!(read(outer.down_to(1)), *b"a&b&\0");
        assert!(outer.down_to(1).is_outside(0));
        assert!(!outer.down_to(1).is_outside(1));
        assert_eq!(outer.deepest().map(read), Some(*b"a&b&\0"));
        assert_eq!(read(Layer::new(b"a&b&", &[])), *b"a&b&\0");
    }

    #[test]
    fn a_quote_has_the_backslashes_that_are_its_own() {
        for (text, quote) in [
            (r#"a""#, "\""),
            (r#"a\""#, r#"\""#),
            (r#"a\\""#, "\""),
            (r#"a\\\""#, r#"\\\""#),
            (r#"a\\\\\""#, r#"\""#),
        ] {
            let found = quote_before(Layer::new(text.as_bytes(), &[]), text.len());
            assert_eq!(found.and_then(|found| text.get(found)), Some(quote));
        }
        assert_eq!(quote_before(Layer::new(b"a", &[]), 1), None);
        assert_eq!(quote_before(Layer::new(b"\\\"", &[1]), 2), Some(1..2));
    }

    #[test]
    fn runs_are_found_from_either_end() {
        assert_eq!(run_start(b"a,bcd", 5, 9, |byte| byte != b','), 2);
        assert_eq!(run_start(b"a,bcd", 5, 2, |byte| byte != b','), 3);
        assert_eq!(run_end(b"ab,c", 0, |byte| byte != b','), 2);
        assert_eq!(run_end(b"ab", 7, |_| true), 7);
    }

    #[test]
    fn a_text_is_read_backwards() {
        assert!(read_before(b"Identified BY 'x'", 13, b"identified by"));
        assert!(!read_before(b"by", 2, b"identified by"));
    }
}
