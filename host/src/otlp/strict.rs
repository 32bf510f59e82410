//! Whether a request is one to a parser that checks everything, down to the last attribute.
//!
//! Those of most backends do, and refuse a whole request for one wrong byte. What is joined with the telemetry of other senders
//! must not cost theirs.

use std::ptr;

use super::common::KEY_VALUE;
use super::{Field, Kind, Message, Rule, request};
use crate::batch::{self, Content, Shape, Signal, Width, WireError};

/// Refuses a request that some parser would not take, and says what is wrong, and where.
pub(crate) fn check(signal: Signal, message: &[u8]) -> Result<(), WireError> {
    batch::check(signal, message, request(signal))
}

impl Shape for &'static Message {
    fn field(self, number: u32) -> Option<(Content<Self>, &'static str)> {
        let field = self.fields.iter().find(|field| field.number == number)?;
        Some((content(field), field.name))
    }
}

fn content(field: &Field) -> Content<&'static Message> {
    let width = match field.kind {
        Kind::Message(message) if ptr::eq(message, &raw const KEY_VALUE) => {
            return Content::Pair(message);
        }
        Kind::Message(message) => return Content::Message(message),
        Kind::Text => return Content::Text,
        Kind::Id(len) => return Content::Id(len),
        Kind::Bytes => return Content::Bytes,
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => Width::Fixed64,
        Kind::Fixed32 => Width::Fixed32,
        Kind::Boolean
        | Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Enum(_) => Width::Varint,
    };
    match field.rule {
        Rule::Many | Rule::Packed => Content::Many(width),
        Rule::Plain | Rule::Explicit => Content::One(width),
    }
}

#[cfg(test)]
mod tests;
