//! User and password before the host of a URL: `postgresql://shop:hunter2@db:5432/x`.

use std::ops::Range;

use crate::detector::mask_length;
use crate::text::{Layer, before, part, read_before, run_start};

/// A user without a password is one, unless it is this long: tokens are written so.
const TOKEN: usize = 12;
/// The longest userinfo that is found without a scheme before it.
const NEAR: usize = 128;
/// The longest scheme that is looked past.
const SCHEME: usize = 16;

/// The userinfo behind the colon at `colon`, which `//` follows.
pub(crate) fn userinfo(layer: Layer<'_>, colon: usize) -> Option<Range<usize>> {
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

/// What may be the userinfo before the at sign at `sign` though no scheme is before it: of `//user:password@host`, and of
/// `user:password@tcp(host)/db`, as Go writes it.
pub(crate) fn bare_userinfo(layer: Layer<'_>, sign: usize) -> Option<Range<usize>> {
    let text = layer.text;
    let start = run_start(text, sign, NEAR, |byte| {
        byte > b' ' && !matches!(byte, b'/' | b'"' | b'\'' | b'<' | b'>' | b'@' | b'=' | b'`')
    });
    let go = [b"tcp(".as_slice(), b"unix("]
        .iter()
        .any(|host| part(text, sign + 1, text.len()).starts_with(host));
    let relative = read_before(text, start, b"//") && !read_before(text, start, b"://");
    let parted = part(text, start, sign).contains(&b':');
    (parted && (go || relative))
        .then(|| secret(layer, start, sign))
        .flatten()
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
        for text in [
            "//user@host/x",
            "https://user:pass@host",
            "user:pass@host",
            "path//a/b:c@d",
            "user@tcp(db)/x",
            "//[redacted:url_secret]@host",
        ] {
            assert_eq!(find_bare(text), None, "{text}");
        }
    }
}
