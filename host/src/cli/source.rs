//! The config file, the files that it names by `${file:PATH}`, and the plugin directory: read, and watched for changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Notify;

use crate::config::{self, Draft};
use crate::watch::{Watch, Watched};

/// How often the config is read at most until it names the files that were looked at before.
const READS: usize = 3;

/// What a config is read from.
pub(super) struct Source {
    path: PathBuf,
    config: Watching,
    /// The plugin directory of a config that waits for plugins.
    plugins: Watching,
    /// What was last said of such a config.
    pub(super) said: String,
}

/// What has changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    Config,
    Plugins,
}

/// A config that was read, and what there was of its files before.
pub(super) struct Read {
    pub(super) draft: Draft,
    pub(super) config: Watched,
    pub(super) plugins: Option<Watched>,
}

#[derive(Default)]
struct Watching {
    changed: Arc<Notify>,
    /// None where nobody watches, or there is no thread for it.
    _watch: Option<Watch>,
}

impl Source {
    /// A file that nobody watches yet.
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            config: Watching::default(),
            plugins: Watching::default(),
            said: String::new(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Watches until [`forget`](Self::forget), from the state on that was there before the config was read.
    pub(super) fn watch(&mut self, config: Watched) {
        self.config = Watching::start("the config", config);
    }

    /// Watches the plugin directory likewise, if there is one.
    pub(super) fn watch_plugins(&mut self, plugins: Option<Watched>) {
        let start = |plugins| Watching::start("plugins.directory", plugins);
        self.plugins = plugins.map(start).unwrap_or_default();
    }

    /// Watches no more: whoever reads the file next sees what changed.
    pub(super) fn forget(&mut self) {
        self.config = Watching::default();
        self.plugins = Watching::default();
    }

    /// Waits until something changed.
    pub(super) async fn changed(&self) -> Changed {
        tokio::select! {
            () = self.config.changed.notified() => Changed::Config,
            () = self.plugins.changed.notified() => Changed::Plugins,
        }
    }
}

impl Watching {
    fn start(what: &'static str, watched: Watched) -> Self {
        let changed = Arc::<Notify>::default();
        let notify = Arc::clone(&changed);
        let watch = watched.start(what, move || {
            notify.notify_one();
            None
        });
        if let Err(error) = &watch {
            tracing::warn!(%error, what, "not watched: SIGHUP has the config read again");
        }
        Self {
            changed,
            _watch: watch.ok(),
        }
    }
}

/// Reads a config for the first time. What it came out of may be a pipe.
pub(super) fn load(path: &Path) -> Read {
    if path.metadata().is_ok_and(|it| it.is_file()) {
        return load_again(path);
    }
    let config = Watched::new(vec![path.to_owned()]);
    Read::of(config::load(path), config)
}

/// Reads a config again, if it is a regular file.
pub(super) fn load_again(path: &Path) -> Read {
    let mut files = vec![];
    let read = |files: &[PathBuf]| {
        let paths = std::iter::once(path.to_owned()).chain(files.iter().cloned());
        let watched = Watched::new(paths.collect());
        (config::load_again(path), watched)
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
    Read::of(loaded.0, loaded.1)
}

impl Read {
    fn of(draft: Draft, config: Watched) -> Self {
        let directory = draft.plugins().directory.clone();
        Self {
            plugins: directory.map(|directory| Watched::new(vec![directory])),
            draft,
            config,
        }
    }
}
