//! A text with its escapes undone, in which the detectors look for what they would not recognise in its spelling:
//! percent-encoding, HTML's escapes, the backslash escapes of JSON and Python, and terminal colours.
//!
//! It knows of each of its bytes where it came from, so that what is found in it is masked in the text itself, and how often
//! it was percent-encoded. Backslashes in front of quotes stay: `value` counts them.

use std::ops::Range;

use crate::escape::{Escape, entity, percent, plus, spelled};
use crate::text::{SPELLED, at, part, run_end, tail};

/// Percent-encoding is undone as often as this: `%252540`.
const LAYERS: usize = 3;

/// What a text looks like without its escapes.
pub(crate) struct View {
    bytes: Vec<u8>,
    depths: Vec<u8>,
    /// The escapes that each pass undid, the last pass's last.
    passes: Vec<Vec<Undone>>,
    coloured: bool,
    encoded: bool,
}

/// An escape, in the text before the pass that undid it and in the one after.
struct Undone {
    from: u32,
    to: u32,
    length: u8,
    left: u8,
}

impl View {
    /// The views of this text: one without its colours, and if it has any, one with a blank in the place of each, in case
    /// what they stand between does not belong together. If it is percent-encoded, also one with a blank in the place of
    /// each plus, as forms have it.
    pub(crate) fn all(text: &[u8]) -> impl Iterator<Item = Self> {
        let view = Self::of(text, |colour| colour, |_, _| None);
        // Each is made when its turn comes: a long text has one at a time.
        let parted = view.coloured.then_some(text).into_iter();
        let parted = parted.map(|text| Self::of(text, Escape::as_blank, |_, _| None));
        let form = (view.encoded && text.contains(&b'+')).then_some(text);
        let form = form
            .into_iter()
            .map(|text| Self::of(text, |colour| colour, plus));
        std::iter::once(view).chain(parted).chain(form)
    }

    fn of(
        text: &[u8],
        colour: fn(Escape) -> Escape,
        plus: fn(&[u8], usize) -> Option<Escape>,
    ) -> Self {
        let mut view = Self {
            bytes: text.to_vec(),
            depths: vec![0; text.len()],
            passes: Vec::new(),
            coloured: false,
            encoded: false,
        };
        view.undo(1, |byte| byte == b'+', plus);
        for _ in 0..LAYERS {
            if !view.undo(1, |byte| byte == b'%', percent) {
                break;
            }
            view.encoded = true;
        }
        view.undo(1, |byte| byte == b'&', entity);
        let mut coloured = false;
        let backslash = |byte| matches!(byte, b'\\' | 0x1b);
        view.undo(SPELLED, backslash, |text, i| {
            let escape = spelled(text, i)?;
            coloured |= escape.is_colour();
            Some(if escape.is_colour() {
                colour(escape)
            } else {
                escape
            })
        });
        Self { coloured, ..view }
    }

    /// The text without its escapes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How often each byte was percent-encoded, and which were [`SPELLED`].
    pub(crate) fn depths(&self) -> &[u8] {
        &self.depths
    }

    /// Where these bytes, at least one, stand in the text itself.
    pub(crate) fn raw(&self, range: &Range<usize>) -> Range<usize> {
        let mut range = range.clone();
        for pass in self.passes.iter().rev() {
            range = origin(pass, range.start).start..origin(pass, range.end - 1).end;
        }
        range
    }

    /// Undoes the escapes that `escape` knows, which begin with a byte that `begins` knows, adds `more` to how often these
    /// bytes were encoded, and says whether there are any.
    fn undo(
        &mut self,
        more: u8,
        begins: fn(u8) -> bool,
        mut escape: impl FnMut(&[u8], usize) -> Option<Escape>,
    ) -> bool {
        let (mut bytes, mut depths) = (Vec::new(), Vec::new());
        let mut pass = Vec::new();
        // What is before `copied` has been copied, and before `i` looked at.
        let (mut copied, mut i) = (0, 0);
        loop {
            i = run_end(&self.bytes, i, |byte| !begins(byte));
            if i >= self.bytes.len() {
                break;
            }
            let Some(escape) = escape(&self.bytes, i) else {
                i += 1;
                continue;
            };
            bytes.extend_from_slice(part(&self.bytes, copied, i));
            depths.extend_from_slice(part(&self.depths, copied, i));
            let left = escape.stands_for();
            pass.push(Undone {
                from: short(i),
                to: short(bytes.len()),
                length: escape.length,
                left: u8::try_from(left.len()).unwrap_or(u8::MAX),
            });
            bytes.extend_from_slice(left);
            depths.resize(bytes.len(), at(&self.depths, i) + more);
            i += usize::from(escape.length);
            copied = i;
        }
        if pass.is_empty() {
            return false;
        }
        bytes.extend_from_slice(tail(&self.bytes, copied));
        depths.extend_from_slice(tail(&self.depths, copied));
        (self.bytes, self.depths) = (bytes, depths);
        self.passes.push(pass);
        true
    }
}

/// Where the byte at `i` after a pass stands before it.
fn origin(pass: &[Undone], i: usize) -> Range<usize> {
    let before = pass.partition_point(|escape| escape.to as usize <= i);
    // Of escapes that left nothing, several may stand here: the byte is behind the last.
    let Some(last) = before.checked_sub(1).and_then(|last| pass.get(last)) else {
        return i..i + 1;
    };
    let (from, to) = (last.from as usize, last.to as usize);
    let (end, left) = (from + usize::from(last.length), usize::from(last.left));
    if i < to + left {
        from..end
    } else {
        let start = end + (i - to - left);
        start..start + 1
    }
}

/// Positions are kept in 32 bits: no text is longer.
fn short(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{SPELLED, View};

    fn first(text: &str) -> View {
        View::all(text.as_bytes()).next().expect("a view")
    }

    #[test]
    fn escapes_of_every_kind_are_undone_together() {
        for (text, expected) in [
            ("nothing", "nothing"),
            ("a%40b", "a@b"),
            ("a%2540b%252540c", "a@b@c"),
            ("a&#64;b%26commat;c &amp; d", "a@b@c &amp; d"),
            ("%7B%22a%22%3A%20%22b%5C%22%22%7D", r#"{"a": "b\""}"#),
            (r"https:\/\/u:p@h\/", "https://u:p@h/"),
            (r"https:\\\/\\\/u:p@h", "https://u:p@h"),
            (r"%5C%2F%5Cu0040", "/@"),
            ("\x1b[1;31mal\x1b[0mice\\u001b[m@", "alice@"),
            (r#"{\"a\":\"b\\\"\"}"#, r#"{\"a\":\"b\\\"\"}"#),
            (r"{\u0022a\\u0022", r#"{\"a\\\""#),
            ("100% of 50%zz \\d \x1b]8", "100% of 50%zz \\d \x1b]8"),
        ] {
            let view = first(text);
            assert_eq!(String::from_utf8_lossy(view.bytes()), expected, "{text}");
            assert_eq!(view.depths().len(), view.bytes().len());
        }
    }

    #[test]
    fn every_byte_knows_where_it_came_from() {
        let text = r"x%2540\u00fcy%41\u001b[0mz";
        let view = first(text);
        assert_eq!(view.bytes(), "x@\u{fc}yAz".as_bytes());
        let origins: Vec<_> = (0..view.bytes().len())
            .map(|i| text.get(view.raw(&(i..i + 1))).unwrap())
            .collect();
        let letter = r"\u00fc";
        assert_eq!(origins, ["x", "%2540", letter, letter, "y", "%41", "z"]);
        assert_eq!(text.get(view.raw(&(1..5))).unwrap(), r"%2540\u00fcy");
        assert_eq!(text.get(view.raw(&(5..7))).unwrap(), r"%41\u001b[0mz");
        assert_eq!(view.depths(), [0, 2, SPELLED, SPELLED, 0, 1, 0]);
    }

    #[test]
    fn colours_are_also_seen_as_blanks() {
        let views: Vec<_> = View::all(b"a\x1b[0mb\x1b[0m\x1b[1mc")
            .map(|view| String::from_utf8(view.bytes().to_vec()).unwrap())
            .collect();
        assert_eq!(views, ["abc", "a b  c"]);
        assert_eq!(View::all(b"a%20b").count(), 1);
    }

    #[test]
    fn a_plus_of_a_form_is_also_seen_as_a_blank() {
        let views: Vec<_> = View::all(b"a+b%2B%20c")
            .map(|view| String::from_utf8(view.bytes().to_vec()).unwrap())
            .collect();
        assert_eq!(views, ["a+b+ c", "a b+ c"]);
        assert_eq!(View::all(b"a+b\\n").count(), 1);
    }
}
