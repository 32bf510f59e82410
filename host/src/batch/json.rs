//! Arrays and maps as JSON text, which is how they cross the fence.
//!
//! What JSON lacks is lost on the way out: bytes become base64, NaN and the infinities null, and of a repeated key the first
//! counts. Numbers come back as integers where they are written as such and fit, as doubles otherwise.

use std::collections::HashSet;

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor},
};

use super::{
    any::{AnyRef, KeyValue, check_depth, elements, put_any},
    wire::{Wired, put_len},
};

/// Levels of arrays and maps that a guest may write: a level more and prost would refuse the request.
const MAX_WRITTEN_DEPTH: usize = 24;

/// Appends a value as JSON; `room` bounds what is written in all. `false` if it was too little.
pub(super) fn render(
    value: &AnyRef<'_>,
    depth: usize,
    room: usize,
    out: &mut String,
) -> Wired<bool> {
    match value {
        AnyRef::Empty => out.push_str("null"),
        AnyRef::Text(text) => quote(&String::from_utf8_lossy(text), out),
        AnyRef::Boolean(boolean) => out.push_str(if *boolean { "true" } else { "false" }),
        AnyRef::Integer(integer) => out.push_str(&integer.to_string()),
        AnyRef::Double(double) => number(*double, out),
        AnyRef::Bytes(bytes) => {
            out.push('"');
            base64(bytes, out);
            out.push('"');
        }
        AnyRef::Array(body) => {
            check_depth(depth, body)?;
            out.push('[');
            for (i, element) in elements(body).enumerate() {
                if i > 0 {
                    out.push(',');
                }
                if !render(&AnyRef::decode(element?)?, depth + 1, room, out)? {
                    return Ok(false);
                }
            }
            out.push(']');
        }
        AnyRef::Map(body) => {
            check_depth(depth, body)?;
            out.push('{');
            let mut seen = HashSet::new();
            for pair in elements(body) {
                let pair = KeyValue::decode(pair?)?;
                if !seen.insert(pair.key) {
                    continue;
                }
                if seen.len() > 1 {
                    out.push(',');
                }
                quote(&String::from_utf8_lossy(pair.key), out);
                out.push(':');
                let value = AnyRef::decode(pair.value.as_deref().unwrap_or_default())?;
                if !render(&value, depth + 1, room, out)? {
                    return Ok(false);
                }
            }
            out.push('}');
        }
    }
    Ok(out.len() <= room)
}

/// Appends a double as JSON.
pub(super) fn number(double: f64, out: &mut String) {
    match serde_json::Number::from_f64(double) {
        Some(number) => out.push_str(&number.to_string()),
        None => out.push_str("null"),
    }
}

fn quote(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).expect("a string is always JSON"));
}

fn base64(bytes: &[u8], out: &mut String) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let mut three = [0; 3];
        for (slot, byte) in three.iter_mut().zip(chunk) {
            *slot = *byte;
        }
        let [a, b, c] = three.map(u32::from);
        let bits = a << 16 | b << 8 | c;
        for i in 0..4 {
            let sextet = (bits >> (18 - 6 * i) & 63) as usize;
            let letter = ALPHABET.get(sextet).copied().unwrap_or(b'=');
            out.push(char::from(if i <= chunk.len() { letter } else { b'=' }));
        }
    }
}

/// The body of the `AnyValue` that a JSON text stands for.
pub(super) fn parse(text: &str) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::with_capacity(text.len());
    let mut reader = serde_json::Deserializer::from_str(text);
    let seed = Element {
        out: &mut out,
        depth: 0,
    };
    seed.deserialize(&mut reader)?;
    reader.end()?;
    Ok(out)
}

/// Writes one JSON value as the body of an `AnyValue`.
struct Element<'o> {
    out: &'o mut Vec<u8>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Element<'_> {
    fn inside<E: Error>(&self) -> Result<usize, E> {
        if self.depth < MAX_WRITTEN_DEPTH {
            Ok(self.depth + 1)
        } else {
            Err(E::custom(format_args!(
                "arrays and maps nested deeper than {MAX_WRITTEN_DEPTH} levels"
            )))
        }
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        put_any(self.out, &AnyRef::Boolean(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        put_any(self.out, &AnyRef::Integer(value));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        let value = i64::try_from(value).map_or_else(
            |_too_large| {
                #[expect(clippy::cast_precision_loss, reason = "what JSON readers do with it")]
                AnyRef::Double(value as f64)
            },
            AnyRef::Integer,
        );
        put_any(self.out, &value);
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        put_any(self.out, &AnyRef::Double(value));
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        put_any(self.out, &AnyRef::Text(value.as_bytes()));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let depth = self.inside()?;
        let mut list = Vec::new();
        let mut element = Vec::new();
        while elements
            .next_element_seed(Element {
                out: &mut element,
                depth,
            })?
            .is_some()
        {
            put_len(&mut list, 1, &element);
            element.clear();
        }
        put_len(self.out, 5, &list);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<(), A::Error> {
        let depth = self.inside()?;
        let (mut list, mut pair, mut value) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(Key(key)) = pairs.next_key()? {
            pairs.next_value_seed(Element {
                out: &mut value,
                depth,
            })?;
            put_len(&mut pair, 1, key.as_bytes());
            put_len(&mut pair, 2, &value);
            put_len(&mut list, 1, &pair);
            pair.clear();
            value.clear();
        }
        put_len(self.out, 6, &list);
        Ok(())
    }
}

/// A map's key.
#[derive(Deserialize)]
struct Key(String);
