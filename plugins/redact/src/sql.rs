//! SQL statements reduced to their shape.

use otlet_plugin::Leaves;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::hash::Hasher;
use crate::place::Said;

/// The name, in masks, of what a statement was.
pub(crate) const NAME: &str = "sql";

/// What becomes of SQL statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sql {
    /// Only their shape stays: literals become `?`, comments go.
    Shape,
}

/// A statement that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shaped {
    /// The leaf that it stands in.
    pub(crate) leaf: usize,
    /// Its shape.
    pub(crate) text: String,
}

pub(crate) fn shape(_leaves: &Leaves, _places: &[Said], _hasher: &Hasher) -> Vec<Shaped> {
    Vec::new()
}
