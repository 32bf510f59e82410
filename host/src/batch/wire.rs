//! Protobuf's wire format: varints, fields and their bounds, read with checks and written.
//!
//! Knows nothing of OTLP. No byte is read that was not checked to be there, and nothing recurses without a bound.

/// Wire types.
pub(super) const VARINT: u8 = 0;
pub(super) const FIXED64: u8 = 1;
pub(super) const LEN: u8 = 2;
pub(super) const GROUP: u8 = 3;
const GROUP_END: u8 = 4;
pub(super) const FIXED32: u8 = 5;

/// Groups within groups that are skipped; prost allows a hundred levels of everything.
const MAX_GROUPS: usize = 100;

/// What is wrong with some bytes, and where. The address becomes an offset once the message it lies in is known, so that
/// readers of nested messages need not carry their origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    address: usize,
    what: &'static str,
}

pub(super) type Wired<T> = Result<T, Malformed>;

impl Malformed {
    #[cold]
    pub(super) fn new(bytes: &[u8], pos: usize, what: &'static str) -> Self {
        Self {
            address: (bytes.as_ptr() as usize).wrapping_add(pos),
            what,
        }
    }

    /// The fault in words, for bytes that lie in `base`.
    pub(super) fn describe(&self, base: &[u8]) -> String {
        let offset = self.address.wrapping_sub(base.as_ptr() as usize);
        if offset <= base.len() {
            format!("{} at byte {offset}", self.what)
        } else {
            format!("{} in an edited or merged value", self.what)
        }
    }
}

/// One field of a message, with its tag.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    pub(super) wire: u8,
    /// Where its tag begins and where it ends, in the reader's bytes.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The body of a length-delimited field, empty otherwise.
    pub(super) body: &'a [u8],
    /// The number in a varint or fixed field, 0 otherwise.
    pub(super) value: u64,
}

/// Reads the fields of a message one by one.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    pos: usize,
}

#[expect(
    clippy::inline_always,
    reason = "left to itself the compiler calls them once a field, which doubles a walk"
)]
impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pos: 0 }
    }

    /// Reads `base[start..end]`; the positions of its fields are those in `base`.
    pub(super) fn within(base: &'a [u8], start: usize, end: usize) -> Self {
        Self {
            bytes: base.get(..end).unwrap_or(base),
            pos: start,
        }
    }

    /// A fault at the reader's place.
    #[cold]
    pub(super) fn fault(&self, what: &'static str) -> Malformed {
        Malformed::new(self.bytes, self.pos, what)
    }

    /// The next field; none at the end.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Wired<Option<Field<'a>>> {
        if self.pos >= self.bytes.len() {
            return Ok(None);
        }
        let start = self.pos;
        let (number, wire) = self.tag()?;
        let mut field = Field {
            number,
            wire,
            start,
            end: 0,
            body: &[],
            value: 0,
        };
        match wire {
            LEN => field.body = self.take_len()?,
            VARINT => field.value = self.varint()?,
            FIXED64 => field.value = u64::from_le_bytes(self.take()?),
            FIXED32 => field.value = u64::from(u32::from_le_bytes(self.take()?)),
            GROUP => self.skip_group(number)?,
            _ => return Err(self.fault("an end of a group that did not begin")),
        }
        field.end = self.pos;
        Ok(Some(field))
    }

    /// The next of packed varints; none at the end.
    pub(super) fn next_varint(&mut self) -> Wired<Option<u64>> {
        if self.pos >= self.bytes.len() {
            return Ok(None);
        }
        self.varint().map(Some)
    }

    /// The next field whose number's bit is set in `mask`, which no field from 32 on has; none at the end. The others are
    /// stepped over, checked for their bounds alone.
    #[inline(always)]
    pub(super) fn next_of(&mut self, mask: u32) -> Wired<Option<Field<'a>>> {
        loop {
            match self.bytes.get(self.pos..) {
                Some([tag @ 0x08..0x80, len @ ..0x80, ..])
                    if tag & 7 == LEN && mask >> (tag >> 3) & 1 == 0 =>
                {
                    let end = self.pos + 2 + usize::from(*len);
                    if end > self.bytes.len() {
                        return Err(self.fault("a length beyond the end of its message"));
                    }
                    self.pos = end;
                }
                _ => match self.next()? {
                    Some(field) if field.number > 31 || mask >> field.number & 1 == 0 => {}
                    other => return Ok(other),
                },
            }
        }
    }

    #[inline(always)]
    fn tag(&mut self) -> Wired<(u32, u8)> {
        match self.bytes.get(self.pos) {
            Some(&byte) if (8..0x80).contains(&byte) && byte & 7 <= FIXED32 => {
                self.pos += 1;
                Ok((u32::from(byte >> 3), byte & 7))
            }
            _ => self.long_tag(),
        }
    }

    #[cold]
    #[inline(never)]
    fn long_tag(&mut self) -> Wired<(u32, u8)> {
        let at = self.pos;
        let tag = self.varint()?;
        let Ok(tag) = u32::try_from(tag) else {
            return Err(Malformed::new(
                self.bytes,
                at,
                "a field number out of range",
            ));
        };
        let wire = tag.to_le_bytes()[0] & 7;
        if wire > FIXED32 {
            return Err(Malformed::new(self.bytes, at, "an unknown wire type"));
        }
        if tag >> 3 == 0 {
            return Err(Malformed::new(self.bytes, at, "field number 0"));
        }
        Ok((tag >> 3, wire))
    }

    #[inline(always)]
    fn varint(&mut self) -> Wired<u64> {
        match self.bytes.get(self.pos) {
            Some(&byte) if byte < 0x80 => {
                self.pos += 1;
                Ok(u64::from(byte))
            }
            Some(&low) => match self.bytes.get(self.pos + 1) {
                Some(&high) if high < 0x80 => {
                    self.pos += 2;
                    Ok(u64::from(low & 0x7f) | u64::from(high) << 7)
                }
                _ => self.long_varint(),
            },
            None => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Wired<u64> {
        let mut value = 0u64;
        for (count, &byte) in self.bytes.iter().skip(self.pos).take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (count * 7);
            if byte < 0x80 {
                if count == 9 && byte > 1 {
                    return Err(self.fault("a varint over 64 bits"));
                }
                self.pos += count + 1;
                return Ok(value);
            }
        }
        Err(self.fault("a varint without an end"))
    }

    #[inline(always)]
    fn take_len(&mut self) -> Wired<&'a [u8]> {
        let len = self.varint()?;
        let body = usize::try_from(len)
            .ok()
            .and_then(|len| self.pos.checked_add(len))
            .and_then(|end| self.bytes.get(self.pos..end));
        match body {
            Some(body) => {
                self.pos += body.len();
                Ok(body)
            }
            None => Err(self.fault("a length beyond the end of its message")),
        }
    }

    fn take<const N: usize>(&mut self) -> Wired<[u8; N]> {
        match self.bytes.get(self.pos..).and_then(<[u8]>::first_chunk) {
            Some(bytes) => {
                self.pos += N;
                Ok(*bytes)
            }
            None => Err(self.fault("a number beyond the end of its message")),
        }
    }

    #[cold]
    #[inline(never)]
    fn skip_group(&mut self, number: u32) -> Wired<()> {
        let mut open = vec![number];
        while let Some(&innermost) = open.last() {
            if self.pos >= self.bytes.len() {
                return Err(self.fault("a group without an end"));
            }
            let (number, wire) = self.tag()?;
            match wire {
                LEN => drop(self.take_len()?),
                VARINT => drop(self.varint()?),
                FIXED64 => drop(self.take::<8>()?),
                FIXED32 => drop(self.take::<4>()?),
                GROUP if open.len() < MAX_GROUPS => open.push(number),
                GROUP_END if number == innermost => drop(open.pop()),
                GROUP => return Err(self.fault("groups nested too deep")),
                _ => return Err(self.fault("an end of another group")),
            }
        }
        Ok(())
    }
}

impl<'a> Field<'a> {
    /// The body, if the field is length-delimited as it has to be.
    #[inline]
    pub(super) fn message(&self, bytes: &[u8]) -> Wired<&'a [u8]> {
        self.expect(LEN, bytes)?;
        Ok(self.body)
    }

    /// Refuses a known field of another wire type than its own.
    #[inline]
    pub(super) fn expect(&self, wire: u8, bytes: &[u8]) -> Wired<()> {
        if self.wire == wire {
            Ok(())
        } else {
            Err(Malformed::new(
                bytes,
                self.start,
                "a field of another wire type than its own",
            ))
        }
    }
}

/// The bytes that a varint takes.
pub(super) fn varint_len(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

/// A varint in a buffer of its own, with its length.
pub(super) fn varint_bytes(mut value: u64) -> ([u8; 10], usize) {
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

pub(super) fn put_varint(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        out.push(value.to_le_bytes()[0]);
    } else {
        let (bytes, len) = varint_bytes(value);
        out.extend_from_slice(bytes.get(..len).unwrap_or_default());
    }
}

pub(super) fn put_tag(out: &mut Vec<u8>, number: u32, wire: u8) {
    put_varint(out, u64::from(number) << 3 | u64::from(wire));
}

/// Writes a length-delimited field.
pub(super) fn put_len(out: &mut Vec<u8>, number: u32, body: &[u8]) {
    put_tag(out, number, LEN);
    put_varint(out, body.len() as u64);
    out.extend_from_slice(body);
}

/// The bytes that a length-delimited field takes.
pub(super) fn len_field(number: u32, body: usize) -> usize {
    varint_len(u64::from(number) << 3) + varint_len(body as u64) + body
}
