//! Spans, with their events and links.

use super::common::{KEY_VALUE, RESOURCE, SCOPE};
use super::{Kind, Message, SPAN_ID, TRACE_ID, list, one, plain};

pub(super) static RESOURCE_SPANS: Message = Message {
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
