//! Keys, and what only begins like one.

use super::find;
use super::form::{DOTTED, FORMS, Letters};
use crate::text::run_end;

/// What is found around any long word.
fn key(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let is_word = |byte| Letters::Word.has(byte);
    let mut word = 0;
    while word < bytes.len() {
        let end = run_end(bytes, word, is_word);
        if end >= word + 16
            && let Some(found) = find(bytes, word)
        {
            return text.get(found);
        }
        word = end.max(word + 1);
    }
    None
}

/// Letters that such a key may be made of.
fn made(letters: Letters, length: usize) -> String {
    let all: &[u8] = match letters {
        Letters::Alnum | Letters::Word => b"aB3xY7kQ9",
        Letters::Upper => b"AB3XY7KQ2",
        Letters::Hex => b"0f3a9c71d",
    };
    let letters = all.iter().cycle().take(length);
    letters.map(|&letter| char::from(letter)).collect()
}

#[test]
fn a_key_of_every_form_is_found() {
    for form in FORMS.iter().chain(&DOTTED) {
        for length in [form.least, form.most] {
            let prefix = String::from_utf8_lossy(form.prefix);
            let made = [&*prefix, &made(form.letters, length)].concat();
            let text = format!("with {made}, ok");
            assert_eq!(key(&text), Some(made.as_str()), "{text}");
        }
    }
}

#[test]
fn keys_of_several_parts_are_found_whole() {
    for (text, found) in [
        (
            "https://hooks.slack.com/services/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",
            "T024BE7LH/B024BE7LH/aB3xY7kQ9aB3xY7kQ9aB3xY7",
        ),
        (
            "api.telegram.org/bot123456789:AAaB3xY7kQ9aB3xY7kQ9aB3xY7kQ9aB3xY7/send",
            "123456789:AAaB3xY7kQ9aB3xY7kQ9aB3xY7kQ9aB3xY7",
        ),
        (
            "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs",
            "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs",
        ),
        (
            "dp.st.production.aB3xY7kQ9aB3xY7kQ9aB3xY7kQ9aB3xY7kQ9aB3x",
            "dp.st.production.aB3xY7kQ9aB3xY7kQ9aB3xY7kQ9aB3xY7kQ9aB3x",
        ),
        (
            "SG.aB3xY7kQ9aB3xY7kQ9aB3x.aB3xY7kQ9aB3xY7kQ9aB3xY7kQ9aB3xY7kQ9aB3xY7k",
            "SG.aB3xY7kQ9aB3xY7kQ9aB3x.aB3xY7kQ9aB3xY7kQ9aB3xY7kQ9aB3xY7kQ9aB3xY7k",
        ),
        (
            "my_key_sk_live_aB3xY7kQ9aB3xY7k",
            "sk_live_aB3xY7kQ9aB3xY7k",
        ),
        ("?key=AKIAIOSFODNN7EXAMPLE&x", "AKIAIOSFODNN7EXAMPLE"),
        (
            "ghp_aB3xY7kQ9aB3xY7kQ9aB3xY7kQ9aB3xY7kQ9-old",
            "ghp_aB3xY7kQ9aB3xY7kQ9aB3xY7kQ9aB3xY7kQ9",
        ),
    ] {
        assert_eq!(key(text), Some(found), "{text}");
    }
}

#[test]
fn what_only_begins_like_a_key_is_left() {
    for text in [
        "AC0f3a9c71d0f3a9c71d0f3a9c71d0f3a9",
        "pk_live_aB3xY7kQ9aB3xY7k",
        "sk-learn-something-long-name",
        "npm_config_registry_something_else_here",
        "npm_lifecycle_event_lifecycle_event_life",
        "hf_hub_download_of_something_long_from_x",
        "cache-key-d41d8cd98f00b204e9800998ecf8427e",
        "d41d8cd98f00b204e9800998ecf8427e",
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "AKIAIOSFODNN7EXAMPLEX",
        "xAKIAIOSFODNN7EXAMPLE",
        "sk_live_short",
        "glpat-team-onboarding-guide",
        "12345:AAaB3xY7kQ9aB3xY7kQ9aB3xY7kQ9aB3xY7",
        "slack.com/services/T024BE7LH/B024BE7LH/aB3xY7kQ9aB3xY7kQ9aB3xY7",
    ] {
        assert_eq!(key(text), None, "{text}");
    }
}
