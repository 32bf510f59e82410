//! One field of one row, to be read or written.

use opentelemetry_proto::tonic::{
    common::v1::AnyValue,
    metrics::v1::{exemplar, number_data_point},
};

use super::{Misuse, value};
use crate::Value;

/// A field, by how OTLP holds it.
pub(super) enum Slot<'a> {
    Text(&'a mut String),
    Id(&'a mut Vec<u8>),
    U64(&'a mut u64),
    U32(&'a mut u32),
    I32(&'a mut i32),
    Boolean(&'a mut bool),
    Double(&'a mut f64),
    Optional(&'a mut Option<f64>),
    Any(&'a mut Option<AnyValue>),
    PointDouble(&'a mut Option<number_data_point::Value>),
    PointInteger(&'a mut Option<number_data_point::Value>),
    ExemplarDouble(&'a mut Option<exemplar::Value>),
    ExemplarInteger(&'a mut Option<exemplar::Value>),
    /// Read only.
    Computed(Option<Value>),
}

impl Slot<'_> {
    /// The value; absent where it is the default of a field without presence.
    pub(super) fn read(&self) -> Option<Value> {
        match self {
            Slot::Text(text) => (!text.is_empty()).then(|| Value::Text((*text).clone())),
            Slot::Id(id) => (!id.is_empty()).then(|| Value::Bytes((*id).clone())),
            Slot::U64(number) => (**number != 0).then(|| Value::Integer(number.cast_signed())),
            Slot::U32(number) => (**number != 0).then(|| Value::Integer((**number).into())),
            Slot::I32(number) => (**number != 0).then(|| Value::Integer((**number).into())),
            Slot::Boolean(boolean) => boolean.then_some(Value::Boolean(true)),
            Slot::Double(double) => (**double != 0.0).then_some(Value::Double(**double)),
            Slot::Optional(double) => double.map(Value::Double),
            Slot::Any(any) => any.as_ref().map(|any| value::read(Some(any))),
            Slot::PointDouble(Some(number_data_point::Value::AsDouble(double)))
            | Slot::ExemplarDouble(Some(exemplar::Value::AsDouble(double))) => {
                Some(Value::Double(*double))
            }
            Slot::PointInteger(Some(number_data_point::Value::AsInt(integer)))
            | Slot::ExemplarInteger(Some(exemplar::Value::AsInt(integer))) => {
                Some(Value::Integer(*integer))
            }
            Slot::PointDouble(_)
            | Slot::PointInteger(_)
            | Slot::ExemplarDouble(_)
            | Slot::ExemplarInteger(_) => None,
            Slot::Computed(value) => value.clone(),
        }
    }

    /// The value as `doubles` sees it: integer points, too.
    #[expect(clippy::cast_precision_loss, reason = "as the contract has it")]
    pub(super) fn read_double(&self) -> Option<f64> {
        match self {
            Slot::PointDouble(Some(number_data_point::Value::AsInt(integer)))
            | Slot::PointInteger(Some(number_data_point::Value::AsInt(integer)))
            | Slot::ExemplarDouble(Some(exemplar::Value::AsInt(integer)))
            | Slot::ExemplarInteger(Some(exemplar::Value::AsInt(integer))) => Some(*integer as f64),
            slot => match slot.read() {
                Some(Value::Double(double)) => Some(double),
                _ => None,
            },
        }
    }

    /// Writes a value of the field's type; `Empty` clears it.
    pub(super) fn write(self, new: &Value) -> Result<(), Misuse> {
        let wide = |integer: &i64| Misuse::new(format!("{integer} does not fit the field"));
        match (self, new) {
            (slot, Value::Empty) => slot.clear(),
            (Slot::Any(any), new) => *any = Some(value::write(new)?),
            (Slot::Text(text), Value::Text(new)) => text.clone_from(new),
            (Slot::Id(id), Value::Bytes(new)) => id.clone_from(new),
            (Slot::U64(number), Value::Integer(new)) => *number = new.cast_unsigned(),
            (Slot::U32(number), Value::Integer(new)) => {
                *number = u32::try_from(*new).map_err(|_error| wide(new))?;
            }
            (Slot::I32(number), Value::Integer(new)) => {
                *number = i32::try_from(*new).map_err(|_error| wide(new))?;
            }
            (Slot::Boolean(boolean), Value::Boolean(new)) => *boolean = *new,
            (Slot::Double(double), Value::Double(new)) => *double = *new,
            (Slot::Optional(double), Value::Double(new)) => *double = Some(*new),
            (Slot::PointDouble(value), Value::Double(new)) => {
                *value = Some(number_data_point::Value::AsDouble(*new));
            }
            (Slot::PointInteger(value), Value::Integer(new)) => {
                *value = Some(number_data_point::Value::AsInt(*new));
            }
            (Slot::ExemplarDouble(value), Value::Double(new)) => {
                *value = Some(exemplar::Value::AsDouble(*new));
            }
            (Slot::ExemplarInteger(value), Value::Integer(new)) => {
                *value = Some(exemplar::Value::AsInt(*new));
            }
            _ => return Err(Misuse::new("a value of another type than the field's")),
        }
        Ok(())
    }

    /// Takes away what the column shows of the field.
    pub(super) fn clear(self) {
        let there = self.read().is_some();
        match self {
            Slot::Text(text) => text.clear(),
            Slot::Id(id) => id.clear(),
            Slot::U64(number) => *number = 0,
            Slot::U32(number) => *number = 0,
            Slot::I32(number) => *number = 0,
            Slot::Boolean(boolean) => *boolean = false,
            Slot::Double(double) => *double = 0.0,
            Slot::Optional(double) => *double = None,
            Slot::Any(any) => *any = None,
            Slot::PointDouble(value) | Slot::PointInteger(value) if there => *value = None,
            Slot::ExemplarDouble(value) | Slot::ExemplarInteger(value) if there => *value = None,
            _ => {}
        }
    }
}
