//! Requests in the form in which they are sent: put together, compressed or not, and counted where they were opened.
//!
//! What is made here has room in what was promised for the requests: see `room`.

use bytes::{BufMut, Bytes, BytesMut};

use super::answer::Failure;
use super::lot::Piece;
use crate::batch::{self, Batch, Signal};
use crate::compression::{self, Coding};
use crate::payload::{PREFIX, Payload, put_prefix};

/// Above this, compressing, opening and joining take longer than a hand-over to another thread is worth (about 2 ms a MiB).
const INLINE: usize = 1 << 20;

/// What is sent, however often.
pub(super) struct Prepared {
    pub(super) signal: Signal,
    /// With its gRPC prefix in front.
    pub(super) framed: Bytes,
    pub(super) coding: Option<Coding>,
}

/// Requests and the items of each.
type Requests = Vec<(Payload, u64)>;

impl Prepared {
    /// Brings a piece into the form in which it is sent. What is at hand in that form is taken as it is; what is opened is
    /// counted; what cannot be opened is taken out of the piece and handed to `damaged`.
    pub(super) async fn new(
        piece: &mut Piece,
        coding: Option<Coding>,
        damaged: impl FnMut(u64, Failure),
    ) -> Result<Self, Failure> {
        let signal = piece.requests.first().map(|(one, _)| one.signal());
        let signal = signal.ok_or_else(nothing)?;
        let framed = match piece.requests.as_mut_slice() {
            [(payload, items)] => alone(payload, items, coding).await?,
            _ => together(&mut piece.requests, coding, damaged).await?,
        };
        Ok(Self {
            signal,
            framed,
            coding,
        })
    }
}

/// Does work on `bytes` here, or on another thread if that is much.
pub(super) async fn off_thread<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    if bytes <= INLINE {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Failure::permanent(error.to_string()))
}

/// The form of one request.
async fn alone(
    payload: &Payload,
    items: &mut u64,
    coding: Option<Coding>,
) -> Result<Bytes, Failure> {
    if let Some(framed) = form(payload, coding) {
        return Ok(framed);
    }
    let (payload, known) = (payload.clone(), *items);
    let (framed, counted) = off_thread(payload.opened_size(), move || {
        let signal = payload.signal();
        let converted = match coding {
            Some(coding) => compression::pack(payload, coding),
            None => compression::open(payload),
        };
        let payload = converted.map_err(|refusal| Failure::permanent(refusal.to_string()))?;
        let message = payload.message();
        let items = message.map_or(known, |message| counted(known, signal, &message));
        let framed = form(&payload, coding).ok_or_else(nothing)?;
        Ok::<_, Failure>((framed, items))
    })
    .await??;
    *items = counted;
    Ok(framed)
}

fn form(payload: &Payload, coding: Option<Coding>) -> Option<Bytes> {
    match coding {
        Some(coding) => payload.framed_in(coding).cloned(),
        None => payload.framed().cloned(),
    }
}

/// The form of several requests that are put together.
async fn together(
    requests: &mut Requests,
    coding: Option<Coding>,
    mut damaged: impl FnMut(u64, Failure),
) -> Result<Bytes, Failure> {
    let bytes = requests.iter().map(|(one, _)| one.opened_size()).sum();
    let given = std::mem::take(requests);
    let (good, bad, framed) = off_thread(bytes, move || {
        let (good, bad, plain) = join(given, bytes);
        let framed = match coding {
            Some(coding) => {
                compression::deflate(coding, plain.get(PREFIX..).unwrap_or_default()).framed
            }
            None => plain,
        };
        (good, bad, framed)
    })
    .await?;
    *requests = good;
    for (items, failure) in bad {
        damaged(items, failure);
    }
    if requests.is_empty() {
        return Err(nothing());
    }
    Ok(framed)
}

fn join(requests: Requests, bytes: usize) -> (Requests, Vec<(u64, Failure)>, Bytes) {
    let mut framed = BytesMut::with_capacity(PREFIX + bytes);
    framed.put_bytes(0, PREFIX);
    let (mut good, mut bad) = (Vec::with_capacity(requests.len()), vec![]);
    for (payload, items) in requests {
        let opened = compression::open(payload.clone());
        let message = opened.map(|opened| opened.message().unwrap_or_default());
        let whole = message
            .map_err(|refusal| refusal.to_string())
            .and_then(|message| whole(items, payload.signal(), message));
        match whole {
            Ok((message, items)) => {
                framed.put_slice(&message);
                good.push((payload, items));
            }
            Err(reason) => bad.push((items, Failure::permanent(reason))),
        }
    }
    put_prefix(&mut framed, false);
    (good, bad, framed.freeze())
}

/// A request that others may follow, and its items. One that nobody has opened before may end in the middle of a field, which
/// would then hold those that follow.
fn whole(known: u64, signal: Signal, message: Bytes) -> Result<(Bytes, u64), String> {
    if known > 0 {
        return Ok((message, known));
    }
    let batch = Batch::new(signal, message.clone()).map_err(|error| error.to_string())?;
    Ok((message, batch.records().into()))
}

/// The items of a request that was opened: those that are known, or else those that are there.
fn counted(known: u64, signal: Signal, message: &[u8]) -> u64 {
    if known > 0 {
        return known;
    }
    batch::records(signal, message)
}

fn nothing() -> Failure {
    Failure::permanent("the request has no bytes".to_owned())
}
