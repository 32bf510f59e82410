//! Makes what completes core modules: the adapter, and the section that names the contract's world.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::{freshness, write_if_changed};

/// The world of the adapter's imports, beside the contract's.
const WORLD: &str = "package otlet:adapter; world adapter { import otlet:plugin/host@0.1.0; }";

/// Writes to `OUT_DIR` the adapter as `preview1.wasm`, with the type of its imports in it, and as `plugin.world` the custom
/// section of a core module of the contract's world.
///
/// For build scripts alone, as [`guests`](crate::guests) is.
pub fn adapter(source: &Path, wit: &Path) -> Result<()> {
    let out = PathBuf::from(
        env::var_os("OUT_DIR").context("OUT_DIR is not set: call this from a build script")?,
    );
    let mut resolve = Resolve::default();
    let (contract, files) = resolve.push_dir(wit)?;
    let own = resolve.push_str("adapter.wit", WORLD)?;

    let mut module = fs::read(source).with_context(|| format!("read {}", source.display()))?;
    let world = resolve.select_world(&[own], None)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    write_if_changed(&out.join("preview1.wasm"), &module)?;

    let mut section = vec![];
    let world = resolve.select_world(&[contract], None)?;
    embed_component_metadata(&mut section, &resolve, world, StringEncoding::UTF8, false)?;
    write_if_changed(&out.join("plugin.world"), &section)?;

    freshness::watch(source);
    for file in files.paths() {
        freshness::watch(file);
    }
    Ok(())
}
