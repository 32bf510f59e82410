//! Columns: an attribute or a field of a table, opened by its OTTL path.

use std::{fmt, sync::Arc};

use super::{
    Signal,
    fields::{FIELDS, FieldSpec, Kind, Presence},
    schema::{Msg, Part, Table},
};

/// A column, independent of any batch.
#[derive(Clone, Debug)]
pub struct Column {
    path: Arc<str>,
    pub(super) table: Table,
    /// The one signal that the path named, if it did.
    signal: Option<Signal>,
    pub(super) what: What,
}

/// What stands in a column.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// The attribute with this key.
    Attribute(Arc<str>),
    Field(&'static FieldSpec),
}

/// A path that no table has. The text names the nearest that are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError(String);

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PathError {}

/// `span.`, `log.` and `datapoint.`: records of one signal.
const ALIASES: [(&str, Signal); 3] = [
    ("span", Signal::Traces),
    ("log", Signal::Logs),
    ("datapoint", Signal::Metrics),
];

impl Column {
    /// Opens a column by its path.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        let unknown = || unknown(path);
        let (prefix, rest) = path.split_once('.').ok_or_else(unknown)?;
        let alias = ALIASES.into_iter().find(|(name, _)| *name == prefix);
        let (table, signal) = match alias {
            Some((_, signal)) => (Table::Record, Some(signal)),
            None => (Table::named(prefix).ok_or_else(unknown)?, None),
        };
        let what = match rest.split_once('[') {
            Some((name, key)) if name == attributes_of(table) => {
                What::Attribute(parse_key(path, key)?.into())
            }
            Some(_) => return Err(unknown()),
            None => What::Field(
                FIELDS
                    .iter()
                    .filter(|field| field.table == table.name() && field.name == rest)
                    .find(|field| signal.is_none_or(|signal| field.is_of(signal)))
                    .ok_or_else(unknown)?,
            ),
        };
        Ok(Self {
            path: path.into(),
            table,
            signal,
            what,
        })
    }

    /// The column of an attribute.
    pub(super) fn attribute(table: Table, key: &str) -> Self {
        Self {
            path: key.into(),
            table,
            signal: None,
            what: What::Attribute(key.into()),
        }
    }

    /// Whether it is one form of a data point's value.
    pub(super) fn is_point_value(&self) -> bool {
        match &self.what {
            What::Attribute(_) => false,
            What::Field(field) => {
                (field.at.iter()).any(|at| matches!(at.presence, Presence::Instead(_)))
            }
        }
    }

    /// The path that it was opened by.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether the signal has it.
    pub(super) fn is_of(&self, signal: Signal) -> bool {
        self.table.is_of(signal)
            && self.signal.is_none_or(|only| only == signal)
            && match &self.what {
                What::Attribute(_) => true,
                What::Field(field) => field.is_of(signal),
            }
    }

    pub(super) fn kind(&self) -> Kind {
        match &self.what {
            What::Attribute(_) => Kind::Any,
            What::Field(field) => field.kind,
        }
    }

    /// Whether it is a field of records, to find which without their outlines takes a walk to the end of each.
    pub(super) fn is_outlined(&self) -> bool {
        self.table == Table::Record && matches!(self.what, What::Field(_))
    }

    /// Whether it stands in front of the attributes of each record of this kind that has it, so that a walk to it is short.
    pub(super) fn comes_first(&self, record: Msg) -> bool {
        match &self.what {
            What::Attribute(_) => false,
            What::Field(field) => {
                (field.of(record)).is_some_and(|at| Some(at.number) < record.attributes())
            }
        }
    }

    /// The part of the row that it stands in.
    pub(super) fn part(&self) -> Part {
        match (&self.what, self.table) {
            (What::Field(field), _) => field.part,
            (What::Attribute(_), Table::Resource | Table::Scope) => Part::Child,
            (What::Attribute(_), _) => Part::Row,
        }
    }
}

fn attributes_of(table: Table) -> &'static str {
    match table {
        Table::Metric => "metadata",
        Table::Exemplar => "filtered_attributes",
        _ => "attributes",
    }
}

/// Reads `"key"]`.
fn parse_key(path: &str, quoted: &str) -> Result<String, PathError> {
    let fault = |what: &str| {
        PathError(format!(
            "column {path:?}: {what}, write attributes[\"key\"]"
        ))
    };
    let mut chars = quoted
        .strip_prefix('"')
        .ok_or_else(|| fault("its key is not in double quotes"))?
        .chars();
    let mut key = String::new();
    loop {
        match chars.next() {
            Some('"') => break,
            Some('\\') => match chars.next() {
                Some(escaped @ ('"' | '\\')) => key.push(escaped),
                _ => {
                    return Err(fault(
                        "a backslash stands only before a quote or a backslash",
                    ));
                }
            },
            Some(other) => key.push(other),
            None => return Err(fault("its key has no closing quote")),
        }
    }
    match chars.as_str() {
        "]" => Ok(key),
        _ => Err(fault(
            "it goes on after its key, and a column is a whole attribute",
        )),
    }
}

/// The error for an unknown path.
#[cold]
fn unknown(path: &str) -> PathError {
    let shown: String = path.chars().take(200).collect();
    let prefix = path.split('.').next().unwrap_or_default();
    let alias = ALIASES.into_iter().find(|(name, _)| *name == prefix);
    let mut known: Vec<String> = FIELDS
        .iter()
        .filter(|field| alias.is_none_or(|(_, signal)| field.is_of(signal)))
        .map(|field| {
            let alias = alias.filter(|_| field.table == "record");
            format!(
                "{}.{}",
                alias.map_or(field.table, |(name, _)| name),
                field.name
            )
        })
        .chain(Table::ALL.into_iter().map(|table| {
            let alias = alias.filter(|_| table == Table::Record);
            let name = alias.map_or(table.name(), |(name, _)| name);
            format!("{name}.{}[\"key\"]", attributes_of(table))
        }))
        .collect();
    known.sort_by_cached_key(|known| distance(&shown, known));
    known.truncate(3);
    PathError(format!(
        "unknown column {shown:?}, the nearest are {}",
        known.join(", ")
    ))
}

/// The edits that make one text of the other.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(to.chars()) {
            let next = (diagonal + usize::from(a != b))
                .min(left + 1)
                .min(*cell + 1);
            diagonal = *cell;
            *cell = next;
            left = next;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
