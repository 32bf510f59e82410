//! Cuts bytes into lines.

/// How far before the bound a line that is too long may be cut.
const NEAR: usize = 1024;

/// What may be cut behind, the better first: a secret and the key that tells of it should stay together, and neither has
/// these in it.
const SEPARATORS: [&[u8]; 2] = [b",;", b" \t"];

/// One line, or a piece of one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Without its line break.
    pub(super) bytes: &'a [u8],
    /// Whether the line goes on: it is longer than may be.
    pub(super) cut: bool,
    /// What comes after it.
    pub(super) rest: &'a [u8],
}

/// The first line of `bytes`, or as much of it as a line may have; none if its end is not there yet.
pub(super) fn next(bytes: &[u8], max: usize) -> Option<Line<'_>> {
    // A line of the largest size may still have `\r\n` behind it.
    let window = bytes.get(..max.saturating_add(2)).unwrap_or(bytes);
    if let Some(at) = memchr::memchr(b'\n', window) {
        let (line, rest) = bytes.split_at_checked(at)?;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() <= max {
            return Some(Line {
                bytes: line,
                cut: false,
                rest: rest.get(1..)?,
            });
        }
    }
    if window.len() < max.saturating_add(2) {
        return None;
    }
    let (piece, rest) = bytes.split_at_checked(cut_at(window, max))?;
    Some(Line {
        bytes: piece,
        cut: true,
        rest,
    })
}

/// Where a line that is longer than `max` is cut: behind a separator near the bound, or else between two characters.
fn cut_at(bytes: &[u8], max: usize) -> usize {
    let from = max.saturating_sub(NEAR);
    let near = bytes.get(from..max).unwrap_or_default();
    for separators in SEPARATORS {
        if let Some(at) = near.iter().rposition(|byte| separators.contains(byte)) {
            return from + at + 1;
        }
    }
    let is_within = |at: &usize| bytes.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let whole = (max.saturating_sub(3)..=max)
        .rev()
        .find(|at| !is_within(at));
    whole.filter(|at| *at > 0).unwrap_or(max)
}

#[cfg(test)]
mod tests {
    use super::{Line, next};

    /// The lines of a text, with a mark behind those that were cut, and what is left.
    fn cut(text: &[u8], max: usize) -> (Vec<String>, &[u8]) {
        let (mut lines, mut rest) = (vec![], text);
        while let Some(line) = next(rest, max) {
            let mark = if line.cut { "..." } else { "" };
            lines.push(String::from_utf8_lossy(line.bytes).into_owned() + mark);
            rest = line.rest;
        }
        (lines, rest)
    }

    #[test]
    fn lines_end_with_a_line_break_of_either_kind() {
        let (lines, rest) = cut(b"a\nb\r\n\n\r\nc\rd\ne", 10);
        assert_eq!(lines, ["a", "b", "", "", "c\rd"]);
        assert_eq!(rest, b"e");
        assert_eq!(next(b"", 10), None);
    }

    #[test]
    fn a_line_of_the_largest_size_is_whole() {
        assert_eq!(
            cut(b"12345\n12345\r\n12345", 5),
            (vec!["12345".into(); 2], b"12345".as_slice())
        );
        assert_eq!(cut(b"123456\n", 5).0, ["12345...", "6"]);
        let whole = Line {
            bytes: b"12345",
            cut: false,
            rest: b"",
        };
        assert_eq!(next(b"12345\r\n", 5), Some(whole));
    }

    #[test]
    fn a_longer_one_is_cut_where_it_hurts_least() {
        assert_eq!(cut(b"a,b c,d e fghi\n", 11).0, ["a,b c,...", "d e fghi"]);
        assert_eq!(cut(b"ab cd efghi\n", 8).0, ["ab cd ...", "efghi"]);
        assert_eq!(
            cut("aaa\u{20ac}b\n".as_bytes(), 5).0,
            ["aaa...", "\u{20ac}b"]
        );
        assert_eq!(cut("aa\u{20ac}b\n".as_bytes(), 5).0, ["aa\u{20ac}...", "b"]);
        // No text, and no place to cut: something has to go on.
        assert_eq!(cut(&[0x80; 7], 2).0.len(), 2);
    }

    #[test]
    fn cutting_loses_no_byte() {
        let text: Vec<u8> = (0..2000_u32).map(|n| (n * 7919 % 253) as u8).collect();
        for max in [1, 2, 3, 50, 1500] {
            let (mut rest, mut seen) = (text.as_slice(), 0);
            while let Some(line) = next(rest, max) {
                assert!(line.bytes.len() <= max && line.rest.len() < rest.len());
                seen += line.bytes.len();
                rest = line.rest;
            }
            let breaks = memchr::memchr_iter(b'\n', &text).count();
            let returns = text.windows(2).filter(|pair| pair == b"\r\n").count();
            assert_eq!(seen + rest.len(), text.len() - breaks - returns, "{max}");
        }
    }
}
