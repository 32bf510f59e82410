//! Metrics, with their five kinds of data points.

use super::common::{KEY_VALUE, RESOURCE, SCOPE};
use super::{Kind, Message, SPAN_ID, TRACE_ID, explicit, list, one, packed, plain};

pub(super) static RESOURCE_METRICS: Message = Message {
    fields: &[
        one(1, "resource", &RESOURCE),
        list(2, "scopeMetrics", &SCOPE_METRICS),
        plain(3, "schemaUrl", Kind::Text),
    ],
};

static SCOPE_METRICS: Message = Message {
    fields: &[
        one(1, "scope", &SCOPE),
        list(2, "metrics", &METRIC),
        plain(3, "schemaUrl", Kind::Text),
    ],
};

static METRIC: Message = Message {
    fields: &[
        plain(1, "name", Kind::Text),
        plain(2, "description", Kind::Text),
        plain(3, "unit", Kind::Text),
        one(5, "gauge", &GAUGE),
        one(7, "sum", &SUM),
        one(9, "histogram", &HISTOGRAM),
        one(10, "exponentialHistogram", &EXPONENTIAL_HISTOGRAM),
        one(11, "summary", &SUMMARY),
        list(12, "metadata", &KEY_VALUE),
    ],
};

const TEMPORALITY: [&str; 3] = [
    "AGGREGATION_TEMPORALITY_UNSPECIFIED",
    "AGGREGATION_TEMPORALITY_DELTA",
    "AGGREGATION_TEMPORALITY_CUMULATIVE",
];

static GAUGE: Message = Message {
    fields: &[list(1, "dataPoints", &NUMBER_POINT)],
};

static SUM: Message = Message {
    fields: &[
        list(1, "dataPoints", &NUMBER_POINT),
        plain(2, "aggregationTemporality", Kind::Enum(&TEMPORALITY)),
        plain(3, "isMonotonic", Kind::Boolean),
    ],
};

static HISTOGRAM: Message = Message {
    fields: &[
        list(1, "dataPoints", &HISTOGRAM_POINT),
        plain(2, "aggregationTemporality", Kind::Enum(&TEMPORALITY)),
    ],
};

static EXPONENTIAL_HISTOGRAM: Message = Message {
    fields: &[
        list(1, "dataPoints", &EXPONENTIAL_POINT),
        plain(2, "aggregationTemporality", Kind::Enum(&TEMPORALITY)),
    ],
};

static SUMMARY: Message = Message {
    fields: &[list(1, "dataPoints", &SUMMARY_POINT)],
};

static NUMBER_POINT: Message = Message {
    fields: &[
        list(7, "attributes", &KEY_VALUE),
        plain(2, "startTimeUnixNano", Kind::Fixed64),
        plain(3, "timeUnixNano", Kind::Fixed64),
        explicit(4, "asDouble", Kind::Double),
        explicit(6, "asInt", Kind::Sfixed64),
        list(5, "exemplars", &EXEMPLAR),
        plain(8, "flags", Kind::Uint32),
    ],
};

static HISTOGRAM_POINT: Message = Message {
    fields: &[
        list(9, "attributes", &KEY_VALUE),
        plain(2, "startTimeUnixNano", Kind::Fixed64),
        plain(3, "timeUnixNano", Kind::Fixed64),
        plain(4, "count", Kind::Fixed64),
        explicit(5, "sum", Kind::Double),
        packed(6, "bucketCounts", Kind::Fixed64),
        packed(7, "explicitBounds", Kind::Double),
        list(8, "exemplars", &EXEMPLAR),
        plain(10, "flags", Kind::Uint32),
        explicit(11, "min", Kind::Double),
        explicit(12, "max", Kind::Double),
    ],
};

static EXPONENTIAL_POINT: Message = Message {
    fields: &[
        list(1, "attributes", &KEY_VALUE),
        plain(2, "startTimeUnixNano", Kind::Fixed64),
        plain(3, "timeUnixNano", Kind::Fixed64),
        plain(4, "count", Kind::Fixed64),
        explicit(5, "sum", Kind::Double),
        plain(6, "scale", Kind::Sint32),
        plain(7, "zeroCount", Kind::Fixed64),
        one(8, "positive", &BUCKETS),
        one(9, "negative", &BUCKETS),
        plain(10, "flags", Kind::Uint32),
        list(11, "exemplars", &EXEMPLAR),
        explicit(12, "min", Kind::Double),
        explicit(13, "max", Kind::Double),
        plain(14, "zeroThreshold", Kind::Double),
    ],
};

static BUCKETS: Message = Message {
    fields: &[
        plain(1, "offset", Kind::Sint32),
        packed(2, "bucketCounts", Kind::Uint64),
    ],
};

static SUMMARY_POINT: Message = Message {
    fields: &[
        list(7, "attributes", &KEY_VALUE),
        plain(2, "startTimeUnixNano", Kind::Fixed64),
        plain(3, "timeUnixNano", Kind::Fixed64),
        plain(4, "count", Kind::Fixed64),
        plain(5, "sum", Kind::Double),
        list(6, "quantileValues", &VALUE_AT_QUANTILE),
        plain(8, "flags", Kind::Uint32),
    ],
};

static VALUE_AT_QUANTILE: Message = Message {
    fields: &[
        plain(1, "quantile", Kind::Double),
        plain(2, "value", Kind::Double),
    ],
};

static EXEMPLAR: Message = Message {
    fields: &[
        list(7, "filteredAttributes", &KEY_VALUE),
        plain(2, "timeUnixNano", Kind::Fixed64),
        explicit(3, "asDouble", Kind::Double),
        explicit(6, "asInt", Kind::Sfixed64),
        plain(4, "spanId", SPAN_ID),
        plain(5, "traceId", TRACE_ID),
    ],
};
