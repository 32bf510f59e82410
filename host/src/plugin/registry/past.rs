//! What is remembered over restarts of the plugins of a directory: which component failed in service, and the last one of each
//! that did well.
//!
//! It is kept in the vault, by the path of the plugin's file: otlets that share a vault may have different directories.
//! Without a vault it is forgotten at a restart, and that is said when there is something to forget. What was not asked for in
//! the longest time makes room.

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use crate::plugin::load::LARGEST;
use crate::plugin::settings::Digest;
use crate::plugin::text::shown;
use crate::plugin::vault::Vault;

/// What the names of the files end with.
const MARK: &str = ".mark";
const GOOD: &str = ".good";

/// The most bytes of a mark.
const LONGEST_MARK: u64 = 4 << 10;

/// The most files of a kind. What no otlet asks for any more goes first: a plugin that is not used has no need of its past.
const MOST: usize = 256;

/// The most bytes of all files of a kind.
const MOST_BYTES: u64 = 512 << 20;

/// A component that failed in service, with the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) digest: Digest,
    pub(super) reason: String,
}

/// What is remembered.
#[derive(Clone, Debug)]
pub(super) struct Past(Option<Arc<Vault>>);

impl Past {
    pub(super) fn new(vault: Option<Arc<Vault>>) -> Self {
        Self(vault)
    }

    /// The mark of the plugin of this file.
    pub(super) fn mark(&self, file: &Path) -> Option<Mark> {
        let held = self.read(file, MARK, LONGEST_MARK)?;
        let json: serde_json::Value = serde_json::from_slice(&held).ok()?;
        Some(Mark {
            digest: Digest::read(json.get("digest")?.as_str()?)?,
            reason: json.get("reason")?.as_str()?.to_owned(),
        })
    }

    /// Remembers a mark, or that there is none any more.
    pub(super) fn set_mark(&self, file: &Path, mark: Option<&Mark>) {
        let Some(vault) = &self.0 else {
            if mark.is_some() {
                tracing::warn!(
                    file = shown(file),
                    "there is no folder to remember in that a plugin failed: after a restart its file is used again, \
                     unless it was changed; `plugins.cache` names a folder"
                );
            }
            return;
        };
        let name = name(file, MARK);
        let kept = match mark {
            Some(Mark { digest, reason }) => {
                let mark = json!({"digest": digest.to_string(), "reason": reason});
                vault
                    .write(&name, mark.to_string().as_bytes())
                    .and_then(|()| vault.prune(MARK, MOST, MOST_BYTES))
            }
            None => vault.remove(&name),
        };
        tell(file, kept);
    }

    /// The last component of the plugin of this file that did well.
    pub(super) fn good(&self, file: &Path) -> Option<Vec<u8>> {
        self.read(file, GOOD, u64::try_from(LARGEST).unwrap_or(u64::MAX))
    }

    /// Remembers a component that does well.
    pub(super) fn set_good(&self, file: &Path, wasm: &[u8]) {
        if let Some(vault) = &self.0 {
            let kept = vault.write(&name(file, GOOD), wasm);
            tell(
                file,
                kept.and_then(|()| vault.prune(GOOD, MOST, MOST_BYTES)),
            );
        }
    }

    /// What the vault holds; what it does not hold whole is not there.
    fn read(&self, file: &Path, ending: &str, most: u64) -> Option<Vec<u8>> {
        let (vault, name) = (self.0.as_ref()?, name(file, ending));
        match vault.read(&name, most) {
            Ok(held) => {
                // That it was asked for is lost, and it goes a little sooner.
                let _untouched = vault.touch(&name);
                Some(held)
            }
            Err(error) => {
                tell(file, Err(error));
                None
            }
        }
    }
}

fn tell(file: &Path, kept: io::Result<()>) {
    match kept {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(
                file = shown(file),
                %error,
                "what is to be remembered of a plugin cannot be read or written"
            );
        }
        _ => {}
    }
}

fn name(file: &Path, ending: &str) -> String {
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let stem = Digest::of(file.as_os_str().as_encoded_bytes());
    format!("{}{ending}", stem.hexadecimal())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::PathBuf;
    use std::time::{Duration, SystemTime};

    use super::*;

    fn past(folder: &tempfile::TempDir) -> Past {
        let vault = Vault::open(&folder.path().join("vault")).unwrap();
        Past::new(Some(Arc::new(vault)))
    }

    #[test]
    fn a_mark_is_remembered_by_the_files_path_until_it_is_lifted() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (Path::new("/a/one.wasm"), Path::new("/b/one.wasm"));
        let mark = Mark {
            digest: Digest::of(b"x"),
            reason: "it failed".to_owned(),
        };
        past(&folder).set_mark(one, Some(&mark));
        assert_eq!(past(&folder).mark(one), Some(mark));
        assert_eq!(past(&folder).mark(two), None);
        past(&folder).set_mark(one, None);
        assert_eq!(past(&folder).mark(one), None);
    }

    #[test]
    fn the_last_that_did_well_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let file = Path::new("one.wasm");
        assert_eq!(past(&folder).good(file), None);
        for wasm in [b"first", b"other"] {
            past(&folder).set_good(file, wasm);
            assert_eq!(past(&folder).good(file).as_deref(), Some(wasm.as_slice()));
        }
    }

    #[test]
    fn what_was_not_asked_for_in_the_longest_time_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let past = past(&folder);
        let file = |at: usize| PathBuf::from(format!("/plugins/{at}.wasm"));
        past.set_mark(
            &file(0),
            Some(&Mark {
                digest: Digest::of(b"x"),
                reason: "it failed".to_owned(),
            }),
        );
        for at in 0..MOST {
            past.set_good(&file(at), b"wasm");
        }
        // They were written long ago, and one of them was asked for since.
        let vault = past.0.as_ref().unwrap();
        for kept in vault.list(GOOD).unwrap() {
            let file = File::options()
                .write(true)
                .open(vault.path().join(kept.name));
            let long_ago = SystemTime::now() - Duration::from_hours(9);
            file.unwrap().set_modified(long_ago).unwrap();
        }
        assert!(past.good(&file(7)).is_some());
        for at in MOST..MOST + 9 {
            past.set_good(&file(at), b"wasm");
        }
        assert_eq!(vault.list(GOOD).unwrap().len(), MOST);
        for at in [7, MOST, MOST + 8] {
            assert!(past.good(&file(at)).is_some(), "{at}");
        }
        assert!(past.mark(&file(0)).is_some());
    }

    #[test]
    fn without_a_vault_nothing_is_remembered() {
        let past = Past::new(None);
        past.set_good(Path::new("a"), b"x");
        assert_eq!(past.good(Path::new("a")), None);
        past.set_mark(Path::new("a"), None);
        assert_eq!(past.mark(Path::new("a")), None);
    }
}
