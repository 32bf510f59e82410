//! What plugins are in service: which are current, and which have failed there.

use std::sync::Arc;

use super::{FileState, Found, Plugin, Registry, log_refusal, refusal};
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
        let (name, digest) = (failed.name(), failed.digest());
        let reason = format!(
            "it failed in service ({}), and the version before it was put back: put another file in its place",
            cause.name()
        );
        let mut known = self.known();
        if let Some(current) = known.current.get_mut(name) {
            current.plugin = Arc::clone(old);
        }
        let refused = refusal(Why::RolledBack, &reason);
        let files = known.files.iter_mut();
        for (path, file) in files.filter(|(_, file)| file.digest == Some(digest)) {
            if file.name == name {
                log_refusal(name, path, Some(digest), &refused);
                file.state = FileState::Refused(refused.clone());
            }
        }
        known.marks.insert(name.to_owned(), (digest, reason));
    }

    /// Remembers that a plugin has done well in service.
    pub fn prove(&self, plugin: &Plugin) {
        tracing::info!(
            plugin = plugin.name(),
            version = plugin.version(),
            digest = %plugin.digest(),
            "plugin has passed its trial"
        );
    }

    /// Why a component that failed in service is not used. A file with another one lifts the mark.
    pub(super) fn marked(&self, name: &str, digest: Digest) -> Option<Refusal> {
        let mut known = self.known();
        let (marked, reason) = known.marks.get(name)?;
        if *marked == digest {
            return Some(refusal(Why::RolledBack, reason));
        }
        known.marks.remove(name);
        None
    }

    /// The component that was in service before the one that a file holds, and that is marked.
    pub(super) fn last_good(&self, _found: &Found) -> Option<Arc<Plugin>> {
        None
    }
}
