//! What a number is called: the words before it, as in `phone: 030 1234567`, `"homePhone": "..."` or `version=1.2.3.4`.

use crate::text::{at, before, part, run_start};

/// The most that stands between a word and what follows it, and the most letters of a word that are looked at.
const GAP: usize = 24;
const WORD: usize = 32;
/// The most words that are looked at.
const WORDS: usize = 3;
/// Words that may follow the one that says what something is.
const FILLERS: Words = Words::new(&[
    "number", "numbers", "no", "nr", "num", "value", "is", "was", "home", "work", "office", "main",
    "private",
]);

/// What else has numbers in groups of three, and of two or four: nobody's.
pub(crate) const THINGS: Words = Words::new(&[
    "order",
    "ticket",
    "invoice",
    "sku",
    "tracking",
    "ref",
    "reference",
    "part",
    "case",
    "serial",
    "model",
]);

/// Words in small letters. A bit for each letter that any begins or ends with spares most others the list.
pub(crate) struct Words {
    all: &'static [&'static str],
    first: u32,
    last: u32,
}

impl Words {
    /// These words.
    pub(crate) const fn new(words: &'static [&'static str]) -> Self {
        let (mut first, mut last) = (0, 0);
        let mut rest = words;
        while let [word, more @ ..] = rest {
            if let ([begin, ..], [.., end]) = (word.as_bytes(), word.as_bytes()) {
                first |= letter(*begin);
                last |= letter(*end);
            }
            rest = more;
        }
        Self {
            all: words,
            first,
            last,
        }
    }

    /// Whether this word is one of them, in whatever case.
    fn has(&self, word: &[u8]) -> bool {
        let begins = word
            .first()
            .is_some_and(|&byte| self.first & letter(byte) != 0);
        let ends = word
            .last()
            .is_some_and(|&byte| self.last & letter(byte) != 0);
        let mut words = self.all.iter().map(|known| known.as_bytes());
        begins
            && ends
            && words.any(|known| known.len() == word.len() && word.eq_ignore_ascii_case(known))
    }
}

/// A letter's bit, in either case.
const fn letter(byte: u8) -> u32 {
    1 << (byte & 31)
}

/// Whether the words before `start` say that what follows is one of these.
pub(crate) fn says(text: &[u8], start: usize, names: &Words) -> bool {
    let mut end = start;
    for _ in 0..WORDS {
        let Some(last) = word_end(text, end) else {
            return false;
        };
        // Spares most words the search for their first letter.
        if (names.last | FILLERS.last) & letter(before(text, last)) == 0 {
            return false;
        }
        let first = word_start(text, last);
        let word = part(text, first, last);
        if names.has(word) {
            return true;
        }
        if !FILLERS.has(word) {
            return false;
        }
        end = first;
    }
    false
}

/// Where the last word before `end` ends, of the names that it may be a part of: `Number` of `homePhoneNumber2: `.
fn word_end(text: &[u8], end: usize) -> Option<usize> {
    let gap = run_start(text, end, GAP, is_gap);
    let digits = run_start(text, gap, 2, |byte| byte.is_ascii_digit());
    let last = if gap < end && before(text, digits).is_ascii_alphabetic() {
        digits
    } else {
        gap
    };
    before(text, last).is_ascii_alphabetic().then_some(last)
}

/// Where the word starts that ends at `last`: of words that capitals begin, the last one.
fn word_start(text: &[u8], last: usize) -> usize {
    let first = run_start(text, last, WORD, |byte| byte.is_ascii_alphabetic());
    let mut i = last;
    while i > first + 1 {
        i -= 1;
        if at(text, i).is_ascii_uppercase() && at(text, i - 1).is_ascii_lowercase() {
            return i;
        }
    }
    first
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
    use super::{Words, says};

    fn is_phone(text: &str) -> bool {
        says(text.as_bytes(), text.len(), &Words::new(&["phone", "tel"]))
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
