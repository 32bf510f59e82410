//! What is kept is what the generators make of `wit/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result};
use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator};

/// Set, the files are written instead of compared.
const WRITE: &str = "OTLET_WRITE_BINDINGS";

/// What the generated Go asks of a module that is to be downloaded, and where the SDK has the same.
const GO_PACKAGES: (&str, &str) = ("go.bytecodealliance.org/pkg/wit/", "otlet/internal/wit/");

/// Where the generated C refers to an object file with the world's type, which otlet knows without it.
const TYPE_OBJECT: &str = "\n// Ensure that the *_component_type.o object is linked in";

type Texts = BTreeMap<PathBuf, String>;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// The files that a generator makes of the world `plugin`.
fn generate(mut generator: Box<dyn WorldGenerator>) -> Result<Texts> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(repository().join("wit"))?;
    let world = resolve.select_world(&[package], Some("plugin"))?;
    let mut files = Files::default();
    generator.generate(&mut resolve, world, &mut files)?;
    files
        .iter()
        .map(|(name, content)| Ok((name.into(), String::from_utf8(content.to_vec())?)))
        .collect()
}

fn c() -> Result<Texts> {
    let options = wit_bindgen_c::Opts {
        no_object_file: true,
        ..wit_bindgen_c::Opts::default()
    };
    let mut texts = generate(options.build())?;
    for text in texts.values_mut() {
        if let Some((before, _)) = text.split_once(TYPE_OBJECT) {
            *text = before.to_owned();
        }
    }
    Ok(texts)
}

fn go() -> Result<Texts> {
    let options = wit_bindgen_go::Opts {
        format: wit_bindgen_go::Format::False,
        pkg_name: Some("otlet/internal/bindings".to_owned()),
        ..wit_bindgen_go::Opts::default()
    };
    let mut texts = generate(options.build())?;
    for text in texts.values_mut() {
        *text = text.replace(GO_PACKAGES.0, GO_PACKAGES.1);
    }
    Ok(texts)
}

fn hold(folder: &str, texts: &Texts) -> Result<()> {
    let folder = repository().join(folder);
    for (name, text) in texts {
        let path = folder.join(name);
        if env::var_os(WRITE).is_some() {
            fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
            fs::write(&path, text)?;
        }
        let kept = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        assert!(
            kept == *text,
            "{} is not what the contract gives: run {WRITE}=1 cargo test -p otlet-bindings",
            path.display()
        );
    }
    Ok(())
}

#[test]
fn the_bindings_of_c_are_those_of_the_contract() -> Result<()> {
    let texts = c()?;
    assert_eq!(texts.len(), 2, "{:?}", texts.keys());
    hold("plugins/sdk/c/generated", &texts)
}

#[test]
fn the_bindings_of_go_are_those_of_the_contract() -> Result<()> {
    let texts = go()?;
    assert_eq!(texts.len(), 7, "{:?}", texts.keys());
    hold("plugins/sdk/go/internal/bindings", &texts)
}
