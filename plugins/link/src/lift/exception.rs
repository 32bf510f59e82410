//! Exceptions by the names that OpenTelemetry has for their parts, where it is clear what a field is.

use std::borrow::Cow;

use super::object::{Field, Json, fields};

const TYPE: &str = "exception.type";
const MESSAGE: &str = "exception.message";
const STACKTRACE: &str = "exception.stacktrace";

/// Maps that are an exception, if there is a stack trace in them.
const MAPS: [&str; 4] = ["error", "err", "exception", "thrown"];

/// Gives the fields that hold a part of an exception OpenTelemetry's name for it, unless another field has that, and takes maps
/// of them apart.
pub(super) fn rename(all: Vec<Field<'_>>) -> Vec<Field<'_>> {
    let names = [TYPE, MESSAGE, STACKTRACE].into_iter();
    let mut free = Free(
        names
            .filter(|name| all.iter().all(|field| field.key != *name))
            .collect(),
    );
    let mut renamed = Vec::with_capacity(all.len());
    for mut field in all {
        match &field.value {
            Json::Text(_) => {
                if let Some(name) = part(&field.key).and_then(|name| free.claim(name)) {
                    field.key = Cow::Borrowed(name);
                }
            }
            Json::Map(map) if MAPS.contains(&field.key.as_ref()) => {
                if let Some((parts, rest)) = take_apart(map, &mut free) {
                    renamed.extend(parts);
                    let Some(rest) = rest else { continue };
                    field.value = rest;
                }
            }
            _ => {}
        }
        renamed.push(field);
    }
    renamed
}

/// The names that no field has yet.
struct Free(Vec<&'static str>);

impl Free {
    fn claim(&mut self, name: &str) -> Option<&'static str> {
        let index = self.0.iter().position(|free| *free == name)?;
        Some(self.0.swap_remove(index))
    }
}

/// The parts of an exception that is a map, and what else is in it.
fn take_apart(map: &str, free: &mut Free) -> Option<(Vec<Field<'static>>, Option<Json<'static>>)> {
    let entries = fields(map)?;
    let is_text = |field: &Field<'_>| matches!(field.value, Json::Text(_));
    let trace = |field: &Field<'_>| is_text(field) && part_within(&field.key) == Some(STACKTRACE);
    if !entries.iter().any(trace) || !free.0.contains(&STACKTRACE) {
        return None;
    }
    let (mut parts, mut rest) = (Vec::new(), Vec::new());
    for entry in entries {
        match &entry.value {
            Json::Text(text)
                if let Some(name) = part_within(&entry.key).and_then(|name| free.claim(name)) =>
            {
                parts.push(Field {
                    key: Cow::Borrowed(name),
                    value: Json::Text(Cow::Owned(text.clone().into_owned())),
                    whole: "",
                });
            }
            _ => rest.push(entry.whole),
        }
    }
    let rest = (!rest.is_empty()).then(|| Json::Map(format!("{{{}}}", rest.join(",")).into()));
    Some((parts, rest))
}

/// What a text under this key is.
fn part(key: &str) -> Option<&'static str> {
    Some(match key {
        "error.type" => TYPE,
        "error.message" => MESSAGE,
        "exc_info" | "exc_text" | "stack_trace" | "exception" | "Exception" | "@x" | "stack"
        | "error.stack_trace" => STACKTRACE,
        _ => return None,
    })
}

/// What a text under this key is, in a map that is an exception.
fn part_within(key: &str) -> Option<&'static str> {
    Some(match key {
        "type" | "name" | "class" => TYPE,
        "message" => MESSAGE,
        "stack" | "stack_trace" | "stackTrace" | "stacktrace" | "extendedStackTrace" => STACKTRACE,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{fields, rename};

    /// The keys of the fields afterwards.
    fn keys(text: &str) -> Vec<String> {
        let renamed = rename(fields(text).unwrap());
        renamed
            .into_iter()
            .map(|field| field.key.into_owned())
            .collect()
    }

    #[test]
    fn parts_of_exceptions_get_their_names() {
        for key in [
            "exc_info",
            "stack_trace",
            "exception",
            "@x",
            "stack",
            "error.stack_trace",
        ] {
            let text = format!(r#"{{"a":1,"{key}":"Traceback"}}"#);
            assert_eq!(keys(&text), ["a", "exception.stacktrace"], "{key}");
        }
        assert_eq!(
            keys(r#"{"error.type":"E","error.message":"x","error.code":5}"#),
            ["exception.type", "exception.message", "error.code"]
        );
    }

    #[test]
    fn a_name_is_given_once() {
        assert_eq!(
            keys(r#"{"exc_info":"a","stack":"b"}"#),
            ["exception.stacktrace", "stack"]
        );
        assert_eq!(
            keys(r#"{"exc_info":"a","exception.stacktrace":"b"}"#),
            ["exc_info", "exception.stacktrace"]
        );
    }

    #[test]
    fn what_is_not_sure_to_be_one_keeps_its_name() {
        for text in [
            r#"{"exc_info":true,"error":"x"}"#,
            r#"{"stacktrace":"main.go:1","error":{"type":"invalid","message":"x"}}"#,
            r#"{"exception":[{"exc_type":"E"}],"order":{"stack":"x"}}"#,
        ] {
            let as_before: Vec<_> = fields(text).unwrap();
            let before: Vec<_> = as_before.iter().map(|field| field.key.as_ref()).collect();
            assert_eq!(keys(text), before, "{text}");
        }
    }

    #[test]
    fn maps_are_taken_apart_and_what_else_is_in_them_stays() {
        assert_eq!(
            keys(r#"{"err":{"type":"E","message":"x","stack":"at y"}}"#),
            [
                "exception.type",
                "exception.message",
                "exception.stacktrace"
            ]
        );
        let text = r#"{"thrown":{"name":"E","extendedStackTrace":"at y", "code" : [1]}}"#;
        let renamed = rename(fields(text).unwrap());
        assert_eq!(renamed.len(), 3);
        assert_eq!(renamed[2].key, "thrown");
        assert_eq!(
            renamed[2].value,
            super::Json::Map(r#"{"code" : [1]}"#.into())
        );
    }
}
