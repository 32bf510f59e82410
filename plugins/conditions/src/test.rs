//! `Test`: what is asked of the value at a path.

use std::cmp::Ordering;

use otlet_plugin::Error;
use regex::Regex;
use serde_json::{Map, Value as Json};

use crate::number::Number;
use crate::reading::Reading;
use crate::{Place, Type, pattern};

/// What is asked of the value at a path.
#[derive(Debug)]
pub(crate) enum Test {
    /// It is one of these.
    OneOf(Values),
    /// It is there, or is not.
    Exists(bool),
    /// Its text has this in it.
    Matches(Regex),
    /// It compares with the number in one of two ways.
    Compares(Number, [Ordering; 2]),
    Not(Box<Test>),
    All(Vec<Test>),
}

/// Values of a config, each list in order.
#[derive(Debug, Default)]
pub(crate) struct Values {
    texts: Vec<String>,
    numbers: Vec<Number>,
    booleans: Vec<bool>,
}

impl Test {
    /// Reads what stands under a path. The error says what is wrong and what to write instead.
    pub(crate) fn new(json: &Json, place: Place<'_>) -> Result<Self, Error> {
        match json {
            Json::Object(tests) => Self::all(tests, place),
            Json::Array(values) if values.is_empty() => {
                Err("is an empty list, which nothing is in: write values".into())
            }
            Json::Array(values) => Values::new(values, place).map(Self::OneOf),
            value => Values::new(std::slice::from_ref(value), place).map(Self::OneOf),
        }
    }

    fn all(tests: &Map<String, Json>, place: Place<'_>) -> Result<Self, Error> {
        if tests.is_empty() {
            return Err("is empty: write a value, or a test such as `exists: true`".into());
        }
        let tests = tests.iter().map(|(key, value)| {
            let test = Self::of_key(key, value, place);
            test.map_err(|error| error.context(key))
        });
        tests.collect::<Result<_, _>>().map(Self::All)
    }

    fn of_key(key: &str, value: &Json, place: Place<'_>) -> Result<Self, Error> {
        use Ordering::{Equal, Greater, Less};
        let compares = |ways| {
            let numeric = [Type::Any, Type::Integer, Type::Unsigned, Type::Double];
            if !numeric.contains(&place.holds()) {
                return Err("compares numbers, and this is none: give a value or `matches`".into());
            }
            let number = value.as_number().and_then(Number::of_json);
            number
                .map(|number| Self::Compares(number, ways))
                .ok_or_else(|| Error::new("is no number: write one, such as 500"))
        };
        match key {
            "exists" => value
                .as_bool()
                .map(Self::Exists)
                .ok_or_else(|| "is neither true nor false".into()),
            "matches" if ![Type::Any, Type::Text, Type::Id].contains(&place.holds()) => {
                Err("looks at texts, and this is none: give a value, `at_least` or `below`".into())
            }
            "matches" => {
                let text = value
                    .as_str()
                    .ok_or("is no text: write a regular expression in quotes")?;
                pattern(text).map(Self::Matches)
            }
            "at_least" => compares([Greater, Equal]),
            "at_most" => compares([Less, Equal]),
            "above" => compares([Greater; 2]),
            "below" => compares([Less; 2]),
            "not" => Self::new(value, place).map(|test| Self::Not(Box::new(test))),
            _ => Err(
                "no such test: write `exists`, `matches`, `at_least`, `at_most`, `above`, \
                `below` or `not`"
                    .into(),
            ),
        }
    }

    /// Whether it holds in a row.
    pub(crate) fn holds(&self, reading: &Reading<'_>, row: usize) -> bool {
        match self {
            Self::OneOf(values) => values.hold(reading, row),
            Self::Exists(wanted) => reading.exists(row) == *wanted,
            Self::Matches(pattern) => reading
                .text(row)
                .is_some_and(|text| pattern.is_match(&text)),
            Self::Compares(number, ways) => {
                let way = reading.number(row).and_then(|found| found.compare(*number));
                way.is_some_and(|way| ways.contains(&way))
            }
            Self::Not(test) => !test.holds(reading, row),
            Self::All(tests) => tests.iter().all(|test| test.holds(reading, row)),
        }
    }
}

impl Values {
    fn new(values: &[Json], place: Place<'_>) -> Result<Self, Error> {
        let mut read = Self::default();
        for value in values {
            read.add(value, place)?;
        }
        read.texts.sort_unstable();
        read.numbers
            .sort_by(|one, other| one.compare(*other).unwrap_or(Ordering::Equal));
        Ok(read)
    }

    fn add(&mut self, value: &Json, place: Place<'_>) -> Result<(), Error> {
        let takes = |types: &[Type], what: &str| {
            if types.contains(&place.holds()) {
                return Ok(());
            }
            let holds = name(place.holds());
            Err(Error::new(format!(
                "is {holds}, which {what} is never equal to"
            )))
        };
        let at_default = match value {
            Json::String(text) if place.holds() == Type::Id => {
                self.texts.push(id(text, place)?);
                false
            }
            Json::String(text) => {
                takes(&[Type::Any, Type::Text], "a text")?;
                self.texts.push(text.clone());
                text.is_empty()
            }
            Json::Number(number) => {
                takes(
                    &[
                        Type::Any,
                        Type::Text,
                        Type::Integer,
                        Type::Unsigned,
                        Type::Double,
                    ],
                    "a number",
                )?;
                let number = Number::of_json(number).ok_or("has a number that is too large")?;
                self.numbers.push(number);
                number.is_zero() && place.holds() != Type::Text
            }
            Json::Bool(boolean) => {
                takes(&[Type::Any, Type::Boolean], "true or false")?;
                self.booleans.push(*boolean);
                !boolean
            }
            _ => {
                return Err(
                    "is no value: write a text, a number, true, false or a list of those".into(),
                );
            }
        };
        if at_default && place.has_default() {
            return Err(
                format!("reads as absent where it is {value}: write {{ exists: false }}").into(),
            );
        }
        Ok(())
    }

    fn hold(&self, reading: &Reading<'_>, row: usize) -> bool {
        let text = || {
            let text = reading.text(row)?;
            self.texts
                .binary_search_by(|one| one.as_str().cmp(&text))
                .ok()
        };
        let number = || {
            let number = reading.number(row)?;
            let order = |one: &Number| one.compare(number).unwrap_or(Ordering::Less);
            self.numbers.binary_search_by(order).ok()
        };
        let boolean = || {
            reading
                .boolean(row)
                .filter(|boolean| self.booleans.contains(boolean))
        };
        (!self.texts.is_empty() && text().is_some())
            || (!self.numbers.is_empty() && number().is_some())
            || (!self.booleans.is_empty() && boolean().is_some())
    }
}

/// An id as it reads: lower-case hex of its length.
fn id(text: &str, place: Place<'_>) -> Result<String, Error> {
    let digits = if place.column == "trace_id" { 32 } else { 16 };
    if text.len() != digits || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!("is an id: write its {digits} hexadecimal digits").into());
    }
    Ok(text.to_ascii_lowercase())
}

fn name(holds: Type) -> &'static str {
    match holds {
        Type::Any => "a value",
        Type::Text => "a text",
        Type::Integer | Type::Unsigned => "an integer",
        Type::Double => "a double",
        Type::Boolean => "true or false",
        Type::Id => "an id",
        Type::List => "a list",
    }
}
