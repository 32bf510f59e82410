//! `replace`, `truncate`, `lowercase` and `uppercase`: texts that change in their place, at a path or in all attributes of a
//! table. What is no text stays.

use std::borrow::Cow;

use otlet_conditions::{Place, Type, pattern};
use otlet_plugin::{Batch, Column, Error, Kind, LeafEdits, Mask, Signal, Table, TextEdits};
use regex::Regex;

use crate::action::Verb;
use crate::path::{Target, attributes_of};

/// What happens to a text.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Replace {
        pattern: Regex,
        with: String,
    },
    /// To so many characters.
    Truncate(usize),
    Lowercase,
    Uppercase,
}

#[derive(Debug)]
pub(crate) struct Rewrite {
    texts: Texts,
    change: Change,
}

/// The texts that change.
#[derive(Debug)]
enum Texts {
    At(Target),
    /// Those of all attributes of a table, also in lists and maps.
    Of {
        table: Table,
        signal: Option<Signal>,
    },
}

impl Rewrite {
    pub(crate) fn new(path: &str, change: Change) -> Result<Self, Error> {
        if let Some(place) = Place::of(path)
            && place.column == attributes_of(place.table)
        {
            let texts = Texts::Of {
                table: place.table,
                signal: place.signal,
            };
            return Ok(Self { texts, change });
        }
        let target = Target::open(path, None).map_err(|error| error.context(change.verb()))?;
        let taken = target.must_take(Type::Text, path);
        taken.map_err(|error| error.context(change.verb()))?;
        Ok(Self {
            texts: Texts::At(target),
            change,
        })
    }

    fn at(&self, column: &Column, batch: &mut Batch, when: Option<&Mask>) {
        let mut edits = TextEdits::new();
        let texts = batch.texts(column);
        for row in (0..texts.len()).filter(|row| when.is_none_or(|when| when.get(*row))) {
            if let Some(text) = texts.get(row)
                && let Some(changed) = self.change.of(text)
            {
                edits.push(row, &changed);
            }
        }
        batch.set_texts(column, &edits);
    }

    fn of(&self, table: Table, batch: &mut Batch, when: Option<&Mask>) {
        let leaves = batch.leaves(&[table], &[Kind::Text]);
        let attributes = format!("{table}.{}[", attributes_of(table));
        let places = leaves.places().iter();
        let places: Vec<bool> = places
            .map(|place| place.path.starts_with(&attributes))
            .collect();
        let mut edits = LeafEdits::new();
        for leaf in leaves.iter() {
            let is_meant =
                places.get(leaf.place) == Some(&true) && when.is_none_or(|when| when.get(leaf.row));
            if is_meant && let Some(changed) = self.change.of(leaf.text()) {
                edits.push(leaf.index, &changed);
            }
        }
        batch.replace_leaves(&edits);
    }
}

impl Verb for Rewrite {
    fn place(&self) -> (Table, Option<Signal>) {
        match &self.texts {
            Texts::At(target) => (target.table, target.signal),
            Texts::Of { table, signal } => (*table, *signal),
        }
    }

    fn apply(&self, batch: &mut Batch, when: Option<&Mask>) {
        match &self.texts {
            Texts::At(target) => self.at(&target.column, batch, when),
            Texts::Of { table, .. } => self.of(*table, batch, when),
        }
    }
}

impl Change {
    /// The change that `replace` makes.
    pub(crate) fn replace(text: &str, with: &str) -> Result<Self, Error> {
        let pattern = pattern(text).map_err(|error| error.context("pattern"))?;
        if let Some(group) = unknown_group(with, &pattern) {
            return Err(format!(
                "with: ${group} is no group of the pattern: write $${{1}} or $${{name}} for one that it has, and $$$$ for a dollar \
                 sign, since $$ in a config file is one $"
            )
            .into());
        }
        Ok(Self::Replace {
            pattern,
            with: with.to_owned(),
        })
    }

    /// The change that `truncate` makes.
    pub(crate) fn truncate(length: Option<u32>) -> Result<Self, Error> {
        match length.unwrap_or_default() {
            0 => Err("length: is 0: write 1 or more, or `remove` it".into()),
            length => Ok(Self::Truncate(length as usize)),
        }
    }

    fn verb(&self) -> &'static str {
        match self {
            Self::Replace { .. } => "replace",
            Self::Truncate(_) => "truncate",
            Self::Lowercase => "lowercase",
            Self::Uppercase => "uppercase",
        }
    }

    /// What becomes of a text, unless it stays as it is.
    fn of<'a>(&self, text: &'a str) -> Option<Cow<'a, str>> {
        let changed = match self {
            Self::Replace { pattern, with } => match pattern.replace_all(text, with) {
                Cow::Borrowed(_) => return None,
                changed @ Cow::Owned(_) => changed,
            },
            Self::Truncate(length) if text.len() <= *length => return None,
            Self::Truncate(length) => {
                let (end, _) = text.char_indices().nth(*length)?;
                Cow::Borrowed(text.get(..end)?)
            }
            Self::Lowercase
                if text
                    .bytes()
                    .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) =>
            {
                return None;
            }
            Self::Lowercase => Cow::Owned(text.to_lowercase()),
            Self::Uppercase
                if text
                    .bytes()
                    .all(|byte| byte.is_ascii() && !byte.is_ascii_lowercase()) =>
            {
                return None;
            }
            Self::Uppercase => Cow::Owned(text.to_uppercase()),
        };
        (changed != text).then_some(changed)
    }
}

/// The first group that a replacement names and the pattern does not have, which would silently be nothing: `$1_total`
/// is the group `1_total`.
fn unknown_group(with: &str, pattern: &Regex) -> Option<String> {
    let mut rest = with;
    while let Some((_, after)) = rest.split_once('$') {
        if let Some(after) = after.strip_prefix('$') {
            rest = after;
            continue;
        }
        let braced = after
            .strip_prefix('{')
            .and_then(|after| after.split_once('}'));
        let (name, after) = braced.unwrap_or_else(|| {
            let end = after.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            after.split_at(end.unwrap_or(after.len()))
        });
        let known = match name.parse::<usize>() {
            Ok(number) => number < pattern.captures_len(),
            Err(_) => pattern.capture_names().flatten().any(|group| group == name),
        };
        // A dollar sign before anything else is itself.
        if !known && !name.is_empty() {
            return Some(name.to_owned());
        }
        rest = after;
    }
    None
}
