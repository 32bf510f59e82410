//! E-mail addresses: from an at sign, back over the local part and on over the domain.

use std::ops::Range;

use crate::text::{at, before, hex, part, past_escape, percent, tail};

/// How far back userinfo may begin: `https://user:pass@host` holds no address.
const USERINFO: usize = 128;

/// The address around the at sign `text[sign.start..sign.end]`, which is `@`, `%40` or `%2540`.
pub(crate) fn find(text: &[u8], sign: Range<usize>) -> Option<Range<usize>> {
    let end = domain_end(text, sign.end)?;
    let start = local_start(text, sign.start);
    (start < sign.start && !is_userinfo(text, start)).then_some(start..end)
}

/// Where the local part that ends at `end` starts.
fn local_start(text: &[u8], end: usize) -> usize {
    let mut start = end;
    while start > 0 {
        match before(text, start) {
            b'%' => match escape(text, start - 1) {
                Some((byte, length)) if start - 1 + length <= end => {
                    if !is_local(byte) && byte < 0x80 {
                        start += length - 1;
                        break;
                    }
                    start -= 1;
                }
                _ => break,
            },
            byte if is_local(byte) => start -= 1,
            byte if byte >= 0x80 => match letter_before(text, start) {
                Some(length) => start -= length,
                None => break,
            },
            _ => break,
        }
    }
    let mut start = past_escape(text, start).min(end);
    while start < end && matches!(at(text, start), b'.' | b'-' | b'+') {
        start += 1;
    }
    start
}

/// What the percent escape at `i` stands for, and its length: `%2B`, and encoded twice `%252B`.
fn escape(text: &[u8], i: usize) -> Option<(u8, usize)> {
    let byte = percent(text, i)?;
    if byte != b'%' {
        return Some((byte, 3));
    }
    let twice = hex(at(text, i + 3)).zip(hex(at(text, i + 4)));
    Some(twice.map_or((byte, 3), |(high, low)| (high << 4 | low, 5)))
}

/// Where the domain at `start` ends: at its last label that can be a top-level domain, and has one before it.
fn domain_end(text: &[u8], start: usize) -> Option<usize> {
    let mut end = None;
    let mut label = start;
    let mut labels = 0_usize;
    let mut numeric = true;
    loop {
        let stop = label_end(text, label);
        if stop == label || at(text, label) == b'-' {
            break;
        }
        if labels > 0 {
            end = top_level_end(text, label, stop).or(end);
        }
        if labels == 1 && numeric && at(text, label).is_ascii_digit() {
            return None; // a version: 1.2.3-rc.dev
        }
        numeric = labels == 0 && part(text, label, stop).iter().all(u8::is_ascii_digit);
        labels += 1;
        if at(text, stop) != b'.' {
            break;
        }
        label = stop + 1;
    }
    end.filter(|&end| !is_image(part(text, start, end)))
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

/// Pictures for finer screens are no addresses: `icon@2x.png`.
fn is_image(domain: &[u8]) -> bool {
    matches!(domain, [b'1'..=b'9', b'x' | b'X', b'.', kind @ ..]
        if [b"png".as_slice(), b"jpg", b"jpeg", b"gif", b"webp", b"svg"].iter().any(|image| kind.eq_ignore_ascii_case(image)))
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
        let sign = ["%2540", "%40", "@"]
            .iter()
            .filter_map(|sign| text.find(sign).map(|at| at..at + sign.len()))
            .min_by_key(|sign| sign.start)
            .expect("an at sign in the test's text");
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
            ("q=1&email=bob_k68%40example.org&x", "bob_k68%40example.org"),
            (
                "email%3Dbob%2Bshop%40example.org%26x",
                "bob%2Bshop%40example.org",
            ),
            ("next=%252Fu%253Dbob%2540example.org", "bob%2540example.org"),
            ("write to alice@example.org.", "alice@example.org"),
            ("alice@example.org.123", "alice@example.org"),
            ("alice@example.com-foo", "alice@example.com"),
            ("alice@example.com_x", "alice@example.com"),
            ("\x1b[36malice@example.org\x1b[0m", "alice@example.org"),
            ("line\\nalice@example.org\\n", "alice@example.org"),
            ("\\u003calice@example.org\\u003e", "alice@example.org"),
            ("\u{201c}alice@example.org\u{201d}", "alice@example.org"),
            (
                "an m\u{fc}ller@b\u{fc}cher.example hier",
                "m\u{fc}ller@b\u{fc}cher.example",
            ),
            ("a@xn--bcher-kva.xn--p1ai", "a@xn--bcher-kva.xn--p1ai"),
            ("m%C3%BCller%40example.org", "m%C3%BCller%40example.org"),
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
            "100%40",
            "=@example.org",
        ] {
            assert_eq!(first(text), None, "{text:?}");
        }
    }
}
