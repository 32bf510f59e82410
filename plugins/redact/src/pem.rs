//! Private keys in PEM, whole: `-----BEGIN RSA PRIVATE KEY-----` to `-----END RSA PRIVATE KEY-----`.

use std::ops::Range;

use crate::text::{at, part, run_end, run_start, tail};

const DASHES: &[u8] = b"-----";
const KEY: &[u8] = b"PRIVATE KEY";
/// The longest label looked at; `ENCRYPTED PRIVATE KEY` has 21 letters.
const LABEL: usize = 40;

/// The key whose BEGIN stands at `begin`.
pub(crate) fn find(text: &[u8], begin: usize) -> Option<Range<usize>> {
    let start = run_start(text, begin, DASHES.len(), |byte| byte == b'-');
    let label = part(text, begin, begin + LABEL);
    let named = label.starts_with(b"BEGIN ") && label.windows(KEY.len()).any(|word| word == KEY);
    (named && begin - start == DASHES.len()).then(|| start..end(text, begin))
}

/// Where the key that begins here ends: behind its END, or, cut off, where the string does that it stands in.
fn end(text: &[u8], begin: usize) -> usize {
    let mut i = begin;
    loop {
        i = run_end(text, i, |byte| {
            !matches!(byte, b'-' | b'"' | b'\'' | b'\\' | b'<')
        });
        if at(text, i) != b'-' {
            return i;
        }
        let dashes = run_end(text, i, |byte| byte == b'-');
        if tail(text, dashes).starts_with(b"END ") {
            let label = run_end(text, dashes, |byte| {
                byte.is_ascii_uppercase() || byte == b' '
            });
            return run_end(text, label, |byte| byte == b'-');
        }
        i = dashes;
    }
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_private_key_is_found_to_its_end() {
        for (text, key) in [
            (
                "k: -----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMI/+==\n-----END RSA PRIVATE KEY-----\nnext",
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMI/+==\n-----END RSA PRIVATE KEY-----",
            ),
            (
                "{\"k\":\"-----BEGIN PRIVATE KEY-----\nMIIE\", \"n\":1}",
                "-----BEGIN PRIVATE KEY-----\nMIIE",
            ),
            (
                "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQ",
                "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQ",
            ),
        ] {
            let begin = text.find("BEGIN").expect("a beginning");
            let found = find(text.as_bytes(), begin);
            assert_eq!(found.and_then(|found| text.get(found)), Some(key), "{text}");
        }
    }

    #[test]
    fn what_is_no_private_key_is_left() {
        for text in [
            "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
            "-----BEGIN PUBLIC KEY-----",
            "--BEGIN PRIVATE KEY--",
            "BEGIN",
        ] {
            let begin = text.find("BEGIN").expect("a beginning");
            assert_eq!(find(text.as_bytes(), begin), None, "{text}");
        }
    }
}
