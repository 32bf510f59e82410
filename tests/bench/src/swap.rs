//! A hot swap: a plugin's file is written anew while the load goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, bail};
use otlet::plugin::BUNDLED;
use serde::{Deserialize, Serialize};
use tokio::time;

use crate::load::Second;

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

/// When a swap happened, in seconds since the load began.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Swapped {
    /// When the file had been written.
    pub written: f64,
    /// When the program had said that it uses it: what it took to compile the file is in between.
    pub used: f64,
}

/// The p99 of a load during which a plugin was swapped, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds {
    /// Of the second in which the new version was used first.
    pub of_swap: u64,
    /// The greatest of the seconds before it in which the file was compiled.
    pub compiling: u64,
    /// The median of all other seconds.
    pub others: u64,
}

impl Swapped {
    /// None if the load was over before the new version was used.
    pub fn seconds(&self, all: &[Second]) -> Option<Seconds> {
        let (written, used) = (self.written as usize, self.used as usize);
        let p99 = |seconds: &[Second]| seconds.iter().map(|it| it.p99).collect::<Vec<_>>();
        let mut others = p99(all.get(..written)?);
        others.extend(p99(all.get(used + 1..)?));
        others.sort_unstable();
        Some(Seconds {
            of_swap: all.get(used)?.p99,
            compiling: p99(all.get(written..used)?).into_iter().max().unwrap_or(0),
            others: *others.get(others.len() / 2)?,
        })
    }
}

impl Seconds {
    /// How much greater it was in the second of the swap.
    pub fn ratio(&self) -> f64 {
        self.of_swap as f64 / self.others as f64
    }
}

/// How long a program may take to use a new file.
const LONGEST: Duration = Duration::from_mins(1);

impl Swap {
    /// Makes the folder, with the file in it.
    pub(crate) fn prepare(&self, folder: &Path) -> anyhow::Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        self.put(folder, &[])
    }

    /// Writes the file anew after so long, and waits until the program has said that it uses it.
    pub(crate) async fn after(
        self,
        wait: Duration,
        folder: PathBuf,
        log: PathBuf,
    ) -> anyhow::Result<Swapped> {
        let start = Instant::now();
        time::sleep(wait).await;
        // No version like any before, so that none is compiled already.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        self.put(&folder, &custom_section(&now.as_nanos().to_be_bytes()))?;
        let written = start.elapsed();
        while !fs::read_to_string(&log)?.contains(&self.until) {
            if start.elapsed() > wait + LONGEST {
                bail!("the plugin was not swapped");
            }
            time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Swapped {
            written: written.as_secs_f64(),
            used: start.elapsed().as_secs_f64(),
        })
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
}

/// A section of a component that changes nothing but its digest.
fn custom_section(bytes: &[u8; 16]) -> Vec<u8> {
    const NAME: &[u8] = b"version";
    let len = 1 + NAME.len() + bytes.len();
    [&[0, len as u8, NAME.len() as u8][..], NAME, bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_of_the_swap_is_held_against_those_without_a_compiler() {
        let second = |p99| Second {
            acknowledged: 1,
            p50: 1,
            p99,
        };
        let all = [2, 3, 50, 9, 7, 6, 4].map(second);
        let swapped = |written, used| Swapped { written, used };
        let seconds = swapped(2.1, 4.9).seconds(&all).unwrap();
        let expected = Seconds {
            of_swap: 7,
            compiling: 50,
            others: 4,
        };
        assert_eq!(seconds, expected);
        assert!((seconds.ratio() - 1.75).abs() < 1e-9);
        assert_eq!(swapped(3.0, 3.1).seconds(&all).unwrap().compiling, 0);
        assert_eq!(swapped(2.1, 7.0).seconds(&all), None);
    }
}
