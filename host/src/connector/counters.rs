//! What a connector has done since it was started, and holds.

use crate::telemetry::{Counter, Gauge, Throttle};

/// The counters of one connector.
#[derive(Debug, Default)]
pub struct Counters {
    /// Traces that are held.
    pub traces: Gauge,
    /// Spans that are held, those on their way included.
    pub spans: Gauge,
    /// Traces that went on before they were due, because a bound was reached.
    pub early: Counter,
    /// Traces that began anew after they had gone on.
    pub late: Counter,
    /// Traces that went on in parts, since they were too large.
    pub parted: Counter,
    /// Batches that the pipelines took.
    pub sent: Counter,
    /// Spans in them.
    pub sent_items: Counter,
    /// Attempts after a batch's first.
    pub retries: Counter,
    /// Spans of batches that the pipelines refused for good.
    pub failed_items: Counter,
    /// Bytes that are on their way.
    pub(super) going: Gauge,
    pub(super) partings: Throttle,
    pub(super) failures: Throttle,
    pub(super) waits: Throttle,
}
