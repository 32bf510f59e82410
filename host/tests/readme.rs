//! The configs that otlet shows are configs that otlet takes.

use otlet_tests::program::command;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn check(file: &Path) {
    let output = command(env!("CARGO_BIN_EXE_otlet"))
        .arg("check")
        .arg(file)
        .output()
        .expect("otlet runs");
    assert!(
        output.status.success(),
        "{}: {}",
        file.display(),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The YAML blocks of a page that are whole configs.
fn configs(page: &str) -> impl Iterator<Item = &str> {
    page.split("```yaml\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .filter(|block| block.starts_with("receivers:"))
}

#[test]
fn the_config_in_the_readme_holds() {
    let page = fs::read_to_string(root().join("README.md")).expect("the README is there");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let shown: Vec<_> = configs(&page).collect();
    assert!(!shown.is_empty());
    for (number, config) in shown.iter().enumerate() {
        let file = folder.path().join(format!("{number}.yaml"));
        fs::write(&file, config).expect("a file can be written");
        check(&file);
    }
}

#[test]
fn every_example_holds() {
    let examples: Vec<_> = fs::read_dir(root().join("examples"))
        .expect("there are examples")
        .map(|entry| entry.expect("a folder can be read").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    assert!(!examples.is_empty());
    for example in examples {
        check(&example);
    }
}
