//! What there is to be said of the plugins and files of a registry.

use std::path::{Path, PathBuf};

use super::{Bundled, Current, File, FileState, Plugin, refusal};
use crate::batch::Signal;
use crate::plugin::refusal::{Absent, Refusal, Why};
use crate::plugin::settings::Digest;

/// One plugin, or one file that is to be one.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub source: Source,
    /// The digest of its component, if that could be read.
    pub digest: Option<Digest>,
    /// What it says of itself, once it was loaded.
    pub about: Option<About>,
    /// What is to be said of it.
    pub state: State,
}

/// What is shown of a plugin that was loaded, whether it still is or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// What it calls itself, if it does.
    pub called: Option<String>,
    /// Its version, if it gives one.
    pub version: Option<String>,
    /// The signals that it works on.
    pub signals: Vec<Signal>,
}

/// Where a plugin comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// It is a part of otlet.
    Bundled,
    /// A file of the plugin directory.
    File(PathBuf),
}

/// What a plugin or a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// What processors that name it get.
    Current,
    /// It could be used, and nothing uses it yet.
    Available,
    /// It is not used.
    Refused(Refusal),
    /// A processor names it, and it is not there.
    Missing(Absent),
}

impl About {
    pub(super) fn of(plugin: &Plugin) -> Self {
        let manifest = plugin.manifest();
        Self {
            called: manifest.name.clone(),
            version: manifest.version.clone(),
            signals: manifest.signals.clone(),
        }
    }
}

impl Entry {
    pub(super) fn current((name, current): (&String, &Current)) -> Self {
        Self {
            name: name.clone(),
            source: current.source.clone(),
            digest: Some(current.plugin.digest()),
            about: Some(About::of(&current.plugin)),
            state: State::Current,
        }
    }

    /// A bundled plugin that was not asked for yet, with the digest that the config allows.
    pub(super) fn bundled(bundled: &Bundled, pin: Option<&Digest>) -> Self {
        let digest = bundled.digest();
        let state = match pin.filter(|pin| **pin != digest) {
            Some(pin) => State::Refused(refusal(
                Why::Digest,
                &format!("`plugins.allow` names {pin} for this name"),
            )),
            None => State::Available,
        };
        Self {
            name: bundled.name.to_owned(),
            source: Source::Bundled,
            digest: Some(digest),
            about: None,
            state,
        }
    }

    /// What is not there; nothing where another entry says why.
    pub(super) fn missing(name: &str, absent: &Absent) -> Option<Self> {
        let (Absent::Missing(path)
        | Absent::Pinned {
            path: Some(path), ..
        }) = absent
        else {
            return None;
        };
        Some(Self {
            name: name.to_owned(),
            source: Source::File(path.clone()),
            digest: None,
            about: None,
            state: State::Missing(absent.clone()),
        })
    }

    /// A file, unless its plugin is the current one.
    pub(super) fn file(path: &Path, file: &File) -> Option<Self> {
        let (about, state) = match &file.state {
            FileState::Available(about) => (Some(about.clone()), State::Available),
            FileState::Adopted => return None,
            FileState::Refused(refusal) => (None, State::Refused(refusal.clone())),
        };
        Some(Self {
            name: file.name.clone(),
            source: Source::File(path.to_owned()),
            digest: file.digest,
            about,
            state,
        })
    }
}
