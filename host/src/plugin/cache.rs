//! Compiled code on disk, so that a start need not compile what did not change.
//!
//! Loading it is loading native code: it is taken from a [`Vault`] alone, and mapped from its file. Whatever is wrong with the cache costs a compilation
//! and nothing else.

use std::ffi::OsString;
use std::fs::File;
use std::hash::{Hash as _, Hasher};
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use super::engine::Engine;
use super::settings::Digest;
use super::vault::Vault;

/// What the names of its files end with.
const ENDING: &str = ".code";

/// The most bytes of one file: the code of a Python plugin, the largest measured, has 130 MiB.
const LARGEST: u64 = 512 << 20;

/// The most bytes of all.
const MOST: u64 = 1 << 30;

/// Compiled code in a folder.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    vault: Arc<Vault>,
    most: u64,
}

impl Cache {
    pub(super) fn new(vault: Arc<Vault>) -> Self {
        Self { vault, most: MOST }
    }

    /// The code of a component, if this engine can run it.
    pub(super) fn load(&self, engine: &Engine, wasm: Digest) -> Option<Component> {
        let name = name(engine, wasm);
        match self.map(engine, &name) {
            Ok(component) => {
                // That it was used is lost, and it goes a little sooner.
                let _untouched = self.vault.touch(&name);
                Some(component)
            }
            Err(error) => {
                let io = error.downcast_ref::<io::Error>();
                if io.is_none_or(|error| error.kind() != io::ErrorKind::NotFound) {
                    tracing::warn!(file = name, error = %format!("{error:#}"), "compiled code is not usable, and is made again");
                }
                None
            }
        }
    }

    /// The code in a file, mapped if that is possible: then what nobody runs takes no memory.
    fn map(&self, engine: &Engine, name: &str) -> wasmtime::Result<Component> {
        let file = self.vault.open_file(name, LARGEST)?;
        match deserialize_file(engine, &file) {
            Ok(component) => Ok(component),
            // Where there is no `/proc`, say. What is wrong with the code is said once more.
            Err(_unmapped) => deserialize(engine, &self.vault.read(name, LARGEST)?),
        }
    }

    /// Keeps the code of a component, and removes what was not used for the longest time if there is too much.
    pub(super) fn keep(&self, engine: &Engine, wasm: Digest, component: &Component) {
        let kept = component
            .serialize()
            .map_err(|error| io::Error::other(format!("{error:#}")));
        let kept = kept.and_then(|code| self.vault.write(&name(engine, wasm), &code));
        let pruned = kept.and_then(|()| self.vault.prune(ENDING, usize::MAX, self.most));
        if let Err(error) = pruned {
            tracing::warn!(
                folder = %self.vault.path().display(), %error,
                "compiled code cannot be kept: the next start compiles it again"
            );
        }
    }
}

/// Where compiled code is kept unless the config says otherwise: in `otlet` of the user's folder for such things, if the
/// environment, asked by `lookup`, has one.
pub fn default_cache(lookup: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name: &str| {
        lookup(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let caches = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")))?;
    Some(caches.join("otlet"))
}

/// What the code of a component is called: another for each component, version of wasmtime and of otlet, settings of the engine
/// and features of the CPU.
fn name(engine: &Engine, wasm: Digest) -> String {
    let mut key = Key(Sha256::new());
    engine
        .wasmtime()
        .precompile_compatibility_hash()
        .hash(&mut key);
    key.write(env!("CARGO_PKG_VERSION").as_bytes());
    key.write(wasm.hexadecimal().as_bytes());
    let key: [u8; 32] = key.0.finalize().into();
    format!("{}{ENDING}", Digest::from(key).hexadecimal())
}

/// What is hashed, as a digest that is the same in every process.
struct Key(Sha256);

impl Hasher for Key {
    fn write(&mut self, bytes: &[u8]) {
        // Each piece with its length, so that no two rows of pieces are the same bytes.
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

// Measured: the four bundled plugins are there in 0.03 s of CPU time in place of 7.9 (BENCHMARKS.md).
#[expect(
    unsafe_code,
    reason = "native code is loaded as it is, which no check can make safe"
)]
pub(super) fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the code was serialized by wasmtime in an otlet of the same user. It comes from a folder that this user alone can
    // write, which was checked on the handle that it was read through, and its digest says that it is undamaged; or over a
    // pipe from a child that is this very program, whose compiler is trusted as if it ran in this process. Code of other
    // versions and settings wasmtime refuses itself.
    unsafe { Component::deserialize(engine.wasmtime(), code) }
}

/// The same, mapped from an open file of the vault.
#[expect(
    unsafe_code,
    reason = "native code is loaded as it is, which no check can make safe"
)]
fn deserialize_file(engine: &Engine, file: &File) -> wasmtime::Result<Component> {
    // By its number, so that it is the file that was checked, whatever has its name by now.
    let folder = if cfg!(target_os = "linux") {
        "/proc/self/fd"
    } else {
        "/dev/fd"
    };
    let path = format!("{folder}/{}", file.as_raw_fd());
    // SAFETY: as above. A file of the vault is never written again once it has its name, but replaced or removed, which leaves
    // what is mapped as it is; and this user alone can open it.
    unsafe { Component::deserialize_file(engine.wasmtime(), path) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use otlet_tests::guests;
    use tempfile::TempDir;

    use super::super::load::Plugin;
    use super::*;

    fn cache() -> (TempDir, Engine, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(&folder.path().join("cache")).unwrap();
        (folder, Engine::new(1).unwrap(), Cache::new(Arc::new(vault)))
    }

    fn load(engine: &Engine, wasm: &[u8], cache: &Cache) -> Plugin {
        Plugin::load_with(engine, "echo", wasm, Some(cache), None).unwrap()
    }

    #[test]
    fn what_was_compiled_is_loaded_by_another_engine_of_the_same_settings() {
        let (_folder, engine, cache) = cache();
        let digest = Digest::of(guests::ECHO);
        assert!(cache.load(&engine, digest).is_none());
        let compiled = load(&engine, guests::ECHO, &cache);
        let another = Engine::new(3).unwrap();
        assert!(cache.load(&another, digest).is_some());
        let loaded = load(&another, guests::ECHO, &cache);
        assert_eq!(loaded.manifest(), compiled.manifest());
        assert!(cache.load(&engine, Digest::of(guests::BAD)).is_none());
    }

    #[test]
    fn damaged_code_is_made_again() {
        let (folder, engine, cache) = cache();
        load(&engine, guests::ECHO, &cache);
        let digest = Digest::of(guests::ECHO);
        let file = folder.path().join("cache").join(name(&engine, digest));
        let whole = fs::read(&file).unwrap();
        for (at, byte) in [(0, 0xff), (40, 0xff), (whole.len() / 2, 0xff)] {
            let mut damaged = whole.clone();
            damaged[at] ^= byte;
            fs::write(&file, &damaged).unwrap();
            assert!(cache.load(&engine, digest).is_none(), "{at}");
        }
        // Undamaged, but no code.
        cache
            .vault
            .write(&name(&engine, digest), b"\x7fELF")
            .unwrap();
        assert!(cache.load(&engine, digest).is_none());
        load(&engine, guests::ECHO, &cache);
        assert!(cache.load(&engine, digest).is_some());
    }

    #[test]
    fn a_folder_that_cannot_be_written_costs_the_compilation_alone() {
        let (folder, engine, cache) = cache();
        fs::remove_dir_all(folder.path()).unwrap();
        assert_eq!(load(&engine, guests::ECHO, &cache).name(), "echo");
        assert!(cache.load(&engine, Digest::of(guests::ECHO)).is_none());
    }

    #[test]
    fn what_was_used_last_stays_within_the_bound() {
        let (_folder, engine, mut cache) = cache();
        cache.vault.write("mark", &[0; 5_000]).unwrap();
        let plugin = load(&engine, guests::ECHO, &cache);
        let size = cache.vault.list(ENDING).unwrap()[0].size;
        cache.most = size * 5 / 2;
        let component = cache.load(&engine, plugin.digest()).unwrap();
        for wasm in [b"first", b"other"] {
            cache.keep(&engine, Digest::of(wasm), &component);
            assert!(cache.load(&engine, plugin.digest()).is_some());
        }
        let kept = cache.vault.list(ENDING).unwrap();
        assert_eq!(kept.len(), 2, "{kept:?}");
        assert!(cache.load(&engine, Digest::of(b"first")).is_none());
        assert!(cache.load(&engine, plugin.digest()).is_some());
        assert_eq!(cache.vault.list("mark").unwrap().len(), 1);
    }

    #[test]
    fn the_users_folder_is_used_where_there_is_one() {
        let environment = |xdg: &'static str, home: &'static str| {
            default_cache(move |name| match name {
                "XDG_CACHE_HOME" if !xdg.is_empty() => Some(xdg.into()),
                "HOME" if !home.is_empty() => Some(home.into()),
                _ => None,
            })
        };
        assert_eq!(environment("/c", "/h"), Some("/c/otlet".into()));
        assert_eq!(environment("", "/h"), Some("/h/.cache/otlet".into()));
        assert_eq!(
            environment("relative", "/h"),
            Some("/h/.cache/otlet".into())
        );
        assert_eq!(environment("", ""), None);
    }
}
