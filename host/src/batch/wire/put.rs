//! Writes fields.

use super::LEN;

/// The bytes that a varint takes.
pub(in super::super) fn varint_len(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// A varint in a buffer of its own, with its length.
pub(in super::super) fn varint_bytes(mut value: u64) -> ([u8; 10], usize) {
    let mut out = [0; 10];
    let mut len = 0;
    for slot in &mut out {
        len += 1;
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            *slot = low;
            break;
        }
        *slot = low | 0x80;
    }
    (out, len)
}

pub(in super::super) fn put_varint(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        out.push(value.to_le_bytes()[0]);
    } else {
        let (bytes, len) = varint_bytes(value);
        out.extend_from_slice(bytes.get(..len).unwrap_or_default());
    }
}

pub(in super::super) fn put_tag(out: &mut Vec<u8>, number: u32, wire: u8) {
    put_varint(out, u64::from(number) << 3 | u64::from(wire));
}

/// Writes a length-delimited field.
pub(in super::super) fn put_len(out: &mut Vec<u8>, number: u32, body: &[u8]) {
    put_tag(out, number, LEN);
    put_varint(out, body.len() as u64);
    out.extend_from_slice(body);
}

/// The bytes that a length-delimited field takes.
pub(in super::super) fn len_field(number: u32, body: usize) -> usize {
    varint_len(u64::from(number) << 3) + varint_len(body as u64) + body
}
