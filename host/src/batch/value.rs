//! What travels between a batch and a guest: the types of the contract's `interface types`.

/// An attribute value, a log body or a field. Arrays and maps are JSON text.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An `AnyValue` without a value.
    Empty,
    /// A string.
    Text(String),
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A double.
    Double(f64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// An array or a map.
    Json(String),
}

/// Texts in one piece: text i is `data[ends[i-1]..ends[i]]`; bit i of `present`, least significant first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackedTexts {
    /// The texts, one after the other.
    pub data: Vec<u8>,
    /// Where each text ends in `data`.
    pub ends: Vec<u32>,
    /// A bit for each text.
    pub present: Vec<u8>,
}

/// Integers, with a bit for each that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackedIntegers {
    /// The integers, 0 where absent.
    pub items: Vec<i64>,
    /// A bit for each integer.
    pub present: Vec<u8>,
}

/// Doubles, with a bit for each that is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PackedDoubles {
    /// The doubles, 0 where absent.
    pub items: Vec<f64>,
    /// A bit for each double.
    pub present: Vec<u8>,
}

/// Leaves of the OTLP tree; leaf i stands in row `rows[i]` at place `places[i]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaves {
    /// The leaves' texts.
    pub texts: PackedTexts,
    /// The row of each leaf in its table.
    pub rows: Vec<u32>,
    /// The place of each leaf, an index of `place_paths` and `place_kinds`.
    pub places: Vec<u32>,
    /// The path of each place.
    pub place_paths: Vec<String>,
    /// The kind of each place: "text", "key", "integer", "double", "boolean" or "bytes".
    pub place_kinds: Vec<String>,
}
