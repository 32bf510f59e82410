//! A request in OTLP/JSON, from its protobuf and the table of OTLP's messages.
//!
//! opentelemetry-proto's serde is not used here: it writes `null` for numbers that are none (NaN), which the summaries of many
//! SDKs are full of.

use std::io::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Buf;
use prost::DecodeError;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::batch::Signal;
use crate::otlp::{self, Field, Kind, Message, Rule};

/// As deep as prost decodes; serde and Go go deeper.
const DEEPEST: usize = 100;

/// Why a request cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwritable {
    /// It is no protobuf, or not of this message.
    #[error("{0}")]
    Damaged(#[from] DecodeError),
    /// A length is beyond its end, or a field has another type.
    #[error("field `{0}` is damaged")]
    Field(&'static str),
    /// It is too deep.
    #[error("it is nested deeper than {DEEPEST} levels")]
    Deep,
    /// JSON could not be written, which memory always can.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// One occurrence of a field.
enum Wire<'a> {
    Number(u64),
    Delimited(&'a [u8]),
}

/// Writes a request.
pub(super) fn write(signal: Signal, message: &[u8], out: &mut Vec<u8>) -> Result<(), Unwritable> {
    object(otlp::request(signal), message, DEEPEST, out)
}

fn object(
    message: &'static Message,
    bytes: &[u8],
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Unwritable> {
    let depth = depth.checked_sub(1).ok_or(Unwritable::Deep)?;
    let mut found = occurrences(message, bytes)?;
    // By field, and those of one field as they came.
    found.sort_by_key(|(at, _)| *at);
    out.push(b'{');
    let mut is_first = true;
    for group in found.chunk_by(|a, b| a.0 == b.0) {
        let Some(field) = group.first().and_then(|(at, _)| message.fields.get(*at)) else {
            continue;
        };
        let values: Vec<&Wire> = group.iter().map(|(_, wire)| wire).collect();
        let before = out.len();
        if !is_first {
            out.push(b',');
        }
        text(field.name, out)?;
        out.push(b':');
        if member(field, &values, depth, out)? {
            is_first = false;
        } else {
            out.truncate(before);
        }
    }
    out.push(b'}');
    Ok(())
}

/// The known fields of a message, each with its place in the table.
fn occurrences<'a>(
    message: &'static Message,
    mut rest: &'a [u8],
) -> Result<Vec<(usize, Wire<'a>)>, Unwritable> {
    let mut found = Vec::new();
    while rest.has_remaining() {
        let (number, wire_type) = decode_key(&mut rest)?;
        let field = message.fields.iter().enumerate();
        let Some((at, field)) = field.into_iter().find(|(_, field)| field.number == number) else {
            skip_field(wire_type, number, &mut rest, DecodeContext::default())?;
            continue;
        };
        let damaged = || Unwritable::Field(field.name);
        let wire = match wire_type {
            WireType::Varint => Wire::Number(decode_varint(&mut rest)?),
            WireType::SixtyFourBit => {
                Wire::Number(rest.try_get_u64_le().map_err(|_short| damaged())?)
            }
            WireType::ThirtyTwoBit => {
                Wire::Number(rest.try_get_u32_le().map_err(|_short| damaged())?.into())
            }
            WireType::LengthDelimited => {
                let len = usize::try_from(decode_varint(&mut rest)?).ok();
                let parts = len.and_then(|len| rest.split_at_checked(len));
                let (value, after) = parts.ok_or_else(damaged)?;
                rest = after;
                Wire::Delimited(value)
            }
            WireType::StartGroup | WireType::EndGroup => return Err(damaged()),
        };
        found.push((at, wire));
    }
    Ok(found)
}

/// Writes the value of a field, and says whether there is one to write.
fn member(
    field: &'static Field,
    values: &[&Wire<'_>],
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<bool, Unwritable> {
    let damaged = || Unwritable::Field(field.name);
    match (field.rule, field.kind) {
        (Rule::Plain | Rule::Explicit, Kind::Message(message)) => {
            // Of one that is there in parts, the parts are merged, which for protobuf is to put them together.
            let mut whole = Vec::new();
            for value in values {
                whole.extend_from_slice(value.delimited().ok_or_else(damaged)?);
            }
            object(message, &whole, depth, out)?;
        }
        (Rule::Plain | Rule::Explicit, _) => {
            let last = values.last().ok_or_else(damaged)?;
            if field.rule == Rule::Plain && last.is_default() {
                return Ok(false);
            }
            scalar(field, last, out)?;
        }
        (Rule::Many, Kind::Message(message)) => list(values, out, |value, out| {
            let bytes = value.delimited().ok_or_else(damaged)?;
            object(message, bytes, depth, out)
        })?,
        (Rule::Many, _) => list(values, out, |value, out| scalar(field, value, out))?,
        (Rule::Packed, _) => {
            let mut numbers = Vec::new();
            for value in values {
                unpack(field, value, &mut numbers)?;
            }
            if numbers.is_empty() {
                return Ok(false);
            }
            let numbers: Vec<&Wire> = numbers.iter().collect();
            list(&numbers, out, |value, out| scalar(field, value, out))?;
        }
    }
    Ok(true)
}

fn list<'a, 'w>(
    values: &[&'w Wire<'a>],
    out: &mut Vec<u8>,
    mut one: impl FnMut(&'w Wire<'a>, &mut Vec<u8>) -> Result<(), Unwritable>,
) -> Result<(), Unwritable> {
    out.push(b'[');
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        one(value, out)?;
    }
    out.push(b']');
    Ok(())
}

/// The numbers of a packed field, which may also come one by one.
fn unpack<'a>(
    field: &'static Field,
    value: &Wire<'a>,
    numbers: &mut Vec<Wire<'a>>,
) -> Result<(), Unwritable> {
    let mut rest = match value {
        Wire::Number(number) => {
            numbers.push(Wire::Number(*number));
            return Ok(());
        }
        Wire::Delimited(bytes) => *bytes,
    };
    while rest.has_remaining() {
        let damaged = |_short| Unwritable::Field(field.name);
        numbers.push(Wire::Number(match field.kind {
            Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => {
                rest.try_get_u64_le().map_err(damaged)?
            }
            Kind::Fixed32 => rest.try_get_u32_le().map_err(damaged)?.into(),
            _ => decode_varint(&mut rest)?,
        }));
    }
    Ok(())
}

impl<'a> Wire<'a> {
    fn delimited(&self) -> Option<&'a [u8]> {
        match self {
            Self::Delimited(bytes) => Some(bytes),
            Self::Number(_) => None,
        }
    }

    fn is_default(&self) -> bool {
        matches!(self, Self::Number(0) | Self::Delimited([]))
    }
}

/// Writes one value: numbers of 64 bits as strings, ids in hexadecimal, bytes in base64, enums as numbers.
fn scalar(field: &'static Field, value: &Wire<'_>, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    let damaged = || Unwritable::Field(field.name);
    let bytes = value.delimited();
    let number = match value {
        Wire::Number(number) => Some(*number),
        Wire::Delimited(_) => None,
    };
    match field.kind {
        Kind::Text => {
            text(&String::from_utf8_lossy(bytes.ok_or_else(damaged)?), out)?;
        }
        Kind::Id(_) => {
            out.push(b'"');
            for byte in bytes.ok_or_else(damaged)? {
                write!(out, "{byte:02x}")?;
            }
            out.push(b'"');
        }
        Kind::Bytes => text(&STANDARD.encode(bytes.ok_or_else(damaged)?), out)?,
        kind => numeric(kind, number.ok_or_else(damaged)?, out)?,
    }
    Ok(())
}

fn text(text: &str, out: &mut Vec<u8>) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}

#[expect(
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    reason = "protobuf spells signed numbers so, and cuts to 32 bits"
)]
fn numeric(kind: Kind, number: u64, out: &mut Vec<u8>) -> io::Result<()> {
    match kind {
        Kind::Boolean => write!(out, "{}", number != 0),
        Kind::Double => double(f64::from_bits(number), out),
        Kind::Int64 | Kind::Sfixed64 => write!(out, "\"{}\"", number as i64),
        Kind::Uint64 | Kind::Fixed64 => write!(out, "\"{number}\""),
        Kind::Uint32 | Kind::Fixed32 => write!(out, "{}", number as u32),
        Kind::Sint32 => {
            let zigzag = number as u32;
            write!(out, "{}", (zigzag >> 1) as i32 ^ -((zigzag & 1) as i32))
        }
        // Enums among them; texts and messages are no numbers, and do not come here.
        _ => write!(out, "{}", number as i32),
    }
}

/// What is no number has a name in protobuf's JSON.
fn double(value: f64, out: &mut Vec<u8>) -> io::Result<()> {
    if value.is_finite() {
        return serde_json::to_writer(out, &value).map_err(io::Error::from);
    }
    let name = if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    write!(out, "\"{name}\"")
}
