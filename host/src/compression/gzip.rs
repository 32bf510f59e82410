//! gzip: libdeflate to open, zlib-rs at level 1 to compress, the fastest of each as measured on OTLP.

use std::cell::RefCell;
use std::io::{self, Read, Write};

use bytes::{Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};
use libdeflater::Decompressor;
use memchr::memmem;

use super::{Coding, InflateError, put_prefix};
use crate::payload::PREFIX;

/// The first bytes of each member of a gzip file: the magic number, and deflate, the only method there is.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// Deflate cannot shrink anything by more (a match of 258 bytes in 2 bits).
const MAX_RATIO: usize = 1032;

/// log2 of gzip's window.
const WINDOW_BITS: u8 = 15;

const CORRUPT: InflateError = InflateError::Corrupt(Coding::Gzip);

thread_local! {
    /// The state of both is worth keeping: 12 KiB and about 300 KiB that would be cleared for each request.
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
    static COMPRESSOR: RefCell<Compress> =
        RefCell::new(Compress::new_gzip(Compression::fast(), WINDOW_BITS));
}

/// The size that a body claims to have once opened (modulo 2^32), which its sender may have made up; none for what is no
/// gzip by its first bytes, or too short.
fn claimed_size(gzip: &[u8]) -> Option<usize> {
    if gzip.len() < 18 || !gzip.starts_with(&MAGIC) {
        return None;
    }
    let trailer = gzip.last_chunk::<4>()?;
    usize::try_from(u32::from_le_bytes(*trailer)).ok()
}

/// The size that a body is to be charged with: what it claims to have once opened, if that is at most `limit`; else it is
/// looked into, and what is wrong with it is the error.
pub(super) fn admit(gzip: &[u8], limit: usize) -> Result<usize, InflateError> {
    let claimed = claimed_size(gzip).ok_or(CORRUPT)?;
    if claimed <= limit {
        return Ok(claimed);
    }
    // The last bytes of a body that was cut short are no size, and mostly say gigabytes.
    decode(gzip, limit, &mut io::sink())
}

/// Opens a body that may hold `limit` bytes.
pub(super) fn inflate(gzip: &[u8], limit: usize) -> Result<Bytes, InflateError> {
    let claimed = claimed_size(gzip).ok_or(CORRUPT)?;
    // One member of the size it claims is what every client sends. Anything else takes the slow way, where nothing is
    // allocated on the word of a stranger. libdeflate stops after the first member without saying so: hence the search.
    let one = memmem::find(gzip.get(1..).unwrap_or_default(), &MAGIC).is_none();
    if one && claimed <= limit && claimed <= gzip.len().saturating_mul(MAX_RATIO) {
        let mut framed = BytesMut::zeroed(PREFIX + claimed);
        let body = framed.get_mut(PREFIX..).unwrap_or_default();
        let opened = DECOMPRESSOR.with_borrow_mut(|d| d.gzip_decompress(gzip, body));
        if opened == Ok(claimed) {
            put_prefix(&mut framed, false);
            return Ok(framed.freeze());
        }
    }
    inflate_slowly(gzip, limit)
}

/// Opens gzip of several members, or with a trailer that lies, growing the answer as it comes.
fn inflate_slowly(gzip: &[u8], limit: usize) -> Result<Bytes, InflateError> {
    let mut framed = vec![0; PREFIX];
    decode(gzip, limit, &mut framed)?;
    put_prefix(&mut framed, false);
    Ok(framed.into())
}

/// Writes what gzip of any number of members holds, at most `limit` bytes and one, and says how many there are.
fn decode(gzip: &[u8], limit: usize, out: &mut impl Write) -> Result<usize, InflateError> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    match io::copy(&mut MultiGzDecoder::new(gzip).take(most), out) {
        Ok(len) if len < most => Ok(usize::try_from(len).unwrap_or(limit)),
        Ok(_more) => Err(InflateError::TooLarge { limit }),
        Err(_damage) => Err(CORRUPT),
    }
}

/// Compresses a message, behind room for a prefix.
pub(super) fn deflate(message: &[u8]) -> Vec<u8> {
    COMPRESSOR.with_borrow_mut(|compress| finish(compress, message))
}

/// Runs a compressor over a message, whatever frame it puts around it.
pub(super) fn finish(compress: &mut Compress, message: &[u8]) -> Vec<u8> {
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
            return framed;
        }
        let taken = usize::try_from(compress.total_in() - before).unwrap_or(usize::MAX);
        rest = rest.get(taken..).unwrap_or_default();
        framed.reserve(4096 + rest.len() / 2);
    }
}
