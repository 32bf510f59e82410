//! The `file` exporter: a request a line in OTLP/JSON, or a message after the other in protobuf, as the OpenTelemetry
//! Collector's exporter of that name writes and its `otlpjsonfile` receiver reads.
//!
//! One file for all IO threads; it is written where blocking is allowed, by one at a time. A request counts as sent once it is
//! written: what a crash of the machine loses is what the kernel had not put on the disk.
//!
//! **Invariant**: the file holds whole entries. What was written of one that failed is cut off before anything else is written,
//! and a file that cannot be continued is given another name.

mod json;
mod path;
mod rotation;
mod standing;

#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::answer::{Accepted, Failure, words};
use super::prepared::Prepared;
use crate::batch::Signal;
use crate::payload::PREFIX;

pub use path::Hindrance;
pub use rotation::Rotation;

/// Where the `file` exporter writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The file; it is made for its owner alone. Example: `path: /var/lib/otlet/telemetry.json`.
    pub path: PathBuf,
    /// Example: `format: proto`.
    pub format: Format,
    /// Whether the file keeps what it holds at a start; one that is rotated always does. Example: `append: true`.
    pub append: bool,
    /// When another file is begun; never without. Example: `rotation: { max_megabytes: 10, max_backups: 3 }`.
    pub rotation: Option<Rotation>,
}

/// How requests are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line each.
    Json,
    /// Each after its length in four bytes, big-endian.
    Proto,
}

/// Writes requests. Clones write to the same file.
#[derive(Clone)]
pub(super) struct Writer(Arc<Mutex<Appender>>);

/// A file that grows by whole entries.
struct Appender {
    config: Config,
    file: Option<File>,
    /// Whether the file is to be emptied when it is opened.
    empties: bool,
    /// Where an entry begins that is there in part and could not be cut off.
    torn: Option<u64>,
}

impl Writer {
    /// Opens nothing yet: what is wrong with the file then is told when the first request comes, which is kept until it is
    /// mended; [`Config::hindrance`] says what is known before.
    pub(super) fn new(config: &Config) -> Self {
        Self(Arc::new(Mutex::new(Appender::new(config))))
    }

    /// Writes a request once.
    pub(super) async fn write(&self, prepared: &Prepared) -> Result<Accepted, Failure> {
        let signal = prepared.signal;
        let message = prepared.framed.slice(PREFIX.min(prepared.framed.len())..);
        let mut appender = Arc::clone(&self.0).lock_owned().await;
        let written = spawn_blocking(move || {
            let entry = entry(appender.config.format, signal, &message)?;
            appender.append(&entry).map_err(|error| Failure {
                words: words(&format!("{}: {error}", appender.config.path.display())),
                ..Failure::transport("the file cannot be written".to_owned())
            })
        });
        written
            .await
            .unwrap_or_else(|error| Err(Failure::transport(error.to_string())))
            .map(|()| Accepted::default())
    }
}

/// What is written of a request.
fn entry(format: Format, signal: Signal, message: &Bytes) -> Result<Vec<u8>, Failure> {
    match format {
        Format::Json => {
            let mut line = Vec::with_capacity(message.len() * 2);
            json::write(signal, message, &mut line).map_err(|error| {
                Failure::permanent(format!("not an OTLP {} request: {error}", signal.name()))
            })?;
            line.push(b'\n');
            Ok(line)
        }
        Format::Proto => {
            let len = u32::try_from(message.len())
                .map_err(|error| Failure::permanent(error.to_string()))?;
            Ok([&len.to_be_bytes(), &message[..]].concat())
        }
    }
}

impl Appender {
    fn new(config: &Config) -> Self {
        Self {
            empties: !config.append && config.rotation.is_none(),
            config: config.clone(),
            file: None,
            torn: None,
        }
    }

    fn append(&mut self, entry: &[u8]) -> io::Result<()> {
        let mut file = self.take()?;
        let mut len = file.metadata()?.len();
        if let Some(rotation) = &self.config.rotation
            && rotation.is_due(len, entry.len())
        {
            drop(file);
            Rotation::rotate(&self.config.path)?;
            file = self.open()?;
            len = file.metadata()?.len();
        }
        if let Err(error) = file.write_all(entry) {
            self.torn = file.set_len(len).is_err().then_some(len);
            self.file = Some(file);
            return Err(error);
        }
        self.file = Some(file);
        Ok(())
    }

    /// The file of that path, whole; opened anew if another stands there than the one that was open.
    fn take(&mut self) -> io::Result<File> {
        let Some(file) = self.file.take() else {
            return self.open();
        };
        let id = |stat: &fs::Metadata| (stat.dev(), stat.ino());
        let there = fs::metadata(&self.config.path).ok();
        if there.as_ref().map(id) != Some(id(&file.metadata()?)) {
            self.torn = None;
            return self.open();
        }
        if let Some(len) = self.torn {
            let cut = file.set_len(len);
            if let Err(error) = cut {
                self.file = Some(file);
                return Err(error);
            }
            self.torn = None;
        }
        Ok(file)
    }

    fn open(&mut self) -> io::Result<File> {
        let path = &self.config.path;
        let mut file = open_or_create(path)?;
        if self.empties {
            file.set_len(0)?;
            self.empties = false;
        }
        if let Some(obstacle) = standing::obstacle(&mut file, self.config.format)? {
            put_aside(path, obstacle)?;
            file = open_or_create(path)?;
        }
        if self.config.format == Format::Json && !ends_a_line(&mut file)? {
            // A process that was killed left it. What follows is a line of its own.
            file.write_all(b"\n")?;
        }
        if let Some(rotation) = &self.config.rotation {
            rotation.prune(path)?;
        }
        Ok(file)
    }
}

fn open_or_create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    // What has come to stand there in the file's place, such as a pipe, must not block.
    options.custom_flags(path::WITHOUT_WAITING);
    let file = options.open(path)?;
    match path::other_than_a_file(&file.metadata()?) {
        Some(kind) => Err(io::Error::other(format!("it is {kind}, not a file"))),
        None => Ok(file),
    }
}

/// Gives a file another name, since nothing that is written behind what it holds would be read again.
fn put_aside(path: &Path, obstacle: &'static str) -> io::Result<()> {
    let renamed = Rotation::rotate(path).map_err(|error| {
        let text = format!("{obstacle}, and it cannot be renamed: {error}");
        io::Error::new(error.kind(), text)
    })?;
    tracing::warn!(
        file = %path.display(),
        renamed = %renamed.display(),
        reason = obstacle,
        "the file cannot be continued: it has another name now, and a new one is begun"
    );
    Ok(())
}

/// Whether nothing stands after the file's last line break.
fn ends_a_line(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// The folder that a path is in.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}
