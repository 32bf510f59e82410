//! A batch: the telemetry of one request as OTLP wire bytes, with an index and edits.
//!
//! Imports nothing of otlet's other modules.

mod column;
mod transaction;
mod value;

use std::fmt;

use bytes::{Bytes, BytesMut};

pub use column::{Column, PathError};
pub use transaction::{Misuse, Transaction};
pub use value::{Leaves, PackedDoubles, PackedIntegers, PackedTexts, Value};

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
    signal: Signal,
    message: Bytes,
}

impl Batch {
    /// Takes a request, valid down to the boundaries of its records.
    pub fn new(signal: Signal, message: Bytes) -> Result<Self, WireError> {
        Ok(Self { signal, message })
    }

    /// The signal of the request.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// The records that it has, after what was dropped.
    pub fn records(&self) -> u32 {
        0
    }

    /// Whether nobody edited it, so that it leaves as the bytes it came in.
    pub fn is_untouched(&self) -> bool {
        true
    }

    /// The bytes it came in.
    pub fn message(&self) -> &Bytes {
        &self.message
    }

    /// The request with its edits, written once, after `headroom` zero bytes.
    pub fn splice(&self, headroom: usize) -> BytesMut {
        let mut out = BytesMut::zeroed(headroom);
        out.extend_from_slice(&self.message);
        out
    }

    /// Puts the batch into the hands of one plugin. `budget` bounds the bytes handed out and those of the edits.
    pub fn begin(self, budget: usize) -> Transaction {
        Transaction::new(self, budget)
    }
}
