//! The two files of a letter: the request, and the reason beside it.

use std::fs::File;
use std::io;

use bytes::Bytes;

use super::{Folder, Letter, Name, Reason, Unwritten, room};
use crate::batch;
use crate::compression;
use crate::date::Moment;

/// What is written of a letter.
pub(super) struct Contents {
    name: Name,
    message: Bytes,
    reason: Vec<u8>,
    pub(super) items: u64,
}

impl Contents {
    pub(super) fn new(letter: &Letter) -> Result<Self, Unwritten> {
        let opened = compression::open(letter.payload.clone()).map_err(Unwritten::Closed)?;
        let message = opened.message().unwrap_or_default();
        let now = Moment::now();
        let signal = letter.payload.signal();
        let items = match letter.items {
            0 => batch::records(signal, &message),
            known => known,
        };
        let reason = Reason {
            time: now.to_string(),
            signal: signal.name().to_owned(),
            origin: letter.grounds.origin.clone(),
            kind: letter.grounds.kind,
            reason: letter.grounds.text.clone(),
            items,
            bytes: u64::try_from(message.len()).unwrap_or(u64::MAX),
            replayed: None,
        };
        Ok(Self {
            name: Name::new(signal, now),
            message,
            reason: reason.to_json(),
            items,
        })
    }

    /// What they take on the disk.
    pub(super) fn bytes(&self) -> u64 {
        room::on_disk(self.message.len()) + room::on_disk(self.reason.len())
    }

    /// Writes both files, and leaves nothing where that fails. The file keeps the letter locked.
    pub(super) fn write(&self, folder: &Folder) -> io::Result<(Name, File)> {
        let name = &self.name;
        let write = || -> io::Result<_> {
            let request = folder.create(&name.half_request(), &self.message)?;
            folder.create(&name.half_reason(), &self.reason)?;
            folder.rename(&name.half_reason(), &name.reason())?;
            folder.rename(&name.half_request(), &name.request())?;
            Ok((name.clone(), request))
        };
        write().inspect_err(|_error| folder.remove(name))
    }
}
