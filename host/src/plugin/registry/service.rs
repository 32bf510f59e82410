//! Which plugins are in service, which have failed there, and what comes back in their place.

use std::path::PathBuf;
use std::sync::Arc;

use super::past::Mark;
use super::{Current, FileState, Plugin, Registry, Source, log_refusal, refusal};
use crate::plugin::directory::{self, Found};
use crate::plugin::refusal::{Refusal, Why};
use crate::plugin::settings::Digest;
use crate::plugin::stats::Cause;

impl Registry {
    /// The current plugin of this name, if there is one already.
    pub fn current(&self, name: &str) -> Option<Arc<Plugin>> {
        let known = self.known();
        let current = known.current.get(name)?;
        Some(Arc::clone(&current.plugin))
    }

    /// Puts a plugin back into the place of one that failed in service, which is marked until its file changes.
    pub fn roll_back(&self, failed: &Plugin, old: &Arc<Plugin>, cause: Cause) {
        let Some(path) = self.path_of(failed.name()) else {
            return;
        };
        let (name, digest) = (failed.name(), failed.digest());
        let reason = format!(
            "it failed in service ({}), and the version before it was put back: put another file in its place",
            cause.name()
        );
        let refused = refusal(Why::RolledBack, &reason);
        log_refusal(name, &path, Some(digest), &refused);
        let mark = Mark { digest, reason };
        self.past.set_mark(&path, Some(&mark));
        let mut known = self.known();
        if let Some(current) = known.current.get_mut(name) {
            current.plugin = Arc::clone(old);
        }
        let file = known.files.get_mut(&path);
        if let Some(file) = file.filter(|file| file.digest == Some(digest)) {
            file.state = FileState::Refused(refused);
        }
        known.marks.insert(path, Some(mark));
    }

    /// Remembers the component of a plugin that does well in service, if its file still has it.
    pub fn keep_good(&self, plugin: &Plugin) {
        let Some(path) = self.path_of(plugin.name()) else {
            return;
        };
        let is_kept = |wasm: &[u8]| Digest::of(wasm) == plugin.digest();
        if self.past.good(&path).as_deref().is_some_and(is_kept) {
            return;
        }
        let read = Found::of(&path, plugin.name()).read();
        if let Ok((wasm, _)) = read
            && is_kept(&wasm)
        {
            self.past.set_good(&path, &wasm);
        }
    }

    /// Why a component that failed in service is not used. A file with another one lifts the mark.
    pub(super) fn marked(&self, found: &Found, digest: Digest) -> Option<Refusal> {
        let mut known = self.known();
        let marks = &mut known.marks;
        if !marks.contains_key(&found.path) {
            marks.insert(found.path.clone(), self.past.mark(&found.path));
        }
        let mark = marks.get(&found.path).cloned().flatten()?;
        if mark.digest == digest {
            return Some(refusal(Why::RolledBack, &mark.reason));
        }
        marks.insert(found.path.clone(), None);
        drop(known);
        self.past.set_mark(&found.path, None);
        None
    }

    /// The plugin that was in service before the one of a file that is marked, made the current one of its name.
    pub(super) fn last_good(&self, found: &Found) -> Option<Arc<Plugin>> {
        let plugin = self.load_good(found, &self.past.good(&found.path)?)?;
        tracing::warn!(
            plugin = found.name,
            version = plugin.version(),
            digest = %plugin.digest(),
            "a plugin's file is refused since it failed in service: the version before it is in use"
        );
        self.set_current(&plugin, found);
        Some(plugin)
    }

    /// The last version of a plugin that did well in service, where its file has another, which has neither proven itself nor
    /// failed yet.
    pub fn proven(&self, name: &str) -> Option<(Arc<Plugin>, Found)> {
        let found = directory::find(&self.directory()?, name)?;
        let good = self.past.good(&found.path)?;
        let held = found.read().ok().map(|(wasm, _)| Digest::of(&wasm));
        let is_settled = |held| held == Digest::of(&good) || self.marked(&found, held).is_some();
        if held.is_some_and(is_settled) {
            return None;
        }
        Some((self.load_good(&found, &good)?, found))
    }

    /// Has a plugin of the past be current, and its file be looked at as one that changed.
    pub fn put_back(&self, plugin: &Arc<Plugin>, found: &Found) {
        tracing::info!(
            plugin = found.name,
            version = plugin.version(),
            digest = %plugin.digest(),
            "a plugin's file has a version that has not passed its trial: the last one that did is in use until it is tried"
        );
        self.set_current(plugin, found);
        self.known().files.remove(&found.path);
    }

    fn load_good(&self, found: &Found, wasm: &[u8]) -> Option<Arc<Plugin>> {
        let digest = Digest::of(wasm);
        let objection = self.objection(&self.known().settings, &found.name, digest);
        if objection.is_some() {
            return None;
        }
        let plugin = self.load(&found.name, wasm, self.compiler.as_ref());
        let plugin = plugin.inspect_err(|error| {
            tracing::warn!(%error, "the last good version of a plugin cannot be loaded");
        });
        plugin.ok().map(Arc::new)
    }

    fn set_current(&self, plugin: &Arc<Plugin>, found: &Found) {
        let current = Current {
            plugin: Arc::clone(plugin),
            source: Source::File(found.path.clone()),
        };
        self.known().current.insert(found.name.clone(), current);
    }

    /// The file that the current plugin of this name came of.
    fn path_of(&self, name: &str) -> Option<PathBuf> {
        match &self.known().current.get(name)?.source {
            Source::File(path) => Some(path.clone()),
            Source::Bundled => None,
        }
    }
}
