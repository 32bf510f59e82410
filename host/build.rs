//! Builds the bundled plugins, which `plugin::bundled` embeds, with their digests, and the adapter of `plugin::complete`.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use anyhow::Context as _;
use otlet_build::{Guest, Kind};
use sha2::{Digest as _, Sha256};

/// The bundled plugins: the package of each and its library.
const BUNDLED: [(&str, &str); 4] = [
    ("plugin-enrich", "enrich"),
    ("plugin-link", "link"),
    ("plugin-redact", "redact"),
    ("plugin-sample", "sample"),
];

fn main() -> anyhow::Result<()> {
    let guests: Vec<_> = BUNDLED
        .iter()
        .map(|&(package, library)| Guest {
            package,
            library,
            kind: Kind::Contract,
        })
        .collect();
    otlet_build::guests(&guests)?;
    otlet_build::adapter(
        Path::new("src/plugin/complete/preview1.wasm"),
        Path::new("../wit"),
    )?;
    let folder = PathBuf::from(env::var("OUT_DIR").context("cargo sets it")?);
    let digests = BUNDLED
        .iter()
        .map(|(_, library)| {
            let wasm = fs::read(folder.join(format!("{library}.wasm")))?;
            Ok(<[u8; 32]>::from(Sha256::digest(wasm)))
        })
        .collect::<io::Result<Vec<_>>>()?;
    let constant = format!(
        "/// The SHA-256 of each of `BUNDLED`.\npub(super) const DIGESTS: [[u8; 32]; {}] = {digests:?};\n",
        digests.len()
    );
    let file = folder.join("digests.rs");
    // An unchanged file keeps its time, so that nothing is compiled again.
    if fs::read_to_string(&file).ok().as_ref() != Some(&constant) {
        fs::write(file, constant)?;
    }
    Ok(())
}
