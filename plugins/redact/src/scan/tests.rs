//! Whole texts, many texts, and hostile ones.

use super::scan;
use crate::detector::Detector;
use crate::mask::{self, Covered};
use crate::redacted;
use crate::search::Search;

fn all() -> Search {
    Search::default()
}

/// What is found in these texts, in order.
fn find(texts: &[&[u8]], search: &Search) -> Vec<Covered> {
    let data = texts.concat();
    let ends: Vec<u32> = texts
        .iter()
        .scan(0, |end, text| {
            *end += u32::try_from(text.len()).unwrap();
            Some(*end)
        })
        .collect();
    mask::merge(scan(&data, &ends, search))
}

#[test]
fn a_text_is_masked_in_place_and_once() {
    for (text, expected) in [
        ("", ""),
        ("nothing here", "nothing here"),
        (
            "mail alice@example.org and bob@example.org.",
            "mail [redacted:email] and [redacted:email].",
        ),
        (
            "gateway declined card 3439-057988-49630 for pay_00009",
            "gateway declined card [redacted:credit_card] for pay_00009",
        ),
        (
            "\x1b[36m\"GET /orders?card=4275+1228+6996+4256&email=bob@example.org HTTP/1.1\"\x1b[0m",
            "\x1b[36m\"GET /orders?card=[redacted:credit_card]&email=[redacted:email] HTTP/1.1\"\x1b[0m",
        ),
        (
            "['ord_1', 'mallory.weber32@EXAMPLE.com']",
            "['ord_1', '[redacted:email]']",
        ),
        (
            "sent Bearer 0af9c1d2e3 to x",
            "sent Bearer [redacted:bearer] to x",
        ),
        ("sent Basic dTpw to x", "sent Basic [redacted:basic] to x"),
        (
            "jwt eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0. ok",
            "jwt [redacted:jwt] ok",
        ),
        (
            "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
            "Bearer [redacted:bearer]",
        ),
        (
            "redis://u:hunter2@cache.example.org/0",
            "redis://[redacted:url_secret]@cache.example.org/0",
        ),
        (
            "{\"password\": \"of alice@example.org\"}",
            "{\"password\": \"[redacted:secret_key]\"}",
        ),
    ] {
        assert_eq!(redacted(text), expected, "{text:?}");
        assert_eq!(redacted(expected), expected, "once masked");
    }
}

#[test]
fn nothing_is_found_across_two_texts() {
    assert_eq!(find(&[b"alice@", b"example.org"], &all()), []);
    assert_eq!(find(&[b"41111111", b"11111111"], &all()), []);
    assert_eq!(find(&[b"password=", b"hunter2"], &all()), []);
    assert_eq!(find(&[b"", b"Bearer ", b"", b"0af9c1d2e3"], &all()), []);
}

#[test]
fn a_finding_tells_its_text_wherever_it_lies_in_a_block() {
    for before in 0..200 {
        let padding = "x ".repeat(before);
        for secret in [
            "alice@example.org",
            "4111 1111 1111 1111",
            "a=%204222222222222",
            "\"b\\u00fc\",password=hunter2",
            "Bearer 0af9c1d2e3",
            "'token', (b'token', b'x')",
        ] {
            let texts = [
                padding.as_bytes(),
                b"",
                secret.as_bytes(),
                padding.as_bytes(),
            ];
            let found = find(&texts, &all());
            assert_eq!(found.len(), 1, "{secret} after {}", padding.len());
            assert_eq!(found[0].text, 2, "{secret} after {}", padding.len());
        }
    }
}

#[test]
fn each_detector_works_alone() {
    for (text, detector) in [
        ("alice@example.org", Detector::Email),
        ("4111111111111111", Detector::CreditCard),
        ("Bearer 0af9c1d2e3", Detector::Bearer),
        ("Basic dTpw", Detector::Basic),
        ("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.", Detector::Jwt),
        ("/x?signature=abc", Detector::UrlSecret),
        ("a password=abc", Detector::SecretKey),
    ] {
        for wanted in Detector::ALL {
            let found = find(&[text.as_bytes()], &Search::of(&[wanted]));
            let expected: &[Detector] = if wanted == detector { &[detector] } else { &[] };
            assert_eq!(
                found.iter().map(|found| found.detector).collect::<Vec<_>>(),
                expected,
                "{text} by {wanted:?}"
            );
        }
    }
}

#[test]
fn secrets_are_seen_through_escapes() {
    for (text, expected) in [
        (r#"{"e":"alice\u0040example.org"}"#, r#"{"e":"E"}"#),
        (r"b'alice\x40example.org'", "b'E'"),
        (r#""line\nalice@example.org\n""#, r#""line\nE\n""#),
        (r"\u003calice@example.org\u003e", r"\u003cE\u003e"),
        ("alice%40example%2Eorg", "E"),
        ("x=%20alice@ex%61mple.org&y", "x=%20E&y"),
        ("email%3Dbob%2Bshop%40example.org%26x", "email%3DE%26x"),
        ("next=%252Fu%253Dbob%252540example.org", "next=%252Fu%253DE"),
        ("m%C3%BCller%40example.org", "E"),
        (r"m\u00fcller@example.org", "E"),
        ("\x1b[31malice\x1b[0m@example.org", "\x1b[31mE"),
        (
            "10ms\x1b[0m4111111111111111\x1b[0ms",
            "10ms\x1b[0mC\x1b[0ms",
        ),
        ("\x1b[31m4111\x1b[0m 1111 1111 1111 x", "\x1b[31mC x"),
        (
            r#"{"c":"4111\u002d1111\u002d1111\u002d1111"}"#,
            r#"{"c":"C"}"#,
        ),
        ("card=4275%201228%206996%204256&x", "card=C&x"),
        ("%34111111111111111", "C"),
        (
            "%7B%22n%22%3A4111111111111111%7D",
            "%7B%22n%22%3A%22C%22%7D",
        ),
        (
            r#"{"h":"Bearer\u0020abc.def-123"}"#,
            r#"{"h":"Bearer\u0020B"}"#,
        ),
        ("a=Bearer%20abcDEF%3D%3D&x", "a=Bearer%20B&x"),
        ("Bearer \x1b[1mmF_9.B5f-4.1JqM", "Bearer \x1b[1mB"),
        (
            "eyJhbGciOiJub25lIn0%2EeyJzdWIiOiJhIn0%2E&x",
            "[redacted:jwt]&x",
        ),
        ("50% of \\d, C:\\new", "50% of \\d, C:\\new"),
    ] {
        let masked = redacted(text)
            .replace("[redacted:email]", "E")
            .replace("[redacted:credit_card]", "C")
            .replace("[redacted:bearer]", "B");
        assert_eq!(masked, expected, "{text}");
    }
}

#[test]
fn escaped_texts_and_others_keep_apart() {
    let texts: [&[u8]; 5] = [
        b"a@b.co",
        b"c%40d.co",
        b"",
        b"e@f.co \\u0040 4111111111111111",
        b"g@h.co",
    ];
    let found: Vec<_> = find(&texts, &all())
        .into_iter()
        .map(|found| (found.text, found.range))
        .collect();
    assert_eq!(
        found,
        [(0, 0..6), (1, 0..8), (3, 0..6), (3, 14..30), (4, 0..6)]
    );
}
