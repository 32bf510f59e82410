//! gzip, bounded: libdeflate to open, zlib-rs at level 1 to compress, the fastest of each as measured on OTLP.
//!
//! What is opened or compressed here gets room for its gRPC prefix in front, and the prefix, so that it is sent without
//! another copy.

use std::cell::RefCell;
use std::io::{self, Read, Write};

use bytes::{Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};
use libdeflater::Decompressor;
use memchr::memmem;

use crate::payload::{self, PREFIX, Payload};
use crate::refusal::Refusal;

/// The first bytes of each member of a gzip file: the magic number, and deflate, the only method there is.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// Deflate cannot shrink anything by more (a match of 258 bytes in 2 bits).
const MAX_RATIO: usize = 1032;

/// log2 of gzip's window.
const WINDOW_BITS: u8 = 15;

thread_local! {
    /// The state of both is worth keeping: 12 KiB and about 300 KiB that would be cleared for each request.
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
    static COMPRESSOR: RefCell<Compress> =
        RefCell::new(Compress::new_gzip(Compression::fast(), WINDOW_BITS));
}

/// Why a gzip body cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// It holds more than it may.
    #[error(
        "the body is larger than {limit} bytes once decompressed: send smaller batches, or raise `max_request_size`"
    )]
    TooLarge {
        /// The bound.
        limit: usize,
    },
    /// It is no gzip, or a damaged one.
    #[error("the body is not valid gzip")]
    Corrupt,
}

impl From<InflateError> for Refusal {
    fn from(error: InflateError) -> Self {
        match error {
            InflateError::TooLarge { .. } => Self::TooLarge(error.to_string()),
            InflateError::Corrupt => Self::Invalid(error.to_string()),
        }
    }
}

/// The size that a gzip body claims to have once opened (modulo 2^32), which its sender may have made up; none for what is
/// no gzip by its first bytes, or too short.
pub fn claimed_size(gzip: &[u8]) -> Option<usize> {
    if gzip.len() < 18 || !gzip.starts_with(&MAGIC) {
        return None;
    }
    let trailer = gzip.last_chunk::<4>()?;
    usize::try_from(u32::from_le_bytes(*trailer)).ok()
}

/// The bytes of a request's plain form, as far as it says.
pub fn opened_size(payload: &Payload) -> usize {
    let gzip = payload
        .framed_gzip()
        .and_then(|framed| framed.get(PREFIX..))
        .and_then(claimed_size);
    let plain = payload.framed().map(|framed| framed.len() - PREFIX);
    plain.or(gzip).unwrap_or_default()
}

/// The size that a gzip body is to be charged with: what it claims to have once opened, if that is at most `limit`; else it
/// is looked into, and what is wrong with it is the error.
pub fn admit(gzip: &[u8], limit: usize) -> Result<usize, InflateError> {
    let claimed = claimed_size(gzip).ok_or(InflateError::Corrupt)?;
    if claimed <= limit {
        return Ok(claimed);
    }
    // The last bytes of a body that was cut short are no size, and mostly say gigabytes.
    decode(gzip, limit, &mut io::sink())
}

/// Opens a gzip body that may hold `limit` bytes. The answer has its gRPC prefix in front.
pub fn inflate(gzip: &[u8], limit: usize) -> Result<Bytes, InflateError> {
    let claimed = claimed_size(gzip).ok_or(InflateError::Corrupt)?;
    // One member of the size it claims is what every client sends. Anything else takes the slow way, where nothing is
    // allocated on the word of a stranger. libdeflate stops after the first member without saying so: hence the search.
    let one = memmem::find(gzip.get(1..).unwrap_or_default(), &MAGIC).is_none();
    if one && claimed <= limit && claimed <= gzip.len().saturating_mul(MAX_RATIO) {
        let mut framed = BytesMut::zeroed(PREFIX + claimed);
        let (head, body) = framed.split_at_mut(PREFIX);
        let opened = DECOMPRESSOR.with_borrow_mut(|d| d.gzip_decompress(gzip, body));
        if opened == Ok(claimed) {
            head.copy_from_slice(&payload::prefix(false, claimed));
            return Ok(framed.freeze());
        }
    }
    inflate_slowly(gzip, limit)
}

/// Opens gzip of several members, or with a trailer that lies, growing the answer as it comes.
fn inflate_slowly(gzip: &[u8], limit: usize) -> Result<Bytes, InflateError> {
    let mut framed = vec![0; PREFIX];
    let len = decode(gzip, limit, &mut framed)?;
    if let Some(head) = framed.first_chunk_mut::<PREFIX>() {
        *head = payload::prefix(false, len);
    }
    Ok(framed.into())
}

/// Writes what gzip of any number of members holds, at most `limit` bytes and one, and says how many there are.
fn decode(gzip: &[u8], limit: usize, out: &mut impl Write) -> Result<usize, InflateError> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    match io::copy(&mut MultiGzDecoder::new(gzip).take(most), out) {
        Ok(len) if len < most => Ok(usize::try_from(len).unwrap_or(limit)),
        Ok(_more) => Err(InflateError::TooLarge { limit }),
        Err(_damage) => Err(InflateError::Corrupt),
    }
}

/// Compresses a message with gzip at level 1. The answer has its gRPC prefix in front.
pub fn deflate(message: &[u8]) -> Bytes {
    COMPRESSOR.with_borrow_mut(|compress| {
        compress.reset();
        let mut framed = Vec::with_capacity(PREFIX + 64 + message.len() / 4);
        framed.resize(PREFIX, 0);
        let mut rest = message;
        loop {
            let before = compress.total_in();
            let status = compress
                .compress_vec(rest, &mut framed, FlushCompress::Finish)
                .expect("a compressor fails only when it is called out of order");
            if status == Status::StreamEnd {
                break;
            }
            let taken = usize::try_from(compress.total_in() - before).unwrap_or(usize::MAX);
            rest = rest.get(taken..).unwrap_or_default();
            framed.reserve(4096 + rest.len() / 2);
        }
        let len = framed.len() - PREFIX;
        if let Some(head) = framed.first_chunk_mut::<PREFIX>() {
            *head = payload::prefix(true, len);
        }
        framed.into()
    })
}

/// Makes the plain form of a request be at hand, which a processor needs.
pub fn open(payload: Payload) -> Result<Payload, Refusal> {
    match (payload.framed(), payload.framed_gzip()) {
        (None, Some(framed)) => {
            let plain = inflate(framed.get(PREFIX..).unwrap_or_default(), payload.limit())?;
            Ok(payload.opened(plain))
        }
        _ => Ok(payload),
    }
}

/// Makes the compressed form of a request be at hand, for an exporter that compresses.
pub fn compress(payload: Payload) -> Payload {
    match (payload.message(), payload.framed_gzip()) {
        (Some(message), None) => payload.compressed(deflate(&message)),
        _ => payload,
    }
}

#[cfg(test)]
mod tests;
