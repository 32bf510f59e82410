//! What the config says of `spanmetrics`, with the Collector's keys and defaults.

use std::time::Duration;

/// Dimensions that every series has unless it is told not to.
pub const DIMENSIONS: [&str; 5] = [SERVICE, SPAN_NAME, SPAN_KIND, STATUS, INSTANCE];

pub(super) const SERVICE: &str = "service.name";
pub(super) const SPAN_NAME: &str = "span.name";
pub(super) const SPAN_KIND: &str = "span.kind";
pub(super) const STATUS: &str = "status.code";
pub(super) const INSTANCE: &str = "collector.instance.id";

/// The Collector's buckets, in milliseconds.
const BUCKETS: [u64; 16] = [
    2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000,
];

/// One `spanmetrics` of the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The connector's name in the config, such as `spanmetrics/shop`.
    pub name: String,
    /// What stands before the metrics' names. Example: `namespace: traces.span.metrics`.
    pub namespace: String,
    /// The metric `duration`, unless it is disabled. Example: `histogram: { unit: s, explicit: { buckets: [10ms, 100ms, 1s] } }`.
    pub histogram: Option<Histogram>,
    /// Attributes of the span, or else of its resource, that series are told apart by as well. Example: `dimensions: [{ name:
    /// http.route }, { name: http.request.method, default: GET }]`.
    pub dimensions: Vec<Dimension>,
    /// Those of [`DIMENSIONS`] that series do not have. Example: `exclude_dimensions: [collector.instance.id]`.
    pub exclude_dimensions: Vec<String>,
    /// What values count from. Example: `aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA`.
    pub aggregation_temporality: Temporality,
    /// How often metrics are handed on. Example: `metrics_flush_interval: 15s`.
    pub metrics_flush_interval: Duration,
    /// How long after its last span the metrics of a resource end; 0 for never. Example: `metrics_expiration: 5m`.
    pub metrics_expiration: Duration,
    /// How long after its last span a series ends; 0 for never. Example: `series_expiration: 5m`.
    pub series_expiration: Duration,
    /// The most resources that series are kept of. Example: `resource_metrics_cache_size: 1000`.
    pub resource_metrics_cache_size: usize,
    /// The attributes by which resources are told apart; none for all. Example: `resource_metrics_key_attributes: [service.name]`.
    pub resource_metrics_key_attributes: Vec<String>,
    /// The most series of a resource, beyond which spans are counted under `otel.metric.overflow`; 0 for any number. Example:
    /// `aggregation_cardinality_limit: 1000`.
    pub aggregation_cardinality_limit: usize,
    /// The most spans that a data point names as examples; 0 if it names none. Example: `exemplars: { enabled: true,
    /// max_per_data_point: 5 }`.
    pub exemplars: usize,
    /// The bytes that all series may take, which are set aside. Example: `max_bytes: 32MiB`.
    pub max_bytes: usize,
}

/// A histogram of durations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// What durations are told in. Example: `unit: s`.
    pub unit: Unit,
    /// The upper bounds of the buckets, ascending. Example: `explicit: { buckets: [10ms, 100ms, 1s] }`.
    pub buckets: Vec<Duration>,
}

/// An attribute that series are told apart by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// Its key. Example: `name: http.route`.
    pub name: String,
    /// The value where neither span nor resource has one; without it the series has none either. Example: `default: unknown`.
    pub default: Option<String>,
}

/// A unit of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    #[default]
    Milliseconds,
    /// Seconds.
    Seconds,
}

/// What values count from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Temporality {
    /// From a series' beginning.
    #[default]
    Cumulative,
    /// From when it was handed on before.
    Delta,
}

impl Config {
    /// The defaults: those of the Collector.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            namespace: "traces.span.metrics".to_owned(),
            histogram: Some(Histogram::default()),
            dimensions: vec![],
            exclude_dimensions: vec![],
            aggregation_temporality: Temporality::default(),
            metrics_flush_interval: Duration::from_mins(1),
            metrics_expiration: Duration::ZERO,
            series_expiration: Duration::ZERO,
            resource_metrics_cache_size: 1000,
            resource_metrics_key_attributes: vec![],
            aggregation_cardinality_limit: 0,
            exemplars: 0,
            max_bytes: 32 << 20,
        }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            unit: Unit::default(),
            buckets: BUCKETS.map(Duration::from_millis).into(),
        }
    }
}

impl Unit {
    /// Its name in the config and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
        }
    }

    /// A time in this unit.
    #[expect(clippy::cast_precision_loss, reason = "what a double can tell of it")]
    pub(super) fn of(self, nanoseconds: u128) -> f64 {
        let whole = nanoseconds as f64;
        match self {
            Self::Milliseconds => whole / 1e6,
            Self::Seconds => whole / 1e9,
        }
    }
}

impl Temporality {
    /// Its number in OTLP.
    pub(super) fn number(self) -> u64 {
        match self {
            Self::Delta => 1,
            Self::Cumulative => 2,
        }
    }
}
