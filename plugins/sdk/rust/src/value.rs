//! `Value`: an attribute's value, a log's body or a field.

/// An attribute's value, a log's body or a field, of any type.
///
/// Arrays and maps are JSON text, which loses what JSON cannot say: to move a value use
/// [`Batch::copy`](crate::Batch::copy), which is exact.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A value that is there and holds nothing. Written to a field, it clears the field.
    Empty,
    /// A string.
    Text(String),
    /// A boolean.
    Boolean(bool),
    /// An integer. OTLP's unsigned 64-bit numbers are their two's complement.
    Integer(i64),
    /// A double.
    Double(f64),
    /// Bytes; an id in `values` is bytes, too.
    Bytes(Vec<u8>),
    /// An array or a map, as JSON.
    Json(String),
}

impl Value {
    /// The string, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(boolean: bool) -> Self {
        Self::Boolean(boolean)
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<i32> for Value {
    fn from(integer: i32) -> Self {
        Self::Integer(integer.into())
    }
}

impl From<u32> for Value {
    fn from(integer: u32) -> Self {
        Self::Integer(integer.into())
    }
}

impl From<f64> for Value {
    fn from(double: f64) -> Self {
        Self::Double(double)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&Value> for Value {
    fn from(value: &Value) -> Self {
        value.clone()
    }
}
