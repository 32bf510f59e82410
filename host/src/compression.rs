//! Compression, bounded: gzip, zstd and deflate, a file each.
//!
//! **Invariant**: what a body says about its size is a stranger's word. It is charged before the body is opened, and nothing
//! is allocated beyond what was charged or grows past the bound.
//!
//! What is opened or compressed here gets room for its gRPC prefix in front, and the prefix, so that it is sent without
//! another copy.

mod gzip;
mod zlib;
mod zstd;

use bytes::Bytes;

use crate::payload::{PREFIX, Payload, put_prefix};
use crate::refusal::Refusal;

pub use crate::payload::{Coding, Packed};

/// The codings that receivers understand, as `Accept-Encoding` lists them.
pub const ACCEPTED: &str = "gzip, zstd, deflate";

/// Why a compressed body cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// It holds more than it may.
    #[error("the body is larger than {limit} bytes once decompressed: send smaller batches")]
    TooLarge {
        /// The bound.
        limit: usize,
    },
    /// It is not compressed as it should be, or damaged.
    #[error("the body is not valid {}", .0.name())]
    Corrupt(Coding),
    /// Its zstd window is larger than decoders have to support.
    #[error(
        "the body needs a zstd window of more than 8 MiB: compress with a lower level, or with a smaller window"
    )]
    Window,
}

impl InflateError {
    /// What the sender is told, with the key of the config that has the bound.
    pub fn refusal(self, key: &str) -> Refusal {
        match self {
            Self::TooLarge { .. } if key.is_empty() => Refusal::TooLarge(self.to_string()),
            Self::TooLarge { .. } => Refusal::TooLarge(format!("{self}, or raise `{key}`")),
            Self::Corrupt(_) | Self::Window => Refusal::Invalid(self.to_string()),
        }
    }
}

/// What a body holds, as far as it is known before it is opened.
struct Admitted {
    size: usize,
    is_one: bool,
}

impl Coding {
    /// The coding of this name in `Content-Encoding` or `grpc-encoding`. A Collector says `zlib` where others say `deflate`.
    pub fn named(name: &[u8]) -> Option<Self> {
        let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
        match () {
            () if is(b"gzip") => Some(Self::Gzip),
            () if is(b"zstd") => Some(Self::Zstd),
            () if is(b"deflate") || is(b"zlib") => Some(Self::Zlib),
            () => None,
        }
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Zlib | Self::Raw => "deflate",
        }
    }
}

/// Looks into a compressed body with its gRPC prefix that may hold `limit` bytes, and says how many it is to be charged
/// with before it is opened.
pub fn admit(coding: Coding, framed: Bytes, limit: usize) -> Result<Packed, InflateError> {
    let body = framed.get(PREFIX..).unwrap_or_default();
    let (coding, Admitted { size, is_one }) = match coding {
        Coding::Gzip => (coding, gzip::admit(body, limit)?),
        Coding::Zstd => (coding, zstd::admit(body, limit)?),
        Coding::Zlib | Coding::Raw => zlib::admit(body, limit)?,
    };
    Ok(Packed {
        coding,
        framed,
        size,
        limit,
        key: "",
        is_one,
    })
}

/// Opens a body that was admitted. The answer has its gRPC prefix in front.
pub fn inflate(packed: &Packed) -> Result<Bytes, InflateError> {
    let body = packed.framed.get(PREFIX..).unwrap_or_default();
    match packed.coding {
        Coding::Gzip => gzip::inflate(body, packed.size),
        Coding::Zstd => zstd::inflate(body, packed.size, packed.limit),
        Coding::Zlib | Coding::Raw => zlib::inflate(packed.coding, body, packed.size),
    }
}

/// Compresses a message at level 1, the one that costs least.
pub fn deflate(coding: Coding, message: &[u8]) -> Packed {
    let mut framed = match coding {
        Coding::Gzip => gzip::deflate(message),
        Coding::Zstd => zstd::deflate(message),
        Coding::Zlib | Coding::Raw => zlib::deflate(message),
    };
    put_prefix(&mut framed, true);
    Packed {
        coding: if coding == Coding::Raw {
            Coding::Zlib
        } else {
            coding
        },
        framed: framed.into(),
        size: message.len(),
        limit: message.len(),
        key: "",
        is_one: true,
    }
}

/// Makes the plain form of a request be at hand, which a processor needs.
pub fn open(payload: Payload) -> Result<Payload, Refusal> {
    match (payload.framed(), payload.compressed()) {
        (None, Some(packed)) => {
            let plain = inflate(packed).map_err(|error| error.refusal(packed.key))?;
            Ok(payload.with_plain(plain))
        }
        _ => Ok(payload),
    }
}

/// Makes the form of a request be at hand that is compressed this way, for an exporter that compresses. What came compressed
/// otherwise is opened.
pub fn pack(payload: Payload, coding: Coding) -> Result<Payload, Refusal> {
    if payload.framed_in(coding).is_some() {
        return Ok(payload);
    }
    let payload = open(payload)?;
    Ok(match payload.message() {
        Some(message) => payload.with_packed(deflate(coding, &message)),
        None => payload,
    })
}

#[cfg(test)]
mod tests;
