//! The keyed hash: HMAC-SHA256, of which the first 64 bits take the place of a value. The same value has the same hash
//! wherever the key is the same, and without the key nobody can try out which value it was.

use std::fmt;

use hmac::{Hmac, Mac as _};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de};
use sha2::Sha256;

/// A key of fewer bytes could be tried out.
const SHORTEST: usize = 16;

/// A key of the hash, from a config. It is never shown, not even in a message about a mistake.
#[derive(Clone)]
pub struct HashKey(String);

impl HashKey {
    /// The key's bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey")
    }
}

impl JsonSchema for HashKey {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HashKey".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for HashKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

/// Reads a key. serde's own messages would show what stands there instead of one.
struct KeyVisitor;

const NO_TEXT: &str = "is no text, put it in quotes: \"${env:REDACT_KEY}\"";

impl de::Visitor<'_> for KeyVisitor {
    type Value = HashKey;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<HashKey, E> {
        if key.len() < SHORTEST {
            return Err(E::custom(
                "is too short, take at least 16 bytes: the output of `openssl rand -hex 32`",
            ));
        }
        Ok(HashKey(key.to_owned()))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<HashKey, E> {
        Err(E::custom(NO_TEXT))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<HashKey, E> {
        Err(E::custom(NO_TEXT))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<HashKey, E> {
        Err(E::custom(NO_TEXT))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<HashKey, E> {
        Err(E::custom(NO_TEXT))
    }

    fn visit_unit<E: de::Error>(self) -> Result<HashKey, E> {
        Err(E::custom("is empty, set it or leave the key out"))
    }
}

/// Hashes with one key.
#[derive(Clone)]
pub(crate) struct Hasher(Hmac<Sha256>);

impl Hasher {
    /// The hasher with this key.
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes a key of any length"))
    }

    /// The first 64 bits of this value's hash.
    pub(crate) fn hash(&self, value: &[u8]) -> u64 {
        let mut hash = self.0.clone();
        hash.update(value);
        let bytes = hash.finalize().into_bytes();
        bytes
            .iter()
            .take(8)
            .fold(0, |hash, &byte| hash << 8 | u64::from(byte))
    }
}

#[cfg(test)]
mod tests {
    use super::{HashKey, Hasher};

    fn read(json: &str) -> Result<HashKey, String> {
        serde_json::from_str(json).map_err(|error: serde_json::Error| error.to_string())
    }

    #[test]
    fn a_hash_is_the_beginning_of_hmac_sha256() {
        // RFC 4231, test case 2.
        let hash = Hasher::new(b"Jefe").hash(b"what do ya want for nothing?");
        assert_eq!(hash, 0x5bdc_c146_bf60_754e);
        assert_ne!(
            Hasher::new(b"Jefa").hash(b"what do ya want for nothing?"),
            hash
        );
    }

    #[test]
    fn a_key_is_a_text_of_sixteen_bytes_or_more() {
        assert_eq!(
            read(r#""0123456789abcdef""#).unwrap().bytes(),
            b"0123456789abcdef"
        );
        for json in [r#""""#, r#""0123456789abcde""#] {
            assert!(
                read(json).unwrap_err().starts_with("is too short"),
                "{json}"
            );
        }
        for json in [
            "12345678901234567890123",
            "1234567890123456789",
            "-5",
            "true",
        ] {
            let message = read(json).unwrap_err();
            assert!(
                message.starts_with("is no text, put it in quotes"),
                "{message}"
            );
            assert!(!message.contains(json), "{message}");
        }
        assert!(read("null").unwrap_err().starts_with("is empty"));
    }

    #[test]
    fn a_key_is_never_shown() {
        let key = read(r#""0123456789abcdef""#).unwrap();
        assert_eq!(format!("{key:?}"), "HashKey");
    }
}
