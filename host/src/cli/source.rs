//! The config file, and the files that it names by `${file:PATH}`: read, and watched for changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Notify;

use crate::config::{self, Draft};
use crate::watch::{Watch, Watched};

/// How often the config is read at most until it names the files that were looked at before.
const READS: usize = 3;

/// What a config was read from.
pub(super) struct Source {
    path: PathBuf,
    changed: Arc<Notify>,
    /// None where there is no thread for it.
    watch: Option<Watch>,
}

impl Source {
    /// A file that nobody watches yet.
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            changed: Arc::default(),
            watch: None,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Watches until [`forget`](Self::forget), from the state on that was there before the config was read.
    pub(super) fn watch(&mut self, watched: Watched) {
        let changed = Arc::<Notify>::default();
        self.changed = Arc::clone(&changed);
        let started = watched.start("the config", move || {
            changed.notify_one();
            None
        });
        if let Err(error) = &started {
            tracing::warn!(%error, "the config is not watched: SIGHUP has it read again");
        }
        self.watch = started.ok();
    }

    /// Watches no more: whoever reads the file next sees what changed.
    pub(super) fn forget(&mut self) {
        self.watch = None;
        self.changed = Arc::default();
    }

    /// Waits until something changed.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// Reads a config, and gives what there was of its files before.
pub(super) fn load(path: &Path) -> (Draft, Watched) {
    let mut files = vec![];
    let read = |files: &[PathBuf]| {
        let paths = std::iter::once(path.to_owned()).chain(files.iter().cloned());
        let watched = Watched::new(paths.collect());
        (config::load(path), watched)
    };
    let mut loaded = read(&files);
    for _again in 1..READS {
        if loaded.0.files() == files {
            break;
        }
        // Which files there are is known only now: they are looked at, and then read.
        files = loaded.0.files().to_vec();
        loaded = read(&files);
    }
    loaded
}
