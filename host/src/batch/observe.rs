//! Reads of every span of a request what counting it takes: a few fields, and the attributes of a few keys. One walk over the
//! bytes, and nothing is copied that encoders write as nearly all do.
//!
//! For whoever counts all spans of all requests. Not for editing, nor for what is asked of some rows: see
//! [`Transaction`](super::Transaction).

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::WireError;
use super::any::{AnyRef, KeyValue, check_depth, elements, plain_text, put_any, short_pair};
use super::json::render;
use super::wire::{FIXED64, Field, LEN, Reader, VARINT, Wired, put_len};

/// The most bytes of JSON that an array or a map is shown with.
const MOST_JSON: usize = 4096;

/// Keys of attributes, none twice.
#[derive(Debug)]
pub struct Keys {
    keys: Box<[Box<[u8]>]>,
    /// A bit for each length that one of them has.
    lengths: u64,
}

/// What a span says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Observed<'a> {
    /// Its trace's id, as it stands there.
    pub trace_id: &'a [u8],
    /// Its own.
    pub span_id: &'a [u8],
    /// W3C's trace state.
    pub trace_state: &'a [u8],
    /// Its name, which need not be UTF-8.
    pub name: &'a [u8],
    /// Its kind, by its number.
    pub kind: u64,
    /// Its status, by its code.
    pub status: u64,
    /// When it began, in nanoseconds since 1970.
    pub start: u64,
    /// When it ended.
    pub end: u64,
}

/// The body of an attribute's value.
pub type Body<'a> = Cow<'a, [u8]>;

/// Who is told of spans.
pub trait Observer {
    /// The spans that follow are of this resource.
    fn resource(&mut self, resource: &[u8]);

    /// A span, and the values of the keys that were asked for, in their order.
    fn span(&mut self, span: &Observed<'_>, values: &[Option<Body<'_>>]);

    /// A span that cannot be read.
    fn unreadable(&mut self);
}

impl Keys {
    /// These keys.
    pub fn new<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let keys: Box<[Box<[u8]>]> = keys.map(|key| key.as_bytes().into()).collect();
        let lengths = keys.iter().fold(0, |all, key| all | bit(key));
        Self { keys, lengths }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.keys.len()
    }

    /// Puts an attribute's value in its key's place. Of equal keys the first counts.
    #[inline]
    fn look<'a>(&self, body: &'a [u8], values: &mut [Option<Body<'a>>]) -> Wired<()> {
        let pair = match short_pair(body) {
            Some((key, _)) if self.lengths & bit(key) == 0 => return Ok(()),
            Some((key, value)) => KeyValue {
                key,
                value: Some(Cow::Borrowed(value)),
            },
            None => KeyValue::decode(body)?,
        };
        let place = self.keys.iter().position(|key| **key == *pair.key);
        if let Some(slot) = place.and_then(|at| values.get_mut(at))
            && slot.is_none()
        {
            *slot = Some(pair.value.unwrap_or_default());
        }
        Ok(())
    }
}

/// A key's length as a bit; all long ones share one.
#[inline]
fn bit(key: &[u8]) -> u64 {
    1 << key.len().min(63)
}

/// Tells of every span of a request.
pub fn observe(message: &[u8], keys: &Keys, observer: &mut impl Observer) -> Result<(), WireError> {
    let mut values = vec![None; keys.count()];
    request(message, keys, &mut values, observer).map_err(|malformed| {
        WireError(format!("malformed traces: {}", malformed.describe(message)))
    })
}

fn request<'a>(
    message: &'a [u8],
    keys: &Keys,
    values: &mut [Option<Body<'a>>],
    observer: &mut impl Observer,
) -> Wired<()> {
    let mut fields = Reader::new(message);
    while let Some(field) = fields.next()? {
        if field.number != 1 {
            continue;
        }
        let body = field.message(message)?;
        observer.resource(&resource(body)?);
        let mut scopes = Reader::new(body);
        while let Some(field) = scopes.next()? {
            if field.number != 2 {
                continue;
            }
            let scope = field.message(body)?;
            let mut spans = Reader::new(scope);
            while let Some(field) = spans.next()? {
                if field.number == 2 {
                    let body = field.message(scope)?;
                    match span(body, keys, values) {
                        Ok(span) => observer.span(&span, values),
                        Err(_) => observer.unreadable(),
                    }
                }
            }
        }
    }
    Ok(())
}

/// The resource of some spans, which may stand behind them, and in pieces.
fn resource(body: &[u8]) -> Wired<Cow<'_, [u8]>> {
    let mut found: Option<Cow<'_, [u8]>> = None;
    let mut fields = Reader::new(body);
    while let Some(field) = fields.next_of(1 << 1)? {
        let piece = field.message(body)?;
        found = Some(match found {
            None => Cow::Borrowed(piece),
            Some(joined) => Cow::Owned([&joined, piece].concat()),
        });
    }
    Ok(found.unwrap_or_default())
}

#[inline]
fn span<'a>(body: &'a [u8], keys: &Keys, values: &mut [Option<Body<'a>>]) -> Wired<Observed<'a>> {
    values.fill(None);
    let mut span = Observed::default();
    let mut fields = Reader::new(body);
    let attribute = Field::short_tag(9);
    loop {
        while let Some(pair) = fields.next_short(attribute) {
            keys.look(pair, values)?;
        }
        let Some(field) = fields.next()? else {
            return Ok(span);
        };
        match field.number {
            1 => span.trace_id = field.message(body)?,
            2 => span.span_id = field.message(body)?,
            3 => span.trace_state = field.message(body)?,
            5 => span.name = field.message(body)?,
            6 => span.kind = number(&field, VARINT, body)?,
            7 => span.start = number(&field, FIXED64, body)?,
            8 => span.end = number(&field, FIXED64, body)?,
            9 => keys.look(field.message(body)?, values)?,
            15 => {
                let status = field.message(body)?;
                let mut fields = Reader::new(status);
                while let Some(field) = fields.next_of(1 << 3)? {
                    span.status = number(&field, VARINT, status)?;
                }
            }
            _ => {}
        }
    }
}

#[inline]
fn number(field: &Field<'_>, wire: u8, bytes: &[u8]) -> Wired<u64> {
    field.expect(wire, bytes)?;
    Ok(field.value)
}

/// Tells of the attributes of a resource, as far as they can be read: each key with its value's body.
pub fn attributes(resource: &[u8], mut tell: impl FnMut(&[u8], &[u8])) {
    let mut fields = Reader::new(resource);
    while let Ok(Some(field)) = fields.next() {
        if field.number == 1
            && field.wire == LEN
            && let Ok(pair) = KeyValue::decode(field.body)
        {
            tell(pair.key, pair.value.as_deref().unwrap_or_default());
        }
    }
}

/// Adds the body of a value as it is written the shortest, so that equal values are equal bytes. Arrays and maps are shown as
/// JSON text; what cannot be read is nothing.
pub fn put_value(body: &[u8], out: &mut Vec<u8>) {
    if let Some(text) = plain_text(body) {
        return put_len(out, 1, text);
    }
    match AnyRef::decode(body) {
        Ok(value @ (AnyRef::Array(_) | AnyRef::Map(_))) => {
            let mut json = String::new();
            if !matches!(render(&value, 0, MOST_JSON, &mut json), Ok(true)) {
                let end = json.floor_char_boundary(MOST_JSON);
                json.truncate(end);
            }
            put_len(out, 1, json.as_bytes());
        }
        Ok(value) => put_any(out, &value),
        Err(_) => {}
    }
}

/// Whether a text is UTF-8, as backends ask for.
pub fn is_readable(body: &[u8]) -> bool {
    text(body).is_none_or(|text| str::from_utf8(text).is_ok())
}

/// Adds the body of a value so that every backend reads it: U+FFFD where a text is not UTF-8, and arrays and maps in which one is
/// not as JSON text.
pub fn put_readable(body: &[u8], out: &mut Vec<u8>) {
    match AnyRef::decode(body) {
        Ok(AnyRef::Text(text)) => put_len(out, 1, String::from_utf8_lossy(text).as_bytes()),
        Ok(AnyRef::Array(_) | AnyRef::Map(_)) if matches!(readable(body, 0), Ok(true)) => {
            out.extend_from_slice(body);
        }
        _ => put_value(body, out),
    }
}

fn readable(body: &[u8], depth: usize) -> Wired<bool> {
    match AnyRef::decode(body)? {
        AnyRef::Text(text) => Ok(str::from_utf8(text).is_ok()),
        AnyRef::Array(list) => {
            check_depth(depth, body)?;
            for element in elements(&list) {
                if !readable(element?, depth + 1)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        AnyRef::Map(list) => {
            check_depth(depth, body)?;
            for pair in elements(&list) {
                let KeyValue { key, value } = KeyValue::decode(pair?)?;
                let value = value.unwrap_or_default();
                if str::from_utf8(key).is_err() || !readable(&value, depth + 1)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(true),
    }
}

/// Adds the body of a text.
pub fn put_text(text: &[u8], out: &mut Vec<u8>) {
    put_len(out, 1, text);
}

/// The text in a value's body; none if it is something else.
pub fn text(body: &[u8]) -> Option<&[u8]> {
    match AnyRef::decode(body) {
        Ok(AnyRef::Text(text)) => Some(text),
        _ => None,
    }
}

/// Adds an attribute as field `number` of its message; `body` is that of its value.
pub fn put_attribute(out: &mut Vec<u8>, number: u32, key: &[u8], body: &[u8]) {
    super::any::put_attribute(out, number, key, body);
}
