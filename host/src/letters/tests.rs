//! What is on the disk, and what happens when it cannot be.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use rustix::fs::FlockOperation;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::batch::Signal;
use crate::compression;
use crate::payload::{Coding, PREFIX, Packed, prefix};

/// A directory in the making, and what writes into it.
struct World {
    runtime: Runtime,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self {
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn config(&self) -> Config {
        Config::at(self.folder.path().join("kept/dead"))
    }

    fn path(&self) -> PathBuf {
        self.config().directory
    }

    fn keep(&self, letters: &Arc<Letters>, kept: Vec<Letter>) -> Result<(), Unwritten> {
        self.runtime.block_on(letters.keep(kept))
    }

    /// The names of all files, those that begin with a dot included.
    fn files(&self) -> Vec<String> {
        let mut files: Vec<_> = fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        files
    }
}

fn letter(message: &[u8]) -> Letter {
    let mut framed = prefix(false, message.len()).to_vec();
    framed.extend_from_slice(message);
    of(Payload::plain(Signal::Logs, framed.into()))
}

fn of(payload: Payload) -> Letter {
    Letter {
        payload,
        items: 2,
        grounds: Grounds {
            origin: Origin::Exporter {
                exporter: "otlp".to_owned(),
            },
            kind: Kind::Refused,
            text: "the backend answered INVALID_ARGUMENT".to_owned(),
        },
    }
}

/// Gzip that is none.
fn damaged() -> Letter {
    of(Payload::packed(
        Signal::Logs,
        Packed {
            coding: Coding::Gzip,
            framed: Bytes::from_static(b"\x01\0\0\0\x04abcd"),
            size: 4,
            limit: 100,
            key: "",
            is_one: true,
        },
    ))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Makes a letter look as old as that.
fn age(path: &Path, age: Duration) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
}

#[test]
fn a_letter_is_two_files_that_only_their_owner_can_read_and_is_read_again() {
    let world = World::new();
    let letters = Letters::start(&world.config()).unwrap();
    world.keep(&letters, vec![letter(b"request")]).unwrap();
    assert_eq!(mode(&world.path()), 0o700);
    assert_eq!(mode(world.path().parent().unwrap()), 0o700);
    let files = world.files();
    assert_eq!(files.len(), 2, "{files:?}");
    for file in &files {
        assert_eq!(mode(&world.path().join(file)), 0o600);
    }
    let folder = Folder::open(&world.path()).unwrap();
    let names = folder.letters().unwrap();
    assert_eq!(files, [names[0].reason(), names[0].request()]);
    let request = fs::read(world.path().join(names[0].request())).unwrap();
    assert_eq!(request, b"request");

    let Claimed::Mine(mut claim) = folder.claim(&names[0]).unwrap() else {
        panic!("nobody works on it");
    };
    let (payload, reason) = claim.read().unwrap();
    assert_eq!(payload.signal(), Signal::Logs);
    assert_eq!(payload.framed().unwrap()[..PREFIX], prefix(false, 7));
    assert_eq!(payload.message().unwrap(), "request");
    assert_eq!((reason.items, reason.bytes), (2, 7));
    assert_eq!(reason.reason, "the backend answered INVALID_ARGUMENT");
    assert!(matches!(folder.claim(&names[0]).unwrap(), Claimed::Busy));
    claim.failed(reason, "again").unwrap();
    drop(claim);

    let Claimed::Mine(mut claim) = folder.claim(&names[0]).unwrap() else {
        panic!("nobody works on it");
    };
    let (_, reason) = claim.read().unwrap();
    assert_eq!(reason.replayed.unwrap().reason, "again");
    assert_eq!(world.files(), files);
    claim.remove().unwrap();
    assert!(matches!(folder.claim(&names[0]).unwrap(), Claimed::Gone));
    assert!(world.files().is_empty());
}

#[test]
fn a_request_that_came_compressed_is_kept_plain() {
    let world = World::new();
    let letters = Letters::start(&world.config()).unwrap();
    let packed = compression::deflate(Coding::Gzip, &[7; 1000]);
    let payload = Payload::packed(Signal::Logs, packed);
    world.keep(&letters, vec![of(payload)]).unwrap();
    let names = Folder::open(&world.path()).unwrap().letters().unwrap();
    let request = fs::read(world.path().join(names[0].request())).unwrap();
    assert_eq!(request, [7; 1000]);
}

#[test]
fn a_directory_that_others_can_use_is_refused_with_the_cure() {
    let world = World::new();
    fs::create_dir_all(world.path()).unwrap();
    for shown in [0o750, 0o701, 0o722] {
        fs::set_permissions(world.path(), fs::Permissions::from_mode(shown)).unwrap();
        let error = Letters::start(&world.config()).unwrap_err().to_string();
        let cure = format!("run `chmod 700 {}`", world.path().display());
        assert!(
            error.contains(&format!("(mode {shown:o})")) && error.ends_with(&cure),
            "{error}"
        );
    }
    // What others use stays as they need it, such as the place for temporary files.
    fs::set_permissions(world.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let error = Letters::start(&world.config()).unwrap_err().to_string();
    assert!(!error.contains("chmod"), "{error}");
    fs::set_permissions(world.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let foreign = world.path().join("notes.txt");
    fs::write(&foreign, "").unwrap();
    let error = Letters::start(&world.config()).unwrap_err().to_string();
    let own = world.path().join("otlet-dead-letters");
    let cure = format!("name a directory of its own, such as `{}`", own.display());
    assert!(error.contains(&cure) && !error.contains("chmod"), "{error}");
    fs::remove_file(&foreign).unwrap();
    fs::set_permissions(world.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let letters = Letters::start(&world.config()).unwrap();
    // Others may have been let in since.
    fs::set_permissions(world.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let refused = world.keep(&letters, vec![letter(b"request")]);
    assert!(matches!(
        refused,
        Err(Unwritten::Unusable(Unusable::Open { .. }))
    ));
    assert!(world.files().is_empty());
}

#[test]
fn a_file_in_the_place_of_the_directory_is_refused() {
    let world = World::new();
    fs::create_dir_all(world.path().parent().unwrap()).unwrap();
    fs::write(world.path(), "").unwrap();
    let error = Letters::start(&world.config()).unwrap_err().to_string();
    assert!(error.contains("kept/dead"), "{error}");
}

#[test]
fn what_a_crash_left_is_cleared_away_and_nothing_else() {
    let world = World::new();
    let letters = Letters::start(&world.config()).unwrap();
    world.keep(&letters, vec![letter(b"whole")]).unwrap();
    let whole = world.files();
    let name = |number: u32| format!("20260101T000000.000000Z-logs-{number:016x}");
    let write = |file: &str| fs::write(world.path().join(file), "x").unwrap();
    for left in [
        format!(".{}.otlp.tmp", name(1)),
        format!(".{}.otlp.tmp", name(2)),
        format!(".{}.json.tmp", name(2)),
        format!("{}.json", name(3)),
        format!(".{}.otlp.tmp", name(3)),
    ] {
        write(&left);
    }
    // Of a replay that was killed while it noted a failure.
    write(&format!(".{}.tmp", whole[0]));
    // Somebody writes these.
    let writing = format!(".{}.otlp.tmp", name(4));
    write(&writing);
    write(&format!("{}.json", name(4)));
    let open = File::open(world.path().join(&writing)).unwrap();
    rustix::fs::flock(&open, FlockOperation::LockExclusive).unwrap();
    write("notes.txt");
    drop(Letters::start(&world.config()).unwrap());
    let mut expected = whole.clone();
    expected.extend([writing, format!("{}.json", name(4)), "notes.txt".to_owned()]);
    expected.sort();
    assert_eq!(world.files(), expected);
}

#[test]
fn what_does_not_fit_is_refused_until_somebody_makes_room() {
    let world = World::new();
    let config = Config {
        // Two files of one block each, twice.
        max_bytes: 4 * 4096,
        ..world.config()
    };
    let letters = Letters::start(&config).unwrap();
    world.keep(&letters, vec![letter(b"one")]).unwrap();
    let both = vec![letter(b"two"), letter(b"three")];
    let refused = world.keep(&letters, both).unwrap_err();
    assert!(matches!(
        refused,
        Unwritten::Full {
            used: 8192,
            max_bytes: 16384
        }
    ));
    assert!(refused.refusal().retry_after().is_some());
    assert_eq!(world.files().len(), 2);
    world.keep(&letters, vec![letter(b"four")]).unwrap();
    assert_eq!(letters.used(), 16384);
    assert!(world.keep(&letters, vec![letter(b"five")]).is_err());
    assert_eq!(letters.counters().written.get(), 2);
    assert_eq!(letters.counters().written_items.get(), 4);
    assert_eq!(letters.counters().unwritten.get(), 3);

    // As a replay does in another process.
    let folder = Folder::open(&world.path()).unwrap();
    for name in folder.letters().unwrap() {
        if let Claimed::Mine(claim) = folder.claim(&name).unwrap() {
            claim.remove().unwrap();
        }
    }
    let started = Instant::now();
    while world.keep(&letters, vec![letter(b"six")]).is_err() {
        assert!(started.elapsed() < Duration::from_secs(20));
        std::thread::yield_now();
    }
    assert_eq!(letters.used(), 8192);
    // A restart knows what is there.
    assert_eq!(Letters::start(&config).unwrap().used(), 8192);
}

#[test]
fn letters_of_one_request_are_written_all_or_none() {
    let world = World::new();
    let letters = Letters::start(&world.config()).unwrap();
    let both = vec![letter(b"one"), damaged()];
    let refused = world.keep(&letters, both).unwrap_err();
    assert!(matches!(refused, Unwritten::Closed(_)), "{refused:?}");
    assert!(world.files().is_empty());
    assert_eq!(letters.used(), 0);
}

#[test]
fn a_directory_that_is_gone_is_made_again_and_what_it_held_is_forgotten() {
    let world = World::new();
    let letters = Letters::start(&world.config()).unwrap();
    world.keep(&letters, vec![letter(b"one")]).unwrap();
    fs::remove_dir_all(world.path().parent().unwrap()).unwrap();
    world.keep(&letters, vec![letter(b"two")]).unwrap();
    assert_eq!(mode(&world.path()), 0o700);
    assert_eq!(world.files().len(), 2);
    assert_eq!(letters.used(), 8192);
}

#[test]
fn a_directory_that_cannot_be_made_again_refuses_with_a_cure_that_helps() {
    let world = World::new();
    let letters = Letters::start(&world.config()).unwrap();
    fs::remove_dir(world.path()).unwrap();
    fs::write(world.path(), "").unwrap();
    let refused = world.keep(&letters, vec![letter(b"one")]).unwrap_err();
    assert!(refused.refusal().retry_after().is_some());
    let cure = refused.cure();
    assert!(cure.starts_with("move what stands at "), "{cure}");
    fs::remove_file(world.path()).unwrap();
    world.keep(&letters, vec![letter(b"one")]).unwrap();
    let denied = io::ErrorKind::PermissionDenied.into();
    let cure = Unwritten::from(Unusable::new(Path::new("/var/dead"), denied)).cure();
    assert!(cure.contains("`mkdir -m 700 /var/dead`"), "{cure}");
}

#[test]
fn letters_beyond_their_age_are_removed_unless_somebody_works_on_them() {
    let world = World::new();
    let config = Config {
        max_age: Duration::from_hours(1),
        ..world.config()
    };
    let letters = Letters::start(&config).unwrap();
    for message in [b"old", b"one", b"new"] {
        world.keep(&letters, vec![letter(message)]).unwrap();
    }
    let folder = Folder::open(&world.path()).unwrap();
    let names = folder.letters().unwrap();
    for name in &names[..2] {
        age(&world.path().join(name.request()), Duration::from_mins(61));
    }
    age(
        &world.path().join(names[2].request()),
        Duration::from_mins(59),
    );
    let claimed = folder.claim(&names[1]).unwrap();
    letters.sweep().unwrap();
    assert_eq!(folder.letters().unwrap(), names[1..]);
    assert_eq!(letters.counters().expired.get(), 1);
    assert_eq!(letters.used(), 4 * 4096);
    drop(claimed);
    letters.sweep().unwrap();
    assert_eq!(folder.letters().unwrap(), names[2..]);
    assert_eq!(world.files().len(), 2);
    // Zero is never.
    let config = Config {
        max_age: Duration::ZERO,
        ..config
    };
    age(
        &world.path().join(names[2].request()),
        Duration::from_hours(9999),
    );
    Letters::start(&config).unwrap().sweep().unwrap();
    assert_eq!(world.files().len(), 2);
}

#[test]
fn damage_is_told_with_the_name_of_the_file() {
    let world = World::new();
    let letters = Letters::start(&world.config()).unwrap();
    world.keep(&letters, vec![letter(b"request")]).unwrap();
    let folder = Folder::open(&world.path()).unwrap();
    let name = folder.letters().unwrap().remove(0);
    let read = || match folder.claim(&name).unwrap() {
        Claimed::Mine(mut claim) => claim.read().unwrap_err().to_string(),
        other => panic!("{other:?}"),
    };
    let (request, reason) = (
        world.path().join(name.request()),
        world.path().join(name.reason()),
    );
    fs::write(&request, "reques").unwrap();
    assert_eq!(
        read(),
        format!(
            "`{}` has 6 bytes of logs, and its reason says 7 of logs",
            name.request()
        )
    );
    fs::write(&reason, "{}").unwrap();
    assert!(
        read().starts_with(&format!("`{}` is not the reason", name.reason())),
        "{}",
        read()
    );
    fs::remove_file(&reason).unwrap();
    assert!(
        read().starts_with(&format!("`{}` cannot be read", name.reason())),
        "{}",
        read()
    );
}
