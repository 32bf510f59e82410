//! What the plugin redact makes of a text.

use redact::{Detector, redacted};

use crate::Target;

/// No quote is spelled longer, with its backslashes.
const QUOTE: usize = 64;

/// A text stays whole but for its masks, and masking it again hides more, never less, and comes to an end.
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
    check(&text, &once);
    // A mask may, rarely, let what it stands next to read differently.
    let twice = redacted(&once);
    check(&once, &twice);
    let thrice = redacted(&twice);
    assert_eq!(redacted(&thrice), thrice, "of {text}");
    once != text
}

/// What is not masked stays, in order.
fn check(text: &str, masked: &str) {
    let mut rest = Some(text);
    for piece in between_masks(masked) {
        rest = rest
            .and_then(|rest| rest.split_once(piece))
            .map(|(_, rest)| rest);
    }
    assert!(rest.is_some(), "{text} became {masked}");
}

/// What is not masked, without the quotes around masks, which may be new.
fn between_masks<'text>(text: &'text str) -> Vec<&'text str> {
    let mut pieces = Detector::ALL.iter().fold(vec![text], |pieces, detector| {
        let mask = format!("[redacted:{}]", detector.name());
        let split = |piece: &'text str| piece.split(mask.as_str()).collect::<Vec<_>>();
        pieces.into_iter().flat_map(split).collect()
    });
    let mut left = pieces.iter_mut();
    if let Some(mut before) = left.next() {
        for after in left {
            let bare = (1..QUOTE).find_map(|len| {
                let (bare, quote) = before.split_at_checked(before.len().checked_sub(len)?)?;
                Some((bare, after.strip_prefix(quote)?))
            });
            (*before, *after) = bare.unwrap_or((*before, *after));
            before = after;
        }
    }
    pieces
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
