//! The shape of Redis commands: each argument becomes `?`, as SDKs do it themselves.

use crate::detector::mask_length;

/// No command is longer, those of modules included.
const LONGEST: usize = 32;

/// The shape of these commands, one a line; none if it is their own.
pub(super) fn shape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut first = true;
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let Some(command) = words.next() else {
            continue;
        };
        if !first {
            out.push('\n');
        }
        // A line that is not the first may be one of a value.
        let known = is_command(command)
            && (first || !command.bytes().any(|byte| byte.is_ascii_lowercase()));
        out.push_str(if known { command } else { "?" });
        for word in words {
            out.push(' ');
            let masked = mask_length(word.as_bytes()) == word.len();
            out.push_str(if masked { word } else { "?" });
        }
        first = false;
    }
    (out != text).then_some(out)
}

fn is_command(word: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'.' | b'_' | b'-');
    word.len() <= LONGEST && word.bytes().all(letters)
}

#[cfg(test)]
mod tests {
    use super::shape;

    #[test]
    fn arguments_are_hidden() {
        for (text, expected) in [
            ("SET user:17 alice", "SET ? ?"),
            ("get user:17", "get ?"),
            ("ZADD z 1 a\nHSET h k v", "ZADD ? ? ?\nHSET ? ? ?"),
            ("SET k line\nhunter", "SET ? ?\n?"),
            ("SET k line\n\nHUNTER2 x", "SET ? ?\n? ?"),
            ("FT.SEARCH i \"a b\"", "FT.SEARCH ? ? ?"),
            ("hunter2", "?"),
            ("  PING", "PING"),
        ] {
            assert_eq!(shape(text).as_deref(), Some(expected), "{text}");
            assert_eq!(shape(expected), None, "{text}, twice");
        }
    }

    #[test]
    fn what_an_sdk_has_shaped_stays() {
        for text in [
            "",
            "PING",
            "SET ? [redacted:sql:3f2a9c0b7d1e4f56]",
            "SET ? ? ? ?",
            "ZADD ? ? ?\nHSET ? ? ?",
        ] {
            assert_eq!(shape(text), None, "{text}");
        }
    }
}
