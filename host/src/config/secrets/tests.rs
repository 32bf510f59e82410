use serde_json::json;

use super::*;

#[test]
fn keys_that_name_a_secret_are_told_from_others() {
    for key in [
        "token",
        "tokens",
        "password",
        "PASSWORD",
        "secret",
        "clientSecret",
        "client_secret",
        "x-api-key",
        "apiKey",
        "api.key",
        "authtoken",
        "authorization",
        "Proxy-Authorization",
        "hash_key",
        "key_pem",
        "private_key",
        "headers",
        "x-scope-token",
        "tokn",
        "pasword",
        "authorisation",
        "credentials",
    ] {
        assert!(is_named(key), "{key}");
    }
    for key in [
        "",
        "endpoint",
        "key",
        "keys",
        "keepalive",
        "bearertokenauth",
        "bearertokenauth/server",
        "key_file",
        "cert_pem",
        "token_file",
        "password_path",
        "tokenUrl",
        "header",
        "secretary",
        "sort_key",
        "author",
        "readers",
    ] {
        assert!(!is_named(key), "{key}");
    }
}

/// A value with its literal parts in brackets.
fn marked(written: &str) -> String {
    let mut marked = String::new();
    let mut done = 0;
    for part in literal_parts(written) {
        marked += written.get(done..part.start).unwrap();
        marked += "[";
        marked += written.get(part.clone()).unwrap();
        marked += "]";
        done = part.end;
    }
    marked + written.get(done..).unwrap()
}

#[test]
fn what_is_filled_in_is_told_from_what_is_written() {
    for (written, expected) in [
        ("hunter2", "[hunter2]"),
        ("&a !!str 'hunter2' ", "&a !!str ['hunter2' ]"),
        ("12", "[12]"),
        ("${env:A:-hunter2}", "[${env:A:-hunter2}]"),
        ("${env:A:-${env:B}}", "[${env:A:-]${env:B}[}]"),
        ("Bearer hunter2", "[Bearer hunter2]"),
        ("hunter${env:A}2", "[hunter]${env:A}[2]"),
        ("$${env:A} ${A}", "[$${env:A} ]${A}"),
        ("a lone ${", "[a lone ${]"),
        ("${not a name}", "[${not a name}]"),
        ("${vault:a/b}", "${vault:a/b}"),
        ("${A:-hunter2}", "[${A:-hunter2}]"),
        ("", ""),
        ("\"\"", "\"\""),
        ("${env:A}", "${env:A}"),
        ("&a \"${env:A}\" ", "&a \"${env:A}\" "),
        ("${file:/run/secrets/a}", "${file:/run/secrets/a}"),
        ("\"bearer ${env:A}\"", "\"bearer ${env:A}\""),
        ("${env:A} ${env:B}", "${env:A} ${env:B}"),
    ] {
        assert_eq!(marked(written), expected, "{written}");
    }
}

#[test]
fn what_a_message_repeats_ends_before_a_secret() {
    for (text, expected) in [
        ("token", "token"),
        (
            "record.attributes[\"token\"] == \"a\"",
            "record.attributes[\"token\"] == \"a\"",
        ),
        ("authorization:Bearer abc", "authorization:***"),
        ("a=1 password= abc", "a=1 password= ***"),
        ("\"token\":\"abc\"", "\"token\":***"),
        ("token_file:/run/a", "token_file:/run/a"),
        ("http://me:pass@backend:4317/a", "http://***@backend:4317/a"),
        ("http://a and http://me@b", "http://a and http://***@b"),
        ("http://${env:A}@b", "http://${env:A}@b"),
        ("http://backend/@a b@c", "http://***@a b@c"),
        ("me:pass@backend:4317", "***@backend:4317"),
        ("at a:b and me:pass@c, d@e", "at a:b and ***@c, d@e"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn a_value_that_was_to_be_a_key_and_its_value_is_one() {
    for text in ["token:abc", "password=abc", "authorization:Bearer abc"] {
        assert!(is_in_value(text), "{text}");
    }
    for text in ["a token:abc", "token", "token:", "(token=.*)", "a: b"] {
        assert!(!is_in_value(text), "{text}");
    }
}

#[test]
fn a_schema_names_what_is_write_only_wherever_it_says_so() {
    let schema = json!({
        "$defs": {"hidden": {"anyOf": [{"type": "null"}, {"writeOnly": true}]}, "loop": {"$ref": "#/$defs/loop"}},
        "properties": {
            "plain": {"writeOnly": true},
            "open": {"writeOnly": false},
            "by_reference": {"$ref": "#/$defs/hidden"},
            "without_end": {"$ref": "#/$defs/loop"},
            "list": {"items": {"writeOnly": true}},
            "outer": {"properties": {"inner": {"writeOnly": true}, "other": {}}},
        },
    });
    let keys: Vec<_> = write_only(&schema).into_iter().collect();
    assert_eq!(keys, ["by_reference", "inner", "list", "plain"]);
}

/// The text with all that might be a secret hidden.
fn lines(text: &str) -> String {
    let mut hidden = String::new();
    let mut done = 0;
    for place in in_lines(text) {
        hidden.push_str(text.get(done..place.start).unwrap());
        hidden.push_str(HIDDEN);
        done = place.end;
    }
    hidden + text.get(done..).unwrap()
}

#[test]
fn without_a_tree_all_that_follows_the_name_of_a_secret_is_hidden() {
    for (text, expected) in [
        ("a: b\n", "a: b\n"),
        ("token: abc: d # e\nb: c\n", "token: ***\nb: c\n"),
        (
            "o: { token: abc, endpoint: d }\r\nb: c",
            "o: { token: ***\r\nb: c",
        ),
        (
            "headers:\n  a: b\n\n  c: [d\nb: c\n",
            "headers:\n  ***\n\n  ***\nb: c\n",
        ),
        (
            "- tokens:\n  - a\n# no end\n  - b\nb: c\n",
            "- tokens:\n  ***\n***\n  ***\nb: c\n",
        ),
        ("tokens:\n- a\nb: c\n", "tokens:\n***\nb: c\n"),
        (
            "token: \"abc\nd\ne\" }\nb: c\n",
            "token: ***\n***\n***\nb: c\n",
        ),
        (
            "key_pem: |\n  a\n  b\nc: d",
            "key_pem: ***\n  ***\n  ***\nc: d",
        ),
    ] {
        assert_eq!(lines(text), expected, "{text}");
    }
}
