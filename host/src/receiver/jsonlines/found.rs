//! Looks for the files that the config's patterns name.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::fingerprint::{FileId, Seen};
use super::handles::is_shortage;
use super::{Glob, Sought};
use crate::telemetry::Throttle;

/// The files of one receiver; more than these are not read.
pub(super) const MAX_FILES: usize = 10_000;

/// The paths whose trouble is remembered, so that it is told once.
const MAX_TROUBLES: usize = 1000;

/// A search for files that is made again and again.
pub(super) struct Search {
    receiver: String,
    include: Vec<Glob>,
    exclude: Vec<Glob>,
    /// Where relative paths start.
    folder: PathBuf,
    troubles: Troubles,
    /// Of files that the process may not open.
    shortages: Throttle,
}

/// A file that was found.
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) seen: Seen,
}

/// What cannot be read, and why.
struct Troubles(HashMap<PathBuf, io::ErrorKind>);

impl Search {
    pub(super) fn new(receiver: &str, sought: &Sought) -> io::Result<Self> {
        Ok(Self {
            receiver: receiver.to_owned(),
            include: sought.include.clone(),
            exclude: sought.exclude.clone(),
            folder: std::env::current_dir()?,
            troubles: Troubles(HashMap::new()),
            shortages: Throttle::new(),
        })
    }

    /// The files that there are now. One that has several paths is there once, with the path that `known` says it had.
    pub(super) fn find(
        &mut self,
        known: impl Fn(FileId) -> Option<PathBuf>,
    ) -> BTreeMap<FileId, Found> {
        let (mut paths, mut failed, mut all) = (vec![], vec![], true);
        for glob in &self.include {
            all &= glob.find(
                &self.folder,
                &mut |path| paths.push(path),
                &mut |path, error| failed.push((path.to_owned(), error)),
            );
        }
        let mut found = BTreeMap::new();
        paths.retain(|path| {
            !self
                .exclude
                .iter()
                .any(|glob| glob.matches(path, &self.folder))
        });
        for path in paths {
            let (id, seen) = match fs::metadata(&path) {
                Ok(metadata) if metadata.is_file() => (FileId::of(&metadata), Seen::of(&metadata)),
                Ok(_) => continue,
                // It went away just now, or is a link to nothing.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    failed.push((path, error));
                    continue;
                }
            };
            if found.len() == MAX_FILES && !found.contains_key(&id) {
                all = false;
            } else if !found.contains_key(&id) || known(id).is_some_and(|known| known == path) {
                found.insert(id, Found { path, seen });
            }
        }
        for (path, error) in failed {
            self.fail(&path, &error);
        }
        if !all {
            let what = io::Error::other("there are too many files here: narrow `include`");
            self.fail(&self.folder.clone(), &what);
        }
        found
    }

    /// Tells of a path that cannot be read, once.
    pub(super) fn fail(&mut self, path: &Path, error: &io::Error) {
        if is_shortage(error) {
            if let Some(unlogged) = self.shortages.pass() {
                tracing::warn!(
                    receiver = self.receiver, %error, unlogged,
                    "a file waits to be read, since otlet may open no more: raise its limit (`ulimit -n`, `LimitNOFILE=`)"
                );
            }
        } else if self.troubles.is_new(path, error.kind()) {
            let (receiver, path) = (&self.receiver, path.display());
            tracing::warn!(
                receiver, %path, %error,
                "a file or folder cannot be read: give otlet the right to, or exclude it; it is tried again"
            );
        }
    }

    /// Forgets the trouble with a path, so that new trouble is told.
    pub(super) fn recover(&mut self, path: &Path) {
        self.troubles.0.remove(path);
    }
}

impl Troubles {
    fn is_new(&mut self, path: &Path, kind: io::ErrorKind) -> bool {
        if self.0.get(path) == Some(&kind) {
            return false;
        }
        if self.0.len() >= MAX_TROUBLES {
            self.0.clear();
        }
        self.0.insert(path.to_owned(), kind);
        true
    }
}
