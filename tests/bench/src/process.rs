//! A program under test, as a process of its own on cores of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};

/// A process that ends with the run.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// What of a log is told when a program fails.
const TAIL: usize = 2000;

impl Process {
    /// Starts a command on the first `cores` cores; what it prints goes to a file.
    pub(crate) fn start(command: &Command, cores: usize, log: &Path) -> anyhow::Result<Self> {
        let file = File::create(log).with_context(|| log.display().to_string())?;
        let mut pinned = Command::new("taskset");
        pinned
            .args(["-c", &format!("0-{}", cores - 1)])
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        for (key, value) in command.get_envs() {
            if let Some(value) = value {
                pinned.env(key, value);
            }
        }
        Ok(Self {
            child: pinned.spawn().context("taskset")?,
            log: log.to_owned(),
        })
    }

    /// An error if it has ended.
    pub(crate) fn lives(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it ended with {status}:\n{}", self.said()),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The end of what it printed.
    fn said(&self) -> String {
        let said = std::fs::read(&self.log).unwrap_or_default();
        let tail = said.get(said.len().saturating_sub(TAIL)..);
        String::from_utf8_lossy(tail.unwrap_or_default()).into_owned()
    }
}
