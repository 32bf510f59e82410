//! What HTTP authenticates with: tokens after Bearer, passwords after Basic, and JSON Web Tokens wherever they stand.

use std::ops::Range;

use crate::label::{Words, says};
use crate::prose::is_word;
use crate::text::{BACKSLASHES, at, before, part, reads, run_end, run_start, starts_word};

/// The shortest token worth hiding.
const SHORT: usize = 6;
/// The header that a token stands in.
const HEADER: Words = Words::new(&["authorization"]);
/// More of a credential than this is not decoded to look at it.
const DECODED: usize = 512;

/// What was found, if anything was, and where looking for more goes on: nothing is looked at twice.
pub(crate) type Found = (Option<Range<usize>>, usize);

/// The token after the word Bearer, which starts at `start`.
pub(crate) fn bearer(text: &[u8], scheme: usize) -> Found {
    let Some(start) = after_word(text, scheme, b"bearer") else {
        return (None, scheme);
    };
    let quoted = matches!(before(text, start), b'"' | b'\'');
    let letters = run_end(text, start, |byte| {
        is_base64(byte) || matches!(byte, b'.' | b'~')
    });
    let end = run_end(text, letters, |byte| byte == b'=');
    let word = part(text, start, letters);
    let next = at(text, end);
    // Of a parameter this is the name, whose value is a word, a string or a mask.
    let named = matches!(next, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'[')
        || !quoted && matches!(next, b'"' | b'\'' | b'\\');
    let value = quote_end(text, end).is_none_or(|quote| !is_closer(at(text, quote)));
    let parameter = end == letters + 1 && named && value;
    // A word may be a token where nothing else is meant.
    let alone = || next != b' ' && says(text, scheme, &HEADER);
    let found = word.len() >= SHORT && !parameter && (!is_word(word) || alone());
    (found.then_some(start..end), end)
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

/// The JSON Web Token whose header starts at `start`, or whose claims do, behind a header that begins with a blank.
pub(crate) fn jwt(text: &[u8], start: usize) -> Found {
    let start = header_before(text, start).unwrap_or(start);
    let first = run_end(text, start, is_base64url);
    let header = part(text, start, first);
    let mut end = first;
    let mut segments = 1;
    let mut claims = false;
    while at(text, end) == b'.' && segments < 5 {
        claims |= segments == 1 && reads(text, end + 1, b"eyJ");
        end = run_end(text, end + 1, is_base64url);
        segments += 1;
    }
    let found = (segments >= 3 || claims) && starts_word(text, start) && is_object(header);
    if found {
        (Some(start..end), end)
    } else {
        (None, first)
    }
}

/// Where the header starts that a dot parts from the claims at `claims`, if it begins with a bracket and a blank, as .NET's.
fn header_before(text: &[u8], claims: usize) -> Option<usize> {
    let end = claims.checked_sub(1).filter(|&dot| at(text, dot) == b'.')?;
    let start = run_start(text, end, DECODED, is_base64url);
    part(text, start, end).starts_with(b"ew").then_some(start)
}

/// Whether this is base64url of the beginning of a JSON object.
fn is_object(header: &[u8]) -> bool {
    let json = decode(header).filter(|json| header.len() >= SHORT && is_text(json));
    json.is_some_and(|json| match json.strip_prefix(b"{") {
        Some(inside) => inside.trim_ascii_start().starts_with(b"\""),
        None => false,
    })
}

/// Behind this word at `start`, and what parts a scheme from its credentials: blanks, a colon or an equals sign, a quote.
fn after_word(text: &[u8], start: usize, word: &[u8]) -> Option<usize> {
    if !reads(text, start, word) || !starts_word(text, start) {
        return None;
    }
    let start = start + word.len();
    let mut end = run_end(text, start, |byte| {
        matches!(byte, b' ' | b'\t' | b'+' | b':' | b'=')
    });
    if end == start {
        return None;
    }
    end += usize::from(at(text, end) == b'\\' && at(text, end + 1) == b'"');
    Some(end + usize::from(matches!(at(text, end), b'"' | b'\'')))
}

/// Behind the quote at `start`, however many backslashes it has.
fn quote_end(text: &[u8], start: usize) -> Option<usize> {
    let near = part(text, 0, start + BACKSLASHES);
    let quote = run_end(near, start, |byte| byte == b'\\');
    matches!(at(text, quote), b'"' | b'\'').then_some(quote + 1)
}

/// Whether this follows a string, rather than being the beginning of one.
const fn is_closer(byte: u8) -> bool {
    matches!(
        byte,
        0..=b' ' | b',' | b';' | b':' | b')' | b']' | b'}' | b'>' | b'<' | b'\\'
    )
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Decodes base64, of either alphabet, as far as [`DECODED`] bytes of it.
fn decode(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let (mut bits, mut held) = (0_u32, 0_u32);
    for &byte in part(encoded, 0, DECODED) {
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
            (r#"{"x":"Bearer abcDEF123456=="}"#, "abcDEF123456=="),
            (r#"{"x":"Bearer abcDEF12345=","n":1}"#, "abcDEF12345="),
            (r#"{"a":"{\"x\":\"Bearer abcDEF12345=\"}"}"#, "abcDEF12345="),
            ("curl -H 'X-Auth: Bearer Zx9Qpw7Zx9Q==' x", "Zx9Qpw7Zx9Q=="),
            ("hdr=\"Bearer Zx9Qpw7Zx9Q==\"", "Zx9Qpw7Zx9Q=="),
            ("auth=Bearer+mF_9.B5f-4.1JqM", "mF_9.B5f-4.1JqM"),
            (
                "{'Authorization': 'Bearer hunter2hunter2'}",
                "hunter2hunter2",
            ),
            ("bearer=0af9c1d2", "0af9c1d2"),
            ("Bearer \"mF_9.B5f-4.1JqM==\"", "mF_9.B5f-4.1JqM=="),
            ("Bearer: \\\"0af9c1d2\\\"", "0af9c1d2"),
            ("Bearer averylongtokenofletters", "averylongtokenofletters"),
            ("Authorization: Bearer supersecret", "supersecret"),
            ("{'authorization': 'Bearer supersecret'}", "supersecret"),
        ] {
            assert_eq!(after(text, "bearer", bearer), Some(token), "{text:?}");
        }
    }

    #[test]
    fn a_sentence_about_bearers_is_left() {
        for text in [
            "Bearer token expired",
            "Authorization: Bearer token expired",
            "Bearer supersecret",
            "a bearer of news",
            "Bearer Authentication failed",
            "BEARER TOKEN",
            "Bearer",
            "Bearer realm=\"shop\", error=\"invalid_token\"",
            "Bearer realm=\\\"shop\\\"",
            "Bearer error_code=7",
            "Bearer span_id=4111111111111111",
            "forbearer abcDEF123456",
            "Bearer [redacted:bearer]",
            "Bearer 401",
            "\"token_type\":\"Bearer\",\"scope\":\"read_write\"",
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
    fn the_header_of_a_json_web_token_may_begin_with_a_blank() {
        // base64url of "{\r\n  \"alg\": \"HS256\"\r\n}", by hand.
        let token = "ew0KICAiYWxnIjogIkhTMjU2Ig0KfQ.eyJzdWIiOiJhIn0.abc";
        let text = format!("jwt {token}, x");
        assert_eq!(
            jwt(text.as_bytes(), 35).0,
            Some(4..4 + token.len()),
            "{text}"
        );
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
