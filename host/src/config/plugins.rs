//! Reads `plugins`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::plugin::{Digest, Settings, is_plugin_name};

use super::reader::{Reader, place_of_value};
use super::report::{Mistake, quoted};
use super::yaml::{Entry, Value};

/// Reads the section; paths start at the config's `folder`.
pub(super) fn read(mut reader: Reader<'_>, folder: &Path) -> Settings {
    let settings = Settings {
        directory: read_path(&mut reader, "directory", "./plugins", folder),
        allow: read_allow(&mut reader),
        cache: read_path(&mut reader, "cache", "/var/cache/otlet", folder),
    };
    reader.finish();
    settings
}

fn read_path(
    reader: &mut Reader<'_>,
    key: &'static str,
    example: &str,
    folder: &Path,
) -> Option<PathBuf> {
    let cure = format!("write `{key}: {example}`, a path from the config's folder");
    reader.text(key, "the path of a directory", &cure, |text| {
        if text.is_empty() || text.contains('\0') {
            return Err(("the path is empty".to_owned(), cure.clone()));
        }
        Ok(folder.join(text))
    })
}

fn read_allow(reader: &mut Reader<'_>) -> BTreeMap<String, Digest> {
    let mut allow = BTreeMap::new();
    for entry in reader.named("allow") {
        match read_pin(entry) {
            Ok(Some(digest)) => {
                allow.insert(entry.key.clone(), digest);
            }
            Ok(None) => {}
            Err(mistake) => reader.report(mistake),
        }
    }
    allow
}

/// The digest of one name; none beside a mistake that was reported already.
fn read_pin(entry: &Entry) -> Result<Option<Digest>, Mistake> {
    if !is_plugin_name(&entry.key) {
        let what = format!("{} is not the name of a plugin", quoted(&entry.key));
        let cure = "write what stands before `.wasm` in its file's name";
        return Err(Mistake::error(entry.place, what, cure));
    }
    let text = match &entry.value.value {
        Value::Scalar(scalar) => scalar.text.as_str(),
        Value::Unknown => return Ok(None),
        Value::List(_) | Value::Map(_) => "",
    };
    Digest::read(text).map(Some).ok_or_else(|| {
        let what = format!("expected a digest for {}", quoted(&entry.key));
        let cure =
            "write `sha256:` and the 64 hexadecimal digits that `sha256sum` gives for its file";
        Mistake::error(place_of_value(entry), what, cure)
    })
}
