//! What there is: the plugins and files to be shown, and what has changed in the directory.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use super::{About, Entry, File, FileState, Known, Plugin, Registry, Source, refusal};
use crate::plugin::directory::{self, Found, Listed};
use crate::plugin::refusal::Why;
use crate::plugin::text::shown;

/// What has changed in the plugin directory.
#[derive(Debug, Default)]
pub struct Changes {
    /// The files that are new, or not as they were when they were last offered.
    pub changed: Vec<Found>,
    /// The names of plugins whose files are no longer there; what is current stays.
    pub gone: Vec<String>,
    /// Whether something that no processor uses is held by what is still ending.
    pub is_held: bool,
}

impl Registry {
    /// What has changed in the directory since its files were offered, with the files of the plugins that processors use first
    /// among those that are looked at. A directory that is not there has no files.
    ///
    /// What none of them uses any more, in any way, is compiled for nobody, and is let go of.
    pub fn changes(&self, used: &BTreeSet<String>) -> io::Result<Changes> {
        let Some(directory) = self.directory() else {
            return Ok(Changes::default());
        };
        let listed = match directory::list(&directory, used) {
            Ok(listed) => listed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Listed::default(),
            Err(error) => return Err(error),
        };
        let Listed { files, beyond } = listed;
        let mut known = self.known();
        if known.settings.directory.as_ref() != Some(&directory) {
            return Ok(Changes::default());
        }
        let gone = known.forget_gone(&files, &beyond);
        let (unused, is_held) = known.let_go(used);
        known.refuse_beyond(&beyond);
        let changed = files.into_iter().filter(|found| {
            let seen = known.files.get(&found.path);
            seen.is_none_or(|file| file.stamp.is_none() || file.stamp != found.stamp)
        });
        let changed = changed.collect();
        drop(known);
        // That gives memory back to the system, which takes a moment.
        drop(unused);
        Ok(Changes {
            changed,
            gone,
            is_held,
        })
    }

    /// The names of the bundled plugins, and of the directory's files that are not refused.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.bundled.iter().map(|one| one.name.to_owned()).collect();
        let known = self.known();
        let files = known.files.values();
        names.extend(
            files
                .filter(|file| !matches!(file.state, FileState::Refused(_)))
                .map(|file| file.name.clone()),
        );
        names.sort();
        names.dedup();
        names
    }

    /// Every plugin, loaded or not, and every file that is refused, by name.
    pub fn list(&self) -> Vec<Entry> {
        let known = self.known();
        let mut entries: Vec<_> = known.current.iter().map(Entry::current).collect();
        let unused = self
            .bundled
            .iter()
            .filter(|bundled| !known.current.contains_key(bundled.name));
        entries.extend(
            unused.map(|bundled| Entry::bundled(bundled, known.settings.allow.get(bundled.name))),
        );
        entries.extend(
            known
                .files
                .iter()
                .filter_map(|(path, file)| Entry::file(path, file)),
        );
        let absent = known.absent.iter();
        entries.extend(absent.filter_map(|(name, absent)| Entry::missing(name, absent)));
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries
    }
}

impl Known {
    /// Forgets the files that are not there any more, and gives their plugins' names.
    fn forget_gone(&mut self, files: &[Found], beyond: &[Found]) -> Vec<String> {
        let there: BTreeSet<_> = files.iter().chain(beyond).map(|it| &it.path).collect();
        let mut gone = vec![];
        self.files.retain(|path, file| {
            let stays = there.contains(path);
            if !stays {
                gone.push(file.name.clone());
            }
            stays
        });
        // That there is no mark can be found out again.
        self.marks
            .retain(|path, mark| mark.is_some() || there.contains(path));
        gone
    }

    /// Takes what came of a file and nothing uses from what is current, and gives it to be dropped, with whether there is more
    /// that is not used and still held.
    fn let_go(&mut self, used: &BTreeSet<String>) -> (Vec<Arc<Plugin>>, bool) {
        let Self { current, files, .. } = self;
        let (mut unused, mut is_held) = (vec![], false);
        current.retain(|name, current| {
            let Source::File(path) = &current.source else {
                return true;
            };
            if used.contains(name) {
                return true;
            }
            if Arc::strong_count(&current.plugin) > 1 {
                is_held = true;
                return true;
            }
            let adopted = files.get_mut(path);
            if let Some(file) = adopted.filter(|file| matches!(file.state, FileState::Adopted)) {
                file.state = FileState::Available(About::of(&current.plugin));
            }
            unused.push(Arc::clone(&current.plugin));
            false
        });
        (unused, is_held)
    }

    /// Remembers the files that are too many, which are not looked at before there are fewer.
    fn refuse_beyond(&mut self, beyond: &[Found]) {
        let reason = format!(
            "the directory has more than {} plugins, and this one is used by no processor: remove what is not needed",
            directory::MOST
        );
        if let Some(first) = beyond.first().filter(|_| !self.is_crowded) {
            tracing::warn!(
                plugin = first.name,
                file = shown(&first.path),
                "the plugin directory has more than {} plugins: this file and those that follow it by name are not looked at, \
                 unless a processor uses them",
                directory::MOST
            );
        }
        self.is_crowded = !beyond.is_empty();
        for found in beyond {
            let file = File {
                name: found.name.clone(),
                stamp: None,
                digest: None,
                state: FileState::Refused(refusal(Why::Many, &reason)),
            };
            self.files.insert(found.path.clone(), file);
        }
    }
}
