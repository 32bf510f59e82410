//! Writing masks over findings: one for each group that overlaps, in the name of the longest.

use std::cmp::Reverse;
use std::ops::Range;

use crate::detector::MASK;
use crate::scan::{Finding, Quotes};
use crate::text::{part, tail};

/// Puts findings in order, and makes one of those that overlap: it covers them all, and is named after the longest of them,
/// of several that are as long the first in the detectors' order.
pub(crate) fn merge(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_unstable_by_key(|found| {
        (
            found.text,
            found.range.start,
            Reverse(found.range.end),
            found.detector,
        )
    });
    let mut merged: Vec<(Finding, usize)> = Vec::with_capacity(findings.len());
    for found in findings {
        let length = found.range.len();
        match merged.last_mut() {
            Some((last, longest))
                if last.text == found.text && found.range.start < last.range.end =>
            {
                let end = last.range.end.max(found.range.end);
                if (length, Reverse(found.detector)) > (*longest, Reverse(last.detector)) {
                    *longest = length;
                    (last.detector, last.quotes) = (found.detector, found.quotes);
                }
                last.range.end = end;
            }
            _ => merged.push((found, length)),
        }
    }
    merged.into_iter().map(|(found, _)| found).collect()
}

/// The text with masks over these findings, which are merged and all of this text, piece by piece.
pub(crate) fn write(text: &[u8], findings: &[Finding], mut out: impl FnMut(&str)) {
    let mut piece = |bytes: &[u8]| out(&String::from_utf8_lossy(bytes));
    let mut from = 0;
    for found in findings {
        let Range { start, end } = found.range;
        let quote = match &found.quotes {
            Quotes::None => b"",
            Quotes::Plain => b"\"".as_slice(),
            Quotes::Like(quote) => part(text, quote.start, quote.end),
        };
        piece(part(text, from, start));
        piece(quote);
        piece(MASK);
        piece(found.detector.name().as_bytes());
        piece(b"]");
        piece(quote);
        from = end;
    }
    piece(tail(text, from));
}

#[cfg(test)]
mod tests {
    use super::{merge, write};
    use crate::detector::Detector::{self, Bearer, Email, Jwt, SecretKey, UrlSecret};
    use crate::scan::{Finding, Quotes};

    fn found(text: usize, range: std::ops::Range<usize>, detector: Detector) -> Finding {
        Finding {
            text,
            range,
            detector,
            quotes: Quotes::None,
        }
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
        ]);
        let expected = [
            found(0, 4..9, Bearer),
            found(0, 9..12, Email),
            found(1, 0..9, UrlSecret),
            found(2, 0..9, SecretKey),
        ];
        assert_eq!(merged, expected);
    }

    #[test]
    fn a_mask_replaces_what_was_found_and_nothing_else() {
        let mut out = String::new();
        write(
            "to a@b.co, c@d.co!".as_bytes(),
            &[found(0, 3..9, Email), found(0, 11..17, Email)],
            |piece| out.push_str(piece),
        );
        assert_eq!(out, "to [redacted:email], [redacted:email]!");
    }
}
