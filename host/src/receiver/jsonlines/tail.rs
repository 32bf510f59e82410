//! One file that is read as it grows.
//!
//! The open handle keeps it, whatever becomes of its name: renamed or removed, it is read to its end. Without a handle it is
//! found again by its inode, beside where it was.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirEntryExt, FileExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use opentelemetry_proto::tonic::common::v1::KeyValue;
use rustix::fs::{Mode, OFlags};

use super::fingerprint::{FileId, Fingerprint};
use super::gather::{Full, Gather, text};
use super::positions::Position;

/// What is read at once, unless a line is longer.
const CHUNK: usize = 256 << 10;

/// How long a file that no path leads to any more is kept, once it is read: its writer may not know yet.
const KEPT: Duration = Duration::from_mins(5);

/// The entries of a folder among which a file is looked for that has another name now.
const MAX_ENTRIES: usize = 10_000;

/// A file, and how far it was read.
pub(super) struct Tail {
    path: PathBuf,
    id: FileId,
    fingerprint: Fingerprint,
    file: Option<File>,
    attributes: Vec<KeyValue>,
    /// Where the next line begins.
    read: u64,
    /// Where the first line begins that is not taken yet.
    accepted: u64,
    /// Its length and time when it was last looked at.
    seen: Option<(u64, Option<SystemTime>)>,
    /// When it last was another than before.
    changed: Instant,
    /// Whether it has lines that had no room.
    more: bool,
    /// Whether a path of the config leads to it.
    pub(super) listed: bool,
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
            file: None,
            read: position.offset,
            accepted: position.offset,
            seen: None,
            changed: Instant::now(),
            more: false,
            listed: true,
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

    /// Opens it, unless it is open; whether it is still there.
    pub(super) fn open(&mut self) -> io::Result<bool> {
        if self.file.is_none() {
            self.file = open(&self.path, self.id)?;
        }
        if self.file.is_none() {
            self.file = beside(&self.path, self.id)?;
        }
        Ok(self.file.is_some())
    }

    /// Gives its handle back.
    pub(super) fn close(&mut self) {
        self.file = None;
    }

    /// Goes on behind the last whole line.
    pub(super) fn skip(&mut self, max_line_size: usize) -> io::Result<()> {
        let Some(file) = &self.file else {
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
        let Some(file) = &self.file else {
            return Ok(false);
        };
        let metadata = file.metadata()?;
        let seen = (metadata.len(), metadata.modified().ok());
        if self.seen == Some(seen) {
            return Ok(false);
        }
        let same = self.fingerprint.renew(file)?;
        self.seen = Some(seen);
        self.changed = Instant::now();
        self.more = true;
        if same && metadata.len() >= self.read {
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
        let flush = !flush.is_zero() && self.changed.elapsed() >= flush && self.left() > 0;
        let Some(file) = self.file.as_ref().filter(|_| self.more || flush) else {
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
        !self.listed && self.changed.elapsed() >= KEPT && self.left() == 0
    }

    /// The bytes that were there when it was last looked at and are not read.
    fn left(&self) -> u64 {
        self.seen
            .map_or(0, |(len, _)| len.saturating_sub(self.read))
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

/// Opens the file at a path, if it is the one with that id. A pipe in its place would make an opener wait.
fn open(path: &Path, id: FileId) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => {
            let file = File::from(file);
            let is_same = FileId::of(&file.metadata()?) == id;
            Ok(is_same.then_some(file))
        }
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Opens the file with that id in the folder of a path: it was renamed.
fn beside(path: &Path, id: FileId) -> io::Result<Option<File>> {
    let Some(folder) = path.parent() else {
        return Ok(None);
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    for entry in entries.take(MAX_ENTRIES).filter_map(Result::ok) {
        if entry.ino() == id.inode
            && let Some(file) = open(&entry.path(), id)?
        {
            return Ok(Some(file));
        }
    }
    Ok(None)
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
mod tests {
    use std::io::Write as _;
    use std::sync::Arc;

    use super::*;

    const MAX: usize = 300 << 10;

    struct Fixture {
        folder: tempfile::TempDir,
        gather: Gather,
        buffer: Vec<u8>,
    }

    impl Fixture {
        fn new() -> Self {
            Self {
                folder: tempfile::tempdir().unwrap(),
                gather: Gather::new(&[], MAX, &Arc::default()),
                buffer: vec![],
            }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("a.log")
        }

        fn append(&self, text: &str) {
            let mut file = File::options()
                .append(true)
                .create(true)
                .open(self.path())
                .unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        fn tail(&self) -> Tail {
            let id = FileId::of(&fs::metadata(self.path()).unwrap());
            let mut tail = Tail::new(&self.path(), id);
            assert!(tail.open().unwrap());
            tail
        }

        /// The records that a look at the file gives.
        fn records(&mut self, tail: &mut Tail, flush: Duration) -> usize {
            tail.look().unwrap();
            let filled = tail
                .fill(&mut self.gather, &mut self.buffer, flush)
                .unwrap();
            assert_eq!(filled, Filled::End);
            self.gather.finish().map_or(0, |request| request.records)
        }
    }

    #[test]
    fn lines_are_read_once_they_are_whole() {
        let mut fixture = Fixture::new();
        fixture.append("a\nb\nhalf");
        let mut tail = fixture.tail();
        assert_eq!(fixture.records(&mut tail, Duration::ZERO), 2);
        assert_eq!(tail.held(), Some((0, 4)));
        tail.accept();
        assert_eq!(tail.held(), None);
        assert_eq!(fixture.records(&mut tail, Duration::ZERO), 0);
        fixture.append(" and half\n");
        assert_eq!(fixture.records(&mut tail, Duration::ZERO), 1);
        assert_eq!(tail.position().offset, 4);
    }

    #[test]
    fn what_has_no_end_is_read_after_a_while() {
        let mut fixture = Fixture::new();
        fixture.append("the end");
        let mut tail = fixture.tail();
        assert_eq!(fixture.records(&mut tail, Duration::from_hours(1)), 0);
        assert_eq!(fixture.records(&mut tail, Duration::from_nanos(1)), 1);
        assert_eq!(fixture.records(&mut tail, Duration::from_nanos(1)), 0);
        fixture.append("\n");
        assert_eq!(fixture.records(&mut tail, Duration::ZERO), 0);
    }

    #[test]
    fn a_file_that_begins_anew_is_read_from_its_beginning() {
        let mut fixture = Fixture::new();
        fixture.append("one\ntwo\n");
        let mut tail = fixture.tail();
        assert_eq!(fixture.records(&mut tail, Duration::ZERO), 2);
        // Shorter, as long, and longer.
        for text in ["three\n", "sixth\n", "something else\n"] {
            fs::write(fixture.path(), text).unwrap();
            let time = SystemTime::now() + Duration::from_secs(text.len() as u64);
            File::options()
                .write(true)
                .open(fixture.path())
                .unwrap()
                .set_modified(time)
                .unwrap();
            assert!(tail.look().unwrap(), "{text}");
            assert_eq!(fixture.records(&mut tail, Duration::ZERO), 1, "{text}");
        }
    }

    #[test]
    fn a_renamed_file_is_found_again_and_another_in_its_place_is_not_taken_for_it() {
        let mut fixture = Fixture::new();
        fixture.append("one\n");
        let mut tail = fixture.tail();
        assert_eq!(fixture.records(&mut tail, Duration::ZERO), 1);
        tail.accept();
        let mut again = Tail::at(tail.position());
        fs::rename(fixture.path(), fixture.folder.path().join("a.log.1")).unwrap();
        fixture.append("another\n");
        assert!(again.open().unwrap());
        assert_eq!(fixture.records(&mut again, Duration::ZERO), 0);
        fs::remove_file(fixture.folder.path().join("a.log.1")).unwrap();
        assert!(!Tail::at(tail.position()).open().unwrap());
        // Nor is one that has its inode.
        let mut reused = tail.position();
        reused.id = FileId::of(&fs::metadata(fixture.path()).unwrap());
        let mut reused = Tail::at(reused);
        assert!(reused.open().unwrap());
        assert!(reused.look().unwrap());
        assert_eq!(fixture.records(&mut reused, Duration::ZERO), 1);
    }

    #[test]
    fn the_end_is_behind_the_last_whole_line() {
        let mut fixture = Fixture::new();
        fixture.append("one\ntwo\nhalf");
        let mut tail = fixture.tail();
        tail.skip(MAX).unwrap();
        assert_eq!(fixture.records(&mut tail, Duration::ZERO), 0);
        fixture.append(" a line\n");
        assert_eq!(fixture.records(&mut tail, Duration::ZERO), 1);
        tail.accept();
        assert_eq!(tail.position().offset, 20);
        // A line longer than a line may be is passed over.
        fixture.append(&"x".repeat(MAX + 1));
        tail.skip(MAX).unwrap();
        assert_eq!(tail.position().offset, 20 + MAX as u64 + 1);
    }

    #[test]
    fn lines_longer_than_what_is_read_at_once_are_whole() {
        let mut fixture = Fixture::new();
        fixture.append(&format!(
            "{}\n{}\nb\n",
            "x".repeat(CHUNK + 9),
            "y".repeat(MAX + 1)
        ));
        let mut tail = fixture.tail();
        assert_eq!(fixture.records(&mut tail, Duration::ZERO), 4);
    }
}
