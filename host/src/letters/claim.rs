//! A letter that is being replayed, or removed because of its age.

use std::fs::File;
use std::io::{self, Read};

use super::folder::Folder;
use super::name::Name;
use super::reason::Reason;
use crate::batch::Signal;
use crate::date::Moment;
use crate::payload::{self, PREFIX, Payload};

/// More than any request that a receiver takes, and than any reason that otlet writes.
const LARGEST_REQUEST: u64 = 1 << 30;
const LARGEST_REASON: u64 = 64 << 10;

/// The characters that are kept of why a replay failed.
const LONGEST: usize = 500;

/// A letter that nobody else works on for as long as this lives.
#[derive(Debug)]
pub struct Claim<'a> {
    folder: &'a Folder,
    name: Name,
    request: File,
}

/// What became of an attempt to claim a letter.
#[derive(Debug)]
pub enum Claimed<'a> {
    /// It is this process's.
    Mine(Claim<'a>),
    /// Somebody else works on it.
    Busy,
    /// It is not there any more.
    Gone,
}

/// What is wrong with a letter.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// A file cannot be read.
    #[error("`{file}` cannot be read: {error}")]
    Io {
        /// Which.
        file: String,
        /// Why.
        error: io::Error,
    },
    /// The reason makes no sense.
    #[error("`{file}` is not the reason of a dead letter: {error}")]
    Reason {
        /// Which.
        file: String,
        /// Why.
        error: serde_json::Error,
    },
    /// It is too large for a letter.
    #[error("`{file}` has more than {most} bytes")]
    Large {
        /// Which.
        file: String,
        /// The bound.
        most: u64,
    },
    /// The two files do not belong together.
    #[error("`{file}` has {found} bytes of {signal}, and its reason says {bytes} of {said}")]
    Other {
        /// Which.
        file: String,
        /// What it has.
        found: u64,
        /// By its name.
        signal: &'static str,
        /// What it should have.
        bytes: u64,
        /// By its reason.
        said: String,
    },
}

impl<'a> Claim<'a> {
    pub(super) fn new(folder: &'a Folder, name: Name, request: File) -> Self {
        Self {
            folder,
            name,
            request,
        }
    }

    /// Reads the letter.
    pub fn read(&mut self) -> Result<(Payload, Reason), Damage> {
        let file = self.name.reason();
        let mut json = vec![];
        self.folder
            .read(&file)
            .map_err(|error| (file.clone(), error).into())
            .and_then(|mut open| bounded(&file, &mut open, LARGEST_REASON, &mut json))?;
        let reason = Reason::read(&json).map_err(|error| Damage::Reason { file, error })?;
        let file = self.name.request();
        let mut framed = vec![0; PREFIX];
        let found = bounded(&file, &mut self.request, LARGEST_REQUEST, &mut framed)?;
        let signal = self.name.signal().unwrap_or(Signal::Traces);
        if reason.bytes != found || reason.signal != signal.name() {
            return Err(Damage::Other {
                file,
                found,
                signal: signal.name(),
                bytes: reason.bytes,
                said: reason.signal,
            });
        }
        let len = framed.len().saturating_sub(PREFIX);
        if let Some(prefix) = framed.first_chunk_mut::<PREFIX>() {
            *prefix = payload::prefix(false, len);
        }
        Ok((Payload::plain(signal, framed.into()), reason))
    }

    /// Removes the letter. Once this returns it does not come back.
    pub fn remove(self) -> io::Result<()> {
        self.folder.unlink(&self.name.request())?;
        self.folder.unlink(&self.name.reason())?;
        self.folder.sync()
    }

    /// Notes in the reason that a replay failed.
    pub fn failed(&self, mut reason: Reason, why: &str) -> io::Result<()> {
        let why: String = why.chars().take(LONGEST).collect();
        reason.failed(Moment::now().to_string(), &why);
        let half = self.name.half_reason();
        // What a crash left of an earlier attempt.
        self.folder.unlink(&half)?;
        self.folder
            .create(&half, &reason.to_json())
            .and_then(|_written| self.folder.rename(&half, &self.name.reason()))
            .or_else(|error| self.folder.unlink(&half).and(Err(error)))?;
        self.folder.sync()
    }
}

/// Reads a whole file, and says how many bytes it has.
fn bounded(file: &str, from: &mut File, most: u64, into: &mut Vec<u8>) -> Result<u64, Damage> {
    let read = from
        .take(most.saturating_add(1))
        .read_to_end(into)
        .map_err(|error| (file.to_owned(), error))?;
    let read = u64::try_from(read).unwrap_or(u64::MAX);
    if read > most {
        let file = file.to_owned();
        return Err(Damage::Large { file, most });
    }
    Ok(read)
}

impl From<(String, io::Error)> for Damage {
    fn from((file, error): (String, io::Error)) -> Self {
        Self::Io { file, error }
    }
}
