//! Exporters send what the pipelines let through.

use std::time::Duration;

use crate::queue;

/// One exporter of the config.
#[derive(Clone, Debug)]
pub struct Config {
    /// The exporter's name in the config, such as `otlp/backup`.
    pub name: String,
    /// What it speaks, and to whom.
    pub kind: Kind,
    /// How long one attempt may take. Example: `timeout: 5s`.
    pub timeout: Duration,
    /// How what failed is tried again.
    pub retry: Retry,
    /// What waits.
    pub queue: queue::Config,
}

/// What an exporter speaks.
#[derive(Clone, Debug)]
pub enum Kind {
    /// OTLP over gRPC.
    Otlp(Target),
    /// OTLP over HTTP, in protobuf.
    OtlpHttp(HttpTarget),
    /// Prints what a person can read.
    Debug(Verbosity),
}

/// Where an exporter sends.
#[derive(Clone, Debug)]
pub struct Target {
    /// `http://host:port`. Example: `endpoint: http://backend:4317`.
    pub endpoint: http::Uri,
    /// Sent with every request. Example: `headers: { x-tenant: shop }`.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// Example: `compression: gzip`.
    pub compression: Compression,
}

/// Where the `otlphttp` exporter sends.
#[derive(Clone, Debug)]
pub struct HttpTarget {
    /// As for gRPC; `/v1/traces` and its like are added to the endpoint's path.
    pub target: Target,
    /// The whole URL for traces instead. Example: `traces_endpoint: http://backend:4318/v1/traces`.
    pub traces_endpoint: Option<http::Uri>,
    /// The whole URL for metrics instead.
    pub metrics_endpoint: Option<http::Uri>,
    /// The whole URL for logs instead.
    pub logs_endpoint: Option<http::Uri>,
}

/// How an exporter compresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, at the level that costs least (1); what came compressed and was not edited goes on as it came.
    Gzip,
}

/// How much the `debug` exporter prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// One line a request: the signal and its counts.
    Basic,
    /// One line a record.
    Normal,
    /// Every field of every record.
    Detailed,
}

/// How what failed is tried again (`retry_on_failure`).
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// Whether it is. Example: `enabled: false`.
    pub enabled: bool,
    /// The wait after the first failure. Example: `initial_interval: 5s`.
    pub initial_interval: Duration,
    /// The longest wait. Example: `max_interval: 30s`.
    pub max_interval: Duration,
    /// When a request is given up, counted from its first attempt; zero is never. Example: `max_elapsed_time: 5m`.
    pub max_elapsed_time: Duration,
    /// The factor from one wait to the next. Example: `multiplier: 1.5`.
    pub multiplier: f64,
    /// Each wait is drawn from itself plus or minus this part. Example: `randomization_factor: 0.5`.
    pub randomization_factor: f64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            enabled: true,
            initial_interval: Duration::from_secs(5),
            max_interval: Duration::from_secs(30),
            max_elapsed_time: Duration::from_secs(300),
            multiplier: 1.5,
            randomization_factor: 0.5,
        }
    }
}
