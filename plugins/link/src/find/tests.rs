//! Paths, and texts that mean harm.

use super::{context_of_text, has_elements};
use crate::linear_time::takes_linear_time;

#[test]
fn an_array_in_a_path_is_told_from_brackets_in_a_key() {
    for (path, expected) in [
        (r#"record.attributes["a"]"#, false),
        (r#"record.attributes["a[]"]["b\"[]"]"#, false),
        (r#"record.attributes["a"][]["b"]"#, true),
        ("record.body[]", true),
    ] {
        assert_eq!(has_elements(path), expected, "{path}");
    }
}

#[test]
fn what_begins_as_json_is_json_and_other_maps_are_words() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    for text in [
        r#" {"trace_id":"$T"}"#,
        "{trace_id=$T, user=alice} paid",
        "{'trace_id': '$T'}",
    ] {
        let text = text.replace("$T", trace);
        assert!(context_of_text(text.as_bytes()).is_some(), "{text}");
    }
    for text in [
        r#"{"a":"trace_id=$T"}"#,
        r#"{ "trace_id":"$T""#,
        "{}trace_id=$T",
    ] {
        let text = text.replace("$T", trace);
        assert!(context_of_text(text.as_bytes()).is_none(), "{text}");
    }
}

#[test]
fn hostile_texts_take_linear_time() {
    for pattern in [
        "{",
        "{\"a\":",
        "{\"trace\":",
        "[",
        "\"",
        "\\",
        "{\"a\":[",
        "trace_id=",
        "trace_id: ",
        "a",
        "=",
        "a ",
        "span_id:\"",
        "\u{fc}",
        "{\"message\":\"x\",",
        "{\"message\":\"trace_id=",
        "traceparent=00-",
        "uber-trace-id=",
        "X-Amzn-Trace-Id: Root=1-;",
        "b3=",
        "\u{1b}",
        "\u{1b}[0",
        "[a,",
        "[,4bf92f3577b34da6a3ce929d0e0e4736,",
        "{\"mdc.",
        "mdc.",
        "{\"Scopes\":[{",
        "{\"Scopes\":[",
        "{\"trace_flags\":1,",
        "{\"mdc\":[{\"key\":\"a\",",
        "a={",
        "a=[{",
        "a {",
        "x [ ",
        "a}{",
        "[{\"",
    ] {
        for start in ["", "{\"a\":", "{\"message\":\""] {
            takes_linear_time(start, pattern, |text| {
                assert!(
                    context_of_text(text.as_bytes()).is_none(),
                    "{start}{pattern}"
                );
            });
        }
    }
}
