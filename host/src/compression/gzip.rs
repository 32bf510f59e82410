//! gzip: libdeflate to open, zlib-rs at level 1 to compress, the fastest of each as measured on OTLP.

use std::cell::RefCell;
use std::io::{self, Read, Write};

use bytes::{Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};
use libdeflater::Decompressor;
use memchr::memmem;

use super::{Admitted, Coding, InflateError};
use crate::payload::{PREFIX, put_prefix};

/// The first bytes of each member of a gzip file: the magic number, and deflate, the only method there is.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// Deflate cannot shrink anything by more (a match of 258 bytes in 2 bits).
const MAX_RATIO: usize = 1032;

/// What gzip adds to what does not compress: its header and trailer, mostly 18 bytes, and a byte in eight.
const FRAME: usize = 50;

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

/// Whether a body holds a second member or something else behind the first: perhaps, for what looks like a second may be
/// data. What looks like one member, of a size that its bytes can hold, is what every client sends.
fn may_hold_more(gzip: &[u8], claimed: usize) -> bool {
    let least = gzip.len().saturating_sub(FRAME) / 9 * 8;
    let most = gzip.len().saturating_mul(MAX_RATIO);
    !(least..=most).contains(&claimed)
        || memmem::find(gzip.get(1..).unwrap_or_default(), &MAGIC).is_some()
}

/// What a body is to be charged with: what it claims to have once opened, if it is one member and that is at most `limit`;
/// else it is run through to count, and what is wrong with it is the error.
pub(super) fn admit(gzip: &[u8], limit: usize) -> Result<Admitted, InflateError> {
    let claimed = claimed_size(gzip).ok_or(CORRUPT)?;
    // The last bytes of a body that was cut short are no size, and mostly say gigabytes.
    if claimed <= limit && !may_hold_more(gzip, claimed) {
        return Ok(Admitted {
            size: claimed,
            is_one: true,
        });
    }
    decode(gzip, limit, &mut io::sink())
}

/// Opens a body that was admitted with `size` bytes.
pub(super) fn inflate(gzip: &[u8], size: usize) -> Result<Bytes, InflateError> {
    let claimed = claimed_size(gzip).ok_or(CORRUPT)?;
    // libdeflate stops after the first member without saying so.
    if claimed == size && !may_hold_more(gzip, claimed) {
        let mut framed = BytesMut::zeroed(PREFIX + claimed);
        let body = framed.get_mut(PREFIX..).unwrap_or_default();
        let opened = DECOMPRESSOR.with_borrow_mut(|d| d.gzip_decompress(gzip, body));
        if opened == Ok(claimed) {
            put_prefix(&mut framed, false);
            return Ok(framed.freeze());
        }
    }
    let mut framed = Vec::with_capacity(PREFIX + size);
    framed.resize(PREFIX, 0);
    // What holds more than it was charged with has a trailer that lies.
    decode(gzip, size, &mut framed).map_err(|_lie| CORRUPT)?;
    put_prefix(&mut framed, false);
    Ok(framed.into())
}

/// Writes what gzip of any number of members holds, at most `limit` bytes, and says how many there are.
#[expect(
    clippy::disallowed_types,
    reason = "what is copied of its output has a bound"
)]
fn decode(gzip: &[u8], limit: usize, out: &mut impl Write) -> Result<Admitted, InflateError> {
    let mut rest = gzip;
    let first = copy(&mut flate2::bufread::GzDecoder::new(&mut rest), limit, out)?;
    if rest.is_empty() {
        return Ok(Admitted {
            size: first,
            is_one: true,
        });
    }
    let left = limit.saturating_sub(first);
    match copy(&mut MultiGzDecoder::new(rest), left, out) {
        Ok(more) => Ok(Admitted {
            size: first.saturating_add(more),
            is_one: false,
        }),
        Err(InflateError::TooLarge { .. }) => Err(InflateError::TooLarge { limit }),
        Err(damage) => Err(damage),
    }
}

/// Copies to the end, unless there are more than `limit` bytes.
fn copy(from: &mut impl Read, limit: usize, out: &mut impl Write) -> Result<usize, InflateError> {
    let limited = u64::try_from(limit).unwrap_or(u64::MAX);
    match io::copy(&mut from.take(limited), out) {
        Ok(len) if len < limited => Ok(usize::try_from(len).unwrap_or(limit)),
        // The trailer is read at the end, of which one more byte tells.
        Ok(_all) => match from.read(&mut [0]) {
            Ok(0) => Ok(limit),
            Ok(_more) => Err(InflateError::TooLarge { limit }),
            Err(_damage) => Err(CORRUPT),
        },
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
