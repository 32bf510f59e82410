//! A bounded queue in front of each exporter: room is reserved before anything runs, and filled or given back after.

/// How an exporter queues (`sending_queue`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Whether a request is acknowledged once it is queued (`true`), or only once the backend has it.
    /// Example: `enabled: false`.
    pub enabled: bool,
    /// How many requests are sent at the same time. Example: `num_consumers: 10`.
    pub num_consumers: usize,
    /// The bound on what waits, counted by `sizer`. Example: `queue_size: 1000`.
    pub queue_size: u64,
    /// What `queue_size` counts. Example: `sizer: requests`.
    pub sizer: Sizer,
    /// A further bound on what waits, in bytes, whatever `sizer` counts. Example: `max_bytes: 256MiB`.
    pub max_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            num_consumers: 10,
            queue_size: 1000,
            sizer: Sizer::Requests,
            max_bytes: 256 << 20,
        }
    }
}

/// What a queue counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizer {
    /// Export requests.
    Requests,
    /// Spans, data points or log records.
    Items,
    /// Bytes of uncompressed protobuf.
    Bytes,
}
