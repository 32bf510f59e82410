//! Randomness for rows that have none: no trace id and no explicit randomness.

use std::fmt::Write as _;

use otlet_plugin::{Batch, host};

use crate::key::{Key, KeyValue};
use crate::threshold::{Randomness, Threshold};

/// Gives rows of one batch randomness. Nothing is read or drawn before the first row needs it.
pub(crate) struct Chance<'a> {
    batch: &'a Batch,
    keys: &'a [Key],
    /// By key, of every record, once it was asked for.
    hashes: Vec<Option<Vec<Option<Randomness>>>>,
    /// The state of a generator, once it has one: one draw from the host is enough for a batch.
    state: Option<u64>,
}

impl<'a> Chance<'a> {
    pub(crate) fn new(batch: &'a Batch, keys: &'a [Key]) -> Self {
        Self {
            batch,
            keys,
            hashes: Vec::new(),
            state: None,
        }
    }

    /// The randomness of a row: a hash of what stands under the key with this index, so that equal values stay or go
    /// together; by chance where nothing does, and no less than the threshold that the row says it has passed.
    pub(crate) fn draw(
        &mut self,
        key: Option<usize>,
        row: usize,
        passed: Option<Threshold>,
    ) -> Randomness {
        let hash = key.and_then(|key| self.hash(key, row));
        hash.unwrap_or_else(|| {
            let passed = passed.unwrap_or(Threshold::KEEP_ALL);
            Randomness::of_chance(self.bits(), passed)
        })
    }

    fn hash(&mut self, key: usize, row: usize) -> Option<Randomness> {
        self.hashes.resize(self.keys.len(), None);
        let hashes = self.hashes.get_mut(key)?;
        let batch = self.batch;
        let column = self.keys.get(key)?;
        let hashes =
            hashes.get_or_insert_with(|| column.by_record(batch, |value| value.and_then(hash)));
        hashes.get(row).copied().flatten()
    }

    /// The next bits of `SplitMix64`.
    fn bits(&mut self) -> u64 {
        let seed = || u64::from_le_bytes(host::random());
        let state = self.state.get_or_insert_with(seed);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

/// An integer counts as its text in decimal, as some senders write it.
fn hash(value: KeyValue<'_>) -> Option<Randomness> {
    match value {
        KeyValue::Text(text) => Some(Randomness::of_hash(text)),
        KeyValue::Integer(integer) => {
            let mut text = String::with_capacity(20);
            write!(text, "{integer}").expect("writing to a string does not fail");
            Some(Randomness::of_hash(text.as_bytes()))
        }
        KeyValue::Boolean(_) | KeyValue::Double(_) => None,
    }
}
