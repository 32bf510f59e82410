//! Requests of every signal at random: every field, odd shapes, few different texts, so that keys repeat and columns hit.

use std::iter::repeat_with;

use fastrand::Rng;
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{
        AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList,
        any_value::Value as Any,
    },
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    metrics::v1::{
        Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
        HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
        SummaryDataPoint, exemplar, exponential_histogram_data_point::Buckets, metric::Data,
        number_data_point, summary_data_point::ValueAtQuantile,
    },
    resource::v1::Resource,
    trace::v1::{
        ResourceSpans, ScopeSpans, Span, Status,
        span::{Event, Link},
    },
};
use otlet_plugin::{Signal, testing::Request};

/// The texts of everything, keys included.
pub(crate) const TEXTS: &[&str] = &[
    "",
    "a",
    "b",
    "c",
    "http.route",
    "with \"quotes\" and \\",
    "ä🦦\u{0}\n",
    "a text that is longer than the small ones, to need a length of two bytes when it is encoded, \
     which begins at one hundred and twenty-eight bytes",
];

/// Makes requests from a seed.
pub(crate) struct Generator {
    rng: Rng,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
        }
    }

    /// A request of this signal, of up to 3 resources with up to 3 scopes with up to 4 records or metrics.
    pub(crate) fn request(&mut self, signal: Signal) -> Request {
        match signal {
            Signal::Metrics => {
                let resource_metrics = self.some(3, Self::resource_metrics);
                ExportMetricsServiceRequest { resource_metrics }.into()
            }
            Signal::Logs => {
                let resource_logs = self.some(3, Self::resource_logs);
                ExportLogsServiceRequest { resource_logs }.into()
            }
            _ => {
                let resource_spans = self.some(3, Self::resource_spans);
                ExportTraceServiceRequest { resource_spans }.into()
            }
        }
    }

    fn some<T>(&mut self, most: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.rng.usize(..=most);
        repeat_with(|| make(self)).take(count).collect()
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.rng.u8(..4) == 0 {
            None
        } else {
            Some(make(self))
        }
    }

    pub(crate) fn text(&mut self) -> String {
        (*self.rng.choice(TEXTS).expect("there are texts")).to_owned()
    }

    fn u64(&mut self) -> u64 {
        *self
            .rng
            .choice(&[0, 1, 2, 300, 1_700_000_000_000_000_000, u64::MAX])
            .expect("some")
    }

    fn u32(&mut self) -> u32 {
        *self.rng.choice(&[0, 1, 255, 300, u32::MAX]).expect("some")
    }

    fn i32(&mut self) -> i32 {
        *self
            .rng
            .choice(&[0, 1, 2, 3, 99, -1, i32::MIN])
            .expect("some")
    }

    pub(crate) fn i64(&mut self) -> i64 {
        *self
            .rng
            .choice(&[0, 1, -1, 42, 1 << 53, i64::MAX, i64::MIN])
            .expect("some")
    }

    pub(crate) fn f64(&mut self) -> f64 {
        let some = [0.0, 1.0, -1.5, 0.1, 1e300, 5e-324, f64::INFINITY, f64::NAN];
        *self.rng.choice(&some).expect("some")
    }

    /// An id, now and then of zeros, empty or of a wrong length.
    pub(crate) fn id(&mut self, width: usize) -> Vec<u8> {
        match self.rng.u8(..8) {
            0 => Vec::new(),
            1 => vec![0; width],
            2 => vec![7; width + 1],
            _ => repeat_with(|| self.rng.u8(..)).take(width).collect(),
        }
    }

    pub(crate) fn bytes(&mut self) -> Vec<u8> {
        let some: [&[u8]; 4] = [b"", b"mail", b"\xff\xfe", "ä\0".as_bytes()];
        self.rng.choice(some).expect("some").to_vec()
    }

    pub(crate) fn any(&mut self, depth: usize) -> AnyValue {
        let value = match self.rng.u8(..if depth > 0 { 10 } else { 7 }) {
            0 => None,
            1 | 2 => Some(Any::StringValue(self.text())),
            3 => Some(Any::BoolValue(self.rng.bool())),
            4 => Some(Any::IntValue(self.i64())),
            5 => Some(Any::DoubleValue(self.f64())),
            6 => Some(Any::BytesValue(self.bytes())),
            7 | 8 => {
                let values = self.some(3, |generator| generator.any(depth - 1));
                Some(Any::ArrayValue(ArrayValue { values }))
            }
            _ => Some(Any::KvlistValue(KeyValueList {
                values: self.entries(depth - 1),
            })),
        };
        AnyValue { value }
    }

    fn entries(&mut self, depth: usize) -> Vec<KeyValue> {
        self.some(4, |generator| KeyValue {
            key: generator.text(),
            value: generator.maybe(|generator| generator.any(depth)),
            ..KeyValue::default()
        })
    }

    fn attributes(&mut self) -> Vec<KeyValue> {
        self.entries(3)
    }

    fn resource(&mut self) -> Resource {
        Resource {
            attributes: self.attributes(),
            dropped_attributes_count: self.u32(),
            entity_refs: self.some(2, |generator| EntityRef {
                schema_url: generator.text(),
                r#type: generator.text(),
                id_keys: generator.some(2, Self::text),
                description_keys: generator.some(2, Self::text),
            }),
        }
    }

    fn scope(&mut self) -> InstrumentationScope {
        InstrumentationScope {
            name: self.text(),
            version: self.text(),
            attributes: self.attributes(),
            dropped_attributes_count: self.u32(),
        }
    }

    fn resource_spans(&mut self) -> ResourceSpans {
        ResourceSpans {
            resource: self.maybe(Self::resource),
            scope_spans: self.some(3, |generator| ScopeSpans {
                scope: generator.maybe(Self::scope),
                spans: generator.some(4, Self::span),
                schema_url: generator.text(),
            }),
            schema_url: self.text(),
        }
    }

    fn span(&mut self) -> Span {
        Span {
            trace_id: self.id(16),
            span_id: self.id(8),
            trace_state: self.text(),
            parent_span_id: self.id(8),
            flags: self.u32(),
            name: self.text(),
            kind: self.i32(),
            start_time_unix_nano: self.u64(),
            end_time_unix_nano: self.u64(),
            attributes: self.attributes(),
            dropped_attributes_count: self.u32(),
            events: self.some(3, |generator| Event {
                time_unix_nano: generator.u64(),
                name: generator.text(),
                attributes: generator.attributes(),
                dropped_attributes_count: generator.u32(),
            }),
            dropped_events_count: self.u32(),
            links: self.some(3, |generator| Link {
                trace_id: generator.id(16),
                span_id: generator.id(8),
                trace_state: generator.text(),
                attributes: generator.attributes(),
                dropped_attributes_count: generator.u32(),
                flags: generator.u32(),
            }),
            dropped_links_count: self.u32(),
            status: self.maybe(|generator| Status {
                message: generator.text(),
                code: generator.i32(),
            }),
        }
    }

    fn resource_logs(&mut self) -> ResourceLogs {
        ResourceLogs {
            resource: self.maybe(Self::resource),
            scope_logs: self.some(3, |generator| ScopeLogs {
                scope: generator.maybe(Self::scope),
                log_records: generator.some(4, Self::log),
                schema_url: generator.text(),
            }),
            schema_url: self.text(),
        }
    }

    fn log(&mut self) -> LogRecord {
        LogRecord {
            time_unix_nano: self.u64(),
            observed_time_unix_nano: self.u64(),
            severity_number: self.i32(),
            severity_text: self.text(),
            body: self.maybe(|generator| generator.any(3)),
            attributes: self.attributes(),
            dropped_attributes_count: self.u32(),
            flags: self.u32(),
            trace_id: self.id(16),
            span_id: self.id(8),
            event_name: self.text(),
        }
    }

    fn resource_metrics(&mut self) -> ResourceMetrics {
        ResourceMetrics {
            resource: self.maybe(Self::resource),
            scope_metrics: self.some(3, |generator| ScopeMetrics {
                scope: generator.maybe(Self::scope),
                metrics: generator.some(4, Self::metric),
                schema_url: generator.text(),
            }),
            schema_url: self.text(),
        }
    }

    fn metric(&mut self) -> Metric {
        let aggregation_temporality = self.i32();
        let data = match self.rng.u8(..11) {
            0 => None,
            1 | 2 => Some(Data::Gauge(Gauge {
                data_points: self.some(3, Self::number),
            })),
            3 | 4 => Some(Data::Sum(Sum {
                data_points: self.some(3, Self::number),
                aggregation_temporality,
                is_monotonic: self.rng.bool(),
            })),
            5 | 6 => Some(Data::Histogram(Histogram {
                data_points: self.some(3, Self::histogram),
                aggregation_temporality,
            })),
            7 | 8 => Some(Data::ExponentialHistogram(ExponentialHistogram {
                data_points: self.some(3, Self::exponential),
                aggregation_temporality,
            })),
            _ => Some(Data::Summary(Summary {
                data_points: self.some(3, Self::summary),
            })),
        };
        Metric {
            name: self.text(),
            description: self.text(),
            unit: self.text(),
            metadata: self.attributes(),
            data,
        }
    }

    fn number(&mut self) -> NumberDataPoint {
        NumberDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.u64(),
            time_unix_nano: self.u64(),
            exemplars: self.some(2, Self::exemplar),
            flags: self.u32(),
            value: self.maybe(|generator| {
                if generator.rng.bool() {
                    number_data_point::Value::AsDouble(generator.f64())
                } else {
                    number_data_point::Value::AsInt(generator.i64())
                }
            }),
        }
    }

    fn histogram(&mut self) -> HistogramDataPoint {
        HistogramDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.u64(),
            time_unix_nano: self.u64(),
            count: self.u64(),
            sum: self.maybe(Self::f64),
            bucket_counts: self.some(3, Self::u64),
            explicit_bounds: self.some(3, Self::f64),
            exemplars: self.some(2, Self::exemplar),
            flags: self.u32(),
            min: self.maybe(Self::f64),
            max: self.maybe(Self::f64),
        }
    }

    fn exponential(&mut self) -> ExponentialHistogramDataPoint {
        let buckets = |generator: &mut Self| Buckets {
            offset: generator.i32(),
            bucket_counts: generator.some(3, Self::u64),
        };
        ExponentialHistogramDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.u64(),
            time_unix_nano: self.u64(),
            count: self.u64(),
            sum: self.maybe(Self::f64),
            scale: self.i32(),
            zero_count: self.u64(),
            positive: self.maybe(buckets),
            negative: self.maybe(buckets),
            flags: self.u32(),
            exemplars: self.some(2, Self::exemplar),
            min: self.maybe(Self::f64),
            max: self.maybe(Self::f64),
            zero_threshold: self.f64(),
        }
    }

    fn summary(&mut self) -> SummaryDataPoint {
        SummaryDataPoint {
            attributes: self.attributes(),
            start_time_unix_nano: self.u64(),
            time_unix_nano: self.u64(),
            count: self.u64(),
            sum: self.f64(),
            quantile_values: self.some(3, |generator| ValueAtQuantile {
                quantile: generator.f64(),
                value: generator.f64(),
            }),
            flags: self.u32(),
        }
    }

    fn exemplar(&mut self) -> Exemplar {
        Exemplar {
            filtered_attributes: self.attributes(),
            time_unix_nano: self.u64(),
            span_id: self.id(8),
            trace_id: self.id(16),
            value: self.maybe(|generator| {
                if generator.rng.bool() {
                    exemplar::Value::AsDouble(generator.f64())
                } else {
                    exemplar::Value::AsInt(generator.i64())
                }
            }),
        }
    }
}
