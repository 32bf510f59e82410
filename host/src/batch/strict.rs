//! Whether a parser that checks everything takes a request, which no walk of the index asks: that the fields it knows are of
//! the wire types that they should be, that what they hold ends where it should, and that text is UTF-8, at any depth.
//!
//! For requests that are joined with those of others before somebody parses them so, and refuses all of them for one. It knows
//! no messages: what their fields hold is told by whoever asks ([`Shape`]). A field that is not known is stepped over, as every
//! parser does. **Invariant**: one walk, linear in the bytes, and no deeper than [`DEEPEST`].

use super::any::{plain_number, plain_pair, plain_text, short_pair};
use super::wire::{FIXED32, FIXED64, Field, GROUP, LEN, Malformed, Reader, VARINT};
use super::{Signal, WireError};

/// The messages within each other that protobuf's parsers take at most, those of C++, Java and Rust.
const DEEPEST: u32 = 100;

/// A message, as what its fields hold.
pub trait Shape: Copy {
    /// What a field holds, and its name; none if there is no field of that number.
    fn field(self, number: u32) -> Option<(Content<Self>, &'static str)>;
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Content<S> {
    /// A number.
    One(Width),
    /// Numbers, packed or not.
    Many(Width),
    /// Text.
    Text,
    /// Any bytes.
    Bytes,
    /// None, or so many bytes.
    Id(usize),
    /// A message.
    Message(S),
    /// A message that mostly is a key (1) and its `AnyValue` (2).
    Pair(S),
}

/// How a number is written.
#[derive(Clone, Copy, Debug)]
pub enum Width {
    /// As a varint.
    Varint,
    /// In four bytes.
    Fixed32,
    /// In eight.
    Fixed64,
}

/// What is wrong, and the field that it is found in.
struct Fault {
    malformed: Malformed,
    field: &'static str,
}

/// Refuses a request of which some parser refuses all.
pub fn check<S: Shape>(signal: Signal, message: &[u8], shape: S) -> Result<(), WireError> {
    walk(shape, message, DEEPEST).map_err(|Fault { malformed, field }| {
        let (signal, what) = (signal.name(), malformed.describe(message));
        WireError(if field.is_empty() {
            format!("malformed {signal}: {what}")
        } else {
            format!("malformed {signal}: {what}, in `{field}`")
        })
    })
}

/// Checks a message that may have so many within each other.
fn walk<S: Shape>(shape: S, body: &[u8], depth: u32) -> Result<(), Fault> {
    let mut reader = Reader::new(body);
    let mut known = (0, None);
    // Nearly all text is ASCII, and attributes of it are found to be by the run.
    let mut ascii = 0;
    while let Some(field) = reader.next()? {
        if field.wire == GROUP {
            return Err(
                Malformed::new(body, field.start, "a group, which OTLP has none of").into(),
            );
        }
        // Most come one behind the other.
        if known.0 != field.number {
            known = (field.number, shape.field(field.number));
        }
        let Some((content, name)) = known.1 else {
            continue;
        };
        let checked = field
            .expect(wire_of(&content, field.wire), body)
            .map_err(Fault::from)
            .and_then(|()| inside(content, field.body, depth));
        checked.map_err(|fault| fault.or_in(name))?;
        if matches!(content, Content::Pair(_)) {
            skip_plain(
                &mut reader,
                body,
                Field::short_tag(field.number),
                &mut ascii,
            );
        }
    }
    Ok(())
}

/// Steps over attributes with this tag as far as they follow each other and are as nearly all: a key and a text or number. What
/// lies before `ascii` is ASCII.
fn skip_plain(reader: &mut Reader<'_>, body: &[u8], tag: u8, ascii: &mut usize) {
    loop {
        let before = reader.clone();
        let Some(pair) = reader.next_plain(tag) else {
            return;
        };
        let end = reader.pos();
        if *ascii < end {
            *ascii = ascii_from(body, before.pos().max(*ascii));
        }
        if !is_plain(pair, end <= *ascii) {
            *reader = before;
            return;
        }
    }
}

/// The wire type that a field has to have.
fn wire_of<S>(content: &Content<S>, found: u8) -> u8 {
    match content {
        Content::Many(_) if found == LEN => LEN,
        Content::One(width) | Content::Many(width) => match width {
            Width::Varint => VARINT,
            Width::Fixed32 => FIXED32,
            Width::Fixed64 => FIXED64,
        },
        _ => LEN,
    }
}

/// Checks the body of a field, which is empty where it is a number.
fn inside<S: Shape>(content: Content<S>, body: &[u8], depth: u32) -> Result<(), Fault> {
    let fault = |what| Err(Malformed::new(body, 0, what).into());
    match content {
        Content::Message(shape) | Content::Pair(shape) => match depth.checked_sub(1) {
            Some(depth) => walk(shape, body, depth),
            None => fault("messages nested too deeply"),
        },
        Content::Text if !is_text(body) => fault("text that is not UTF-8"),
        Content::Id(len) if !body.is_empty() && body.len() != len => {
            fault("an id of another length")
        }
        Content::Many(Width::Fixed32) if !body.len().is_multiple_of(4) => fault("half a number"),
        Content::Many(Width::Fixed64) if !body.len().is_multiple_of(8) => fault("half a number"),
        Content::Many(Width::Varint) => {
            let mut numbers = Reader::new(body);
            while numbers.next_varint()?.is_some() {}
            Ok(())
        }
        _ => Ok(()),
    }
}

#[inline]
fn is_plain(body: &[u8], is_ascii: bool) -> bool {
    let pair = short_pair(body).or_else(|| plain_pair(body));
    pair.is_some_and(|(key, value)| {
        (is_ascii || is_text(key))
            && match plain_text(value) {
                Some(text) => is_ascii || is_text(text),
                None => plain_number(value).is_some(),
            }
    })
}

/// Where bytes that are ASCII from a place on end, or a little before.
fn ascii_from(bytes: &[u8], start: usize) -> usize {
    const AT_ONCE: usize = 32;
    let bytes = bytes.get(start..).unwrap_or_default();
    let (chunks, rest) = bytes.as_chunks::<AT_ONCE>();
    let is_ascii = |chunk: &&[u8; AT_ONCE]| chunk.iter().fold(0, |all, byte| all | byte) < 0x80;
    let ascii = chunks.iter().take_while(is_ascii).count();
    let rest = if ascii == chunks.len() && rest.is_ascii() {
        rest.len()
    } else {
        0
    };
    start + ascii * AT_ONCE + rest
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.is_ascii() || str::from_utf8(bytes).is_ok()
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        Self {
            malformed,
            field: "",
        }
    }
}

impl Fault {
    /// In a field, unless it is found in one within that.
    fn or_in(mut self, field: &'static str) -> Self {
        if self.field.is_empty() {
            self.field = field;
        }
        self
    }
}
