//! What the config says of all plugins (`plugins`), and the words that it says it in: names and digests.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

/// The longest name of a plugin.
const LONGEST: usize = 63;

/// The plugins of the config (`plugins`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The directory whose files `NAME.wasm` are plugins. Example: `directory: ./plugins`.
    pub directory: Option<PathBuf>,
    /// The only component that a plugin of this name may be, bundled ones included. Example: `allow: { redact: sha256:… }`.
    pub allow: BTreeMap<String, Digest>,
    /// The folder that compiled code is kept in, if not the user's own for such things; read at the start alone. Example:
    /// `cache: /var/cache/otlet`.
    pub cache: Option<PathBuf>,
}

/// The SHA-256 of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// That of a component.
    pub fn of(wasm: &[u8]) -> Self {
        Self(Sha256::digest(wasm).into())
    }

    /// Reads `sha256:` and 64 hexadecimal digits.
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?.as_bytes();
        let mut bytes = [0; 32];
        if digits.len() != bytes.len() * 2 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            if !pair.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            let pair = std::str::from_utf8(pair).ok()?;
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// In hexadecimal.
    pub fn hexadecimal(&self) -> String {
        self.0.iter().fold(String::new(), |mut out, byte| {
            write!(out, "{byte:02x}").expect("writing to a string cannot fail");
            out
        })
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hexadecimal())
    }
}

/// Whether a plugin can have this name: a letter or digit of ASCII, and then at most 62 of those, `_`, `-` and `.`; it is the
/// type of processors.
pub fn is_plugin_name(text: &str) -> bool {
    text.len() <= LONGEST
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By `printf '' | sha256sum`.
    const NOTHING: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        assert_eq!(Digest::of(b"").to_string(), NOTHING);
        assert_eq!(Digest::read(NOTHING), Some(Digest::of(b"")));
        let upper = NOTHING.to_uppercase().replace("SHA", "sha");
        assert_eq!(Digest::read(&upper), Some(Digest::of(b"")));
    }

    #[test]
    fn what_is_no_digest_is_not_read() {
        let short = NOTHING.get(..70).unwrap();
        for text in [
            "",
            "sha256:",
            short,
            NOTHING.strip_prefix("sha256:").unwrap(),
            &NOTHING.replace('e', "g"),
            &format!("{short}+"),
            &format!("{short}é"),
            &format!("{NOTHING}00"),
            &NOTHING.replace("256", "512"),
        ] {
            assert_eq!(Digest::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_is_a_word() {
        for name in ["a", "redact", "2nd.try_of-it", &"x".repeat(63)] {
            assert!(is_plugin_name(name), "{name}");
        }
        for name in ["", ".x", "-x", "a b", "a/b", "ä", "a\n", &"x".repeat(64)] {
            assert!(!is_plugin_name(name), "{name:?}");
        }
    }
}
