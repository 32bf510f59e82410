//! What a batch's edits change of its bytes, and the bytes that come of it.

use bytes::{BufMut, BytesMut};

use crate::batch::sight::Sight;
use crate::batch::wire::{LEN, varint_bytes};

/// Bytes of the base to leave out, and what to write instead.
pub(super) struct Patch {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) with: With,
}

/// What a patch writes.
pub(super) enum With {
    Nothing,
    /// The text of the edit with this number.
    Edit(u32),
    /// A length.
    Varint(u32),
    /// The tag and length of a message that is created.
    Head {
        number: u32,
        len: u32,
    },
}

/// The base with its patches, which come to `len` bytes, after `headroom` zero bytes.
pub(super) fn write(patches: &[Patch], sight: &Sight<'_>, len: usize, headroom: usize) -> BytesMut {
    let mut out = BytesMut::with_capacity(headroom + len);
    out.put_bytes(0, headroom);
    let mut done = 0;
    for patch in patches {
        copy(sight.base, done, patch.start as usize, &mut out);
        done = patch.end as usize;
        match patch.with {
            With::Nothing => {}
            With::Edit(i) => {
                let edit = sight.edits.list.get(i as usize);
                let text = edit.map(|edit| sight.edits.text(edit));
                out.put_slice(text.unwrap_or_default());
            }
            With::Varint(value) => put_varint(&mut out, value.into()),
            With::Head { number, len } => {
                put_varint(&mut out, u64::from(number) << 3 | u64::from(LEN));
                put_varint(&mut out, len.into());
            }
        }
    }
    copy(sight.base, done, sight.base.len(), &mut out);
    out
}

fn copy(base: &[u8], start: usize, end: usize, out: &mut BytesMut) {
    out.put_slice(base.get(start..end).unwrap_or_default());
}

fn put_varint(out: &mut BytesMut, value: u64) {
    let (bytes, len) = varint_bytes(value);
    out.put_slice(bytes.get(..len).unwrap_or_default());
}
