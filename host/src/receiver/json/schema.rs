//! The messages of OTLP as JSON names them: every field of every message that an export request can hold.

use crate::batch::Signal;

/// A message.
pub(super) struct Message {
    pub(super) fields: &'static [Field],
}

/// A field of a message.
pub(super) struct Field {
    /// The name in JSON.
    pub(super) name: &'static str,
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) rule: Rule,
}

/// What a field holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    /// An id of so many bytes, in hexadecimal.
    Id(usize),
    /// Bytes, in base64.
    Bytes,
    Boolean,
    Double,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Fixed32,
    Fixed64,
    Sfixed64,
    /// The members' names stand at their numbers.
    Enum(&'static [&'static str]),
    Message(&'static Message),
}

/// How often a field is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Once; its default is left out.
    Plain,
    /// Once; its default says something: a member of a oneof, an `optional` field.
    Explicit,
    /// Any number of times.
    Many,
    /// Any number of times, packed.
    Packed,
}

/// The export request of a signal.
pub(super) fn request(signal: Signal) -> &'static Message {
    match signal {
        Signal::Traces => &TRACES,
        Signal::Metrics => &METRICS,
        Signal::Logs => &LOGS,
    }
}

const TRACE_ID: Kind = Kind::Id(16);
const SPAN_ID: Kind = Kind::Id(8);

const fn plain(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, Rule::Plain)
}

const fn explicit(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, Rule::Explicit)
}

const fn packed(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, Rule::Packed)
}

const fn many(number: u32, name: &'static str, kind: Kind) -> Field {
    field(number, name, kind, Rule::Many)
}

const fn one(number: u32, name: &'static str, message: &'static Message) -> Field {
    field(number, name, Kind::Message(message), Rule::Explicit)
}

const fn list(number: u32, name: &'static str, message: &'static Message) -> Field {
    field(number, name, Kind::Message(message), Rule::Many)
}

const fn field(number: u32, name: &'static str, kind: Kind, rule: Rule) -> Field {
    Field {
        name,
        number,
        kind,
        rule,
    }
}

static TRACES: Message = Message {
    fields: &[list(1, "resourceSpans", &RESOURCE_SPANS)],
};

static METRICS: Message = Message {
    fields: &[list(1, "resourceMetrics", &RESOURCE_METRICS)],
};

static LOGS: Message = Message {
    fields: &[list(1, "resourceLogs", &RESOURCE_LOGS)],
};

static ANY_VALUE: Message = Message {
    fields: &[
        explicit(1, "stringValue", Kind::Text),
        explicit(2, "boolValue", Kind::Boolean),
        explicit(3, "intValue", Kind::Int64),
        explicit(4, "doubleValue", Kind::Double),
        one(5, "arrayValue", &ARRAY_VALUE),
        one(6, "kvlistValue", &KEY_VALUE_LIST),
        explicit(7, "bytesValue", Kind::Bytes),
        explicit(8, "stringValueStrindex", Kind::Int32),
    ],
};

static ARRAY_VALUE: Message = Message {
    fields: &[list(1, "values", &ANY_VALUE)],
};

static KEY_VALUE_LIST: Message = Message {
    fields: &[list(1, "values", &KEY_VALUE)],
};

static KEY_VALUE: Message = Message {
    fields: &[
        plain(1, "key", Kind::Text),
        one(2, "value", &ANY_VALUE),
        plain(3, "keyStrindex", Kind::Int32),
    ],
};

static SCOPE: Message = Message {
    fields: &[
        plain(1, "name", Kind::Text),
        plain(2, "version", Kind::Text),
        list(3, "attributes", &KEY_VALUE),
        plain(4, "droppedAttributesCount", Kind::Uint32),
    ],
};

static ENTITY_REF: Message = Message {
    fields: &[
        plain(1, "schemaUrl", Kind::Text),
        plain(2, "type", Kind::Text),
        many(3, "idKeys", Kind::Text),
        many(4, "descriptionKeys", Kind::Text),
    ],
};

static RESOURCE: Message = Message {
    fields: &[
        list(1, "attributes", &KEY_VALUE),
        plain(2, "droppedAttributesCount", Kind::Uint32),
        list(3, "entityRefs", &ENTITY_REF),
    ],
};

static RESOURCE_SPANS: Message = Message {
    fields: &[
        one(1, "resource", &RESOURCE),
        list(2, "scopeSpans", &SCOPE_SPANS),
        plain(3, "schemaUrl", Kind::Text),
    ],
};

static SCOPE_SPANS: Message = Message {
    fields: &[
        one(1, "scope", &SCOPE),
        list(2, "spans", &SPAN),
        plain(3, "schemaUrl", Kind::Text),
    ],
};

static SPAN: Message = Message {
    fields: &[
        plain(1, "traceId", TRACE_ID),
        plain(2, "spanId", SPAN_ID),
        plain(3, "traceState", Kind::Text),
        plain(4, "parentSpanId", SPAN_ID),
        plain(16, "flags", Kind::Fixed32),
        plain(5, "name", Kind::Text),
        plain(6, "kind", Kind::Enum(&SPAN_KIND)),
        plain(7, "startTimeUnixNano", Kind::Fixed64),
        plain(8, "endTimeUnixNano", Kind::Fixed64),
        list(9, "attributes", &KEY_VALUE),
        plain(10, "droppedAttributesCount", Kind::Uint32),
        list(11, "events", &EVENT),
        plain(12, "droppedEventsCount", Kind::Uint32),
        list(13, "links", &LINK),
        plain(14, "droppedLinksCount", Kind::Uint32),
        one(15, "status", &STATUS),
    ],
};

const SPAN_KIND: [&str; 6] = [
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

static EVENT: Message = Message {
    fields: &[
        plain(1, "timeUnixNano", Kind::Fixed64),
        plain(2, "name", Kind::Text),
        list(3, "attributes", &KEY_VALUE),
        plain(4, "droppedAttributesCount", Kind::Uint32),
    ],
};

static LINK: Message = Message {
    fields: &[
        plain(1, "traceId", TRACE_ID),
        plain(2, "spanId", SPAN_ID),
        plain(3, "traceState", Kind::Text),
        list(4, "attributes", &KEY_VALUE),
        plain(5, "droppedAttributesCount", Kind::Uint32),
        plain(6, "flags", Kind::Fixed32),
    ],
};

static STATUS: Message = Message {
    fields: &[
        plain(2, "message", Kind::Text),
        plain(3, "code", Kind::Enum(&STATUS_CODE)),
    ],
};

const STATUS_CODE: [&str; 3] = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"];

static RESOURCE_METRICS: Message = Message {
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

static RESOURCE_LOGS: Message = Message {
    fields: &[
        one(1, "resource", &RESOURCE),
        list(2, "scopeLogs", &SCOPE_LOGS),
        plain(3, "schemaUrl", Kind::Text),
    ],
};

static SCOPE_LOGS: Message = Message {
    fields: &[
        one(1, "scope", &SCOPE),
        list(2, "logRecords", &LOG_RECORD),
        plain(3, "schemaUrl", Kind::Text),
    ],
};

static LOG_RECORD: Message = Message {
    fields: &[
        plain(1, "timeUnixNano", Kind::Fixed64),
        plain(11, "observedTimeUnixNano", Kind::Fixed64),
        plain(2, "severityNumber", Kind::Enum(&SEVERITY)),
        plain(3, "severityText", Kind::Text),
        one(5, "body", &ANY_VALUE),
        list(6, "attributes", &KEY_VALUE),
        plain(7, "droppedAttributesCount", Kind::Uint32),
        plain(8, "flags", Kind::Fixed32),
        plain(9, "traceId", TRACE_ID),
        plain(10, "spanId", SPAN_ID),
        plain(12, "eventName", Kind::Text),
    ],
};

const SEVERITY: [&str; 25] = [
    "SEVERITY_NUMBER_UNSPECIFIED",
    "SEVERITY_NUMBER_TRACE",
    "SEVERITY_NUMBER_TRACE2",
    "SEVERITY_NUMBER_TRACE3",
    "SEVERITY_NUMBER_TRACE4",
    "SEVERITY_NUMBER_DEBUG",
    "SEVERITY_NUMBER_DEBUG2",
    "SEVERITY_NUMBER_DEBUG3",
    "SEVERITY_NUMBER_DEBUG4",
    "SEVERITY_NUMBER_INFO",
    "SEVERITY_NUMBER_INFO2",
    "SEVERITY_NUMBER_INFO3",
    "SEVERITY_NUMBER_INFO4",
    "SEVERITY_NUMBER_WARN",
    "SEVERITY_NUMBER_WARN2",
    "SEVERITY_NUMBER_WARN3",
    "SEVERITY_NUMBER_WARN4",
    "SEVERITY_NUMBER_ERROR",
    "SEVERITY_NUMBER_ERROR2",
    "SEVERITY_NUMBER_ERROR3",
    "SEVERITY_NUMBER_ERROR4",
    "SEVERITY_NUMBER_FATAL",
    "SEVERITY_NUMBER_FATAL2",
    "SEVERITY_NUMBER_FATAL3",
    "SEVERITY_NUMBER_FATAL4",
];
