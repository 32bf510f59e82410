//! `hash`: the SHA-256 of what stands there, or with a key its HMAC, in hexadecimal.

use std::borrow::Cow;

use hmac::{Hmac, Mac as _};
use otlet_conditions::{Type, hex};
use otlet_plugin::{Batch, Error, Mask, Signal, Table};
use sha2::{Digest as _, Sha256};

use crate::action::Verb;
use crate::config::If;
use crate::path::{Source, Target};
use crate::selection::write_texts;
use crate::words::Words;

/// The hexadecimal digits of a SHA-256, and the fewest that still tell a few thousand values apart.
const DIGITS: std::ops::RangeInclusive<u32> = 8..=64;

#[derive(Debug)]
pub(crate) struct Hash {
    source: Source,
    target: Target,
    how: How,
}

/// How a value is hashed.
#[derive(Clone)]
pub(crate) struct How {
    key: Option<Hmac<Sha256>>,
    digits: usize,
}

impl std::fmt::Debug for How {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the key.
        write!(f, "How({} digits)", self.digits)
    }
}

impl How {
    pub(crate) fn new(key: Option<&str>, length: Option<u32>) -> Result<Self, Error> {
        let length = length.unwrap_or(*DIGITS.end());
        if !DIGITS.contains(&length) {
            return Err("length: is not from 8 to 64, the hexadecimal digits of a hash".into());
        }
        let key = match key {
            Some("") => {
                return Err(
                    "key: is empty: set the variable that it comes from, or leave it out".into(),
                );
            }
            Some(key) => Some(Hmac::new_from_slice(key.as_bytes())?),
            None => None,
        };
        Ok(Self {
            key,
            digits: length as usize,
        })
    }

    fn of(&self, text: &str) -> String {
        let mut digits = match &self.key {
            Some(key) => hex(&key.clone().chain_update(text).finalize().into_bytes()),
            None => hex(&Sha256::digest(text)),
        };
        digits.truncate(self.digits);
        digits
    }
}

impl Hash {
    /// Hashes in place, or into `to`.
    pub(crate) fn new(
        path: &str,
        to: Option<&str>,
        when: Option<If>,
        how: How,
    ) -> Result<Self, Error> {
        let source = Source::open(path).map_err(|error| error.context("hash"))?;
        let (key, path) = to.map_or(("hash", path), |to| ("to", to));
        let target = Target::below(path, &source, when)
            .and_then(|target| target.must_take(Type::Text, path).map(|()| target));
        let target = target.map_err(|error| error.context(key))?;
        Ok(Self {
            source,
            target,
            how,
        })
    }
}

impl Verb for Hash {
    fn place(&self) -> (Table, Option<Signal>) {
        (self.target.table, self.source.signal.or(self.target.signal))
    }

    fn apply(&self, batch: &mut Batch, when: Option<&Mask>) {
        let words = Words::read(batch, &self.source);
        write_texts(batch, (self.source.table, &self.target), when, |row| {
            words.get(row).map(|text| Cow::Owned(self.how.of(text)))
        });
    }
}
