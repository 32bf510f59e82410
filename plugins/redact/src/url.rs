//! User and password before the host of a URL: `postgresql://shop:hunter2@db:5432/x`.

use std::ops::Range;

use crate::detector::mask_length;
use crate::text::{at, part, percent, reads};

/// A user without a password is one, unless it is this long: tokens are written so.
const TOKEN: usize = 12;

/// The userinfo behind the colon at `colon`, which `//` follows.
pub(crate) fn userinfo(text: &[u8], colon: usize) -> Option<Range<usize>> {
    if !reads(text, colon, b"://") {
        return None;
    }
    let start = colon + 3;
    let mut sign = None;
    let mut i = start;
    while !matches!(
        at(text, i),
        0..=b' '
            | b'/'
            | b'?'
            | b'#'
            | b'"'
            | b'\''
            | b'<'
            | b'>'
            | b'\\'
            | b'`'
            | b','
            | b'|'
            | b'('
    ) {
        if at(text, i) == b'@' {
            sign = Some(i);
        }
        i += 1;
    }
    secret(text, start, sign?, |byte| byte == b':')
}

/// The same of a URL that is percent-encoded, behind `%3A` at `colon`.
pub(crate) fn encoded_userinfo(text: &[u8], colon: usize) -> Option<Range<usize>> {
    if !reads(text, colon, b"%3A%2F%2F") {
        return None;
    }
    let start = colon + 9;
    let mut sign = None;
    let mut i = start;
    loop {
        match percent(text, i) {
            Some(b'@') => sign = Some(i),
            Some(b'/' | b'?' | b'#' | b'&') => break,
            _ if matches!(
                at(text, i),
                0..=b' ' | b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | b'&'
            ) =>
            {
                break;
            }
            _ => {}
        }
        i += 1;
    }
    secret(text, start, sign?, |byte| byte == b'%')
}

/// The userinfo, if it holds a secret that is not masked yet.
fn secret(text: &[u8], start: usize, end: usize, parts: fn(u8) -> bool) -> Option<Range<usize>> {
    let userinfo = part(text, start, end);
    let password = userinfo
        .iter()
        .position(|&byte| parts(byte))
        .map(|colon| part(userinfo, colon + 1, end));
    let open = match password {
        Some(password) => password.iter().any(|&byte| byte != b'*'),
        None => userinfo.len() >= TOKEN,
    };
    (open && mask_length(userinfo) == 0).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::{encoded_userinfo, userinfo};

    #[test]
    fn user_and_password_are_found() {
        for (text, secret) in [
            (
                "postgresql://shop:hunter2@db.example.com:5432/x",
                "shop:hunter2",
            ),
            ("redis://:hunter2@127.0.0.1:6379/0", ":hunter2"),
            (
                "https://alice%40example.org:p%40ss@host",
                "alice%40example.org:p%40ss",
            ),
            ("amqp://u:p@ss@host/", "u:p@ss"),
            (
                "clone https://ghp_0123456789abcdef@github.com/x",
                "ghp_0123456789abcdef",
            ),
        ] {
            let colon = text.find("://").expect("a URL");
            assert_eq!(
                userinfo(text.as_bytes(), colon).and_then(|found| text.get(found)),
                Some(secret),
                "{text}"
            );
        }
        let text = "to=https%3A%2F%2Fu%3Ap%40host%2Fx";
        assert_eq!(
            encoded_userinfo(text.as_bytes(), 8).and_then(|found| text.get(found)),
            Some("u%3Ap")
        );
    }

    #[test]
    fn urls_without_a_secret_are_left() {
        for text in [
            "http://127.0.0.1:58082/catalog?to=a@b.org",
            "ssh://git@github.com/x",
            "redis://:**@127.0.0.1:56379/0",
            "https://[redacted:url_secret]@host/",
            "https://host/@alice",
            "://",
            "http://",
            "x://@host",
        ] {
            let colon = text.find("://").expect("a URL");
            assert_eq!(userinfo(text.as_bytes(), colon), None, "{text}");
        }
    }
}
