//! Columns: an attribute or a field of a table, opened by its OTTL path.

use std::{fmt, sync::Arc};

/// A column, independent of any batch.
#[derive(Clone, Debug)]
pub struct Column {
    path: Arc<str>,
}

impl Column {
    /// Opens a column by its path.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        Ok(Self { path: path.into() })
    }
}

/// A path that no table has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError(String);

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PathError {}
