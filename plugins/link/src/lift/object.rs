//! A JSON object, taken apart one level: each field with its key and its value, of which lists and maps stay text. As strict as
//! JSON is, so that what a value holds can be handed on; numbers stay as they were written.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// The most levels that an object may have, itself included: what OTLP's readers bear, and the host takes.
const DEPTH: usize = 24;
/// The most fields of an object: more are no log line.
const FIELDS: usize = 256;

/// The fields of an object for which there is room at once.
const USUAL: usize = 16;

/// A field of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field<'a> {
    pub(super) key: Cow<'a, str>,
    pub(super) value: Json<'a>,
    /// The key and the value as they stand in the text.
    pub(super) whole: &'a str,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json<'a> {
    Null,
    Boolean(bool),
    /// A number, as it is written.
    Number(&'a str),
    Text(Cow<'a, str>),
    /// A list, as it is written.
    List(&'a str),
    /// An object, as it is written, or without some of its fields.
    Map(Cow<'a, str>),
}

/// The fields of the object that the text is. Of equal keys the first counts. Nothing, if it is no such object: cut off,
/// nested too deep, of too many fields, or with a key that is empty, which no attribute may have.
pub(super) fn fields(text: &str) -> Option<Vec<Field<'_>>> {
    let mut reader = Reader { text, at: 0 };
    let mut fields = Vec::with_capacity(USUAL);
    reader.blanks();
    reader.members(1, |reader, start, key| {
        let value = reader.value(1)?;
        if fields.len() == FIELDS || key.is_empty() {
            return None;
        }
        let whole = reader.since(start)?;
        fields.push(Field { key, value, whole });
        Some(())
    })?;
    reader.blanks();
    if reader.at != text.len() {
        return None;
    }
    let mut seen = BTreeSet::new();
    let first: Vec<bool> = fields
        .iter()
        .map(|field| seen.insert(field.key.as_ref()))
        .collect();
    let mut first = first.into_iter();
    fields.retain(|_| first.next().unwrap_or(false));
    Some(fields)
}

/// A place in a text.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes on behind this byte, if it is the next.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn since(&self, start: usize) -> Option<&'a str> {
        self.text.get(start..self.at)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Goes on behind a value that stands this deep.
    fn value(&mut self, depth: usize) -> Option<Json<'a>> {
        let start = self.at;
        Some(match self.peek()? {
            b'"' => Json::Text(self.string()?),
            b'{' => {
                self.members(depth + 1, |reader, _, _| reader.value(depth + 1).map(drop))?;
                Json::Map(self.since(start)?.into())
            }
            b'[' => {
                self.elements(depth + 1)?;
                Json::List(self.since(start)?)
            }
            b'-' | b'0'..=b'9' => Json::Number(self.number()?),
            _ => {
                let word = |byte: u8| byte.is_ascii_alphabetic();
                while self.peek().is_some_and(word) {
                    self.at += 1;
                }
                match self.since(start)? {
                    "true" => Json::Boolean(true),
                    "false" => Json::Boolean(false),
                    "null" => Json::Null,
                    _ => return None,
                }
            }
        })
    }

    /// Goes on behind an object that stands this deep, with what goes on behind each value. It learns where the key starts,
    /// and the key.
    fn members(
        &mut self,
        depth: usize,
        mut member: impl FnMut(&mut Self, usize, Cow<'a, str>) -> Option<()>,
    ) -> Option<()> {
        if depth > DEPTH || !self.take(b'{') {
            return None;
        }
        self.blanks();
        if self.take(b'}') {
            return Some(());
        }
        loop {
            self.blanks();
            let start = self.at;
            let key = self.string()?;
            self.blanks();
            if !self.take(b':') {
                return None;
            }
            self.blanks();
            member(self, start, key)?;
            self.blanks();
            if self.take(b'}') {
                return Some(());
            }
            if !self.take(b',') {
                return None;
            }
        }
    }

    /// Goes on behind a list that stands this deep.
    fn elements(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH || !self.take(b'[') {
            return None;
        }
        self.blanks();
        if self.take(b']') {
            return Some(());
        }
        loop {
            self.blanks();
            self.value(depth)?;
            self.blanks();
            if self.take(b']') {
                return Some(());
            }
            if !self.take(b',') {
                return None;
            }
        }
    }

    /// Goes on behind a number that a double can hold.
    fn number(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let number = self.since(start)?;
        let double: f64 = number.parse().ok()?;
        double.is_finite().then_some(number)
    }

    /// Goes on behind at least one digit.
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// Goes on behind a string.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        if !self.take(b'"') {
            return None;
        }
        let mut decoded: Option<String> = None;
        loop {
            let rest = self.text.get(self.at..)?;
            let special = |byte: u8| matches!(byte, b'"' | b'\\' | 0..0x20);
            let length = rest.bytes().position(special)?;
            let plain = rest.get(..length)?;
            self.at += length;
            if self.take(b'"') {
                return Some(match decoded {
                    Some(decoded) => Cow::Owned(decoded + plain),
                    None => Cow::Borrowed(plain),
                });
            }
            if !self.take(b'\\') {
                return None;
            }
            let decoded = decoded.get_or_insert_default();
            decoded.push_str(plain);
            decoded.push(self.escaped()?);
        }
    }

    /// Goes on behind what follows a backslash.
    fn escaped(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                if !(0xd800..0xdc00).contains(&unit) {
                    // The lower half of a pair without the upper one is no letter.
                    return char::from_u32(unit);
                }
                let low = (self.take(b'\\') && self.take(b'u')).then(|| self.unit())??;
                let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                char::from_u32(0x10000 + ((unit - 0xd800) << 10) + low)?
            }
            _ => return None,
        })
    }

    /// Goes on behind four digits.
    fn unit(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests;
