//! Whether a path can be written, as far as that is known without touching anything.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use rustix::fs::{Access, OFlags, access};

use super::{Config, folder};

/// Has a file opened without waiting for anyone.
#[expect(
    clippy::cast_possible_wrap,
    reason = "the flags of open(2) are an int, which rustix counts without a sign"
)]
pub(super) const WITHOUT_WAITING: i32 = OFlags::NONBLOCK.bits() as i32;

/// What stands in the way of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hindrance {
    /// What it is, to stand behind the file's path.
    pub what: String,
    /// What to do about it.
    pub cure: &'static str,
    /// Whether it never ends by itself, as a disk that is not mounted yet may.
    pub is_for_good: bool,
}

impl Config {
    /// What is known to keep the file from being written. Opens and makes nothing.
    pub fn hindrance(&self) -> Option<Hindrance> {
        let path = self.path.as_path();
        match fs::metadata(path) {
            Ok(found) => match other_than_a_file(&found) {
                Some(kind) => Some(Hindrance {
                    what: format!("is {kind}, not a file"),
                    cure: "give the path of a file; to print to standard output write the exporter `debug`",
                    is_for_good: true,
                }),
                None => allowed(path, Access::READ_OK | Access::WRITE_OK)
                    .err()
                    .map(|error| for_now(&error))
                    .or_else(|| self.rotation.as_ref().and_then(|_| in_folder(path))),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => in_folder(path),
            Err(error) => Some(for_now(&error)),
        }
    }
}

/// What keeps files from being made and renamed beside this one.
fn in_folder(path: &Path) -> Option<Hindrance> {
    match allowed(folder(path), Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => None,
        Err(error) if error.kind() == ErrorKind::NotFound => Some(Hindrance {
            what: "is in a directory that does not exist".to_owned(),
            cure: "make the directory: until it is there, what is sent waits in the queue",
            is_for_good: false,
        }),
        Err(error) => Some(for_now(&error)),
    }
}

fn for_now(error: &io::Error) -> Hindrance {
    Hindrance {
        what: format!("cannot be written: {error}"),
        cure: "let otlet write it and its directory: until then, what is sent waits in the queue",
        is_for_good: false,
    }
}

fn allowed(path: &Path, how: Access) -> io::Result<()> {
    Ok(access(path, how)?)
}

/// What stands there, if it is no regular file.
pub(super) fn other_than_a_file(found: &Metadata) -> Option<&'static str> {
    let kind = found.file_type();
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a directory")
    } else if kind.is_fifo() {
        Some("a pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}
