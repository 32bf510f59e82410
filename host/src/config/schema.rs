//! Checks a plugin's `config` against its JSON Schema, and finds the place in the file for what is wrong.
//!
//! The schema comes from a plugin that nobody vouches for: nothing is fetched, regexes take linear time, and what would
//! keep the validator busy is refused before.

mod bounds;

use std::collections::HashSet;

use jsonschema::error::{TypeKind, ValidationErrorKind as Wrong};
use jsonschema::paths::LocationSegment;
use jsonschema::{JsonType, PatternOptions, ValidationError, Validator};
use serde_json::Value as Json;

use super::reader::place_of_value;
use super::report::{Mistake, Names, Place, listed, quoted};
use super::yaml::{Entry, Node, Value};

/// The bytes of a compiled regex of a schema.
const REGEX_SIZE: usize = 256 << 10;

/// The mistakes that one schema reports; more are no help.
const MISTAKES: usize = 50;

/// The allowed values that a cure names.
const NAMED: usize = 20;

/// What a plugin is told, where it stands.
pub(super) struct Subject<'a> {
    /// The key that it belongs to: `config`, or the processor's if there is none.
    pub(super) place: Place,
    pub(super) node: Option<&'a Node>,
    pub(super) json: &'a Json,
}

/// Whether a schema may be walked through.
pub(super) fn is_within_bounds(schema: &Json) -> bool {
    bounds::check_size(schema).is_ok()
}

/// Checks what a plugin is told; the error is of the schema itself.
pub(super) fn check(subject: &Subject<'_>, schema: &Json) -> Result<Vec<Mistake>, String> {
    let usable = |node: &Node| matches!(node.value, Value::Map(_));
    if !subject.node.is_none_or(usable) {
        return Ok(Vec::new());
    }
    let validator = validator(schema, subject.json)?;
    let errors = validator.iter_errors(subject.json).take(MISTAKES);
    Ok(errors
        .flat_map(|error| subject.mistakes(&error, schema))
        .collect())
}

/// The first key of what a plugin is told that its schema does not allow, where there is one, in words that quote no value: it
/// may be a secret. The error is of the schema itself.
pub fn misfit(json: &Json, schema: &Json) -> Result<Option<String>, String> {
    let validator = validator(schema, json)?;
    let first = validator.iter_errors(json).next();
    Ok(first.map(|error| {
        let mut path = "config".to_owned();
        for segment in error.instance_path().segments() {
            match segment {
                LocationSegment::Property(key) => path = format!("{path}.{key}"),
                LocationSegment::Index(at) => path = format!("{path}[{at}]"),
            }
        }
        match error.kind() {
            Wrong::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                format!("key {} is missing", quoted(&format!("{path}.{key}")))
            }
            Wrong::AdditionalProperties { unexpected }
            | Wrong::UnevaluatedProperties { unexpected } => {
                let key = unexpected.first().map_or("", String::as_str);
                format!("key {} is unknown", quoted(&format!("{path}.{key}")))
            }
            _ => format!("the value of {} is not allowed", quoted(&path)),
        }
    }))
}

/// What checks values like this one; the error is why the schema is not usable.
fn validator(schema: &Json, json: &Json) -> Result<Validator, String> {
    bounds::check(schema, json)?;
    let patterns = PatternOptions::regex()
        .size_limit(REGEX_SIZE)
        .dfa_size_limit(REGEX_SIZE);
    jsonschema::options()
        .offline()
        .with_pattern_options(patterns)
        .build(schema)
        .map_err(|error| error.to_string())
}

impl Subject<'_> {
    /// What one error of the validator says to the user.
    fn mistakes(&self, error: &ValidationError<'_>, schema: &Json) -> Vec<Mistake> {
        let found = self.find(error);
        if found
            .node
            .is_some_and(|node| matches!(node.value, Value::Unknown))
        {
            return Vec::new();
        }
        let one = |what: String, cure: String| vec![Mistake::error(found.place, what, cure)];
        match error.kind() {
            Wrong::AdditionalProperties { unexpected }
            | Wrong::UnevaluatedProperties { unexpected } => {
                found.unknown_keys(unexpected, &properties(error, schema))
            }
            Wrong::AnyOf { context } | Wrong::OneOfNotValid { context } => {
                self.alternatives(&found, error, context, schema)
            }
            Wrong::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                let what = format!("key {} is missing", quoted(key));
                vec![Mistake::error(
                    found.key,
                    what,
                    format!("add it: `{key}: ...`"),
                )]
            }
            Wrong::Type { .. } | Wrong::Enum { .. } | Wrong::Constant { .. } => {
                vec![found.unexpected(&Allowed::of(error))]
            }
            Wrong::Minimum { limit } => {
                one(found.is("too small"), format!("write {limit} or more"))
            }
            Wrong::Maximum { limit } => {
                one(found.is("too large"), format!("write {limit} or less"))
            }
            Wrong::ExclusiveMinimum { limit } => {
                one(found.is("too small"), format!("write more than {limit}"))
            }
            Wrong::ExclusiveMaximum { limit } => {
                one(found.is("too large"), format!("write less than {limit}"))
            }
            Wrong::MinLength { limit } => one(
                found.is("too short"),
                format!("write at least {}", counted(*limit, "character")),
            ),
            Wrong::MaxLength { limit } => one(
                found.is("too long"),
                format!("write at most {}", counted(*limit, "character")),
            ),
            Wrong::MinItems { limit } => one(
                found.is("too short"),
                format!("write at least {}", counted(*limit, "item")),
            ),
            Wrong::MaxItems { limit } => one(
                found.is("too long"),
                format!("write at most {}", counted(*limit, "item")),
            ),
            Wrong::MinProperties { limit } => one(
                found.is("too short"),
                format!("write at least {}", counted(*limit, "key")),
            ),
            Wrong::MaxProperties { limit } => one(
                found.is("too long"),
                format!("write at most {}", counted(*limit, "key")),
            ),
            Wrong::Pattern { pattern } => one(
                found.is("not as it should be"),
                format!("write what matches the pattern {}", quoted(pattern)),
            ),
            // Without the value, which may be a secret.
            _ => one(
                error.masked().to_string(),
                "see what the plugin's documentation says".to_owned(),
            ),
        }
    }

    /// What to say if a value fits none of a few schemas: what is wrong by the one it was written for, or else what
    /// all of them allow.
    fn alternatives(
        &self,
        found: &Found<'_>,
        error: &ValidationError<'_>,
        branches: &[Vec<ValidationError<'static>>],
        schema: &Json,
    ) -> Vec<Mistake> {
        let here = error.instance_path();
        let is_other = |wrong: &ValidationError<'_>| {
            let of_whole = matches!(
                wrong.kind(),
                Wrong::Type { .. } | Wrong::Enum { .. } | Wrong::Constant { .. }
            );
            of_whole && wrong.instance_path() == here
        };
        let meant = branches.iter().find(|wrongs| !wrongs.iter().any(is_other));
        if let Some(meant) = meant {
            return meant
                .iter()
                .flat_map(|wrong| self.mistakes(wrong, schema))
                .collect();
        }
        let mut allowed = Allowed::default();
        for wrong in branches.iter().flatten().filter(|wrong| is_other(wrong)) {
            allowed.add(wrong);
        }
        vec![found.unexpected(&allowed)]
    }

    /// Where the value that an error is about stands.
    fn find(&self, error: &ValidationError<'_>) -> Found<'_> {
        let mut found = Found {
            place: self.place,
            key: self.place,
            node: self.node,
            name: None,
        };
        for segment in error.instance_path().segments() {
            let Some(node) = found.node else { break };
            let step = match (&node.value, &segment) {
                (Value::Map(entries), LocationSegment::Property(key)) => {
                    entries.iter().find(|entry| entry.key == *key).map(|entry| {
                        (
                            place_of_value(entry),
                            entry.place,
                            &entry.value,
                            Some(entry.key.as_str()),
                        )
                    })
                }
                (Value::List(items), LocationSegment::Index(at)) => items
                    .get(*at)
                    .map(|item| (item.place, item.place, item, found.name)),
                _ => None,
            };
            let Some((place, key, node, name)) = step else {
                break;
            };
            found = Found {
                place,
                key,
                node: Some(node),
                name,
            };
        }
        found
    }
}

/// A value in the file that an error is about.
struct Found<'a> {
    place: Place,
    /// The key that it belongs to.
    key: Place,
    node: Option<&'a Node>,
    name: Option<&'a str>,
}

impl Found<'_> {
    fn unexpected(&self, allowed: &Allowed) -> Mistake {
        let of = self
            .name
            .map_or_else(String::new, |name| format!(" for {}", quoted(name)));
        let want = allowed.want();
        let what = format!("expected {want}{of}, found {}", self.found());
        let written = match self.node.map(|node| &node.value) {
            Some(Value::Scalar(scalar)) if !scalar.is_hidden() => scalar.text.as_str(),
            _ => "",
        };
        let values = allowed.values.iter().collect();
        Mistake::error(self.place, what, format!("write {want}")).or_meant(written, &values)
    }

    fn is(&self, how: &str) -> String {
        match self.name {
            Some(name) => format!("{} for {} is {how}", self.found(), quoted(name)),
            None => format!("{} is {how}", self.found()),
        }
    }

    fn found(&self) -> String {
        self.node.map_or_else(|| "nothing".to_owned(), Node::found)
    }

    fn unknown_keys(&self, unexpected: &[String], known: &[&str]) -> Vec<Mistake> {
        let unexpected: HashSet<_> = unexpected.iter().collect();
        let names: Names = known.iter().collect();
        let cure = match known {
            [] => "remove it: there are no keys here".to_owned(),
            _ => format!("the keys here are {}", listed(known, "and")),
        };
        let entries = match self.node.map(|node| &node.value) {
            Some(Value::Map(entries)) => entries.as_slice(),
            _ => &[],
        };
        let unknown = entries
            .iter()
            .filter(|entry| unexpected.contains(&entry.key));
        let mistake = |entry: &Entry| {
            let what = format!("unknown key {}", quoted(&entry.key));
            Mistake::error(entry.place, what, cure.as_str()).or_meant(&entry.key, &names)
        };
        unknown.map(mistake).collect()
    }
}

/// What a schema allows in a place: some values, or values of some types.
#[derive(Default)]
struct Allowed {
    values: Vec<String>,
    types: Vec<&'static str>,
}

impl Allowed {
    fn of(error: &ValidationError<'_>) -> Self {
        let mut allowed = Self::default();
        allowed.add(error);
        allowed
    }

    fn add(&mut self, error: &ValidationError<'_>) {
        match error.kind() {
            Wrong::Enum { options } => self
                .values
                .extend(options.as_array().into_iter().flatten().map(show)),
            Wrong::Constant { expected_value } => self.values.push(show(expected_value)),
            Wrong::Type { kind } => match kind {
                TypeKind::Single(one) => self.types.push(type_name(*one)),
                TypeKind::Multiple(more) => self.types.extend(more.into_iter().map(type_name)),
            },
            _ => {}
        }
    }

    fn want(&self) -> String {
        let types = self.types.iter().map(|name| (*name).to_owned());
        let all: Vec<String> = self
            .shown()
            .map(|value| quoted(value))
            .chain(types)
            .collect();
        match all.split_last() {
            Some((end, rest)) if !rest.is_empty() => format!("{} or {end}", rest.join(", ")),
            Some((end, _)) => end.clone(),
            None => "something else".to_owned(),
        }
    }

    fn shown(&self) -> impl Iterator<Item = &String> {
        self.values.iter().take(NAMED)
    }
}

fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn show(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn type_name(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Null => "nothing",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "text",
        JsonType::Array => "a list",
        JsonType::Object => "a mapping",
    }
}

/// The keys that the schema which an error comes from knows.
fn properties<'a>(error: &ValidationError<'_>, schema: &'a Json) -> Vec<&'a str> {
    let path = error.schema_path().as_str();
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    schema
        .pointer(parent)
        .and_then(|schema| schema.get("properties"))
        .and_then(Json::as_object)
        .into_iter()
        .flat_map(|properties| properties.keys().map(String::as_str))
        .collect()
}
