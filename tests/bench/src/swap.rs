//! A hot swap: a plugin's file is written anew while the load goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use otlet::plugin::BUNDLED;
use serde::{Deserialize, Serialize};
use tokio::time;

/// Which plugin, e.g. `{ plugin: enrich, until: new version is in use }`. `${env:PLUGINS}` is the folder with its file,
/// `swapped.wasm`, a component that does what the bundled one does. It is written anew when a third of the load is over.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swap {
    /// A bundled plugin.
    pub plugin: String,
    /// What the program says once it uses the new file.
    pub until: String,
}

impl Swap {
    /// Makes the folder, with the file in it.
    pub(crate) fn prepare(&self, folder: &Path) -> anyhow::Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        self.put(folder, &[])
    }

    /// Writes the file anew after so long.
    pub(crate) async fn after(self, wait: Duration, folder: PathBuf) -> anyhow::Result<()> {
        time::sleep(wait).await;
        // No version like any before, so that none is compiled already.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        self.put(&folder, &custom_section(&now.as_nanos().to_be_bytes()))
    }

    fn put(&self, folder: &Path, more: &[u8]) -> anyhow::Result<()> {
        let (_, wasm) = BUNDLED
            .into_iter()
            .find(|(name, _)| *name == self.plugin)
            .with_context(|| format!("no plugin {} is bundled", self.plugin))?;
        // Whole at once: first under a name that no plugin has.
        let new = folder.join("new");
        fs::write(&new, [wasm, more].concat())?;
        fs::rename(new, folder.join("swapped.wasm"))?;
        Ok(())
    }

    /// An error if the program has not said that it uses the new file.
    pub(crate) fn check(&self, log: &Path) -> anyhow::Result<()> {
        let said = fs::read_to_string(log)?;
        ensure!(said.contains(&self.until), "the plugin was not swapped");
        Ok(())
    }
}

/// A section of a component that changes nothing but its digest.
fn custom_section(bytes: &[u8; 16]) -> Vec<u8> {
    const NAME: &[u8] = b"version";
    let len = 1 + NAME.len() + bytes.len();
    [&[0, len as u8, NAME.len() as u8][..], NAME, bytes].concat()
}
