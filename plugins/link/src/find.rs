//! What logs and exemplars say about their trace: in their attributes, in a body that is a map or a JSON object, and in the
//! words of a text.

use otlet_plugin::{Batch, Kind, Leaf, Place, Table};

use crate::ids::{Context, Ids, first};
use crate::name::{Name, is_list_of_holders};
use crate::{
    json::{self, is_message},
    words,
};

/// Where leaves stand that may name ids, and the first of [`Row::sources`] that is for them.
const ROOTS: [(&str, usize); 3] = [
    ("record.attributes", 0),
    ("exemplar.filtered_attributes", 0),
    (BODY, 2),
];
const BODY: &str = "record.body";

/// The contexts of those of these rows that name one, in their order.
pub(crate) fn find(
    batch: &Batch,
    table: Table,
    wanted: impl Fn(usize) -> bool,
) -> Vec<(usize, Context)> {
    let leaves = batch.leaves(&[table], &[Kind::Text, Kind::Integer, Kind::Boolean]);
    let roles: Vec<_> = leaves
        .places()
        .iter()
        .map(|place| match place.kind {
            Kind::Key => None,
            kind => Some((Role::of(place)?, kind)),
        })
        .collect();
    let mut found = Vec::new();
    let mut row = Row::default();
    let mut current = 0;
    for leaf in leaves.iter() {
        let Some(Some((role, kind))) = roles.get(leaf.place) else {
            continue;
        };
        if leaf.row != current {
            // Few rows say anything, and a row is large.
            if row.says {
                found.extend(row.context().map(|context| (current, context)));
                row = Row::default();
            }
            current = leaf.row;
        }
        if wanted(leaf.row) {
            row.add(*role, *kind, &leaf);
        }
    }
    found.extend(row.context().map(|context| (current, context)));
    found
}

/// What a leaf may say about its row's trace.
#[derive(Clone, Copy)]
enum Role {
    /// A text that is a log line: the body, or the message of a body that is a map.
    Line,
    /// The value under a name, from this of [`Row::sources`].
    Named(Name, usize),
}

impl Role {
    fn of(place: &Place) -> Option<Self> {
        let (_, source) = ROOTS
            .into_iter()
            .find(|(root, _)| place.path.starts_with(root))?;
        let keys = place.keys();
        let keys: Vec<&[u8]> = keys.iter().map(String::as_bytes).collect();
        match keys.as_slice() {
            [] if place.path == BODY => Some(Self::Line),
            [holder, key] if is_list_of_holders(holder) => {
                Some(Self::Named(Name::within(holder, key)?, source + 1))
            }
            _ if has_elements(&place.path) => None,
            [key] if is_message(key) && place.path.starts_with(BODY) => Some(Self::Line),
            [key] => Some(Self::Named(Name::of(key)?, source)),
            [holder, key] => Some(Self::Named(Name::within(holder, key)?, source + 1)),
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

/// What a row says about its trace.
#[derive(Default)]
struct Row {
    /// The attributes, the maps in them, a body that is a map, the maps in it: each with its maps, the earlier come first.
    sources: [Ids; 4],
    text: Option<Context>,
    /// Whether it says anything.
    says: bool,
}

impl Row {
    fn add(&mut self, role: Role, kind: Kind, leaf: &Leaf<'_>) {
        match role {
            Role::Line if kind == Kind::Text => {
                self.text = self.text.or_else(|| context_of_text(leaf.bytes()));
                self.says |= self.text.is_some();
            }
            Role::Line => {}
            Role::Named(name, source) => {
                let Some(ids) = self.sources.get_mut(source) else {
                    return;
                };
                self.says = true;
                if kind == Kind::Text {
                    ids.add(name, leaf.bytes());
                } else {
                    ids.add_literal(name, leaf.bytes());
                }
            }
        }
    }

    fn context(&self) -> Option<Context> {
        let [attributes, in_them, body, in_it] = &self.sources;
        let attributes = attributes.context_with(in_them);
        first([attributes, body.context_with(in_it), self.text])
    }
}

/// The context that a body names, which is a JSON object or a line of words.
pub fn context_of_text(text: &[u8]) -> Option<Context> {
    if is_object(text) {
        json::context(text)
    } else {
        words::context(text)
    }
}

/// Whether the text begins as JSON's objects do. Java and Python write maps with other quotes, or none.
fn is_object(text: &[u8]) -> bool {
    let mut letters = text.iter().filter(|byte| !byte.is_ascii_whitespace());
    letters.next() == Some(&b'{') && matches!(letters.next(), Some(b'"' | b'}') | None)
}

#[cfg(test)]
mod tests;
