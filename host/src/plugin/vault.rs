//! A folder that its owner alone can look into and write, for what is trusted when it is read again: compiled code, marks.
//!
//! It is opened once and checked, and files are named relative to it, so that nothing put in its place later is used. Each file
//! bears the digest of what it holds. That finds damage; against whoever can write here nothing else would help.
//!
//! **Invariant**: what is read is what was written, whole, or an error. A file is replaced in one step.

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Timespec, Timestamps, UTIME_NOW};
use rustix::process::geteuid;
use sha2::{Digest as _, Sha256};

/// The bytes of a digest, which stands before what a file holds.
const SEAL: usize = 32;

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
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, checked(name)?, flags, Mode::empty())?;
        let mut file = File::from(file);
        let (size, most) = (file.metadata()?.len(), most.saturating_add(SEAL as u64));
        if size > most {
            return Err(io::Error::other(format!(
                "it has {size} bytes, more than {most}"
            )));
        }
        let mut seal = [0; SEAL];
        file.read_exact(&mut seal)?;
        let mut held = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        file.take(most).read_to_end(&mut held)?;
        if Sha256::digest(&held).as_slice() != seal {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is damaged"));
        }
        Ok(held)
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
        file.write_all(&Sha256::digest(held))?;
        file.write_all(held)
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(
            &self.folder,
            checked(name)?,
            AtFlags::empty(),
        )?)
    }

    /// Remembers that a file was used now.
    pub fn touch(&self, name: &str) -> io::Result<()> {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
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

/// A name that stays within the folder.
fn checked(name: &str) -> io::Result<&str> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
        return Err(io::Error::other(format!(
            "{name:?} is no name of a file here"
        )));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    const MOST: u64 = 1 << 20;

    fn vault() -> (tempfile::TempDir, Vault) {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(&folder.path().join("a/vault")).unwrap();
        (folder, vault)
    }

    #[test]
    fn what_was_written_is_read() {
        let (_folder, vault) = vault();
        assert_eq!(fs::metadata(vault.path()).unwrap().mode() & 0o777, 0o700);
        vault.write("a", b"one").unwrap();
        vault.write("a", b"two").unwrap();
        vault.write("empty", b"").unwrap();
        assert_eq!(vault.read("a", MOST).unwrap(), b"two");
        assert_eq!(vault.read("empty", 0).unwrap(), b"");
        assert!(
            vault
                .read("a", 2)
                .unwrap_err()
                .to_string()
                .contains("more than")
        );
        let file = vault.path().join("a");
        assert_eq!(fs::metadata(file).unwrap().mode() & 0o777, 0o600);
        vault.remove("a").unwrap();
        assert_eq!(
            vault.read("a", MOST).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn a_folder_that_others_can_use_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, usable) in [
            (0o700, true),
            (0o500, true),
            (0o710, false),
            (0o702, false),
            (0o755, false),
        ] {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
            let opened = Vault::open(folder.path());
            assert_eq!(opened.is_ok(), usable, "{mode:o}");
            if let Err(error) = opened {
                assert!(matches!(error, Unusable::Open { mode: found, .. } if found == mode));
                assert!(error.to_string().contains("run `chmod 700 "), "{error}");
            }
        }
        let foreign = check(folder.path(), 7, 0o700, 8).unwrap_err();
        assert!(
            foreign.to_string().contains("belongs to user 7"),
            "{foreign}"
        );
        fs::write(folder.path().join("file"), "").unwrap();
        let no_folder = Vault::open(&folder.path().join("file"));
        assert!(matches!(no_folder, Err(Unusable::Io { .. })));
    }

    #[test]
    fn links_and_paths_lead_nowhere() {
        let (folder, vault) = vault();
        vault.write("real", b"held").unwrap();
        let outside = folder.path().join("outside");
        fs::copy(vault.path().join("real"), &outside).unwrap();
        symlink(&outside, vault.path().join("link")).unwrap();
        assert!(vault.read("link", MOST).is_err());
        for name in ["../outside", "a/b", "", ".", "..", ".hidden", "a\0"] {
            assert!(vault.read(name, MOST).is_err(), "{name:?}");
            assert!(vault.write(name, b"").is_err(), "{name:?}");
        }
        // A link is replaced, and what it leads to stays.
        vault.write("link", b"new").unwrap();
        assert_eq!(vault.read("link", MOST).unwrap(), b"new");
        assert!(fs::read(outside).unwrap().ends_with(b"held"));
    }

    #[test]
    fn damage_is_found() {
        let (_folder, vault) = vault();
        vault.write("a", &[7; 1000]).unwrap();
        let path = vault.path().join("a");
        let whole = fs::read(&path).unwrap();
        for at in [0, SEAL, 1031] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).unwrap();
            let error = vault.read("a", MOST).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
        for length in [0, 5, SEAL, 1031] {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(vault.read("a", MOST).is_err(), "{length}");
        }
    }

    #[test]
    fn a_reader_never_sees_half_of_what_is_written() {
        let (_folder, vault) = vault();
        vault.write("a", &vec![0; 100_000]).unwrap();
        let ended = AtomicBool::new(false);
        thread::scope(|threads| {
            let writers = [1, 2].map(|byte| {
                let vault = &vault;
                threads.spawn(move || {
                    for _ in 0..50 {
                        vault.write("a", &vec![byte; 100_000]).unwrap();
                    }
                })
            });
            let reader = threads.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    let held = vault.read("a", MOST).unwrap();
                    assert!(held.iter().all(|byte| byte == &held[0]));
                }
            });
            for writer in writers {
                writer.join().unwrap();
            }
            ended.store(true, Ordering::Relaxed);
            reader.join().unwrap();
        });
        assert_eq!(vault.list("").unwrap().len(), 1);
    }

    #[test]
    fn a_write_that_fails_leaves_what_was_there() {
        let (folder, vault) = vault();
        vault.write("a", b"old").unwrap();
        fs::create_dir(vault.path().join("taken")).unwrap();
        assert!(vault.write("taken", b"new").is_err());
        let kept = vault.list("").unwrap();
        assert!(kept.len() == 1 && kept[0].name == "a", "{kept:?}");
        fs::remove_dir_all(folder.path()).unwrap();
        assert!(vault.write("a", b"new").is_err());
    }

    #[test]
    fn files_are_listed_by_when_they_were_used() {
        let (_folder, vault) = vault();
        for name in ["a.code", "b.code", "c.mark"] {
            vault.write(name, b"12345678").unwrap();
        }
        let long_ago = SystemTime::now() - Duration::from_hours(3);
        let left = vault.path().join("d.code.1-1.tmp");
        fs::write(&left, "").unwrap();
        for name in ["a.code", "b.code", "d.code.1-1.tmp"] {
            let file = File::options()
                .write(true)
                .open(vault.path().join(name))
                .unwrap();
            file.set_modified(long_ago).unwrap();
        }
        vault.touch("a.code").unwrap();
        let kept = vault.list(".code").unwrap();
        let names: Vec<_> = kept
            .iter()
            .map(|kept| (kept.name.as_str(), kept.size))
            .collect();
        assert_eq!(names, [("b.code", 40), ("a.code", 40)]);
        assert!(!left.exists());
    }
}
