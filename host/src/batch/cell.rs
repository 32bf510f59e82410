//! One value of one column in one row: how it is read from the wire and how it is written there.

use std::borrow::Cow;

use super::{
    Misuse, Value,
    any::{AnyRef, low_i32, put_any},
    column::Column,
    fields::{At, Encoding, Kind},
    json,
    wire::{FIXED32, FIXED64, Field, LEN, VARINT, Wired, put_len, put_tag, put_varint},
};

/// A value on its way out of a batch or into it.
#[derive(Clone, Debug)]
pub(super) enum Cell<'a> {
    /// The body of an `AnyValue`.
    Any(Cow<'a, [u8]>),
    Text(&'a [u8]),
    Integer(i64),
    Double(f64),
    Boolean(bool),
    /// An id or bytes.
    Bytes(&'a [u8]),
    /// An array or a map that otlet made of a field, or that a guest sent with the body that it stands for.
    Json(Cow<'a, str>, Vec<u8>),
    /// An `AnyValue` without a value; clears a field.
    Empty,
}

impl<'a> Cell<'a> {
    /// A field's value; at a default that does not count as present, nothing.
    #[inline]
    pub(super) fn of_field(field: &Field<'a>, at: &At, bytes: &[u8]) -> Wired<Self> {
        field.expect(at.encoding.wire(), bytes)?;
        Ok(match at.encoding {
            Encoding::Any => Self::Any(Cow::Borrowed(field.body)),
            Encoding::Text => Self::Text(field.body),
            Encoding::Bytes => Self::Bytes(field.body),
            Encoding::Fixed64 | Encoding::Fixed32 => Self::Integer(field.value.cast_signed()),
            Encoding::Double => Self::Double(f64::from_bits(field.value)),
            Encoding::Uint32 => Self::Integer((field.value & u64::from(u32::MAX)).cast_signed()),
            Encoding::Int32 => Self::Integer(low_i32(field.value).into()),
            Encoding::Sint32 => Self::Integer(unzigzag(field.value).into()),
            Encoding::Boolean => Self::Boolean(field.value != 0),
        })
    }

    /// Whether it is what a field without presence has when it is not on the wire.
    pub(super) fn is_default(&self) -> bool {
        match self {
            Self::Any(_) | Self::Json(..) => false,
            Self::Text(bytes) | Self::Bytes(bytes) => bytes.is_empty(),
            Self::Integer(integer) => *integer == 0,
            Self::Double(double) => *double == 0.0,
            Self::Boolean(boolean) => !boolean,
            Self::Empty => true,
        }
    }

    /// A guest's value for a column.
    pub(super) fn of_value(value: &'a Value, column: &Column) -> Result<Self, Misuse> {
        let cell = match value {
            Value::Empty => Self::Empty,
            Value::Text(text) => Self::Text(text.as_bytes()),
            Value::Boolean(boolean) => Self::Boolean(*boolean),
            Value::Integer(integer) => Self::Integer(*integer),
            Value::Double(double) => Self::Double(*double),
            Value::Bytes(bytes) => Self::Bytes(bytes),
            Value::Json(text) => match column.kind() {
                Kind::Any => {
                    let body = json::parse(text).map_err(|error| {
                        Misuse::new(format!("no JSON for {:?}: {error}", column.path()))
                    })?;
                    Self::Json(Cow::Borrowed(text), body)
                }
                _ => Self::Json(Cow::Borrowed(text), Vec::new()),
            },
        };
        if cell.fits(column.kind()) {
            Ok(cell)
        } else {
            Err(Misuse::new(format!(
                "column {:?} does not take a value of this type or length",
                column.path()
            )))
        }
    }

    /// Whether a column of this kind takes it.
    pub(super) fn fits(&self, kind: Kind) -> bool {
        match (self, kind) {
            (_, Kind::Any)
            | (Self::Empty, _)
            | (Self::Text(_), Kind::Text)
            | (Self::Integer(_), Kind::Integer)
            | (Self::Double(_), Kind::Double)
            | (Self::Boolean(_), Kind::Boolean) => true,
            (Self::Bytes(id), Kind::Id(len)) => id.len() == len || id.is_empty(),
            _ => false,
        }
    }

    /// What it is as the field of another type: an `AnyValue` is what it holds.
    pub(super) fn opened(&'a self) -> Wired<Self> {
        Ok(match self {
            Self::Any(body) => match AnyRef::decode(body)? {
                AnyRef::Empty => Self::Empty,
                AnyRef::Text(text) => Self::Text(text),
                AnyRef::Boolean(boolean) => Self::Boolean(boolean),
                AnyRef::Integer(integer) => Self::Integer(integer),
                AnyRef::Double(double) => Self::Double(double),
                AnyRef::Bytes(bytes) => Self::Bytes(bytes),
                AnyRef::Array(_) | AnyRef::Map(_) => self.clone(),
            },
            other => other.clone(),
        })
    }

    /// The value for a guest. None if it took more than `room` bytes.
    pub(super) fn into_value(self, room: usize) -> Wired<Option<Value>> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Some(match self {
            Self::Any(body) => match AnyRef::decode(&body)? {
                AnyRef::Empty => Value::Empty,
                AnyRef::Text(bytes) => Value::Text(text(bytes)),
                AnyRef::Boolean(boolean) => Value::Boolean(boolean),
                AnyRef::Integer(integer) => Value::Integer(integer),
                AnyRef::Double(double) => Value::Double(double),
                AnyRef::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
                nested => {
                    let mut out = String::new();
                    if !json::render(&nested, 0, room, &mut out)? {
                        return Ok(None);
                    }
                    Value::Json(out)
                }
            },
            Self::Text(bytes) => Value::Text(text(bytes)),
            Self::Integer(integer) => Value::Integer(integer),
            Self::Double(double) => Value::Double(double),
            Self::Boolean(boolean) => Value::Boolean(boolean),
            Self::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Self::Json(json, _) => Value::Json(json.into_owned()),
            Self::Empty => Value::Empty,
        }))
    }

    /// Whether writing it over this `AnyValue` would change what a guest reads.
    pub(super) fn is_any(&self, old: &[u8]) -> Wired<bool> {
        Ok(match (self, AnyRef::decode(old)?) {
            (Self::Any(new), _) => **new == *old,
            (Self::Text(new), AnyRef::Text(old)) | (Self::Bytes(new), AnyRef::Bytes(old)) => {
                *new == old
            }
            (Self::Integer(new), AnyRef::Integer(old)) => *new == old,
            (Self::Boolean(new), AnyRef::Boolean(old)) => *new == old,
            (Self::Double(new), AnyRef::Double(old)) => new.to_bits() == old.to_bits(),
            (Self::Empty, AnyRef::Empty) => true,
            (Self::Json(text, body), nested @ (AnyRef::Array(_) | AnyRef::Map(_))) => {
                let mut shown = String::new();
                body == old || json::render(&nested, 0, text.len(), &mut shown)? && shown == **text
            }
            (Self::Json(_, body), _) => body == old,
            _ => false,
        })
    }

    /// Whether it is the same as another value of a field.
    pub(super) fn is_field(&self, old: &Cell<'_>) -> Wired<bool> {
        Ok(match (self, old) {
            (new, Cell::Any(old)) => new.is_any(old)?,
            (Self::Text(new), Cell::Text(old)) | (Self::Bytes(new), Cell::Bytes(old)) => new == old,
            (Self::Integer(new), Cell::Integer(old)) => new == old,
            (Self::Double(new), Cell::Double(old)) => new.to_bits() == old.to_bits(),
            (Self::Boolean(new), Cell::Boolean(old)) => new == old,
            _ => false,
        })
    }

    /// Writes the body of an `AnyValue`.
    pub(super) fn put_any(&self, out: &mut Vec<u8>) {
        match self {
            Self::Any(body) => out.extend_from_slice(body),
            Self::Text(text) => put_any(out, &AnyRef::Text(text)),
            Self::Integer(integer) => put_any(out, &AnyRef::Integer(*integer)),
            Self::Double(double) => put_any(out, &AnyRef::Double(*double)),
            Self::Boolean(boolean) => put_any(out, &AnyRef::Boolean(*boolean)),
            Self::Bytes(bytes) => put_any(out, &AnyRef::Bytes(bytes)),
            Self::Json(_, body) => out.extend_from_slice(body),
            Self::Empty => {}
        }
    }

    /// The bytes of the body of its `AnyValue`, at most.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Any(body) => body.len(),
            Self::Json(_, body) => body.len(),
            Self::Text(bytes) | Self::Bytes(bytes) => bytes.len() + 11,
            _ => 11,
        }
    }

    /// Writes it as a field that `fits` said takes it. None if the number is out of the field's range.
    pub(super) fn put_field(&self, at: &At, out: &mut Vec<u8>) -> Option<()> {
        if at.encoding == Encoding::Any {
            let mut body = Vec::with_capacity(self.size());
            self.put_any(&mut body);
            put_len(out, at.number, &body);
            return Some(());
        }
        match self {
            Self::Text(bytes) | Self::Bytes(bytes) => put_len(out, at.number, bytes),
            Self::Double(double) => {
                put_tag(out, at.number, FIXED64);
                out.extend_from_slice(&double.to_le_bytes());
            }
            Self::Boolean(boolean) => {
                put_tag(out, at.number, VARINT);
                out.push(u8::from(*boolean));
            }
            Self::Integer(integer) => put_integer(*integer, at, out)?,
            Self::Any(_) | Self::Json(..) | Self::Empty => {}
        }
        Some(())
    }
}

/// Whether the field takes this integer.
pub(super) fn in_range(integer: i64, encoding: Encoding) -> bool {
    match encoding {
        Encoding::Fixed32 | Encoding::Uint32 => u32::try_from(integer).is_ok(),
        Encoding::Int32 | Encoding::Sint32 => i32::try_from(integer).is_ok(),
        _ => true,
    }
}

fn put_integer(integer: i64, at: &At, out: &mut Vec<u8>) -> Option<()> {
    put_tag(out, at.number, at.encoding.wire());
    match at.encoding {
        Encoding::Fixed32 => out.extend_from_slice(&u32::try_from(integer).ok()?.to_le_bytes()),
        Encoding::Uint32 => put_varint(out, u32::try_from(integer).ok()?.into()),
        Encoding::Int32 => {
            let integer = i32::try_from(integer).ok()?;
            put_varint(out, i64::from(integer).cast_unsigned());
        }
        Encoding::Sint32 => {
            let integer = i32::try_from(integer).ok()?;
            put_varint(
                out,
                ((integer << 1) ^ (integer >> 31)).cast_unsigned().into(),
            );
        }
        _ => out.extend_from_slice(&integer.to_le_bytes()),
    }
    Some(())
}

pub(super) fn unzigzag(value: u64) -> i32 {
    let value = low_i32(value).cast_unsigned();
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

impl Encoding {
    /// The wire type.
    #[inline]
    pub(super) fn wire(self) -> u8 {
        match self {
            Self::Any | Self::Text | Self::Bytes => LEN,
            Self::Fixed64 | Self::Double => FIXED64,
            Self::Fixed32 => FIXED32,
            Self::Uint32 | Self::Int32 | Self::Sint32 | Self::Boolean => VARINT,
        }
    }
}
