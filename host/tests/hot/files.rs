//! What happens to the files of the plugin directory.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use super::*;

/// How long half a file must stay as it is to be refused.
const SETTLED: Duration = Duration::from_secs(1);

#[test]
fn a_file_that_is_written_bit_by_bit_is_used_when_it_is_whole() {
    let hot = Hot::start(&[("stamp.wasm", &good(1))], &["stamp"]);
    let new = good(2);
    let mut file = File::create(hot.path("plugins/stamp.wasm")).unwrap();
    let mut slowest = Duration::ZERO;
    for part in new.chunks(new.len() / 7) {
        let began = Instant::now();
        file.write_all(part).unwrap();
        // Time goes by in which it is half-written: as much as a batch takes.
        assert_eq!(hot.sends(), 1);
        slowest = slowest.max(began.elapsed());
    }
    drop(file);
    hot.otlet.wait_for(&in_use(&new));
    assert_eq!(hot.sends(), 2);
    // On a machine that is slower than that it stayed half-written for long enough to be told.
    let said = hot.otlet.said();
    assert!(!said.contains("refused") || slowest > SETTLED, "{said}");
}

#[test]
fn a_file_that_is_written_in_place_is_used_though_its_size_and_time_stay() {
    let hot = Hot::start(&[("stamp.wasm", &good(1))], &["stamp"]);
    let path = hot.path("plugins/stamp.wasm");
    let before = fs::metadata(&path).unwrap();
    let new = good(2);
    let mut file = File::options().write(true).open(&path).unwrap();
    file.write_all(&new).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    drop(file);
    let after = fs::metadata(&path).unwrap();
    assert_eq!(
        (after.len(), after.modified().unwrap()),
        (before.len(), before.modified().unwrap())
    );
    hot.otlet.wait_for(&in_use(&new));
    assert_eq!(hot.sends(), 2);
}

#[test]
fn half_a_file_is_refused_aloud_once_it_stays_so() {
    let hot = Hot::start(&[("stamp.wasm", &good(1))], &["stamp"]);
    let new = good(2);
    hot.put("stamp.wasm", &new[..new.len() / 2]);
    let line = hot.otlet.wait_for("a plugin's file is refused");
    assert!(line.contains("it is no WebAssembly component"), "{line}");
    assert_eq!(hot.sends(), 1);
    hot.swap("stamp.wasm", &new);
    assert_eq!(hot.sends(), 2);
}

#[test]
fn what_is_removed_or_renamed_away_stays_in_use() {
    let hot = Hot::start(&[("stamp.wasm", &good(1))], &["stamp"]);
    fs::rename(
        hot.path("plugins/stamp.wasm"),
        hot.path("plugins/stamp.bak"),
    )
    .unwrap();
    hot.otlet.wait_for("the file of a plugin is gone");
    assert_eq!(hot.sends(), 1);
    // A name that is given to another file is a change.
    let new = good(2);
    fs::write(hot.path("plugins/stamp.next"), &new).unwrap();
    fs::rename(
        hot.path("plugins/stamp.next"),
        hot.path("plugins/stamp.wasm"),
    )
    .unwrap();
    hot.otlet.wait_for(&in_use(&new));
    assert_eq!(hot.sends(), 2);
    let before = hot.otlet.lines();
    fs::remove_file(hot.path("plugins/stamp.wasm")).unwrap();
    hot.otlet
        .wait_for_after(before, "the file of a plugin is gone");
    assert_eq!(hot.sends(), 2);
}

#[test]
fn a_component_and_a_core_module_of_one_plugin_take_each_others_place() {
    let hot = Hot::start(&[("stamp.wasm", &good(1))], &["stamp"]);
    assert_eq!(hot.sends(), 1);
    let module = written_over(guests::STAMP_MODULE, ORDERS, ROOM, r#"{"number": 2}"#);
    hot.swap("stamp.wasm", &module);
    assert_eq!(hot.sends(), 2);
    hot.put("stamp.wasm", b"\0asm\x01\0\0\0");
    let line = hot.otlet.wait_for("a plugin's file is refused");
    assert!(line.contains("plugins/stamp.wasm"), "{line}");
    let says = "the core module is no plugin: it exports no otlet:plugin/processor@0.1.0#describe";
    assert!(line.contains(says), "{line}");
    assert_eq!(hot.sends(), 2);
    hot.swap("stamp.wasm", &good(3));
    assert_eq!(hot.sends(), 3);
    // Its code was kept, by the digest of the file.
    hot.swap("stamp.wasm", &module);
    assert_eq!(hot.sends(), 2);
}

#[test]
fn many_files_that_change_at_once_are_all_used() {
    let names: Vec<_> = (0..8).map(|n| format!("stamp{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let files: Vec<_> = names.iter().map(|name| format!("{name}.wasm")).collect();
    let first = good(1);
    let plugins: Vec<_> = files.iter().map(|file| (&**file, &*first)).collect();
    let hot = Hot::start(&plugins, &names);
    let versions: Vec<_> = (10..).take(files.len()).map(good).collect();
    for (file, version) in files.iter().zip(&versions) {
        hot.put(file, version);
    }
    for version in &versions {
        hot.otlet.wait_for(&in_use(version));
    }
    // The last of the chain is what is seen.
    assert_eq!(hot.sends(), 17);
}

/// What the kubelet does with a mounted `ConfigMap`: the names lead through `..data`, which another takes the place of.
#[test]
fn a_config_map_that_is_swapped_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let plugins = folder.path().join("plugins");
    fs::create_dir(&plugins).unwrap();
    let mount = |name: &str, wasm: &[u8]| {
        fs::create_dir(plugins.join(name)).unwrap();
        fs::write(plugins.join(name).join("stamp.wasm"), wasm).unwrap();
        symlink(name, plugins.join("..data_tmp")).unwrap();
        fs::rename(plugins.join("..data_tmp"), plugins.join("..data")).unwrap();
    };
    mount("..2026_01_01", &good(1));
    symlink("..data/stamp.wasm", plugins.join("stamp.wasm")).unwrap();
    let hot = Hot::start_in(folder, &["stamp"]);
    assert_eq!(hot.sends(), 1);
    let new = good(2);
    mount("..2026_01_02", &new);
    fs::remove_dir_all(plugins.join("..2026_01_01")).unwrap();
    hot.otlet.wait_for(&in_use(&new));
    assert_eq!(hot.sends(), 2);
}

#[test]
fn a_directory_that_goes_and_comes_back_with_a_file_in_it() {
    let hot = Hot::start(&[("stamp.wasm", &good(1))], &["stamp"]);
    fs::rename(hot.path("plugins"), hot.path("away")).unwrap();
    hot.otlet.wait_for("the file of a plugin is gone");
    assert_eq!(hot.sends(), 1);
    let new = good(2);
    fs::create_dir(hot.path("coming")).unwrap();
    fs::write(hot.path("coming/stamp.wasm"), &new).unwrap();
    fs::rename(hot.path("coming"), hot.path("plugins")).unwrap();
    hot.otlet.wait_for(&in_use(&new));
    assert_eq!(hot.sends(), 2);
}

#[test]
fn a_file_that_is_there_before_the_directory_is_seen() {
    let hot = Hot::start_in(tempfile::tempdir().unwrap(), &["redact"]);
    assert_eq!(hot.sends(), 0);
    fs::create_dir(hot.path("coming")).unwrap();
    fs::write(hot.path("coming/stamp.wasm"), "nothing of the kind").unwrap();
    fs::rename(hot.path("coming"), hot.path("plugins")).unwrap();
    let line = hot.otlet.wait_for("a plugin's file is refused");
    assert!(line.contains("stamp.wasm"), "{line}");
}

#[test]
fn without_notices_of_the_system_changes_are_seen_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("plugins")).unwrap();
    fs::write(folder.path().join("plugins/stamp.wasm"), good(1)).unwrap();
    let backend = Backend::start();
    let config = config(folder.path(), &backend, &["stamp"]);
    let Some(otlet) = Program::start_without_notices(OTLET, &config) else {
        let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!is_ci, "CI lets `unshare -U -r` be run");
        return writeln!(io::stderr(), "skipped: `unshare -U -r` cannot be run").unwrap();
    };
    otlet.wait_for("there are no notices of changes");
    let hot = Hot::with(folder, backend, otlet);
    for number in [2, 3] {
        hot.swap("stamp.wasm", &good(number));
        assert_eq!(hot.sends(), number);
    }
}
