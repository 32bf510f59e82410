//! Core modules, which are made components of: written by hand, and as cargo gives them.

use std::fmt::Write as _;

use super::super::{Problem, complete};
use super::*;

/// The contract's functions as a core module exports them.
const PROCESSOR: &str = "otlet:plugin/processor@0.1.0#";

/// A module by hand: what differs from the one that drops the first span.
#[derive(Clone, Copy)]
struct Text {
    /// What it imports besides.
    imports: &'static str,
    /// What its `cabi_realloc` does before it gives memory, and its `cabi_post_..`.
    inside: &'static str,
    /// What its `process` does besides, which fails unless 0 is on the stack afterwards.
    process: &'static str,
    /// More of the module.
    more: &'static str,
}

const PLAIN: Text = Text {
    imports: "",
    inside: "",
    process: "i32.const 0",
    more: "",
};

impl Text {
    fn wat(self) -> String {
        let Self {
            imports,
            inside,
            process,
            more,
        } = self;
        format!(
            r#"(module
  (import "otlet:plugin/batch@0.1.0" "drop-rows" (func $drop (param i32 i32 i32 i32)))
  {imports}
  (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 4096))
  (data (i32.const 100) "{{\"version\": \"1.2.3\"}}")
  (data (i32.const 200) "record")
  (data (i32.const 300) "it is so")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    {inside}
    (global.get $free)
    (global.set $free (i32.and (i32.const -8)
      (i32.add (i32.const 7) (i32.add (global.get $free) (local.get 3))))))
  (func (export "{PROCESSOR}describe") (result i32)
    (i32.store (i32.const 16) (i32.const 100)) (i32.store (i32.const 20) (i32.const 20))
    (i32.const 16))
  (func (export "{PROCESSOR}configure") (param i32 i32) (result i32)
    (i32.store8 (i32.const 32) (i32.const 0)) (i32.const 32))
  (func (export "{PROCESSOR}process") (result i32)
    (call $drop (i32.const 200) (i32.const 6) (i32.const 80) (i32.const 1))
    (i32.store8 (i32.const 32) (i32.ne (i32.const 0) (block (result i32) {process})))
    (i32.store (i32.const 36) (i32.const 300)) (i32.store (i32.const 40) (i32.const 8))
    (i32.const 32))
  (func (export "cabi_post_{PROCESSOR}process") (param i32) {inside})
  {more})"#
        )
    }

    fn module(self) -> Vec<u8> {
        wat::parse_str(self.wat()).unwrap()
    }
}

/// What a module makes of the batch of traces.
fn run(wasm: &[u8]) -> Batch {
    let plugin = load("module", wasm);
    assert_eq!(plugin.version(), Some("1.2.3"));
    assert!(!plugin.imports_wasi());
    processor(&plugin, &json!({}), &Limits::default())
        .process(traces(), Place::Worker)
        .unwrap()
}

fn refused(wasm: &[u8]) -> String {
    let error = Plugin::load(&ENGINE, "x", wasm).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error.problem, Problem::Module(_)), "{text}");
    assert!(
        text.starts_with("plugin \"x\": the core module is no plugin: "),
        "{text}"
    );
    assert!(text.len() < 330 && !text.ends_with('…'), "{text}");
    text
}

/// What the module is refused for that comes of this one by a change.
fn refused_with(old: &str, new: &str) -> String {
    let wat = PLAIN.wat();
    assert!(wat.contains(old), "{old}");
    refused(&wat::parse_str(wat.replace(old, new)).unwrap())
}

/// All that the adapter is asked for by modules of C, Go and Rust.
const PREVIEW1: &str = r#"
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "otlet:plugin/host@0.1.0" "now" (func $now (result i64)))
"#;

#[test]
fn the_adapter_is_what_its_source_says() {
    let source = include_str!("../complete/preview1.wat");
    let made = wat::parse_str(source).unwrap();
    if made != include_bytes!("../complete/preview1.wasm") {
        let out = std::env::temp_dir().join("preview1.wasm");
        std::fs::write(&out, made).unwrap();
        panic!("put {} beside preview1.wat", out.display());
    }
}

#[test]
fn a_module_that_says_nothing_of_its_world_is_one_of_the_contracts() {
    let batch = run(&PLAIN.module());
    assert_eq!(batch.records(), 1);
    let kept = &decoded(&batch).resource_spans[0].scope_spans[0].spans;
    assert_eq!(kept[0].name, "GET /b");
}

#[test]
fn a_module_of_cargo_works_as_its_component_does() {
    let config = json!({"key": "k"});
    let [module, component] = [guests::STAMP_MODULE, guests::STAMP].map(|wasm| {
        let plugin = load("stamp", wasm);
        let processor = processor(&plugin, &config, &Limits::default());
        let batch = processor.process(traces(), Place::Worker).unwrap();
        (plugin.digest(), plugin.manifest().clone(), decoded(&batch))
    });
    assert_ne!(module.0, component.0);
    assert_eq!((module.1, module.2), (component.1, component.2));
}

#[test]
fn texts_in_utf_16_are_those_of_the_modules_that_say_so() {
    let mut wat = PLAIN.wat();
    for text in ["{\\\"version\\\": \\\"1.2.3\\\"}", "record"] {
        let wide = text
            .replace('\\', "")
            .chars()
            .fold(String::new(), |mut wide, c| {
                write!(wide, "\\{:02x}\\00", u32::from(c)).unwrap();
                wide
            });
        wat = wat.replace(&format!("\"{text}\""), &format!("\"{wide}\""));
    }
    let mut module = wat::parse_str(&wat).unwrap();
    // As UTF-8 it has no manifest.
    assert!(Plugin::load(&ENGINE, "x", &module).is_err());
    let mut world = complete::WORLD.to_vec();
    let name = b"wit-component-encoding";
    let at = memchr::memmem::find(&world, name).unwrap() + name.len() + 1;
    assert_eq!(world[at], 0, "UTF-8");
    world[at] = 1;
    module.extend(world);
    assert_eq!(run(&module).records(), 1);
}

#[test]
fn the_same_module_makes_the_same_component() {
    for text in [
        PLAIN,
        Text {
            imports: PREVIEW1,
            ..PLAIN
        },
    ] {
        let module = text.module();
        let component = complete::component(&module).unwrap();
        assert_eq!(component, complete::component(&module).unwrap());
        assert_ne!(component.as_ref(), module);
    }
    // What is no module is left alone.
    assert_eq!(complete::component(guests::ECHO).unwrap(), guests::ECHO);
    assert_eq!(complete::component(b"text").unwrap().as_ref(), b"text");
}

#[test]
fn what_a_module_prints_is_logged_by_the_line() {
    let module = Text {
        imports: PREVIEW1,
        process: r"
          ;; Two pieces, and one on the stream of errors.
          (i32.store (i32.const 500) (i32.const 300)) (i32.store (i32.const 504) (i32.const 2))
          (i32.store (i32.const 508) (i32.const 302)) (i32.store (i32.const 512) (i32.const 6))
          (drop (call $write (i32.const 1) (i32.const 500) (i32.const 2) (i32.const 520)))
          (drop (call $write (i32.const 2) (i32.const 500) (i32.const 1) (i32.const 520)))
          ;; Nothing else is open: EBADF.
          (i32.ne (i32.const 8) (call $write (i32.const 3) (i32.const 500) (i32.const 1) (i32.const 520)))
          (i32.ne (i32.const 2) (i32.load (i32.const 520)))
          i32.or",
        ..PLAIN
    };
    let log = logged(|| assert_eq!(run(&module.module()).records(), 1));
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(
        lines[0].contains("INFO") && lines[0].contains("text=\"it is so\""),
        "{log}"
    );
    assert!(
        lines[1].contains("WARN") && lines[1].contains("text=\"it\""),
        "{log}"
    );
}

#[test]
fn the_clocks_are_the_hosts() {
    let module = Text {
        imports: PREVIEW1,
        process: r"
          (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 504)))
          (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 512)))
          ;; Within a minute of the host's, both; and an unknown clock is EINVAL.
          (i64.gt_u (i64.sub (i64.mul (call $now) (i64.const 1000000)) (i64.load (i32.const 504)))
            (i64.const 60000000000))
          (i64.lt_u (i64.load (i32.const 512)) (i64.load (i32.const 504)))
          i32.or
          (i32.ne (i32.const 28) (call $clock (i32.const 4) (i64.const 1) (i32.const 504)))
          i32.or
          ;; No variables, and no folders.
          (drop (call $environ (i32.const 520) (i32.const 524)))
          (i32.load (i32.const 520)) i32.or
          (i32.ne (i32.const 8) (call $prestat (i32.const 3) (i32.const 520))) i32.or",
        ..PLAIN
    };
    assert_eq!(run(&module.module()).records(), 1);
}

#[test]
fn randomness_is_the_hosts_and_fills_what_is_asked_for_alone() {
    let module = Text {
        imports: PREVIEW1,
        process: r"
          (i64.store (i32.const 8) (i64.const 0x1122334455667788))
          (i64.store (i32.const 65528) (i64.const 0x1122334455667788))
          (drop (call $random (i32.const 1001) (i32.const 40)))
          (drop (call $random (i32.const 1101) (i32.const 40)))
          (drop (call $random (i32.const 3) (i32.const 5)))
          (drop (call $random (i32.const 0) (i32.const 0)))
          ;; More than one `random` gives.
          (drop (call $random (i32.const 1500) (i32.const 64000)))
          (i64.eq (i64.load (i32.const 1001)) (i64.load (i32.const 1101)))
          (i64.eqz (i64.load (i32.const 1033))) i32.or
          (i64.ne (i64.const 0) (i64.load (i32.const 1041))) i32.or
          (i64.eqz (i64.load (i32.const 65492))) i32.or
          (i64.eqz (i64.load (i32.const 34000))) i32.or
          (i64.ne (i64.const 0x1122334455667788) (i64.load (i32.const 8))) i32.or
          (i64.ne (i64.const 0x1122334455667788) (i64.load (i32.const 65528))) i32.or",
        ..PLAIN
    };
    // Its own memory is not in the way of what it fills.
    assert_eq!(run(&module.module()).records(), 1);
}

#[test]
fn a_module_may_use_all_of_it_while_it_is_handed_something() {
    let module = Text {
        imports: PREVIEW1,
        inside: r"
          (if (call $clock (i32.const 1) (i64.const 1) (i32.const 600)) (then unreachable))
          (i64.store (i32.const 616) (i64.load (i32.const 600)))
          (if (call $clock (i32.const 1) (i64.const 1) (i32.const 600)) (then unreachable))
          ;; It goes on.
          (if (i64.le_u (i64.load (i32.const 600)) (i64.load (i32.const 616))) (then unreachable))
          (i32.store (i32.const 608) (i32.const 300)) (i32.store (i32.const 612) (i32.const 8))
          (if (call $write (i32.const 2) (i32.const 608) (i32.const 1) (i32.const 604)) (then unreachable))
          ;; What is random cannot be had: EAGAIN.
          (if (i32.ne (i32.const 6) (call $random (i32.const 608) (i32.const 4))) (then unreachable))",
        process: r"
          ;; And afterwards it can.
          (call $random (i32.const 640) (i32.const 8))
          (i64.eqz (i64.load (i32.const 640))) i32.or",
        more: r#"(func (export "_initialize") (drop (call $random (i32.const 648) (i32.const 8))))"#,
    };
    let log = logged(|| assert_eq!(run(&module.module()).records(), 1));
    assert_eq!(log, "");
}

#[test]
fn a_module_that_ends_itself_fails_its_batch_alone() {
    let module = Text {
        imports: PREVIEW1,
        process: "(call $exit (i32.const 0)) unreachable",
        ..PLAIN
    };
    let plugin = load("exits", &module.module());
    let processor = processor(&plugin, &json!({}), &Limits::default());
    assert!(fails(&processor).contains("unreachable"));
    assert!(fails(&processor).contains("unreachable"));
}

#[test]
fn a_module_that_is_no_plugin_is_told_what_it_lacks() {
    let text = refused(b"\0asm\x01\0\0\0");
    assert!(
        text.contains("exports no otlet:plugin/processor@0.1.0#describe"),
        "{text}"
    );
    let text = refused_with("#process", "#proceed");
    assert!(
        text.contains("exports no otlet:plugin/processor@0.1.0#process"),
        "{text}"
    );
    let text = refused_with("processor@0.1.0", "processor@0.2.0");
    assert!(
        text.contains("processor@0.2.0#describe, and this otlet has 0.1.0"),
        "{text}"
    );
    for name in ["memory", "cabi_realloc"] {
        let text = refused_with(&format!("(export \"{name}\")"), "");
        assert!(text.contains(&format!("exports no `{name}`")), "{text}");
    }
    let program = Text {
        more: "(func (export \"_start\"))",
        ..PLAIN
    };
    let text = refused(&program.module());
    assert!(text.contains("`-mexec-model=reactor`"), "{text}");
    let mut go = program.module();
    // The section that Go's linker leaves: its name alone.
    go.extend(b"\0\x0b\x0ago:buildid");
    let text = refused(&go);
    assert!(text.contains("go build -buildmode=c-shared"), "{text}");
}

#[test]
fn an_import_that_nobody_has_is_named() {
    let importing = |module: &str, name: &str| {
        let import = format!("(import \"{module}\" \"{name}\" (func))");
        let wat = PLAIN.wat().replace("(memory", &format!("{import} (memory"));
        wat::parse_str(wat).unwrap()
    };
    for (module, name, says) in [
        (
            "env",
            "strlen",
            "`strlen` of \"env\", which neither the contract nor WASI preview 1 has",
        ),
        (
            "wasi_snapshot_preview1",
            "thread-spawn",
            "`thread-spawn` of wasi_snapshot_preview1",
        ),
        (
            "wasi:http/types@0.2.0",
            "[method]fields.get",
            "no plugin is given the network",
        ),
        (
            "wasi:cli/stdout@0.2.0",
            "get-stdout",
            "`get-stdout` of \"wasi:cli/stdout@0.2.0\"",
        ),
        (
            "otlet:plugin/host@0.2.0",
            "log",
            "this otlet has version 0.1.0 of the contract",
        ),
        ("otlet:plugin/host@0.1.0", "from-later", "from-later"),
        // Known, but not so.
        ("otlet:plugin/host@0.1.0", "now", "now"),
        ("wasi_snapshot_preview1", "proc_exit", "proc_exit"),
    ] {
        let text = refused(&importing(module, name));
        assert!(text.contains(says), "{text}");
    }
    let memory = wat::parse_str("(module (import \"env\" \"memory\" (memory 1)))").unwrap();
    assert!(refused(&memory).contains("exports no "));
}

#[test]
fn exports_of_other_types_are_refused() {
    for (old, new) in [
        (
            "describe\") (result i32)",
            "describe\") (result i32) (local i64)",
        ),
        ("(param i32) ", "(param i64) "),
    ] {
        let wat = PLAIN.wat().replace(old, new);
        let loaded = Plugin::load(&ENGINE, "x", &wat::parse_str(wat).unwrap());
        assert_eq!(loaded.is_ok(), new.contains("local"), "{new}");
    }
}

#[test]
fn what_is_damaged_is_refused_wherever_it_is() {
    let module = Text {
        imports: PREVIEW1,
        ..PLAIN
    }
    .module();
    let loads = |end: &usize| Plugin::load(&ENGINE, "x", &module[..*end]).is_ok();
    let whole: Vec<_> = (8..module.len()).filter(loads).collect();
    // All but its functions' names, which are its last section.
    assert_eq!(whole.len(), 1, "{whole:?} of {}", module.len());
    // One byte that is another: it may still be a plugin, and must not be more than refused.
    for at in (8..module.len()).step_by(7) {
        let mut damaged = module.clone();
        damaged[at] ^= 0xff;
        drop(complete::component(&damaged));
    }
}
