//! An encoded request on its way from a receiver to the exporters.

use bytes::Bytes;

use crate::batch::Signal;

/// The bytes of a gRPC message's prefix: a compressed flag and the length, big-endian.
pub const PREFIX: usize = 5;

/// An encoded export request of one signal: protobuf, plain, compressed with gzip, or both.
///
/// Each form has its gRPC prefix in front, whichever protocol it came by, so that an exporter sends it without a copy.
/// Cloning copies no bytes.
#[derive(Clone, Debug)]
pub struct Payload {
    signal: Signal,
    plain: Option<Bytes>,
    gzip: Option<Bytes>,
    /// The most bytes it may have once opened.
    limit: usize,
}

impl Payload {
    /// A request that came plain; `framed` begins with its gRPC prefix.
    pub fn plain(signal: Signal, framed: Bytes) -> Self {
        let limit = framed.len();
        Self {
            signal,
            plain: Some(framed),
            gzip: None,
            limit,
        }
    }

    /// A request that came compressed with gzip, not yet opened, and may have `limit` bytes once it is; `framed` begins
    /// with its gRPC prefix.
    pub fn gzip(signal: Signal, framed: Bytes, limit: usize) -> Self {
        Self {
            signal,
            plain: None,
            gzip: Some(framed),
            limit,
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

    /// The compressed form with its prefix, if it is at hand.
    pub fn framed_gzip(&self) -> Option<&Bytes> {
        self.gzip.as_ref()
    }

    /// The plain protobuf without its prefix, if it is at hand.
    pub fn message(&self) -> Option<Bytes> {
        self.plain
            .as_ref()
            .map(|framed| framed.slice(PREFIX.min(framed.len())..))
    }

    /// Adds the plain form of a request that came compressed.
    #[must_use]
    pub fn opened(mut self, framed: Bytes) -> Self {
        self.plain = Some(framed);
        self
    }

    /// Adds the compressed form of a request that came plain.
    #[must_use]
    pub fn compressed(mut self, framed: Bytes) -> Self {
        self.gzip = Some(framed);
        self
    }

    /// The most bytes that the plain form may have.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The bytes that the request holds in memory.
    pub fn size(&self) -> usize {
        self.plain.as_ref().map_or(0, Bytes::len) + self.gzip.as_ref().map_or(0, Bytes::len)
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
