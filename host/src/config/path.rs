//! Where a value stands that a plugin names by its path in the config: `rules[2].when.span.name`.

use super::reader::place_of_value;
use super::report::Place;
use super::yaml::{Node, Value};

/// The place of the value that a text begins with the path of, or of as much of the path as there is below `node`, which
/// stands at `place`. The path may be in backticks.
pub(super) fn find(place: Place, node: &Node, text: &str) -> Place {
    let mut found = (place, node);
    let mut rest = text.strip_prefix('`').unwrap_or(text);
    while let Some((next, after)) = step(found.1, rest) {
        found = next;
        rest = after;
    }
    found.0
}

/// The value one step further down, and what follows the step.
fn step<'n, 't>(node: &'n Node, path: &'t str) -> Option<((Place, &'n Node), &'t str)> {
    match &node.value {
        Value::Map(entries) => {
            let path = path.strip_prefix('.').unwrap_or(path);
            let entries = entries.iter().filter_map(|entry| {
                let rest = path.strip_prefix(entry.key.as_str())?;
                let ends = rest.starts_with(['.', '[', ':', '`']);
                (ends && !entry.key.is_empty()).then_some((entry, rest))
            });
            // Keys may have dots in them, and one may begin another.
            let (entry, rest) = entries.min_by_key(|(_, rest)| rest.len())?;
            Some(((place_of_value(entry), &entry.value), rest))
        }
        Value::List(items) => {
            let (number, rest) = path.strip_prefix('[')?.split_once(']')?;
            let item = items.get(number.parse::<usize>().ok()?)?;
            Some(((item.place, item), rest))
        }
        Value::Scalar(_) | Value::Unknown => None,
    }
}
