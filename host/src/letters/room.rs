//! How much of the disk the letters take.
//!
//! Others may add and remove letters: before anything is refused, the directory is looked at again.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::Unwritten;
use super::folder::Folder;

/// What a file system hands out: a small file takes as much.
const BLOCK: u64 = 4096;

/// How long what was seen holds while there is no room, or somebody asks.
const GLANCE: Duration = Duration::from_secs(2);

/// What a file of so many bytes takes on the disk.
pub(super) fn on_disk(bytes: usize) -> u64 {
    u64::try_from(bytes)
        .unwrap_or(u64::MAX)
        .div_ceil(BLOCK)
        .saturating_mul(BLOCK)
}

#[derive(Debug)]
pub(super) struct Room {
    max_bytes: u64,
    state: Mutex<State>,
    /// What was told last, for whoever asks while the directory is looked at.
    told: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// What whole letters take.
    stored: u64,
    /// What those will take that are being written.
    writing: u64,
    /// When the directory was looked at for want of room.
    looked: Option<Instant>,
    /// When it was looked at for whoever asked.
    asked: Option<Instant>,
}

/// Room for letters that are being written, given back unless it is filled.
#[derive(Debug)]
pub(super) struct Reserved<'a> {
    room: &'a Room,
    bytes: u64,
}

impl Room {
    pub(super) fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            state: Mutex::default(),
            told: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As well as is known without waiting.
    pub(super) fn used(&self) -> u64 {
        let Some(state) = self.try_lock() else {
            return self.told.load(Ordering::Relaxed);
        };
        let used = state.used();
        self.told.store(used, Ordering::Relaxed);
        used
    }

    /// Whether somebody who asks now is to have the directory looked at; true for one of them at a time.
    pub(super) fn is_stale(&self) -> bool {
        let Some(mut state) = self.try_lock() else {
            return false;
        };
        let now = Instant::now();
        let is_stale = state.asked.is_none_or(|then| now >= then + GLANCE);
        if is_stale {
            state.asked = Some(now);
        }
        is_stale
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, State>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Nothing is there any more.
    pub(super) fn clear(&self) {
        self.lock().stored = 0;
    }

    /// Looks at what is there, and says how many letters there are.
    pub(super) fn measure(&self, folder: &Folder) -> io::Result<u64> {
        let mut state = self.lock();
        let (letters, bytes) = folder.measure()?;
        state.stored = bytes;
        Ok(letters)
    }

    /// Takes room for letters.
    pub(super) fn reserve(&self, bytes: u64, folder: &Folder) -> Result<Reserved<'_>, Unwritten> {
        let mut state = self.lock();
        let now = Instant::now();
        if !self.fits(&state, bytes) && state.looked.is_none_or(|then| now >= then + GLANCE) {
            state.looked = Some(now);
            state.stored = folder.measure()?.1;
        }
        if !self.fits(&state, bytes) {
            return Err(Unwritten::Full {
                used: state.used(),
                max_bytes: self.max_bytes,
            });
        }
        state.writing += bytes;
        Ok(Reserved { room: self, bytes })
    }

    fn fits(&self, state: &State, bytes: u64) -> bool {
        state.used().saturating_add(bytes) <= self.max_bytes
    }
}

impl State {
    fn used(&self) -> u64 {
        self.stored.saturating_add(self.writing)
    }
}

impl Reserved<'_> {
    /// The letters are there.
    pub(super) fn fill(self) {
        self.room.lock().stored += self.bytes;
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.room.lock().writing -= self.bytes;
    }
}
