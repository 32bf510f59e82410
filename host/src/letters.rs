//! Dead letters: requests that could not be processed or delivered, kept in a directory with the reason, until
//! `otlet replay` sends them.
//!
//! A letter is two files: `TIME-SIGNAL-NUMBER.otlp`, the request as plain OTLP protobuf, and beside it the reason as
//! `.json`. Whoever works on a letter holds a lock (`flock`) on its request: whoever writes, removes or replays it. Locks end
//! with the process, so that several processes can share a directory. It is not for sending: see `app::replay`.
//!
//! **Invariant**: a letter is there whole or not at all. It is written under a temporary name, and on the disk before it is
//! renamed; what a crash left of others is removed at the next start.
//!
//! **Invariant**: within its age, a letter is removed by nothing but its delivery. What finds no room is refused.
//!
//! **Invariant**: nobody but its owner can look into the directory.

mod claim;
mod contents;
mod folder;
mod name;
mod reason;
mod room;
mod unwritten;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::payload::Payload;
use crate::telemetry::{Counter, Throttle};
use contents::Contents;
use room::Room;

pub use claim::{Claim, Claimed, Damage};
pub use folder::{Folder, Unusable};
pub use name::Name;
pub use reason::{Kind, Origin, Reason};
pub use unwritten::Unwritten;

/// Where dead letters are kept (`dead_letters`), and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The directory, which is made if it is not there. Example: `directory: /var/lib/otlet/dead`.
    pub directory: PathBuf,
    /// The room that letters may take on the disk; what does not fit is refused. Example: `max_bytes: 1GiB`.
    pub max_bytes: u64,
    /// The age at which letters are removed; zero is never. Example: `max_age: 168h`.
    pub max_age: Duration,
}

impl Config {
    /// The defaults, in a directory: an hour or more of the failures of a busy otlet, and a week to look into them, so that
    /// a weekend is no loss, and what was to be redacted does not lie about for longer.
    pub fn at(directory: PathBuf) -> Self {
        Self {
            directory,
            max_bytes: 1 << 30,
            max_age: Duration::from_hours(168),
        }
    }
}

/// A request that is to be kept.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The request.
    pub payload: Payload,
    /// Spans, data points or log records in it; none if nobody opened it.
    pub items: u64,
    /// Who failed on it, and why.
    pub grounds: Grounds,
}

/// Why a request becomes a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grounds {
    /// Who failed on it.
    pub origin: Origin,
    /// What kind of failure it was.
    pub kind: Kind,
    /// What happened, as far as it may be told.
    pub text: String,
}

/// What was done since the start.
#[derive(Debug, Default)]
pub struct Counters {
    /// Letters that were written.
    pub written: Counter,
    /// Spans, data points or log records in them.
    pub written_items: Counter,
    /// Letters that could not be written.
    pub unwritten: Counter,
    /// Letters that were removed because of their age.
    pub expired: Counter,
}

/// A directory of dead letters.
#[derive(Debug)]
pub struct Letters {
    config: Config,
    room: Room,
    turns: Arc<Semaphore>,
    counters: Counters,
    complaints: Throttle,
}

/// Writes that go on at the same time: a disk gains nothing by more.
const TURNS: usize = 8;

/// How often letters that are too old are looked for, at most and at least.
const SWEEPS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(10));

impl Letters {
    /// Makes the directory ready: removes what a crash left, and letters that are too old.
    pub fn start(config: &Config) -> Result<Arc<Self>, Unusable> {
        let folder = Folder::make(&config.directory)?;
        let letters = Self {
            config: config.clone(),
            room: Room::new(config.max_bytes),
            turns: Arc::new(Semaphore::new(TURNS)),
            counters: Counters::default(),
            complaints: Throttle::default(),
        };
        let unusable = |error| Unusable::new(&config.directory, error);
        folder.clear().map_err(unusable)?;
        letters.expire(&folder).map_err(unusable)?;
        let waiting = letters.room.measure(&folder).map_err(unusable)?;
        if waiting > 0 {
            tracing::info!(
                directory = %config.directory.display(),
                letters = waiting,
                "there are dead letters: `otlet replay` sends them"
            );
        }
        Ok(Arc::new(letters))
    }

    /// What was done since the start.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The bytes on the disk that letters take or are about to, as of a while ago. It waits for nothing, and has them counted
    /// anew for whoever asks next: a replay removes letters without telling.
    pub fn used(self: &Arc<Self>) -> u64 {
        if let Ok(runtime) = Handle::try_current()
            && self.room.is_stale()
        {
            let this = Arc::clone(self);
            let _counting = runtime.spawn_blocking(move || this.count());
        }
        self.room.used()
    }

    fn count(&self) {
        match Folder::open(&self.config.directory) {
            // What cannot be read is told when a letter is written; the number stays.
            Ok(folder) => drop(self.room.measure(&folder)),
            Err(unusable) if unusable.is_gone() => self.room.clear(),
            Err(_unusable) => {}
        }
    }

    /// Keeps letters, all or none of them. When this returns they are on the disk, and not only on their way there.
    pub async fn keep(self: &Arc<Self>, letters: Vec<Letter>) -> Result<(), Unwritten> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let this = Arc::clone(self);
        let count = letters.len();
        let written = spawn_blocking(move || {
            let result = this.write(&letters);
            drop(turn);
            result
        });
        let result = written
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error).into()));
        if let Err(unwritten) = &result {
            self.counters.unwritten.add_len(count);
            self.complain(unwritten);
        }
        result
    }

    /// Removes letters that are too old, now and then, for ever.
    pub async fn tend(self: Arc<Self>) {
        let (often, seldom) = SWEEPS;
        let pause = (self.config.max_age / 100).clamp(often, seldom);
        while !self.config.max_age.is_zero() {
            tokio::time::sleep(pause).await;
            let this = Arc::clone(&self);
            let swept = spawn_blocking(move || this.sweep()).await;
            if let Ok(Err(unwritten)) = swept {
                self.complain(&unwritten);
            }
        }
    }

    fn complain(&self, unwritten: &Unwritten) {
        if let Some(unlogged) = self.complaints.pass() {
            tracing::error!(
                directory = %self.config.directory.display(),
                reason = %unwritten,
                cure = &*unwritten.cure(),
                unlogged,
                "dead letters cannot be written"
            );
        }
    }

    /// The directory, which is made again if somebody removed it.
    fn folder(&self) -> Result<Folder, Unusable> {
        let directory = &self.config.directory;
        match Folder::open(directory) {
            Err(unusable) if unusable.is_gone() => {
                let folder = Folder::make(directory)?;
                let counted = self.room.measure(&folder);
                counted.map_err(|error| Unusable::new(directory, error))?;
                tracing::warn!(
                    directory = %directory.display(),
                    "the directory of dead letters was gone, and is made again"
                );
                Ok(folder)
            }
            found => found,
        }
    }

    fn write(&self, letters: &[Letter]) -> Result<(), Unwritten> {
        let folder = self.folder()?;
        let contents = letters
            .iter()
            .map(Contents::new)
            .collect::<Result<Vec<_>, _>>()?;
        let bytes = contents.iter().map(Contents::bytes).sum();
        let reserved = self.room.reserve(bytes, &folder)?;
        let mut written = Vec::with_capacity(contents.len());
        let mut all = || -> io::Result<()> {
            for contents in &contents {
                written.push(contents.write(&folder)?);
            }
            folder.sync()
        };
        if let Err(error) = all() {
            for (name, _lock) in &written {
                folder.remove(name);
            }
            return Err(error.into());
        }
        reserved.fill();
        for contents in contents {
            self.counters.written.add(1);
            self.counters.written_items.add(contents.items);
        }
        Ok(())
    }

    fn sweep(&self) -> Result<(), Unwritten> {
        let folder = self.folder()?;
        self.expire(&folder)?;
        self.room.measure(&folder)?;
        Ok(())
    }

    /// Removes letters that are too old, unless somebody works on them.
    fn expire(&self, folder: &Folder) -> io::Result<()> {
        let max_age = self.config.max_age;
        if max_age.is_zero() {
            return Ok(());
        }
        let (now, mut expired) = (SystemTime::now(), 0);
        for name in folder.letters()? {
            let age = folder
                .written(&name)?
                .and_then(|then| now.duration_since(then).ok());
            if age.is_some_and(|age| age > max_age)
                && let Claimed::Mine(claim) = folder.claim(&name)?
            {
                claim.remove()?;
                expired += 1;
            }
        }
        if expired > 0 {
            self.counters.expired.add(expired);
            tracing::warn!(
                directory = %self.config.directory.display(),
                letters = expired,
                max_age = ?max_age,
                "dead letters were removed that are too old"
            );
        }
        Ok(())
    }
}
