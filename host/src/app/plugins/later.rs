//! Files that are to be offered again though they do not change: those that may be half-written, and those that could not be
//! tried for want of something.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::plugin::Found;

/// Such files as they were, by their paths, and when they are due.
#[derive(Default)]
pub(super) struct Later(BTreeMap<PathBuf, (Found, Instant)>);

impl Later {
    /// Has a file wait for so long, unless it changes.
    pub(super) fn put_off(&mut self, found: Found, after: Duration) {
        let due = Instant::now() + after;
        self.0.insert(found.path.clone(), (found, due));
    }

    /// Forgets all that are not among these, as they were.
    pub(super) fn keep(&mut self, changed: &[Found]) {
        self.0.retain(|_, (found, _)| changed.contains(found));
    }

    /// Whether a file was put off as it is.
    pub(super) fn has(&self, found: &Found) -> bool {
        self.0.get(&found.path).is_some_and(|(it, _)| it == found)
    }

    /// Whether it was, and is not due yet.
    pub(super) fn is_early(&self, found: &Found, now: Instant) -> bool {
        self.has(found) && (self.0.get(&found.path)).is_some_and(|(_, due)| *due > now)
    }

    /// How long it is until the next is due of those that were not yet.
    pub(super) fn next(&self, now: Instant) -> Option<Duration> {
        let due = self.0.values().map(|(_, due)| *due);
        let next = due.filter(|due| *due > now).min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use crate::plugin::{Registry, Settings};

    use super::*;

    /// The one file of a directory.
    fn found(directory: &tempfile::TempDir) -> Found {
        let settings = Settings {
            directory: Some(directory.path().to_owned()),
            ..Settings::default()
        };
        let registry = Registry::new(&[], settings, None, 1).unwrap();
        registry
            .changes(&BTreeSet::new())
            .unwrap()
            .changed
            .remove(0)
    }

    #[test]
    fn a_file_waits_until_it_is_due_or_changes() {
        const LONG: Duration = Duration::from_mins(1);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.wasm");
        fs::write(&path, "half").unwrap();
        let (half, now, mut later) = (found(&directory), Instant::now(), Later::default());
        assert!(!later.has(&half));
        later.put_off(half.clone(), LONG);
        assert!(later.has(&half) && later.is_early(&half, now));
        assert!(later.next(now).is_some_and(|next| next <= LONG));
        // It is offered when it is due, and not waited for any more.
        let due = now + 2 * LONG;
        assert!(later.has(&half) && !later.is_early(&half, due));
        assert_eq!(later.next(due), None);

        fs::write(&path, "the whole").unwrap();
        let whole = found(&directory);
        assert!(!later.has(&whole) && !later.is_early(&whole, now));
        later.keep(&[whole]);
        assert!(!later.has(&half));
    }
}
