//! zstd: libzstd, at level 1 to compress, with its contexts reused a thread.
//!
//! A body is one frame or several, each of which may say how much it holds. Whether it does or not, its blocks bound it,
//! so that their headers, which are walked first, show what there is to be charged and allocated.

use std::cell::RefCell;
use std::io::Cursor;

use bytes::Bytes;
use zstd::zstd_safe::{CCtx, CParameter, DCtx, compress_bound};

use super::{Admitted, Coding, InflateError};
use crate::payload::{PREFIX, put_prefix};

/// What a frame of data begins with.
const MAGIC: u32 = 0xfd2f_b528;

/// What a frame begins with that holds something else and is skipped; the last four bits are free.
const SKIPPABLE: u32 = 0x184d_2a50;

/// The largest window that decoders should support (RFC 8878, 3.1.1.1.2).
const MAX_WINDOW: u64 = 8 << 20;

/// The most that a block holds.
const MAX_BLOCK: u64 = 128 << 10;

/// The level that costs least, but for those that hardly compress.
const LEVEL: i32 = 1;

/// libzstd's `ZSTD_error_dstSize_tooSmall` (70) as its functions return it; the numbers of its errors are stable.
const NO_ROOM: usize = 70_usize.wrapping_neg();

const CORRUPT: InflateError = InflateError::Corrupt(Coding::Zstd);

thread_local! {
    /// About 160 KiB, and about 1 MiB.
    static DECOMPRESSOR: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
    static COMPRESSOR: RefCell<CCtx<'static>> = RefCell::new(compressor());
}

fn compressor() -> CCtx<'static> {
    let mut compressor = CCtx::create();
    compressor
        .set_parameter(CParameter::CompressionLevel(LEVEL))
        .expect("level 1 is one of zstd's levels");
    compressor
}

/// What a body holds, as its headers say.
#[derive(Debug, Default, PartialEq, Eq)]
struct Bounds {
    least: u64,
    most: u64,
    /// Frames, those that are skipped as well: some decoders stop after the first.
    frames: u32,
}

/// What a body is to be charged with: what it says, or else what its blocks can hold, at most `limit`.
pub(super) fn admit(body: &[u8], limit: usize) -> Result<Admitted, InflateError> {
    let bounds = bounds(body)?;
    let fits = |size| usize::try_from(size).is_ok_and(|size| size <= limit);
    if !fits(bounds.least) {
        return Err(InflateError::TooLarge { limit });
    }
    Ok(Admitted {
        size: usize::try_from(bounds.most).map_or(limit, |most| most.min(limit)),
        is_one: bounds.frames == 1,
    })
}

/// Opens a body that was admitted with `size` bytes.
pub(super) fn inflate(body: &[u8], size: usize, limit: usize) -> Result<Bytes, InflateError> {
    let mut framed = Vec::with_capacity(PREFIX + size);
    framed.resize(PREFIX, 0);
    let mut room = Cursor::new(framed);
    room.set_position(PREFIX as u64);
    let opened = DECOMPRESSOR.with_borrow_mut(|context| context.decompress(&mut room, body));
    match opened {
        Ok(len) if len <= size => {}
        // There may be more room than was asked for.
        Ok(_) | Err(NO_ROOM) if size == limit => return Err(InflateError::TooLarge { limit }),
        _ => return Err(CORRUPT),
    }
    let mut framed = room.into_inner();
    put_prefix(&mut framed, false);
    // The blocks of a frame that did not say its size may hold less than they could.
    framed.shrink_to_fit();
    Ok(framed.into())
}

/// Compresses a message, behind room for a prefix.
pub(super) fn deflate(message: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(PREFIX + compress_bound(message.len()));
    framed.resize(PREFIX, 0);
    let mut room = Cursor::new(framed);
    room.set_position(PREFIX as u64);
    COMPRESSOR.with_borrow_mut(|context| {
        context
            .compress2(&mut room, message)
            .expect("there is room for the worst case, and no other parameter than the level");
    });
    let mut framed = room.into_inner();
    framed.shrink_to_fit();
    framed
}

/// Walks the headers of a body's frames and blocks.
fn bounds(body: &[u8]) -> Result<Bounds, InflateError> {
    let mut rest = Rest(body);
    let mut all = Bounds::default();
    let mut has_data = false;
    while !rest.0.is_empty() {
        let magic = u32::from_le_bytes(rest.take()?);
        all.frames = all.frames.saturating_add(1);
        if magic & !0xf == SKIPPABLE {
            let len = u32::from_le_bytes(rest.take()?);
            rest.skip(u64::from(len))?;
            continue;
        }
        if magic != MAGIC {
            return Err(CORRUPT);
        }
        let frame = rest.frame()?;
        all.least = all.least.saturating_add(frame.least);
        all.most = all.most.saturating_add(frame.most);
        has_data = true;
    }
    has_data.then_some(all).ok_or(CORRUPT)
}

/// What is left to be walked.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], InflateError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(CORRUPT)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, InflateError> {
        self.take().map(|[byte]| byte)
    }

    fn skip(&mut self, len: u64) -> Result<(), InflateError> {
        let len = usize::try_from(len).map_err(|_longer| CORRUPT)?;
        self.0 = self.0.get(len..).ok_or(CORRUPT)?;
        Ok(())
    }

    /// A frame of data behind its magic number.
    fn frame(&mut self) -> Result<Bounds, InflateError> {
        let descriptor = self.byte()?;
        let single = descriptor & 0x20 != 0;
        let window = if single {
            None
        } else {
            let byte = self.byte()?;
            let base = 1_u64 << (10 + (byte >> 3));
            Some(base + base / 8 * u64::from(byte & 7))
        };
        if window.is_some_and(|window| window > MAX_WINDOW) {
            return Err(InflateError::Window);
        }
        // A dictionary's number: libzstd refuses what needs one.
        self.skip(match descriptor & 3 {
            3 => 4,
            len => u64::from(len),
        })?;
        let content = match descriptor >> 6 {
            0 if single => Some(u64::from(self.byte()?)),
            0 => None,
            1 => Some(u64::from(u16::from_le_bytes(self.take()?)) + 256),
            2 => Some(u64::from(u32::from_le_bytes(self.take()?))),
            _ => Some(u64::from_le_bytes(self.take()?)),
        };
        // Without a window of its own a frame has the size of its content for one.
        let largest = window.or(content).unwrap_or(MAX_BLOCK).min(MAX_BLOCK);
        let blocks = self.blocks(largest)?;
        if descriptor & 4 != 0 {
            self.skip(4)?;
        }
        match content {
            Some(content) if content > blocks.most => Err(CORRUPT),
            Some(content) => Ok(Bounds {
                least: content,
                most: content,
                ..Bounds::default()
            }),
            None => Ok(blocks),
        }
    }

    /// The blocks of a frame, of which a compressed one holds no more than `largest`.
    fn blocks(&mut self, largest: u64) -> Result<Bounds, InflateError> {
        let mut bounds = Bounds::default();
        loop {
            let [a, b, c] = self.take()?;
            let header = u32::from_le_bytes([a, b, c, 0]);
            let size = u64::from(header >> 3);
            let (stored, least, most) = match header >> 1 & 3 {
                // As it is, one byte again and again, compressed.
                0 => (size, size, size),
                1 => (1, size, size),
                2 => (size, 0, largest),
                _ => return Err(CORRUPT),
            };
            self.skip(stored)?;
            bounds.least = bounds.least.saturating_add(least);
            bounds.most = bounds.most.saturating_add(most);
            if header & 1 == 1 {
                return Ok(bounds);
            }
        }
    }
}
