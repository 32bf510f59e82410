//! `extract`: the named groups of a regular expression become attributes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use otlet_conditions::{Type, pattern};
use otlet_plugin::{Batch, Error, Mask, Signal, Table};
use regex::Regex;

use crate::action::Verb;
use crate::config::{If, To};
use crate::keys::listed;
use crate::path::{Source, Target, attributes_of};
use crate::selection::write_texts;
use crate::words::Words;

#[derive(Debug)]
pub(crate) struct Extract {
    source: Source,
    pattern: Regex,
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    /// Its number in the pattern.
    number: usize,
    target: Target,
}

/// Where the groups go that the config does not send elsewhere.
pub(crate) struct Places<'a> {
    pub(crate) to: Option<&'a To>,
    pub(crate) prefix: Option<&'a str>,
    pub(crate) when: Option<If>,
}

impl Extract {
    pub(crate) fn new(path: &str, text: &str, places: &Places<'_>) -> Result<Self, Error> {
        let source = Source::open(path).map_err(|error| error.context("extract"))?;
        if ![Type::Any, Type::Text, Type::Id].contains(&source.holds) {
            return Err(format!("extract: {path} is no text, which patterns are for").into());
        }
        let pattern = pattern(text).map_err(|error| error.context("pattern"))?;
        let names: Vec<_> = pattern.capture_names().flatten().collect();
        if names.is_empty() {
            return Err("pattern: has no named group: write one, such as (?P<user_id>\\d+)".into());
        }
        let targets = match (places.to, places.prefix) {
            (Some(To::Each(_)), Some(_)) => {
                return Err(
                    "prefix: is for the names of the groups, and `to` has others: leave one out"
                        .into(),
                );
            }
            (Some(To::Each(targets)), None) if !targets.is_empty() => targets.clone(),
            (Some(_), _) => {
                return Err(
                    "to: is no map of groups to paths: write `{ GROUP: PATH }`, or leave it out"
                        .into(),
                );
            }
            (None, prefix) => own(path, &names, prefix.unwrap_or_default()),
        };
        let mut groups = Vec::new();
        for (name, path) in &targets {
            let number = pattern
                .capture_names()
                .position(|group| group == Some(name));
            let number = number.ok_or_else(|| {
                Error::new(format!(
                    "to: {name} is no group of the pattern, which has {}",
                    listed(&names, "and")
                ))
            })?;
            let target = Target::below(path, &source, places.when)
                .and_then(|target| target.must_take(Type::Text, path).map(|()| target));
            let target = target.map_err(|error| error.context("to"))?;
            groups.push(Group { number, target });
        }
        one_table(groups.iter().map(|group| &group.target))?;
        Ok(Self {
            source,
            pattern,
            groups,
        })
    }

    fn targets(&self) -> impl Iterator<Item = &Target> {
        self.groups.iter().map(|group| &group.target)
    }
}

impl Verb for Extract {
    fn place(&self) -> (Table, Option<Signal>) {
        let target = self.targets().next();
        let table = target.map_or(self.source.table, |target| target.table);
        let signal = target.and_then(|target| target.signal);
        (table, self.source.signal.or(signal))
    }

    fn apply(&self, batch: &mut Batch, when: Option<&Mask>) {
        let words = Words::texts(batch, &self.source);
        let same = self
            .targets()
            .all(|target| target.table == self.source.table);
        let mut locations = self.pattern.capture_locations();
        let width = self.groups.len();
        let mut found: Vec<Option<(usize, usize)>> =
            vec![None; width * batch.rows(self.source.table)];
        for (row, groups) in found.chunks_mut(width).enumerate() {
            if same && when.is_some_and(|when| !when.get(row)) {
                continue;
            }
            let Some(text) = words.get(row) else { continue };
            if self.pattern.captures_read(&mut locations, text).is_some() {
                for (place, group) in groups.iter_mut().zip(&self.groups) {
                    *place = locations.get(group.number);
                }
            }
        }
        for (index, group) in self.groups.iter().enumerate() {
            write_texts(batch, (self.source.table, &group.target), when, |row| {
                let (start, end) = (*found.get(row * width + index)?)?;
                words.get(row)?.get(start..end).map(Cow::Borrowed)
            });
        }
    }
}

/// The attributes of the groups' names, in the row of the path.
fn own(path: &str, names: &[&str], prefix: &str) -> BTreeMap<String, String> {
    let table = path.trim().split('.').next().unwrap_or_default();
    let attributes = Table::from_name(table).map_or("attributes", attributes_of);
    let prefix = prefix.replace('\\', "\\\\").replace('"', "\\\"");
    let path = |name: &&str| {
        (
            (*name).to_owned(),
            format!("{table}.{attributes}[\"{prefix}{name}\"]"),
        )
    };
    names.iter().map(path).collect()
}

/// Refuses targets in several tables, of which `when` could not be about the rows.
pub(crate) fn one_table<'a>(targets: impl Iterator<Item = &'a Target>) -> Result<(), Error> {
    let mut tables: Vec<_> = targets
        .map(|target| (target.table, target.signal))
        .collect();
    tables.dedup();
    if tables.len() > 1 {
        return Err("to: has paths of several tables or signals: write an action for each".into());
    }
    Ok(())
}
