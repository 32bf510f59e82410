//! What the targets of the codings share.

use otlet::compression::{Coding, admit, inflate};
use otlet::payload::{self, PREFIX};

/// Opens a body as a receiver does: what was not charged for is not there.
pub(crate) fn opened(coding: Coding, body: &[u8], limit: usize) -> Option<Vec<u8>> {
    let framed = [&payload::prefix(true, body.len()), body].concat();
    let packed = admit(coding, framed.into(), limit).ok()?;
    assert!(packed.size <= limit);
    let framed = inflate(&packed).ok()?;
    let (prefix, plain) = framed.split_at(PREFIX);
    assert!(plain.len() <= limit);
    // A trailer of gzip may lie about its member; the others are counted.
    assert!(coding == Coding::Gzip || plain.len() <= packed.size);
    assert_eq!(prefix, payload::prefix(false, plain.len()));
    Some(plain.to_vec())
}
