//! Paths, and texts that mean harm.

use super::{context_of_text, has_elements};
use crate::hostile::hostile;

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
fn hostile_texts_have_no_context() {
    for text in hostile("link") {
        assert!(context_of_text(text.as_bytes()).is_none(), "{text:.80}");
    }
}
