//! The names that trace and span ids go by.

/// Maps whose entries are the record's own: `{"dd": {"trace_id": ...}}`. Elsewhere an id may be another record's.
const HOLDERS: [&str; 16] = [
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
    "labels",
    "properties",
    SCOPES,
];

/// A list of such maps: what .NET's JSON console calls the scopes of a log.
const SCOPES: &str = "scopes";

/// What Google Cloud puts before the names of the fields that it reads.
const GOOGLE: &[u8] = b"logging.googleapis.com/";

/// What a name says its value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// A trace id. In decimal it is the lower half of one of Datadog's.
    Trace,
    /// A trace id of B3, which may be half as long.
    B3Trace,
    /// The upper half of one of Datadog's trace ids.
    DatadogUpper,
    Span,
    /// A span id that may be in decimal.
    DatadogSpan,
    /// W3C's flags.
    Flags,
    /// Whether the trace is sampled.
    Sampled,
    Traceparent,
    B3,
    Jaeger,
    XRay,
}

impl Name {
    /// What the value under this key is, at the top.
    pub(crate) fn of(key: &[u8]) -> Option<Self> {
        Self::simple(key).or_else(|| {
            // A map that was taken apart: `mdc.trace_id`.
            let dot = key.iter().position(|byte| *byte == b'.')?;
            Self::within(key.get(..dot)?, key.get(dot + 1..)?)
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
            b"traceflags" => Some(Self::Flags),
            b"tracesampled" => Some(Self::Sampled),
            _ => None,
        };
        joined.or_else(|| Self::simple(key))
    }

    fn simple(key: &[u8]) -> Option<Self> {
        match key {
            // Names that are sure only as they are written: Application Insights' and Serilog's.
            b"operation_Id" | b"@tr" => return Some(Self::Trace),
            b"operation_ParentId" | b"@sp" => return Some(Self::Span),
            _ => {}
        }
        if let Some(field) = key.strip_prefix(GOOGLE) {
            return match field {
                b"trace" => Some(Self::Trace),
                b"spanId" => Some(Self::Span),
                b"trace_sampled" => Some(Self::Sampled),
                _ => None,
            };
        }
        let mut room = [0; LONGEST];
        Some(match squeeze(&[key], &mut room)? {
            b"traceid" | b"oteltraceid" | b"ddtraceid" => Self::Trace,
            b"spanid" | b"otelspanid" | b"xb3spanid" => Self::Span,
            b"xb3traceid" => Self::B3Trace,
            b"ddptid" => Self::DatadogUpper,
            b"ddspanid" => Self::DatadogSpan,
            b"traceflags" | b"oteltraceflags" => Self::Flags,
            b"tracesampled" | b"oteltracesampled" | b"xb3sampled" => Self::Sampled,
            b"traceparent" | b"httprequestheadertraceparent" => Self::Traceparent,
            b"b3" => Self::B3,
            b"ubertraceid" => Self::Jaeger,
            b"xamzntraceid" | b"awsxraytraceid" | b"xraytraceid" => Self::XRay,
            _ => return None,
        })
    }
}

/// Whether entries of a map under this key may be the record's own.
pub(crate) fn is_holder(key: &[u8]) -> bool {
    let mut room = [0; LONGEST];
    squeeze(&[key], &mut room)
        .is_some_and(|key| HOLDERS.iter().any(|holder| holder.as_bytes() == key))
}

/// Whether entries of the maps in a list under this key may be the record's own.
pub(crate) fn is_list_of_holders(key: &[u8]) -> bool {
    let mut room = [0; LONGEST];
    squeeze(&[key], &mut room) == Some(SCOPES.as_bytes())
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
            "logging.googleapis.com/trace",
            "operation_Id",
            "@tr",
            "mdc.trace_id",
        ] {
            assert_eq!(Name::of(key.as_bytes()), Some(Name::Trace), "{key}");
        }
        for key in ["span_id", "spanId", "span.id", "otelSpanID", "@sp"] {
            assert_eq!(Name::of(key.as_bytes()), Some(Name::Span), "{key}");
        }
        assert_eq!(Name::of(b"X-B3-TraceId"), Some(Name::B3Trace));
        assert_eq!(Name::of(b"_dd.p.tid"), Some(Name::DatadogUpper));
        assert_eq!(Name::of(b"dd.span_id"), Some(Name::DatadogSpan));
        for key in [
            "trace_flags",
            "traceFlags",
            "trace.flags",
            "contextMap.trace_flags",
        ] {
            assert_eq!(Name::of(key.as_bytes()), Some(Name::Flags), "{key}");
        }
        for key in ["otelTraceSampled", "trace_sampled", "X-B3-Sampled"] {
            assert_eq!(Name::of(key.as_bytes()), Some(Name::Sampled), "{key}");
        }
        assert_eq!(Name::of(b"b3"), Some(Name::B3));
        assert_eq!(Name::of(b"uber-trace-id"), Some(Name::Jaeger));
        assert_eq!(Name::of(b"X-Amzn-Trace-Id"), Some(Name::XRay));
        assert_eq!(Name::of(b"AWS-XRAY-TRACE-ID"), Some(Name::XRay));
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
            "upstream.trace_id",
            "links.trace_id",
            "operation_id",
            "operationId",
            "sampled",
            "flags",
            "logging.googleapis.com/sourceLocation",
            "@t",
            "trace id",
            "",
            "a_very_long_name_of_a_trace_id",
        ] {
            assert_eq!(Name::of(key.as_bytes()), None, "{key}");
        }
        assert_eq!(Name::within(b"links", b"trace_id"), None);
        assert_eq!(Name::within(b"order", b"id"), None);
        // Not one map after the other, however many there are.
        assert_eq!(Name::of("mdc.".repeat(1 << 20).as_bytes()), None);
    }
}
