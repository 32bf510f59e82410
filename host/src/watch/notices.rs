//! The system's notices that something may have changed.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::mem;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use notify::event::{AccessKind, AccessMode};
use notify::{
    ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher, recommended_watcher,
};

/// How often folders are looked for again at most while they keep changing: more changes are notices.
const SETTLING: usize = 8;

/// Wakes whoever compares. Where the system gives no notices, that is said once and comparing now and then must do.
pub(super) struct Notices {
    what: String,
    watcher: Option<RecommendedWatcher>,
    folders: BTreeSet<Folder>,
}

/// A folder, and what tells it from another of the same name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Folder {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Notices {
    pub(super) fn new(what: &str, wake: SyncSender<()>) -> Self {
        let mut notices = Self {
            what: what.to_owned(),
            watcher: None,
            folders: BTreeSet::new(),
        };
        let made = recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| is_change(event.kind)) {
                // Full: it is to wake already.
                let _woken = wake.try_send(());
            }
        });
        match made {
            Ok(watcher) => notices.watcher = Some(watcher),
            Err(error) => notices.do_without(&error),
        }
        notices
    }

    /// Gets notices of these paths as they are now: of the folders that they lie in, and of themselves where they are folders.
    pub(super) fn watch(&mut self, paths: &[PathBuf]) {
        // Once more after each change of what is watched: a folder may have been made before there were notices of it, and what
        // comes below it then would not be noticed.
        for _ in 0..SETTLING {
            let wanted: BTreeSet<_> = paths.iter().flat_map(|path| folders(path)).collect();
            if self.watcher.is_none() || wanted == self.folders {
                return;
            }
            self.watch_folders(wanted);
        }
    }

    fn watch_folders(&mut self, wanted: BTreeSet<Folder>) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        for folder in self.folders.difference(&wanted) {
            // It may be gone, and then it is not watched any more.
            let _unwatched = watcher.unwatch(&folder.path);
        }
        let mut failed = None;
        for folder in wanted.difference(&self.folders) {
            match watcher.watch(&folder.path, RecursiveMode::NonRecursive) {
                Err(error) if !is_gone(&error) => failed = Some(error),
                _ => {}
            }
        }
        self.folders = wanted;
        if let Some(error) = failed {
            self.do_without(&error);
        }
    }

    /// Has all watched anew the next time: a folder that was made again can look like the one that was removed.
    pub(super) fn forget(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            for folder in mem::take(&mut self.folders) {
                let _unwatched = watcher.unwatch(&folder.path);
            }
        }
    }

    fn do_without(&mut self, error: &notify::Error) {
        self.watcher = None;
        tracing::warn!(
            watched = self.what,
            %error,
            cure = cure(error),
            "there are no notices of changes: it is looked every two seconds"
        );
    }
}

/// Whether something may have been written; reading, as comparing does, is none.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

/// What to do about having no notices.
fn cure(error: &notify::Error) -> &'static str {
    match &error.kind {
        ErrorKind::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            "let otlet's user read the folder"
        }
        _ => "more may be had with the sysctls fs.inotify.max_user_watches and max_user_instances",
    }
}

fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => error.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

/// Where a change of what the path leads to can show: the folder itself, the one it is in, those that symlinks on the way are
/// in, and the nearest that there is where the path is not there yet. They are without symlinks, so that none is there twice.
fn folders(path: &Path) -> Vec<Folder> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let real = path.canonicalize().ok();
    let on_the_way = path.ancestors().filter(|it| it.is_symlink());
    let above = path.ancestors().skip(1);
    real.as_deref()
        .into_iter()
        .chain(real.as_deref().and_then(Path::parent))
        .chain(on_the_way.filter_map(Path::parent))
        .chain(above.into_iter().find(|above| above.exists()))
        .filter_map(Folder::of)
        .collect()
}

impl Folder {
    fn of(path: &Path) -> Option<Self> {
        let path = path.canonicalize().ok()?;
        let metadata = path.metadata().ok().filter(fs::Metadata::is_dir)?;
        Some(Self {
            path,
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cure_is_of_the_cause() {
        let io = |kind: io::ErrorKind| notify::Error::io(kind.into());
        let forbidden = cure(&io(io::ErrorKind::PermissionDenied));
        assert!(forbidden.contains("user read the folder"), "{forbidden}");
        for error in [
            notify::Error::new(ErrorKind::MaxFilesWatch),
            io(io::ErrorKind::Other),
        ] {
            let cure = cure(&error);
            assert!(cure.contains("fs.inotify.max_user_watches"), "{cure}");
        }
    }
}
