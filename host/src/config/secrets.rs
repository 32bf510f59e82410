//! Secrets that are written in a config, which no report may show: what stands under a key that names one, what a plugin's
//! schema calls `writeOnly`, and credentials in URLs.
//!
//! It knows names, not values: a secret under a harmless name is not seen. **Invariant**: where a file cannot be read as YAML, what
//! might be a secret is one.

mod lines;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value as Json;

use super::report::Place;
use super::yaml::{Node, Value};

pub(super) use lines::in_lines;

/// What stands in the place of a secret, whatever its length is.
pub(super) const HIDDEN: &str = "***";

/// Words of a key that name a secret.
const WORDS: [&str; 18] = [
    "apikey",
    "authorization",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "headers",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "pepper",
    "pwd",
    "salt",
    "secret",
    "secrets",
    "token",
    "tokens",
];

/// What a word of a key may end with: `clientsecret`.
const ENDS: [&str; 5] = ["apikey", "passwd", "password", "secret", "token"];

/// Words that are meant by what is one letter off.
const MISSPELT: [&str; 6] = [
    "authorization",
    "credentials",
    "passphrase",
    "password",
    "secret",
    "token",
];

/// What stands before `key`, or `key` before it, where key material is meant.
const KEYS: [&str; 14] = [
    "access",
    "account",
    "api",
    "auth",
    "encryption",
    "hash",
    "hmac",
    "license",
    "master",
    "pem",
    "private",
    "secret",
    "shared",
    "signing",
];

/// The last word of a key that says where a secret is, or what it is called.
const ELSEWHERE: [&str; 9] = [
    "file", "filename", "files", "header", "name", "path", "paths", "type", "url",
];

/// Whether a key names a secret.
pub(super) fn is_named(key: &str) -> bool {
    let words = words(key);
    if words
        .last()
        .is_none_or(|last| ELSEWHERE.contains(&last.as_str()))
    {
        return false;
    }
    let is_secret = |word: &String| {
        WORDS.contains(&word.as_str())
            || ENDS.iter().any(|end| word.ends_with(end))
            || MISSPELT.iter().any(|meant| is_near(word, meant))
    };
    let is_key = |pair: &[String]| match pair {
        [one, other] if other == "key" => KEYS.contains(&one.as_str()),
        [one, other] if one == "key" => other == "pem",
        _ => false,
    };
    words.iter().any(is_secret) || words.windows(2).any(is_key)
}

fn is_near(word: &str, meant: &str) -> bool {
    word.len().abs_diff(meant.len()) <= 1 && strsim::damerau_levenshtein(word, meant) <= 1
}

/// The words of a key, in small letters: `apiKey` and `x-api_key` have `api` and `key`.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for c in key.chars() {
        let begins = !c.is_alphanumeric() || (was_small && c.is_uppercase());
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        was_small = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The places of what is written in the file below a node, and not filled in.
pub(super) fn literals(node: &Node, file: &str, places: &mut BTreeSet<Place>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| literals(item, file, places)),
        Value::Map(entries) => entries
            .iter()
            .for_each(|entry| literals(&entry.value, file, places)),
        // The place of a value that is not there may be that of what follows.
        Value::Scalar(scalar) if scalar.text.is_empty() && !scalar.expanded => {}
        Value::Scalar(scalar) => {
            let Place { start, end } = scalar.written;
            let parts = literal_parts(file.get(start..end).unwrap_or_default());
            places.extend(parts.into_iter().map(|part| Place {
                start: start + part.start,
                end: start + part.end,
            }));
        }
        Value::Unknown => {}
    }
}

/// What a header's value may begin with before a token that is filled in.
const SCHEMES: [&str; 4] = ["basic", "bearer", "digest", "token"];

/// The parts of a value that are neither references nor the word that a header's begins with.
fn literal_parts(written: &str) -> Vec<Range<usize>> {
    let mut parts = vec![];
    let mut begin = written.len() - bare(written).len();
    let mut from = begin;
    while let Some(at) = written.get(from..).and_then(|rest| rest.find('$')) {
        let at = from + at;
        let rest = written.get(at..).unwrap_or_default();
        if rest.starts_with("$$") {
            from = at + 2;
        } else if let Some(length) = reference(rest) {
            parts.push(begin..at);
            begin = at + length;
            from = begin;
        } else {
            from = at + 1;
        }
    }
    let refers = !parts.is_empty();
    parts.push(begin..written.len());
    parts.retain(|part| {
        let text = written.get(part.clone()).unwrap_or_default();
        let text = text.trim_matches([' ', '\r', '\n', '"', '\'']);
        let is_scheme = || {
            SCHEMES
                .iter()
                .any(|scheme| scheme.eq_ignore_ascii_case(text))
        };
        !(text.is_empty() || refers && is_scheme())
    });
    parts
}

/// A value without its anchor and tag.
fn bare(written: &str) -> &str {
    let rest = written.trim_start();
    match rest.split_once(' ') {
        Some((first, after)) if first.starts_with(['&', '!']) => bare(after),
        _ => rest,
    }
}

/// The length of the reference that a text begins with. One with a default is none: that may be a secret.
pub(super) fn reference(text: &str) -> Option<usize> {
    let (name, _) = text.strip_prefix("${")?.split_once('}')?;
    let is_word = |word: &str| word.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
    let fits = match name.split_once(':') {
        Some(("file", _)) => true,
        Some((kind, name)) => is_word(kind) && !name.starts_with('-') && !name.contains(":-"),
        None => is_word(name),
    };
    (fits && !name.contains("${")).then(|| "${}".len() + name.len())
}

/// The places of what is written under keys of these names, at any depth.
pub(super) fn under(node: &Node, keys: &BTreeSet<&str>, file: &str, places: &mut BTreeSet<Place>) {
    match &node.value {
        Value::List(items) => items
            .iter()
            .for_each(|item| under(item, keys, file, places)),
        Value::Map(entries) => {
            for entry in entries {
                if keys.contains(entry.key.as_str()) {
                    literals(&entry.value, file, places);
                } else {
                    under(&entry.value, keys, file, places);
                }
            }
        }
        Value::Scalar(_) | Value::Unknown => {}
    }
}

/// The keys that a schema calls `writeOnly`, wherever they stand in it.
pub(super) fn write_only(schema: &Json) -> BTreeSet<&str> {
    let mut keys = BTreeSet::new();
    each(schema, &mut |object| {
        let properties = object.get("properties").and_then(Json::as_object);
        for (key, property) in properties.into_iter().flatten() {
            if is_write_only(property, schema, &mut BTreeSet::new()) {
                keys.insert(key.as_str());
            }
        }
    });
    keys
}

/// Whether a property's schema, or that of its items, alternatives or what it refers to, is `writeOnly`.
fn is_write_only<'a>(property: &'a Json, schema: &'a Json, seen: &mut BTreeSet<&'a str>) -> bool {
    match property {
        Json::Array(items) => items.iter().any(|item| is_write_only(item, schema, seen)),
        Json::Object(object) => object
            .iter()
            .any(|(keyword, value)| match keyword.as_str() {
                "writeOnly" => value == &Json::Bool(true),
                // These have names of their own.
                "properties" => false,
                "$ref" => value.as_str().is_some_and(|path| {
                    let target = path.strip_prefix('#').and_then(|path| schema.pointer(path));
                    seen.insert(path)
                        && target.is_some_and(|target| is_write_only(target, schema, seen))
                }),
                _ => is_write_only(value, schema, seen),
            }),
        _ => false,
    }
}

fn each<'a>(schema: &'a Json, look: &mut impl FnMut(&'a serde_json::Map<String, Json>)) {
    match schema {
        Json::Array(items) => items.iter().for_each(|item| each(item, look)),
        Json::Object(object) => {
            look(object);
            object.values().for_each(|value| each(value, look));
        }
        _ => {}
    }
}

/// A key or value of which a message repeats the beginning: without what follows the name of a secret in it, as where a space is
/// missing behind a colon, and without credentials.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    if let Some((before, _value)) = after_name(text).and_then(|at| text.split_at_checked(at)) {
        return Cow::Owned(format!("{before}{HIDDEN}"));
    }
    let Some(found) = credentials(text, 0) else {
        return Cow::Borrowed(text);
    };
    let before = text.get(..found.start).unwrap_or_default();
    let after = text.get(found.end..).unwrap_or_default();
    Cow::Owned(format!("{before}{HIDDEN}{after}"))
}

/// Whether a key has a value in it, as where a space is missing behind the colon.
pub(super) fn is_in_key(key: &str) -> bool {
    after_name(key).is_some()
}

/// Whether a text was to be a key and its value: it begins with the name of a secret.
pub(super) fn is_in_value(text: &str) -> bool {
    let name = text.find([':', '=']).and_then(|end| text.get(..end));
    let is_key = |name: &str| name.chars().all(is_of_key) && is_named(name);
    name.is_some_and(is_key) && after_name(text).is_some()
}

fn is_of_key(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Where the value begins that stands behind the name of a secret on a line, if one does.
fn after_name(line: &str) -> Option<usize> {
    line.match_indices([':', '=']).find_map(|(at, _)| {
        let (before, after) = line.split_at_checked(at)?;
        let before = before.trim_end_matches([' ', '"', '\'']);
        let key = before.rsplit(|c: char| !is_of_key(c)).next()?;
        let value = after.get(1..)?;
        let blank = value.len() - value.trim_start().len();
        (is_named(key) && blank < value.len()).then_some(at + 1 + blank)
    })
}

/// Where the user and password of all URLs stand.
pub(super) fn all_credentials(text: &str) -> impl Iterator<Item = Place> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let found = credentials(text, from)?;
        from = found.end;
        Some(Place {
            start: found.start,
            end: found.end,
        })
    })
}

/// Where the user and password stand of the first URL after so many bytes that has some; its scheme may be missing.
fn credentials(text: &str, from: usize) -> Option<Range<usize>> {
    // A reference has braces: what it stands for is not shown anyway.
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '{' | '}');
    let mut at = from;
    for piece in text.get(from..)?.split_inclusive(ends) {
        let scheme = piece.find("://").map(|end| end + "://".len());
        let begin = scheme.unwrap_or_default();
        let named = piece.get(begin..)?.rsplit_once('@').map(|(named, _)| named);
        let is_one = |named: &&str| {
            !named.is_empty() && (scheme.is_some() || named.trim_start_matches(':').contains(':'))
        };
        if let Some(named) = named.filter(is_one) {
            let begin = at + begin;
            return Some(begin..begin + named.len());
        }
        at += piece.len();
    }
    None
}
