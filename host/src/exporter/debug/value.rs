//! Values and ids as a person reads them.

use std::fmt::{self, Display, Formatter};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

/// A value with its type, such as `Str(shop)`.
pub(super) struct Typed<'a>(pub(super) Option<&'a AnyValue>);

/// A value alone; a text bare, and in quotes within others.
pub(super) struct Plain<'a>(pub(super) Option<&'a AnyValue>);

/// Attributes in one line: ` key=value` each.
pub(super) struct Pairs<'a>(pub(super) &'a [KeyValue]);

/// Bytes in hexadecimal, such as a trace id.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

/// A value within another.
struct Nested<'a>(Option<&'a AnyValue>);

fn inner(value: Option<&AnyValue>) -> Option<&Value> {
    value.and_then(|value| value.value.as_ref())
}

impl Display for Typed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = match inner(self.0) {
            None => "Empty",
            Some(Value::StringValue(_)) => "Str",
            Some(Value::BoolValue(_)) => "Bool",
            Some(Value::IntValue(_)) => "Int",
            Some(Value::DoubleValue(_)) => "Double",
            Some(Value::ArrayValue(_)) => "Slice",
            Some(Value::KvlistValue(_)) => "Map",
            Some(Value::BytesValue(_)) => "Bytes",
            Some(Value::StringValueStrindex(_)) => "StrIndex",
        };
        write!(f, "{name}({})", Plain(self.0))
    }
}

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match inner(self.0) {
            None => Ok(()),
            Some(Value::StringValue(text)) => f.write_str(text),
            Some(_) => Nested(self.0).fmt(f),
        }
    }
}

impl Display for Nested<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match inner(self.0) {
            None => f.write_str("null"),
            Some(Value::StringValue(text)) => write!(f, "{text:?}"),
            Some(Value::BoolValue(value)) => value.fmt(f),
            Some(Value::IntValue(value)) => value.fmt(f),
            Some(Value::DoubleValue(value)) => write!(f, "{value:?}"),
            Some(Value::BytesValue(bytes)) => Hex(bytes).fmt(f),
            Some(Value::StringValueStrindex(index)) => index.fmt(f),
            Some(Value::ArrayValue(array)) => {
                f.write_str("[")?;
                for (i, value) in array.values.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { "," })?;
                    Nested(Some(value)).fmt(f)?;
                }
                f.write_str("]")
            }
            Some(Value::KvlistValue(map)) => {
                f.write_str("{")?;
                for (i, entry) in map.values.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { "," })?;
                    write!(f, "{:?}:{}", entry.key, Nested(entry.value.as_ref()))?;
                }
                f.write_str("}")
            }
        }
    }
}

impl Display for Pairs<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for pair in self.0 {
            write!(f, " {}={}", pair.key, Plain(pair.value.as_ref()))?;
        }
        Ok(())
    }
}

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
