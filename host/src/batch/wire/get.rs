//! What a field is made of, taken off the front of bytes: its tag, and a varint, a length with its body, a number or a group.

use super::{FIXED32, FIXED64, GROUP, GROUP_END, LEN, Malformed, VARINT, Wired};

/// Groups within groups that are skipped; prost allows a hundred levels of everything.
const MAX_GROUPS: usize = 100;

/// The number of the field that begins here and what follows it, if its tag and its length or varint are a byte each, as in
/// nearly all. Branches, not a table: a walk waits for each length before it knows where the next field begins, and a
/// predicted branch spares it the wait for the tag.
#[expect(clippy::inline_always, reason = "a part of the walk")]
#[inline(always)]
pub(super) fn past_short(rest: &[u8]) -> Option<(u32, &[u8])> {
    let [tag @ 8..0x80, second, after @ ..] = rest else {
        return None;
    };
    let after = match (tag & 7, second) {
        (LEN, ..0x80) => after.get(usize::from(*second)..)?,
        (VARINT, ..0x80) => after,
        (FIXED64, _) => after.get(7..)?,
        (FIXED32, _) => after.get(3..)?,
        _ => return None,
    };
    Some((u32::from(tag >> 3), after))
}

/// The tag that begins here, of a known wire type and with a number, and what follows it. This and what follows take bytes
/// and give the rest back, so that a reader need not stand in memory.
#[expect(clippy::inline_always, reason = "a part of the walk")]
#[inline(always)]
pub(super) fn tag(rest: &[u8]) -> Wired<(u32, &[u8])> {
    match rest {
        [tag @ 8..0x80, rest @ ..] if tag & 7 <= FIXED32 => Ok((u32::from(*tag), rest)),
        // Such as that of a span's flags.
        [low @ 0x80..=0xff, high @ 1..0x80, rest @ ..] if low & 7 <= FIXED32 => {
            Ok((u32::from(low & 0x7f) | u32::from(*high) << 7, rest))
        }
        _ => long_tag(rest),
    }
}

#[inline(never)]
fn long_tag(rest: &[u8]) -> Wired<(u32, &[u8])> {
    let (tag, end) = varint(rest)?;
    let Ok(tag) = u32::try_from(tag) else {
        return Err(Malformed::new(rest, 0, "a field number out of range"));
    };
    if tag.to_le_bytes()[0] & 7 > FIXED32 {
        return Err(Malformed::new(rest, 0, "an unknown wire type"));
    }
    if tag >> 3 == 0 {
        return Err(Malformed::new(rest, 0, "field number 0"));
    }
    Ok((tag, end))
}

#[expect(clippy::inline_always, reason = "a part of the walk")]
#[inline(always)]
pub(super) fn varint(rest: &[u8]) -> Wired<(u64, &[u8])> {
    match rest {
        [byte @ ..0x80, rest @ ..] => Ok((u64::from(*byte), rest)),
        [low, high @ ..0x80, rest @ ..] => {
            Ok((u64::from(low & 0x7f) | u64::from(*high) << 7, rest))
        }
        _ => long_varint(rest),
    }
}

#[inline(never)]
fn long_varint(rest: &[u8]) -> Wired<(u64, &[u8])> {
    let mut value = 0u64;
    for (count, &byte) in rest.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (count * 7);
        if byte < 0x80 {
            if count == 9 && byte > 1 {
                return Err(Malformed::new(rest, 0, "a varint over 64 bits"));
            }
            return Ok((value, rest.get(count + 1..).unwrap_or_default()));
        }
    }
    Err(Malformed::new(rest, 0, "a varint without an end"))
}

/// The body behind a length, and what follows it.
#[expect(clippy::inline_always, reason = "a part of the walk")]
#[inline(always)]
pub(super) fn len(rest: &[u8]) -> Wired<(&[u8], &[u8])> {
    let (len, rest) = varint(rest)?;
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    rest.split_at_checked(len)
        .ok_or_else(|| Malformed::new(rest, 0, "a length beyond the end of its message"))
}

#[inline]
pub(super) fn take<const N: usize>(rest: &[u8]) -> Wired<([u8; N], &[u8])> {
    match rest.split_first_chunk() {
        Some((bytes, rest)) => Ok((*bytes, rest)),
        None => Err(Malformed::new(
            rest,
            0,
            "a number beyond the end of its message",
        )),
    }
}

/// What follows a group of this number.
#[cold]
#[inline(never)]
pub(super) fn past_group(mut rest: &[u8], number: u32) -> Wired<&[u8]> {
    let mut open = vec![number];
    while let Some(&innermost) = open.last() {
        if rest.is_empty() {
            return Err(Malformed::new(rest, 0, "a group without an end"));
        }
        let tag;
        (tag, rest) = self::tag(rest)?;
        let (number, wire) = (tag >> 3, tag.to_le_bytes()[0] & 7);
        match wire {
            LEN => (_, rest) = len(rest)?,
            VARINT => (_, rest) = varint(rest)?,
            FIXED64 => (_, rest) = take::<8>(rest)?,
            FIXED32 => (_, rest) = take::<4>(rest)?,
            GROUP if open.len() < MAX_GROUPS => open.push(number),
            GROUP_END if number == innermost => drop(open.pop()),
            GROUP => return Err(Malformed::new(rest, 0, "groups nested too deep")),
            _ => return Err(Malformed::new(rest, 0, "an end of another group")),
        }
    }
    Ok(rest)
}
