//! E-mail addresses: from an at sign, back over the local part and on over the domain.

use std::ops::Range;

use crate::text::{Layer, at, before, part, quote_before, read_before, run_start, tail};

/// How far back userinfo may begin: `https://user:pass@host` holds no address.
const USERINFO: usize = 128;
/// The longest local part in quotes.
const QUOTED: usize = 64;
/// What a file or a systemd unit is named after, and no domain.
const NO_DOMAINS: [&[u8]; 30] = [
    b"service", b"socket", b"timer", b"scope", b"slice", b"mount", b"device", b"png", b"jpg",
    b"jpeg", b"gif", b"webp", b"svg", b"js", b"mjs", b"ts", b"tsx", b"jsx", b"css", b"html",
    b"json", b"yaml", b"yml", b"toml", b"xml", b"txt", b"go", b"java", b"rb", b"php",
];

/// The address around the at sign at `sign`.
pub(crate) fn find(text: &[u8], sign: usize) -> Option<Range<usize>> {
    let end = domain_end(text, sign + 1)?;
    let start = local_start(text, sign).or_else(|| quoted_start(text, sign))?;
    (!is_userinfo(text, start) && !is_path(text, start, sign, end)).then_some(start..end)
}

/// Where the local part that ends at `end` starts, if there is one.
fn local_start(text: &[u8], end: usize) -> Option<usize> {
    let mut start = end;
    loop {
        start -= match before(text, start) {
            byte if is_local(byte) => 1,
            b'\'' if is_apostrophe(text, start - 1) => 1,
            byte if byte >= 0x80 => match letter_before(text, start) {
                Some(length) => length,
                None => break,
            },
            _ => break,
        };
    }
    while start < end && matches!(at(text, start), b'.' | b'-' | b'+') {
        start += 1;
    }
    (start < end).then_some(start)
}

/// Whether this is the apostrophe of a name, as in o'brien, and not the quote of a string, as in Python's b'alice'.
fn is_apostrophe(text: &[u8], i: usize) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphabetic();
    let word = part(text, run_start(text, i, 3, letters), i);
    let prefix = matches!(
        word,
        [b'b' | b'r' | b'u' | b'f' | b'B' | b'R' | b'U' | b'F']
    );
    letters(at(text, i + 1)) && !word.is_empty() && !prefix
}

/// Where the local part in quotes that ends at `end` starts: `"alice smith"@example.org`.
fn quoted_start(text: &[u8], end: usize) -> Option<usize> {
    let quote = quote_before(Layer::new(text, &[]), end).filter(|_| before(text, end) == b'"')?;
    let inside = quote.start;
    let within = |byte: u8| is_local(byte) || byte == b' ';
    let start = run_start(text, inside, QUOTED, within);
    let opened = read_before(text, start, part(text, quote.start, quote.end));
    let words = |i: usize| at(text, i).is_ascii_alphanumeric();
    let local = opened && start < inside && words(start) && words(inside - 1);
    local.then(|| start - quote.len())
}

/// Whether this is a path in a program or a repository: `std::vec@main.rs`, `git@github.com:otlet/otlet`.
fn is_path(text: &[u8], start: usize, sign: usize, end: usize) -> bool {
    let git = part(text, start, sign) == b"git" && matches!(at(text, end), b':' | b'/');
    git && at(text, end + 1) > b' ' || read_before(text, start, b"::")
}

/// Where the domain at `start` ends: at its last label that can be a top-level domain, and has one before it.
fn domain_end(text: &[u8], start: usize) -> Option<usize> {
    let mut end = None;
    let mut label = start;
    let mut labels = 0_usize;
    let mut version = false;
    loop {
        let stop = label_end(text, label);
        if stop == label || at(text, label) == b'-' {
            return end;
        }
        if labels == 1 && version && at(text, label).is_ascii_digit() {
            return None; // 1.2.3-rc.dev
        }
        if labels > 0 {
            end = top_level_end(text, label, stop).or(end);
        } else {
            let number = part(text, label, stop);
            let number = number.strip_prefix(b"v").unwrap_or(number);
            version = number.iter().all(u8::is_ascii_digit);
        }
        labels += 1;
        if at(text, stop) != b'.' {
            let last = part(text, label, stop);
            let file = |name: &&[u8]| last.eq_ignore_ascii_case(name);
            return end.filter(|_| !NO_DOMAINS.iter().any(file));
        }
        label = stop + 1;
    }
}

/// Where the label at `start` ends.
fn label_end(text: &[u8], start: usize) -> usize {
    let mut i = start;
    loop {
        match at(text, i) {
            byte if byte.is_ascii_alphanumeric() || byte == b'-' => i += 1,
            byte if byte >= 0x80 => match letter_after(text, i) {
                Some(length) => i += length,
                None => return i,
            },
            _ => return i,
        }
    }
}

/// Where the top-level domain that this label begins with ends: letters, at least two, up to a hyphen or the label's end.
fn top_level_end(text: &[u8], start: usize, stop: usize) -> Option<usize> {
    let label = part(text, start, stop);
    if label.len() > 4
        && label
            .get(..4)
            .is_some_and(|head| head.eq_ignore_ascii_case(b"xn--"))
    {
        let dashes = label.iter().rev().take_while(|&&byte| byte == b'-').count();
        return Some(stop - dashes);
    }
    let letters = label
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic() || **byte >= 0x80)
        .count();
    let ends = letters == label.len() || label.get(letters) == Some(&b'-');
    (letters >= 2 && ends).then_some(start + letters)
}

/// Whether what starts here is the user of a URL.
fn is_userinfo(text: &[u8], start: usize) -> bool {
    let floor = start.saturating_sub(USERINFO);
    let mut i = start;
    while i > floor {
        match before(text, i) {
            b'/' => return part(text, 0, i).ends_with(b"://"),
            b'@' | b'"' | b'\'' | b'<' | b'>' | b'?' | b'&' | b'=' | b'#' | 0..=b' ' => {
                return false;
            }
            _ => i -= 1,
        }
    }
    false
}

const fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+')
}

/// The length of the letter or digit beyond ASCII that ends at `end`.
fn letter_before(text: &[u8], end: usize) -> Option<usize> {
    let length = (2..=4).find(|&length| {
        end.checked_sub(length)
            .is_some_and(|start| at(text, start) & 0xc0 == 0xc0)
    })?;
    letter_after(text, end - length).filter(|&found| found == length)
}

/// The length of the letter or digit beyond ASCII that stands at `start`.
fn letter_after(text: &[u8], start: usize) -> Option<usize> {
    let length = match at(text, start) {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let letter = std::str::from_utf8(part(tail(text, start), 0, length))
        .ok()?
        .chars()
        .next()?;
    letter.is_alphanumeric().then_some(length)
}

#[cfg(test)]
mod tests {
    use super::find;

    /// What is found around the first at sign.
    fn first(text: &str) -> Option<&str> {
        let sign = text.find('@').expect("an at sign in the test's text");
        find(text.as_bytes(), sign).and_then(|found| text.get(found))
    }

    #[test]
    fn addresses_are_found_whole() {
        for (text, address) in [
            ("alice@example.org", "alice@example.org"),
            (
                "to <alice.b_c-d+shop@mail.example.co.uk>, ok",
                "alice.b_c-d+shop@mail.example.co.uk",
            ),
            ("user='bob@EXAMPLE.com' AND", "bob@EXAMPLE.com"),
            ("write to alice@example.org.", "alice@example.org"),
            ("alice@example.org.123", "alice@example.org"),
            ("alice@example.com-foo", "alice@example.com"),
            ("alice@example.com_x", "alice@example.com"),
            ("to o'brien@example.org", "o'brien@example.org"),
            ("b'alice@example.org'", "alice@example.org"),
            ("'alice@example.org'", "alice@example.org"),
            ("\"alice smith\"@example.org", "\"alice smith\"@example.org"),
            (
                r#"{"a": "\"al b\"@example.org"}"#,
                r#"\"al b\"@example.org"#,
            ),
            (r#"\\\"al\\\"@example.org"#, r#"\\\"al\\\"@example.org"#),
            ("git@vger.kernel.org", "git@vger.kernel.org"),
            ("\u{201c}alice@example.org\u{201d}", "alice@example.org"),
            (
                "an m\u{fc}ller@b\u{fc}cher.example hier",
                "m\u{fc}ller@b\u{fc}cher.example",
            ),
            ("a@xn--bcher-kva.xn--p1ai", "a@xn--bcher-kva.xn--p1ai"),
            ("user@123.com", "user@123.com"),
        ] {
            assert_eq!(first(text), Some(address), "{text:?}");
        }
    }

    #[test]
    fn what_only_looks_like_an_address_is_left() {
        for text in [
            "@on_call",
            "team@ host",
            "cc @team",
            "foo@1.2.3",
            "foo@1.2.3-rc.alpha",
            "react@18.2.0.dev",
            "root@localhost",
            "celery@vm",
            "gen26040@vm",
            "image@sha256:9f86",
            "logo@2x.png",
            "a@b.c",
            "a@.example.org",
            "a@-x.org",
            "postgresql://shop:hunter2@db.example.com/x",
            "ssh://git@host.example.org/x",
            "@app.route",
            "a@b..org",
            "=@example.org",
            "\"domain\": \"@example.org\"",
            "[\"a\", \"@example.org\"]",
            "git@github.com:otlet/otlet.git",
            "git@github.com/otlet/otlet.git",
            "sshd@2.service",
            "user@1000.service",
            "lib@core.min.js",
            "std::vec@main.rs:12",
            "golang.org/x/net@v0.0.0-20200101.info",
        ] {
            assert_eq!(first(text), None, "{text:?}");
        }
    }
}
