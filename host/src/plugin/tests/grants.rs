//! What a processor is granted its plugin gets, read only, and nothing beside it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::super::{Folder, Grants};
use super::*;

/// What a WASI guest with this config wrote, by key.
pub(super) fn did(config: &serde_json::Value, grants: Grants) -> Vec<(String, Any)> {
    let sandbox = Sandbox {
        grants,
        ..Sandbox::default()
    };
    let processor = Processor::new(Arc::clone(&WASI), "test", config, &sandbox, None).unwrap();
    assert!(!processor.is_inline(Signal::Traces, 1));
    let batch = processor.process(traces(), Place::Worker).unwrap();
    let resource = decoded(&batch).resource_spans[0].resource.clone().unwrap();
    let attributes = resource.attributes.into_iter();
    attributes
        .map(|one| (one.key, one.value.unwrap().value.unwrap()))
        .filter(|(key, _)| key != "service.name" && key != "seen")
        .collect()
}

fn folder(path: &Path, name: &str) -> Folder {
    Folder {
        path: path.to_owned(),
        name: name.to_owned(),
    }
}

#[test]
fn a_granted_folder_is_read_and_neither_written_nor_left() {
    let outer = tempfile::tempdir().unwrap();
    let tables = outer.path().join("tables");
    fs::create_dir(&tables).unwrap();
    fs::write(outer.path().join("secret"), "secret").unwrap();
    fs::write(tables.join("a.csv"), "eu,Europe").unwrap();
    symlink("../secret", tables.join("up")).unwrap();
    symlink(outer.path().join("secret"), tables.join("away")).unwrap();
    symlink("a.csv", tables.join("beside")).unwrap();
    let tries = [
        ("read", "/tables/a.csv", "eu,Europe"),
        ("read", "/tables/beside", "eu,Europe"),
        ("list", "/tables", "a.csv away beside up"),
        ("read", "/tables/../secret", "no: "),
        ("read", "/tables/up", "no: "),
        ("read", "/tables/away", "no: "),
        ("read", "/secret", "no: "),
        ("read", "/etc/passwd", "no: "),
        ("write", "/tables/new", "no: "),
        ("write", "/tables/a.csv", "no: "),
        ("append", "/tables/a.csv", "no: "),
        ("remove", "/tables/a.csv", "no: "),
        ("make", "/tables/b", "no: "),
    ];
    let config = tries.map(|(verb, path, _)| [verb, path]);
    let grants = Grants {
        files: vec![folder(&tables, "/tables")],
        ..Grants::default()
    };
    let did = did(&json!({"try": config}), grants);
    assert_eq!(did.len(), tries.len());
    for ((key, said), (verb, path, expected)) in did.iter().zip(tries) {
        assert_eq!(*key, format!("{verb} {path}"));
        let Any::StringValue(said) = said else {
            panic!("{said:?}");
        };
        let holds = match expected {
            "no: " => said.starts_with(expected),
            expected => said == expected,
        };
        assert!(holds, "{key}: {said}");
    }
    assert_eq!(
        fs::read_to_string(tables.join("a.csv")).unwrap(),
        "eu,Europe"
    );
    assert_eq!(fs::read_dir(&tables).unwrap().count(), 4);
}

#[test]
fn listed_variables_are_seen_and_no_other() {
    // Those that cargo sets for every test.
    let grants = Grants {
        env: vec!["CARGO_PKG_NAME".to_owned(), "NOT_SET_ANYWHERE".to_owned()],
        ..Grants::default()
    };
    let vars = (
        "vars".to_owned(),
        Any::StringValue("CARGO_PKG_NAME=otlet".to_owned()),
    );
    assert_eq!(did(&json!({"vars": true}), grants), [vars]);
    let none = ("vars".to_owned(), Any::StringValue(String::new()));
    assert_eq!(did(&json!({"vars": true}), Grants::default()), [none]);
}

#[test]
fn without_a_grant_there_is_no_file_and_no_network() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let config = json!({"try": [["read", "/etc/passwd"], ["list", "/"]], "connect": address});
    let did = did(&config, Grants::default());
    assert_eq!(did.len(), 3);
    for (key, said) in did {
        let is_no = matches!(&said, Any::StringValue(said) if said.starts_with("no: "));
        assert!(is_no, "{key}: {said:?}");
    }
}

#[test]
fn a_folder_that_has_gone_fails_at_load_and_is_named() {
    let gone = tempfile::tempdir().unwrap().path().join("gone");
    let sandbox = Sandbox {
        grants: Grants {
            files: vec![folder(&gone, "/gone")],
            ..Grants::default()
        },
        ..Sandbox::default()
    };
    let plugin = Arc::clone(&WASI);
    let error = Processor::new(plugin, "test", &json!({}), &sandbox, None).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("/gone: "), "{text}");
}

#[test]
fn what_is_printed_is_cut_to_the_rate_of_log_lines() {
    let limits = Limits {
        log_lines: 5,
        ..Limits::default()
    };
    let log = logged(|| {
        let processor = processor(&WASI, &json!({"print": 10_000}), &limits);
        processor.process(traces(), Place::Worker).unwrap();
    });
    // The first is of `configure`; a second may begin in between.
    assert!((5..=10).contains(&log.lines().count()), "{log}");
}
