//! Collecting a request's body: into one piece with a gRPC prefix in front, within bounds, with at most one copy.
//!
//! **Invariant** a body is always read, or drained within bounds: it never waits for room while it is half sent.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time;

use super::admission::Charge;
use super::door::Door;
use crate::payload::PREFIX;
use crate::refusal::Refusal;

/// Below this a message is copied out of the connection's read buffer, which it would otherwise keep alive as a whole for
/// as long as it waits in a queue; above, the buffer is mostly the message.
const COPY_BELOW: usize = 16 << 10;

/// What is read of a refused body, so that its sender comes to read the answer: a sender over HTTP/1 may look for it only
/// once all is sent.
const DRAIN_BYTES: usize = 64 << 20;
/// For how long.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// Why there is no body.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is refused.
    Refused(Refusal),
    /// Its sender went away.
    Gone,
}

/// The message of a gRPC request.
#[derive(Debug)]
pub(super) struct Message {
    /// The message with its prefix.
    pub(super) framed: Bytes,
    /// Whether it is compressed.
    pub(super) compressed: bool,
    pub(super) charge: Charge,
}

/// The body of an HTTP request.
#[derive(Debug)]
pub(super) struct Plain {
    /// The body after room for a prefix.
    pub(super) framed: BytesMut,
    pub(super) charge: Charge,
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Reads a gRPC request of exactly one message; `coded` is whether it may be compressed.
pub(super) async fn message<B>(body: &mut B, door: &Door, coded: bool) -> Result<Message, Fault>
where
    B: Body<Data = Bytes> + Unpin,
{
    let (first, prefix) = beginning(body).await?;
    let [flag, len @ ..] = prefix;
    let compressed = match (flag, coded) {
        (0, _) => false,
        (1, true) => true,
        (1, false) => return Err(invalid("a compressed message needs `grpc-encoding`")),
        _ => return Err(invalid("the message does not begin with a gRPC prefix")),
    };
    let len = usize::try_from(u32::from_be_bytes(len)).unwrap_or(usize::MAX);
    door.check_size(len)?;
    let total = PREFIX + len;
    let mut charge = door.charge();
    door.would_fit(&charge, total)?;
    door.grow(&mut charge, first.len().min(total))?;

    let framed = if first.len() == total && total >= COPY_BELOW {
        first
    } else {
        rest_of_message(body, &first, total, |more| door.grow(&mut charge, more)).await?
    };
    if data(body).await?.is_some() {
        return Err(more_than_one());
    }
    Ok(Message {
        framed,
        compressed,
        charge,
    })
}

/// Reads the body of an HTTP request.
pub(super) async fn plain<B>(body: &mut B, door: &Door) -> Result<Plain, Fault>
where
    B: Body<Data = Bytes> + Unpin,
{
    let known = body.size_hint().exact();
    let known = known.map(|len| usize::try_from(len).unwrap_or(usize::MAX));
    let mut charge = door.charge();
    if let Some(len) = known {
        door.check_size(len)?;
        door.would_fit(&charge, PREFIX + len)?;
    }
    door.grow(&mut charge, PREFIX)?;
    let mut framed = BytesMut::with_capacity(PREFIX + known.unwrap_or(0));
    framed.put_bytes(0, PREFIX);
    while let Some(piece) = data(body).await? {
        door.check_size(framed.len() - PREFIX + piece.len())?;
        door.grow(&mut charge, piece.len())?;
        framed.extend_from_slice(&piece);
    }
    Ok(Plain { framed, charge })
}

/// Reads what is left of a refused body, within bounds.
pub(super) async fn drain<B>(body: &mut B)
where
    B: Body<Data = Bytes> + Unpin,
{
    let reading = async {
        let mut left = DRAIN_BYTES;
        while left > 0 {
            match data(body).await {
                Ok(Some(piece)) => left = left.saturating_sub(piece.len()),
                Ok(None) | Err(_) => break,
            }
        }
    };
    // Whoever has not sent the rest by then gets the answer all the same, if the protocol allows it.
    let _in_time = time::timeout(DRAIN_TIME, reading).await;
}

/// The first piece of a gRPC body that holds a whole prefix, and the prefix.
async fn beginning<B>(body: &mut B) -> Result<(Bytes, [u8; PREFIX]), Fault>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut first = Bytes::new();
    loop {
        if let Some(prefix) = first.first_chunk() {
            let prefix = *prefix;
            return Ok((first, prefix));
        }
        let Some(piece) = data(body).await? else {
            return Err(invalid("the request has no message"));
        };
        first = if first.is_empty() {
            piece
        } else {
            let mut joined = BytesMut::with_capacity(first.len() + piece.len());
            joined.extend_from_slice(&first);
            joined.extend_from_slice(&piece);
            joined.freeze()
        };
    }
}

/// A message of `total` bytes that begins with `first`, in a buffer of its own; each further piece is charged as it comes.
async fn rest_of_message<B>(
    body: &mut B,
    first: &[u8],
    total: usize,
    mut charge: impl FnMut(usize) -> Result<(), Refusal>,
) -> Result<Bytes, Fault>
where
    B: Body<Data = Bytes> + Unpin,
{
    if first.len() > total {
        return Err(more_than_one());
    }
    let mut framed = BytesMut::with_capacity(total);
    framed.extend_from_slice(first);
    while framed.len() < total {
        let Some(piece) = data(body).await? else {
            return Err(invalid("the message is shorter than its prefix says"));
        };
        if piece.len() > total - framed.len() {
            return Err(more_than_one());
        }
        charge(piece.len())?;
        framed.extend_from_slice(&piece);
    }
    Ok(framed.freeze())
}

/// The next piece of data, if there is one.
async fn data<B>(body: &mut B) -> Result<Option<Bytes>, Fault>
where
    B: Body<Data = Bytes> + Unpin,
{
    while let Some(frame) = body.frame().await {
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(piece)) if piece.is_empty() => {}
            Ok(Ok(piece)) => return Ok(Some(piece)),
            Ok(Err(_trailers)) => {}
            Err(_reset) => return Err(Fault::Gone),
        }
    }
    Ok(None)
}

fn more_than_one() -> Fault {
    invalid("the request has more than one message")
}

fn invalid(what: &str) -> Fault {
    Fault::Refused(Refusal::Invalid(what.to_owned()))
}
