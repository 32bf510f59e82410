//! The files of the plugin directory: what is there, whether it changed, and reading it within bounds.
//!
//! Links are followed, since platforms mount files by them. What a file holds is not looked at here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::load::LARGEST;
use super::refusal::is_want;
use super::settings::is_plugin_name;
use super::text::tame;

/// What a plugin's file ends with.
const ENDING: &str = ".wasm";

/// The most files of one directory that are looked at, unless processors use more.
pub(super) const MOST: usize = 256;

/// The most of the others that are remembered, to be shown as refused.
const MOST_BEYOND: usize = 768;

/// The most entries of one directory that are gone through: a bound to what a look costs.
const MOST_ENTRIES: usize = 10_000;

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

/// What a directory has, each by path.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// What is looked at.
    pub(super) files: Vec<Found>,
    /// What is too much, as far as it is remembered; without stamps.
    pub(super) beyond: Vec<Found>,
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
    /// There was too little of what reading it takes.
    Wanting(String),
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
            stamp: fs::metadata(&path).ok().as_ref().map(Stamp::of),
            ..Self::unseen(path, stem)
        }
    }

    fn unseen(path: PathBuf, stem: &str) -> Self {
        Self {
            name: tame(stem),
            is_named: is_plugin_name(stem),
            stamp: None,
            path,
        }
    }

    /// Its bytes and its stamp, if it is a file of at most as many bytes as a component may have.
    pub(super) fn read(&self) -> Result<(Vec<u8>, Stamp), Unread> {
        let other = |error: io::Error| {
            let reason = format!("it cannot be read: {error}");
            if is_want(&error) {
                Unread::Wanting(reason)
            } else {
                Unread::Other(reason)
            }
        };
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

/// The files that there are now, those of the plugins that are `used` before others where there are too many. Files that end
/// otherwise, and hidden ones, which a platform or a copy under way has there, are not among them.
pub(super) fn list(directory: &Path, used: &BTreeSet<String>) -> io::Result<Listed> {
    let mut stems = BTreeMap::new();
    for entry in fs::read_dir(directory)?.take(MOST_ENTRIES) {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Some(stem) = name.strip_suffix(ENDING) else {
            continue;
        };
        if !stem.starts_with('.') && !stem.is_empty() {
            stems.insert(entry.path(), stem.to_owned());
        }
    }
    // However many entries come before theirs.
    for name in used {
        let path = path(directory, name);
        if path.symlink_metadata().is_ok() {
            stems.insert(path, name.clone());
        }
    }
    let is_used = |stem: &String| used.contains(stem);
    let mut room = MOST.saturating_sub(stems.values().filter(|stem| is_used(stem)).count());
    let mut listed = Listed::default();
    for (path, stem) in stems {
        if is_used(&stem) {
            listed.files.push(Found::at(path, &stem));
        } else if room > 0 {
            room -= 1;
            listed.files.push(Found::at(path, &stem));
        } else if listed.beyond.len() < MOST_BEYOND {
            listed.beyond.push(Found::unseen(path, &stem));
        }
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::time::{Duration, Instant};

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
        let listed = list(path, &BTreeSet::new()).unwrap();
        assert_eq!(listed.beyond, []);
        let named: Vec<_> = listed
            .files
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
        assert_eq!(find(path, "a"), listed.files.first().cloned());
        assert!(find(path, "gone").is_some());
        assert_eq!(find(path, "none"), None);
    }

    #[test]
    fn of_more_files_than_are_looked_at_the_used_ones_are_and_the_first_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let name = |at: usize| format!("p{at:04}");
        for at in 0..MOST + MOST_BEYOND + 10 {
            fs::write(folder.path().join(format!("{}.wasm", name(at))), "").unwrap();
        }
        let names = |found: &[Found]| {
            let names = found.iter().map(|found| found.name.clone());
            names.collect::<Vec<_>>()
        };
        let listed = list(folder.path(), &BTreeSet::new()).unwrap();
        let first: Vec<_> = (0..MOST).map(name).collect();
        assert_eq!(names(&listed.files), first);
        let beyond: Vec<_> = (MOST..MOST + MOST_BEYOND).map(name).collect();
        assert_eq!(names(&listed.beyond), beyond);
        assert!(listed.beyond.iter().all(|found| found.stamp.is_none()));

        let used = [name(MOST + 5), name(MOST + MOST_BEYOND + 9), name(3)];
        let used = used.into_iter().chain(["gone".to_owned()]).collect();
        let listed = list(folder.path(), &used).unwrap();
        let mut first: Vec<_> = (0..MOST - 2).map(name).collect();
        first.extend([name(MOST + 5), name(MOST + MOST_BEYOND + 9)]);
        assert_eq!(names(&listed.files), first);
        assert!(listed.files.iter().all(|found| found.stamp.is_some()));
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

    #[test]
    fn a_write_in_place_shows_though_size_and_time_are_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wasm");
        fs::write(&path, "one").unwrap();
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let before = find(folder.path(), "a");
        // The clock that files are stamped by has ticks.
        let began = Instant::now();
        while find(folder.path(), "a") == before {
            fs::write(&path, "two").unwrap();
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(modified).unwrap();
            assert!(began.elapsed() < Duration::from_secs(10));
        }
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(
            (metadata.len(), metadata.modified().unwrap()),
            (3, modified)
        );
    }
}
