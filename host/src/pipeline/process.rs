//! A request in its pipelines: what their processors make of it, and the memory that they may need for that.

use std::sync::Arc;

use bytes::Bytes;

use super::chain::{Ended, Outcome, Poison};
use super::{Pipeline, size_of};
use crate::batch::Batch;
use crate::letters::Letter;
use crate::memory::Lease;
use crate::payload::{self, PREFIX, Payload};
use crate::queue::Size;
use crate::refusal::Refusal;

/// What a pipeline lets through, and how much of it; nothing where the processors dropped every record.
pub(super) type Outgoing = Option<(Payload, Size)>;

/// What became of a request in its pipelines.
pub(super) struct Processed {
    /// What leaves each of them.
    pub(super) outgoing: Vec<Outgoing>,
    /// What some keep as dead letters.
    pub(super) dead: Vec<Letter>,
}

/// What a record costs while processors look at a batch: its place in the index, and in the list of those that are kept.
const RECORD: usize = 32;

/// What edits mostly add to a batch: a part of it, and a few attributes.
const ADDED: (usize, usize) = (8, 1024);

/// Takes memory for what the processors of each pipeline may make of a request, before the first of them runs: as much again
/// as there is, and some. What they leave is charged with what it is.
pub(super) fn promise(
    pipelines: &[Arc<Pipeline>],
    payload: &Payload,
    batch: &Batch,
) -> Result<Vec<Option<Lease>>, Refusal> {
    let records = usize::try_from(batch.records()).unwrap_or(usize::MAX);
    let size = payload.opened_size();
    let (part, few) = ADDED;
    let bytes = size
        .saturating_add(size / part + few)
        .saturating_add(records.saturating_mul(RECORD));
    pipelines
        .iter()
        .map(|pipeline| match payload.memory() {
            Some(memory) if pipeline.chain.takes(payload.signal()) => memory
                .take(bytes)
                .map(Some)
                .map_err(|_full| Refusal::out_of_memory()),
            _ => Ok(None),
        })
        .collect()
}

/// Runs every pipeline's processors; one refusal refuses the request for all.
pub(super) async fn process(
    pipelines: &[Arc<Pipeline>],
    payload: &Payload,
    batch: &Batch,
    promised: Vec<Option<Lease>>,
) -> Result<Processed, Refusal> {
    let mut outgoing = Vec::with_capacity(pipelines.len());
    let mut dead = vec![];
    for (pipeline, promised) in pipelines.iter().zip(promised) {
        let Ended { outcome, poison } = pipeline.run(batch.clone()).await;
        if matches!(outcome, Outcome::Kept(_) | Outcome::Emptied) {
            for poison in poison {
                dead.push(letter(payload, poison)?);
            }
        }
        outgoing.push(match outcome {
            Outcome::Kept(batch) => Some(encode(payload, &batch, promised)?),
            Outcome::Emptied => None,
            Outcome::Rejected(refusal) => return Err(refusal),
            // All of it, what was taken out before included.
            Outcome::Dead(grounds) => {
                dead.push(Letter {
                    payload: payload.clone(),
                    items: batch.records().into(),
                    grounds: *grounds,
                });
                None
            }
        });
    }
    Ok(Processed { outgoing, dead })
}

/// A letter of some rows of a request, if there is room for them beside it.
fn letter(payload: &Payload, poison: Poison) -> Result<Letter, Refusal> {
    let Poison { grounds, batch } = poison;
    let rows = splice(&batch, payload);
    let rows = match payload.memory() {
        Some(memory) => memory
            .take(rows.size())
            .and_then(|lease| rows.charged(lease))
            .map_err(|_full| Refusal::out_of_memory())?,
        None => rows,
    };
    Ok(Letter {
        payload: rows,
        items: batch.records().into(),
        grounds,
    })
}

/// The request that leaves: as it came where nobody edited it, written anew otherwise. Edits may have made it larger than what
/// was promised, and than there is room for.
fn encode(
    payload: &Payload,
    batch: &Batch,
    promised: Option<Lease>,
) -> Result<(Payload, Size), Refusal> {
    let payload = match promised {
        _ if batch.is_untouched() => payload.clone(),
        Some(promised) => splice(batch, payload)
            .charged(promised)
            .map_err(|_full| Refusal::out_of_memory())?,
        None => splice(batch, payload),
    };
    let size = size_of(&payload, batch.records());
    Ok((payload, size))
}

/// What a batch has become that came as a request.
fn splice(batch: &Batch, came: &Payload) -> Payload {
    let mut framed = batch.splice(PREFIX);
    payload::put_prefix(&mut framed, false);
    Payload::plain(batch.signal(), Bytes::from(framed)).joined(came.is_joined())
}
