//! A directory that nobody but its owner can look into, and what is done with files in it.
//!
//! It is opened by its path each time, and checked: one that is gone, or was put in the place of another, is found out
//! before anything is written.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{AtFlags, Dir, FlockOperation, Mode, OFlags};
use rustix::process::geteuid;

use super::claim::{Claim, Claimed};
use super::name::{Name, Part};
use super::room::on_disk;

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It cannot be made or opened.
    #[error("directory {}: {error}", path.display())]
    Io {
        /// Its path.
        path: PathBuf,
        /// What is wrong.
        error: io::Error,
    },
    /// It is somebody else's.
    #[error(
        "directory {} belongs to user {owner}, and otlet runs as user {user}: {}", path.display(),
        cure(*is_own, "give it to that user with `chown`, or name another", path)
    )]
    Foreign {
        /// Its path.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who otlet is.
        user: u32,
        /// Whether nothing but letters is in it.
        is_own: bool,
    },
    /// Others can look into it, or write.
    #[error(
        "directory {} can be used by others (mode {mode:03o}), and what it holds is theirs to read or change: {}",
        path.display(), cure(*is_own, &format!("run `chmod 700 {}`", path.display()), path)
    )]
    Open {
        /// Its path.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// Whether nothing but letters is in it.
        is_own: bool,
    },
}

/// What to do about a directory: what changes it is for one that holds letters alone, since others need theirs as they are.
fn cure(is_own: bool, change: &str, path: &Path) -> String {
    if is_own {
        return change.to_owned();
    }
    let own = path.join("otlet-dead-letters");
    format!(
        "name a directory of its own, such as `{}`: others use this one",
        own.display()
    )
}

/// A directory of letters.
#[derive(Debug)]
pub struct Folder(File);

impl Unusable {
    pub(super) fn new(path: &Path, error: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            error,
        }
    }

    /// Whether there is no such directory.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Io { error, .. } if error.kind() == io::ErrorKind::NotFound)
    }

    /// What an operator can do about it while otlet runs.
    pub(super) fn cure(&self) -> String {
        match self {
            Self::Io { path, error } => match error.kind() {
                io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => format!(
                    "move what stands at {} away: otlet makes the directory",
                    path.display()
                ),
                _ => format!(
                    "run `mkdir -m 700 {}` as user {}, or let that user read and write it",
                    path.display(),
                    geteuid().as_raw()
                ),
            },
            Self::Foreign { .. } | Self::Open { .. } => {
                "do what the reason says: letters are kept again then".to_owned()
            }
        }
    }
}

impl Folder {
    /// Makes the directory if it is not there, and opens it.
    pub(super) fn make(path: &Path) -> Result<Self, Unusable> {
        let is_new = !path.exists();
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| Unusable::new(path, error))?;
        if is_new && let Some(parent) = path.parent().filter(|parent| *parent != Path::new("")) {
            let synced = File::open(parent).and_then(|parent| parent.sync_all());
            synced.map_err(|error| Unusable::new(path, error))?;
        }
        Self::open(path)
    }

    /// Opens the directory, if it is there and its owner's alone.
    pub fn open(path: &Path) -> Result<Self, Unusable> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(path, flags, Mode::empty())
            .map_err(io::Error::from)
            .map(File::from)
            .and_then(|folder| Ok((folder.metadata()?, folder)));
        let (stat, folder) = opened.map_err(|error| Unusable::new(path, error))?;
        let user = geteuid().as_raw();
        let folder = Self(folder);
        if stat.uid() != user {
            return Err(Unusable::Foreign {
                path: path.to_owned(),
                owner: stat.uid(),
                user,
                is_own: folder.is_own(stat.mode()),
            });
        }
        if stat.mode() & 0o077 != 0 {
            return Err(Unusable::Open {
                path: path.to_owned(),
                mode: stat.mode() & 0o777,
                is_own: folder.is_own(stat.mode()),
            });
        }
        Ok(folder)
    }

    /// Whether nothing but letters is in it, as far as a glance tells. Where files are only their owners' to remove, as in
    /// `/tmp`, others put theirs even if none is there.
    fn is_own(&self, mode: u32) -> bool {
        const GLANCE: usize = 1000;
        const STICKY: u32 = 0o1000;
        mode & STICKY == 0
            && Dir::read_from(&self.0).is_ok_and(|entries| {
                entries.take(GLANCE).flatten().all(|entry| {
                    let name = entry.file_name().to_string_lossy();
                    matches!(&*name, "." | "..") || Name::read(&name).is_some()
                })
            })
    }

    /// The letters that are there, the oldest first.
    pub fn letters(&self) -> io::Result<Vec<Name>> {
        let mut letters = vec![];
        self.each(|file| {
            if let Some((name, Part::Request)) = Name::read(file) {
                letters.push(name);
            }
        })?;
        letters.sort_unstable();
        Ok(letters)
    }

    /// The files that belong to no letter and are none of otlet's.
    pub fn foreign(&self) -> io::Result<Vec<String>> {
        let mut foreign = vec![];
        self.each(|file| {
            if Name::read(file).is_none() && foreign.len() < 100 {
                foreign.push(file.to_owned());
            }
        })?;
        foreign.sort_unstable();
        Ok(foreign)
    }

    /// How many letters there are, and what they take on the disk.
    pub(super) fn measure(&self) -> io::Result<(u64, u64)> {
        let (mut letters, mut bytes) = (0, 0);
        self.each(|file| {
            let Some((_, part)) = Name::read(file) else {
                return;
            };
            letters += u64::from(part == Part::Request);
            // Another process may have removed it meanwhile.
            if let Ok(stat) = rustix::fs::statat(&self.0, file, AtFlags::SYMLINK_NOFOLLOW) {
                bytes += on_disk(usize::try_from(stat.st_size).unwrap_or_default());
            }
        })?;
        Ok((letters, bytes))
    }

    /// Removes what a crash left: files of letters that are not whole and that nobody writes any more.
    pub(super) fn clear(&self) -> io::Result<()> {
        let mut suspects = vec![];
        self.each(|file| {
            if let Some((name, part)) = Name::read(file)
                && part != Part::Request
            {
                suspects.push(name);
            }
        })?;
        suspects.sort_unstable();
        suspects.dedup();
        let mut cleared = 0;
        for name in suspects {
            let [request, reason, half_request, half_reason] = name.parts();
            // In this order: whoever writes the letter renames the one file to the other.
            let writing = self.lock(&half_request)?;
            let whole = self.lock(&request)?;
            if matches!(writing, Lock::Busy) || matches!(whole, Lock::Busy) {
                continue;
            }
            let rest = matches!(whole, Lock::None).then_some(reason);
            for file in [half_request, half_reason].into_iter().chain(rest) {
                cleared += u64::from(self.unlink(&file)?);
            }
        }
        if cleared > 0 {
            tracing::warn!(
                files = cleared,
                "removed what was left of dead letters that were never written to their end"
            );
        }
        Ok(())
    }

    /// Takes a letter, unless somebody works on it.
    pub fn claim(&self, name: &Name) -> io::Result<Claimed<'_>> {
        Ok(match self.lock(&name.request())? {
            Lock::Mine(file) => Claimed::Mine(Claim::new(self, name.clone(), file)),
            Lock::Busy => Claimed::Busy,
            Lock::None => Claimed::Gone,
        })
    }

    /// Writes a new file that no one else may read, locked for as long as it is open.
    pub(super) fn create(&self, file: &str, contents: &[u8]) -> io::Result<File> {
        let flags =
            OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let created = rustix::fs::openat(&self.0, file, flags, Mode::RUSR | Mode::WUSR)?;
        let mut created = File::from(created);
        rustix::fs::flock(&created, FlockOperation::NonBlockingLockExclusive)?;
        created.write_all(contents)?;
        created.sync_all()?;
        Ok(created)
    }

    /// Opens a file for reading.
    pub(super) fn read(&self, file: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        Ok(rustix::fs::openat(&self.0, file, flags, Mode::empty())?.into())
    }

    /// When a letter was written; none if it is there no more.
    pub(super) fn written(&self, name: &Name) -> io::Result<Option<SystemTime>> {
        match self.read(&name.request()) {
            Ok(request) => Ok(Some(request.metadata()?.modified()?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    /// Removes a file, and says whether it was there.
    pub(super) fn unlink(&self, file: &str) -> io::Result<bool> {
        match rustix::fs::unlinkat(&self.0, file, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes what there is of a letter that could not be written; what cannot be removed is cleared away at a start.
    pub(super) fn remove(&self, name: &Name) {
        for file in name.parts() {
            let _left = self.unlink(&file);
        }
    }

    /// Waits until the names in the directory are on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.0)?)
    }

    fn each(&self, mut file: impl FnMut(&str)) -> io::Result<()> {
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy();
            if !matches!(&*name, "." | "..") {
                file(&name);
            }
        }
        Ok(())
    }

    fn lock(&self, file: &str) -> io::Result<Lock> {
        // A lock over NFS needs a file that is open for writing.
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let opened = match rustix::fs::openat(&self.0, file, flags, Mode::empty()) {
            Ok(opened) => opened,
            Err(rustix::io::Errno::NOENT) => return Ok(Lock::None),
            Err(error) => return Err(error.into()),
        };
        match rustix::fs::flock(&opened, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(Lock::Busy),
            Err(error) => return Err(error.into()),
        }
        // Whoever held the lock before may have removed the file, or given it another name.
        let opened = File::from(opened);
        let here = rustix::fs::statat(&self.0, file, AtFlags::SYMLINK_NOFOLLOW);
        let same = here.is_ok_and(|here| {
            rustix::fs::fstat(&opened)
                .is_ok_and(|stat| (stat.st_dev, stat.st_ino) == (here.st_dev, here.st_ino))
        });
        Ok(if same { Lock::Mine(opened) } else { Lock::None })
    }
}

/// What became of an attempt to lock a file.
enum Lock {
    /// It is locked until this is closed.
    Mine(File),
    /// Somebody else has it.
    Busy,
    /// There is none.
    None,
}
