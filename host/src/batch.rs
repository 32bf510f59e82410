//! A batch: the telemetry of one request as OTLP wire bytes, with an index and edits.
//!
//! Imports nothing of otlet's other modules.

mod any;
mod attributes;
mod budget;
mod cell;
mod column;
mod edits;
mod fields;
mod gather;
mod halves;
mod index;
mod json;
mod leaves;
mod live;
mod merge;
pub mod observe;
mod outline;
mod places;
mod read;
mod replace;
mod rows;
mod schema;
mod sight;
mod spans;
mod splice;
mod split;
mod strict;
#[cfg(test)]
mod tests;
mod texts;
mod transaction;
mod value;
mod wire;
mod write;

use std::{fmt, sync::Arc};

use bytes::{BufMut, Bytes, BytesMut};

pub use column::{Column, PathError};
pub use spans::{Spans, TraceId};
pub use split::{Bounds, Part, cut, records};
pub use strict::{Content, Shape, Width, check};
pub use transaction::{Misuse, Transaction};
pub use value::{Leaves, PackedDoubles, PackedIntegers, PackedTexts, Value};

use edits::Edits;
use index::{Fault, Index};
use live::Bits;
use schema::Table;
use sight::Sight;

/// The most records that a batch may have: 16 MiB of empty records must not blow up the index or a guest.
pub const MAX_ROWS: u32 = 262_144;

/// One of OpenTelemetry's kinds of telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Data points.
    Metrics,
    /// Log records.
    Logs,
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    /// The signal's name, as the contract and the config spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }
}

/// Bytes that are no OTLP export request. The text names the offset and the message, never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError(String);

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WireError {}

/// The telemetry of one export request of one signal.
///
/// A clone copies no bytes of the request: they and their index are shared and never change.
#[derive(Clone, Debug)]
pub struct Batch {
    message: Bytes,
    wire: Arc<Wire>,
    /// The rows of each table that are still there; none where all are.
    live: [Option<Arc<Bits>>; 7],
    edits: Arc<Edits>,
    records: u32,
    /// Whether a plugin put another request in the place of the one that came.
    is_replaced: bool,
    sender: u64,
}

/// The bytes that a batch reads from, which are its message unless that came in pieces, and their index.
#[derive(Debug)]
struct Wire {
    base: Bytes,
    index: Index,
}

impl Batch {
    /// Takes a request, valid down to the boundaries of its records.
    pub fn new(signal: Signal, message: Bytes) -> Result<Self, WireError> {
        if i32::try_from(message.len()).is_err() {
            return Err(WireError(format!("{} over 2 GiB", signal.name())));
        }
        let (index, base) = index::build(signal, &message).map_err(|fault| {
            WireError(match fault {
                Fault::Malformed(malformed) => {
                    format!(
                        "malformed {}: {}",
                        signal.name(),
                        malformed.describe(&message)
                    )
                }
                Fault::TooMany(table) => too_many(signal, table),
                Fault::Pieces => format!("malformed {}: pieces left after merging", signal.name()),
            })
        })?;
        let base = base.map_or_else(|| message.clone(), Bytes::from);
        Ok(Self {
            message,
            records: index::offset(index.records.pieces.len()),
            wire: Arc::new(Wire { base, index }),
            live: Default::default(),
            edits: Arc::default(),
            is_replaced: false,
            sender: 0,
        })
    }

    /// Says whose it is, by a number that means something to the caller.
    #[must_use]
    pub fn from_sender(mut self, sender: u64) -> Self {
        self.sender = sender;
        self
    }

    /// Whose it is; 0 if nobody said.
    pub fn sender(&self) -> u64 {
        self.sender
    }

    /// The signal of the request.
    pub fn signal(&self) -> Signal {
        self.wire.index.signal
    }

    /// The records that it has, after what was dropped.
    pub fn records(&self) -> u32 {
        self.records
    }

    /// Whether nobody edited it, so that it leaves as the bytes it came in.
    pub fn is_untouched(&self) -> bool {
        !self.is_replaced && self.is_unedited()
    }

    /// The bytes it came in.
    pub fn message(&self) -> &Bytes {
        &self.message
    }

    /// The request with its edits, written once, after `headroom` zero bytes.
    pub fn splice(&self, headroom: usize) -> BytesMut {
        if self.is_unedited() {
            let mut out = BytesMut::with_capacity(headroom + self.message.len());
            out.put_bytes(0, headroom);
            out.put_slice(&self.message);
            return out;
        }
        let live = self.live.each_ref().map(Option::as_deref);
        splice::splice(&self.sight(), live, headroom)
            .expect("a row is walked to its end before it is edited within")
    }

    /// Puts the batch into the hands of one plugin. `budget` bounds the bytes handed out and those of the edits.
    pub fn begin(self, budget: usize) -> Transaction {
        Transaction::new(self, budget)
    }

    /// At most the bytes that it leaves with.
    fn most_bytes(&self) -> usize {
        self.message.len().saturating_add(self.edits.bytes())
    }

    fn is_unedited(&self) -> bool {
        self.edits.is_empty() && self.live.iter().all(Option::is_none)
    }

    fn sight(&self) -> Sight<'_> {
        Sight::new(&self.wire.base, &self.wire.index, &self.edits)
    }

    fn live(&self, table: Table) -> Option<&Arc<Bits>> {
        self.live.get(table as usize).and_then(Option::as_ref)
    }
}

fn too_many(signal: Signal, table: Table) -> String {
    let (signal, table) = (signal.name(), table.name());
    format!("{signal} with too many {table}s in one request: at most {MAX_ROWS}, send smaller ones")
}
