//! Objects, and texts that are none. Where it matters `serde_json` says what JSON is, as it does for the host.

use serde_json::Value;

use super::{Field, Json, fields};
use crate::hostile::hostile;

fn field<'a>(key: &'a str, value: Json<'a>, whole: &'a str) -> Field<'a> {
    Field {
        key: key.into(),
        value,
        whole,
    }
}

#[test]
fn an_object_is_taken_apart_one_level() {
    let text = r#" { "a" : "x\n\u00fc\ud83d\ude00", "b":-1.50e+2,"c":[1, {"d":null}], "e":{ }, "f":true,"g":null } "#;
    let expected = [
        field(
            "a",
            Json::Text("x\n\u{fc}\u{1f600}".into()),
            r#""a" : "x\n\u00fc\ud83d\ude00""#,
        ),
        field("b", Json::Number("-1.50e+2"), r#""b":-1.50e+2"#),
        field(
            "c",
            Json::List(r#"[1, {"d":null}]"#),
            r#""c":[1, {"d":null}]"#,
        ),
        field("e", Json::Map("{ }".into()), r#""e":{ }"#),
        field("f", Json::Boolean(true), r#""f":true"#),
        field("g", Json::Null, r#""g":null"#),
    ];
    assert_eq!(fields(text).unwrap(), expected);
    assert_eq!(fields("{}").unwrap(), []);
}

#[test]
fn of_equal_keys_the_first_counts() {
    let found = fields(r#"{"a":1,"b":2,"\u0061":3,"b":4}"#).unwrap();
    let expected = [
        field("a", Json::Number("1"), r#""a":1"#),
        field("b", Json::Number("2"), r#""b":2"#),
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_is_no_object_is_left() {
    for text in [
        "",
        "1",
        "[]",
        "{",
        "{}x",
        "{}{}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{"a":01}"#,
        r#"{"a":1.}"#,
        r#"{"a":.5}"#,
        r#"{"a":+1}"#,
        r#"{"a":1e}"#,
        r#"{"a":1e999}"#,
        r#"{"a":NaN}"#,
        r#"{"a":tru}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\udc00"}"#,
        r#"{"a":"\ud800\u0041"}"#,
        r#"{"a":"\u12"}"#,
        r#"{"a":"\u+123"}"#,
        "{\"a\":\"\n\"}",
        r#"{"a":[1,]}"#,
        r#"{"a":[1 2]}"#,
        r#"{"a":{"b":01}}"#,
        "{a:1}",
        r#"{"":1}"#,
        "{'a':1}",
    ] {
        assert_eq!(fields(text), None, "{text}");
    }
}

#[test]
fn an_object_has_bounds() {
    let of = |count: usize| {
        let members: Vec<_> = (0..count)
            .map(|number| format!(r#""{number}":0"#))
            .collect();
        format!("{{{}}}", members.join(","))
    };
    assert_eq!(fields(&of(256)).unwrap().len(), 256);
    assert_eq!(fields(&of(257)), None);
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let nested = |depth: usize| {
            let (open, close) = (open.repeat(depth), close.repeat(depth));
            format!(r#"{{"a":{open}0{close}}}"#)
        };
        assert!(fields(&nested(23)).is_some());
        assert_eq!(fields(&nested(24)), None);
        assert_eq!(fields(&nested(1 << 20)), None);
    }
}

/// Every text that is one step away from some objects is an object exactly if `serde_json` says so.
#[test]
fn json_is_what_serde_json_takes() {
    let seeds = [
        r#"{"a":[-0,1.5e-3,{"b":"\u00e4\ud83d\ude00\""}],"c":true}"#,
        r#"{"n": null , "f":false,"t":"x\\y\/","u":{"v":{}},"w":[]}"#,
    ];
    let pieces = [
        "", "\"", "\\", "{", "}", "[", "]", ":", ",", "0", "1", "-", ".", "e", "u", "d8", " ",
        "\n", "\u{1}", "\u{fc}",
    ];
    let mut taken = 0;
    for seed in seeds {
        for at in 0..seed.len() {
            let (before, rest) = seed.split_at(at);
            for (piece, cut) in pieces.iter().flat_map(|piece| [(piece, 0), (piece, 1)]) {
                let (_, after) = rest.split_at(cut);
                let text = [before, piece, after].concat();
                let expected = serde_json::from_str::<Value>(&text);
                let expected = expected.ok().filter(|value| value.get("").is_none());
                assert_eq!(fields(&text).is_some(), expected.is_some(), "{text}");
                let Some(found) = fields(&text) else { continue };
                taken += 1;
                for field in found {
                    let whole: Value =
                        serde_json::from_str(&format!("{{{}}}", field.whole)).unwrap();
                    let value = whole.get(field.key.as_ref()).unwrap();
                    if let Json::Text(text) = &field.value {
                        assert_eq!(value, text.as_ref());
                    }
                }
            }
        }
    }
    assert!(taken > 200, "{taken} of the texts are objects");
}

#[test]
fn hostile_texts_are_no_objects() {
    for text in hostile("lift") {
        assert_eq!(fields(&text), None, "{text:.80}");
    }
}
