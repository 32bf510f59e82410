//! The user's own patterns: regular expressions that are matched in linear time, over texts as the detectors see them.

use std::collections::BTreeSet;
use std::ops::Range;

use regex::bytes::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::detector::{Detector, LONGEST_MASK, Name, ends_with_mask, mask_length};
use crate::text::{part, tail};

/// More patterns than this are refused: each is matched against every text, and a plugin has at most 64 counters.
const MOST: usize = 48;
/// The most memory that a pattern may take when it is compiled; `\d{6}` takes less than a thousandth of it.
const SIZE: usize = 1 << 20;
/// The group that limits what of a match is hidden.
const SECRET: &str = "secret";

/// A pattern in the config.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PatternConfig {
    /// The name in masks (`[redacted:customer_no]`) and, behind `redacted_`, of the counter, in `a-z`, `0-9` and `_`.
    /// Example: `customer_no`
    pub name: String,
    /// The regular expression, in the syntax of Rust's crate `regex`. All that it matches is hidden, or of it what its group
    /// `secret` does, if that is not empty. Example: `'customer (?P<secret>CUST-\d{6})'`
    pub pattern: String,
}

/// The patterns, compiled.
#[derive(Debug, Default)]
pub(crate) struct Patterns(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    detector: Detector,
    regex: Regex,
    has_secret: bool,
}

impl Patterns {
    /// The patterns of a config; what is wrong with them is added to the mistakes.
    pub(crate) fn new(configs: &[PatternConfig], mistakes: &mut Vec<String>) -> Self {
        if configs.len() > MOST {
            mistakes.push(format!(
                "patterns: are {}, give at most {MOST}; one pattern can hold several with `|`",
                configs.len()
            ));
            return Self::default();
        }
        let mut known = BTreeSet::new();
        let mut patterns = Vec::new();
        for (i, config) in configs.iter().enumerate() {
            let mut wrong = |key, why| mistakes.push(format!("patterns[{i}].{key}: {why}"));
            let detector = detector(&config.name).and_then(|detector| {
                let first = known.insert(detector);
                first.then_some(detector).ok_or_else(|| {
                    format!("`{}` is given twice, make one pattern of both", config.name)
                })
            });
            let detector = detector.map_err(|why| wrong("name", why)).ok();
            let regex = compile(&config.pattern).map_err(|why| wrong("pattern", why));
            if let (Some(detector), Ok(regex)) = (detector, regex) {
                let has_secret = regex.capture_names().flatten().any(|name| name == SECRET);
                patterns.push(Pattern {
                    detector,
                    regex,
                    has_secret,
                });
            }
        }
        Self(patterns)
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hands on what the patterns find in a text.
    pub(crate) fn find(&self, text: &[u8], mut found: impl FnMut(Detector, Range<usize>)) {
        for pattern in &self.0 {
            let mut hide = |range: Range<usize>| {
                if !range.is_empty() && !cuts_mask(text, &range) {
                    found(pattern.detector, range);
                }
            };
            if pattern.has_secret {
                let captures = pattern.regex.captures_iter(text);
                let secrets = captures.filter_map(|captures| {
                    let secret = captures.name(SECRET).filter(|secret| !secret.is_empty());
                    secret.or(captures.get(0))
                });
                secrets.for_each(|secret| hide(secret.range()));
            } else {
                let matches = pattern.regex.find_iter(text);
                matches.for_each(|found| hide(found.range()));
            }
        }
    }
}

/// The detector of this name, which no other has.
fn detector(name: &str) -> Result<Detector, String> {
    if Detector::ALL.iter().any(|known| known.name() == name) {
        return Err(format!(
            "`{name}` is a detector of redact's, choose another"
        ));
    }
    Name::new(name).map(Detector::Pattern).ok_or_else(|| {
        format!(
            "`{name}` is no name, write 1 to {} of a-z, 0-9 and _",
            Name::LONGEST
        )
    })
}

fn compile(pattern: &str) -> Result<Regex, String> {
    let regex = RegexBuilder::new(pattern)
        .size_limit(SIZE)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                "is too large when compiled, repeat less in it".to_owned()
            }
            error => {
                let said = error.to_string();
                let last = said.lines().last().unwrap_or_default();
                let why = last.strip_prefix("error: ").unwrap_or(last);
                format!("'{pattern}' is no regular expression: {why}").replace('\n', " ")
            }
        })?;
    if regex.is_match(b"") {
        return Err("matches the empty text, make it match at least one character".to_owned());
    }
    Ok(regex)
}

/// Whether this begins with a mask, or cuts one.
fn cuts_mask(text: &[u8], range: &Range<usize>) -> bool {
    mask_length(tail(text, range.start)) > 0
        || is_in_mask(text, &(range.start..range.start + 1))
        || is_in_mask(text, &(range.end - 1..range.end))
            && !ends_with_mask(part(text, 0, range.end))
}

/// Whether all of this stands in a mask.
pub(crate) fn is_in_mask(text: &[u8], range: &Range<usize>) -> bool {
    let near = range.start.saturating_sub(LONGEST_MASK);
    let before = part(text, near, range.start + 1);
    let bracket = before.iter().rposition(|&byte| byte == b'[');
    bracket.is_some_and(|bracket| {
        let mask = near + bracket;
        range.end <= mask + mask_length(tail(text, mask))
    })
}

#[cfg(test)]
mod tests {
    use super::{PatternConfig, Patterns, is_in_mask};

    fn patterns(configs: &[(&str, &str)]) -> Result<Patterns, String> {
        let configs: Vec<_> = configs
            .iter()
            .map(|(name, pattern)| PatternConfig {
                name: (*name).to_owned(),
                pattern: (*pattern).to_owned(),
            })
            .collect();
        let mut mistakes = Vec::new();
        let patterns = Patterns::new(&configs, &mut mistakes);
        if mistakes.is_empty() {
            Ok(patterns)
        } else {
            Err(mistakes.join("\n"))
        }
    }

    fn found(pattern: &str, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        let patterns = patterns(&[("x", pattern)]).unwrap();
        patterns.find(text.as_bytes(), |_, range| {
            found.extend(text.get(range).map(str::to_owned));
        });
        found
    }

    #[test]
    fn matches_are_found_whole_or_their_secret_alone() {
        assert_eq!(
            found(r"CUST-\d{6}", "CUST-123456, CUST-654321"),
            ["CUST-123456", "CUST-654321"]
        );
        assert_eq!(
            found(r"no (?P<secret>\d+)?", "no 17, no x, no 18"),
            ["17", "no ", "18"]
        );
        assert_eq!(found("x(?P<secret>)", "axb"), ["x"]);
        assert_eq!(found("(?P<secret>q)?zz", "zz, qzz"), ["zz", "q"]);
        assert_eq!(found(r"(?i)stra\u{df}e", "STRA\u{df}E"), ["STRA\u{df}E"]);
    }

    #[test]
    fn masks_are_left() {
        let text = "id [redacted:x] and [redacted:email:3f2a9c0b7d1e4f56]!";
        for pattern in [r"\w+ed", "[a-f0-9]{16}", r"\[.*?\]", "d:x] an", "id .r"] {
            assert!(found(pattern, text).is_empty(), "{pattern}");
        }
        assert_eq!(found("id .* and", text), ["id [redacted:x] and"]);
        assert_eq!(found("id .*x.", text), ["id [redacted:x]"]);
    }

    #[test]
    fn what_stands_in_a_mask_is_known() {
        let text = b"a [redacted:x] b";
        assert!(is_in_mask(text, &(2..14)));
        assert!(is_in_mask(text, &(5..8)));
        assert!(!is_in_mask(text, &(0..14)));
        assert!(!is_in_mask(text, &(13..15)));
        assert!(!is_in_mask(text, &(15..16)));
        assert!(!is_in_mask(b"[redacted: x]", &(3..5)));
    }

    #[test]
    fn mistakes_are_refused_with_their_cure() {
        let many = vec![("x", "x"); 49];
        for (configs, error) in [
            (
                vec![("email", "x")],
                "patterns[0].name: `email` is a detector of redact's, choose another",
            ),
            (
                vec![("a", "x"), ("No", "x")],
                "patterns[1].name: `No` is no name, write 1 to 31 of a-z, 0-9 and _",
            ),
            (
                vec![("a", "x"), ("a", "y")],
                "patterns[1].name: `a` is given twice, make one pattern of both",
            ),
            (
                vec![("a", "x*")],
                "patterns[0].pattern: matches the empty text, make it match at least one character",
            ),
            (
                vec![("a", r"(\w{999}){999}")],
                "patterns[0].pattern: is too large when compiled, repeat less in it",
            ),
            (
                many,
                "patterns: are 49, give at most 48; one pattern can hold several with `|`",
            ),
        ] {
            assert_eq!(patterns(&configs).unwrap_err(), error);
        }
        let error = patterns(&[("a", "(")]).unwrap_err();
        assert_eq!(
            error,
            "patterns[0].pattern: '(' is no regular expression: unclosed group"
        );
    }
}
