//! One file that is read as it grows.
//!
//! The open handle keeps it, whatever becomes of its name: renamed or removed, it is read to its end. Without a handle it is
//! found again by its inode, beside where it was.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::fingerprint::{FileId, Fingerprint, Seen};
use super::gather::{Full, Gather, text};
use super::handles::{Handles, Opened};
use super::positions::Position;

/// What is read at once, unless a line is longer.
const CHUNK: usize = 256 << 10;

/// How long a file that no path leads to any more is kept, once it is read: its writer may not know yet.
const KEPT: Duration = Duration::from_mins(5);

/// A file, and how far it was read.
pub(super) struct Tail {
    path: PathBuf,
    id: FileId,
    fingerprint: Fingerprint,
    opened: Option<Opened>,
    attributes: Vec<KeyValue>,
    /// Where the next line begins.
    read: u64,
    /// Where the first line begins that is not taken yet.
    accepted: u64,
    /// Its length and time when it was last looked at.
    seen: Option<Seen>,
    /// What its path said of it since then, if one leads to it.
    listed: Option<Seen>,
    /// When it last was another than before.
    changed: Instant,
    /// Whether it has lines that had no room.
    more: bool,
}

/// How reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// There is no whole line left.
    End,
    /// There is no room for the next one.
    Full,
}

impl Tail {
    /// A file that nothing was read of.
    pub(super) fn new(path: &Path, id: FileId) -> Self {
        Self::at(Position {
            path: path.to_owned(),
            id,
            fingerprint: Fingerprint::default(),
            offset: 0,
        })
    }

    /// A file that was read up to there.
    pub(super) fn at(position: Position) -> Self {
        Self {
            attributes: attributes(&position.path),
            path: position.path,
            id: position.id,
            fingerprint: position.fingerprint,
            opened: None,
            read: position.offset,
            accepted: position.offset,
            seen: None,
            listed: None,
            changed: Instant::now(),
            more: false,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How far its lines were taken.
    pub(super) fn position(&self) -> Position {
        Position {
            path: self.path.clone(),
            id: self.id,
            fingerprint: self.fingerprint.clone(),
            offset: self.accepted,
        }
    }

    /// Gives it the name that it has now.
    pub(super) fn rename(&mut self, path: &Path) {
        if self.path != path {
            self.attributes = attributes(path);
            path.clone_into(&mut self.path);
        }
    }

    /// Takes what the path of the config says that leads to it now, if there is one.
    pub(super) fn list(&mut self, seen: Option<Seen>) {
        self.listed = seen;
    }

    /// Whether there may be something to read, or it is not known: it is to be opened and looked at.
    pub(super) fn stirs(&self, flush: Duration) -> bool {
        self.more || self.listed.is_none() || self.listed != self.seen || self.is_late(flush)
    }

    /// Whether its last line has waited for its end for long enough.
    fn is_late(&self, flush: Duration) -> bool {
        !flush.is_zero() && self.changed.elapsed() >= flush && self.left() > 0
    }

    /// Opens it, unless it is open; whether it is still there.
    pub(super) fn open(&mut self, handles: &Handles) -> io::Result<bool> {
        if self.opened.is_none() {
            self.opened = handles.open(&self.path, self.id)?;
        }
        Ok(self.opened.is_some())
    }

    /// Gives its handle back, unless there is room to keep it.
    pub(super) fn rest(&mut self) {
        self.opened.take_if(|opened| !opened.is_kept());
    }

    /// Goes on behind the last whole line.
    pub(super) fn skip(&mut self, max_line_size: usize) -> io::Result<()> {
        let Some(Opened { file, .. }) = &self.opened else {
            return Ok(());
        };
        let len = file.metadata()?.len();
        let from = len.saturating_sub(u64::try_from(max_line_size).unwrap_or(u64::MAX));
        let mut end = vec![0; usize::try_from(len - from).unwrap_or(0)];
        file.read_exact_at(&mut end, from)?;
        let behind = memchr::memrchr(b'\n', &end).map(|at| at as u64 + 1);
        // A first line that has no end yet is still to come.
        let at = behind.unwrap_or(if from == 0 { 0 } else { len - from });
        self.read = from + at;
        self.accepted = self.read;
        Ok(())
    }

    /// Looks whether it is the file that it was; if it was truncated or is another, it is read from its beginning, and this
    /// says so.
    pub(super) fn look(&mut self) -> io::Result<bool> {
        let Some(Opened { file, .. }) = &self.opened else {
            return Ok(false);
        };
        let seen = Seen::of(&file.metadata()?);
        if self.seen == Some(seen) {
            return Ok(false);
        }
        let same = self.fingerprint.renew(file)?;
        self.seen = Some(seen);
        self.changed = Instant::now();
        self.more = true;
        if same && seen.len >= self.read {
            return Ok(false);
        }
        self.read = 0;
        self.accepted = 0;
        Ok(true)
    }

    /// Reads whole lines for as long as there is room. What has no end is read once it has not changed for `flush`.
    pub(super) fn fill(
        &mut self,
        gather: &mut Gather,
        buffer: &mut Vec<u8>,
        flush: Duration,
    ) -> io::Result<Filled> {
        let flush = self.is_late(flush);
        let opened = self.opened.as_ref().filter(|_| self.more || flush);
        let Some(Opened { file, .. }) = opened else {
            return Ok(Filled::End);
        };
        buffer.resize(CHUNK, 0);
        loop {
            let len = read_at(file, buffer, self.read)?;
            let mut rest = buffer.get(..len).unwrap_or_default();
            while let Some(after) = match gather.add_line(rest, &self.attributes) {
                Ok(after) => after,
                Err(Full) => return Ok(Filled::Full),
            } {
                self.read += (rest.len() - after.len()) as u64;
                rest = after;
            }
            if len == buffer.len() {
                if rest.len() == len {
                    // The line is longer than this, or it would have been cut.
                    buffer.resize(gather.max_line_size().saturating_add(2), 0);
                }
                continue;
            }
            if flush && !rest.is_empty() {
                if gather.add(rest, &self.attributes) == Err(Full) {
                    return Ok(Filled::Full);
                }
                self.read += rest.len() as u64;
            }
            self.more = false;
            return Ok(Filled::End);
        }
    }

    /// The bytes that were read and are not taken yet: from where to where.
    pub(super) fn held(&self) -> Option<(u64, u64)> {
        (self.accepted != self.read).then_some((self.accepted, self.read))
    }

    /// Counts as read what was read.
    pub(super) fn accept(&mut self) {
        self.accepted = self.read;
    }

    /// Whether nothing is to be expected of it any more.
    pub(super) fn is_done(&self) -> bool {
        self.listed.is_none() && self.changed.elapsed() >= KEPT && self.left() == 0
    }

    /// The bytes that were there when it was last looked at and are not read.
    fn left(&self) -> u64 {
        self.seen
            .map_or(0, |seen| seen.len.saturating_sub(self.read))
    }
}

/// What OpenTelemetry's conventions have for a record that comes from a file.
fn attributes(path: &Path) -> Vec<KeyValue> {
    let attribute = |key: &str, value: String| KeyValue {
        key: key.to_owned(),
        value: Some(text(value)),
        ..KeyValue::default()
    };
    let name = path.file_name().unwrap_or_default();
    vec![
        attribute("log.file.name", name.to_string_lossy().into_owned()),
        attribute("log.file.path", path.to_string_lossy().into_owned()),
    ]
}

fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests;
