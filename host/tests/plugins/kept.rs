//! The code of compiled plugins is kept.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::*;

/// A command whose compiled code is kept in this folder.
fn with_cache(folder: &Path) -> Command {
    let mut command = Command::new(OTLET);
    command.env("XDG_CACHE_HOME", folder);
    command
}

#[test]
fn compiled_code_is_kept_for_the_next_start_in_a_folder_of_its_owners() {
    let folder = folder(&[]);
    let config = config(folder.path(), "", "sample", "http://127.0.0.1:1");
    let start = || {
        let otlet = Program::begin_with(with_cache(folder.path()), &config, &[]);
        otlet.wait_for("ready");
        otlet.said()
    };
    let cache = folder.path().join("otlet");
    let kept = || -> Vec<_> {
        let entries = fs::read_dir(&cache)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        entries.collect()
    };
    assert!(!start().contains("compiled"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&cache), 0o700);
    let [file] = kept().try_into().unwrap();
    assert_eq!(mode(&file), 0o600);
    let written = fs::metadata(&file).unwrap();
    start();
    // What is there was used, not written again.
    assert_eq!(
        fs::metadata(&file).unwrap().created().ok(),
        written.created().ok()
    );

    let code = fs::read(&file).unwrap();
    fs::write(&file, &code[..code.len() / 2]).unwrap();
    assert!(start().contains("compiled code is not usable, and is made again"));
    assert_eq!(fs::read(&file).unwrap(), code);

    fs::remove_file(&file).unwrap();
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(start().contains("run `chmod 700 "));
    assert!(kept().is_empty());
}

#[test]
fn a_disk_without_room_for_compiled_code_costs_the_compilation_alone() {
    let folder = folder(&[]);
    let mut shell = Command::new("sh");
    // Files of at most 2 MiB, as a disk that is full: a guest's memory needs some, its code more.
    shell.args([
        "-c",
        "trap '' XFSZ; ulimit -f 4096; exec \"$0\" \"$@\"",
        OTLET,
    ]);
    shell.env("XDG_CACHE_HOME", folder.path());
    let config = config(folder.path(), "", "sample", "http://127.0.0.1:1");
    let otlet = Program::begin_with(shell, &config, &[]);
    otlet.wait_for("compiled code cannot be kept");
    otlet.wait_for("ready");
    assert_eq!(
        fs::read_dir(folder.path().join("otlet")).unwrap().count(),
        0
    );
}
