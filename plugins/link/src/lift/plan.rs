//! What becomes of a JSON object that is a log line: which of its fields say what the record has fields for, and which become
//! attributes. A field that says only what the record says itself goes; nothing else is lost.

use std::borrow::Cow;

use otlet_plugin::Value;

use super::exception;
use super::object::{Field, Json, fields};
use super::severity::{self, Severity};
use super::time;
use crate::ids::{Ids, Own};
use crate::name::{Name, is_holder};

/// Keys that hold the message, the best first: a template only where there is no message.
const MESSAGES: [&str; 15] = [
    "message",
    "msg",
    "@m",
    "Message",
    "MESSAGE",
    "RenderedMessage",
    "renderedMessage",
    "short_message",
    "event",
    "log",
    "body",
    "text",
    "MessageTemplate",
    "messageTemplate",
    "@mt",
];

/// What a record gets of a JSON object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lifted {
    /// Its body, if there is a message.
    pub message: Option<String>,
    /// Its severity, if it had none.
    pub severity: Option<Severity>,
    /// Its time in nanoseconds, if it had none.
    pub time: Option<i64>,
    /// Its attributes, of those that it does not have.
    pub attributes: Vec<(String, Value)>,
}

/// What a record has before.
#[derive(Clone, Debug, Default)]
pub(crate) struct Has {
    pub(crate) own: Own,
    pub(crate) severity: Option<Severity>,
    pub(crate) time: Option<i64>,
}

/// What a record gets of a text that is a JSON object. Nothing, if it is none, or says nothing that the record does not.
pub(crate) fn plan(text: &str, has: &Has) -> Option<Lifted> {
    let mut fields = fields(text)?;
    let default = default_severity(&fields);
    fields.retain_mut(|field| !is_said(field, &has.own));
    let mut lifted = Lifted {
        message: take_message(&mut fields),
        severity: settle(
            &mut fields,
            severity::rank,
            |field| severity::read(&field.key, &field.value),
            |severity| severity.number,
            has.severity.as_ref(),
        ),
        time: settle(
            &mut fields,
            time::rank,
            |field| time::read(&field.value),
            |time| *time,
            has.time.as_ref(),
        ),
        attributes: Vec::new(),
    };
    if has.severity.is_none() && lifted.severity.is_none() {
        lifted.severity = default;
    }
    let rest = exception::rename(fields).into_iter();
    lifted.attributes = rest.filter_map(attribute).collect();
    (lifted != Lifted::default()).then_some(lifted)
}

/// The severity that Serilog does not write: that of an event with a time and a message, but without a level.
fn default_severity(fields: &[Field<'_>]) -> Option<Severity> {
    let has = |key: &str| fields.iter().any(|field| field.key == key);
    (has("@t") && (has("@m") || has("@mt")) && !has("@l")).then(|| Severity {
        number: 9,
        text: "Information".to_owned(),
    })
}

/// Whether the field names the record's trace and nothing that the record's own ids do not say: then it is theirs now. Of a
/// map of such fields those that are said go, and the map if none are left.
fn is_said(field: &mut Field<'_>, own: &Own) -> bool {
    if let Some(name) = Name::of(field.key.as_bytes()) {
        return is_said_under(name, &field.value, own);
    }
    let Json::Map(map) = &field.value else {
        return false;
    };
    if !is_holder(field.key.as_bytes()) {
        return false;
    }
    let Some(entries) = fields(map) else {
        return false;
    };
    let kept: Vec<_> = entries
        .iter()
        .filter(|entry| {
            let name = Name::within(field.key.as_bytes(), entry.key.as_bytes());
            name.is_none_or(|name| !is_said_under(name, &entry.value, own))
        })
        .map(|entry| entry.whole)
        .collect();
    if kept.len() == entries.len() {
        return false;
    }
    let is_empty = kept.is_empty();
    let rest = format!("{{{}}}", kept.join(","));
    field.value = Json::Map(Cow::Owned(rest));
    is_empty
}

fn is_said_under(name: Name, value: &Json<'_>, own: &Own) -> bool {
    let mut ids = Ids::default();
    let text = match value {
        Json::Text(text) => {
            ids.add(name, text.as_bytes());
            text.as_ref()
        }
        Json::Number(number) => {
            ids.add_literal(name, number.as_bytes());
            number
        }
        Json::Boolean(boolean) => {
            ids.add_literal(name, if *boolean { b"true" } else { b"false" });
            return ids.is_said_by(own);
        }
        Json::Null => return true,
        Json::List(_) | Json::Map(_) => return false,
    };
    // Outside of spans what names a trace is empty, and ids are zeros, too.
    let zeros = |byte: u8| matches!(byte, b'0' | b'-' | b':' | b' ');
    let is_id = !matches!(name, Name::Flags | Name::Sampled);
    text.trim().is_empty() || (is_id && text.bytes().all(zeros)) || ids.is_said_by(own)
}

fn take_message(fields: &mut Vec<Field<'_>>) -> Option<String> {
    let rank = |field: &Field<'_>| match &field.value {
        Json::Text(text) if !text.is_empty() => {
            MESSAGES.iter().position(|known| *known == field.key)
        }
        _ => None,
    };
    let ranked = fields.iter().enumerate();
    let ranked = ranked.filter_map(|(index, field)| Some((rank(field)?, index)));
    let (_, best) = ranked.min()?;
    match fields.remove(best).value {
        Json::Text(text) => Some(text.into_owned()),
        _ => None,
    }
}

/// Settles what the fields of some keys say of one thing: what the record says, or what the best of them does. Those that say
/// the same go. The result is for the record, if it says nothing itself.
fn settle<T: Clone, P: PartialEq>(
    fields: &mut Vec<Field<'_>>,
    rank: impl Fn(&str) -> Option<usize>,
    read: impl Fn(&Field<'_>) -> Option<T>,
    point: impl Fn(&T) -> P,
    own: Option<&T>,
) -> Option<T> {
    let said: Vec<_> = fields
        .iter()
        .map(|field| Some((rank(&field.key)?, read(field)?)))
        .collect();
    let best = said.iter().flatten().min_by_key(|(rank, _)| *rank);
    let best = best.map(|(_, said)| said);
    let settled = point(own.or(best)?);
    let mut each = said.iter();
    fields.retain(|_| {
        let said = each.next().and_then(Option::as_ref);
        said.is_none_or(|(_, said)| point(said) != settled)
    });
    best.filter(|_| own.is_none()).cloned()
}

/// The field as an attribute of its own name. Null is none.
fn attribute(field: Field<'_>) -> Option<(String, Value)> {
    let value = match field.value {
        Json::Null => return None,
        Json::Boolean(boolean) => boolean.into(),
        Json::Number(number) => of_number(number)?,
        Json::Text(text) => text.into_owned().into(),
        Json::List(list) => Value::Json(list.to_owned()),
        Json::Map(map) => Value::Json(map.into_owned()),
    };
    Some((field.key.into_owned(), value))
}

/// A number with all of its digits: an integer that OTLP cannot hold is a text.
fn of_number(number: &str) -> Option<Value> {
    if let Ok(integer) = number.parse::<i64>() {
        return Some(integer.into());
    }
    if number.contains(['.', 'e', 'E']) {
        return number.parse::<f64>().ok().map(Value::from);
    }
    Some(number.into())
}

#[cfg(test)]
mod tests;
