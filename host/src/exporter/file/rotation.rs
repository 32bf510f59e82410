//! Beginning another file when one is full, and removing the oldest: by the names and rules of the Collector's (lumberjack's).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::folder;
use crate::date::Moment;

const MEGABYTE: u64 = 1 << 20;
const DAY: Duration = Duration::from_hours(24);

/// When another file is begun, and which of the full ones stay (`rotation`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The largest that a file becomes, unless one request is larger. Example: `max_megabytes: 100`.
    pub max_megabytes: u64,
    /// How long a full file stays; zero is for ever. Example: `max_days: 7`.
    pub max_days: u32,
    /// How many full files stay, the youngest; zero is all. Example: `max_backups: 100`.
    pub max_backups: u32,
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            max_megabytes: 100,
            max_days: 0,
            max_backups: 100,
        }
    }
}

impl Rotation {
    /// Whether a file of `len` bytes has no room for another entry.
    pub(super) fn is_due(&self, len: u64, entry: usize) -> bool {
        let entry = u64::try_from(entry).unwrap_or(u64::MAX);
        len > 0 && len.saturating_add(entry) > self.max_megabytes.saturating_mul(MEGABYTE)
    }

    /// Gives the file the name of a full one, and says which: `telemetry-2026-11-23T02-21-00.123.json`.
    pub(super) fn rotate(path: &Path) -> io::Result<PathBuf> {
        let (stem, extension) = halves(path);
        let Moment {
            year,
            month,
            day,
            hour,
            minute,
            second,
            nanos,
        } = Moment::now();
        let at = format!("{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}");
        let name = |milli: u64| folder(path).join(format!("{stem}-{at}.{milli:03}{extension}"));
        let first = nanos / 1_000_000;
        // Another may have filled up in the same millisecond.
        let free = (first..1000)
            .chain(0..first)
            .map(name)
            .find(|name| !name.exists());
        let free = free.ok_or(io::ErrorKind::AlreadyExists)?;
        fs::rename(path, &free)?;
        Ok(free)
    }

    /// Removes full files that are too old or too many.
    pub(super) fn prune(&self, path: &Path) -> io::Result<()> {
        let mut full = full(path)?;
        // The youngest first: their names tell when they were filled.
        full.sort_unstable_by(|a, b| b.cmp(a));
        let now = SystemTime::now();
        for (at, file) in full.iter().enumerate() {
            let too_many = self.max_backups > 0
                && u64::try_from(at).is_ok_and(|at| at >= self.max_backups.into());
            let written = fs::metadata(file).and_then(|stat| stat.modified()).ok();
            let age = written.and_then(|then| now.duration_since(then).ok());
            let too_old =
                self.max_days > 0 && age.is_some_and(|age| age > DAY.saturating_mul(self.max_days));
            if too_many || too_old {
                fs::remove_file(file)?;
            }
        }
        Ok(())
    }
}

/// A file's name without its extension, and the extension with its dot.
fn halves(path: &Path) -> (String, String) {
    let text = |part: Option<&std::ffi::OsStr>| {
        part.map(|part| part.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let extension = path
        .extension()
        .map(|_| format!(".{}", text(path.extension())));
    (text(path.file_stem()), extension.unwrap_or_default())
}

/// The full files of a path.
fn full(path: &Path) -> io::Result<Vec<PathBuf>> {
    let (stem, extension) = halves(path);
    let mut full = vec![];
    for entry in fs::read_dir(folder(path))? {
        let entry = entry?.path();
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        let time = name
            .strip_prefix(&stem)
            .and_then(|rest| rest.strip_prefix('-'))
            .and_then(|rest| rest.strip_suffix(&extension));
        if time.is_some_and(is_time) {
            full.push(entry);
        }
    }
    Ok(full)
}

/// Whether a text is of the form `2026-11-23T02-21-00.123`.
fn is_time(text: &str) -> bool {
    text.len() == "2026-11-23T02-21-00.123".len()
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 | 13 | 16 => byte == b'-',
            10 => byte == b'T',
            19 => byte == b'.',
            _ => byte.is_ascii_digit(),
        })
}
