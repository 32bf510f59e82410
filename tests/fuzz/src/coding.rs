//! What the targets of the codings share.

use otlet::compression::{Coding, admit, inflate};
use otlet::payload::{self, PREFIX};

/// Whether a body may have been opened at the door: gzip of several members, zstd of several frames.
pub(crate) fn may_be_several(body: &[u8]) -> bool {
    let zstd = |body: &[u8]| {
        [b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"]
            .iter()
            .any(|m| body.starts_with(*m))
    };
    body.starts_with(b"\x1f\x8b\x08") || zstd(body)
}

/// Opens a body as a receiver does: what was not charged for is not there.
pub(crate) fn opened(coding: Coding, body: &[u8], limit: usize) -> Option<Vec<u8>> {
    let framed = [&payload::prefix(true, body.len()), body].concat();
    let packed = admit(coding, framed.into(), limit).ok()?;
    assert!(packed.size <= limit);
    let framed = inflate(&packed).ok()?;
    let (prefix, plain) = framed.split_at(PREFIX);
    assert!(plain.len() <= limit);
    assert!(plain.len() <= packed.size);
    assert_eq!(prefix, payload::prefix(false, plain.len()));
    Some(plain.to_vec())
}
