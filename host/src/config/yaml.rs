//! YAML as a tree that knows where each part stands in the file.

mod build;
mod syntax;

use std::collections::BTreeSet;

use super::report::{Place, quoted};

pub(super) use build::read;

/// The bytes of a config file.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// The bytes of the shortest secret: what is shorter is a number or a word of a message by chance.
const SECRET: usize = 4;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// What YAML has.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Text, a number, a boolean or nothing: how it is read depends on who asks.
    Scalar(Scalar),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping.
    Map(Vec<Entry>),
    /// Something wrong that was reported already: whoever reads it says nothing more.
    Unknown,
}

/// A scalar as it was written.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says something of its own"
)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// Whether it can be nothing but text: in quotes, a block, or tagged `!!str`.
    pub(super) quoted: bool,
    /// Whether something was filled in from the environment or a file, which no message may repeat.
    pub(super) expanded: bool,
    /// Whether some of that was a file's.
    pub(super) of_file: bool,
    /// Whether a secret is written in it, which no message may repeat either.
    pub(super) secret: bool,
    /// Where it is written: not where an alias repeats it.
    pub(super) written: Place,
}

/// A key and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) value: Node,
}

/// What a scalar stands for by YAML's core schema.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Resolved<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    Unsigned(u64),
    Double(f64),
    Text(&'a str),
}

impl Scalar {
    /// Whether no message may repeat it.
    pub(super) fn is_hidden(&self) -> bool {
        self.expanded || self.secret
    }

    /// What it stands for where any type may stand: in quotes it is text.
    pub(super) fn resolve(&self) -> Resolved<'_> {
        if self.quoted {
            Resolved::Text(&self.text)
        } else {
            resolve(&self.text)
        }
    }

    /// What it stands for where a type is asked for: whoever quotes a reference to the environment may still mean a
    /// number.
    pub(super) fn typed(&self) -> Resolved<'_> {
        if self.expanded {
            resolve(&self.text)
        } else {
            self.resolve()
        }
    }
}

/// What an unquoted scalar stands for by YAML's core schema.
fn resolve(text: &str) -> Resolved<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "true" | "True" | "TRUE" => return Resolved::Boolean(true),
        "false" | "False" | "FALSE" => return Resolved::Boolean(false),
        _ => {}
    }
    let radix = |prefix, radix| {
        text.strip_prefix(prefix)
            .filter(|digits: &&str| !digits.starts_with(['+', '-']))
            .and_then(|digits| i64::from_str_radix(digits, radix).ok())
    };
    if let Some(integer) = radix("0x", 16)
        .or_else(|| radix("0o", 8))
        .or_else(|| text.parse().ok())
    {
        return Resolved::Integer(integer);
    }
    if let Ok(integer) = text.parse() {
        return Resolved::Unsigned(integer);
    }
    // Rust also reads `inf`, `nan` and the like, which are text in YAML.
    let number = !text.contains(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E'))
        && text.contains(|c: char| c.is_ascii_digit());
    match text.parse::<f64>() {
        Ok(double) if number && double.is_finite() => Resolved::Double(double),
        _ => Resolved::Text(text),
    }
}
impl Node {
    /// Whether nothing was written.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.resolve() == Resolved::Null)
    }

    /// Whether a mistake in it, or below it, was reported already.
    pub(super) fn is_unknown(&self) -> bool {
        match &self.value {
            Value::List(items) => items.iter().any(Self::is_unknown),
            Value::Map(entries) => entries.iter().any(|entry| entry.value.is_unknown()),
            Value::Scalar(_) => false,
            Value::Unknown => true,
        }
    }

    /// What it is, for a message: never the value of a secret.
    pub(super) fn found(&self) -> String {
        match &self.value {
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
            Value::Unknown => "something unknown".to_owned(),
            Value::Scalar(scalar) if scalar.of_file => "a value filled in from a file".to_owned(),
            Value::Scalar(scalar) if scalar.expanded => {
                "a value filled in from the environment".to_owned()
            }
            Value::Scalar(scalar) if scalar.secret => "a value that is not shown".to_owned(),
            Value::Scalar(scalar) => match scalar.resolve() {
                Resolved::Null => "nothing".to_owned(),
                Resolved::Text("") => "an empty text".to_owned(),
                Resolved::Text(text) => format!("the text {}", quoted(text)),
                _ => quoted(&scalar.text),
            },
        }
    }

    /// Has no message repeat the values below here that these places lie in.
    pub(super) fn hide(&mut self, secrets: &BTreeSet<Place>) {
        match &mut self.value {
            Value::List(items) => items.iter_mut().for_each(|item| item.hide(secrets)),
            Value::Map(entries) => entries
                .iter_mut()
                .for_each(|entry| entry.value.hide(secrets)),
            Value::Scalar(scalar) => {
                let Place { start, end } = scalar.written;
                let at = |start| Place { start, end: 0 };
                scalar.secret |= secrets
                    .range(at(start)..at(end.max(start)))
                    .next()
                    .is_some();
            }
            Value::Unknown => {}
        }
    }

    /// Takes out of a text what no message may repeat of what is below here, unless it is too short to be a secret.
    pub(super) fn hide_secrets(&self, text: &mut String) {
        match &self.value {
            Value::List(items) => items.iter().for_each(|item| item.hide_secrets(text)),
            Value::Map(entries) => entries
                .iter()
                .for_each(|entry| entry.value.hide_secrets(text)),
            Value::Scalar(scalar) if scalar.is_hidden() && scalar.text.len() >= SECRET => {
                *text = text.replace(&scalar.text, "...");
            }
            Value::Scalar(_) | Value::Unknown => {}
        }
    }

    /// The value as JSON, for a plugin.
    pub(super) fn json(&self) -> serde_json::Value {
        match &self.value {
            Value::List(items) => items.iter().map(Self::json).collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.json()))
                .collect(),
            Value::Unknown => serde_json::Value::Null,
            Value::Scalar(scalar) => match scalar.resolve() {
                Resolved::Null => serde_json::Value::Null,
                Resolved::Boolean(value) => value.into(),
                Resolved::Integer(value) => value.into(),
                Resolved::Unsigned(value) => value.into(),
                Resolved::Double(value) => value.into(),
                Resolved::Text(text) => text.into(),
            },
        }
    }
}
