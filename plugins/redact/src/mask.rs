//! What is hidden, and what takes its place: one replacement for each group of findings that overlap, in the name of the
//! longest.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt::Write as _;
use std::ops::Range;

use crate::action::Action;
use crate::detector::Detector;
use crate::hash::Hasher;
use crate::partial;
use crate::scan::{Finding, Quotes};
use crate::text::{part, tail};
use crate::view::View;

/// What one mask covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Covered {
    /// The text's number.
    pub(crate) text: usize,
    /// Its bytes in the text.
    pub(crate) range: Range<usize>,
    /// In whose name.
    pub(crate) detector: Detector,
    /// The quotes that the mask needs around it.
    pub(crate) quotes: Quotes,
    /// Whether nobody else found anything here: of what several found, no part is shown.
    pub(crate) alone: bool,
}

/// Puts findings in order, and makes one of those that overlap: it covers them all, and is named after the longest of them,
/// of several that are as long the first in the detectors' order.
pub(crate) fn merge(mut findings: Vec<Finding>) -> Vec<Covered> {
    findings.sort_unstable_by_key(|found| {
        (
            found.text,
            found.range.start,
            Reverse(found.range.end),
            found.detector,
        )
    });
    let mut merged: Vec<Covered> = Vec::with_capacity(findings.len());
    // How long the finding is that the last one is named after.
    let mut longest = 0;
    for found in findings {
        let length = found.range.len();
        match merged.last_mut() {
            Some(last) if last.text == found.text && found.range.start < last.range.end => {
                last.alone &= found.detector == last.detector;
                if (length, Reverse(found.detector)) > (longest, Reverse(last.detector)) {
                    longest = length;
                    (last.detector, last.quotes) = (found.detector, found.quotes);
                }
                last.range.end = last.range.end.max(found.range.end);
            }
            _ => {
                longest = length;
                merged.push(Covered {
                    text: found.text,
                    range: found.range,
                    detector: found.detector,
                    quotes: found.quotes,
                    alone: true,
                });
            }
        }
    }
    merged
}

/// Writes the text with replacements over what is covered, which is in order and all of this text. `replace` is handed what
/// is covered and how it reads, and writes what takes its place.
pub(crate) fn write(
    text: &[u8],
    covered: &[Covered],
    out: &mut String,
    mut replace: impl FnMut(&Covered, &[u8], &mut String),
) {
    let mut from = 0;
    for hidden in covered {
        let Range { start, end } = hidden.range;
        let quote = match &hidden.quotes {
            Quotes::None => b"",
            Quotes::Plain => b"\"".as_slice(),
            Quotes::Like(quote) => part(text, quote.start, quote.end),
        };
        let quote = String::from_utf8_lossy(quote);
        out.push_str(&String::from_utf8_lossy(part(text, from, start)));
        out.push_str(&quote);
        replace(hidden, part(text, start, end), out);
        out.push_str(&quote);
        from = end;
    }
    out.push_str(&String::from_utf8_lossy(tail(text, from)));
}

/// Writes the mask.
pub(crate) fn plain(detector: Detector, out: &mut String) {
    write_form(out, format_args!("[redacted:{}]", detector.name()));
}

/// Writes what takes the place of this value. Where it tells series apart, its hash is that of its spelling, so that what is
/// spelled in two ways stays two; elsewhere that of what it says.
pub(crate) fn replacement(
    hidden: &Covered,
    value: &[u8],
    (action, series): (Action, bool),
    hasher: &Hasher,
    out: &mut String,
) {
    match action {
        Action::Mask => plain(hidden.detector, out),
        Action::Partial => {
            if !hidden.alone || !partial::write(hidden.detector, &unescaped(value), out) {
                plain(hidden.detector, out);
            }
        }
        Action::Hash => {
            let value = if series {
                value.into()
            } else {
                unescaped(value)
            };
            let hash = hasher.hash(&value);
            write_form(
                out,
                format_args!("[redacted:{}:{hash:016x}]", hidden.detector.name()),
            );
        }
        Action::Remove => {}
    }
}

/// The value without escapes.
fn unescaped(value: &[u8]) -> Cow<'_, [u8]> {
    let escape = |byte: &u8| matches!(byte, b'%' | b'&' | b'\\' | 0x1b);
    let view = value.iter().any(escape).then(|| View::all(value).next());
    view.flatten()
        .map_or(value.into(), |view| view.bytes().to_vec().into())
}

fn write_form(out: &mut String, form: std::fmt::Arguments<'_>) {
    out.write_fmt(form)
        .expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use super::{Covered, merge, plain, replacement, unescaped, write};
    use crate::action::Action;
    use crate::detector::Detector::{self, Bearer, CreditCard, Email, Jwt, SecretKey, UrlSecret};
    use crate::hash::Hasher;
    use crate::scan::{Finding, Quotes};

    fn found(text: usize, range: std::ops::Range<usize>, detector: Detector) -> Finding {
        Finding {
            text,
            range,
            detector,
            quotes: Quotes::None,
        }
    }

    fn covered(
        text: usize,
        range: std::ops::Range<usize>,
        detector: Detector,
        alone: bool,
    ) -> Covered {
        Covered {
            text,
            range,
            detector,
            quotes: Quotes::None,
            alone,
        }
    }

    fn replaced(value: &str, detector: Detector, alone: bool, how: (Action, bool)) -> String {
        let mut out = String::new();
        let hidden = covered(0, 0..value.len(), detector, alone);
        replacement(
            &hidden,
            value.as_bytes(),
            how,
            &Hasher::new(b"key"),
            &mut out,
        );
        out
    }

    #[test]
    fn findings_that_overlap_become_one_named_after_the_longest() {
        let merged = merge(vec![
            found(1, 0..3, Email),
            found(0, 4..9, Jwt),
            found(0, 4..9, Bearer),
            found(0, 9..12, Email),
            found(1, 2..8, UrlSecret),
            found(1, 7..9, SecretKey),
            found(2, 0..9, SecretKey),
            found(2, 1..4, Email),
            found(3, 1..4, Email),
            found(3, 1..4, Email),
        ]);
        let expected = [
            covered(0, 4..9, Bearer, false),
            covered(0, 9..12, Email, true),
            covered(1, 0..9, UrlSecret, false),
            covered(2, 0..9, SecretKey, false),
            covered(3, 1..4, Email, true),
        ];
        assert_eq!(merged, expected);
    }

    #[test]
    fn a_mask_replaces_what_was_found_and_nothing_else() {
        let mut out = String::new();
        write(
            "to a@b.co, c@d.co!".as_bytes(),
            &[
                covered(0, 3..9, Email, true),
                covered(0, 11..17, Email, true),
            ],
            &mut out,
            |hidden, _, out| plain(hidden.detector, out),
        );
        assert_eq!(out, "to [redacted:email], [redacted:email]!");
    }

    #[test]
    fn each_action_has_its_form() {
        for (action, expected) in [
            (Action::Mask, "[redacted:credit_card]"),
            (Action::Partial, "[redacted:credit_card:1111]"),
            // printf 4111111111111111 | openssl dgst -sha256 -hmac key
            (Action::Hash, "[redacted:credit_card:d7deb2f89396a762]"),
            (Action::Remove, ""),
        ] {
            assert_eq!(
                replaced("4111111111111111", CreditCard, true, (action, false)),
                expected
            );
        }
    }

    #[test]
    fn of_what_several_found_no_part_is_shown() {
        let how = (Action::Partial, false);
        assert_eq!(
            replaced("alice@example.org", Email, true, how),
            "[redacted:email]@example.org"
        );
        assert_eq!(
            replaced("alice@example.org", Email, false, how),
            "[redacted:email]"
        );
        assert_eq!(
            replaced("hunter2", SecretKey, true, how),
            "[redacted:secret_key]"
        );
    }

    #[test]
    fn the_same_value_has_the_same_hash_unless_its_spelling_tells_series_apart() {
        let hash = |value, series| replaced(value, Email, true, (Action::Hash, series));
        let plain = hash("alice@example.org", false);
        for spelling in [
            "alice%40example.org",
            r"alice\u0040example.org",
            "alice%2540example.org",
        ] {
            assert_eq!(hash(spelling, false), plain, "{spelling}");
            assert_ne!(hash(spelling, true), plain, "{spelling}");
        }
        assert_eq!(hash("alice@example.org", true), plain);
        assert_ne!(hash("bob@example.org", false), plain);
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(*unescaped(b"a%20b"), *b"a b");
        assert_eq!(*unescaped(b"a&#64;b"), *b"a@b");
        assert_eq!(*unescaped(b"50% off"), *b"50% off");
        assert_eq!(*unescaped(b"plain"), *b"plain");
    }
}
