//! The names that trace and span ids go by.

/// Maps whose entries are the record's own: `{"dd": {"trace_id": ...}}`. Elsewhere an id may be another record's.
const HOLDERS: [&str; 13] = [
    "otel",
    "opentelemetry",
    "dd",
    "trace",
    "span",
    "context",
    "tracecontext",
    "spancontext",
    "mdc",
    "contextmap",
    "extra",
    "fields",
    "attributes",
];

/// What a name says its value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Trace,
    Span,
    /// A span id that may be in decimal.
    DatadogSpan,
    Traceparent,
}

impl Name {
    /// What the value under this key is, at the top.
    pub(crate) fn of(key: &[u8]) -> Option<Self> {
        let mut room = [0; LONGEST];
        Some(match squeeze(&[key], &mut room)? {
            b"traceid" | b"oteltraceid" | b"ddtraceid" | b"xb3traceid" => Self::Trace,
            b"spanid" | b"otelspanid" | b"xb3spanid" => Self::Span,
            b"ddspanid" => Self::DatadogSpan,
            b"traceparent" | b"httprequestheadertraceparent" => Self::Traceparent,
            _ => return None,
        })
    }

    /// What the value under this key is, in a map under this one.
    pub(crate) fn within(holder: &[u8], key: &[u8]) -> Option<Self> {
        if !is_holder(holder) {
            return None;
        }
        let mut room = [0; LONGEST];
        let joined = match squeeze(&[holder, key], &mut room)? {
            b"ddspanid" => Some(Self::DatadogSpan),
            b"traceid" => Some(Self::Trace),
            b"spanid" => Some(Self::Span),
            _ => None,
        };
        joined.or_else(|| Self::of(key))
    }
}

/// Whether entries of a map under this key may be the record's own.
pub(crate) fn is_holder(key: &[u8]) -> bool {
    let mut room = [0; LONGEST];
    squeeze(&[key], &mut room)
        .is_some_and(|key| HOLDERS.iter().any(|holder| holder.as_bytes() == key))
}

/// The longest name that there is.
const LONGEST: usize = 28;

/// The letters and digits of these names in lower case; nothing if they are too many.
fn squeeze<'a>(names: &[&[u8]], room: &'a mut [u8; LONGEST]) -> Option<&'a [u8]> {
    let mut length = 0;
    for byte in names.iter().flat_map(|name| name.iter().copied()) {
        if byte.is_ascii_alphanumeric() {
            *room.get_mut(length)? = byte.to_ascii_lowercase();
            length += 1;
        } else if !matches!(byte, b'_' | b'-' | b'.') {
            return None;
        }
    }
    room.get(..length)
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn ids_are_known_by_their_usual_names() {
        for key in [
            "trace_id",
            "traceId",
            "TraceID",
            "trace.id",
            "trace-id",
            "otelTraceID",
            "dd.trace_id",
            "X-B3-TraceId",
        ] {
            assert_eq!(Name::of(key.as_bytes()), Some(Name::Trace), "{key}");
        }
        for key in ["span_id", "spanId", "span.id", "otelSpanID"] {
            assert_eq!(Name::of(key.as_bytes()), Some(Name::Span), "{key}");
        }
        assert_eq!(Name::of(b"dd.span_id"), Some(Name::DatadogSpan));
        assert_eq!(Name::of(b"traceparent"), Some(Name::Traceparent));
        assert_eq!(Name::within(b"trace", b"id"), Some(Name::Trace));
        assert_eq!(Name::within(b"dd", b"span_id"), Some(Name::DatadogSpan));
        assert_eq!(Name::within(b"contextMap", b"traceId"), Some(Name::Trace));
    }

    #[test]
    fn other_names_are_not() {
        for key in [
            "parent_span_id",
            "request_id",
            "etag",
            "trace",
            "id",
            "upstream_trace_id",
            "trace id",
            "",
            "a_very_long_name_of_a_trace_id",
        ] {
            assert_eq!(Name::of(key.as_bytes()), None, "{key}");
        }
        assert_eq!(Name::within(b"links", b"trace_id"), None);
        assert_eq!(Name::within(b"order", b"id"), None);
    }
}
