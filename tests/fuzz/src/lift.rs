//! What the plugin link makes of a body that is a JSON object.

use otlet_plugin::Value;

use crate::Target;

/// What is lifted stands in the text, which is JSON, and can be handed to the host.
pub const TARGET: Target = Target {
    name: "lift",
    run,
    seeds,
    choices: 0..0,
    words: &[
        "\"",
        "\\",
        "\\u",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "-",
        ".",
        "0",
        "e",
        "null",
        "\"message\"",
        "\"level\"",
        "\"time\"",
        "\"trace_id\"",
        "\"error\"",
        "\"stack\"",
        "1795358386",
        "Z",
    ],
};

/// The levels that a value may have: what holds it is one more.
const DEPTH: usize = 23;

fn run(data: &[u8]) -> bool {
    let Some((text, lifted)) = str::from_utf8(data)
        .ok()
        .and_then(|text| Some((text, link::lift_of_text(text)?)))
    else {
        return false;
    };
    let object: serde_json::Value = serde_json::from_str(text).expect("what is lifted is JSON");
    let object = object.as_object().expect("what is lifted is an object");
    if let Some(message) = &lifted.message {
        // Of equal keys `serde_json` takes the last.
        let stands = object.values().any(|value| value == message);
        assert!(stands || repeats_keys(text, object), "{message:?}");
    }
    if let Some(severity) = &lifted.severity {
        assert!((1..=24).contains(&severity.number), "{severity:?}");
        assert!(!severity.text.is_empty());
    }
    assert!(lifted.time.is_none_or(|time| time > 0));
    for (key, value) in &lifted.attributes {
        assert!(!key.is_empty());
        match value {
            Value::Json(json) => {
                let parsed: serde_json::Value =
                    serde_json::from_str(json).expect("the host takes it");
                assert!(parsed.is_object() || parsed.is_array());
                assert!(depth(&parsed) <= DEPTH);
            }
            Value::Double(double) => assert!(double.is_finite()),
            other => assert!(
                matches!(
                    other,
                    Value::Text(_) | Value::Boolean(_) | Value::Integer(_)
                ),
                "{key} became {other:?}"
            ),
        }
    }
    true
}

/// Whether there may be keys at the top that are equal: there are more colons than keys.
fn repeats_keys(text: &str, object: &serde_json::Map<String, serde_json::Value>) -> bool {
    text.bytes().filter(|byte| *byte == b':').count() > object.len()
}

/// The levels of lists and maps.
fn depth(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        serde_json::Value::Object(object) => 1 + object.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        r#"{"timestamp": "2026-11-22 14:39:46,680", "severity": "INFO", "name": "shop", "message": "paid", "qty": 1, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": ""}"#,
        r#"{"level":30,"time":1795358386680,"pid":7,"err":{"type":"E","message":"x","stack":"at y","code":[5]},"msg":"a \"b\" \u00fc\ud83d\ude00"}"#,
        r#"{"@t":"2026-11-22T15:39:46.6801234+01:00","@mt":"Paid {Amount}","@tr":"4bf92f3577b34da6a3ce929d0e0e4736","Amount":7.5e-3,"Order":{"Id":null}}"#,
        r#"{"instant":{"epochSecond":1795358386,"nanoOfSecond":5},"level":"WARN","contextMap":{"trace_id":"0","user":"alice"},"thrown":null}"#,
        r#"{"ts":1795358386.25,"level":"INFO+2","big":18446744073709551616,"ok":true,"list":[1,"two",[{}]]}"#,
    ];
    texts.map(Vec::from).into()
}
