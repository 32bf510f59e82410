//! Asking for the current plugin of a name, which is loaded if it is not yet.

use std::path::Path;
use std::sync::Arc;

use super::{Bundled, Current, Offer, Plugin, Registry, Source};
use crate::plugin::directory;
use crate::plugin::refusal::{Absent, Why};

impl Registry {
    /// The current plugin of this name, loaded if it is not yet.
    pub fn get(&self, name: &str) -> Result<Arc<Plugin>, Absent> {
        let plugin = match self.current(name) {
            Some(current) => Ok(current),
            None => self.find(name),
        };
        let mut known = self.known();
        match &plugin {
            Ok(_) => {
                known.absent.remove(name);
            }
            Err(absent) if absent.may_come() => {
                known.absent.insert(name.to_owned(), absent.clone());
            }
            Err(_) => {}
        }
        drop(known);
        plugin
    }

    fn find(&self, name: &str) -> Result<Arc<Plugin>, Absent> {
        let _turn = self.turns.take(name);
        // Another may have found it meanwhile.
        if let Some(current) = self.current(name) {
            return Ok(current);
        }
        let directory = self.directory();
        let found = directory
            .as_deref()
            .and_then(|directory| directory::find(directory, name));
        let mut refused = None;
        if let Some(found) = found {
            match self.offer_in_turn(&found, true) {
                Offer::Fit(plugin) => {
                    self.adopt(&plugin, &found);
                    return Ok(plugin);
                }
                Offer::Refused(refusal) => {
                    if refusal.why == Why::RolledBack
                        && let Some(good) = self.last_good(&found)
                    {
                        return Ok(good);
                    }
                    refused = Some(refusal);
                }
                Offer::Current | Offer::Unfinished => {}
            }
        }
        if let Some(bundled) = self.bundled.iter().find(|bundled| bundled.name == name) {
            return self.find_bundled(bundled, directory.as_deref());
        }
        Err(match (directory, refused) {
            (None, _) => Absent::Unknown,
            (Some(directory), None) => Absent::Missing(directory::path(&directory, name)),
            (Some(directory), Some(refusal)) => {
                Absent::Refused(directory::path(&directory, name), refusal)
            }
        })
    }

    /// A bundled plugin, in the turn of its name.
    fn find_bundled(
        &self,
        bundled: &Bundled,
        directory: Option<&Path>,
    ) -> Result<Arc<Plugin>, Absent> {
        let digest = bundled.digest();
        let pin = self.known().settings.allow.get(bundled.name).copied();
        if let Some(allowed) = pin.filter(|pin| *pin != digest) {
            return Err(Absent::Pinned {
                allowed,
                bundled: digest,
                path: directory.map(|directory| directory::path(directory, bundled.name)),
            });
        }
        let plugin = self.load(bundled.name, bundled.wasm, None);
        let plugin = Arc::new(plugin.map_err(Absent::Broken)?);
        let current = Current {
            plugin: Arc::clone(&plugin),
            source: Source::Bundled,
        };
        self.known()
            .current
            .insert(bundled.name.to_owned(), current);
        Ok(plugin)
    }

    /// Loads the bundled plugins that are not loaded yet.
    pub fn load_bundled(&self) {
        for bundled in self.bundled.iter() {
            let _turn = self.turns.take(bundled.name);
            if self.current(bundled.name).is_none() {
                // What is wrong with it is said by whoever needs it.
                let _absent = self.find_bundled(bundled, None);
            }
        }
    }
}
