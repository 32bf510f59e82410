//! Holds texts against what became of them: what is hidden must be one of the values known to be planted, or stand under a
//! secret's name, and all else must be as it was.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::scanner::Scanner;

/// An address of nobody, and a path of a Python module that reads like one.
const OTHERS: [&str; 2] = ["archive@example.org", "shop.pricing@v2.handlers"];

/// What was hidden.
pub(crate) struct Hidden {
    scanner: Scanner,
    /// By detector: how often.
    masks: BTreeMap<String, usize>,
    /// The hashes in masks, with what they stand for.
    hashes: BTreeMap<String, String>,
    wrong: BTreeSet<String>,
}

impl Hidden {
    pub(crate) fn new() -> Self {
        Self {
            scanner: Scanner::new(),
            masks: BTreeMap::new(),
            hashes: BTreeMap::new(),
            wrong: BTreeSet::new(),
        }
    }

    /// Compares two requests, which must be the same but for what is hidden in the second.
    pub(crate) fn compare(&mut self, place: &str, before: &Value, after: &Value) {
        match (before, after) {
            (Value::Object(before), Value::Object(after)) => {
                if let Some((before, after)) = texts(before, after) {
                    self.text(place, &before, &after);
                    return;
                }
                let names: [Vec<_>; 2] = [before, after].map(|object| object.keys().collect());
                assert_eq!(names[0], names[1], "{place}");
                let key = before.get("key").and_then(Value::as_str);
                for (name, before) in before {
                    let name = key.filter(|_| name == "value").unwrap_or(name);
                    let value = if name == "key" || key.is_none() {
                        name
                    } else {
                        key.unwrap_or(name)
                    };
                    let after = after.get(if Some(value) == key { "value" } else { name });
                    self.compare(
                        &format!("{place}.{value}"),
                        before,
                        after.unwrap_or(&Value::Null),
                    );
                }
            }
            (Value::Array(before), Value::Array(after)) => {
                assert_eq!(before.len(), after.len(), "{place}");
                for (before, after) in before.iter().zip(after) {
                    self.compare(place, before, after);
                }
            }
            (Value::String(before), Value::String(after)) => self.text(place, before, after),
            (before, after) => assert_eq!(before, after, "{place}"),
        }
    }

    fn text(&mut self, place: &str, before: &str, after: &str) {
        let Some(hidden) = hidden(before, after) else {
            self.wrong
                .insert(format!("{place}: {before:?} became {after:?}"));
            return;
        };
        for (mask, value) in hidden {
            let (detector, hash) = mask.split_once(':').unwrap_or((mask, ""));
            *self.masks.entry(detector.to_owned()).or_default() += 1;
            let is_known = self.scanner.is_planted(value)
                || OTHERS.contains(&value)
                || detector == "secret_key" && self.scanner.ends_with_planted(value);
            if !is_known {
                self.wrong
                    .insert(format!("{place}: {mask} hides {value:?}"));
            }
            if !hash.is_empty() {
                let first = self.hashes.entry(hash.to_owned());
                let first = first.or_insert_with(|| value.to_owned());
                assert_eq!(*first, value, "{place}: two values have the same hash");
            }
        }
    }

    /// Whether all that was hidden had to be, and something was.
    pub(crate) fn check(&self) {
        let wrong: Vec<_> = self.wrong.iter().map(String::as_str).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let values: BTreeSet<_> = self.hashes.values().collect();
        assert_eq!(values.len(), self.hashes.len(), "a value has two hashes");
        for detector in ["email", "credit_card", "bearer", "jwt", "secret_key"] {
            assert!(
                self.masks.contains_key(detector),
                "{detector} of {:?}",
                self.masks
            );
        }
    }
}

/// The texts of two values, where they are no objects of the same kind: of bytes, and of a number that became a text.
fn texts(
    before: &serde_json::Map<String, Value>,
    after: &serde_json::Map<String, Value>,
) -> Option<(String, String)> {
    let bytes = |value: &Value| {
        let bytes = STANDARD.decode(value.as_str().unwrap()).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    if let (Some(before), Some(after)) = (before.get("bytesValue"), after.get("bytesValue")) {
        return Some((bytes(before), bytes(after)));
    }
    let before = before.get("intValue").or(before.get("doubleValue"))?;
    let after = after.get("stringValue")?.as_str()?.to_owned();
    let before = before
        .as_str()
        .map_or_else(|| before.to_string(), str::to_owned);
    Some((before, after))
}

/// What the masks in `after` say and what they hide of `before`; none where the texts differ elsewhere, too.
fn hidden<'a>(before: &'a str, after: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let mut pieces = after.split("[redacted:");
    let mut before = before.strip_prefix(pieces.next()?)?;
    let mut pieces = pieces.peekable();
    let mut hidden = Vec::new();
    while let Some(piece) = pieces.next() {
        let (mask, same) = piece.split_once(']')?;
        let (value, rest) = match pieces.peek() {
            Some(_) => before.split_once(same)?,
            None => (before.strip_suffix(same)?, ""),
        };
        hidden.push((mask, value));
        before = rest;
    }
    before.is_empty().then_some(hidden)
}

#[test]
fn what_is_hidden_is_what_lies_between_what_is_not() {
    let masks = "a [redacted:x] b [redacted:y]";
    assert_eq!(
        hidden("a one b two", masks),
        Some(vec![("x", "one"), ("y", "two")])
    );
    assert_eq!(hidden("a one c two", masks), None);
    assert_eq!(hidden("same", "same"), Some(vec![]));
    assert_eq!(hidden("same", "other"), None);
}
