//! What the plugin redact makes of a text.

use redact::{Detector, redacted};

use crate::Target;

/// A text stays whole but for its masks, and masking comes to an end.
pub const TARGET: Target = Target {
    name: "redact",
    run,
    seeds,
    choices: 0..0,
    words: &[
        "@",
        "%40",
        "%3D",
        "=",
        ":",
        "\"",
        "'",
        "\\",
        "Bearer ",
        "eyJ",
        "password",
        "[redacted:email]",
        "4111",
    ],
};

fn run(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let once = redacted(&text);
    // A mask may take the place of words for which something else was let be.
    let third = redacted(&redacted(&once));
    assert_eq!(redacted(&third), third, "of {text}");
    let mut rest = &*text;
    for piece in between_masks(&once) {
        let piece = without_quotes(piece);
        let found = rest.split_once(piece);
        assert!(found.is_some(), "{piece} does not stay in order, of {text}");
        (_, rest) = found.unwrap_or_default();
    }
    once != text
}

/// A piece without the quotes that masks in place of numbers bring, spelled as those around them are: plain, escaped,
/// percent-encoded.
fn without_quotes(mut piece: &str) -> &str {
    const SPELLED: [&str; 13] = [
        "%2522", "%2527", "%255C", "\\u0022", "\\u0027", "\\x22", "%22", "%27", "%5C", "%5c", "\"",
        "'", "\\",
    ];
    while let Some(rest) = SPELLED.iter().find_map(|quote| {
        piece
            .strip_prefix(quote)
            .or_else(|| piece.strip_suffix(quote))
    }) {
        piece = rest;
    }
    piece
}

/// What is not masked.
fn between_masks(text: &str) -> Vec<&str> {
    Detector::ALL.iter().fold(vec![text], |pieces, detector| {
        pieces
            .into_iter()
            .flat_map(|piece| piece.split(detector.mask()))
            .collect()
    })
}

fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        r#"{"password": "hunter2", "a": ["x", {"token": 17}], "mail": "alice@example.org", "\u001b[1m": "\\"}"#,
        "GET /x?user%5Bpassword%5D=abc&email=bob%40example.org&card=4275+1228+6996+4256&to=%252Fx%253Ftoken%253Dabc",
        "[(b'authorization', b'Basic dTpw'), ('cookie', 'a=b')] Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
        "\x1b[36mpostgres://u:p\u{e4}ss@h/x\x1b[0m Cookie: a=b; c=d\nm\u{fc}ller@b\u{fc}cher.example, 4111 1111 1111 1111",
        "\\u001b[36mtoken\\u001b[0m=\\\"a\\\\\\\"b\\\" secret: {'a': [1, 'x]'} span_id=4111111111111111 \u{1f600}@example.org",
        r#"{"p\u0061ss":"a\u0022b","n":[4111111111111111,-5],"u":"https:\/\/u:p@h\/","m":"al\u0069ce%2540ex%61mple.org"} <token>x</token>"#,
        "%7B%22password%22%3A%22a%5C%22b%22%7D --token 'x' \x1b[1malice\x1b[0m@example.org 4111\u{a0}1111 1111  1111 'name': 'password', 'value': 5",
        "password: |\n  a\n  b\n-----BEGIN PRIVATE KEY-----\nMI\n-----END PRIVATE KEY-----\ninvalid token: ab cookie=a=b; c=d, PASSWORD 'x''y'",
        "[redacted:email]: [redacted:secret_key]=x password: [redacted:url_secret]@h \"[redacted:jwt]\": 5",
    ];
    texts.map(Vec::from).into()
}
