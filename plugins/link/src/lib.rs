//! The plugin link: gives log records their trace. Of records that have no trace id of their own it looks for one in their
//! attributes, in bodies that are maps or JSON objects, and in the words of a text, and sets the record's trace id, span id
//! and flags. It changes nothing else, and never an id that is set.

mod id;
mod ids;
mod json;
mod name;
mod words;

use otlet_plugin::{
    Batch, Column, Error, Kind, Leaf, Manifest, Place, Plugin, Signal, Table, Value, host,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub use id::{SpanId, TraceId};
pub use ids::Context;
use ids::{Ids, first};
use name::Name;

/// The config of link, which has no keys yet: write `{}`, or nothing.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {}

/// The plugin.
pub struct Link {
    trace_id: Column,
    span_id: Column,
    flags: Column,
}

impl Plugin for Link {
    type Config = Config;

    fn manifest() -> Manifest {
        Manifest::new(env!("CARGO_PKG_VERSION")).signals([Signal::Logs])
    }

    fn new(_: Config) -> Result<Self, Error> {
        Ok(Self {
            trace_id: Column::open("log.trace_id")?,
            span_id: Column::open("log.span_id")?,
            flags: Column::open("log.flags")?,
        })
    }

    fn process(&mut self, batch: &mut Batch) -> Result<(), Error> {
        let has_trace: Vec<bool> = batch
            .trace_ids(&self.trace_id)
            .iter()
            .map(|id| id.is_some())
            .collect();
        if has_trace.iter().all(|has| *has) {
            return Ok(());
        }
        let found = find(batch, |row| has_trace.get(row) == Some(&false));
        if !found.is_empty() {
            self.write(batch, &found);
            host::count("linked_records", found.len());
        }
        Ok(())
    }
}

otlet_plugin::export!(Link);

impl Link {
    /// Sets what was found where nothing is set.
    fn write(&self, batch: &mut Batch, found: &[(usize, Context)]) {
        let (rows, traces): (Vec<_>, Vec<_>) = found
            .iter()
            .map(|(row, context)| (*row, context.trace))
            .unzip();
        batch.set_ids(&self.trace_id, &rows, &traces);

        let has = batch.span_ids(&self.span_id);
        let spans = found.iter().filter(|(row, _)| has.get(*row).is_none());
        let (rows, spans): (Vec<_>, Vec<_>) = spans
            .filter_map(|(row, context)| Some((*row, context.span?)))
            .unzip();
        batch.set_ids(&self.span_id, &rows, &spans);

        let has = batch.integers(&self.flags);
        let flags = found
            .iter()
            .filter(|(row, _)| has.get(*row).is_none_or(|flags| flags == 0));
        let flags = flags
            .filter_map(|(row, context)| Some((*row, context.flags.filter(|flags| *flags != 0)?)));
        let (rows, flags): (Vec<_>, Vec<_>) = flags
            .map(|(row, flags)| (row, Value::Integer(flags.into())))
            .unzip();
        batch.set_values(&self.flags, &rows, &flags);
    }
}

/// The contexts of those of these rows that name one, in their order.
fn find(batch: &Batch, wanted: impl Fn(usize) -> bool) -> Vec<(usize, Context)> {
    let leaves = batch.leaves(&[Table::Record], &[Kind::Text]);
    let roles: Vec<_> = leaves.places().iter().map(Role::of).collect();
    let mut found = Vec::new();
    let mut record = Record::default();
    let mut current = 0;
    for leaf in leaves.iter() {
        let Some(Some(role)) = roles.get(leaf.place) else {
            continue;
        };
        if leaf.row != current {
            found.extend(record.context().map(|context| (current, context)));
            (record, current) = (Record::default(), leaf.row);
        }
        if wanted(leaf.row) {
            record.add(*role, &leaf);
        }
    }
    found.extend(record.context().map(|context| (current, context)));
    found
}

/// What a leaf may say about its record's trace.
#[derive(Clone, Copy)]
enum Role {
    /// The body, a text.
    Body,
    /// The value under a name, from this of [`Record::sources`].
    Named(Name, usize),
}

impl Role {
    fn of(place: &Place) -> Option<Self> {
        let keys = place.keys();
        let keys: Vec<&[u8]> = keys.iter().map(String::as_bytes).collect();
        let root = ["record.attributes", "record.body"]
            .into_iter()
            .position(|root| place.path.starts_with(root))?;
        match keys.as_slice() {
            [] if place.path == "record.body" => Some(Self::Body),
            _ if has_elements(&place.path) => None,
            [key] => Some(Self::Named(Name::of(key)?, 2 * root)),
            [holder, key] => Some(Self::Named(Name::within(holder, key)?, 2 * root + 1)),
            _ => None,
        }
    }
}

/// Whether the path leads into an array: ids in there are of several records.
fn has_elements(path: &str) -> bool {
    let (mut quoted, mut escaped, mut previous) = (false, false, ' ');
    path.chars().any(|letter| {
        let element = !quoted && previous == '[' && letter == ']';
        if letter == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = letter == '\\' && !escaped;
        previous = letter;
        element
    })
}

/// What a record says about its trace.
#[derive(Default)]
struct Record {
    /// The attributes, the maps in them, a body that is a map, the maps in it: the earlier come first.
    sources: [Ids; 4],
    text: Option<Context>,
}

impl Record {
    fn add(&mut self, role: Role, leaf: &Leaf<'_>) {
        match role {
            Role::Body => self.text = context_of_text(leaf.bytes()),
            Role::Named(name, source) => {
                if let Some(ids) = self.sources.get_mut(source) {
                    ids.add(name, leaf.bytes());
                }
            }
        }
    }

    fn context(&self) -> Option<Context> {
        first(self.sources.iter().map(Ids::context).chain([self.text]))
    }
}

/// The context that a body names, which is a JSON object or a line of words.
pub fn context_of_text(text: &[u8]) -> Option<Context> {
    let json = text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if json {
        json::context(text)
    } else {
        words::context(text)
    }
}

#[cfg(test)]
mod tests;
