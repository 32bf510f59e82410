//! Signs that turn out, by the bytes next to them, to be the sign of nothing: most of those in a text.
//!
//! It looks at bytes alone and does not know where texts end, so that it may say too seldom that a sign is idle, and never too
//! often: what it lets pass is looked at in its text.

use crate::name;
use crate::text::{at, before};

/// The most digits at the end of a name that are looked past.
const DIGITS: usize = 3;

/// Whether nobody finds anything around the sign at `sign`.
pub(super) fn is_idle(data: &[u8], sign: usize) -> bool {
    let next = at(data, sign + 1);
    match at(data, sign) {
        b':' => next != b'/' && !is_address(before(data, sign), next) && !may_end(data, sign, b"$"),
        b'=' => !may_end(data, sign, b"$"),
        b'>' => !may_end(data, sign, b":"),
        b'"' | b'\'' => next != b',' || !may_end(data, sign, b"$ "),
        b'&' => !matches!(next, b'#' | b'a' | b'c' | b'l' | b'p' | b'q'),
        b'%' => !next.is_ascii_hexdigit(),
        b'J' => before(data, sign) != b'y',
        b'b' | b'B' => !matches!(at(data, sign + 2), b'a' | b'A' | b'G' | b's' | b'S'),
        _ => false,
    }
}

/// Whether a colon between these bytes may be one of an IPv6 address.
const fn is_address(before: u8, next: u8) -> bool {
    (next.is_ascii_hexdigit() || next == b':')
        && (before.is_ascii_hexdigit() || before == b':' || next == b':')
}

/// Whether what ends at `end` may be a name that says something: of a secret, or of another name's value. Beside letters,
/// digits, underscores, dashes and dots it may hold these.
fn may_end(data: &[u8], end: usize, more: &[u8]) -> bool {
    let is_part = |byte: u8| matches!(byte, b'_' | b'-' | b'.') || more.contains(&byte);
    let mut last = end;
    while before(data, last).is_ascii_digit() {
        last -= 1;
        if end - last > DIGITS {
            return true;
        }
    }
    let letter = before(data, last);
    if !letter.is_ascii_alphabetic() {
        // What parts a name from its separator.
        let parts = matches!(letter, b' ' | b'\t' | b'"' | b'\'' | b'\\' | b']');
        return is_part(letter) || last == end && parts;
    }
    match before(data, last - 1) {
        second if second.is_ascii_alphabetic() => name::may_end(second, letter),
        second => is_part(second),
    }
}

#[cfg(test)]
mod tests {
    use super::is_idle;

    fn idle(text: &str) -> bool {
        let sign = text.find('^').expect("a mark");
        is_idle(text.replace('^', "").as_bytes(), sign)
    }

    #[test]
    fn what_may_be_the_sign_of_a_secret_is_looked_at() {
        for text in [
            "password^=x",
            "pass_word2^=x",
            "sig^=x",
            "pass^=x",
            "a_^=x",
            "TOKEN ^= x",
            "token\"^:x",
            "user[token]^=x",
            "\"value\"^:",
            "value^:",
            "'pass word 2^',",
            "<a:token^>",
            "12345^:x",
            "12-^:x",
            "fe80^::1",
            "a^:b",
            "https^://u:p@h",
            "<token^>x",
            "'token^',",
            "'--token x^',",
            "^&#64;",
            "^&commat;",
            "^%41",
            "ey^J",
            "^bearer",
            "^BASIC",
            "^BEGIN",
            "^@",
            "^\\n",
            "^+1",
            "^-- ",
        ] {
            assert!(!idle(text), "{text}");
        }
    }

    #[test]
    fn most_signs_are_idle() {
        for text in [
            "page^=x",
            "?a^=x",
            "9a^=x",
            "at 10^: x",
            "a b^=x",
            "route^: /x",
            "(^=",
            "^=",
            "<br^>",
            "'x^',",
            "&^&x",
            "^% of",
            "^%",
            "^J",
            "^bed",
            "\u{fc}^=x",
        ] {
            assert!(idle(text), "{text}");
        }
    }
}
