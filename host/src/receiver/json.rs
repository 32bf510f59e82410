//! OTLP/JSON, turned into protobuf at the door, in one pass and without a tree in between.
//!
//! opentelemetry-proto's serde is not used here: it refuses what the specification allows (`null`, fields left out of
//! `KeyValue`, `ArrayValue` and others, `NaN` in an attribute, numbers of 32 bits as strings, unknown fields of a value), and
//! it decodes into a tree that would be encoded again.
//!
//! As in protobuf's own JSON mapping: integers come as numbers or strings, doubles also as `"NaN"`, `"Infinity"` and
//! `"-Infinity"`, enums as numbers or names, `null` is a field left out, and unknown fields are ignored. As OTLP demands: ids
//! are hexadecimal and keys are in lowerCamelCase. Half a surrogate pair, which JavaScript leaves where it cuts a string,
//! becomes U+FFFD. Nesting is bounded by `serde_json` (128 levels). An error names the field and never the value.

mod scalar;

use std::fmt;

use bytes::Bytes;
use prost::encoding::{WireType, encode_key, encode_varint};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use crate::batch::Signal;
use crate::otlp::{self, Field, Kind, Message, Rule};
use crate::payload::{self, PREFIX};
use crate::refusal::Refusal;
use scalar::{Encoded, Scalar};

/// Turns an export request in JSON into one in protobuf of at most `limit` bytes, with its gRPC prefix in front.
pub fn to_protobuf(signal: Signal, json: &[u8], limit: usize) -> Result<Bytes, Refusal> {
    let mut wire = Wire {
        out: vec![0; PREFIX],
        limit,
        field: "",
    };
    wire.out.reserve(json.len() / 2);
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let object = Object {
        message: otlp::request(signal),
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

/// `serde_json`'s own words may hold a value of the telemetry, so that only its position is passed on.
fn refusal(error: &serde_json::Error, wire: &Wire) -> Refusal {
    if wire.is_full() {
        return Refusal::TooLarge(format!(
            "the request is larger than {} bytes in protobuf: send smaller batches, or raise `max_request_body_size`",
            wire.limit
        ));
    }
    let what = match error.classify() {
        Category::Data if wire.field.is_empty() => "a request is an object".to_owned(),
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
        let Self { field, place, wire } = self;
        let repeated = matches!(field.rule, Rule::Many | Rule::Packed);
        if repeated && place == Place::Whole {
            return Err(E::custom("no list"));
        }
        let encoded = scalar
            .encoded(field.kind)
            .ok_or_else(|| E::custom("a value that the field cannot have"))?;
        if field.rule == Rule::Plain && encoded.is_default() {
            return Ok(());
        }
        if place != Place::Packed {
            wire.tag(field, encoded.wire_type());
        }
        match encoded {
            Encoded::Varint(value) => encode_varint(value, &mut wire.out),
            Encoded::Fixed32(value) => wire.out.extend_from_slice(&value.to_le_bytes()),
            Encoded::Fixed64(value) => wire.out.extend_from_slice(&value.to_le_bytes()),
            Encoded::Delimited(value) => wire.bytes(&value),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
