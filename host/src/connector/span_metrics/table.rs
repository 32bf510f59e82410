//! Finds what was noted under some bytes by their hash, and the hash. The bytes themselves lie with whoever asks.
//!
//! The hash is seeded with chance, so that nobody can send spans whose hashes are alike.

/// A place that is free.
const FREE: u32 = u32::MAX;

/// Numbers by hashes: open addressing, at most half full.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<u32>,
    len: usize,
}

impl Table {
    /// The number under this hash that is the one that is looked for.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        self.places(hash)
            .map_while(|at| self.slots.get(at).copied().filter(|slot| *slot != FREE))
            .find(|slot| is_it(*slot))
    }

    /// Notes a number that is not in it; `hash_of` tells the hashes of the others.
    pub(super) fn insert(&mut self, hash: u64, number: u32, hash_of: impl Fn(u32) -> u64) {
        if 2 * (self.len + 1) > self.slots.len() {
            let more = vec![FREE; (4 * self.len).next_power_of_two().max(16)];
            let old = std::mem::replace(&mut self.slots, more);
            for slot in old.into_iter().filter(|slot| *slot != FREE) {
                self.put(hash_of(slot), slot);
            }
        }
        self.put(hash, number);
        self.len += 1;
    }

    /// Forgets all. Its room stays, unless it is much.
    pub(super) fn clear(&mut self) {
        const MUCH: usize = 1 << 16;
        if self.slots.len() > MUCH {
            self.slots = vec![];
        }
        self.slots.fill(FREE);
        self.len = 0;
    }

    fn put(&mut self, hash: u64, number: u32) {
        let free = self
            .places(hash)
            .find(|at| self.slots.get(*at) == Some(&FREE));
        if let Some(slot) = free.and_then(|at| self.slots.get_mut(at)) {
            *slot = number;
        }
    }

    /// Where a hash may stand, one after another.
    #[inline]
    fn places(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let mask = self.slots.len().wrapping_sub(1);
        let first = usize::try_from(hash & 0xffff_ffff).unwrap_or_default();
        (0..self.slots.len()).map(move |step| first.wrapping_add(step) & mask)
    }
}

/// Hashes bytes, with a seed of chance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hashes([u64; 2]);

impl Hashes {
    pub(super) fn new() -> Self {
        Self([fastrand::u64(..), fastrand::u64(..)])
    }

    #[inline]
    pub(super) fn hash(self, bytes: &[u8]) -> u64 {
        let Self([one, other]) = self;
        let (chunks, rest) = bytes.as_chunks::<16>();
        let mut state = one ^ bytes.len() as u64;
        for chunk in chunks {
            state = mix(state, other, u128::from_le_bytes(*chunk));
        }
        let mut last = [0; 16];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        state = mix(state, other, u128::from_le_bytes(last));
        fold(state ^ other, 0x9e37_79b9_7f4a_7c15 ^ one)
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "each half by itself")]
fn mix(state: u64, seed: u64, sixteen: u128) -> u64 {
    let (low, high) = (sixteen as u64, (sixteen >> 64) as u64);
    fold(low ^ state, high ^ seed).wrapping_add(state.rotate_left(23))
}

/// Multiplies, and folds the whole product.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "each half by itself")]
fn fold(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn what_was_noted_is_found_and_nothing_else() {
        let hashes = Hashes::new();
        let keys: Vec<String> = (0..5000).map(|number| format!("key {number}")).collect();
        let hash = |at: u32| hashes.hash(keys[at as usize].as_bytes());
        let mut table = Table::default();
        assert_eq!(table.find(7, |_| true), None);
        for at in 0..2500 {
            table.insert(hash(at), at, hash);
        }
        for at in 0..5000 {
            let found = table.find(hash(at), |other| keys[other as usize] == keys[at as usize]);
            assert_eq!(found, (at < 2500).then_some(at));
        }
        table.clear();
        assert_eq!(table.find(hash(1), |_| true), None);
    }

    #[test]
    fn hashes_of_what_differs_in_little_differ() {
        let hashes = Hashes::new();
        let mut seen = HashSet::new();
        for length in 0..64 {
            for at in 0..length {
                let mut bytes = vec![0; length];
                bytes[at] = 1;
                seen.insert(hashes.hash(&bytes));
            }
            seen.insert(hashes.hash(&vec![0; length]));
        }
        assert_eq!(seen.len(), (0..64).sum::<usize>() + 64);
    }
}
