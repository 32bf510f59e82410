//! User and password before the host of a URL: `postgresql://shop:hunter2@db:5432/x`.

use std::ops::Range;

use crate::detector::mask_length;
use crate::text::{Layer, at, before, part, read_before, run_end, run_start};
use crate::weigh::holds;

/// A user without a password is one, unless it is this long: tokens are written so.
const TOKEN: usize = 12;
/// The longest userinfo that is found without a scheme before it.
const NEAR: usize = 128;
/// What parts from an address with a colon, and is no user.
const NO_USERS: [&[u8]; 9] = [
    b"mailto", b"sip", b"sips", b"acct", b"xmpp", b"ssh", b"user", b"email", b"mail",
];
/// The longest scheme that is looked past.
const SCHEME: usize = 16;

/// The userinfo behind the colon at `colon`, which `//` follows.
pub(crate) fn userinfo(layer: Layer<'_>, colon: usize) -> Option<Range<usize>> {
    let near = part(layer.text, colon, colon + NEAR);
    if !holds(near, b'@') && colon + NEAR >= layer.text.len() {
        return None; // as most URLs
    }
    let url = layer.down_to(colon).down_to(colon + 2);
    userinfo_in(url, colon).or_else(|| userinfo_in(layer.deepest()?, colon))
}

fn userinfo_in(layer: Layer<'_>, colon: usize) -> Option<Range<usize>> {
    let start = colon + 3;
    let (mut sign, mut i) = (None, start);
    let mut port = Port::Host;
    loop {
        let byte = layer.at(i);
        match byte {
            0..=b' ' | b'/' | b'?' | b'#' | b'"' | b'<' | b'>' | b'\\' | b'`' => break,
            b'\'' | b'(' | b')' | b',' | b'|'
                if port.ends_url() || byte == closing(layer.text, colon) =>
            {
                break;
            }
            b'@' => sign = Some(i),
            _ => {}
        }
        port = port.next(byte);
        i += 1;
    }
    secret(layer, start, sign?)
}

/// What may be the userinfo before the at sign at `sign` though no scheme is before it: of `//user:password@host`, of
/// `user:password@host:port`, and of `user:password@tcp(host)/db`, as Go writes it.
pub(crate) fn bare_userinfo(layer: Layer<'_>, sign: usize) -> Option<Range<usize>> {
    let text = layer.text;
    let start = run_start(text, sign, NEAR, |byte| {
        byte > b' ' && !matches!(byte, b'/' | b'"' | b'\'' | b'<' | b'>' | b'@' | b'=' | b'`')
    });
    let go = [b"tcp(".as_slice(), b"unix("]
        .iter()
        .any(|host| part(text, sign + 1, text.len()).starts_with(host));
    let relative = read_before(text, start, b"//") && !read_before(text, start, b"://");
    if go || relative {
        let parted = part(text, start, sign).contains(&b':');
        return parted.then(|| secret(layer, start, sign)).flatten();
    }
    let colon = start + run_end(part(text, start, sign), 0, |byte| byte != b':');
    let start = run_start(text, colon, colon - start, is_user_byte);
    (is_user(part(text, start, sign)) && is_host(text, sign + 1))
        .then(|| secret(layer, start, sign))
        .flatten()
}

/// Whether this is a user, a colon and a password, and not the scheme of an address.
fn is_user(userinfo: &[u8]) -> bool {
    let end = run_end(userinfo, 0, is_user_byte);
    let user = part(userinfo, 0, end);
    let scheme = NO_USERS
        .iter()
        .any(|scheme| user.eq_ignore_ascii_case(scheme));
    user.first().is_some_and(u8::is_ascii_alphabetic)
        && !scheme
        && userinfo.get(end) == Some(&b':')
        && !matches!(at(userinfo, end + 1), 0 | b':')
}

const fn is_user_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Whether a host and its port start here.
fn is_host(text: &[u8], start: usize) -> bool {
    let near = part(text, 0, start + NEAR);
    let bracket = usize::from(at(near, start) == b'[');
    let colon = run_end(near, start + bracket, |byte| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.')
            || bracket == 1 && matches!(byte, b':' | b'%')
    });
    let colon = colon + usize::from(bracket == 1 && at(near, colon) == b']');
    let end = run_end(near, colon + 1, |byte| byte.is_ascii_digit());
    let digest = part(text, start, colon).starts_with(b"sha");
    let port = at(text, colon) == b':' && (2..=5).contains(&(end.max(colon + 1) - colon - 1));
    colon > start && port && !digest && !at(text, end).is_ascii_alphanumeric()
}

/// How far a URL is read: what is legal in a password ends it where it may be a host or a port yet.
#[derive(Clone, Copy)]
enum Port {
    Host,
    Digits,
    No,
}

impl Port {
    fn next(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Host, b':') | (Self::Digits, b'0'..=b'9') => Self::Digits,
            (Self::Host, byte) if byte != b'@' => Self::Host,
            _ => Self::No,
        }
    }

    fn ends_url(self) -> bool {
        !matches!(self, Self::No)
    }
}

/// What closes what was opened before the URL whose scheme ends at `colon`.
fn closing(text: &[u8], colon: usize) -> u8 {
    let scheme = run_start(text, colon, SCHEME, |byte| byte.is_ascii_alphanumeric());
    match before(text, scheme) {
        b'(' => b')',
        other => other,
    }
}

/// The userinfo, if it holds a secret that is not masked yet.
fn secret(layer: Layer<'_>, start: usize, end: usize) -> Option<Range<usize>> {
    let userinfo = part(layer.text, start, end);
    let colon = (start..end).find(|&i| layer.at(i) == b':');
    let open = match colon {
        Some(colon) => part(layer.text, colon + 1, end)
            .iter()
            .any(|&byte| byte != b'*'),
        None => userinfo.len() >= TOKEN,
    };
    (open && mask_length(userinfo) == 0).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::{bare_userinfo, userinfo};
    use crate::text::Layer;

    fn find(text: &str) -> Option<&str> {
        let colon = text.find("://").expect("a URL");
        userinfo(Layer::new(text.as_bytes(), &[]), colon).and_then(|found| text.get(found))
    }

    fn find_bare(text: &str) -> Option<&str> {
        let sign = text.find('@').expect("an at sign");
        bare_userinfo(Layer::new(text.as_bytes(), &[]), sign).and_then(|found| text.get(found))
    }

    #[test]
    fn user_and_password_are_found() {
        for (text, secret) in [
            (
                "postgresql://shop:hunter2@db.example.com:5432/x",
                "shop:hunter2",
            ),
            ("redis://:hunter2@127.0.0.1:6379/0", ":hunter2"),
            ("amqp://u:p@ss@host/", "u:p@ss"),
            (
                "clone https://ghp_0123456789abcdef@github.com/x",
                "ghp_0123456789abcdef",
            ),
            ("https://user:pa'ss@host/", "user:pa'ss"),
            ("\"https://user:p(a),s|s@host/\"", "user:p(a),s|s"),
            ("['https://u:p@host','x']", "u:p"),
        ] {
            assert_eq!(find(text), Some(secret), "{text}");
        }
        let encoded = Layer::new(b"://u:p/s@host/", &[0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(userinfo(encoded, 0), Some(3..8));
        let encoded = Layer::new(b"://u:p@host/", &[0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(userinfo(encoded, 0), Some(3..6));
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
            "['http://host:80','alice@example.org']",
            "http://host,bob.builder@example.org",
            "(http://host:80),alice@example.org",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }

    #[test]
    fn user_and_password_are_found_without_a_scheme() {
        assert_eq!(find_bare("//user:pass@host/x"), Some("user:pass"));
        assert_eq!(find_bare("dsn user:pw@tcp(db:3306)/x"), Some("user:pw"));
        assert_eq!(find_bare("to (shop:pw@db:5432)"), Some("shop:pw"));
        assert_eq!(find_bare("shop:p:w@10.0.0.1:5432/x"), Some("shop:p:w"));
        for text in [
            "//user@host/x",
            "https://user:pass@host",
            "user:pass@host",
            "path//a/b:c@d",
            "mailto:alice@example.org:25",
            "nginx:1.25@sha256:12345",
            "10:22:31@host:80",
            "a:b@host:http",
            "a:@host:80",
            "user@tcp(db)/x",
            "//[redacted:url_secret]@host",
        ] {
            assert_eq!(find_bare(text), None, "{text}");
        }
    }
}
