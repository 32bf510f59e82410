//! A program under test, as a process of its own on core 0.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};

/// A process that ends with the run.
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

impl Process {
    /// Starts a command on core 0, with the environment variable `SINK`, and gives the address that it says in the first line
    /// with each of these texts, in the order of the texts.
    pub(crate) fn start(
        command: &mut Command,
        sink: SocketAddr,
        texts: &[&str],
    ) -> anyhow::Result<(Self, Vec<SocketAddr>)> {
        let child = on_core_0(command)
            .env("SINK", sink.to_string())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut process = Self(child);
        let errors = process.0.stderr.take().context("standard error is piped")?;
        let addresses = addresses(BufReader::new(errors), texts)?;
        Ok((process, addresses))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

/// Has `taskset` start the command, so that all of its threads stay on the core.
fn on_core_0(command: &mut Command) -> Command {
    let mut pinned = Command::new("taskset");
    pinned
        .args(["-c", "0"])
        .arg(command.get_program())
        .args(command.get_args());
    pinned
}

/// The `address=ADDRESS` of the first line with each of these texts; what is said later is dropped.
fn addresses(
    errors: BufReader<std::process::ChildStderr>,
    texts: &[&str],
) -> anyhow::Result<Vec<SocketAddr>> {
    let mut found = vec![None; texts.len()];
    let mut lines = errors.lines();
    let mut said = String::new();
    for line in lines.by_ref() {
        let line = line?;
        for (text, found) in texts.iter().zip(&mut found) {
            if line.contains(text) && found.is_none() {
                *found = Some(address(&line)?);
            }
        }
        if let Some(found) = found.iter().copied().collect() {
            std::thread::spawn(move || lines.count());
            return Ok(found);
        }
        said.push_str(&line);
        said.push('\n');
    }
    bail!("the program ended before it listened:\n{said}")
}

fn address(line: &str) -> anyhow::Result<SocketAddr> {
    let address = line
        .split("address=")
        .nth(1)
        .context("a line without address=")?;
    let address = address.split_whitespace().next().unwrap_or_default();
    Ok(address.parse()?)
}
