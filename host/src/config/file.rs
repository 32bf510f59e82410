//! The files that a config refers to: tables for lookups, secrets that a platform mounts.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::report::quoted;

/// The bytes of all files of one config.
pub(super) const MAX_BYTES: usize = 16 << 20;

/// What helps where a file cannot be read.
const CURE: &str = "name a file that can be read, by its path from the config's folder";

/// The text of a file without the line break at its end, or what is wrong with it and the cure. A path that is not absolute
/// starts at the config's folder. At most `room` bytes are taken.
pub(super) fn read(folder: &Path, path: &str, room: usize) -> Result<String, (String, String)> {
    let wrong = |what: &str, cure: &str| {
        let file = quoted(path);
        Err((format!("file {file} {what}"), cure.to_owned()))
    };
    let full = folder.join(path);
    let mut bytes = Vec::new();
    let most = u64::try_from(room).unwrap_or(u64::MAX).saturating_add(1);
    let read = open(&full).and_then(|file| file.take(most).read_to_end(&mut bytes));
    if let Err(error) = read {
        return wrong(&format!("cannot be read: {error}"), CURE);
    }
    if bytes.len() > room {
        let what = format!("is too large: all files have at most {MAX_BYTES} bytes");
        return wrong(&what, "leave out what is not needed");
    }
    let Ok(mut text) = String::from_utf8(bytes) else {
        return wrong("is not UTF-8", "save it as UTF-8");
    };
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// Opens a regular file, and never waits: opening a pipe would wait for whoever writes to it.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is no regular file"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{MAX_BYTES, read};

    #[test]
    fn a_file_is_read_from_the_configs_folder_up_to_the_room_that_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes);
        write("table.csv", b"a,b\r\n1,2\r\n").expect("a file");
        write("bytes", &[0xff]).expect("a file");
        write("blank", b"\n\n").expect("a file");
        let text = |path: &str, room| read(folder.path(), path, room);
        assert_eq!(text("table.csv", MAX_BYTES).as_deref(), Ok("a,b\r\n1,2"));
        assert_eq!(text("blank", 2).as_deref(), Ok("\n"));
        let absolute = folder.path().join("blank").display().to_string();
        assert_eq!(text(&absolute, 2).as_deref(), Ok("\n"));
        for (path, what) in [
            ("none", "file `none` cannot be read: "),
            ("", "cannot be read: it is no regular file"),
            (".", "is no regular file"),
            ("/dev/zero", "is no regular file"),
            ("bytes", "file `bytes` is not UTF-8"),
        ] {
            let (message, cure) = text(path, MAX_BYTES).unwrap_err();
            assert!(message.contains(what), "{message}");
            assert!(!cure.is_empty());
        }
        let (message, _) = text("table.csv", 9).unwrap_err();
        assert!(message.contains("too large"), "{message}");
    }
}
