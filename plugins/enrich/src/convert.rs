//! `convert`: a value of another type that says the same.

use std::borrow::Cow;

use otlet_conditions::{Type, decimal};
use otlet_plugin::{Batch, Error, Mask, Signal, Table, Value};

use crate::action::Verb;
use crate::config::{As, If};
use crate::path::{Source, Target};
use crate::selection::write_values;
use crate::words::word;

#[derive(Debug)]
pub(crate) struct Convert {
    source: Source,
    target: Target,
    to: As,
    in_place: bool,
}

impl Convert {
    /// Converts in place, or into `to`.
    pub(crate) fn new(
        path: &str,
        to: Option<&str>,
        when: Option<If>,
        as_: As,
    ) -> Result<Self, Error> {
        let source = Source::open(path).map_err(|error| error.context("convert"))?;
        let (key, path) = to.map_or(("convert", path), |to| ("to", to));
        let given = match as_ {
            As::Text => Type::Text,
            As::Integer => Type::Integer,
            As::Double => Type::Double,
            As::Boolean => Type::Boolean,
        };
        let target = Target::below(path, &source, when).and_then(|target| {
            if (target.takes, given) != (Type::Unsigned, Type::Integer) {
                target.must_take(given, path)?;
            }
            Ok(target)
        });
        let target = target.map_err(|error| error.context(key))?;
        Ok(Self {
            source,
            target,
            to: as_,
            in_place: to.is_none(),
        })
    }
}

impl Verb for Convert {
    fn place(&self) -> (Table, Option<Signal>) {
        (self.target.table, self.source.signal.or(self.target.signal))
    }

    fn apply(&self, batch: &mut Batch, when: Option<&Mask>) {
        let values = batch.values(&self.source.column);
        write_values(batch, (self.source.table, &self.target), when, |row| {
            let value = values.get(row)?.as_ref()?;
            let stays = self.in_place && is_of(value, self.to);
            let converted = converted(value, self.to).filter(|_| !stays)?;
            self.target
                .fits(&converted)
                .then_some(Cow::Owned(converted))
        });
    }
}

/// Whether the value is of this type already.
fn is_of(value: &Value, to: As) -> bool {
    matches!(
        (value, to),
        (Value::Text(_), As::Text)
            | (Value::Integer(_), As::Integer)
            | (Value::Double(_), As::Double)
            | (Value::Boolean(_), As::Boolean)
    )
}

/// The value as this type, if it says what can be said so.
fn converted(value: &Value, to: As) -> Option<Value> {
    match to {
        As::Text => word(value).map(Value::Text),
        As::Integer => integer(value).map(Value::Integer),
        As::Double => double(value).map(Value::Double),
        As::Boolean => boolean(value).map(Value::Boolean),
    }
}

/// A fraction is cut off.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(integer) => Some(*integer),
        Value::Boolean(boolean) => Some((*boolean).into()),
        Value::Double(double) => whole(*double),
        Value::Text(text) => text.parse().ok().or_else(|| whole(decimal(text)?)),
        _ => None,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "what OTLP calls a double of an integer"
)]
fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Double(double) => Some(*double),
        Value::Integer(integer) => Some(*integer as f64),
        Value::Boolean(boolean) => Some(f64::from(u8::from(*boolean))),
        Value::Text(text) => decimal(text),
        _ => None,
    }
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Boolean(boolean) => Some(*boolean),
        Value::Integer(integer) => Some(*integer != 0),
        Value::Double(double) => Some(*double != 0.0),
        Value::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it is within the integers")]
fn whole(double: f64) -> Option<i64> {
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    (-BEYOND..BEYOND).contains(&double).then_some(double as i64)
}

#[cfg(test)]
mod tests {
    use otlet_plugin::Value;

    use super::converted;
    use crate::config::As;

    #[test]
    fn what_says_the_same_in_another_type_is_converted() {
        let of = |value: Value, to| converted(&value, to);
        for text in ["200", "200.9", "+200", "2e2"] {
            assert_eq!(
                of(text.into(), As::Integer),
                Some(Value::Integer(200)),
                "{text}"
            );
        }
        assert_eq!(
            of(Value::Double(-1.5), As::Integer),
            Some(Value::Integer(-1))
        );
        assert_eq!(
            of(Value::Boolean(true), As::Integer),
            Some(Value::Integer(1))
        );
        assert_eq!(of("0.5".into(), As::Double), Some(Value::Double(0.5)));
        assert_eq!(of(Value::Integer(3), As::Double), Some(Value::Double(3.0)));
        assert_eq!(of("True".into(), As::Boolean), Some(Value::Boolean(true)));
        assert_eq!(
            of(Value::Integer(0), As::Boolean),
            Some(Value::Boolean(false))
        );
        assert_eq!(of(Value::Double(0.25), As::Text), Some("0.25".into()));
        assert_eq!(
            of(Value::Bytes(vec![1, 255]), As::Text),
            Some("01ff".into())
        );
        assert_eq!(of(Value::Json("[1]".into()), As::Text), Some("[1]".into()));
    }

    #[test]
    fn what_does_not_stays() {
        let of = |value: Value, to| converted(&value, to);
        for text in [
            "",
            "two",
            "inf",
            "nan",
            "0x1",
            " 1",
            "9223372036854775808",
            "1e400",
        ] {
            assert_eq!(of(text.into(), As::Integer), None, "{text}");
        }
        assert_eq!(of(Value::Double(f64::NAN), As::Integer), None);
        assert_eq!(of("yes".into(), As::Boolean), None);
        assert_eq!(of(Value::Json("[1]".into()), As::Integer), None);
        assert_eq!(of(Value::Empty, As::Text), None);
    }
}
