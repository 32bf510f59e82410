//! The config of a processor as its plugin gets it: in `configure` as one JSON text, and by `setting` value by value.

use std::sync::OnceLock;

use serde_json::Value as Json;

use crate::batch::Value;

/// The longest pointer. Does not limit how often one is asked for.
const POINTER: usize = 4_096;

/// The config of a processor, for all its instances.
#[derive(Debug)]
pub(super) struct Config {
    text: String,
    /// Read when first asked for, which most plugins never do.
    json: OnceLock<Json>,
}

impl Config {
    pub(super) fn new(config: &Json) -> Self {
        Self {
            text: config.to_string(),
            json: OnceLock::new(),
        }
    }

    /// All of it, in JSON.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// The value at a pointer into the config, where there is one; the error says what is wrong with the pointer.
pub(super) fn value(config: Option<&Config>, pointer: &str) -> Result<Option<Value>, String> {
    Ok(at(config, pointer)?.map(|json| match json {
        Json::Null => Value::Empty,
        Json::Bool(boolean) => Value::Boolean(*boolean),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Value::Integer(integer),
            (None, Some(double)) => Value::Double(double),
            (None, None) => Value::Json(number.to_string()),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(_) | Json::Object(_) => Value::Json(json.to_string()),
    }))
}

/// The keys of the object at a pointer, or the indexes of the array.
pub(super) fn keys(config: Option<&Config>, pointer: &str) -> Result<Vec<String>, String> {
    Ok(match at(config, pointer)? {
        Some(Json::Object(members)) => members.keys().cloned().collect(),
        Some(Json::Array(items)) => (0..items.len()).map(|index| index.to_string()).collect(),
        _ => vec![],
    })
}

fn at<'a>(config: Option<&'a Config>, pointer: &str) -> Result<Option<&'a Json>, String> {
    if pointer.len() > POINTER {
        return Err(format!("a JSON pointer has at most {POINTER} bytes"));
    }
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err("a JSON pointer is empty or begins with `/`".to_owned());
    }
    let mut escapes = pointer.split('~').skip(1);
    if escapes.any(|after| !after.starts_with(['0', '1'])) {
        return Err("in a JSON pointer `~` is `~0` and `/` in a key `~1`".to_owned());
    }
    Ok(config.and_then(|config| {
        let json = config
            .json
            .get_or_init(|| serde_json::from_str(&config.text).unwrap_or_default());
        json.pointer(pointer)
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config() -> Config {
        Config::new(&json!({
            "drop": "/health", "on": true, "n": -5, "share": 0.5, "whole": 5.0, "large": u64::MAX, "no": null,
            "labels": {"app.kubernetes.io/name": "a", "~": "b", "": "c"}, "list": ["x", {"y": 1}],
        }))
    }

    #[test]
    fn scalars_are_themselves_and_the_rest_is_json() {
        let config = config();
        for (pointer, value) in [
            ("/drop", Value::Text("/health".to_owned())),
            ("/on", Value::Boolean(true)),
            ("/n", Value::Integer(-5)),
            ("/share", Value::Double(0.5)),
            ("/whole", Value::Double(5.0)),
            ("/large", Value::Double(18_446_744_073_709_551_615.0)),
            ("/no", Value::Empty),
            (
                "/labels/app.kubernetes.io~1name",
                Value::Text("a".to_owned()),
            ),
            ("/labels/~0", Value::Text("b".to_owned())),
            ("/labels/", Value::Text("c".to_owned())),
            ("/list/0", Value::Text("x".to_owned())),
            ("/list/1", Value::Json(r#"{"y":1}"#.to_owned())),
            ("/list/1/y", Value::Integer(1)),
            ("/list", Value::Json(r#"["x",{"y":1}]"#.to_owned())),
        ] {
            assert_eq!(
                super::value(Some(&config), pointer),
                Ok(Some(value)),
                "{pointer}"
            );
        }
        for pointer in ["/nothing", "/", "/list/2", "/list/00", "/list/-", "/drop/0"] {
            assert_eq!(value(Some(&config), pointer), Ok(None), "{pointer}");
        }
        let all = value(Some(&config), "").unwrap();
        assert_eq!(all, Some(Value::Json(config.text().to_owned())));
        assert_eq!(value(None, ""), Ok(None));
    }

    #[test]
    fn keys_are_as_they_are_and_in_the_order_of_the_text() {
        assert_eq!(
            keys(Some(&config()), "/labels").unwrap(),
            ["", "app.kubernetes.io/name", "~"]
        );
        let of = |pointer: &str| keys(Some(&config()), pointer).unwrap();
        assert_eq!(of("/list"), ["0", "1"]);
        for pointer in ["/drop", "/nothing", "/list/0"] {
            assert!(of(pointer).is_empty(), "{pointer}");
        }
        assert_eq!(of("").len(), 9);
    }

    #[test]
    fn what_is_no_pointer_is_an_error() {
        for pointer in [
            "drop",
            "#/drop",
            "/a~",
            "/a~2b",
            "/~~0",
            &"/".repeat(POINTER + 1),
        ] {
            for config in [None, Some(&config())] {
                assert!(value(config, pointer).is_err(), "{pointer}");
                assert!(keys(config, pointer).is_err(), "{pointer}");
            }
        }
    }
}
