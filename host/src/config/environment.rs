//! `${env:NAME}` and `${env:NAME:-default}` in a config's values, as in the Collector, and `${file:PATH}`.
//!
//! `$$` stands for `$`, a `$` before anything else for itself. What is filled in is one value, never YAML of its own; with a
//! file in it, it is a text.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::file;
use super::report::{Mistake, Place, quoted};
use super::secrets::{self, HIDDEN};
use super::yaml::{MAX_BYTES, Node, Scalar, Value};

/// Looks up an environment variable.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What references can refer to.
#[derive(Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) lookup: Lookup<'a>,
    /// Where the paths of files start.
    pub(super) folder: &'a Path,
}

/// Fills in every reference below `node`, and gives the files that were to be read for it.
pub(super) fn expand(
    node: &mut Node,
    text: &str,
    sources: Sources<'_>,
    mistakes: &mut Vec<Mistake>,
) -> Vec<PathBuf> {
    let mut expansion = Expansion {
        text,
        sources,
        mistakes,
        room: MAX_BYTES,
        files: file::MAX_BYTES,
        read: BTreeSet::new(),
    };
    expansion.node(node);
    expansion.read.into_iter().collect()
}

/// What begins a reference to a file.
const FILE: &str = "file:";

struct Expansion<'a> {
    /// The file, to tell the place of a reference within a value.
    text: &'a str,
    sources: Sources<'a>,
    mistakes: &'a mut Vec<Mistake>,
    /// The bytes that may still be filled in from the environment, and from files.
    room: usize,
    files: usize,
    read: BTreeSet<PathBuf>,
}

impl Expansion<'_> {
    fn node(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::Scalar(scalar) if scalar.text.contains('$') => {
                if !self.scalar(scalar, node.place) {
                    node.value = Value::Unknown;
                }
            }
            Value::Scalar(_) | Value::Unknown => {}
            Value::List(items) => items.iter_mut().for_each(|item| self.node(item)),
            Value::Map(entries) => entries
                .iter_mut()
                .for_each(|entry| self.node(&mut entry.value)),
        }
    }

    /// Fills in the references of one value; whether all could be.
    fn scalar(&mut self, scalar: &mut Scalar, place: Place) -> bool {
        let mut whole = true;
        let mut expanded = String::new();
        let text = self.text;
        let written = text.get(place.start..place.end).unwrap_or_default();
        let mut dollars = written.match_indices('$').map(|(at, _)| place.start + at);
        let mut rest = scalar.text.as_str();
        while let Some((before, after)) = rest.split_once('$') {
            expanded.push_str(before);
            rest = after;
            let at = dollars.next();
            if let Some(after) = rest.strip_prefix('$') {
                expanded.push('$');
                rest = after;
                dollars.next();
            } else if let Some(after) = rest.strip_prefix('{') {
                let (reference, after) = after
                    .split_once('}')
                    .map_or((None, ""), |(name, after)| (Some(name), after));
                let value = reference
                    .ok_or_else(unclosed)
                    .and_then(|reference| self.value(reference, scalar.secret));
                match value {
                    Ok(value) => {
                        expanded.push_str(&value);
                        scalar.of_file |= reference.is_some_and(|name| name.starts_with(FILE));
                        scalar.quoted |= scalar.of_file;
                    }
                    Err((what, cure)) => {
                        let place = at.and_then(|at| self.place(at, reference)).unwrap_or(place);
                        self.mistakes.push(Mistake::error(place, what, cure));
                        whole = false;
                    }
                }
                let within = reference.unwrap_or_default().matches('$').count();
                dollars.by_ref().take(within).for_each(drop);
                scalar.expanded = true;
                rest = after;
            } else {
                expanded.push('$');
            }
        }
        expanded.push_str(rest);
        scalar.text = expanded;
        whole
    }

    /// What stands for the text between `${` and `}`, which may be a part of a secret.
    fn value(&mut self, reference: &str, is_secret: bool) -> Result<String, (String, String)> {
        if reference.contains("${") {
            let cure = "write the default out, or choose one variable";
            return Err(("a reference within a reference".to_owned(), cure.to_owned()));
        }
        if let Some(path) = reference.strip_prefix(FILE) {
            self.read.insert(self.sources.folder.join(path));
            let text = file::read(self.sources.folder, path, self.files)?;
            self.files -= text.len();
            return Ok(text);
        }
        let (name, default) = match reference.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (reference, None),
        };
        let name = name.strip_prefix("env:").unwrap_or(name);
        let mut characters = name.chars();
        let fits = characters
            .next()
            .is_some_and(|first| first == '_' || first.is_ascii_alphabetic())
            && characters.all(|c| c == '_' || c.is_ascii_alphanumeric());
        if !fits {
            let mut written = format!("${{{reference}}}");
            if is_secret && secrets::reference(&written).is_none() {
                HIDDEN.clone_into(&mut written);
            }
            let what = format!("{} is not a variable", quoted(&written));
            let cure = "write `${env:NAME}`, `${env:NAME:-default}` or `${file:PATH}`, or `$${` for the text `${`";
            return Err((what, cure.to_owned()));
        }
        let value = (self.sources.lookup)(name)
            .or_else(|| default.map(str::to_owned))
            .ok_or_else(|| {
                let cure = format!("set it, or give a default: `${{env:{name}:-default}}`");
                (format!("environment variable `{name}` is not set"), cure)
            })?;
        self.room = self.room.checked_sub(value.len()).ok_or_else(|| {
            let what = format!("the environment fills in more than {MAX_BYTES} bytes");
            (what, "use shorter values".to_owned())
        })?;
        Ok(value)
    }

    /// Where a reference that begins at this byte stands, if the value is in the file as it was read: escapes and aliases
    /// hide it.
    fn place(&self, start: usize, reference: Option<&str>) -> Option<Place> {
        let whole = reference.map(|reference| format!("${{{reference}}}"));
        let whole = whole.as_deref().unwrap_or("${");
        let found = self.text.get(start..)?.starts_with(whole);
        found.then_some(Place {
            start,
            end: start + whole.len(),
        })
    }
}

fn unclosed() -> (String, String) {
    (
        "`${` without its `}`".to_owned(),
        "write `${env:NAME}`, or `$${` for the text `${`".to_owned(),
    )
}
