//! The files that all `jsonlines` receivers keep open, within what the process may have open.
//!
//! **Invariant**: most of what the process may open is left to its sockets: lines leave through them, and files are kept until
//! their lines have left. Beyond those that are kept each receiver has one file open, for as long as it reads it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirEntryExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::fingerprint::FileId;

/// The files that are kept open at most, and at least, however low the limit is.
const MOST: usize = 512;
const LEAST: usize = 4;

/// The share of its open files that the process has for files that are read: one in so many.
const SHARE: u64 = 4;

/// The entries of a folder among which a file is looked for that has another name now.
const MAX_ENTRIES: usize = 10_000;

/// The room for open files of all receivers. Clones are the same room.
#[derive(Clone)]
pub struct Handles(Arc<Semaphore>);

/// A file that is open.
pub(super) struct Opened {
    pub(super) file: File,
    /// Its place among those that are kept, if there was one.
    kept: Option<OwnedSemaphorePermit>,
}

impl Handles {
    /// Raises the limit of open files as far as the process may, for sockets too, and takes a part of it for files.
    pub fn of_process() -> Self {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        if current != maximum {
            let raised = Rlimit {
                current: maximum,
                maximum,
            };
            if let Err(error) = setrlimit(Resource::Nofile, raised) {
                tracing::debug!(%error, "the limit of open files stays as it is");
            }
        }
        Self::new(share(getrlimit(Resource::Nofile).current))
    }

    /// Room for so many files.
    pub(super) fn new(files: usize) -> Self {
        Self(Arc::new(Semaphore::new(files)))
    }

    /// Opens the file with that id at a path, or beside it, if it is still there.
    pub(super) fn open(&self, path: &Path, id: FileId) -> io::Result<Option<Opened>> {
        let file = match open(path, id)? {
            Some(file) => Some(file),
            None => beside(path, id)?,
        };
        Ok(file.map(|file| Opened {
            file,
            kept: Arc::clone(&self.0).try_acquire_owned().ok(),
        }))
    }
}

impl Opened {
    /// Whether there was room to keep it open between its turns.
    pub(super) fn is_kept(&self) -> bool {
        self.kept.is_some()
    }
}

/// The files that are kept open, of so many that may be open.
fn share(limit: Option<u64>) -> usize {
    let share = limit.and_then(|limit| usize::try_from(limit / SHARE).ok());
    share.unwrap_or(MOST).clamp(LEAST, MOST)
}

/// Whether an error says that no more files or sockets may be opened.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    let shortages = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE];
    shortages
        .iter()
        .any(|shortage| error.raw_os_error() == Some(shortage.raw_os_error()))
}

/// Opens the file at a path, if it is the one with that id. A pipe in its place would make an opener wait.
fn open(path: &Path, id: FileId) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => {
            let file = File::from(file);
            let is_same = FileId::of(&file.metadata()?) == id;
            Ok(is_same.then_some(file))
        }
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Opens the file with that id in the folder of a path: it was renamed.
fn beside(path: &Path, id: FileId) -> io::Result<Option<File>> {
    let Some(folder) = path.parent() else {
        return Ok(None);
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    for entry in entries.take(MAX_ENTRIES).filter_map(Result::ok) {
        if entry.ino() == id.inode
            && let Some(file) = open(&entry.path(), id)?
        {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_of_the_limit_is_left_to_sockets() {
        let limits = [None, Some(1 << 20), Some(1024), Some(256), Some(10)];
        assert_eq!(limits.map(share), [512, 512, 256, 64, 4]);
    }

    #[test]
    fn the_limit_of_the_process_is_raised_as_far_as_it_may_be() {
        Handles::of_process();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
    }

    #[test]
    fn what_has_no_room_is_opened_and_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, "").unwrap();
        let id = FileId::of(&fs::metadata(&path).unwrap());
        let handles = Handles::new(1);
        let open = || handles.clone().open(&path, id).unwrap().unwrap();
        let first = open();
        assert!(first.is_kept() && !open().is_kept());
        drop(first);
        assert!(open().is_kept());
    }

    #[test]
    fn a_shortage_of_files_is_not_the_fault_of_a_file() {
        let error = |errno: rustix::io::Errno| io::Error::from_raw_os_error(errno.raw_os_error());
        assert!(is_shortage(&error(rustix::io::Errno::MFILE)));
        assert!(is_shortage(&error(rustix::io::Errno::NFILE)));
        assert!(!is_shortage(&error(rustix::io::Errno::ACCESS)));
    }
}
