//! What might be a secret in a file that cannot be read as YAML, line by line.

use std::collections::BTreeSet;

use super::{after_name, is_named};
use crate::config::report::Place;

/// A value that may go on.
struct Open {
    /// How far its key's line is indented: lines that are further belong to it.
    indentation: usize,
    /// The quote that it has not been closed with.
    quote: Option<char>,
}

/// The places of all that stands under the names of secrets, to the end of each line.
pub(in crate::config) fn in_lines(text: &str) -> BTreeSet<Place> {
    let mut places = BTreeSet::new();
    let mut open: Option<Open> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        let indentation = line.len() - line.trim_start().len();
        let end = start + indentation + content.len();
        let within = open.as_mut().filter(|open| open.has(indentation, content));
        let from = if let Some(open) = within {
            open.quote = open.quote.filter(|quote| !content.contains(*quote));
            Some(start + indentation)
        } else {
            open = begins(line, indentation);
            after_name(line).map(|at| start + at)
        };
        if let Some(from) = from.filter(|from| *from < end) {
            places.insert(Place { start: from, end });
        }
        start += line.len();
    }
    places
}

impl Open {
    fn has(&self, indentation: usize, content: &str) -> bool {
        let is_item = content.starts_with('-') && indentation == self.indentation;
        let is_nothing = content.is_empty() || content.starts_with('#');
        is_nothing || is_item || indentation > self.indentation || self.quote.is_some()
    }
}

/// The value that a line begins, if it is a secret.
fn begins(line: &str, indentation: usize) -> Option<Open> {
    let value = if let Some(at) = after_name(line) {
        line.get(at..)?.trim_end()
    } else {
        let key = line.trim_end().strip_suffix(':')?;
        let key = key.trim_start_matches([' ', '-', '{', '"', '\'']);
        is_named(key.trim_end_matches([' ', '"', '\''])).then_some("")?
    };
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let is_open = |quote: &char| !value.get(1..).unwrap_or_default().contains(*quote);
    Some(Open {
        indentation,
        quote: quote.filter(is_open),
    })
}
