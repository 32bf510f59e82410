//! Deflate, in zlib's frame or without one: libdeflate to open, zlib-rs at level 1 to compress, as for gzip.
//!
//! Neither form says how much it holds, so a body is run through once to count before it is opened.

use std::cell::RefCell;

use bytes::{Bytes, BytesMut};
use flate2::{Compress, Compression, Decompress, FlushDecompress, Status};
use libdeflater::Decompressor;

use super::{Admitted, Coding, InflateError, gzip};
use crate::payload::{PREFIX, put_prefix};

/// What is opened at a time while counting.
const CHUNK: usize = 16 << 10;

const CORRUPT: InflateError = InflateError::Corrupt(Coding::Zlib);

thread_local! {
    static COUNTER: RefCell<Decompress> = RefCell::new(Decompress::new(true));
    static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
    static COMPRESSOR: RefCell<Compress> = RefCell::new(Compress::new(Compression::fast(), true));
}

/// Which of the two forms a body has, and how many bytes it holds. One with anything behind its end is damaged.
pub(super) fn admit(body: &[u8], limit: usize) -> Result<(Coding, Admitted), InflateError> {
    let coding = if has_header(body) {
        Coding::Zlib
    } else {
        Coding::Raw
    };
    COUNTER
        .with_borrow_mut(|counter| count(counter, coding, body, limit))
        .map(|size| {
            let is_one = true;
            (coding, Admitted { size, is_one })
        })
}

/// Whether a body begins with zlib's header: deflate, a window of at most 32 KiB, and a check that both bytes are divisible
/// by 31. Without a frame these bits would be a stored block behind padding that is not zero, which no encoder writes.
fn has_header(body: &[u8]) -> bool {
    let [method, flags, ..] = *body else {
        return false;
    };
    method & 0x0f == 8 && method >> 4 <= 7 && u16::from_be_bytes([method, flags]) % 31 == 0
}

fn count(
    counter: &mut Decompress,
    coding: Coding,
    body: &[u8],
    limit: usize,
) -> Result<usize, InflateError> {
    counter.reset(coding == Coding::Zlib);
    let limit_reached = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut nowhere = [0; CHUNK];
    loop {
        let (taken, given) = (counter.total_in(), counter.total_out());
        let rest = usize::try_from(taken)
            .ok()
            .and_then(|taken| body.get(taken..));
        let status = counter
            .decompress(
                rest.unwrap_or_default(),
                &mut nowhere,
                FlushDecompress::None,
            )
            .map_err(|_damage| CORRUPT)?;
        if counter.total_out() > limit_reached {
            return Err(InflateError::TooLarge { limit });
        }
        if status == Status::StreamEnd {
            let whole = usize::try_from(counter.total_in()) == Ok(body.len());
            let size = usize::try_from(counter.total_out()).unwrap_or(limit);
            return whole.then_some(size).ok_or(CORRUPT);
        }
        if (taken, given) == (counter.total_in(), counter.total_out()) {
            // It was cut short.
            return Err(CORRUPT);
        }
    }
}

/// Opens a body that was admitted with `size` bytes.
pub(super) fn inflate(coding: Coding, body: &[u8], size: usize) -> Result<Bytes, InflateError> {
    let mut framed = BytesMut::zeroed(PREFIX + size);
    let room = framed.get_mut(PREFIX..).unwrap_or_default();
    let opened = DECOMPRESSOR.with_borrow_mut(|decompressor| {
        if coding == Coding::Zlib {
            decompressor.zlib_decompress(body, room)
        } else {
            decompressor.deflate_decompress(body, room)
        }
    });
    if opened != Ok(size) {
        return Err(CORRUPT);
    }
    put_prefix(&mut framed, false);
    Ok(framed.freeze())
}

/// Compresses a message in zlib's frame, behind room for a prefix.
pub(super) fn deflate(message: &[u8]) -> Vec<u8> {
    COMPRESSOR.with_borrow_mut(|compress| gzip::finish(compress, message))
}
