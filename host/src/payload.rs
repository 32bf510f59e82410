//! An encoded request on its way from a receiver to the exporters.

use bytes::Bytes;

use crate::batch::Signal;

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
}

/// An encoded export request of one signal: protobuf, plain, compressed, or both.
///
/// Each form has its gRPC prefix in front, whichever protocol it came by, so that an exporter sends it without a copy.
/// Cloning copies no bytes.
#[derive(Clone, Debug)]
pub struct Payload {
    signal: Signal,
    plain: Option<Bytes>,
    packed: Option<Packed>,
}

impl Payload {
    /// A request that came plain; `framed` begins with its gRPC prefix.
    pub fn plain(signal: Signal, framed: Bytes) -> Self {
        Self {
            signal,
            plain: Some(framed),
            packed: None,
        }
    }

    /// A request that came compressed, not yet opened.
    pub fn packed(signal: Signal, packed: Packed) -> Self {
        Self {
            signal,
            plain: None,
            packed: Some(packed),
        }
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

    /// Adds the plain form of a request that came compressed.
    #[must_use]
    pub fn with_plain(mut self, framed: Bytes) -> Self {
        self.plain = Some(framed);
        self
    }

    /// Adds a compressed form, in the place of another.
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
