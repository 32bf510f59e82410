//! OTLP's `AnyValue` and `KeyValue` on the wire: read without a copy wherever protobuf allows.

use std::borrow::Cow;

use super::wire::{
    FIXED64, Field, LEN, Malformed, Reader, VARINT, Wired, len_field, put_len, put_tag, put_varint,
};

/// Arrays and maps within each other that are read; prost's own limit lies near 48.
pub(super) const MAX_DEPTH: usize = 64;

/// What an `AnyValue` holds.
#[derive(Clone, Debug)]
pub(super) enum AnyRef<'a> {
    Empty,
    Text(&'a [u8]),
    Boolean(bool),
    /// An integer, or the index of a string in a table that OTLP has for profiles only.
    Integer(i64),
    Double(f64),
    Bytes(&'a [u8]),
    /// The body of an `ArrayValue`.
    Array(Cow<'a, [u8]>),
    /// The body of a `KeyValueList`.
    Map(Cow<'a, [u8]>),
}

impl<'a> AnyRef<'a> {
    /// Reads the body of an `AnyValue`.
    #[inline]
    pub(super) fn decode(body: &'a [u8]) -> Wired<Self> {
        if let Some(text) = plain_text(body) {
            return Ok(Self::Text(text));
        }
        Self::decode_fields(body)
    }

    fn decode_fields(body: &'a [u8]) -> Wired<Self> {
        let mut value = Self::Empty;
        let mut reader = Reader::new(body);
        while let Some(field) = reader.next()? {
            // The last one counts; of a message, joined with what came right before of the same kind.
            value = match (Self::of_field(&field, body)?, value) {
                (None, value) => value,
                (Some(Self::Array(more)), Self::Array(joined)) => Self::Array(join(joined, &more)),
                (Some(Self::Map(more)), Self::Map(joined)) => Self::Map(join(joined, &more)),
                (Some(next), _) => next,
            };
        }
        Ok(value)
    }

    /// The value in one field of an `AnyValue`; none in a field that is unknown. A decoder takes the last one of several:
    /// what must see all that is on the wire reads them field by field.
    pub(super) fn of_field(field: &Field<'a>, body: &'a [u8]) -> Wired<Option<Self>> {
        let wire = match field.number {
            1 | 5 | 6 | 7 => LEN,
            2 | 3 | 8 => VARINT,
            4 => FIXED64,
            _ => return Ok(None),
        };
        field.expect(wire, body)?;
        Ok(Some(match field.number {
            1 => Self::Text(field.body),
            2 => Self::Boolean(field.value != 0),
            3 => Self::Integer(field.value.cast_signed()),
            4 => Self::Double(f64::from_bits(field.value)),
            5 => Self::Array(Cow::Borrowed(field.body)),
            6 => Self::Map(Cow::Borrowed(field.body)),
            7 => Self::Bytes(field.body),
            _ => Self::Integer(low_i32(field.value).into()),
        }))
    }
}

/// A field with this tag and the bytes after it, where its length takes one byte or two.
#[inline]
fn plain_field(tag: u8, body: &[u8]) -> Option<(&[u8], &[u8])> {
    match body {
        [first, len @ ..0x80, rest @ ..] if *first == tag => {
            rest.split_at_checked(usize::from(*len))
        }
        [first, low, high @ ..0x80, rest @ ..] if *first == tag => {
            rest.split_at_checked(usize::from(low & 0x7f) | usize::from(*high) << 7)
        }
        _ => None,
    }
}

/// The text of an `AnyValue` as every encoder writes one.
#[inline]
pub(super) fn plain_text(body: &[u8]) -> Option<&[u8]> {
    let (text, rest) = plain_field(0x0a, body)?;
    rest.is_empty().then_some(text)
}

/// The boolean, integer or double of an `AnyValue` as every encoder writes one.
#[inline]
pub(super) fn plain_number(body: &[u8]) -> Option<AnyRef<'static>> {
    match body {
        [0x10, bit @ ..2] => Some(AnyRef::Boolean(*bit == 1)),
        [0x18, varint @ ..] => plain_varint(varint).map(AnyRef::Integer),
        [0x21, double @ ..] => {
            let bytes = double.try_into().ok()?;
            Some(AnyRef::Double(f64::from_le_bytes(bytes)))
        }
        _ => None,
    }
}

/// A varint of at most nine bytes, which is a positive one, and nothing behind it.
#[inline]
fn plain_varint(bytes: &[u8]) -> Option<i64> {
    let (last, high) = bytes.split_last()?;
    if *last >= 0x80 || high.len() > 8 || high.iter().any(|byte| *byte < 0x80) {
        return None;
    }
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |value, byte| value << 7 | i64::from(byte & 0x7f)),
    )
}

/// The key and value of a `KeyValue` as every encoder writes one: key, value, and no more.
#[inline]
pub(super) fn plain_pair(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, rest) = plain_field(0x0a, body)?;
    let (value, rest) = plain_field(0x12, rest)?;
    rest.is_empty().then_some((key, value))
}

/// The key and value of a `KeyValue` as every encoder writes one that is short.
#[inline]
pub(super) fn short_pair(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let [0x0a, len, rest @ ..] = body else {
        return None;
    };
    let (key, rest) = rest.split_at_checked(usize::from(*len))?;
    let (head, value) = rest.split_first_chunk()?;
    // Key, value, and no more. Each length is a byte, since the whole is that short.
    let is_all = *head == [0x12, value.len().to_le_bytes()[0]];
    (is_all && body.len() < 0x80).then_some((key, value))
}

fn join<'a>(joined: Cow<'a, [u8]>, more: &[u8]) -> Cow<'a, [u8]> {
    let mut joined = joined.into_owned();
    joined.extend_from_slice(more);
    Cow::Owned(joined)
}

/// An int32 of a varint, of which protobuf takes the low half.
pub(super) fn low_i32(value: u64) -> i32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

/// A key and the body of its value.
#[derive(Clone, Debug)]
pub(super) struct KeyValue<'a> {
    pub(super) key: &'a [u8],
    pub(super) value: Option<Cow<'a, [u8]>>,
}

impl<'a> KeyValue<'a> {
    /// Reads the body of a `KeyValue`.
    #[inline]
    pub(super) fn decode(body: &'a [u8]) -> Wired<Self> {
        if let Some((key, value)) = plain_pair(body) {
            let value = Some(Cow::Borrowed(value));
            return Ok(Self { key, value });
        }
        Self::decode_fields(body)
    }

    fn decode_fields(body: &'a [u8]) -> Wired<Self> {
        let mut pair = Self {
            key: &[],
            value: None,
        };
        let mut reader = Reader::new(body);
        while let Some(field) = reader.next()? {
            match field.number {
                1 => pair.key = field.message(body)?,
                2 => {
                    let more = field.message(body)?;
                    pair.value = Some(match pair.value {
                        Some(joined) => join(joined, more),
                        None => Cow::Borrowed(more),
                    });
                }
                _ => {}
            }
        }
        Ok(pair)
    }
}

/// What a field of a `KeyValue` is.
pub(super) enum PairField<'a> {
    Key(&'a [u8]),
    /// The body of an `AnyValue`.
    Value(&'a [u8]),
    /// A field that is unknown, whole.
    Other(&'a [u8]),
}

/// The fields of a `KeyValue`, however many of each kind it has; an empty key first where it has none.
pub(super) fn pair_fields(body: &[u8]) -> Wired<Vec<PairField<'_>>> {
    let mut fields = Vec::new();
    let mut has_key = false;
    let mut reader = Reader::new(body);
    while let Some(field) = reader.next()? {
        has_key |= field.number == 1;
        fields.push(match field.number {
            1 => PairField::Key(field.message(body)?),
            2 => PairField::Value(field.message(body)?),
            _ => PairField::Other(body.get(field.start..field.end).unwrap_or_default()),
        });
    }
    if !has_key {
        fields.insert(0, PairField::Key(&[]));
    }
    Ok(fields)
}

/// The elements of an array or the pairs of a map: the bodies of field 1.
pub(super) fn elements(list: &[u8]) -> impl Iterator<Item = Wired<&[u8]>> {
    let mut reader = Reader::new(list);
    std::iter::from_fn(move || {
        loop {
            match reader.next() {
                Ok(Some(field)) if field.number == 1 => return Some(field.message(list)),
                Ok(Some(_)) => {}
                Ok(None) => return None,
                Err(malformed) => {
                    reader = Reader::new(&[]);
                    return Some(Err(malformed));
                }
            }
        }
    })
}

/// Refuses values nested deeper than otlet follows.
pub(super) fn check_depth(depth: usize, at: &[u8]) -> Wired<()> {
    if depth < MAX_DEPTH {
        Ok(())
    } else {
        Err(Malformed::new(at, 0, "values nested deeper than 64 levels"))
    }
}

/// Writes the body of an `AnyValue` that is no array or map.
pub(super) fn put_any(out: &mut Vec<u8>, value: &AnyRef<'_>) {
    match value {
        AnyRef::Empty => {}
        AnyRef::Text(text) => put_len(out, 1, text),
        AnyRef::Boolean(boolean) => {
            put_tag(out, 2, VARINT);
            out.push(u8::from(*boolean));
        }
        AnyRef::Integer(integer) => {
            put_tag(out, 3, VARINT);
            put_varint(out, integer.cast_unsigned());
        }
        AnyRef::Double(double) => {
            put_tag(out, 4, FIXED64);
            out.extend_from_slice(&double.to_le_bytes());
        }
        AnyRef::Array(body) => put_len(out, 5, body),
        AnyRef::Map(body) => put_len(out, 6, body),
        AnyRef::Bytes(bytes) => put_len(out, 7, bytes),
    }
}

/// Writes an attribute as field `number` of its message; `value` is the body of its `AnyValue`.
pub(super) fn put_attribute(out: &mut Vec<u8>, number: u32, key: &[u8], value: &[u8]) {
    // As nearly all are: each tag and length is a byte.
    if let (..16, Ok(size @ ..0x80)) = (number, u8::try_from(key.len() + value.len() + 4)) {
        let [key_size, value_size] = [key, value].map(|body| body.len().to_le_bytes()[0]);
        out.reserve(usize::from(size) + 2);
        out.extend_from_slice(&[Field::short_tag(number), size, 0x0a, key_size]);
        out.extend_from_slice(key);
        out.extend_from_slice(&[0x12, value_size]);
        out.extend_from_slice(value);
        return;
    }
    put_tag(out, number, LEN);
    put_varint(
        out,
        (len_field(1, key.len()) + len_field(2, value.len())) as u64,
    );
    put_len(out, 1, key);
    put_len(out, 2, value);
}

/// The bytes that an attribute takes, at most.
pub(super) fn attribute_len(number: u32, key: &[u8], value: &[u8]) -> usize {
    len_field(number, len_field(1, key.len()) + len_field(2, value.len()))
}

/// Reads the one field that an edit wrote.
pub(super) fn only_field(text: &[u8]) -> Wired<Option<Field<'_>>> {
    Reader::new(text).next()
}
