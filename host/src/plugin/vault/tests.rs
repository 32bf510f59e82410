use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::AtomicBool;
use std::thread;

use super::*;

const MOST: u64 = 1 << 20;

fn vault() -> (tempfile::TempDir, Vault) {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::open(&folder.path().join("a/vault")).unwrap();
    (folder, vault)
}

#[test]
fn what_was_written_is_read() {
    let (_folder, vault) = vault();
    assert_eq!(fs::metadata(vault.path()).unwrap().mode() & 0o777, 0o700);
    vault.write("a", b"one").unwrap();
    vault.write("a", b"two").unwrap();
    vault.write("empty", b"").unwrap();
    assert_eq!(vault.read("a", MOST).unwrap(), b"two");
    assert_eq!(vault.read("empty", 0).unwrap(), b"");
    assert!(
        vault
            .read("a", 2)
            .unwrap_err()
            .to_string()
            .contains("more than")
    );
    let file = vault.path().join("a");
    assert_eq!(fs::metadata(file).unwrap().mode() & 0o777, 0o600);
    vault.remove("a").unwrap();
    assert_eq!(
        vault.read("a", MOST).unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
}

#[test]
fn a_file_that_is_undamaged_can_be_had_itself() {
    let (_folder, vault) = vault();
    for holds in [0, 1, PIECE, 2 * PIECE + 3] {
        vault.write("a", &vec![7; holds]).unwrap();
        vault.open_file("a", MOST).unwrap();
        let path = vault.path().join("a");
        let whole = fs::read(&path).unwrap();
        assert_eq!(whole[..holds], vec![7; holds]);
        for at in [holds / 2, holds, holds + SEAL - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).unwrap();
            let error = vault.open_file("a", MOST).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{at}");
        }
    }
    assert!(vault.open_file("a", 5).is_err());
    assert!(vault.open_file("b", MOST).is_err());
}

#[test]
fn a_folder_that_others_can_use_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    for (mode, usable) in [
        (0o700, true),
        (0o500, true),
        (0o710, false),
        (0o702, false),
        (0o755, false),
    ] {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        let opened = Vault::open(folder.path());
        assert_eq!(opened.is_ok(), usable, "{mode:o}");
        if let Err(error) = opened {
            assert!(matches!(error, Unusable::Open { mode: found, .. } if found == mode));
            assert!(error.to_string().contains("run `chmod 700 "), "{error}");
        }
    }
    let foreign = check(folder.path(), 7, 0o700, 8).unwrap_err();
    assert!(
        foreign.to_string().contains("belongs to user 7"),
        "{foreign}"
    );
    fs::write(folder.path().join("file"), "").unwrap();
    let no_folder = Vault::open(&folder.path().join("file"));
    assert!(matches!(no_folder, Err(Unusable::Io { .. })));
}

#[test]
fn links_and_paths_lead_nowhere() {
    let (folder, vault) = vault();
    vault.write("real", b"held").unwrap();
    let outside = folder.path().join("outside");
    fs::copy(vault.path().join("real"), &outside).unwrap();
    symlink(&outside, vault.path().join("link")).unwrap();
    assert!(vault.read("link", MOST).is_err());
    for name in ["../outside", "a/b", "", ".", "..", ".hidden", "a\0"] {
        assert!(vault.read(name, MOST).is_err(), "{name:?}");
        assert!(vault.write(name, b"").is_err(), "{name:?}");
    }
    // A link is replaced, and what it leads to stays.
    vault.write("link", b"new").unwrap();
    assert_eq!(vault.read("link", MOST).unwrap(), b"new");
    assert!(fs::read(outside).unwrap().starts_with(b"held"));
}

#[test]
fn damage_is_found() {
    let (_folder, vault) = vault();
    vault.write("a", &[7; 1000]).unwrap();
    let path = vault.path().join("a");
    let whole = fs::read(&path).unwrap();
    for at in [0, SEAL, 1031] {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        fs::write(&path, damaged).unwrap();
        let error = vault.read("a", MOST).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
    for length in [0, 5, SEAL, 1031] {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(vault.read("a", MOST).is_err(), "{length}");
    }
}

#[test]
fn a_reader_never_sees_half_of_what_is_written() {
    let (_folder, vault) = vault();
    vault.write("a", &vec![0; 100_000]).unwrap();
    let ended = AtomicBool::new(false);
    thread::scope(|threads| {
        let writers = [1, 2].map(|byte| {
            let vault = &vault;
            threads.spawn(move || {
                for _ in 0..50 {
                    vault.write("a", &vec![byte; 100_000]).unwrap();
                }
            })
        });
        let reader = threads.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                let held = vault.read("a", MOST).unwrap();
                assert!(held.iter().all(|byte| byte == &held[0]));
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        ended.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
    assert_eq!(vault.list("").unwrap().len(), 1);
}

#[test]
fn a_write_that_fails_leaves_what_was_there() {
    let (folder, vault) = vault();
    vault.write("a", b"old").unwrap();
    fs::create_dir(vault.path().join("taken")).unwrap();
    assert!(vault.write("taken", b"new").is_err());
    let kept = vault.list("").unwrap();
    assert!(kept.len() == 1 && kept[0].name == "a", "{kept:?}");
    fs::remove_dir_all(folder.path()).unwrap();
    assert!(vault.write("a", b"new").is_err());
}

#[test]
fn files_are_listed_by_when_they_were_used() {
    let (_folder, vault) = vault();
    for name in ["a.code", "b.code", "c.mark"] {
        vault.write(name, b"12345678").unwrap();
    }
    let long_ago = SystemTime::now() - Duration::from_hours(3);
    let left = vault.path().join("d.code.1-1.tmp");
    fs::write(&left, "").unwrap();
    for name in ["a.code", "b.code", "d.code.1-1.tmp"] {
        let file = File::options()
            .write(true)
            .open(vault.path().join(name))
            .unwrap();
        file.set_modified(long_ago).unwrap();
    }
    vault.touch("a.code").unwrap();
    let kept = vault.list(".code").unwrap();
    let names: Vec<_> = kept
        .iter()
        .map(|kept| (kept.name.as_str(), kept.size))
        .collect();
    assert_eq!(names, [("b.code", 40), ("a.code", 40)]);
    assert!(!left.exists());
}
