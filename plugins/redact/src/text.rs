//! Reading bytes of a text by position, without running past its ends, and seeing through the escapes that stand in
//! front of a word: percent-encoding, the backslash escapes of JSON and Python, and terminal colours.
//!
//! Every look-back is bounded by a constant.

/// The longest look-back over the parameters of a colour code.
const COLOUR_PARAMETERS: usize = 16;

/// The escape character, itself and spelled.
const ESCAPES: [&[u8]; 7] = [
    b"\x1b", b"\\u001b", b"\\u001B", b"\\x1b", b"\\x1B", b"\\033", b"\\e",
];

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

/// What the percent escape at `i` stands for.
pub(crate) fn percent(text: &[u8], i: usize) -> Option<u8> {
    if at(text, i) != b'%' {
        return None;
    }
    Some(hex(at(text, i + 1))? << 4 | hex(at(text, i + 2))?)
}

/// The value of a hexadecimal digit.
pub(crate) fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Where the word truly starts, of a run of word characters at `start`: the run may begin with the rest of an escape,
/// as in `%20alice`, `\nalice` and `ESC[36malice`.
pub(crate) fn past_escape(text: &[u8], start: usize) -> usize {
    let hexes =
        |from: usize, count: usize| (from..from + count).all(|i| hex(at(text, i)).is_some());
    match (before(text, start), at(text, start)) {
        (b'%', _) if hexes(start, 2) => start + 2,
        (b'\\', b'u') if hexes(start + 1, 4) => start + 5,
        (b'\\', b'x') if hexes(start + 1, 2) => start + 3,
        (b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'v') => start + 1,
        (b'[' | b';' | b'0'..=b'9', _) => colour_end(text, start).unwrap_or(start),
        _ => start,
    }
}

/// Whether a word may start at `i`: after anything but a letter or digit, or after an escape that ends in one.
pub(crate) fn starts_word(text: &[u8], i: usize) -> bool {
    if !before(text, i).is_ascii_alphanumeric() {
        return true;
    }
    let ends_here = |length: usize| {
        i.checked_sub(length)
            .is_some_and(|start| past_escape(text, start) == i)
    };
    ends_here(1) || ends_here(2) || ends_here(3) || ends_here(5) || colour_start(text, i).is_some()
}

/// The start of the colour code that ends right before `end`.
pub(crate) fn colour_start(text: &[u8], end: usize) -> Option<usize> {
    if before(text, end) != b'm' {
        return None;
    }
    introducer(text, end - 1)
}

/// The end of the colour code that starts at `i`.
pub(crate) fn colour_after(text: &[u8], i: usize) -> Option<usize> {
    let escape = ESCAPES
        .iter()
        .find(|escape| tail(text, i).starts_with(escape))?;
    let parameters = i + escape.len() + 1;
    colour_end(text, parameters)
}

/// The end of the colour code whose parameters or final letter, an m, a run at `start` begins with.
fn colour_end(text: &[u8], start: usize) -> Option<usize> {
    introducer(text, start)?;
    let mut i = start;
    while i < start + COLOUR_PARAMETERS && matches!(at(text, i), b'0'..=b'9' | b';') {
        i += 1;
    }
    (at(text, i) == b'm').then_some(i + 1)
}

/// The start of the escape character, itself or spelled, that opens the colour code whose parameters `i` follows.
fn introducer(text: &[u8], i: usize) -> Option<usize> {
    let floor = i.saturating_sub(COLOUR_PARAMETERS);
    let mut i = i;
    while i > floor && matches!(before(text, i), b'0'..=b'9' | b';') {
        i -= 1;
    }
    if before(text, i) != b'[' {
        return None;
    }
    let opened = part(text, 0, i - 1);
    ESCAPES
        .iter()
        .find(|escape| opened.ends_with(escape))
        .map(|escape| opened.len() - escape.len())
}

#[cfg(test)]
mod tests {
    use super::{colour_start, past_escape, percent, starts_word};

    #[test]
    fn an_escape_in_front_of_a_word_is_not_part_of_it() {
        for (text, run, word) in [
            ("%20alice", 1, 3),
            ("\\nalice", 1, 2),
            ("\\u003calice", 1, 6),
            ("\\x1bmalice", 1, 4),
            ("\x1b[36malice", 2, 5),
            ("\x1b[1;36malice", 4, 7),
            ("\\u001b[36malice", 7, 10),
            ("<alice", 1, 1),
            ("%zzalice", 1, 1),
        ] {
            assert_eq!(past_escape(text.as_bytes(), run), word, "{text:?}");
            assert!(starts_word(text.as_bytes(), word), "{text:?}");
        }
    }

    #[test]
    fn a_word_does_not_start_inside_a_word() {
        for (text, i) in [("xalice", 1), ("41111", 1), ("[36malice", 4), ("%alice", 2)] {
            assert!(!starts_word(text.as_bytes(), i), "{text:?}");
        }
    }

    #[test]
    fn a_colour_code_is_found_from_its_end() {
        assert_eq!(colour_start(b"key\x1b[0;1m=", 9), Some(3));
        assert_eq!(colour_start(b"item=", 4), None);
    }

    #[test]
    fn a_percent_escape_takes_two_hexadecimal_digits() {
        assert_eq!(percent(b"a%4Fb", 1), Some(b'O'));
        assert_eq!(percent(b"a%4", 1), None);
        assert_eq!(percent(b"a%4g", 1), None);
    }
}
