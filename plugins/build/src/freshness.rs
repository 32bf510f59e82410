//! Tells cargo what a build script's guests are made of, so that it runs again when that changes and not otherwise.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result};

/// Watches every source file of an artifact, by the list that cargo leaves beside it, and their crates' manifests.
pub(crate) fn watch_sources(artifact: &Path) -> Result<()> {
    let list = artifact.with_extension("d");
    let text = fs::read_to_string(&list).with_context(|| format!("read {}", list.display()))?;
    let mut files = BTreeSet::new();
    for source in sources(&text) {
        if let Some(manifest) = manifest(&source) {
            files.insert(manifest);
        }
        files.insert(source);
    }
    for file in &files {
        watch(file);
    }
    Ok(())
}

/// Watches what decides versions and profiles.
pub(crate) fn watch_workspace() -> Result<()> {
    let package = env::var_os("CARGO_MANIFEST_DIR").context("CARGO_MANIFEST_DIR is not set")?;
    let package = PathBuf::from(package);
    if let Some(lock) = package
        .ancestors()
        .map(|folder| folder.join("Cargo.lock"))
        .find(|lock| lock.is_file())
    {
        watch(&lock);
        watch(&lock.with_extension("toml"));
    }
    watch(&package.join("build.rs"));
    Ok(())
}

/// The paths of a dep-info file: `artifact: source source ..`, a space in a path escaped.
fn sources(dep_info: &str) -> Vec<PathBuf> {
    let Some((_, list)) = dep_info
        .lines()
        .next()
        .and_then(|line| line.split_once(": "))
    else {
        return Vec::new();
    };
    list.replace("\\ ", "\0")
        .split_whitespace()
        .map(|path| PathBuf::from(path.replace('\0', " ")))
        .collect()
}

fn manifest(source: &Path) -> Option<PathBuf> {
    source
        .ancestors()
        .skip(1)
        .map(|folder| folder.join("Cargo.toml"))
        .find(|manifest| manifest.is_file())
}

#[expect(clippy::print_stdout, reason = "how a build script talks to cargo")]
pub(crate) fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dep_info_line_gives_its_sources() {
        let text = "/t/redact.wasm: /w/a.rs /w/with\\ space/b.rs\n\n/w/a.rs:\n";
        assert_eq!(
            sources(text),
            [
                PathBuf::from("/w/a.rs"),
                PathBuf::from("/w/with space/b.rs")
            ]
        );
    }

    #[test]
    fn an_empty_dep_info_file_gives_none() {
        assert!(sources("").is_empty());
    }
}
