//! Reading one escape: what it stands for, and how long it is.

use crate::text::{BACKSLASHES, at, part, run_end};

/// The longest look ahead over the parameters of a colour code.
const PARAMETERS: usize = 20;
/// The longest of HTML's escapes.
const ENTITY: usize = 9;
const ESC: char = '\u{1b}';

/// An escape in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Escape {
    /// How many bytes it has.
    pub(crate) length: u8,
    stands_for: [u8; BACKSLASHES + 1],
    left: usize,
}

impl Escape {
    fn new(length: usize, stands_for: &[u8]) -> Option<Self> {
        let mut escape = Self {
            length: u8::try_from(length).ok()?,
            stands_for: [0; _],
            left: stands_for.len(),
        };
        escape
            .stands_for
            .get_mut(..stands_for.len())?
            .copy_from_slice(stands_for);
        Some(escape)
    }

    /// What it stands for.
    pub(crate) fn stands_for(&self) -> &[u8] {
        part(&self.stands_for, 0, self.left)
    }

    /// Whether it is a colour, which stands for nothing.
    pub(crate) fn is_colour(&self) -> bool {
        self.left == 0
    }

    /// The same with a blank in its place.
    pub(crate) fn as_blank(self) -> Self {
        Self {
            stands_for: [b' '; _],
            left: 1,
            ..self
        }
    }
}

/// Whether any escape stands at `i`.
pub(crate) fn is_any(text: &[u8], i: usize) -> bool {
    match at(text, i) {
        b'%' => percent(text, i),
        b'&' => entity(text, i),
        _ => spelled(text, i),
    }
    .is_some()
}

/// The percent-encoded byte at `i`.
pub(crate) fn percent(text: &[u8], i: usize) -> Option<Escape> {
    if at(text, i) != b'%' {
        return None;
    }
    let byte = u8::try_from(hexadecimal(text, i + 1, 2)?).ok()?;
    Escape::new(3, &[byte])
}

/// The plus at `i`, which in a form is a blank.
pub(crate) fn plus(text: &[u8], i: usize) -> Option<Escape> {
    (at(text, i) == b'+')
        .then(|| Escape::new(1, b" "))
        .flatten()
}

/// The character of ASCII at `i` that HTML spells: `&#64;`, `&#x40;`, `&commat;`, `&quot;`. An ampersand is left: what it
/// parts in a URL reads the same.
pub(crate) fn entity(text: &[u8], i: usize) -> Option<Escape> {
    if at(text, i) != b'&' {
        return None;
    }
    let entity = part(text, i + 1, i + ENTITY);
    let length = entity.iter().position(|&byte| byte == b';')?;
    let character = match part(entity, 0, length) {
        b"commat" => '@',
        b"quot" => '"',
        b"apos" => '\'',
        b"period" => '.',
        b"lowbar" => '_',
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16)?,
        [b'#', digits @ ..] => number(digits, 10)?,
        _ => return None,
    };
    let blank = matches!(character, '\t' | '\n' | '\r');
    let readable = (blank || !character.is_control()) && character != '&';
    let mut bytes = [0; 4];
    let bytes = character.encode_utf8(&mut bytes).as_bytes();
    readable.then(|| Escape::new(length + 2, bytes)).flatten()
}

/// The character that these digits write.
fn number(digits: &[u8], radix: u32) -> Option<char> {
    let digits = std::str::from_utf8(digits).ok()?;
    let signed = digits.starts_with('+');
    let number = u32::from_str_radix(digits, radix).ok()?;
    char::from_u32(number).filter(|_| !signed)
}

/// The character beyond ASCII whose bytes of UTF-8 are spelled one by one from `i` on, `\xc3\xbc`, of which the first has so
/// many backslashes.
fn in_bytes(text: &[u8], i: usize, backslashes: usize) -> Option<Escape> {
    let mut bytes = [0; 4];
    let mut end = i;
    for count in 1..=bytes.len() {
        let letter = end + backslashes;
        let spelled = run_end(part(text, 0, letter), end, |byte| byte == b'\\') == letter;
        let byte = hexadecimal(text, letter + 1, 2).filter(|_| spelled && at(text, letter) == b'x');
        *bytes.get_mut(count - 1)? = u8::try_from(byte?).ok().filter(|byte| *byte >= 0x80)?;
        end = letter + 3;
        let read = part(&bytes, 0, count);
        if std::str::from_utf8(read).is_ok() {
            return Escape::new(end - i, read);
        }
    }
    None
}

/// The colour or the backslash escape at `i`, with all the backslashes that it has in strings in strings.
pub(crate) fn spelled(text: &[u8], i: usize) -> Option<Escape> {
    if at(text, i) == 0x1b {
        return colour(text, i, i + 1);
    }
    let backslashes = run_end(part(text, i, i + BACKSLASHES + 1), 0, |byte| byte == b'\\');
    if !(1..=BACKSLASHES).contains(&backslashes) {
        return None;
    }
    let letter = i + backslashes;
    if at(text, letter) == b'x'
        && let Some(escape) = in_bytes(text, i, backslashes)
    {
        return Some(escape);
    }
    let (character, end) = match at(text, letter) {
        b'u' => (hexadecimal(text, letter + 1, 4)?, letter + 5),
        b'x' => (hexadecimal(text, letter + 1, 2)?, letter + 3),
        b'0' if part(text, letter, letter + 3) == b"033" => return colour(text, i, letter + 3),
        b'e' => return colour(text, i, letter + 1),
        b'/' => (u32::from(b'/'), letter + 1),
        b'n' => (u32::from(b'\n'), letter + 1),
        b'r' => (u32::from(b'\r'), letter + 1),
        b't' | b'b' | b'f' | b'v' => (u32::from(b'\t'), letter + 1),
        _ => return None,
    };
    match char::from_u32(character).unwrap_or(char::REPLACEMENT_CHARACTER) {
        ESC => colour(text, i, end),
        '\\' => None,
        quote @ ('"' | '\'') => {
            // It is a quote behind a backslash, and that one stands in as many strings as the escape.
            let mut stands_for = [b'\\'; BACKSLASHES + 1];
            let left = backslashes | 1;
            *stands_for.get_mut(left)? = u8::try_from(quote).ok()?;
            Escape::new(end - i, part(&stands_for, 0, left + 1))
        }
        other => Escape::new(end - i, other.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// The colour code that starts at `i`, of which the escape character, however spelled, ends at `introduced`.
fn colour(text: &[u8], i: usize, introduced: usize) -> Option<Escape> {
    let start = introduced + 1;
    let parameters = part(text, start, start + PARAMETERS);
    let end = start + run_end(parameters, 0, |byte| matches!(byte, b'0'..=b';'));
    let is_colour = at(text, introduced) == b'[' && matches!(at(text, end), b'm' | b'K');
    is_colour.then(|| Escape::new(end + 1 - i, b"")).flatten()
}

/// The number that so many hexadecimal digits at `i` write.
fn hexadecimal(text: &[u8], i: usize, digits: usize) -> Option<u32> {
    part(text, i, i + digits)
        .iter()
        .map(|&digit| char::from(digit).to_digit(16))
        .try_fold(0, |number, digit| Some(number << 4 | digit?))
        .filter(|_| i + digits <= text.len())
}

#[cfg(test)]
mod tests {
    use super::{entity, percent, spelled};

    fn read(text: &str) -> Option<(String, usize)> {
        let text = text.as_bytes();
        let escape = percent(text, 0)
            .or_else(|| entity(text, 0))
            .or_else(|| spelled(text, 0))?;
        let stands_for = String::from_utf8_lossy(escape.stands_for()).into_owned();
        Some((stands_for, usize::from(escape.length)))
    }

    #[test]
    fn escapes_stand_for_what_they_stand_for() {
        for (text, stands_for, length) in [
            ("%40x", "@", 3),
            ("%5c%22", "\\", 3),
            ("&#64;x", "@", 5),
            ("&#xFC;x", "\u{fc}", 6),
            ("&#10;x", "\n", 5),
            (r"\xc3\xbcx", "\u{fc}", 8),
            (r"\\xc3\\xbcx", "\u{fc}", 10),
            (r"\xfcx", "\u{fc}", 4),
            (r"\xc3\nx", "\u{c3}", 4),
            ("&#x40;x", "@", 6),
            ("&commat;x", "@", 8),
            ("&quot;x", "\"", 6),
            (r"\/x", "/", 2),
            (r"\\\/x", "/", 4),
            (r"\u0040x", "@", 6),
            (r"\\u00fCx", "\u{fc}", 7),
            (r"\ud83d\ude00", "\u{fffd}", 6),
            (r"\x2dx", "-", 4),
            (r"\nx", "\n", 2),
            (r"\u0022x", "\\\"", 6),
            (r"\\u0022x", "\\\\\\\"", 7),
            (r"\x27x", "\\'", 4),
            ("\x1b[1;38;5;200mx", "", 13),
            ("\x1b[Kx", "", 3),
            (r"\u001b[0mx", "", 9),
            (r"\\033[0mx", "", 8),
            (r"\e[0mx", "", 5),
        ] {
            assert_eq!(read(text), Some((stands_for.into(), length)), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_escape_is_none() {
        for text in [
            "",
            "x",
            "%",
            "%4",
            "%4g",
            "&",
            "&#64",
            "&#38;",
            "&#x1;",
            "&#+64;",
            "&amp;",
            "&n=1;",
            "&#00000064;",
            "\\",
            r"\d",
            r"\u004",
            r"\u00g0",
            r"\u005c",
            r#"\""#,
            r"\e",
            r"\example",
            "\x1b",
            "\x1b[2J",
            r"\\\\\\\\n",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
