//! Files that no processor uses: what they cost those that are used.

use std::thread;
use std::time::{Duration, Instant};

use otlet_tests::metrics::page;
use serde_json::Value as Json;

use super::*;

const COMPILED: &str = "compiled in a child process";
const RELOADED: &str = "the config was reloaded";

/// Waits until so many plugins of the directory are there that nothing uses.
fn wait_until_available(otlet: &Program, wanted: usize) {
    let began = Instant::now();
    loop {
        let (status, text) = page(otlet.admin(), "/plugins");
        assert_eq!(status, 200);
        let listed: Json = serde_json::from_str(&text).unwrap();
        let rows = listed["plugins"].as_array().unwrap().iter();
        let is_it = |row: &&Json| row["state"] == "available" && row["source"] != "bundled";
        let available = rows.filter(is_it).count();
        if available == wanted {
            return;
        }
        assert!(began.elapsed() < Duration::from_mins(2), "{available}");
        thread::park_timeout(Duration::from_millis(50));
    }
}

/// The descriptors that a process has open.
fn open_files(otlet: &Program) -> usize {
    let folder = format!("/proc/{}/fd", otlet.id());
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn many_unused_files_leave_the_descriptors_to_the_telemetry() {
    const MOST: u32 = 128;
    const UNUSED: usize = 150;
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("plugins");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("stamp.wasm"), good(1)).unwrap();
    let backend = Backend::start();
    let wanted = config(folder.path(), &backend, &["stamp"]);
    let otlet = Program::start_with_open_files(OTLET, &wanted, MOST);
    let hot = Hot::with(folder, backend, otlet);
    assert_eq!(hot.sends(), 1);
    let before = open_files(&hot.otlet);
    for at in 0..UNUSED {
        hot.put(&format!("unused{at}.wasm"), &good(7));
    }
    wait_until_available(&hot.otlet, UNUSED);
    let after = open_files(&hot.otlet);
    assert!(after < before + 20, "{after} of {before} before");
    assert_eq!(hot.sends(), 1);
    hot.swap("stamp.wasm", &good(2));
    assert_eq!(hot.sends(), 2);
    // One of them is loaded when a processor comes to use it, and not kept when it goes.
    let wanted = config(hot.folder.path(), &hot.backend, &["stamp", "unused9"]);
    hot.otlet.reload(&wanted, RELOADED);
    assert_eq!(hot.sends(), 7);
    let wanted = config(hot.folder.path(), &hot.backend, &["stamp"]);
    hot.otlet.reload(&wanted, RELOADED);
    assert_eq!(hot.sends(), 2);
    wait_until_available(&hot.otlet, UNUSED);
}

#[test]
fn an_unused_file_that_spins_holds_up_neither_a_swap_nor_a_reload() {
    const SPINNING: usize = 3;
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("plugins")).unwrap();
    fs::write(folder.path().join("plugins/stamp.wasm"), good(1)).unwrap();
    fs::write(folder.path().join("plugins/other.wasm"), good(3)).unwrap();
    let backend = Backend::start();
    let telling = |config: String| {
        let level = "service:\n  telemetry: { logs: { level: debug } }\n";
        config.replace("service:\n", level)
    };
    let wanted = telling(config(folder.path(), &backend, &["stamp"]));
    let otlet = Program::start(OTLET, &wanted);
    let hot = Hot::with(folder, backend, otlet);
    wait_until_available(&hot.otlet, 1);
    // What comes next need not be compiled.
    hot.swap("stamp.wasm", &good(2));
    let before = hot.otlet.lines();
    for at in 0..SPINNING {
        hot.put(&format!("spin{at}.wasm"), &spinning(at));
    }
    hot.otlet.wait_for_after(before, COMPILED);
    let is_spinning = || {
        let said = hot.otlet.said();
        let given_up = said.matches("`describe` failed").count();
        assert!(given_up < SPINNING, "{said}");
    };
    hot.swap("stamp.wasm", &good(1));
    assert_eq!(hot.sends(), 1);
    is_spinning();
    let both = config(hot.folder.path(), &hot.backend, &["stamp", "other"]);
    hot.otlet.reload(&telling(both), RELOADED);
    assert_eq!(hot.sends(), 3);
    is_spinning();
}

/// A component that spins when it is asked to describe itself; another one for each number.
fn spinning(number: usize) -> Vec<u8> {
    manifest(&format!("spin{}", "\t".repeat(number)))
}
