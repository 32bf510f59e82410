//! What SECURITY.md claims is shown by the tests that it names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The names of all functions in the sources below a folder.
fn functions(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder can be read") {
        let path = entry.expect("a folder can be read").path();
        if path.is_dir() {
            functions(&path, names);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a source file is text");
            let after = text.split("#[test]").skip(1);
            let after_async = text.split("#[tokio::test").skip(1);
            for test in after.chain(after_async) {
                let name = test.split("fn ").nth(1).unwrap_or_default();
                let name = name.split(|c: char| c != '_' && !c.is_ascii_alphanumeric());
                names.extend(name.take(1).map(str::to_owned));
            }
        }
    }
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut tests = BTreeSet::new();
    for folder in ["host/src", "host/tests"] {
        functions(&root.join(folder), &mut tests);
    }
    let targets = fuzz_targets(&root);
    let page = fs::read_to_string(root.join("SECURITY.md")).expect("the page is there");
    let (_, tables) = page
        .split_once("### What a hostile plugin")
        .expect("the page has the threat model");
    let rows = tables.lines().filter(|line| line.starts_with("| "));
    let rows = rows.filter_map(|row| row.trim_end_matches(" |").rsplit_once(" | "));
    let named: Vec<_> = rows
        .filter(|(row, _)| (1..=2).contains(&row.matches(" | ").count()))
        .flat_map(|(_, shown)| shown.split('`').skip(1).step_by(2))
        .filter(|name| *name != "tests/fuzz")
        .collect();
    assert!(named.len() > 80, "{named:?}");
    let missing: Vec<_> = named
        .iter()
        .filter(|name| !tests.contains(**name) && !targets.contains(**name))
        .collect();
    assert!(missing.is_empty(), "SECURITY.md names {missing:?}");
}

/// The fuzz targets, each of which has an example.
fn fuzz_targets(root: &Path) -> BTreeSet<String> {
    let examples = fs::read_dir(root.join("tests/fuzz/examples")).expect("there are examples");
    let stem = |path: &Path| Some(path.file_stem()?.to_str()?.to_owned());
    examples
        .filter_map(|entry| stem(&entry.expect("a folder can be read").path()))
        .collect()
}
