//! Reads a processor's `grants`.
//!
//! Paths that are not absolute start at the config's folder.

use std::fs;
use std::path::{Component, Path};

use crate::plugin::{Folder, Grants};

use super::reader::Reader;
use super::report::{Mistake, Place, quoted};
use super::yaml::{Node, Value};

const FILES: &str = "write a list of folders: `files: [{ path: ./tables, as: /tables }]`";
const FOLDER: &str = "write `{ path: ./tables, as: /tables }`";

/// Reads the section.
pub(super) fn read(mut reader: Reader<'_>, folder: &Path) -> Grants {
    let grants = Grants {
        files: files(&mut reader, folder),
        env: env(&mut reader),
    };
    reader.finish();
    grants
}

fn files(reader: &mut Reader<'_>, folder: &Path) -> Vec<Folder> {
    let Some(entry) = reader.entry("files") else {
        return Vec::new();
    };
    let items = match &entry.value.value {
        Value::List(items) => items.as_slice(),
        Value::Unknown => &[],
        _ if entry.value.is_null() => &[],
        _ => {
            let what = format!("expected a list of folders, found {}", entry.value.found());
            reader.report(Mistake::error(entry.value.place, what, FILES));
            &[]
        }
    };
    let mut granted: Vec<Folder> = Vec::new();
    for item in items {
        let Some((one, place)) = one(reader, item, folder) else {
            continue;
        };
        if granted.iter().any(|before| before.name == one.name) {
            let what = format!("two folders are seen as {}", quoted(&one.name));
            reader.report(Mistake::error(place, what, "give one of them another `as`"));
        }
        granted.push(one);
    }
    granted
}

/// A folder by its path, or by its path and what it is seen as; none beside a mistake.
fn one(reader: &Reader<'_>, item: &Node, folder: &Path) -> Option<(Folder, Place)> {
    let (path, name, at) = match &item.value {
        Value::Scalar(scalar) if !item.is_null() => {
            let place = item.place;
            let path = existing(reader, folder, &scalar.text, scalar.is_hidden(), place)?;
            let last = path.components().next_back().and_then(|last| match last {
                Component::Normal(name) => name.to_str(),
                _ => None,
            });
            let Some(last) = last else {
                let what = "what the plugin sees the folder as is not clear from its path";
                reader.report(Mistake::error(place, what, FOLDER));
                return None;
            };
            let name = format!("/{last}");
            (path, name, place)
        }
        Value::Map(_) => {
            let mut keys = reader.below(item);
            let (path_at, name_at) = (keys.place_of("path"), keys.place_of("as"));
            for key in ["path", "as"] {
                if !keys.has(key) {
                    let what = format!("a folder that is granted has no `{key}`");
                    keys.report(Mistake::error(item.place, what, FOLDER));
                }
            }
            let expanded = keys.is_hidden("path");
            let path = keys.text("path", "the path of a folder", FOLDER, |text| {
                Ok(text.to_owned())
            });
            let name = keys.text("as", "an absolute path", FOLDER, |text| {
                if seen_as(text) {
                    return Ok(text.to_owned());
                }
                let what = format!("{} is not an absolute path of plain names", quoted(text));
                Err((what, "write one such as `/tables`".to_owned()))
            });
            keys.finish();
            let path = existing(reader, folder, &path?, expanded, path_at)?;
            (path, name?, name_at)
        }
        Value::Unknown => return None,
        _ => {
            let what = format!("expected a folder, found {}", item.found());
            reader.report(Mistake::error(item.place, what, FOLDER));
            return None;
        }
    };
    Some((Folder { path, name }, at))
}

/// The folder at a path, if there is one.
fn existing(
    reader: &Reader<'_>,
    folder: &Path,
    text: &str,
    expanded: bool,
    place: Place,
) -> Option<std::path::PathBuf> {
    let path = folder.join(text);
    let shown = if expanded {
        "the path".to_owned()
    } else {
        quoted(text)
    };
    let (what, cure) = match fs::metadata(&path) {
        Ok(found) if found.is_dir() => return Some(path),
        Ok(_) => (
            format!("{shown} is no folder"),
            "put the file into a folder of its own, and grant that",
        ),
        Err(error) => (
            format!("{shown} cannot be granted: {error}"),
            "make the folder, or remove the grant; its path starts at the config's folder",
        ),
    };
    reader.report(Mistake::error(place, what, cure));
    None
}

fn seen_as(text: &str) -> bool {
    text.strip_prefix('/').is_some_and(|rest| {
        rest.split('/')
            .all(|name| !matches!(name, "" | "." | "..") && !name.contains('\0'))
    })
}

fn env(reader: &mut Reader<'_>) -> Vec<String> {
    let mut granted = Vec::new();
    for (name, place) in reader.names("env") {
        let is_name = !name.is_empty() && !name.contains(['=', '\0', '$', '{', ' ']);
        if is_name {
            granted.push(name.to_owned());
        } else {
            let what = "a variable that is granted is not named";
            let cure = "write its name alone, such as `REGION`";
            reader.report(Mistake::error(place, what, cure));
        }
    }
    granted
}
