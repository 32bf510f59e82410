//! Which traces have gone on, as far as a fixed room remembers: enough to count those that come again.

use std::hash::{BuildHasher, RandomState};

use crate::batch::TraceId;

/// Traces that are remembered, the oldest of which are forgotten: 256 KiB.
const PLACES: usize = 1 << 16;

/// Traces that have gone on.
pub(super) struct Past {
    hashes: RandomState,
    /// What is left of the hash of the trace that was last put at each place.
    places: Box<[u32]>,
}

impl Past {
    pub(super) fn new() -> Self {
        Self {
            hashes: RandomState::new(),
            places: vec![0; PLACES].into(),
        }
    }

    pub(super) fn add(&mut self, id: &TraceId) {
        let (place, rest) = self.place(id);
        if let Some(place) = self.places.get_mut(place) {
            *place = rest;
        }
    }

    /// Whether it has gone on. Of a thousand million that have not, one seems to have.
    pub(super) fn has(&self, id: &TraceId) -> bool {
        let (place, rest) = self.place(id);
        self.places.get(place) == Some(&rest)
    }

    fn place(&self, id: &TraceId) -> (usize, u32) {
        let hash = self.hashes.hash_one(id);
        let [low, high, ..] = hash.to_le_bytes();
        let rest = u32::try_from(hash >> 32).unwrap_or_default().max(1);
        (usize::from(u16::from_le_bytes([low, high])), rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_remembered_and_nothing_else_is() {
        let id = |number: u32| {
            let mut id = TraceId::default();
            id[..4].copy_from_slice(&number.to_le_bytes());
            id
        };
        let mut past = Past::new();
        assert!((0..10_000).all(|number| !past.has(&id(number))));
        for number in 0..100_000 {
            past.add(&id(number));
            assert!(past.has(&id(number)));
        }
        let known = (90_000..100_000).filter(|number| past.has(&id(*number)));
        assert!(known.count() > 9_000);
        let unknown = (100_000..110_000).filter(|number| past.has(&id(*number)));
        assert_eq!(unknown.count(), 0);
    }
}
