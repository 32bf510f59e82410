//! `set` with a `value`: the same value in every row, which is the cheapest of edits.

use otlet_conditions::Type;
use otlet_plugin::{Batch, Error, Mask, Signal, Table, Value};
use serde_json::{Number, Value as Json};

use crate::action::Verb;
use crate::config::If;
use crate::path::{Target, name};

/// Beyond it a whole number is none of OTLP's integers.
const LARGEST: f64 = 9_223_372_036_854_775_807.0;

#[derive(Debug)]
pub(crate) struct Set {
    target: Target,
    value: Value,
}

impl Set {
    pub(crate) fn new(path: &str, value: &Json, when: Option<If>) -> Result<Self, Error> {
        let target = Target::open(path, when).map_err(|error| error.context("set"))?;
        let value = typed(value, target.takes, path).map_err(|error| error.context("value"))?;
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

/// A value of the config as a column takes it.
pub(crate) fn typed(value: &Json, takes: Type, path: &str) -> Result<Value, Error> {
    let refused = || Error::new(format!("{path} takes {}, not {value}", name(takes)));
    if takes != Type::Double {
        is_of_otlp(value)?;
    }
    let given = match value {
        Json::Null => return Err(refused()),
        Json::Bool(boolean) => Value::Boolean(*boolean),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(_) | Json::Object(_) => Value::Json(value.to_string()),
        Json::Number(number) => match number.as_i64() {
            Some(integer) if takes != Type::Double => Value::Integer(integer),
            _ => Value::Double(number.as_f64().ok_or_else(refused)?),
        },
    };
    if fits(&given, takes) {
        Ok(given)
    } else {
        Err(refused())
    }
}

/// Whether a column takes a value.
pub(crate) fn fits(value: &Value, takes: Type) -> bool {
    matches!(
        (value, takes),
        (_, Type::Any)
            | (Value::Text(_), Type::Text)
            | (Value::Integer(_), Type::Integer | Type::Unsigned)
            | (Value::Double(_), Type::Double)
            | (Value::Boolean(_), Type::Boolean)
    )
}

/// Refuses integers that OTLP cannot hold, which would become doubles that are nearly them. The host reads those of more
/// than 64 bits as doubles already.
fn is_of_otlp(value: &Json) -> Result<(), Error> {
    let is_beyond = |number: &Number| {
        number.as_i64().is_none()
            && number
                .as_f64()
                .is_some_and(|double| double.fract() == 0.0 && double.abs() >= LARGEST)
    };
    match value {
        Json::Number(number) if is_beyond(number) => Err(format!(
            "{number} is beyond OTLP's integers: write a number of at most 64 bits with its sign, or put it in quotes, as a \
             text"
        )
        .into()),
        Json::Array(items) => items.iter().try_for_each(is_of_otlp),
        Json::Object(entries) => entries.values().try_for_each(is_of_otlp),
        _ => Ok(()),
    }
}
