//! Keeps on disk how far each file was read, so that a restart goes on there.
//!
//! The file is written whole under another name and then renamed, so that it is never half written. What is written says
//! nothing of the lines but a hash of each file's beginning.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::fingerprint::{FileId, Fingerprint};

/// How often positions are written at most: as much is read again after a `kill -9`.
const INTERVAL: Duration = Duration::from_secs(1);

const VERSION: u32 = 1;

/// Where positions are kept, and when they were last.
pub(super) struct Positions {
    file: Option<Kept>,
    /// What was kept when otlet started; none if this is the first start.
    restored: Option<Vec<Position>>,
    changed: bool,
    written: Instant,
    failing: bool,
}

struct Kept {
    path: PathBuf,
    /// Held for as long as this otlet runs.
    _lock: File,
}

/// How far one file was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) path: PathBuf,
    pub(super) id: FileId,
    pub(super) fingerprint: Fingerprint,
    pub(super) offset: u64,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    files: Vec<StoredFile>,
}

#[derive(Serialize, Deserialize)]
struct StoredFile {
    path: String,
    device: u64,
    inode: u64,
    offset: u64,
    fingerprint_length: usize,
    fingerprint_sha256: String,
}

impl Positions {
    /// Opens the folder and reads what is kept there for the receiver of this name.
    pub(super) fn open(folder: Option<&Path>, receiver: &str) -> io::Result<Self> {
        let (file, restored) = match folder {
            Some(folder) => {
                let (file, restored) =
                    open(folder, receiver).map_err(|error| advise(folder, &error))?;
                (Some(file), restored)
            }
            None => (None, None),
        };
        Ok(Self {
            file,
            restored,
            changed: false,
            written: Instant::now(),
            failing: false,
        })
    }

    /// Has these be what was kept: those of a receiver that just ended.
    pub(super) fn restore(&mut self, positions: Vec<Position>) {
        self.restored = Some(positions);
        self.changed = true;
    }

    /// What was kept, once; none if this is the first start.
    pub(super) fn take(&mut self) -> Option<Vec<Position>> {
        self.restored.take()
    }

    /// Says that a position has changed.
    pub(super) fn change(&mut self) {
        self.changed = true;
    }

    /// Whether it is time to write.
    pub(super) fn are_due(&self) -> bool {
        self.file.is_some() && self.changed && self.written.elapsed() >= INTERVAL
    }

    /// Writes every position.
    pub(super) fn write(&mut self, receiver: &str, positions: impl Iterator<Item = Position>) {
        let Some(kept) = &self.file else { return };
        self.written = Instant::now();
        match kept.write(positions) {
            Ok(()) => {
                self.changed = false;
                self.failing = false;
            }
            Err(error) => {
                if !self.failing {
                    let path = kept.path.display();
                    tracing::error!(
                        receiver, %path, %error,
                        "positions cannot be written: a restart reads lines again; make room, or give otlet the right to write there"
                    );
                }
                self.failing = true;
            }
        }
    }
}

fn open(folder: &Path, receiver: &str) -> io::Result<(Kept, Option<Vec<Position>>)> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let path = folder.join(format!("{}.json", file_name(receiver)));
    let lock = private().create(true).open(path.with_extension("lock"))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let what = "another otlet keeps its positions there: give each its own folder";
            return Err(io::Error::other(what));
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let restored = match fs::read(&path) {
        Ok(bytes) => Some(restore(&bytes).map_err(|error| {
            let path = path.display();
            io::Error::other(format!(
                "{path} does not hold positions ({error}): put a copy of it back, or remove it, and start with \
                 `start_at: beginning` to read every file anew, with what was sent before; with `start_at: end` lines \
                 that were written since otlet ended are passed over"
            ))
        })?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok((Kept { path, _lock: lock }, restored))
}

/// Says what is to be done about a folder that cannot be used.
fn advise(folder: &Path, error: &io::Error) -> io::Error {
    use io::ErrorKind::{
        AlreadyExists, NotADirectory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem,
        StorageFull,
    };
    let cure = match error.kind() {
        AlreadyExists | NotADirectory => {
            "; it, or what it is to be in, is no folder: name a folder, which is made if it is not there"
        }
        PermissionDenied | ReadOnlyFilesystem => {
            "; give otlet the right to read and write there, or name another folder"
        }
        QuotaExceeded | StorageFull => "; make room there, or name another folder",
        _ => "",
    };
    let what = format!("`storage` {}: {error}{cure}", folder.display());
    io::Error::new(error.kind(), what)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// A receiver's name as that of a file.
fn file_name(receiver: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let spell = |c: char| match c {
        plain_one if plain(plain_one) => plain_one.to_string(),
        other => format!("%{:x}", u32::from(other)),
    };
    receiver.chars().map(spell).collect()
}

fn restore(bytes: &[u8]) -> Result<Vec<Position>, String> {
    let stored: Stored = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if stored.version != VERSION {
        return Err(format!("version {} is unknown", stored.version));
    }
    let position = |file: StoredFile| Position {
        path: file.path.into(),
        id: FileId {
            device: file.device,
            inode: file.inode,
        },
        fingerprint: Fingerprint {
            length: file.fingerprint_length,
            sha256: file.fingerprint_sha256,
        },
        offset: file.offset,
    };
    Ok(stored.files.into_iter().map(position).collect())
}

impl Kept {
    fn write(&self, positions: impl Iterator<Item = Position>) -> io::Result<()> {
        let file = |position: Position| StoredFile {
            path: position.path.to_string_lossy().into_owned(),
            device: position.id.device,
            inode: position.id.inode,
            offset: position.offset,
            fingerprint_length: position.fingerprint.length,
            fingerprint_sha256: position.fingerprint.sha256,
        };
        let stored = Stored {
            version: VERSION,
            files: positions.map(file).collect(),
        };
        let new = self.path.with_extension("new");
        let mut to = private().create(true).truncate(true).open(&new)?;
        to.write_all(&serde_json::to_vec(&stored)?)?;
        to.sync_data()?;
        fs::rename(new, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn position(path: &str) -> Position {
        Position {
            path: path.into(),
            id: FileId {
                device: u64::MAX,
                inode: 7,
            },
            fingerprint: Fingerprint {
                length: 3,
                sha256: "ab".to_owned(),
            },
            offset: 1 << 40,
        }
    }

    #[test]
    fn what_was_written_is_there_after_a_restart_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("positions");
        let mut positions = Positions::open(Some(&folder), "jsonlines/a b").unwrap();
        assert_eq!(positions.take(), None);
        positions.write("", [position("/a"), position("/b")].into_iter());
        drop(positions);
        let mut again = Positions::open(Some(&folder), "jsonlines/a b").unwrap();
        assert_eq!(again.take(), Some(vec![position("/a"), position("/b")]));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("jsonlines%2fa%20b.json")), 0o600);
        // Another receiver has its own.
        let mut other = Positions::open(Some(&folder), "jsonlines").unwrap();
        assert_eq!(other.take(), None);
    }

    #[test]
    fn two_cannot_keep_positions_in_one_place_and_damage_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Positions::open(Some(folder.path()), "jsonlines");
        let first = open().unwrap();
        let error = open().err().unwrap().to_string();
        assert!(error.contains("another otlet"), "{error}");
        drop(first);
        for damage in ["", "{}", r#"{"version":2,"files":[]}"#] {
            fs::write(folder.path().join("jsonlines.json"), damage).unwrap();
            let error = open().err().unwrap().to_string();
            for words in [
                "jsonlines.json does not hold",
                "remove it",
                "`start_at: beginning`",
            ] {
                assert!(error.contains(words), "{error}");
            }
        }
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_told_with_a_cure() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for folder in [file.clone(), file.join("below")] {
            let error = Positions::open(Some(&folder), "jsonlines").err().unwrap();
            let error = error.to_string();
            let begin = format!("`storage` {}: ", folder.display());
            assert!(
                error.starts_with(&begin) && error.contains("name a folder"),
                "{error}"
            );
        }
        // Who runs this may have every right.
        let error = advise(&file, &io::ErrorKind::PermissionDenied.into()).to_string();
        assert!(error.contains("give otlet the right"), "{error}");
    }

    #[test]
    fn they_are_written_at_most_once_a_second_and_only_if_they_changed() {
        let folder = tempfile::tempdir().unwrap();
        let mut positions = Positions::open(Some(folder.path()), "jsonlines").unwrap();
        positions.change();
        assert!(!positions.are_due());
        positions.written = Instant::now().checked_sub(INTERVAL).unwrap();
        assert!(positions.are_due());
        positions.write("", std::iter::empty());
        positions.written = Instant::now().checked_sub(INTERVAL).unwrap();
        assert!(!positions.are_due());
    }
}
