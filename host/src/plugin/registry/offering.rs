//! Files that are offered: read, compiled and checked, and adopted or refused by whoever has tried them further.

use std::sync::Arc;

use super::{About, Current, File, FileState, Plugin, Registry, Source, log_refusal, refusal};
use crate::plugin::directory::{Found, Stamp, Unread};
use crate::plugin::load::{LARGEST, LoadError};
use crate::plugin::refusal::{Refusal, Why};
use crate::plugin::settings::{Digest, Settings};
use crate::plugin::text::shown;

/// What a file holds that may be used as far as its name and digest tell.
type Usable = (Vec<u8>, Digest, Stamp);

/// What became of a file that was offered.
#[derive(Clone, Debug)]
pub enum Offer {
    /// It holds what is current already, or what is known and was not asked for.
    Current,
    /// It keeps the contract: whoever tries it further adopts or refuses it.
    Fit(Arc<Plugin>),
    /// It cannot be used. One that is refused for want of something is to be offered again: see [`Why::is_passing`].
    Refused(Refusal),
    /// It cannot be used, and may be half-written: it is to be offered again, and is not refused yet.
    Unfinished,
}

impl Registry {
    /// Reads, compiles and checks a file. It may take long, and is not for a thread that carries telemetry. What is refused is
    /// logged, once. A file that is not `settled`, having been found like this before, may be half-written.
    pub fn offer(&self, found: &Found, settled: bool) -> Offer {
        let _turn = self.turns.take(&found.name);
        self.offer_in_turn(found, settled)
    }

    /// Does the same with a file that no processor uses, unless it is known already. Whoever drops its plugin loses nothing:
    /// what is shown of it is kept, and it is loaded again when it is asked for.
    pub fn inspect(&self, found: &Found, settled: bool) -> Offer {
        let _turn = self.turns.take(&found.name);
        let known = self.known().files.get(&found.path).cloned();
        let is_known = known.is_some_and(|file| {
            let is_available = matches!(file.state, FileState::Available(_));
            is_available && file.stamp.is_some() && file.stamp == found.stamp
        });
        if is_known {
            return Offer::Current;
        }
        self.offer_in_turn(found, settled)
    }

    /// What [`offer`](Self::offer) says, in the turn of the file's name.
    pub(super) fn offer_in_turn(&self, found: &Found, settled: bool) -> Offer {
        let before = self.known().files.get(&found.path).cloned();
        if let Some(before) = &before
            && before.stamp.is_some()
            && before.stamp == found.stamp
        {
            match &before.state {
                FileState::Adopted if self.current(&found.name).is_some() => {
                    return Offer::Current;
                }
                FileState::Refused(refusal) => return Offer::Refused(refusal.clone()),
                // It was tried, and what it was compiled to is gone.
                FileState::Available(_) | FileState::Adopted => {}
            }
        }
        let (digest, stamp, offer) = match self.read(found) {
            Ok((wasm, digest, stamp)) => {
                (Some(digest), Some(stamp), self.check(found, &wasm, digest))
            }
            Err((refusal, digest)) => (digest, found.stamp, Offer::Refused(refusal)),
        };
        let state = match &offer {
            Offer::Unfinished => return offer,
            Offer::Refused(refusal) if !settled && refusal.why.may_be_half_written() => {
                return Offer::Unfinished;
            }
            Offer::Current => FileState::Adopted,
            Offer::Fit(plugin) => FileState::Available(About::of(plugin)),
            Offer::Refused(refusal) => FileState::Refused(refusal.clone()),
        };
        if let FileState::Refused(refusal) = &state
            && !before.is_some_and(|file| file.is_refused_alike(digest, refusal))
        {
            log_refusal(&found.name, &found.path, digest, refusal);
        }
        let is_passing = matches!(&state, FileState::Refused(refusal) if refusal.why.is_passing());
        let file = File {
            name: found.name.clone(),
            stamp: stamp.filter(|_| !is_passing),
            digest,
            state,
        };
        self.known().files.insert(found.path.clone(), file);
        offer
    }

    /// The bytes of a file that may be used as far as its name and digest tell.
    fn read(&self, found: &Found) -> Result<Usable, (Refusal, Option<Digest>)> {
        if !found.is_named {
            let reason = "a plugin's name is a letter or digit, and then at most 62 of letters, digits, `_`, `-` and `.`: \
                          rename the file";
            return Err((refusal(Why::Name, reason), None));
        }
        let (wasm, stamp) = found.read().map_err(|unread| {
            let refusal = match unread {
                Unread::Large(size) => refusal(
                    Why::Large,
                    &format!("it has {size} bytes, more than {LARGEST}"),
                ),
                Unread::Wanting(reason) => refusal(Why::Engine, &reason),
                Unread::Other(reason) => refusal(Why::Unreadable, &reason),
            };
            (refusal, None)
        })?;
        let digest = Digest::of(&wasm);
        let objection = self.objection(&self.known().settings, &found.name, digest);
        match objection.or_else(|| self.marked(found, digest)) {
            Some(refusal) => Err((refusal, Some(digest))),
            None => Ok((wasm, digest, stamp)),
        }
    }

    /// Why a file of this name and digest may not be used.
    pub(super) fn objection(
        &self,
        settings: &Settings,
        name: &str,
        digest: Digest,
    ) -> Option<Refusal> {
        match settings.allow.get(name) {
            Some(pin) if *pin == digest => None,
            Some(pin) => {
                let reason = format!(
                    "its digest is {digest}, and `plugins.allow` names {pin} for this name"
                );
                Some(refusal(Why::Digest, &reason))
            }
            None if self.bundled.iter().any(|bundled| bundled.name == name) => {
                let reason = format!(
                    "a bundled plugin has this name, and stays in use: rename the file, or write \
                     `plugins: {{ allow: {{ {name}: {digest} }} }}` to use it instead"
                );
                Some(refusal(Why::Bundled, &reason))
            }
            None => None,
        }
    }

    fn check(&self, found: &Found, wasm: &[u8], digest: Digest) -> Offer {
        let current = self.current(&found.name);
        if current.is_some_and(|current| current.digest() == digest) {
            return Offer::Current;
        }
        match self.load(&found.name, wasm, self.compiler.as_ref()) {
            Ok(plugin) => Offer::Fit(Arc::new(plugin)),
            Err(LoadError { problem, .. }) => Offer::Refused(Refusal::from(&problem)),
        }
    }

    /// Makes a plugin that came of a file the current one of its name.
    pub fn adopt(&self, plugin: &Arc<Plugin>, found: &Found) {
        let mut known = self.known();
        let current = Current {
            plugin: Arc::clone(plugin),
            source: Source::File(found.path.clone()),
        };
        known.current.insert(found.name.clone(), current);
        if let Some(file) = known.files.get_mut(&found.path) {
            file.state = FileState::Adopted;
        }
        tracing::info!(
            plugin = found.name,
            version = plugin.version(),
            digest = %plugin.digest(),
            file = shown(&found.path),
            "plugin loaded"
        );
    }

    /// Remembers that a plugin that came of a file is not used, until the file changes. What is current stays.
    pub fn refuse(&self, plugin: &Plugin, found: &Found, refusal: Refusal) {
        let current = self.current(&found.name);
        if current.is_some_and(|current| current.digest() == plugin.digest()) {
            // Another config came meanwhile, which it takes.
            return;
        }
        log_refusal(&found.name, &found.path, Some(plugin.digest()), &refusal);
        if let Some(file) = self.known().files.get_mut(&found.path) {
            file.state = FileState::Refused(refusal);
        }
    }
}

impl File {
    fn is_refused_alike(&self, digest: Option<Digest>, refusal: &Refusal) -> bool {
        self.digest == digest
            && matches!(&self.state, FileState::Refused(before) if before == refusal)
    }
}
