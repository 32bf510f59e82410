//! A folder that its owner alone can look into and write, for what is trusted when it is read again: compiled code, marks.
//!
//! It is opened once and checked, and files are named relative to it, so that nothing put in its place later is used. Each file
//! bears the digest of what it holds. That finds damage; against whoever can write here nothing else would help.
//!
//! **Invariant**: what is read is what was written, whole, or an error. A file is replaced in one step.

#[cfg(test)]
mod tests;

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Timespec, Timestamps};
use rustix::process::geteuid;
use sha2::{Digest as _, Sha256};

/// The bytes of a digest, which stands behind what a file holds, so that this can be mapped from the file's beginning.
const SEAL: usize = 32;

/// How much of a file is read at once where it is not kept.
const PIECE: usize = 64 << 10;

/// What the name of a file ends with that is being written.
const UNDER_WAY: &str = ".tmp";

/// After how long such a file is known to be left behind.
const LEFT_BEHIND: Duration = Duration::from_hours(1);

/// An open folder of its owner's.
#[derive(Debug)]
pub struct Vault {
    path: PathBuf,
    folder: File,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It cannot be made or opened.
    #[error("folder {}: {error}", path.display())]
    Io {
        /// Its path.
        path: PathBuf,
        /// What is wrong.
        error: io::Error,
    },
    /// It is somebody else's.
    #[error(
        "folder {} belongs to user {owner}, and otlet runs as user {user}: name another, or give it to that user with `chown`",
        path.display()
    )]
    Foreign {
        /// Its path.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Who otlet is.
        user: u32,
    },
    /// Others can look into it, or write.
    #[error("folder {} can be used by others (mode {mode:03o}): run `chmod 700 {}`", path.display(), path.display())]
    Open {
        /// Its path.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

/// A file of a vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// The bytes that it takes.
    pub size: u64,
    /// When it was written or [touched](Vault::touch) last.
    pub used: SystemTime,
}

impl Vault {
    /// Makes the folder if it is not there, and opens it if it is its owner's alone.
    pub fn open(path: &Path) -> Result<Self, Unusable> {
        let io = |error| Unusable::Io {
            path: path.to_owned(),
            error,
        };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(io)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty());
        let folder = File::from(folder.map_err(|error| io(error.into()))?);
        let stat = folder.metadata().map_err(io)?;
        check(path, stat.uid(), stat.mode() & 0o777, geteuid().as_raw())?;
        Ok(Self {
            path: path.to_owned(),
            folder,
        })
    }

    /// Where it was when it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What a file holds, if that is at most `most` bytes and undamaged.
    pub fn read(&self, name: &str, most: u64) -> io::Result<Vec<u8>> {
        let (mut file, holds) = self.find(name, most)?;
        let mut held = Vec::with_capacity(usize::try_from(holds).unwrap_or_default());
        (&file).take(holds).read_to_end(&mut held)?;
        check_seal(&mut file, Sha256::new_with_prefix(&held))?;
        Ok(held)
    }

    /// The same file, for whoever maps what it holds: it begins with that.
    pub fn open_file(&self, name: &str, most: u64) -> io::Result<File> {
        let (mut file, mut left) = self.find(name, most)?;
        let mut digest = Sha256::new();
        let mut piece = vec![0; PIECE];
        while left > 0 {
            let most = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
            let part = piece.get_mut(..most).unwrap_or_default();
            file.read_exact(part)?;
            digest.update(&*part);
            left -= part.len() as u64;
        }
        check_seal(&mut file, digest)?;
        Ok(file)
    }

    /// A file at its beginning, and how many bytes it holds.
    fn find(&self, name: &str, most: u64) -> io::Result<(File, u64)> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, checked(name)?, flags, Mode::empty())?;
        let file = File::from(file);
        let holds = file.metadata()?.len().checked_sub(SEAL as u64);
        let holds = holds.ok_or_else(damaged)?;
        if holds > most {
            return Err(io::Error::other(format!(
                "it has {holds} bytes, more than {most}"
            )));
        }
        Ok((file, holds))
    }

    /// Has a file hold this, in place of what it held.
    pub fn write(&self, name: &str, held: &[u8]) -> io::Result<()> {
        static WRITES: AtomicU64 = AtomicU64::new(0);
        let name = checked(name)?;
        let number = WRITES.fetch_add(1, Ordering::Relaxed);
        let under_way = format!("{name}.{}-{number}{UNDER_WAY}", process::id());
        let written = self.write_under_way(&under_way, held).and_then(|()| {
            rustix::fs::renameat(&self.folder, &under_way, &self.folder, name)?;
            Ok(())
        });
        if written.is_err() {
            // It may never have been made.
            let _removed = self.remove(&under_way);
        }
        written
    }

    fn write_under_way(&self, name: &str, held: &[u8]) -> io::Result<()> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, name, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(file);
        file.write_all(held)?;
        file.write_all(&Sha256::digest(held))?;
        file.set_modified(SystemTime::now())
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(
            &self.folder,
            checked(name)?,
            AtFlags::empty(),
        )?)
    }

    /// Remembers that a file was used now, to the nanosecond: the system's own clock of files ticks every few milliseconds.
    pub fn touch(&self, name: &str) -> io::Result<()> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now = Timespec {
            tv_sec: now.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: now.subsec_nanos().into(),
        };
        let times = Timestamps {
            last_access: now,
            last_modification: now,
        };
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        Ok(rustix::fs::utimensat(
            &self.folder,
            checked(name)?,
            &times,
            flags,
        )?)
    }

    /// The files whose names end so, the longest unused first. What was left behind half-written is removed on the way.
    pub fn list(&self, ending: &str) -> io::Result<Vec<Kept>> {
        let mut kept = vec![];
        for entry in Dir::read_from(&self.folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            let is_left = name.ends_with(UNDER_WAY);
            if !is_left && !name.ends_with(ending) {
                continue;
            }
            let Ok(stat) = rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            if !FileType::from_raw_mode(stat.st_mode).is_file() {
                continue;
            }
            let seconds = u64::try_from(stat.st_mtime).unwrap_or_default();
            #[allow(clippy::useless_conversion, reason = "another type on other platforms")]
            let nanos = u64::try_from(stat.st_mtime_nsec).unwrap_or_default();
            let since = Duration::from_secs(seconds) + Duration::from_nanos(nanos);
            let used = SystemTime::UNIX_EPOCH + since;
            if is_left {
                if used.elapsed().is_ok_and(|age| age > LEFT_BEHIND) {
                    // Another process may have done it.
                    let _removed = self.remove(name);
                }
                continue;
            }
            kept.push(Kept {
                name: name.to_owned(),
                size: u64::try_from(stat.st_size).unwrap_or_default(),
                used,
            });
        }
        kept.sort_by(|a, b| (a.used, &a.name).cmp(&(b.used, &b.name)));
        Ok(kept)
    }

    /// Removes what was not used for the longest time of the files whose names end so, until there are at most so many, of at
    /// most so many bytes together.
    pub fn prune(&self, ending: &str, files: usize, bytes: u64) -> io::Result<()> {
        let kept = self.list(ending)?;
        let mut left = kept.len();
        let mut size: u64 = kept.iter().map(|kept| kept.size).sum();
        for oldest in &kept {
            if left <= files && size <= bytes {
                break;
            }
            match self.remove(&oldest.name) {
                // Another process was faster.
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {
                    left -= 1;
                    size -= oldest.size;
                }
            }
        }
        Ok(())
    }
}

fn check(path: &Path, owner: u32, mode: u32, user: u32) -> Result<(), Unusable> {
    let path = path.to_owned();
    if owner != user {
        return Err(Unusable::Foreign { path, owner, user });
    }
    if mode & 0o077 != 0 {
        return Err(Unusable::Open { path, mode });
    }
    Ok(())
}

/// Whether what was read of a file has the digest that comes next, and the file ends there.
fn check_seal(file: &mut File, read: Sha256) -> io::Result<()> {
    let mut seal = Vec::with_capacity(SEAL);
    file.take(SEAL as u64 + 1).read_to_end(&mut seal)?;
    if read.finalize().as_slice() == seal {
        Ok(())
    } else {
        Err(damaged())
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is damaged")
}

/// A name that stays within the folder.
fn checked(name: &str) -> io::Result<&str> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
        return Err(io::Error::other(format!(
            "{name:?} is no name of a file here"
        )));
    }
    Ok(name)
}
