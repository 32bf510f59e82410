//! The types of the contract's `interface types`, member by member as `wit/plugin.wit` has them. The generated bindings
//! use these, so nothing is converted at the fence. Plugins see [`crate::Texts`] and its like instead.

pub(crate) use crate::value::Value;

/// Texts in one piece: text i is `data[ends[i-1]..ends[i]]`; bit i of `present`, least significant first, tells an absent
/// text from an empty one.
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
    /// The kind of each place.
    pub place_kinds: Vec<String>,
}
