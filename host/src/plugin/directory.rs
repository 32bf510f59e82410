//! The files of the plugin directory: what is there, whether it changed, and reading it within bounds.
//!
//! Links are followed, since platforms mount files by them. What a file holds is not looked at here.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::load::LARGEST;
use super::settings::is_plugin_name;
use super::text::tame;

/// What a plugin's file ends with.
const ENDING: &str = ".wasm";

/// The most files of one directory that are looked at.
pub(super) const MOST: usize = 1_024;

/// A file of the plugin directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The plugin's name: the file's stem, tamed where no plugin can have that name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Whether a plugin can have that name.
    pub(super) is_named: bool,
    /// By which it is seen that it changed; none if it cannot be looked at.
    pub(super) stamp: Option<Stamp>,
}

/// What changes when a file is written to or another takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Why a file cannot be had.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It has so many bytes, which is too many.
    Large(u64),
    /// It is not there any more, is no file, may not be read, or was being written.
    Other(String),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Found {
    /// The file of the plugin of this name as it is now.
    pub(super) fn of(path: &Path, name: &str) -> Self {
        Self::at(path.to_owned(), name)
    }

    fn at(path: PathBuf, stem: &str) -> Self {
        Self {
            name: tame(stem),
            is_named: is_plugin_name(stem),
            stamp: fs::metadata(&path).ok().as_ref().map(Stamp::of),
            path,
        }
    }

    /// Its bytes and its stamp, if it is a file of at most as many bytes as a component may have.
    pub(super) fn read(&self) -> Result<(Vec<u8>, Stamp), Unread> {
        let other = |error: io::Error| Unread::Other(format!("it cannot be read: {error}"));
        // Opening a pipe must not wait for whoever writes to it.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = rustix::fs::open(&self.path, flags, Mode::empty());
        let mut file = File::from(opened.map_err(|error| other(error.into()))?);
        let metadata = file.metadata().map_err(other)?;
        if !metadata.is_file() {
            return Err(Unread::Other("it is no regular file".to_owned()));
        }
        let most = u64::try_from(LARGEST).unwrap_or(u64::MAX);
        if metadata.len() > most {
            return Err(Unread::Large(metadata.len()));
        }
        let mut wasm = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
        let read = (&mut file).take(most + 1).read_to_end(&mut wasm);
        read.map_err(other)?;
        let (stamp, after) = (Stamp::of(&metadata), file.metadata().map_err(other)?);
        if stamp != Stamp::of(&after) {
            return Err(Unread::Other(
                "it was written to while it was read".to_owned(),
            ));
        }
        Ok((wasm, stamp))
    }
}

/// Where the file of a plugin of this name is, or would be.
pub(super) fn path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}{ENDING}"))
}

/// The file of the plugin of this name, if it is there.
pub(super) fn find(directory: &Path, name: &str) -> Option<Found> {
    let found = Found::at(path(directory, name), name);
    found.path.symlink_metadata().is_ok().then_some(found)
}

/// The files that there are now, by name, and whether they are all. Files that end otherwise, and hidden ones, which a
/// platform or a copy under way has there, are not among them.
pub(super) fn list(directory: &Path) -> io::Result<(Vec<Found>, bool)> {
    let (mut files, mut all) = (vec![], true);
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Some(stem) = name.strip_suffix(ENDING) else {
            continue;
        };
        if stem.starts_with('.') || stem.is_empty() {
            continue;
        }
        if files.len() >= MOST {
            all = false;
            break;
        }
        files.push(Found::at(entry.path(), stem));
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok((files, all))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_files_that_end_so_are_listed_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        for name in [
            "b.wasm",
            "a.wasm",
            "a.wasm.tmp",
            ".hidden.wasm",
            ".wasm",
            "c.WASM",
            "redact .wasm",
        ] {
            fs::write(path.join(name), name).unwrap();
        }
        symlink("nowhere", path.join("gone.wasm")).unwrap();
        let (found, all) = list(path).unwrap();
        assert!(all);
        let named: Vec<_> = found
            .iter()
            .map(|found| (found.name.as_str(), found.is_named, found.stamp.is_some()))
            .collect();
        assert_eq!(
            named,
            [
                ("a", true, true),
                ("b", true, true),
                ("gone", true, false),
                ("redact", false, true),
            ]
        );
        assert_eq!(find(path, "a"), found.first().cloned());
        assert!(find(path, "gone").is_some());
        assert_eq!(find(path, "none"), None);
    }

    #[test]
    fn more_files_than_are_looked_at_are_told() {
        let folder = tempfile::tempdir().unwrap();
        for at in 0..=MOST {
            fs::write(folder.path().join(format!("{at}.wasm")), "").unwrap();
        }
        let (found, all) = list(folder.path()).unwrap();
        assert_eq!((found.len(), all), (MOST, false));
    }

    #[test]
    fn what_is_no_file_within_bounds_is_not_read_and_never_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let read = |name: &str| find(path, name).unwrap().read().map(|(wasm, _)| wasm);
        let other = |name: &str| match read(name) {
            Err(Unread::Other(reason)) => reason,
            read => panic!("{read:?}"),
        };
        fs::create_dir(path.join("folder.wasm")).unwrap();
        assert_eq!(other("folder"), "it is no regular file");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            path.join("pipe.wasm"),
            rustix::fs::FileType::Fifo,
            Mode::RUSR,
            0,
        )
        .unwrap();
        assert_eq!(other("pipe"), "it is no regular file");
        symlink("nowhere", path.join("link.wasm")).unwrap();
        assert!(other("link").starts_with("it cannot be read: "));
        let large = File::create(path.join("large.wasm")).unwrap();
        large.set_len(1 << 40).unwrap();
        assert_eq!(read("large"), Err(Unread::Large(1 << 40)));
        fs::write(path.join("small.wasm"), "abc").unwrap();
        symlink("small.wasm", path.join("through.wasm")).unwrap();
        assert_eq!(read("through").as_deref(), Ok(b"abc".as_slice()));
    }
}
