//! OTLP's `AnyValue` as the contract's `Value`, and back. Arrays and maps are JSON.

use std::fmt;

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value as Any,
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use super::Misuse;
use crate::Value;

/// What a guest sees of a value.
pub(super) fn read(any: Option<&AnyValue>) -> Value {
    match any.and_then(|any| any.value.as_ref()) {
        // An index of the string table that only profiles have means nothing here.
        None | Some(Any::StringValueStrindex(_)) => Value::Empty,
        Some(Any::StringValue(text)) => Value::Text(text.clone()),
        Some(Any::BoolValue(boolean)) => Value::Boolean(*boolean),
        Some(Any::IntValue(integer)) => Value::Integer(*integer),
        Some(Any::DoubleValue(double)) => Value::Double(*double),
        Some(Any::BytesValue(bytes)) => Value::Bytes(bytes.clone()),
        Some(Any::ArrayValue(_) | Any::KvlistValue(_)) => {
            let mut json = String::new();
            to_json(any, &mut json);
            Value::Json(json)
        }
    }
}

/// What a guest writes, as OTLP has it.
pub(super) fn write(value: &Value) -> Result<AnyValue, Misuse> {
    let value = match value {
        Value::Empty => None,
        Value::Text(text) => Some(Any::StringValue(text.clone())),
        Value::Boolean(boolean) => Some(Any::BoolValue(*boolean)),
        Value::Integer(integer) => Some(Any::IntValue(*integer)),
        Value::Double(double) => Some(Any::DoubleValue(*double)),
        Value::Bytes(bytes) => Some(Any::BytesValue(bytes.clone())),
        Value::Json(json) => {
            let parsed: Json = serde_json::from_str(json)
                .map_err(|error| Misuse::new(format!("a value that is not JSON: {error}")))?;
            return Ok(parsed.0);
        }
    };
    Ok(AnyValue { value })
}

/// Entries of a map in the order of the wire, of equal keys the first; bytes are base64, what JSON cannot say (NaN, nothing)
/// is null.
fn to_json(any: Option<&AnyValue>, out: &mut String) {
    match any.and_then(|any| any.value.as_ref()) {
        None | Some(Any::StringValueStrindex(_)) => out.push_str("null"),
        Some(Any::StringValue(text)) => out.push_str(&quoted(text)),
        Some(Any::BoolValue(boolean)) => out.push_str(&boolean.to_string()),
        Some(Any::IntValue(integer)) => out.push_str(&integer.to_string()),
        Some(Any::DoubleValue(double)) => {
            out.push_str(&serde_json::to_string(double).expect("a double is JSON, or null"));
        }
        Some(Any::BytesValue(bytes)) => out.push_str(&quoted(&base64(bytes))),
        Some(Any::ArrayValue(array)) => {
            out.push('[');
            for (index, item) in array.values.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                to_json(Some(item), out);
            }
            out.push(']');
        }
        Some(Any::KvlistValue(map)) => {
            out.push('{');
            for (index, entry) in map.values.iter().enumerate() {
                if map.values[..index]
                    .iter()
                    .any(|before| before.key == entry.key)
                {
                    continue;
                }
                out.push_str(if index > 0 { "," } else { "" });
                out.push_str(&quoted(&entry.key));
                out.push(':');
                to_json(entry.value.as_ref(), out);
            }
            out.push('}');
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string is JSON")
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |index: usize| u32::from(three.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * index)) as usize & 63];
            text.push(if index > three.len() {
                '='
            } else {
                letter.into()
            });
        }
    }
    text
}

/// JSON as a value: the order of a map's entries, and entries with the same key, stay.
struct Json(AnyValue);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl JsonVisitor {
    #[expect(clippy::unnecessary_wraps, reason = "what a visitor returns")]
    fn any<E>(value: Any) -> Result<Json, E> {
        Ok(Json(AnyValue { value: Some(value) }))
    }
}

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json(AnyValue { value: None }))
    }

    fn visit_bool<E>(self, boolean: bool) -> Result<Json, E> {
        Self::any(Any::BoolValue(boolean))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Json, E> {
        Self::any(Any::IntValue(integer))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "it is no integer of OTLP's, so a double"
    )]
    fn visit_u64<E>(self, integer: u64) -> Result<Json, E> {
        Self::any(i64::try_from(integer).map_or(Any::DoubleValue(integer as f64), Any::IntValue))
    }

    fn visit_f64<E>(self, double: f64) -> Result<Json, E> {
        Self::any(Any::DoubleValue(double))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Self::any(Any::StringValue(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(Json(item)) = items.next_element()? {
            values.push(item);
        }
        Self::any(Any::ArrayValue(ArrayValue { values }))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some((key, Json(value))) = entries.next_entry()? {
            values.push(KeyValue {
                key,
                value: Some(value),
                ..KeyValue::default()
            });
        }
        Self::any(Any::KvlistValue(KeyValueList { values }))
    }
}
