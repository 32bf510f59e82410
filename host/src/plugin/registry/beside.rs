//! The registry beside another: under the settings of a config that may come to be refused, or to take the place of the one that
//! runs.
//!
//! **Invariant**: what is asked of the one beside, and offered to it, changes nothing in the other before it is kept.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex};

use super::{Current, FileState, Registry, Source, refusal};
use crate::plugin::directory::Found;
use crate::plugin::refusal::Why;
use crate::plugin::settings::{Digest, Settings};

impl Registry {
    /// The same plugins as far as these settings permit them.
    #[must_use]
    pub fn under(&self, settings: Settings) -> Self {
        let mut known = self.known().clone();
        known.began_with = digests(&known.current);
        known.absent.clear();
        if known.settings.directory != settings.directory {
            known.files.clear();
        }
        known
            .current
            .retain(|name, current| self.permits(&settings, name, current));
        let is_same = known.settings == settings;
        for file in known.files.values_mut() {
            // What is pinned otherwise may be refused or not any more, and what did not take one config may take another: it
            // is looked at again.
            if !is_same || is_of_a_config(&file.state) {
                file.stamp = None;
            }
        }
        known.settings = settings;
        Self {
            engine: self.engine.clone(),
            bundled: Arc::clone(&self.bundled),
            known: Mutex::new(known),
            turns: Arc::clone(&self.turns),
            vault: self.vault.clone(),
            past: self.past.clone(),
            cache: self.cache.clone(),
            compiler: self.compiler.clone(),
        }
    }

    /// Has all be as it is in one that was made beside this one, but for plugins that have changed here meanwhile.
    pub fn keep(&self, beside: &Self) {
        let mut next = beside.known().clone();
        let mut known = self.known();
        for (name, current) in &known.current {
            let before = next.began_with.get(name);
            if before == Some(&current.plugin.digest())
                || !self.permits(&next.settings, name, current)
            {
                continue;
            }
            next.current.insert(name.clone(), current.clone());
            if let Source::File(path) = &current.source
                && let Some(file) = next.files.get_mut(path)
            {
                file.stamp = None;
            }
        }
        next.began_with.clear();
        next.marks = mem::take(&mut known.marks);
        *known = next;
    }

    /// Has a plugin that came of a file not be had, since it does not take a config; says whether there is another in its file.
    pub fn withdraw(&self, name: &str, reason: &str) -> bool {
        let mut known = self.known();
        let Some(current) = known.current.get(name) else {
            return false;
        };
        let Source::File(path) = current.source.clone() else {
            return false;
        };
        let digest = current.plugin.digest();
        known.current.remove(name);
        let Some(file) = known.files.get_mut(&path) else {
            return true;
        };
        let is_it = file.digest == Some(digest) && file.stamp == Found::of(&path, name).stamp;
        if is_it {
            file.state = FileState::Refused(refusal(Why::Configure, reason));
        }
        !is_it
    }

    /// Whether the current plugin of this name came of a file.
    pub fn is_of_a_file(&self, name: &str) -> bool {
        let known = self.known();
        let current = known.current.get(name);
        current.is_some_and(|current| matches!(current.source, Source::File(_)))
    }

    /// Whether a plugin may be current under these settings.
    fn permits(&self, settings: &Settings, name: &str, current: &Current) -> bool {
        let digest = current.plugin.digest();
        match &current.source {
            Source::Bundled => settings.allow.get(name).is_none_or(|pin| *pin == digest),
            Source::File(path) => {
                let is_there = settings.directory.as_deref() == path.parent();
                is_there && self.objection(settings, name, digest).is_none()
            }
        }
    }
}

fn digests(current: &BTreeMap<String, Current>) -> BTreeMap<String, Digest> {
    let digests = current.iter();
    digests
        .map(|(name, current)| (name.clone(), current.plugin.digest()))
        .collect()
}

/// Whether it is a config of a processor that a file is refused for, and not what is in the file alone.
fn is_of_a_config(state: &FileState) -> bool {
    matches!(state, FileState::Refused(refusal) if matches!(refusal.why, Why::Configure | Why::Trial))
}
