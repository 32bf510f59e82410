//! Tells files apart that have one name, or one inode, one after the other, and whether one has changed.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

/// The bytes that a fingerprint covers: as many as the Collector's.
const LENGTH: usize = 1000;

/// A file's place on its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
}

/// A file's length and time, which are others once it was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) len: u64,
    time: Option<SystemTime>,
}

/// A hash of a file's first bytes: the bytes themselves may be secret, and are kept on disk as a hash alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub(super) length: usize,
    pub(super) sha256: String,
}

impl FileId {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

impl Seen {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            len: metadata.len(),
            time: metadata.modified().ok(),
        }
    }
}

impl Fingerprint {
    fn of(bytes: &[u8]) -> Self {
        use std::fmt::Write as _;
        let mut sha256 = String::new();
        for byte in Sha256::digest(bytes) {
            write!(sha256, "{byte:02x}").expect("a string takes it");
        }
        Self {
            length: bytes.len(),
            sha256,
        }
    }

    /// Whether a file still begins as it did; if so, covers as much of it as there is now.
    pub(super) fn renew(&mut self, file: &File) -> io::Result<bool> {
        let mut head = [0; LENGTH];
        let mut len = 0;
        while let Some(free) = head.get_mut(len..).filter(|free| !free.is_empty()) {
            let at = u64::try_from(len).unwrap_or(u64::MAX);
            match file.read_at(free, at) {
                Ok(0) => break,
                Ok(read) => len += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let head = head.get(..len).unwrap_or_default();
        // Nothing covered yet is how every file begins.
        let same = match head.get(..self.length) {
            Some(begun) => self.length == 0 || Self::of(begun).sha256 == self.sha256,
            None => false,
        };
        if !same || len > self.length {
            *self = Self::of(head);
        }
        Ok(same)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_that_grows_is_the_same_and_one_that_begins_otherwise_is_not() {
        let mut file = tempfile::tempfile().unwrap();
        let mut print = Fingerprint::default();
        assert!(print.renew(&file).unwrap());
        for _ in 0..300 {
            file.write_all(b"abcd\n").unwrap();
            assert!(print.renew(&file).unwrap());
        }
        assert_eq!(print.length, LENGTH);
        let other = tempfile::tempfile().unwrap();
        other.write_all_at(&[b'a'; 2000], 0).unwrap();
        assert!(!print.clone().renew(&other).unwrap());
        // The beginning of it is not enough.
        file.set_len(500).unwrap();
        assert!(!print.renew(&file).unwrap());
        assert_eq!(print.length, 500);
        assert!(print.renew(&file).unwrap());
    }
}
