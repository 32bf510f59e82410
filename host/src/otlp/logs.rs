//! Log records.

use super::common::{ANY_VALUE, KEY_VALUE, RESOURCE, SCOPE};
use super::{Kind, Message, SPAN_ID, TRACE_ID, list, one, plain};

pub(super) static RESOURCE_LOGS: Message = Message {
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
