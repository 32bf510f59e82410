//! Files are compiled in child processes, within bounds.

use std::time::Duration;

use otlet::plugin::{Absent, Bounds, Compiler, Registry, Settings, Why};

use super::*;

/// The processes whose parent this is.
fn children(id: u32) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap();
    let stats = processes.filter_map(|entry| {
        // One may end meanwhile.
        fs::read_to_string(entry.unwrap().path().join("stat")).ok()
    });
    let parent = |stat: &str| {
        let after_name = stat.rsplit(") ").next()?;
        after_name.split(' ').nth(1)?.parse().ok()
    };
    stats.filter(|stat| parent(stat) == Some(id)).collect()
}

#[test]
fn a_file_is_compiled_in_a_child_that_leaves_nothing_behind() {
    const COMPILED: &str = "compiled in a child process";
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("plugins")).unwrap();
    fs::write(folder.path().join("plugins/stamp.wasm"), good(1)).unwrap();
    let backend = Backend::start();
    let config = config(folder.path(), &backend, &["stamp"]).replace(
        "service:\n",
        "service:\n  telemetry: { logs: { level: debug } }\n",
    );
    let otlet = Program::start(OTLET, &config);
    let hot = Hot::with(folder, backend, otlet);
    hot.otlet.wait_for(COMPILED);
    assert_eq!(hot.sends(), 1);
    let before = hot.otlet.lines();
    hot.swap("stamp.wasm", &good(2));
    hot.otlet.wait_for_after(before, COMPILED);
    assert_eq!(hot.sends(), 2);
    assert!(children(hot.otlet.id()).is_empty());

    // What was compiled before is not compiled again.
    let before = hot.otlet.said().matches(COMPILED).count();
    hot.swap("stamp.wasm", &good(1));
    assert_eq!(hot.otlet.said().matches(COMPILED).count(), before);
    assert_eq!(hot.sends(), 1);
}

#[test]
fn a_file_that_takes_too_much_to_compile_is_refused_and_the_next_is_not() {
    let plain = Bounds::default();
    for (wasm, bounds, says) in [
        (
            guests::ECHO.to_vec(),
            Bounds {
                wall: Duration::ZERO,
                ..plain
            },
            "it took more than 0 s",
        ),
        (
            long(),
            Bounds {
                cpu_seconds: 1,
                ..plain
            },
            "it took more than 1 s of CPU time",
        ),
        (
            long(),
            Bounds {
                address_space: LITTLE,
                ..plain
            },
            "it took more than 512 MiB of address space",
        ),
        (
            guests::ECHO.to_vec(),
            Bounds {
                code: 4_096,
                ..plain
            },
            "its code has more than 4096 bytes",
        ),
    ] {
        let registry = registry(OTLET, bounds, &wasm);
        let (why, reason) = refused(&registry);
        assert_eq!(why, Why::Compile, "{reason}");
        assert!(reason.starts_with("it cannot be compiled: "), "{reason}");
        assert!(reason.ends_with(says), "{reason}");
    }
    let registry = registry(OTLET, plain, guests::ECHO);
    assert!(registry.get("one").is_ok());
}

#[test]
fn what_is_no_component_is_told_from_a_compiler_that_fails() {
    let damaged = registry(OTLET, Bounds::default(), &guests::ECHO[..1_000]);
    let (why, reason) = refused(&damaged);
    assert_eq!(why, Why::Component);
    assert!(
        reason.starts_with("it is no WebAssembly component: "),
        "{reason}"
    );
    for (program, says) in [
        ("/nowhere/otlet", "no process for it can be started"),
        // It neither reads nor writes anything.
        ("/bin/false", "its process ended with exit status: 1"),
    ] {
        let (why, reason) = refused(&registry(program, Bounds::default(), guests::ECHO));
        assert_eq!(why, Why::Compile, "{reason}");
        assert!(reason.contains(says), "{reason}");
    }
}

#[test]
fn a_hostile_core_module_is_refused_and_the_next_file_is_not() {
    // It is completed: what it lacks is a manifest.
    let whole = core(&[], 0);
    // As many bytes as its length makes of a simple sum.
    let garbage: Vec<u8> = (0..1_u32 << 20)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    // A type in a type in a type, without end.
    let deep = [
        b"\0asm\x0d\0\x01\0".as_slice(),
        &section(7, &[0x41, 1, 1].repeat(1 << 20)),
    ]
    .concat();
    for (what, wasm, whys) in [
        ("plain", whole, &[Why::Describe][..]),
        (
            "a header and garbage",
            [MODULE, garbage.as_slice()].concat(),
            &[Why::Component],
        ),
        ("many exports", core(&[], 100_000), &[Why::Describe]),
        (
            "many bytes",
            core(&named("data", &vec![0; 32 << 20]), 0),
            &[Why::Describe],
        ),
        (
            "no world",
            core(&named("component-type", &garbage), 0),
            &[Why::Component],
        ),
        // Whether that is seen to be deep, or ends the process.
        (
            "deep types",
            core(&named("component-type", &deep), 0),
            &[Why::Component, Why::Compile],
        ),
    ] {
        let (why, reason) = refused(&registry(OTLET, Bounds::default(), &wasm));
        assert!(whys.contains(&why), "{what}: {reason}");
        assert!(reason.len() < 512, "{what}: {reason}");
    }
    let registry = registry(OTLET, Bounds::default(), guests::STAMP_MODULE);
    assert!(registry.get("one").is_ok());
}

const MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// A core module with the contract's exports, each of which traps, so many others, and another section.
fn core(other: &[u8], exports: usize) -> Vec<u8> {
    const I32: u8 = 0x7f;
    let types: [&[u8]; 4] = [
        &[3],
        &[0x60, 0, 1, I32],
        &[0x60, 2, I32, I32, 1, I32],
        &[0x60, 4, I32, I32, I32, I32, 1, I32],
    ];
    let functions = ["describe", "configure", "process"]
        .map(|name| format!("otlet:plugin/processor@0.1.0#{name}"));
    let others = (0..exports).map(|n| format!("e{n}"));
    let mut named: Vec<(String, u8, u8)> = vec![
        ("memory".to_owned(), 2, 0),
        ("cabi_realloc".to_owned(), 0, 3),
    ];
    named.extend(
        (0..)
            .zip(functions)
            .map(|(function, name)| (name, 0, function)),
    );
    named.extend(others.map(|name| (name, 0, 0)));
    let mut list = number(named.len());
    for (name, kind, index) in named {
        list.extend(sized(name.as_bytes()));
        list.extend([kind, index]);
    }
    [
        MODULE.to_vec(),
        section(1, &types.concat()),
        section(3, &[4, 0, 1, 0, 2]),
        section(5, &[1, 0, 1]),
        section(7, &list),
        section(10, &[&[4], [3, 0, 0, 0x0b].repeat(4).as_slice()].concat()),
        other.to_vec(),
    ]
    .concat()
}

/// A custom section.
fn named(name: &str, content: &[u8]) -> Vec<u8> {
    section(0, &[&sized(name.as_bytes()), content].concat())
}

/// A registry of a directory with this file.
fn registry(program: &str, bounds: Bounds, wasm: &[u8]) -> Lone {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("one.wasm"), wasm).unwrap();
    let settings = Settings {
        directory: Some(folder.path().to_owned()),
        ..Settings::default()
    };
    let registry = Registry::new(&[], settings, None, 1).unwrap();
    let compiler = Compiler::new(PathBuf::from(program), bounds);
    Lone {
        registry: registry.with_compiler(Some(compiler)),
        _folder: folder,
    }
}

struct Lone {
    registry: Registry,
    _folder: TempDir,
}

impl std::ops::Deref for Lone {
    type Target = Registry;

    fn deref(&self) -> &Registry {
        &self.registry
    }
}

fn refused(registry: &Registry) -> (Why, String) {
    match registry.get("one") {
        Err(Absent::Refused(_, refusal)) => (refusal.why, refusal.reason),
        other => panic!("{other:?}"),
    }
}

/// Less than the compiler takes for a long function, and more than it takes for itself.
const LITTLE: u64 = 512 << 20;

/// A component that is no plugin, with a function that takes seconds and a GiB to compile.
fn long() -> Vec<u8> {
    // No local but the parameter, to which its square is added again and again, and which is the result.
    let mut body = vec![0];
    for _ in 0..700_000 {
        body.extend([0x20, 0, 0x20, 0, 0x7e, 0x20, 0, 0x7c, 0x21, 0]);
    }
    body.extend([0x20, 0, 0x0b]);
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    module.extend(section(1, &[1, 0x60, 1, 0x7e, 1, 0x7e]));
    module.extend(section(3, &[1, 0]));
    module.extend(section(10, &[&[1], &*sized(&body)].concat()));
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    component.extend(section(1, &module));
    component
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], &*sized(content)].concat()
}

/// Bytes after their number.
fn sized(content: &[u8]) -> Vec<u8> {
    let mut out = number(content.len());
    out.extend(content);
    out
}

fn number(mut left: usize) -> Vec<u8> {
    let mut out = vec![];
    while left > 0x7f {
        out.push(u8::try_from(left & 0x7f).unwrap() | 0x80);
        left >>= 7;
    }
    out.push(u8::try_from(left).unwrap());
    out
}
