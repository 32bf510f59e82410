//! An encoded request on its way from a receiver to the exporters.

use std::sync::Arc;

use bytes::Bytes;

use crate::batch::Signal;
use crate::memory::{Full, Lease, Memory};

/// The bytes of a gRPC message's prefix: a compressed flag and the length, big-endian.
pub const PREFIX: usize = 5;

/// How a request is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// gzip, RFC 1952.
    Gzip,
    /// zstd, RFC 8878.
    Zstd,
    /// Deflate in zlib's frame, RFC 1950, which gRPC and HTTP call `deflate`.
    Zlib,
    /// Deflate without a frame, RFC 1951, which some clients call `deflate` all the same: it is taken and never sent.
    Raw,
}

/// The compressed form of a request.
#[derive(Clone, Debug)]
pub struct Packed {
    /// How it is compressed.
    pub coding: Coding,
    /// The bytes with their gRPC prefix.
    pub framed: Bytes,
    /// The bytes that it holds once opened, as far as it says.
    pub size: usize,
    /// The most bytes that it may hold once opened.
    pub limit: usize,
    /// The key of the config that says so; empty where none does.
    pub key: &'static str,
    /// Whether it is one member or frame and nothing else, as every receiver takes it.
    pub is_one: bool,
}

/// An encoded export request of one signal: protobuf, plain, compressed, or both.
///
/// Each form has its gRPC prefix in front, whichever protocol it came by, so that an exporter sends it without a copy.
/// Cloning copies no bytes, and holds no more of the process's memory.
#[derive(Clone, Debug)]
pub struct Payload {
    signal: Signal,
    plain: Option<Bytes>,
    packed: Option<Packed>,
    /// What its forms are charged with, if they are.
    lease: Option<Arc<Lease>>,
    /// What its plain form will be charged with once it is opened, if that is promised.
    promised: Option<Arc<Lease>>,
    /// Who sent it, as a number; 0 if that is not known.
    sender: u64,
    /// Whether it is joined of what several sent.
    is_joined: bool,
}

/// What a request costs in memory beyond its bytes.
const OVERHEAD: usize = 512;

impl Payload {
    /// A request that came plain; `framed` begins with its gRPC prefix.
    pub fn plain(signal: Signal, framed: Bytes) -> Self {
        Self {
            signal,
            plain: Some(framed),
            packed: None,
            lease: None,
            promised: None,
            sender: 0,
            is_joined: false,
        }
    }

    /// Says who sent it, by a number that is the same for all that one sender sends.
    #[must_use]
    pub fn from_sender(mut self, sender: u64) -> Self {
        self.sender = sender;
        self
    }

    /// Who sent it; 0 if that is not known.
    pub fn sender(&self) -> u64 {
        self.sender
    }

    /// Says that it is joined of what several senders sent, if it is: what is wrong in one's must not cost the others theirs.
    #[must_use]
    pub fn joined(mut self, is_joined: bool) -> Self {
        self.is_joined = is_joined;
        self
    }

    /// Whether it is joined of what several senders sent.
    pub fn is_joined(&self) -> bool {
        self.is_joined
    }

    /// A request that came compressed, not yet opened.
    pub fn packed(signal: Signal, packed: Packed) -> Self {
        Self {
            signal,
            plain: None,
            packed: Some(packed),
            lease: None,
            promised: None,
            sender: 0,
            is_joined: false,
        }
    }

    /// Charges the bytes that the request holds, and promises what it will hold once opened. The lease is made to fit, if there
    /// is room.
    pub fn charged(mut self, mut lease: Lease) -> Result<Self, Full> {
        let unopened = self.packed.as_ref().filter(|_| self.plain.is_none());
        let promised = unopened.map(|packed| PREFIX.saturating_add(packed.size));
        let held = self.size() + OVERHEAD;
        lease.fit(held.saturating_add(promised.unwrap_or_default()))?;
        self.promised = promised.map(|bytes| Arc::new(lease.split(bytes)));
        self.lease = Some(Arc::new(lease));
        Ok(self)
    }

    /// The memory that its bytes are charged to, if they are.
    pub fn memory(&self) -> Option<&Memory> {
        self.lease.as_ref().map(|lease| lease.memory())
    }

    /// Gives back what was promised for opening: nobody here will.
    pub fn stays_packed(&mut self) {
        self.promised = None;
    }

    /// The signal of the request.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// The plain form with its prefix, if it is at hand.
    pub fn framed(&self) -> Option<&Bytes> {
        self.plain.as_ref()
    }

    /// The compressed form, if one is at hand.
    pub fn compressed(&self) -> Option<&Packed> {
        self.packed.as_ref()
    }

    /// The form that is compressed this way with its prefix, if it is at hand.
    pub fn framed_in(&self, coding: Coding) -> Option<&Bytes> {
        let packed = self.packed.as_ref()?;
        (packed.coding == coding).then_some(&packed.framed)
    }

    /// The plain protobuf without its prefix, if it is at hand.
    pub fn message(&self) -> Option<Bytes> {
        self.plain
            .as_ref()
            .map(|framed| framed.slice(PREFIX.min(framed.len())..))
    }

    /// Adds the plain form of a request that came compressed. It is charged if it was promised; whoever opens a request for
    /// which it was not has room of its own.
    #[must_use]
    pub fn with_plain(mut self, framed: Bytes) -> Self {
        if let Some(mut lease) = self.promised.take().and_then(Arc::into_inner) {
            lease.shrink(framed.len());
            self.lease = Some(Arc::new(lease.over(self.lease.take())));
        }
        self.plain = Some(framed);
        self
    }

    /// Lets go of the compressed form of a request that is opened, and of what it is charged with if nobody else has it.
    #[must_use]
    pub fn only_opened(mut self) -> Self {
        if self.plain.is_some()
            && self.packed.take().is_some()
            && let Some(lease) = self.lease.as_mut().and_then(Arc::get_mut)
        {
            lease.let_go_beneath();
        }
        self
    }

    /// Adds a compressed form, in the place of another. It is not charged: whoever compresses has room of its own.
    #[must_use]
    pub fn with_packed(mut self, packed: Packed) -> Self {
        self.packed = Some(packed);
        self
    }

    /// The bytes of the plain form, as far as the request says.
    pub fn opened_size(&self) -> usize {
        match (&self.plain, &self.packed) {
            (Some(plain), _) => plain.len().saturating_sub(PREFIX),
            (None, packed) => packed.as_ref().map_or(0, |packed| packed.size),
        }
    }

    /// The bytes that the request holds in memory.
    pub fn size(&self) -> usize {
        self.plain.as_ref().map_or(0, Bytes::len)
            + self.packed.as_ref().map_or(0, |packed| packed.framed.len())
    }
}

/// Writes a gRPC prefix for a message of `len` bytes.
pub fn prefix(compressed: bool, len: usize) -> [u8; PREFIX] {
    let len = u32::try_from(len)
        .expect("a message is bounded far below 4 GiB")
        .to_be_bytes();
    let [a, b, c, d] = len;
    [u8::from(compressed), a, b, c, d]
}

/// Writes the prefix of a message for which there is room in front.
pub fn put_prefix(framed: &mut [u8], compressed: bool) {
    let len = framed.len().saturating_sub(PREFIX);
    if let Some(head) = framed.first_chunk_mut::<PREFIX>() {
        *head = prefix(compressed, len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came_packed(memory: &Memory) -> Payload {
        let packed = Packed {
            coding: Coding::Gzip,
            framed: Bytes::from_static(&[0; 30]),
            size: 100,
            limit: 1000,
            key: "",
            is_one: true,
        };
        let lease = memory.take(30 + 100).unwrap();
        Payload::packed(Signal::Logs, packed)
            .charged(lease)
            .unwrap()
    }

    #[test]
    fn each_form_is_charged_once_however_many_hold_it() {
        let memory = Memory::new(10_000);
        let packed = came_packed(&memory);
        assert_eq!(memory.held(), OVERHEAD + 30 + PREFIX + 100);
        // What was promised becomes what there is.
        let opened = packed.with_plain(Bytes::from_static(&[0; 90]));
        assert_eq!(memory.held(), OVERHEAD + 30 + 90);
        let mut clones = vec![opened.clone(); 3];
        assert_eq!(memory.held(), OVERHEAD + 30 + 90);
        let opened = opened.only_opened();
        assert!(opened.compressed().is_none());
        assert_eq!(memory.held(), OVERHEAD + 30 + 90);
        drop(opened);
        clones.truncate(1);
        assert_eq!(memory.held(), OVERHEAD + 30 + 90);
        let last = clones.pop().unwrap().only_opened();
        assert_eq!(memory.held(), 90);
        drop(last);
        assert_eq!(memory.held(), 0);
    }

    #[test]
    fn what_is_not_opened_gives_the_promise_back_and_is_not_charged_if_it_is_opened_later() {
        let memory = Memory::new(10_000);
        let mut packed = came_packed(&memory);
        packed.stays_packed();
        assert_eq!(memory.held(), OVERHEAD + 30);
        let opened = packed.clone().with_plain(Bytes::from_static(&[0; 90]));
        drop(packed);
        assert_eq!(memory.held(), OVERHEAD + 30);
        drop(opened);
        assert_eq!(memory.held(), 0);
    }

    #[test]
    fn a_request_for_which_there_is_no_room_is_not_charged() {
        let memory = Memory::new(OVERHEAD + 49);
        let plain = Payload::plain(Signal::Logs, Bytes::from_static(&[0; 50]));
        assert!(plain.clone().charged(memory.nothing()).is_err());
        assert_eq!((memory.held(), plain.memory().is_none()), (0, true));
    }

    #[test]
    fn a_prefix_is_written_where_there_is_room_for_one() {
        let mut framed = *b".....abc";
        put_prefix(&mut framed, true);
        assert_eq!(&framed, b"\x01\0\0\0\x03abc");
        put_prefix(&mut [], true);
    }
}
