//! OTLP/JSON, turned into protobuf at the door, in one pass and without a tree in between.
//!
//! opentelemetry-proto's serde is not used here: it refuses what the specification allows (`null`, fields left out of
//! `KeyValue`, `ArrayValue` and others, `NaN` in an attribute, numbers of 32 bits as strings, unknown fields of a value), and
//! it decodes into a tree that would be encoded again.
//!
//! As in protobuf's own JSON mapping: integers come as numbers or strings, doubles also as `"NaN"`, `"Infinity"` and
//! `"-Infinity"`, enums as numbers or names, `null` is a field left out, and unknown fields are ignored. As OTLP demands: ids
//! are hexadecimal and keys are in lowerCamelCase. Half a surrogate pair, which JavaScript leaves where it cuts a string,
//! becomes U+FFFD. Nesting is bounded by serde_json (128 levels). An error names the field and never the value.

mod scalar;
mod schema;

use std::fmt;

use bytes::Bytes;
use prost::encoding::{WireType, encode_key, encode_varint};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use crate::batch::Signal;
use crate::payload::{self, PREFIX};
use crate::refusal::Refusal;
use scalar::{Scalar, base64, hex};
use schema::{Field, Kind, Message, Rule};

/// Turns an export request in JSON into one in protobuf of at most `limit` bytes, with its gRPC prefix in front.
pub(super) fn to_protobuf(signal: Signal, json: &[u8], limit: usize) -> Result<Bytes, Refusal> {
    let mut wire = Wire {
        out: vec![0; PREFIX],
        limit,
        field: "",
    };
    wire.out.reserve(json.len() / 2);
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let object = Object {
        message: schema::request(signal),
        wire: &mut wire,
    };
    let done = object.deserialize(&mut deserializer);
    if let Err(error) = done.and_then(|()| deserializer.end()) {
        return Err(refusal(&error, &wire));
    }
    let len = wire.out.len() - PREFIX;
    if let Some(head) = wire.out.first_chunk_mut::<PREFIX>() {
        *head = payload::prefix(false, len);
    }
    Ok(wire.out.into())
}

/// serde_json's own words may hold a value of the telemetry, so that only its position is passed on.
fn refusal(error: &serde_json::Error, wire: &Wire) -> Refusal {
    if wire.is_full() {
        return Refusal::TooLarge(format!(
            "the request is larger than {} bytes in protobuf: send smaller batches, or raise `max_request_size`",
            wire.limit
        ));
    }
    let what = match error.classify() {
        Category::Data => format!("`{}` has a value that it cannot have", wire.field),
        Category::Eof => "it ends too early".to_owned(),
        Category::Syntax | Category::Io => {
            "a syntax error, or nesting beyond 128 levels".to_owned()
        }
    };
    let (line, column) = (error.line(), error.column());
    Refusal::Invalid(format!(
        "the body is not OTLP/JSON: {what} at line {line} column {column}"
    ))
}

/// Protobuf as it is written.
struct Wire {
    out: Vec<u8>,
    limit: usize,
    /// The field begun last, for errors.
    field: &'static str,
}

/// A JSON object that is a protobuf message.
struct Object<'w> {
    message: &'static Message,
    wire: &'w mut Wire,
}

/// A JSON key, looked up among the fields of a message.
struct Key(&'static Message);

/// A JSON value that is a protobuf field, or an element of a repeated one.
struct Value<'w> {
    field: &'static Field,
    place: Place,
    wire: &'w mut Wire,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The value of the field as a whole.
    Whole,
    /// One element, with a tag of its own.
    Element,
    /// One element of a packed field, without a tag.
    Packed,
}

impl Wire {
    fn is_full(&self) -> bool {
        self.out.len() - PREFIX > self.limit
    }

    /// Writes what `inner` writes, with its length in front.
    fn delimited<E>(&mut self, inner: impl FnOnce(&mut Self) -> Result<(), E>) -> Result<(), E> {
        let start = self.out.len();
        inner(self)?;
        let end = self.out.len();
        let len = u64::try_from(end - start).unwrap_or(u64::MAX);
        // The length is known only now: it is written behind and turned to the front.
        encode_varint(len, &mut self.out);
        if let Some(written) = self.out.get_mut(start..) {
            written.rotate_left(end - start);
        }
        Ok(())
    }

    fn tag(&mut self, field: &Field, wire_type: WireType) {
        encode_key(field.number, wire_type, &mut self.out);
    }

    fn bytes(&mut self, value: &[u8]) {
        encode_varint(
            u64::try_from(value.len()).unwrap_or(u64::MAX),
            &mut self.out,
        );
        self.out.extend_from_slice(value);
    }
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(found) = map.next_key_seed(Key(self.message))? {
            let Some(field) = found else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            self.wire.field = field.name;
            map.next_value_seed(Value {
                field,
                place: Place::Whole,
                wire: self.wire,
            })?;
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<&'static Field>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<&'static Field>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E: Error>(self, key: &[u8]) -> Result<Self::Value, E> {
        let mut fields = self.0.fields.iter();
        Ok(fields.find(|field| field.name.as_bytes() == key))
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match (self.field.kind, self.field.rule, self.place) {
            // As bytes, since half a surrogate pair is an error in a string.
            (Kind::Text, Rule::Many, Place::Element) => deserializer.deserialize_bytes(self),
            (Kind::Text, Rule::Plain | Rule::Explicit, _) => deserializer.deserialize_option(self),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.field.name)
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_bytes(self)
    }

    /// `null`: a field left out, or an empty element of a list of messages.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match (self.place, self.field.kind) {
            (Place::Whole, _) => Ok(()),
            (_, Kind::Message(_)) => {
                self.wire.tag(self.field, WireType::LengthDelimited);
                self.wire.bytes(&[]);
                Ok(())
            }
            _ => Err(E::custom("null in a list")),
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.scalar(Scalar::Boolean(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.scalar(Scalar::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.scalar(Scalar::Integer(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.scalar(Scalar::Double(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.scalar(Scalar::Text(value.as_bytes()))
    }

    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<(), E> {
        self.scalar(Scalar::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { field, place, wire } = self;
        match (field.rule, place) {
            (Rule::Many, Place::Whole) => elements(&mut list, field, Place::Element, wire),
            (Rule::Packed, Place::Whole) => {
                wire.tag(field, WireType::LengthDelimited);
                wire.delimited(|wire| elements(&mut list, field, Place::Packed, wire))
            }
            _ => Err(A::Error::custom("a list")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let repeated = matches!(self.field.rule, Rule::Many | Rule::Packed);
        let Kind::Message(message) = self.field.kind else {
            return Err(A::Error::custom("an object"));
        };
        if repeated == (self.place == Place::Whole) {
            return Err(A::Error::custom("an object in place of a list"));
        }
        self.wire.tag(self.field, WireType::LengthDelimited);
        self.wire
            .delimited(|wire| Object { message, wire }.visit_map(map))
    }
}

fn elements<'de, A: SeqAccess<'de>>(
    list: &mut A,
    field: &'static Field,
    place: Place,
    wire: &mut Wire,
) -> Result<(), A::Error> {
    loop {
        // A number of one digit becomes eight bytes, so that the bound on the JSON is none on this.
        if wire.is_full() {
            return Err(A::Error::custom("too large"));
        }
        let value = Value { field, place, wire };
        if list.next_element_seed(value)?.is_none() {
            return Ok(());
        }
    }
}

impl Value<'_> {
    fn scalar<E: Error>(self, scalar: Scalar) -> Result<(), E> {
        let repeated = matches!(self.field.rule, Rule::Many | Rule::Packed);
        if repeated && self.place == Place::Whole {
            return Err(E::custom("no list"));
        }
        self.write(scalar)
            .ok_or_else(|| E::custom("a value that the field cannot have"))
    }

    /// Writes a value, unless it is one that the field cannot have.
    fn write(self, scalar: Scalar) -> Option<()> {
        match self.field.kind {
            Kind::Message(_) => None,
            Kind::Text => {
                let text = String::from_utf8_lossy(scalar.text()?);
                self.delimited(text.as_bytes());
                Some(())
            }
            Kind::Id(size) => {
                let id = hex(scalar.text()?)?;
                (id.is_empty() || id.len() == size).then(|| self.delimited(&id))
            }
            Kind::Bytes => {
                let bytes = base64(scalar.text()?)?;
                self.delimited(&bytes);
                Some(())
            }
            Kind::Boolean => match scalar {
                Scalar::Boolean(value) => self.varint(value.into()),
                _ => None,
            },
            Kind::Double => self.fixed64(scalar.double()?.to_bits()),
            Kind::Int32 => {
                let value = i32::try_from(scalar.integer()?).ok()?;
                self.varint(i64::from(value).cast_unsigned())
            }
            Kind::Int64 => {
                let value = i64::try_from(scalar.integer()?).ok()?;
                self.varint(value.cast_unsigned())
            }
            Kind::Uint32 => self.varint(u32::try_from(scalar.integer()?).ok()?.into()),
            Kind::Uint64 => self.varint(scalar.integer()?.try_into().ok()?),
            Kind::Sint32 => {
                let value = i32::try_from(scalar.integer()?).ok()?;
                self.varint(((value << 1) ^ (value >> 31)).cast_unsigned().into())
            }
            Kind::Fixed32 => self.fixed32(scalar.integer()?.try_into().ok()?),
            Kind::Fixed64 => self.fixed64(scalar.integer()?.try_into().ok()?),
            Kind::Sfixed64 => {
                let value = i64::try_from(scalar.integer()?).ok()?;
                self.fixed64(value.cast_unsigned())
            }
            Kind::Enum(names) => {
                let value = i32::try_from(scalar.member(names)?).ok()?;
                self.varint(i64::from(value).cast_unsigned())
            }
        }
    }

    /// Whether a value need not be written, being its field's default.
    fn is_left_out(&self, default: bool) -> bool {
        default && self.place == Place::Whole && self.field.rule == Rule::Plain
    }

    fn tag(&mut self, wire_type: WireType) {
        if self.place != Place::Packed {
            self.wire.tag(self.field, wire_type);
        }
    }

    fn delimited(mut self, value: &[u8]) {
        if !self.is_left_out(value.is_empty()) {
            self.tag(WireType::LengthDelimited);
            self.wire.bytes(value);
        }
    }

    fn varint(mut self, value: u64) -> Option<()> {
        if !self.is_left_out(value == 0) {
            self.tag(WireType::Varint);
            encode_varint(value, &mut self.wire.out);
        }
        Some(())
    }

    fn fixed32(mut self, value: u32) -> Option<()> {
        if !self.is_left_out(value == 0) {
            self.tag(WireType::ThirtyTwoBit);
            self.wire.out.extend_from_slice(&value.to_le_bytes());
        }
        Some(())
    }

    fn fixed64(mut self, value: u64) -> Option<()> {
        if !self.is_left_out(value == 0) {
            self.tag(WireType::SixtyFourBit);
            self.wire.out.extend_from_slice(&value.to_le_bytes());
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
