//! `set` with a `value`: the same value in every row, which is the cheapest of edits.

use otlet_conditions::Type;
use otlet_plugin::{Batch, Error, Mask, Signal, Table, Value};
use serde_json::{Number, Value as Json};

use crate::action::Verb;
use crate::config::If;
use crate::path::{Target, name};

/// Beyond it a whole number is none of OTLP's integers.
const LARGEST: f64 = 9_223_372_036_854_775_807.0;

/// How deep the contract lets a guest write lists and maps.
const DEEPEST: usize = 24;

#[derive(Debug)]
pub(crate) struct Set {
    target: Target,
    value: Value,
}

impl Set {
    pub(crate) fn new(path: &str, value: &Json, when: Option<If>) -> Result<Self, Error> {
        let target = Target::open(path, when).map_err(|error| error.context("set"))?;
        let value = typed(value, &target, path).map_err(|error| error.context("value"))?;
        Ok(Self { target, value })
    }
}

impl Verb for Set {
    fn place(&self) -> (Table, Option<Signal>) {
        (self.target.table, self.target.signal)
    }

    fn apply(&self, batch: &mut Batch, when: Option<&Mask>) {
        if let Some(selection) = self.target.select(batch, when) {
            batch.fill(&self.target.column, selection.rows(), &self.value);
        }
    }
}

/// A value of the config as a target takes it.
pub(crate) fn typed(value: &Json, target: &Target, path: &str) -> Result<Value, Error> {
    let takes = target.takes;
    let given = match value {
        Json::Number(number) if takes == Type::Double => number.as_f64().map(Value::Double),
        value => any(value)?,
    };
    match given {
        Some(given) if target.fits(&given) => Ok(given),
        Some(Value::Integer(integer)) if [Type::Integer, Type::Unsigned].contains(&takes) => {
            Err(format!("{path} does not take {integer}: it has 32 bits").into())
        }
        _ => Err(format!("{path} takes {}, not {value}", name(takes)).into()),
    }
}

/// A value of the config as an attribute takes it; null is none. An integer that OTLP cannot hold is refused, since it would
/// become a double that is nearly it, and so is what the host would not let a guest write.
pub(crate) fn any(value: &Json) -> Result<Option<Value>, Error> {
    is_of_otlp(value, 0)?;
    Ok(match value {
        Json::Null => None,
        Json::Bool(boolean) => Some(Value::Boolean(*boolean)),
        Json::String(text) => Some(Value::Text(text.clone())),
        Json::Array(_) | Json::Object(_) => Some(Value::Json(value.to_string())),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => Some(Value::Integer(integer)),
            None => number.as_f64().map(Value::Double),
        },
    })
}

/// The host reads integers of more than 64 bits as doubles already.
fn is_of_otlp(value: &Json, depth: usize) -> Result<(), Error> {
    let is_beyond = |number: &Number| {
        let double = number.as_f64().filter(|_| number.as_i64().is_none());
        double.is_some_and(|double| double.fract() == 0.0 && double.abs() >= LARGEST)
    };
    match value {
        Json::Number(number) if is_beyond(number) => Err(format!(
            "{number} is beyond OTLP's integers: write a number of at most 64 bits with its sign, or \
             put it in quotes, as a text"
        )
        .into()),
        Json::Array(_) | Json::Object(_) if depth == DEEPEST => {
            Err(format!("has lists or maps deeper than {DEEPEST} levels: write fewer").into())
        }
        Json::Array(items) => items.iter().try_for_each(|item| is_of_otlp(item, depth + 1)),
        Json::Object(entries) => entries
            .values()
            .try_for_each(|entry| is_of_otlp(entry, depth + 1)),
        _ => Ok(()),
    }
}
