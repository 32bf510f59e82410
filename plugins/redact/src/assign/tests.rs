//! What the detectors make of whole texts with names and values in them.

use crate::detector::{Detector, Wanted};
use crate::{mask, scan};

/// The text with masks, by all detectors.
fn masked(text: &str) -> String {
    let ends = [u32::try_from(text.len()).unwrap()];
    let findings = mask::merge(scan::scan(
        text.as_bytes(),
        &ends,
        Wanted::of(&Detector::ALL),
    ));
    let mut out = String::new();
    mask::write(text.as_bytes(), &findings, |piece| out.push_str(piece));
    out.replace("[redacted:secret_key]", "[S]")
        .replace("[redacted:url_secret]", "[U]")
}

#[test]
fn values_in_json_and_its_like_are_hidden() {
    for (text, expected) in [
        (
            r#"{"password": "hunter2", "n": 1}"#,
            r#"{"password": "[S]", "n": 1}"#,
        ),
        (
            r#"{"password":"a\"b\\","n":1}"#,
            r#"{"password":"[S]","n":1}"#,
        ),
        (
            r#"{"pin":1,"api_key":12345,"n":1}"#,
            r#"{"pin":1,"api_key":"[S]","n":1}"#,
        ),
        (
            r#"{"secrets":["a]","b"],"n":1}"#,
            r#"{"secrets":"[S]","n":1}"#,
        ),
        (
            r#"{"credentials":{"u":{"p":"x}"}},"n":1}"#,
            r#"{"credentials":"[S]","n":1}"#,
        ),
        (
            r#"{"body":"{\"token\":\"abc\",\"n\":1}"}"#,
            r#"{"body":"{\"token\":\"[S]\",\"n\":1}"}"#,
        ),
        (
            r#"{"a":"{\"token\":\"a\\\"b\",\"n\":1}"}"#,
            r#"{"a":"{\"token\":\"[S]\",\"n\":1}"}"#,
        ),
        (
            r#"{"a":"{\"token\":17,\"n\":1}"}"#,
            r#"{"a":"{\"token\":\"[S]\",\"n\":1}"}"#,
        ),
        (r#"{"API Key" : "abc"}"#, r#"{"API Key" : "[S]"}"#),
        ("{\"password\":\n  \"abc\"}", "{\"password\":\n  \"[S]\"}"),
        (r#"{"token": "cut of"#, r#"{"token": "[S]"#),
        (r#"{"secrets": ["cut", "of"#, r#"{"secrets": "[S]""#),
        (
            "{'password': 'hunter2', 'n': 1}",
            "{'password': '[S]', 'n': 1}",
        ),
        ("{'cookie': b'a=b; c=d'}", "{'cookie': b'[S]'}"),
        (
            "[(b'authorization', b'Basic eA=='), ('n', 1)]",
            "[(b'authorization', b'[S]'), ('n', 1)]",
        ),
        ("('x-api-key', \"abc\")", "('x-api-key', \"[S]\")"),
        (
            "{:password=>\"abc\", \"token\"=>\"x\"}",
            "{:password=>\"[S]\", \"token\"=>\"[S]\"}",
        ),
    ] {
        assert_eq!(masked(text), expected, "{text}");
    }
}

#[test]
fn values_in_plain_text_are_hidden() {
    for (text, expected) in [
        (
            "login user=bob password=hunter2, ok",
            "login user=bob password=[S], ok",
        ),
        ("Password: hunter2", "Password: [S]"),
        ("db_password = hunter2\nnext", "db_password = [S]\nnext"),
        (
            "User(name='bob', password='x y')",
            "User(name='bob', password='[S]')",
        ),
        (
            "auth failed (token=abc) for 7",
            "auth failed (token=[S]) for 7",
        ),
        ("a token=Token(value='abc', n=1) x", "a token=[S] x"),
        (
            "got Authorization: Digest username=\"bob\"",
            "got Authorization: [S]\"bob\"",
        ),
        ("Authorization: Token abc def", "Authorization: [S] def"),
        ("Authorization: Bearer abcdef1 x", "Authorization: [S] x"),
        ("Cookie: a=b; c=d\nHost: x", "Cookie: [S]\nHost: x"),
        ("-H 'Cookie: a=b; c=d' x", "-H 'Cookie: [S]' x"),
        (
            "\x1b[36mpassword\x1b[0m=\x1b[35mhunter2\x1b[0m n=1",
            "\x1b[36mpassword\x1b[0m=\x1b[35m[S]\x1b[0m n=1",
        ),
        (
            "\\u001b[36mtoken\\u001b[0m=\\u001b[35mabc\\u001b[0m",
            "\\u001b[36mtoken\\u001b[0m=\\u001b[35m[S]\\u001b[0m",
        ),
        ("x password=a\\nnext", "x password=[S]\\nnext"),
        ("--api-key=abc --n=1", "--api-key=[S] --n=1"),
        ("password := abc", "password := [S]"),
    ] {
        assert_eq!(masked(text), expected, "{text}");
    }
}

#[test]
fn secrets_in_urls_are_hidden() {
    for (text, expected) in [
        (
            "GET /x?a=1&token=abc&b=2 HTTP/1.1",
            "GET /x?a=1&token=[U]&b=2 HTTP/1.1",
        ),
        ("password=cwvbpm%24945&x=1", "password=[U]&x=1"),
        ("/x?sig=abc#top", "/x?sig=[U]#top"),
        (
            "https://h/cb#access_token=abc&x=1",
            "https://h/cb#access_token=[U]&x=1",
        ),
        ("/x?key=AIzaSyA-0123456789abcdef&n=1", "/x?key=[U]&n=1"),
        ("/x?key=user:42&code=BOOK-12", "/x?key=user:42&code=BOOK-12"),
        (
            "/x?user%5Bpassword%5D=abc&n=1",
            "/x?user%5Bpassword%5D=[U]&n=1",
        ),
        (
            "/x?user[password]=abc&passwords[]=d",
            "/x?user[password]=[U]&passwords[]=[U]",
        ),
        (
            "to=%2Fx%3Ftoken%3Dabc%26n%3D1&m=2",
            "to=%2Fx%3Ftoken%3D[U]%26n%3D1&m=2",
        ),
        (
            "to=%252Fx%253Ftoken%253Dabc%2526n&m=2",
            "to=%252Fx%253Ftoken%253D[S]%2526n&m=2",
        ),
        ("\"/x?token=abc\\u0026n=1\"", "\"/x?token=[U]\\u0026n=1\""),
        ("\"/x?n=1\\u0026token=abc\"", "\"/x?n=1\\u0026token=[U]\""),
        (
            "(see https://h/x?token=abc,d).",
            "(see https://h/x?token=[U]).",
        ),
        ("/x;jsessionid=0af9?n=1", "/x;jsessionid=[U]"),
        (
            "postgres://u:p@h/x?password=abc",
            "postgres://[U]@h/x?password=[U]",
        ),
    ] {
        assert_eq!(masked(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_secret_is_left() {
    for text in [
        r#"{"password": null, "token": "", "secret": true, "api_key": []}"#,
        r#"{"password": "***", "tokens": 512, "token_type": "Bearer"}"#,
        "{'routing_key': 'receipts', 'token': None}",
        "token::Kind and std::token:: paths",
        "GET /x?q=token&page=2",
        "output_tokens=17 max_tokens: 512",
        "2026-11-22 10:22:31,412 INFO [shop.token] at 10:22",
        "password=",
        "password: ",
        "missing fields: ['password', 'email']",
        "https://example.org/v1/password:reset?x=1",
        "password=[redacted:secret_key], token: [redacted:bearer]",
        r#"{"authorization": "[redacted:secret_key]"}"#,
        "key=value sig=abc",
    ] {
        let expected = text.replace("[redacted:secret_key]", "[S]");
        assert_eq!(masked(text), expected, "{text}");
    }
}
