//! Words about secrets, which are none: `Bearer token expired`, `refresh token: missing`.

/// A word as long as this may be a token, however it looks.
const LONG: usize = 16;
/// What is said of a secret rather than being one.
const STATES: [&str; 32] = [
    "accepted",
    "cannot",
    "denied",
    "disabled",
    "empty",
    "enabled",
    "expired",
    "failed",
    "found",
    "granted",
    "has",
    "incorrect",
    "invalid",
    "is",
    "mismatch",
    "missing",
    "must",
    "no",
    "not",
    "ok",
    "provided",
    "rejected",
    "required",
    "revoked",
    "timeout",
    "unknown",
    "unset",
    "updated",
    "valid",
    "was",
    "wrong",
    "yes",
];

/// Whether this word tells the state of a secret.
pub(crate) fn is_state(word: &[u8]) -> bool {
    STATES
        .iter()
        .any(|state| word.eq_ignore_ascii_case(state.as_bytes()))
}

/// Whether this is a word of a sentence: short, and in lower case, capitalised or in capitals.
pub(crate) fn is_word(word: &[u8]) -> bool {
    let letters = word
        .iter()
        .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'.' | b'-' | b'/'));
    let small = word.iter().skip(1).all(|byte| !byte.is_ascii_uppercase());
    let capitals = || word.iter().all(|byte| !byte.is_ascii_lowercase());
    word.len() < LONG && letters && (small || capitals())
}

#[cfg(test)]
mod tests {
    use super::{is_state, is_word};

    #[test]
    fn words_of_sentences_are_known() {
        for word in ["token", "Authentication", "TOKEN", "not-found", ""] {
            assert!(is_word(word.as_bytes()), "{word}");
        }
        for word in ["hunter2", "abcDEF", "averylongtokenofletters", "a_b"] {
            assert!(!is_word(word.as_bytes()), "{word}");
        }
    }

    #[test]
    fn states_are_known_in_any_case() {
        assert!(is_state(b"Missing"));
        assert!(!is_state(b"swordfish"));
    }
}
