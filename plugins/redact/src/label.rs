//! What a number is called: the words before it, as in `phone: 030 1234567`, `"homePhone": "..."` or `version=1.2.3.4`.

use crate::text::{at, before, part, run_start};

/// The most that stands between a word and what follows it, and the most letters of a word that are looked at.
const GAP: usize = 8;
const WORD: usize = 32;
/// The most words that are looked at.
const WORDS: usize = 3;
/// Words that may follow the one that says what something is.
const FILLERS: [&str; 14] = [
    "number", "numbers", "no", "nr", "num", "value", "is", "was", "home", "work", "office", "main",
    "private", "at",
];

/// Whether the words before `start` say that what follows is one of these.
pub(crate) fn says(text: &[u8], start: usize, names: &[&str]) -> bool {
    let is = |word: &[u8], names: &[&str]| {
        names
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
    };
    let mut end = start;
    for _ in 0..WORDS {
        let Some((first, last)) = word_before(text, end) else {
            return false;
        };
        let word = part(text, first, last);
        if is(word, names) {
            return true;
        }
        if !is(word, &FILLERS) {
            return false;
        }
        end = first;
    }
    false
}

/// The last word before `end`, of the names that it may be a part of: `Number` of `homePhoneNumber2: `.
fn word_before(text: &[u8], end: usize) -> Option<(usize, usize)> {
    let gap = run_start(text, end, GAP, is_gap);
    let digits = run_start(text, gap, 2, |byte| byte.is_ascii_digit());
    let last = if gap < end && before(text, digits).is_ascii_alphabetic() {
        digits
    } else {
        gap
    };
    let mut first = run_start(text, last, WORD, |byte| byte.is_ascii_alphabetic());
    if first == last {
        return None;
    }
    // Of words that capitals begin, the last one.
    let mut i = last;
    while i > first + 1 {
        i -= 1;
        if at(text, i).is_ascii_uppercase() && at(text, i - 1).is_ascii_lowercase() {
            first = i;
        }
    }
    Some((first, last))
}

/// What may stand between a name and its value, or between the words of a name.
const fn is_gap(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t'
            | b'"'
            | b'\''
            | b'\\'
            | b':'
            | b'='
            | b'('
            | b'['
            | b'#'
            | b'>'
            | b'.'
            | b'+'
            | b'_'
            | b'-'
    )
}

#[cfg(test)]
mod tests {
    use super::says;

    fn is_phone(text: &str) -> bool {
        says(text.as_bytes(), text.len(), &["phone", "tel"])
    }

    #[test]
    fn a_name_says_what_follows() {
        for text in [
            "phone ",
            "{'phone': '",
            r#"{\"homePhone\":\""#,
            "PHONE_NUMBER=",
            "phone2=",
            "Phone No.: ",
            "the phone number is ",
            "tel:",
            "<phone>",
            "phone=+",
            "home_phone",
        ] {
            assert!(is_phone(text), "{text}");
        }
    }

    #[test]
    fn other_words_say_nothing() {
        for text in [
            "",
            "hotel ",
            "phone id ",
            "phones_seen: ",
            "number ",
            "phone, ",
            "phone 7 ",
            "phone\n",
        ] {
            assert!(!is_phone(text), "{text}");
        }
    }
}
