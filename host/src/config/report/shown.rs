//! A config file as a report shows it: the secrets that are written in it are hidden, whatever their length, on the lines that
//! they stand on.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use super::Place;
use crate::config::secrets::HIDDEN;

/// The text of a file, and where it differs from the file.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) text: Cow<'a, str>,
    cuts: Vec<Cut>,
}

/// A part of one line of the file that is hidden.
#[derive(Debug)]
struct Cut {
    part: Range<usize>,
    /// Where what is shown in its place begins.
    at: usize,
}

impl<'a> Shown<'a> {
    pub(super) fn new(file: &'a str, secrets: &BTreeSet<Place>) -> Self {
        let mut shown = Self {
            text: Cow::Borrowed(file),
            cuts: vec![],
        };
        let mut text = String::new();
        let mut done = 0;
        for secret in secrets {
            for part in lines(file, *secret) {
                // Some of it may be hidden already.
                let part = part.start.max(done)..part.end;
                if part.is_empty() {
                    continue;
                }
                text.push_str(file.get(done..part.start).unwrap_or_default());
                done = part.end;
                let at = text.len();
                text.push_str(HIDDEN);
                shown.cuts.push(Cut { part, at });
            }
        }
        if !shown.cuts.is_empty() {
            text.push_str(file.get(done..).unwrap_or_default());
            shown.text = Cow::Owned(text);
        }
        shown
    }

    /// Where a part of one line of the file is shown.
    pub(super) fn span(&self, part: Range<usize>) -> Range<usize> {
        let start = self.at(part.start, 0);
        let end = self.at(part.end, HIDDEN.len());
        start..end.max(start)
    }

    /// Where a place of the file is shown, or so far into what is shown for the secret that it is within.
    fn at(&self, place: usize, within: usize) -> usize {
        let before = self.cuts.partition_point(|cut| cut.part.start < place);
        let Some(cut) = before.checked_sub(1).and_then(|at| self.cuts.get(at)) else {
            return place;
        };
        if place < cut.part.end {
            return cut.at + within;
        }
        cut.at + HIDDEN.len() + (place - cut.part.end)
    }
}

/// The parts of a secret on its lines.
fn lines(file: &str, secret: Place) -> impl Iterator<Item = Range<usize>> {
    let text = file.get(secret.start..secret.end).unwrap_or_default();
    let mut start = secret.start;
    text.split_inclusive('\n').map(move |line| {
        let begin = start + line.len() - line.trim_start().len();
        start += line.len();
        begin..begin + line.trim().len()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with what is in brackets hidden.
    fn shown(marked: &str) -> String {
        let mut file = String::new();
        let (mut secrets, mut starts) = (BTreeSet::new(), vec![]);
        for c in marked.chars() {
            match c {
                '[' => starts.push(file.len()),
                ']' => {
                    let start = starts.pop().unwrap();
                    let end = file.len();
                    secrets.insert(Place { start, end });
                }
                c => file.push(c),
            }
        }
        Shown::new(&file, &secrets).text.into_owned()
    }

    #[test]
    fn secrets_of_any_length_are_shown_alike_on_their_lines() {
        assert_eq!(shown("a: b"), "a: b");
        assert_eq!(shown("a: [x], b: [a long one]"), "a: ***, b: ***");
        assert_eq!(
            shown("a: [|\n  one\n\n  two\n]b: c\n"),
            "a: ***\n  ***\n\n  ***\nb: c\n"
        );
        // One within another is hidden with it, and what goes beyond it, too.
        assert_eq!(shown("a: [x [y] z] b"), "a: *** b");
        assert_eq!(shown("a: [[x y] z] b"), "a: ****** b");
    }

    #[test]
    fn places_around_secrets_are_shown_where_they_are() {
        let secrets = [(3, 9), (14, 15)].map(|(start, end)| Place { start, end });
        let file = "a: secret, b: 1, c";
        let secrets = secrets.into_iter().collect();
        let shown = Shown::new(file, &secrets);
        assert_eq!(shown.text, "a: ***, b: ***, c");
        for (part, expected) in [
            (0..1, 0..1),
            (3..9, 3..6),
            (4..5, 3..6),
            (9..10, 6..7),
            (11..12, 8..9),
            (14..15, 11..14),
            (17..18, 16..17),
            (0..18, 0..17),
        ] {
            assert_eq!(shown.span(part.clone()), expected, "{part:?}");
        }
    }
}
