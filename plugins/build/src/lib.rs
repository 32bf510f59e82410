//! Builds guests for build scripts: compiles Rust crates to WebAssembly, makes components of them and writes a Rust file
//! with one constant each.
//!
//! ```no_run
//! // build.rs
//! use otlet_build::{Guest, Kind};
//!
//! fn main() -> anyhow::Result<()> {
//!     otlet_build::guests(&[Guest {
//!         package: "plugin-redact",
//!         library: "redact",
//!         kind: Kind::Contract,
//!     }])
//! }
//! ```
//!
//! and in the crate `include!(concat!(env!("OUT_DIR"), "/guests.rs"));`, which has `pub const REDACT: &[u8]`.

mod adapter;
mod compile;
mod component;
mod freshness;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result};

pub use adapter::adapter;

/// A crate of this workspace that becomes a guest. Its `[lib]` is a `cdylib`.
#[derive(Clone, Copy, Debug)]
pub struct Guest {
    /// The package, as `cargo build -p` takes it.
    pub package: &'static str,
    /// The name of its library, which names the constant too: `redact` gives `REDACT`.
    pub library: &'static str,
    /// What it may import.
    pub kind: Kind,
}

impl Guest {
    /// What its file and its constant are called.
    fn name(&self) -> String {
        match self.kind {
            Kind::Module => format!("{}_module", self.library),
            Kind::Contract | Kind::Wasi => self.library.to_owned(),
        }
    }
}

/// What a guest may import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The contract and nothing else: `wasm32-unknown-unknown`, asserted.
    Contract,
    /// The same, left as the core module that cargo makes; its constant is called `.._MODULE`.
    Module,
    /// WASI too: `wasm32-wasip2`, as plain cargo builds it.
    Wasi,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Contract, Self::Module, Self::Wasi];

    fn target(self) -> &'static str {
        match self {
            Self::Contract | Self::Module => "wasm32-unknown-unknown",
            Self::Wasi => "wasm32-wasip2",
        }
    }
}

/// Builds the guests, and writes their components and `guests.rs` to `OUT_DIR`.
///
/// For build scripts alone: it reads cargo's environment and prints cargo's directives.
pub fn guests(guests: &[Guest]) -> Result<()> {
    let out = PathBuf::from(
        env::var_os("OUT_DIR").context("OUT_DIR is not set: call this from a build script")?,
    );
    let target_folder = compile::target_folder(&out)?;
    for kind in Kind::ALL {
        let packages: Vec<_> = guests
            .iter()
            .filter(|guest| guest.kind == kind)
            .map(|guest| guest.package)
            .collect();
        if !packages.is_empty() {
            compile::build(kind, &packages, &target_folder)?;
        }
    }
    let mut constants = String::new();
    for guest in guests {
        let module = compile::artifact(guest, &target_folder);
        embed(guest, &module, &out)
            .with_context(|| format!("make a component of {}", guest.package))?;
        freshness::watch_sources(&module)?;
        let (package, name) = (guest.package, guest.name());
        writeln!(
            constants,
            "/// Made of the crate `{package}`.\npub const {}: &[u8] = include_bytes!(\"{name}.wasm\");",
            name.to_uppercase(),
        )?;
    }
    freshness::watch_workspace()?;
    write_if_changed(&out.join("guests.rs"), constants.as_bytes())
}

fn embed(guest: &Guest, module: &Path, out: &Path) -> Result<()> {
    let wasm = fs::read(module).with_context(|| format!("read {}", module.display()))?;
    let component = match guest.kind {
        Kind::Contract => component::of_module(&wasm)?,
        Kind::Module | Kind::Wasi => wasm,
    };
    write_if_changed(&out.join(format!("{}.wasm", guest.name())), &component)
}

/// Leaves an unchanged file its time, so that nothing that includes it is compiled again.
fn write_if_changed(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    fs::write(path, content).with_context(|| format!("write {}", path.display()))
}
