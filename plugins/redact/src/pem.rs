//! Private keys in PEM, whole: `-----BEGIN RSA PRIVATE KEY-----` to `-----END RSA PRIVATE KEY-----`, and in the like of it
//! that SSH2, PGP and PuTTY write.

use std::ops::Range;

use crate::text::{at, part, read_before, run_end, run_start, tail};

const DASHES: &[u8] = b"-----";
const KEY: &[u8] = b"PRIVATE KEY";
/// The longest label looked at; `ENCRYPTED PRIVATE KEY` has 21 letters.
const LABEL: usize = 40;

/// What PuTTY's files begin with, but for a version and a colon, and what their last line does.
const PUTTY: &[u8] = b"PuTTY-User-Key-File-";
const MAC: &[u8] = b"Private-MAC: ";

/// PuTTY's key, of which the first colon stands at `colon`. Cut off, it ends where the string does that it stands in.
pub(crate) fn putty(text: &[u8], colon: usize) -> Option<Range<usize>> {
    let version = run_start(text, colon, 1, |byte| byte.is_ascii_digit());
    if !read_before(text, version, PUTTY) {
        return None;
    }
    let string = run_end(text, colon, |byte| !matches!(byte, b'"' | b'\'' | b'<'));
    let mut lines = part(text, colon, string).windows(MAC.len());
    let end = match lines.position(|line| line == MAC) {
        Some(mac) => run_end(text, colon + mac + MAC.len(), |byte| {
            byte.is_ascii_hexdigit()
        }),
        None => string,
    };
    Some(version - PUTTY.len()..end)
}

/// The key whose BEGIN stands at `begin`.
pub(crate) fn find(text: &[u8], begin: usize) -> Option<Range<usize>> {
    let spaced = read_before(text, begin, b"---- ");
    let begin_dashes = begin - usize::from(spaced);
    let start = run_start(text, begin_dashes, DASHES.len(), |byte| byte == b'-');
    let label = part(text, begin, begin + LABEL);
    let named = label.starts_with(b"BEGIN ") && label.windows(KEY.len()).any(|word| word == KEY);
    (named && (spaced || begin - start == DASHES.len())).then(|| start..end(text, begin))
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
        let label = run_end(part(text, 0, dashes + 1), dashes, |byte| byte == b' ');
        if tail(text, label).starts_with(b"END ") {
            let label = run_end(text, label, |byte| {
                byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' '
            });
            return run_end(text, label, |byte| byte == b'-');
        }
        i = dashes;
    }
}

#[cfg(test)]
mod tests {
    use super::{find, putty};

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
            (
                "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/5\n---- END SSH2 ENCRYPTED PRIVATE KEY ----\n.",
                "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/5\n---- END SSH2 ENCRYPTED PRIVATE KEY ----",
            ),
        ] {
            let begin = text.find("BEGIN").expect("a beginning");
            let found = find(text.as_bytes(), begin);
            assert_eq!(found.and_then(|found| text.get(found)), Some(key), "{text}");
        }
    }

    #[test]
    fn a_key_of_puttys_is_found_to_its_end() {
        let key = "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nAAAA\nPrivate-MAC: 0f3a";
        for text in [format!("{key}\nnext"), key.to_owned(), format!("\"{key}\"")] {
            let colon = text.find(':').expect("a colon");
            let found = putty(text.as_bytes(), colon);
            assert_eq!(found.and_then(|found| text.get(found)), Some(key), "{text}");
        }
        assert_eq!(putty(b"User-Key-File-3: x", 15), None);
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
