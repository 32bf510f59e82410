//! What is refused at load, and why.

use super::super::{Digest, Problem};
use super::*;

/// The component with these bytes in the place of those, everywhere.
fn patched(wasm: &[u8], old: &str, new: &str) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let mut wasm = wasm.to_vec();
    let mut found = 0;
    while let Some(at) = memchr::memmem::find(&wasm, old.as_bytes()) {
        wasm[at..at + new.len()].copy_from_slice(new.as_bytes());
        found += 1;
    }
    assert!(found > 0, "{old} is not in the component");
    wasm
}

/// The bad guest with another manifest.
fn describing(manifest: &str) -> Vec<u8> {
    let honest = r#"{"version": "6.6.6", "on_error": "reject"}"#;
    let room = honest.len() + 80;
    patched(
        guests::BAD,
        &format!("{honest:room$}"),
        &format!("{manifest:room$}"),
    )
}

fn refused(wasm: &[u8]) -> (Problem, String) {
    let error = Plugin::load(&ENGINE, "x", wasm).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("plugin \"x\": "), "{text}");
    (error.problem, text)
}

#[test]
fn a_plugin_knows_its_name_version_and_digest() {
    assert_eq!(BAD.name(), "bad");
    assert_eq!(BAD.version(), Some("6.6.6"));
    assert_eq!(BAD.manifest().on_error, OnError::Reject);
    assert!(!BAD.imports_wasi());
    assert!(WASI.imports_wasi());
    assert_eq!(BAD.digest(), Digest::of(guests::BAD));
    assert_ne!(BAD.digest(), ECHO.digest());
    assert_eq!(ECHO.manifest().config_schema, Some(json!(true)));
}

#[test]
fn the_config_decides_on_error_before_the_manifest() {
    let make = |on_error| {
        let sandbox = Sandbox::default();
        Processor::new(Arc::clone(&BAD), "test", &json!({}), &sandbox, on_error).unwrap()
    };
    assert_eq!(make(None).on_error(), OnError::Reject);
    assert_eq!(make(Some(OnError::Drop)).on_error(), OnError::Drop);
}

#[test]
fn what_is_no_component_is_refused() {
    for wasm in [b"".as_slice(), b"#!/bin/sh", b"\0asm\x02\0\0\0"] {
        assert!(matches!(refused(wasm).0, Problem::Component(_)));
    }
    let half = guests::BAD.split_at(guests::BAD.len() / 2).0;
    assert!(matches!(refused(half).0, Problem::Component(_)));
}

#[test]
fn a_component_beyond_the_bound_is_refused_unread() {
    let wasm = vec![0; (64 << 20) + 1];
    assert_eq!(refused(&wasm).0, Problem::Large(67_108_865));
}

#[test]
fn an_import_that_no_plugin_is_given_is_named() {
    let wasm = patched(guests::WASI, "wasi:cli/", "wasi:owl/");
    let (problem, text) = refused(&wasm);
    assert!(matches!(problem, Problem::Import(_)), "{text}");
    assert!(text.contains("wasi:owl/"), "{text}");
    assert!(text.contains("which no grant allows"), "{text}");
    // A later WASI is another.
    let (problem, text) = refused(&patched(
        guests::WASI,
        "wasi:io/error@0.2.",
        "wasi:io/error@0.3.",
    ));
    assert!(matches!(problem, Problem::Import(_)), "{text}");
    assert!(text.contains("wasi:io/error@0.3."), "{text}");
}

#[test]
fn a_component_of_another_contract_is_refused() {
    let (problem, text) = refused(&patched(guests::ECHO, "processor@0.1.0", "processed@0.1.0"));
    assert!(matches!(problem, Problem::Contract(_)), "{text}");
    let (problem, text) = refused(&patched(guests::ECHO, "@0.1.0", "@0.2.0"));
    assert!(matches!(problem, Problem::Contract(_)), "{text}");
}

#[test]
fn a_component_of_a_later_patch_of_the_contract_loads() {
    let wasm = patched(guests::ECHO, "@0.1.0", "@0.1.9");
    let plugin = load("later", &wasm);
    let processor = processor(&plugin, &json!({"call": "signal"}), &Limits::default());
    assert_eq!(fails(&processor), "\"traces\"");
}

#[test]
fn a_component_of_the_first_form_of_the_contract_loads_and_works() {
    let first = include_bytes!("../../../../tests/fixtures/contract/first.wasm");
    for function in ["settings", "drop-rows"] {
        let named = memchr::memmem::find(first, function.as_bytes());
        assert!(named.is_none(), "it knows {function}, which came later");
    }
    let plugin = load("first", first);
    let with = |config| processor(&plugin, &config, &Limits::default());
    let retains = with(json!({"call": "retain"}));
    let batch = retains.process(traces(), Place::Worker).unwrap();
    assert_eq!(batch.records(), 1);
    // What it reads is its error.
    let reads = with(json!({"call": "texts", "columns": ["record.name"]}));
    assert_eq!(fails(&reads), r#"[Some("GET /a"), Some("GET /b")]"#);
}

#[test]
fn a_manifest_that_lies_is_refused() {
    for (manifest, reason) in [
        ("no json", "expected"),
        (r#"{"signals": ["spans"]}"#, "spans"),
        (r#"{"on_error": "shrug"}"#, "shrug"),
        ("trap", "unreachable"),
        ("batch", "during `process` alone"),
        ("huge", "more than 1048576"),
        ("utf8", "utf-8"),
        ("wide", "unknown variant `x x x"),
    ] {
        let (problem, text) = refused(&describing(manifest));
        assert!(matches!(problem, Problem::Describe(_)), "{text}");
        assert!(text.contains(reason), "{text}");
        assert!(text.len() < 512 && !text.contains('\n'), "{text}");
    }
    let plugin = load(
        "x",
        &describing(r#"{"signals": ["logs"], "from_later": [1]}"#),
    );
    assert_eq!(plugin.manifest().signals, [Signal::Logs]);
    assert_eq!(plugin.manifest().on_error, OnError::Pass);
}

#[test]
fn a_describe_that_never_ends_is_stopped() {
    let (problem, text) = refused(&describing("spin"));
    assert!(matches!(problem, Problem::Describe(_)), "{text}");
    assert!(text.contains("its deadline of 1000 ms"), "{text}");
}
