//! Protobuf's wire format: varints, fields and their bounds, read with checks and written.
//!
//! Knows nothing of OTLP. No byte is read that was not checked to be there, and nothing recurses without a bound.

mod get;
mod put;

use get::{len, past_group, past_short, tag, take, varint};
pub(super) use put::{len_field, put_len, put_tag, put_varint, varint_bytes, varint_len};

/// Wire types.
pub(super) const VARINT: u8 = 0;
pub(super) const FIXED64: u8 = 1;
pub(super) const LEN: u8 = 2;
pub(super) const GROUP: u8 = 3;
const GROUP_END: u8 = 4;
pub(super) const FIXED32: u8 = 5;

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
    /// What was not read yet.
    rest: &'a [u8],
    /// Where it ends, in the bytes that positions count in.
    end: usize,
}

#[expect(
    clippy::inline_always,
    reason = "left to itself the compiler calls them once a field, which doubles a walk"
)]
impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            end: bytes.len(),
        }
    }

    /// Reads `base[start..end]`; the positions of its fields are those in `base`.
    #[inline]
    pub(super) fn within(base: &'a [u8], start: usize, end: usize) -> Self {
        match base.get(start..end) {
            Some(rest) => Self { rest, end },
            None => Self::new(&[]),
        }
    }

    /// A fault at the reader's place.
    #[cold]
    pub(super) fn fault(&self, what: &'static str) -> Malformed {
        Malformed::new(self.rest, 0, what)
    }

    /// Where the next field begins.
    #[inline(always)]
    pub(super) fn pos(&self) -> usize {
        self.end - self.rest.len()
    }

    /// What was not read yet.
    #[inline(always)]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Goes on by so many bytes, which were looked at in `rest`.
    #[inline(always)]
    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// The next field; none at the end.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Wired<Option<Field<'a>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let start = self.pos();
        let (tag, at) = tag(self.rest)?;
        let (number, wire) = (tag >> 3, tag.to_le_bytes()[0] & 7);
        let (mut body, mut value) = (&[] as &[u8], 0);
        self.rest = match wire {
            LEN => {
                let rest;
                (body, rest) = len(at)?;
                rest
            }
            VARINT => {
                let rest;
                (value, rest) = varint(at)?;
                rest
            }
            FIXED64 => {
                let (bytes, rest) = take(at)?;
                value = u64::from_le_bytes(bytes);
                rest
            }
            FIXED32 => {
                let (bytes, rest) = take(at)?;
                value = u64::from(u32::from_le_bytes(bytes));
                rest
            }
            GROUP => past_group(at, number)?,
            _ => {
                return Err(Malformed::new(
                    at,
                    0,
                    "an end of a group that did not begin",
                ));
            }
        };
        Ok(Some(Field {
            number,
            wire,
            start,
            end: self.pos(),
            body,
            value,
        }))
    }

    /// The next of packed varints; none at the end.
    pub(super) fn next_varint(&mut self) -> Wired<Option<u64>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (value, rest) = varint(self.rest)?;
        self.rest = rest;
        Ok(Some(value))
    }

    /// The next field whose number's bit is set in `mask`, which no field from 32 on has; none at the end. The others are
    /// stepped over, checked for their bounds alone.
    #[inline(always)]
    pub(super) fn next_of(&mut self, mask: u32) -> Wired<Option<Field<'a>>> {
        loop {
            self.skip_short(mask);
            match self.next()? {
                Some(field) if field.number > 31 || mask >> field.number & 1 == 0 => {}
                other => return Ok(other),
            }
        }
    }

    /// Steps over fields that are written as nearly all are and whose bits are not set in `mask`. Whether there were any.
    #[inline(always)]
    pub(super) fn skip_short(&mut self, mask: u32) -> bool {
        let before = self.rest.len();
        while let Some((number, rest)) = past_short(self.rest)
            && mask >> number & 1 == 0
        {
            self.rest = rest;
        }
        self.rest.len() < before
    }

    /// Steps over the next field. Its number as a bit, which those over 31 do not have; none at the end.
    #[inline(always)]
    pub(super) fn step(&mut self) -> Wired<Option<u32>> {
        if let Some((number, rest)) = past_short(self.rest) {
            self.rest = rest;
            return Ok(Some(1 << (number & 15)));
        }
        let field = self.next()?;
        Ok(field.map(|field| 1_u32.checked_shl(field.number).unwrap_or_default()))
    }

    /// The body of the next field if it has this tag of one byte and a length of one byte.
    #[inline(always)]
    pub(super) fn next_short(&mut self, tag: u8) -> Option<&'a [u8]> {
        match self.rest {
            [head, len @ ..0x80, rest @ ..] if *head == tag => {
                let (body, rest) = rest.split_at_checked(usize::from(*len))?;
                self.rest = rest;
                Some(body)
            }
            _ => None,
        }
    }

    /// The same with a length of one byte or two.
    #[inline(always)]
    pub(super) fn next_plain(&mut self, tag: u8) -> Option<&'a [u8]> {
        let [head, rest @ ..] = self.rest else {
            return None;
        };
        let (len, rest) = match rest {
            [len @ ..0x80, rest @ ..] => (usize::from(*len), rest),
            [low, high @ ..0x80, rest @ ..] => {
                (usize::from(low & 0x7f) | usize::from(*high) << 7, rest)
            }
            _ => return None,
        };
        let (body, rest) = rest.split_at_checked(len).filter(|_| *head == tag)?;
        self.rest = rest;
        Some(body)
    }

    /// Steps over fields with this tag of one byte that are messages or texts with a length of one byte, as far as they
    /// follow each other.
    #[inline(always)]
    pub(super) fn skip_run(&mut self, tag: u8) {
        while let [head, len @ ..0x80, rest @ ..] = self.rest
            && *head == tag
            && let Some(rest) = rest.get(usize::from(*len)..)
        {
            self.rest = rest;
        }
    }
}

impl<'a> Field<'a> {
    /// The tag of a length-delimited field with a number below 16.
    #[inline]
    pub(super) fn short_tag(number: u32) -> u8 {
        number.to_le_bytes()[0] << 3 | LEN
    }

    /// A length-delimited field with this body.
    #[inline]
    pub(super) fn short(number: u32, body: &'a [u8], start: usize, end: usize) -> Self {
        Self {
            number,
            wire: LEN,
            start,
            end,
            body,
            value: 0,
        }
    }

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
