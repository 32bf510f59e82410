//! A value made of files, which is made again when they change: certificates, keys, tokens.
//!
//! The files are looked at where the value is used, at most once a second, by their times, lengths and inodes, through symlinks:
//! folders that are swapped as a whole, as Kubernetes does with Secrets, are seen too. A use that finds a look due waits for it, so
//! that what was not used for long is not used stale; a file system that hangs holds a use up for a quarter of a second, once a second.
//! Files are read on threads made for blocking.
//!
//! **Invariant**: files that make no value leave the value that was there.

use std::fmt::{self, Display, Formatter};
use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How often the files are looked at, at most.
const EVERY: Duration = Duration::from_secs(1);

/// How long a use waits for a look at the files.
const PATIENCE: Duration = Duration::from_millis(250);

/// A value made of files. Clones share it.
pub struct Fresh<T>(Arc<Shared<T>>);

struct Shared<T> {
    /// What it is, for the log.
    what: String,
    files: Vec<PathBuf>,
    make: Box<dyn Fn() -> Result<T, String> + Send + Sync>,
    value: RwLock<Arc<T>>,
    started: Instant,
    /// When the files were last looked at, in milliseconds since the start.
    looked: AtomicU64,
    /// Held while the files are looked at.
    seen: Arc<Mutex<Seen>>,
}

/// What was last seen of the files.
struct Seen {
    stamps: Vec<Option<Stamp>>,
    /// Why they make no value, if they do not.
    wrong: Option<String>,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// What is wrong with a setting that names files, or holds their text. It quotes no secret, and a path only in `file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The setting's name in the config.
    pub key: &'static str,
    /// The file, if it is one.
    pub file: Option<PathBuf>,
    /// What is wrong, to stand behind the two.
    pub what: String,
    /// What to do about it.
    pub cure: String,
}

impl Display for Wrong {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            key, what, cure, ..
        } = self;
        match &self.file {
            Some(file) => write!(f, "`{key}` {} {what}: {cure}", file.display()),
            None => write!(f, "`{key}` {what}: {cure}"),
        }
    }
}

impl std::error::Error for Wrong {}

impl<T: Send + Sync + 'static> Fresh<T> {
    /// Makes the value of the files. `what` it is stands in the log when they change.
    pub fn new<E: Display>(
        what: String,
        files: Vec<PathBuf>,
        make: impl Fn() -> Result<T, E> + Send + Sync + 'static,
    ) -> Result<Self, E> {
        // Looked at before they are read: a change in between is seen later.
        let stamps = files.iter().map(|file| Stamp::of(file)).collect();
        let value = make()?;
        let wrong = None;
        Ok(Self(Arc::new(Shared {
            what,
            files,
            make: Box::new(move || make().map_err(|error| error.to_string())),
            value: RwLock::new(Arc::new(value)),
            started: Instant::now(),
            looked: AtomicU64::new(0),
            seen: Arc::new(Mutex::new(Seen { stamps, wrong })),
        })))
    }

    /// The value of the files as they are now, or were when they last made one.
    pub async fn get(&self) -> Arc<T> {
        if self.0.is_due() {
            self.look().await;
        }
        let value = self.0.value.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&value)
    }

    async fn look(&self) {
        let looked = async {
            let seen = Arc::clone(&self.0.seen).lock_owned().await;
            if self.0.is_due() {
                let shared = Arc::clone(&self.0);
                // A panic is told by its own message.
                let _panicked = spawn_blocking(move || shared.look(seen)).await;
            }
        };
        let _late = timeout(PATIENCE, looked).await;
        self.0.note_look();
    }
}

impl<T> Clone for Fresh<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Shared<T> {
    fn is_due(&self) -> bool {
        let next = self.looked.load(Ordering::Acquire) + millis(EVERY);
        !self.files.is_empty() && millis(self.started.elapsed()) >= next
    }

    fn note_look(&self) {
        let now = millis(self.started.elapsed());
        self.looked.store(now, Ordering::Release);
    }

    fn look(&self, mut seen: OwnedMutexGuard<Seen>) {
        let stamps: Vec<_> = self.files.iter().map(|file| Stamp::of(file)).collect();
        let changed = stamps != seen.stamps;
        // What could not be read may be readable now, though nothing shows it.
        if changed || seen.wrong.is_some() {
            self.make_again(&mut seen, changed);
            seen.stamps = stamps;
        }
        self.note_look();
    }

    fn make_again(&self, seen: &mut Seen, changed: bool) {
        let what = &self.what;
        match (self.make)() {
            Ok(value) => {
                let mut old = self.value.write().unwrap_or_else(PoisonError::into_inner);
                *old = Arc::new(value);
                seen.wrong = None;
                tracing::info!(of = what, "files changed and were read again");
            }
            Err(reason) => {
                if changed || seen.wrong.as_ref() != Some(&reason) {
                    tracing::warn!(
                        of = what,
                        reason,
                        "files changed and cannot be used: what they held before is kept"
                    );
                }
                seen.wrong = Some(reason);
            }
        }
    }
}

impl Stamp {
    /// None for a file that is not there.
    pub fn of(file: &Path) -> Option<Self> {
        let metadata: Metadata = file.metadata().ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Reads a file of at most `most` bytes; the error is what is wrong with it, without its name.
pub fn read(file: &Path, most: usize) -> Result<Vec<u8>, String> {
    let cannot = |error| format!("cannot be read: {error}");
    // Opening a pipe would wait for whoever writes to it.
    if !file.metadata().map_err(cannot)?.is_file() {
        return Err("is no regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let opened = File::open(file).map_err(cannot)?;
    opened.take(limit).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() > most {
        return Err(format!("has more than {most} bytes"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use tokio::time::sleep;

    use super::*;

    /// A number in a file.
    fn number(file: &Path) -> Fresh<u32> {
        let path = file.to_owned();
        let make = move || {
            let bytes = read(&path, 100)?;
            let text = String::from_utf8_lossy(&bytes);
            text.trim().parse().map_err(|_wrong| format!("{text:?}"))
        };
        Fresh::new("a number".to_owned(), vec![file.to_owned()], make).unwrap()
    }

    /// Waits until the value is what it should become.
    async fn becomes(fresh: &Fresh<u32>, expected: u32) {
        let waiting = async {
            while *fresh.get().await != expected {
                sleep(Duration::from_millis(10)).await;
            }
        };
        let came = timeout(Duration::from_secs(20), waiting).await;
        assert!(came.is_ok(), "it never became {expected}");
    }

    /// Waits until the files were looked at once more.
    async fn looked(fresh: &Fresh<u32>) {
        let before = fresh.0.looked.load(Ordering::Acquire);
        while fresh.0.looked.load(Ordering::Acquire) == before {
            fresh.get().await;
            sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn a_changed_file_is_read_again_and_a_bad_one_keeps_the_value() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        fs::write(&file, "1").unwrap();
        let fresh = number(&file);
        assert_eq!(*fresh.get().await, 1);
        fs::write(&file, "2").unwrap();
        becomes(&fresh, 2).await;
        fs::write(&file, "none").unwrap();
        looked(&fresh).await;
        assert_eq!(*fresh.get().await, 2);
        fs::remove_file(&file).unwrap();
        looked(&fresh).await;
        assert_eq!(*fresh.get().await, 2);
        fs::write(&file, "3").unwrap();
        becomes(&fresh, 3).await;
    }

    #[tokio::test]
    async fn a_folder_swapped_as_a_whole_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (version, text) in [("..1", "1"), ("..2", "2")] {
            fs::create_dir(path(version)).unwrap();
            fs::write(path(version).join("number"), text).unwrap();
        }
        symlink("..1", path("..data")).unwrap();
        symlink("..data/number", path("number")).unwrap();
        let fresh = number(&path("number"));
        symlink("..2", path("..next")).unwrap();
        fs::rename(path("..next"), path("..data")).unwrap();
        becomes(&fresh, 2).await;
    }

    #[tokio::test]
    async fn what_was_not_used_for_long_is_not_used_stale() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        fs::write(&file, "1").unwrap();
        let fresh = number(&file);
        fs::write(&file, "22").unwrap();
        while !fresh.0.is_due() {
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(*fresh.get().await, 22);
    }

    #[test]
    fn a_file_is_read_within_its_bound_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "12345").unwrap();
        assert_eq!(read(&file, 5).unwrap(), b"12345");
        assert_eq!(read(&file, 4).unwrap_err(), "has more than 4 bytes");
        assert_eq!(read(folder.path(), 4).unwrap_err(), "is no regular file");
        let missing = read(&folder.path().join("none"), 4).unwrap_err();
        assert!(missing.starts_with("cannot be read: "), "{missing}");
    }
}
