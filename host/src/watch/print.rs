//! What tells one state of files and directories from another, without reading them.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::fresh::Stamp;

/// The most entries of a directory that are looked at: a bound to what a look costs.
const MOST: usize = 10_000;

/// A state: for each path a number made of its times, size and inode, or of those of a directory's entries.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Print(Vec<u64>);

impl Print {
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        Self(paths.iter().map(|path| of_path(path)).collect())
    }
}

/// Symlinks are followed: what counts is what the path leads to.
fn of_path(path: &Path) -> u64 {
    let entries = fs::read_dir(path).ok().into_iter().flatten();
    // A sum, since entries come in any order.
    entries
        .take(MOST)
        .filter_map(Result::ok)
        .map(|entry| number(&entry.file_name(), Stamp::of(&entry.path())))
        .fold(number(OsStr::new(""), Stamp::of(path)), u64::wrapping_add)
}

fn number(name: &OsStr, stamp: Option<Stamp>) -> u64 {
    let mut hasher = DefaultHasher::new();
    (name, stamp).hash(&mut hasher);
    hasher.finish()
}
