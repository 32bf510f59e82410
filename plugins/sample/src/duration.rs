//! A length of time as the Collector's configs write it: `2s`, `500ms`, `1m30s`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};

/// Decimal numbers, each with its unit.
const PATTERN: &str = r"^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$";

/// The units, of which `ms` has to be tried before `m`.
const UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A length of time in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub(crate) u64);

impl Duration {
    /// Reads decimal numbers with their units; nothing if the text is anything else or over 584 years.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut total = 0_u64;
        while !rest.is_empty() || text.is_empty() {
            let (whole, after) = digits(rest)?;
            let (fraction, after) = match after.strip_prefix('.') {
                Some(after) => digits(after)?,
                None => ("", after),
            };
            let (after, unit) = UNITS
                .iter()
                .find_map(|(name, unit)| Some((after.strip_prefix(name)?, *unit)))?;
            let whole = whole.parse::<u64>().ok()?.checked_mul(unit)?;
            total = total
                .checked_add(whole)?
                .checked_add(part(fraction, unit))?;
            rest = after;
        }
        Some(Self(total))
    }
}

/// The digits at the start, at least one, and what follows them.
fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text
        .find(|char: char| !char.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end)
        .filter(|(digits, _)| !digits.is_empty())
}

/// The digits after a decimal point, of a unit; what is less than a nanosecond is left out.
fn part(fraction: &str, unit: u64) -> u64 {
    let mut place = unit;
    fraction
        .bytes()
        .map(|digit| {
            let value = place * u64::from(digit - b'0') / 10;
            place /= 10;
            value
        })
        .sum()
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration with its unit, such as \"2s\", \"500ms\" or \"1m30s\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
                Duration::parse(text).ok_or_else(|| {
                    let wrong =
                        format!("'{text}' is no duration: write one such as 500ms, 2s or 1m30s");
                    E::custom(wrong)
                })
            }
        }

        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": PATTERN, "examples": ["2s", "500ms", "1m30s"] })
    }
}

#[cfg(test)]
mod tests {
    use super::Duration;

    #[test]
    fn durations_are_numbers_with_units() {
        let cases = [
            ("2s", 2_000_000_000),
            ("500ms", 500_000_000),
            ("1m30s", 90_000_000_000),
            ("1.5s", 1_500_000_000),
            ("0.25h", 900_000_000_000),
            ("10us", 10_000),
            ("10µs", 10_000),
            ("7ns", 7),
            ("0s", 0),
            ("1.0000000019s", 1_000_000_001),
        ];
        for (text, expected) in cases {
            assert_eq!(Duration::parse(text), Some(Duration(expected)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_duration() {
        for text in [
            "",
            "2",
            "s",
            "2 s",
            "-2s",
            "+2s",
            "2S",
            ".5s",
            "2.s",
            "2sec",
            "1m30",
            "é",
            "600000h600000h9999999h",
        ] {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
        assert_eq!(Duration::parse("18446744073709551616ns"), None);
    }

    #[test]
    fn a_mistake_says_what_to_write() {
        let wrong = |json: &str| {
            serde_json::from_str::<Duration>(json)
                .expect_err("a mistake")
                .to_string()
        };
        assert!(wrong("2").contains("expected a duration with its unit, such as \"2s\""));
        assert!(wrong("\"2days\"").contains("'2days' is no duration: write one such as 500ms, 2s"));
    }
}
