//! How much memory an exporter may need to get rid of a request. It is promised when the request is taken, so that nothing that
//! is sent waits for room, and no copy of a request is held beyond the bound.

use super::Config;
use crate::compression::Coding;
use crate::payload::Payload;

/// The least part of a request that is made where it is sent as it came and turns out to be too large: a quarter.
const PART: usize = 4;

/// What an exporter makes of requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Whether it puts requests together.
    joins: bool,
    /// How it compresses.
    pub(super) coding: Option<Coding>,
}

impl Room {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            joins: config.queue.batch.is_some(),
            coding: config.kind.coding(),
        }
    }

    /// The bytes of the forms of a request that are at hand at the same time beside those that it came in.
    pub(super) fn of(self, payload: &Payload) -> usize {
        let is_plain = payload.framed().is_some();
        self.bytes(payload.opened_size(), is_plain, self.sends_as_is(payload))
    }

    /// The same for a request of so many bytes, opened, however it came.
    fn at_most(self, size: usize) -> usize {
        let forms = [(true, false), (true, true), (false, false), (false, true)];
        let bytes = forms.map(|(is_plain, is_as_sent)| self.bytes(size, is_plain, is_as_sent));
        bytes.into_iter().max().unwrap_or_default()
    }

    fn bytes(self, size: usize, is_plain: bool, is_as_sent: bool) -> usize {
        let copies = if self.joins {
            // Each is opened by itself, and no more needed once it is put to the others.
            1 + usize::from(!is_plain || self.coding.is_some())
        } else if is_as_sent {
            0
        } else {
            usize::from(!is_plain) + usize::from(self.coding.is_some())
        };
        let in_parts = coded(size / PART).saturating_add(if is_plain { 0 } else { size });
        coded(size).saturating_mul(copies).max(in_parts)
    }

    /// The most bytes of a part of a request, if the part and its compressed form are to fit beside what is opened for it.
    pub(super) fn of_part(self, payload: &Payload) -> usize {
        if payload.memory().is_none() {
            return usize::MAX;
        }
        let opened = match payload.framed() {
            Some(_plain) => 0,
            None => payload.opened_size(),
        };
        self.of(payload).saturating_sub(opened)
    }

    fn sends_as_is(self, payload: &Payload) -> bool {
        match self.coding {
            Some(coding) => payload.framed_in(coding).is_some(),
            None => payload.framed().is_some(),
        }
    }
}

impl Config {
    /// The most memory that is promised for a request of so many bytes.
    pub fn least_memory(&self, request: usize) -> usize {
        Room::new(self).at_most(request)
    }
}

/// The most bytes of a message once it is compressed: what cannot be made shorter is longer by its frame.
pub(super) fn coded(size: usize) -> usize {
    size.saturating_add(size / 8).saturating_add(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Signal;
    use crate::compression::{self, deflate};
    use crate::memory::Memory;
    use crate::payload::prefix;

    const MANY: usize = 100_000;

    /// What does not compress, as it is and compressed.
    fn requests() -> [Payload; 2] {
        let mut random = fastrand::Rng::with_seed(7);
        let message: Vec<u8> = (0..MANY).map(|_| random.u8(..)).collect();
        let framed = [&prefix(false, MANY)[..], &message].concat();
        [
            Payload::plain(Signal::Logs, framed.into()),
            Payload::packed(Signal::Logs, deflate(Coding::Gzip, &message)),
        ]
    }

    #[test]
    fn what_does_not_compress_fits_in_what_is_promised_for_it() {
        for (at, payload) in requests().into_iter().enumerate() {
            for coding in [Coding::Gzip, Coding::Zstd, Coding::Zlib] {
                let room = Room {
                    joins: false,
                    coding: Some(coding),
                };
                let packed = compression::pack(payload.clone(), coding).unwrap();
                let made = packed.size() - payload.size();
                assert!(made <= room.of(&payload), "{at} {coding:?}: {made}");
            }
        }
    }

    #[test]
    fn what_is_put_together_and_compressed_is_promised_twice() {
        let [plain, packed] = requests();
        let room = |joins, coding| Room { joins, coding };
        let about = |room: Room, payload| (room.of(payload) * 10 + MANY / 2) / MANY;
        let gzip = Some(Coding::Gzip);
        assert_eq!(about(room(false, None), &plain), 3);
        assert_eq!(about(room(false, gzip), &plain), 11);
        assert_eq!(about(room(true, None), &plain), 11);
        assert_eq!(about(room(true, gzip), &plain), 23);
        // As it came, and opened for its parts.
        assert_eq!(about(room(false, gzip), &packed), 13);
        assert_eq!(about(room(false, None), &packed), 13);
        assert_eq!(about(room(false, Some(Coding::Zstd)), &packed), 23);
        assert_eq!(about(room(true, None), &packed), 23);
    }

    #[test]
    fn a_part_and_its_compressed_form_fit_beside_what_was_opened() {
        let memory = Memory::new(1 << 20);
        for payload in requests() {
            let payload = payload.charged(memory.nothing()).unwrap();
            for coding in [None, Some(Coding::Gzip)] {
                let joins = false;
                let room = Room { joins, coding };
                let opened = if payload.framed().is_some() { 0 } else { MANY };
                let part = room.of_part(&payload);
                assert!(part >= MANY / 4 && part + opened <= room.of(&payload));
            }
        }
    }
}
