//! Quotes that look as if they opened a value and close the string that the name stands in: `{"error": "invalid token:", ...}`.

use crate::text::{BACKSLASHES, Layer, at, before, part, quote_before, run_end, run_start};
use crate::value::opening;

/// How far back from a name the quote is looked for that opens its string.
const NEAR: usize = 512;

/// Whether the quote at `quote` closes the string in which the name at `name` stands.
pub(super) fn is_closed(layer: Layer<'_>, name: usize, quote: usize) -> bool {
    let bare = matches!(layer.at(quote), b'"' | b'\'' | b'\\');
    let Some((opened, inside)) = opening(layer, quote).filter(|_| bare) else {
        return false;
    };
    closes(layer.text, inside) && is_opened(layer, name, opened.mark, inside - quote)
}

/// Whether what stands at `end` follows a string, rather than being the beginning of one.
pub(super) fn closes(text: &[u8], end: usize) -> bool {
    matches!(
        at(text, end),
        0..=b' ' | b',' | b';' | b':' | b')' | b']' | b'}' | b'>' | b'<' | b'\\' | b'`'
    )
}

/// Whether the last such quote before the name opens a string: it stands behind what parts strings, and before a word.
fn is_opened(layer: Layer<'_>, name: usize, mark: u8, length: usize) -> bool {
    let text = layer.text;
    let floor = name.saturating_sub(NEAR);
    let mut end = name;
    while end > floor {
        end = run_start(text, end, end - floor, |byte| byte != mark);
        let Some(quote) = quote_before(Layer::new(text, &[]), end).filter(|_| end > floor) else {
            return false;
        };
        if quote.len() <= length {
            let blanks = run_start(text, quote.start, BACKSLASHES, |byte| byte == b' ');
            let parts = matches!(
                before(text, blanks),
                0 | b':' | b'=' | b',' | b'(' | b'[' | b'{' | b'\n' | b'>'
            );
            let word = at(text, end) > b' ' && !closes(text, end);
            let parted = parts || blanks < quote.start;
            return quote.len() == length && parted && (word || end == name);
        }
        end = quote.start;
    }
    false
}

/// Whether this stands for a value in a statement: `?`, `$1`, `:1`, `:name`, `@p1`, `%s`, `%(name)s`, and `@name` of that name.
pub(super) fn is_placeholder(value: &[u8], name: &[u8]) -> bool {
    let digits = |rest: &[u8]| (1..=3).contains(&rest.len()) && rest.iter().all(u8::is_ascii_digit);
    let word = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    match value {
        b"?" | b"%s" => true,
        [b'$' | b':' | b'?', rest @ ..] if digits(rest) => true,
        [b':' | b'@', rest @ ..] if rest.eq_ignore_ascii_case(name) => true,
        [b':', rest @ ..] => {
            rest.len() < BACKSLASHES && !rest.is_empty() && run_end(rest, 0, word) == rest.len()
        }
        [b'@', b'p' | b'P', rest @ ..] => digits(rest),
        [b'%', b'(', rest @ ..] => {
            let end = run_end(rest, 0, |byte| word(byte) || byte.is_ascii_alphanumeric());
            end > 0 && part(rest, end, rest.len()) == b")s"
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;
    use crate::redacted;

    fn masked(text: &str) -> String {
        redacted(text).replace("[redacted:secret_key]", "[S]")
    }

    #[test]
    fn placeholders_are_known() {
        for value in [
            "?", "$1", ":1", ":token", ":pw", "@p1", "@Token", "%s", "%(pw)s",
        ] {
            assert!(is_placeholder(value.as_bytes(), b"token"), "{value}");
        }
        for value in [
            "", "?x", "$x", "$1234", ":hunter2", "@hunter", "%s1", "%()s", ":",
        ] {
            assert!(!is_placeholder(value.as_bytes(), b"token"), "{value}");
        }
    }

    #[test]
    fn the_quote_that_closes_the_string_of_a_name_opens_no_value() {
        for text in [
            r#"{"error":"invalid token:","code":401}"#,
            r#"{"error": "invalid token: ", "code": 401}"#,
            r#"{"label":"Password:","type":"input"}"#,
            r#"{"url":"/x?token=","n":1}"#,
            r#"{"fields":["user:","password:","email:"]}"#,
            r#"{"a":"{\"error\":\"token:\",\"n\":1}","n":1}"#,
            r#"{"a":"said \"x\", Cookie: ","n":1}"#,
            "msg=\"password: \" user=bob",
            "echo \"Password: \"; read x",
            "{'prompt': 'password=', 'n': 1}",
            r#"{"usage":"give --password ","n":1}"#,
        ] {
            assert_eq!(masked(text), text);
        }
        for (text, expected) in [
            ("a=\"x\" password=\"y\" b", "a=\"x\" password=\"[S]\" b"),
            ("a=\"x \" password=\" y\" b", "a=\"x \" password=\"[S]\" b"),
            (
                r#"{"a":"{token: \" x\"}","n":1}"#,
                r#"{"a":"{token: \"[S]\"}","n":1}"#,
            ),
            ("x[\"token\"] = \" y\"", "x[\"token\"] = \"[S]\""),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }

    #[test]
    fn placeholders_of_statements_are_left() {
        for text in [
            "SET password = ? WHERE id = $1",
            "WHERE token = $1 AND a = 1",
            "WHERE token = :token",
            "WHERE password = @p1, b = 2",
            "(password = %s)",
            "password = %(pw)s WHERE",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
