//! What the parser says of a text that is no YAML, in words that help.

use super::super::report::{Mistake, Place};

/// What the parser says, in part; what it means; and the cure.
const SYNTAX: [(&str, &str, &str); 10] = [
    (
        "recursion limit",
        "too many levels of values in one another",
        "write less deep",
    ),
    ("tab", "a tab where YAML wants spaces", "indent with spaces"),
    (
        "mapping values are not allowed",
        "a `:` where no key can be",
        "put quotes around a value that holds `: `, or check the indentation",
    ),
    (
        "unknown anchor",
        "an alias without its anchor",
        "write `&name` at the value before this place",
    ),
    (
        "found unexpected end of stream",
        "a quote that is never closed",
        "close it",
    ),
    (
        "invalid indentation in quoted scalar",
        "a quote that is not closed on its line",
        "close it, or indent the lines that follow as far",
    ),
    (
        "expected ',' or '}'",
        "a `{` without its `}`, or values without a comma",
        "write `{ key: value, key: value }`",
    ),
    (
        "expected ',' or ']'",
        "a `[` without its `]`, or values without a comma",
        "write `[value, value]`",
    ),
    (
        "simple key expect",
        "a line that is no `key: value`",
        "add the `:`, or check the indentation",
    ),
    (
        "did not find expected key",
        "expected a key here",
        "give the keys of one mapping the same indentation",
    ),
];

/// What keeps a text from being read as YAML: what the parser says of it, and the byte where.
pub(super) fn mistake(text: &str, at: usize, info: &str) -> Mistake {
    let before = text.get(..at).unwrap_or_default();
    let place = |before: usize, after: usize| Place {
        start: at.saturating_sub(before),
        end: at + after,
    };
    if before.ends_with('$') {
        let what = "`${` within `{ }` or `[ ]`, where a `{` is YAML's own";
        return Mistake::error(place(1, 1), what, "put it in quotes: `\"${env:NAME}\"`");
    }
    let place = if before.ends_with('\t') {
        place(1, 0)
    } else {
        place(0, 1)
    };
    let known = SYNTAX.iter().find(|(words, ..)| info.contains(words));
    match known {
        Some((_, what, cure)) => Mistake::error(place, *what, *cure),
        None => Mistake::error(
            place,
            format!("not valid YAML: {info}"),
            "check the indentation, brackets and quotes here and just before",
        ),
    }
}
