//! What HTTP authenticates with: tokens after Bearer, passwords after Basic, and JSON Web Tokens wherever they stand.

use std::ops::Range;

use crate::text::{at, before, part, percent, reads, starts_word};

/// A word this long after "Bearer" is a token, however it looks.
const LONG: usize = 16;
/// The shortest token worth hiding.
const SHORT: usize = 6;
/// More of a credential than this is not decoded to look at it.
const DECODED: usize = 512;

/// What was found, if anything was, and where looking for more goes on: nothing is looked at twice.
pub(crate) type Found = (Option<Range<usize>>, usize);

/// The token after the word Bearer, which starts at `start`.
pub(crate) fn bearer(text: &[u8], start: usize) -> Found {
    let Some(start) = after_word(text, start, b"bearer") else {
        return (None, start);
    };
    let mut end = run_end(text, start, |byte| {
        is_base64(byte) || matches!(byte, b'.' | b'~')
    });
    let word = part(text, start, end);
    let prose = word.len() < LONG && is_prose(word);
    while at(text, end) == b'=' || percent(text, end) == Some(b'=') {
        end += if at(text, end) == b'=' { 1 } else { 3 };
    }
    let parameter = before(text, end) == b'=' && matches!(at(text, end), b'"' | b'\'' | b'\\');
    (
        (word.len() >= SHORT && !prose && !parameter).then_some(start..end),
        end,
    )
}

/// The credentials after the word Basic, which starts at `start`: base64 of a user, a colon and a password.
pub(crate) fn basic(text: &[u8], start: usize) -> Found {
    let Some(start) = after_word(text, start, b"basic") else {
        return (None, start);
    };
    let end = run_end(text, start, |byte| is_base64(byte) || byte == b'=');
    let decoded = decode(part(text, start, end));
    let found = decoded.is_some_and(|decoded| decoded.contains(&b':') && is_text(&decoded));
    (found.then_some(start..end), end)
}

/// The JSON Web Token that starts at `start`.
pub(crate) fn jwt(text: &[u8], start: usize) -> Found {
    let first = segment_end(text, start);
    let header = part(text, start, first);
    let mut end = first;
    let mut segments = 1;
    let mut claims = false;
    while at(text, end) == b'.' && segments < 5 {
        claims |= segments == 1 && reads(text, end + 1, b"eyJ");
        end = segment_end(text, end + 1);
        segments += 1;
    }
    let found = (segments >= 3 || claims) && starts_word(text, start) && is_object(header);
    if found {
        (Some(start..end), end)
    } else {
        (None, first)
    }
}

/// Whether this is base64url of the beginning of a JSON object.
fn is_object(header: &[u8]) -> bool {
    header.len() >= SHORT
        && decode(part(header, 0, DECODED))
            .is_some_and(|json| json.starts_with(b"{\"") && is_text(&json))
}

fn segment_end(text: &[u8], start: usize) -> usize {
    let mut end = start;
    while at(text, end).is_ascii_alphanumeric() || matches!(at(text, end), b'-' | b'_') {
        end += 1;
    }
    end
}

/// Behind this word at `start`, and what parts a scheme from its credentials: blanks, a colon or an equals sign.
fn after_word(text: &[u8], start: usize, word: &[u8]) -> Option<usize> {
    if !reads(text, start, word) || !starts_word(text, start) {
        return None;
    }
    let start = start + word.len();
    let mut i = start;
    loop {
        match at(text, i) {
            b' ' | b'\t' | b'+' | b':' | b'=' => i += 1,
            b'%' if matches!(percent(text, i), Some(b' ' | b':' | b'=')) => i += 3,
            _ => return (i > start).then_some(i),
        }
    }
}

/// Where the run of such bytes, plain or percent-encoded, ends.
fn run_end(text: &[u8], start: usize, within: impl Fn(u8) -> bool) -> usize {
    let mut end = start;
    loop {
        if within(at(text, end)) {
            end += 1;
        } else if percent(text, end).is_some_and(&within) {
            end += 3;
        } else {
            return end;
        }
    }
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// Whether this is a word of a sentence: lower case, capitalised or in capitals.
fn is_prose(word: &[u8]) -> bool {
    let letters = word
        .iter()
        .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'.' | b'-' | b'/'));
    let small = word.iter().skip(1).all(|byte| !byte.is_ascii_uppercase());
    letters && (small || word.iter().all(|byte| !byte.is_ascii_lowercase()))
}

/// Decodes base64, of either alphabet, percent-encoded or not, as far as [`DECODED`] bytes of it.
fn decode(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    let mut i = 0;
    while i < encoded.len().min(DECODED) {
        let byte = percent(encoded, i).unwrap_or_else(|| at(encoded, i));
        i += if at(encoded, i) == b'%' { 3 } else { 1 };
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            decoded.push(u8::try_from(bits >> held & 0xff).unwrap_or_default());
        }
    }
    Some(decoded)
}

/// Whether these bytes are readable: UTF-8, perhaps cut off, without control characters.
fn is_text(bytes: &[u8]) -> bool {
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => bytes.len(),
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => return false,
    };
    part(bytes, 0, valid)
        .iter()
        .all(|&byte| byte >= b' ' && byte != 0x7f || matches!(byte, b'\n' | b'\r' | b'\t'))
}

#[cfg(test)]
mod tests {
    use super::{Found, basic, bearer, jwt};

    fn after<'a>(text: &'a str, word: &str, find: fn(&[u8], usize) -> Found) -> Option<&'a str> {
        let start = text
            .to_ascii_lowercase()
            .find(word)
            .expect("the word in the test's text");
        find(text.as_bytes(), start)
            .0
            .and_then(|found| text.get(found))
    }

    #[test]
    fn the_token_after_bearer_is_found() {
        for (text, token) in [
            (
                "Bearer srgCtg5LSDwsVgj81HdY4ITuqR3aPf78gw7EGHW6",
                "srgCtg5LSDwsVgj81HdY4ITuqR3aPf78gw7EGHW6",
            ),
            (
                "authorization: bearer abc.DEF-g_h~i/j+k==, x",
                "abc.DEF-g_h~i/j+k==",
            ),
            ("BEARER  0af9c1", "0af9c1"),
            ("auth=Bearer%20abcDEF%3D%3D&x", "abcDEF%3D%3D"),
            ("auth=Bearer+mF_9.B5f-4.1JqM", "mF_9.B5f-4.1JqM"),
            (
                "{'Authorization': 'Bearer hunter2hunter2'}",
                "hunter2hunter2",
            ),
            ("bearer=0af9c1d2", "0af9c1d2"),
            ("Bearer averylongtokenofletters", "averylongtokenofletters"),
        ] {
            assert_eq!(after(text, "bearer", bearer), Some(token), "{text:?}");
        }
    }

    #[test]
    fn a_sentence_about_bearers_is_left() {
        for text in [
            "Bearer token expired",
            "a bearer of news",
            "Bearer Authentication failed",
            "BEARER TOKEN",
            "Bearer",
            "Bearer realm=\"shop\", error=\"invalid_token\"",
            "Bearer realm=\\\"shop\\\"",
            "forbearer abcDEF123456",
            "Bearer [redacted:bearer]",
            "Bearer 401",
        ] {
            assert_eq!(after(text, "bearer", bearer), None, "{text:?}");
        }
    }

    #[test]
    fn the_password_after_basic_is_found() {
        // base64 of "alice:hunter2", "u:p" and "user:päss", by hand.
        for (text, credentials) in [
            ("Basic YWxpY2U6aHVudGVyMg==", "YWxpY2U6aHVudGVyMg=="),
            ("authorization: basic dTpw, x", "dTpw"),
            (
                "a=Basic%20YWxpY2U6aHVudGVyMg%3D%3D&x",
                "YWxpY2U6aHVudGVyMg%3D%3D",
            ),
            ("Basic dXNlcjpww6Rzcw==", "dXNlcjpww6Rzcw=="),
        ] {
            assert_eq!(after(text, "basic", basic), Some(credentials), "{text:?}");
        }
        for text in [
            "basic authentication",
            "Basic auth required",
            "a basic plan",
            "basic",
            "visualbasic dTpw",
            "Basic YWxpY2U=",
        ] {
            assert_eq!(after(text, "basic", basic), None, "{text:?}");
        }
    }

    const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

    #[test]
    fn json_web_tokens_are_found() {
        for token in [
            format!("{HEADER}.eyJzdWIiOiJhIn0.c2ln"),
            format!("{HEADER}.eyJzdWIiOiJhIn0."),
            format!("{HEADER}.eyJzdWIiOi"),
            format!("{HEADER}.a.b.c.d"),
        ] {
            let text = format!("token={token}&x");
            assert_eq!(
                jwt(text.as_bytes(), 6).0,
                Some(6..6 + token.len()),
                "{token}"
            );
        }
    }

    #[test]
    fn what_only_begins_like_a_json_web_token_is_left() {
        for text in [
            HEADER,
            "eyJhbGciOiJIUzI1NiJ9.1",
            "eyJ.eyJ.x",
            "eyJ_____.aa.bb",
            "eyJhb",
        ] {
            assert_eq!(jwt(text.as_bytes(), 0).0, None, "{text}");
        }
        let inside = format!("x{HEADER}.a.b");
        assert_eq!(jwt(inside.as_bytes(), 1).0, None);
    }
}
