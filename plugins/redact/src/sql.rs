//! SQL statements reduced to their shape: finds the statements of a batch, and the system that each was written for.

mod dialect;
mod lexer;
mod redis;
mod statement;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use otlet_plugin::{Kind, Leaf, Leaves, Place, Table};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::hash::Hasher;
use crate::lists::Listed;
use crate::place::Said;
use dialect::Language;

/// The name, in masks, of what a statement was.
pub(crate) const NAME: &str = "sql";

/// What statements are called, before and since the names of OpenTelemetry's attributes became stable.
const STATEMENTS: [&str; 2] = ["db.statement", "db.query.text"];
/// What their systems are called; the later one counts.
const SYSTEMS: [&str; 2] = ["db.system", "db.system.name"];

/// What becomes of SQL statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sql {
    /// Only their shape stays: literals become `?`, comments go.
    Shape,
}

/// A statement that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shaped {
    /// The leaf that it stands in.
    pub(crate) leaf: usize,
    /// Its shape.
    pub(crate) text: String,
}

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Statement(Table),
    /// A system, and which of [`SYSTEMS`] names it.
    System(Table, usize),
    SpanName,
    Other,
}

/// The statements that are not their own shape, in order; with a hash of what they were, if there is a hasher, where they tell
/// series apart.
pub(crate) fn shape(leaves: &Leaves, places: &[Said], hasher: Option<&Hasher>) -> Vec<Shaped> {
    let roles: Vec<_> = leaves.places().iter().zip(places).map(role).collect();
    if !roles.iter().any(|role| matches!(role, Role::Statement(_))) {
        return Vec::new();
    }
    let with_roles = || {
        leaves
            .iter()
            .filter_map(|leaf| Some((leaf, *roles.get(leaf.place)?)))
    };
    let (mut statements, mut systems) = (Vec::new(), BTreeMap::new());
    for (leaf, role) in with_roles() {
        match role {
            Role::Statement(table) => statements.push((leaf, (table, leaf.row))),
            Role::System(table, rank) => {
                let system = systems
                    .entry((table, leaf.row))
                    .or_insert((rank, leaf.text()));
                *system = (*system).max((rank, leaf.text()));
            }
            Role::SpanName | Role::Other => {}
        }
    }
    // A span may be named by its whole statement.
    let texts: BTreeSet<_> = statements
        .iter()
        .filter(|(_, (table, _))| *table == Table::Record)
        .map(|(leaf, _)| (leaf.row, leaf.bytes().trim_ascii()))
        .collect();
    let names = with_roles().filter(|(leaf, role)| {
        *role == Role::SpanName && texts.contains(&(leaf.row, leaf.bytes().trim_ascii()))
    });
    statements.extend(names.map(|(leaf, _)| (leaf, (Table::Record, leaf.row))));
    let shaped = statements.into_iter().filter_map(|(leaf, row)| {
        let system = systems.get(&row).map_or("", |(_, system)| system);
        let series = places.get(leaf.place)?.series;
        let text = shape_of(leaf, Language::of(system), hasher.filter(|_| series))?;
        Some(Shaped {
            leaf: leaf.index,
            text,
        })
    });
    let mut shaped: Vec<_> = shaped.collect();
    shaped.sort_unstable_by_key(|shaped| shaped.leaf);
    shaped
}

/// The shape of a statement, if it is not its own, and a hash behind it.
fn shape_of(leaf: Leaf<'_>, language: Language, hasher: Option<&Hasher>) -> Option<String> {
    let mut shape = match language {
        Language::Sql(dialect) => statement::shape(leaf.text(), dialect),
        Language::Redis => redis::shape(leaf.text()),
        Language::Other => None,
    }?;
    if let Some(hasher) = hasher {
        let hash = hasher.hash(leaf.bytes());
        write!(shape, " [redacted:{NAME}:{hash:016x}]").expect("writing to a string does not fail");
    }
    Some(shape)
}

fn role((place, said): (&Place, &Said)) -> Role {
    let keys = place.keys();
    let (Some(table), Kind::Text) = (place.table(), place.kind) else {
        return Role::Other;
    };
    if let [system] = keys.as_slice()
        && let Some(rank) = SYSTEMS.iter().position(|known| known == system)
    {
        return Role::System(table, rank);
    }
    match keys.last() {
        _ if said.listed != Listed::No => Role::Other,
        Some(key) if STATEMENTS.contains(&key.as_str()) => Role::Statement(table),
        None if place.path == "record.name" => Role::SpanName,
        _ => Role::Other,
    }
}
