//! Reads a mapping key by key, so that a section's code reads like a table of its keys.
//!
//! Each method names a key and where its value goes. What is absent leaves the default that stands there; what is
//! wrong becomes a mistake; [`Reader::finish`] reports the keys that nobody asked for.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::report::{Mistake, Place, listed, quoted};
use super::units;
use super::yaml::{Entry, Node, Resolved, Scalar, Value};

/// Where mistakes are put while the config is read.
pub(super) type Mistakes = RefCell<Vec<Mistake>>;

/// Keys that a Collector has and otlet has not, with the reason or what to do instead.
pub(super) type Lacking = &'static [(&'static str, &'static str)];

/// A mapping that is being read.
pub(super) struct Reader<'a> {
    /// The key that the mapping belongs to.
    place: Place,
    entries: &'a [Entry],
    asked: Vec<&'static str>,
    lacking: Vec<Lacking>,
    /// The cure for a key that is near no other.
    hint: Option<&'static str>,
    mistakes: &'a Mistakes,
}

impl<'a> Reader<'a> {
    /// A reader of the value of the key at `place`; nothing written is an empty mapping.
    pub(super) fn new(place: Place, node: &'a Node, mistakes: &'a Mistakes) -> Self {
        Self {
            place,
            entries: entries(place, node, mistakes),
            asked: Vec::new(),
            lacking: Vec::new(),
            hint: None,
            mistakes,
        }
    }

    /// Tells of keys that a user of the Collector may look for in vain.
    pub(super) fn lacking(mut self, keys: Lacking) -> Self {
        self.lacking.push(keys);
        self
    }

    /// Says what to do with a key that is near none of the known ones.
    pub(super) fn hint(mut self, cure: &'static str) -> Self {
        self.hint = Some(cure);
        self
    }

    /// Where the mapping's own key stands.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Where a key's value stands, or else the mapping's own key.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.entries
            .iter()
            .find(|entry| entry.key == key)
            .map_or(self.place, place_of_value)
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Whether no message may repeat a key's value, or some of it.
    pub(super) fn is_hidden(&self, key: &str) -> bool {
        let entry = self.entries.iter().find(|entry| entry.key == key);
        entry.is_some_and(
            |entry| matches!(&entry.value.value, Value::Scalar(scalar) if scalar.is_hidden()),
        )
    }

    /// Whether a list is not there, or has nothing in it.
    pub(super) fn is_empty(&self, key: &str) -> bool {
        let entry = self.entries.iter().find(|entry| entry.key == key);
        entry.is_none_or(|entry| match &entry.value.value {
            Value::List(items) => items.is_empty(),
            _ => entry.value.is_null(),
        })
    }

    /// Reports a mistake.
    pub(super) fn report(&self, mistake: Mistake) {
        self.mistakes.borrow_mut().push(mistake);
    }

    /// A key's entry, whatever is in it.
    pub(super) fn entry(&mut self, key: &'static str) -> Option<&'a Entry> {
        self.asked.push(key);
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// A mapping below this one, if its key is there.
    pub(super) fn section(&mut self, key: &'static str) -> Option<Reader<'a>> {
        let entry = self.entry(key)?;
        Some(Reader::new(entry.place, &entry.value, self.mistakes))
    }

    /// A mapping that is an item of one of this one's lists.
    pub(super) fn below(&self, item: &'a Node) -> Reader<'a> {
        Reader::new(item.place, item, self.mistakes)
    }

    /// The entries of a mapping whose keys are the user's own.
    pub(super) fn named(&mut self, key: &'static str) -> &'a [Entry] {
        self.entry(key).map_or(&[], |entry| {
            entries(entry.place, &entry.value, self.mistakes)
        })
    }

    /// A list of names, with the place of each.
    pub(super) fn names(&mut self, key: &'static str) -> Vec<(&'a str, Place)> {
        let Some(entry) = self.entry(key) else {
            return Vec::new();
        };
        let cure = format!("write a list: `{key}: [name]`");
        let items = match &entry.value.value {
            Value::List(items) => items.as_slice(),
            Value::Unknown => &[],
            _ if entry.value.is_null() => &[],
            _ => {
                self.unexpected("a list of names", entry, &cure);
                &[]
            }
        };
        let name = |item: &'a Node| match &item.value {
            Value::Scalar(scalar) if !item.is_null() => Some((scalar.text.as_str(), item.place)),
            Value::Unknown => None,
            _ => {
                let what = format!("expected a name in `{key}`, found {}", item.found());
                self.report(Mistake::error(item.place, what, cure.as_str()));
                None
            }
        };
        items.iter().filter_map(name).collect()
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &'static str, value: &mut bool) {
        let cure = "write `true` or `false`, without quotes";
        self.scalar(key, "true or false", cure, value, |scalar| {
            match scalar.typed() {
                Resolved::Boolean(value) => Some(value),
                _ => None,
            }
        });
    }

    /// A whole number within bounds.
    pub(super) fn integer<T>(&mut self, key: &'static str, bounds: RangeInclusive<T>, value: &mut T)
    where
        T: TryFrom<u64> + PartialOrd + Display,
    {
        let cure = format!("write a number from {} to {}", bounds.start(), bounds.end());
        self.scalar(key, "a whole number", &cure, value, |scalar| {
            let value = match scalar.typed() {
                Resolved::Integer(value) => u64::try_from(value).ok()?,
                Resolved::Unsigned(value) => value,
                _ => return None,
            };
            T::try_from(value)
                .ok()
                .filter(|value| bounds.contains(value))
        });
    }

    /// A number within bounds.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<f64>,
        value: &mut f64,
    ) {
        let cure = format!("write a number from {} to {}", bounds.start(), bounds.end());
        self.scalar(key, "a number", &cure, value, |scalar| {
            let value = match scalar.typed() {
                Resolved::Integer(_) | Resolved::Double(_) => scalar.text.parse().ok()?,
                _ => return None,
            };
            bounds.contains(&value).then_some(value)
        });
    }

    /// A duration within bounds.
    pub(super) fn duration(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<Duration>,
        value: &mut Duration,
    ) {
        let cure = format!(
            "write a duration from {} to {}, such as `500ms`, `5s` or `1m30s`",
            units::show_duration(*bounds.start()),
            units::show_duration(*bounds.end())
        );
        self.scalar(key, "a duration", &cure, value, |scalar| {
            units::duration(&scalar.text).filter(|value| bounds.contains(value))
        });
    }

    /// A size in bytes within bounds.
    pub(super) fn size<T>(&mut self, key: &'static str, bounds: RangeInclusive<u64>, value: &mut T)
    where
        T: TryFrom<u64>,
    {
        let (least, most) = bounds.clone().into_inner();
        let (least, most) = (units::show_size(least), units::show_size(most));
        let such_as = if bounds.contains(&64_000) {
            "`64KB` or `16MiB`".to_owned()
        } else {
            format!("`{least}`")
        };
        let cure = format!("write a size from {least} to {most}, such as {such_as}");
        self.scalar(key, "a size", &cure, value, |scalar| {
            let value = units::size(&scalar.text).filter(|value| bounds.contains(value))?;
            T::try_from(value).ok()
        });
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
        value: &mut T,
    ) {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let cure = format!("write {}", listed(&names, "or"));
        self.scalar(key, &listed(&names, "or"), &cure, value, |scalar| {
            let found = words.iter().find(|(word, _)| *word == scalar.text);
            found.map(|(_, value)| *value)
        });
    }

    /// Text that `parse` understands; its error is what is wrong and the cure.
    pub(super) fn text<T>(
        &mut self,
        key: &'static str,
        want: &str,
        cure: &str,
        parse: impl FnOnce(&str) -> Result<T, (String, String)>,
    ) -> Option<T> {
        let entry = self.entry(key)?;
        match &entry.value.value {
            Value::Scalar(scalar) if !entry.value.is_null() => parse(&scalar.text)
                .map_err(|(what, cure)| {
                    // What came from the environment may be a secret, as what has the name of one.
                    let (what, cure) = if scalar.is_hidden() {
                        (format!("`{key}` is not {want}"), format!("set {want}"))
                    } else {
                        (what, cure)
                    };
                    self.report(Mistake::error(entry.value.place, what, cure));
                })
                .ok(),
            Value::Unknown => None,
            _ => {
                self.unexpected(want, entry, cure);
                None
            }
        }
    }

    /// Reports every key that was not asked for.
    pub(super) fn finish(self) {
        let asked = self.asked.iter().collect();
        for entry in self.entries {
            if self.asked.contains(&entry.key.as_str()) {
                continue;
            }
            let mut lacking = self.lacking.iter().copied().flatten();
            let lacking = lacking.find(|(key, _)| *key == entry.key);
            let mistake = match lacking {
                Some((key, cure)) => {
                    Mistake::error(entry.place, format!("otlet has no `{key}` here"), *cure)
                }
                None => self.unknown(entry).or_meant(&entry.key, &asked),
            };
            self.report(mistake);
        }
    }

    /// Reads a scalar that `parse` understands into `value`.
    fn scalar<T>(
        &mut self,
        key: &'static str,
        want: &str,
        cure: &str,
        value: &mut T,
        parse: impl FnOnce(&Scalar) -> Option<T>,
    ) {
        let Some(entry) = self.entry(key) else { return };
        let read = match &entry.value.value {
            Value::Scalar(scalar) => parse(scalar),
            Value::List(_) | Value::Map(_) => None,
            Value::Unknown => return,
        };
        match read {
            Some(read) => *value = read,
            None => self.unexpected(want, entry, cure),
        }
    }

    /// The mistake of a key that nobody asked for.
    fn unknown(&self, entry: &Entry) -> Mistake {
        let what = format!("unknown key {}", quoted(&entry.key));
        let cure = match self.hint {
            Some(hint) => hint.to_owned(),
            None if self.asked.is_empty() => "remove it: there are no keys here".to_owned(),
            None => format!("the keys here are {}", listed(&self.asked, "and")),
        };
        Mistake::error(entry.place, what, cure)
    }

    fn unexpected(&self, want: &str, entry: &Entry, cure: &str) {
        self.report(unexpected(
            want,
            entry.place,
            &entry.key,
            &entry.value,
            cure,
        ));
    }
}

/// Where an entry's value stands, or its key if the value is a mapping or nothing was written.
pub(super) fn place_of_value(entry: &Entry) -> Place {
    place_of(entry.place, &entry.value)
}

fn place_of(key: Place, node: &Node) -> Place {
    match node.value {
        Value::Map(_) => key,
        _ if node.place.start >= node.place.end => key,
        _ => node.place,
    }
}

/// The entries of a mapping; anything else but nothing is a mistake.
fn entries<'a>(place: Place, node: &'a Node, mistakes: &Mistakes) -> &'a [Entry] {
    match &node.value {
        Value::Map(entries) => entries,
        Value::Unknown => &[],
        _ if node.is_null() => &[],
        _ => {
            let what = format!("expected a mapping, found {}", node.found());
            let cure = "write keys with values below it: `key: value`";
            let place = place_of(place, node);
            mistakes
                .borrow_mut()
                .push(Mistake::error(place, what, cure));
            &[]
        }
    }
}

fn unexpected(want: &str, place: Place, key: &str, node: &Node, cure: &str) -> Mistake {
    let place = place_of(place, node);
    let what = format!(
        "expected {want} for {}, found {}",
        quoted(key),
        node.found()
    );
    Mistake::error(place, what, cure)
}
