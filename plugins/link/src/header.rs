//! Headers that carry a whole context from one service to the next, and that logs show: W3C's `traceparent`, Zipkin's `b3`,
//! Jaeger's `uber-trace-id` and `X-Amzn-Trace-Id`.

use crate::id::{SpanId, TraceId, hex, padded, parse, parse_xray};

/// What W3C's flags say of a sampled trace.
pub(crate) const SAMPLED: u8 = 1;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) trace: TraceId,
    pub(crate) span: Option<SpanId>,
    pub(crate) flags: Option<u8>,
}

impl Header {
    /// Reads a `traceparent` of any version that may be, all of `text`:
    /// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.
    pub(crate) fn traceparent(text: &[u8]) -> Option<Self> {
        let mut parts = text.splitn(5, |&byte| byte == b'-');
        let [version] = byte(parts.next()?)?;
        let trace = parse(parts.next()?)?;
        let span = parse(parts.next()?)?;
        let [flags] = byte(parts.next()?)?;
        let allowed = version != 0xff && (version > 0 || parts.next().is_none());
        allowed.then_some(Self {
            trace,
            span: Some(span),
            flags: Some(flags),
        })
    }

    /// Reads a `b3`, all of `text`: the trace, the span, and if they are there whether it is sampled, and the span above.
    /// A trace id of 16 digits gets zeros in front.
    pub(crate) fn b3(text: &[u8]) -> Option<Self> {
        let mut parts = text.splitn(4, |&byte| byte == b'-');
        let trace = b3_trace(parts.next()?)?;
        let span = parse(parts.next()?)?;
        let flags = match parts.next() {
            None => None,
            Some(b"1" | b"d") => Some(SAMPLED),
            Some(b"0") => Some(0),
            Some(_) => return None,
        };
        let above = parts.next();
        above
            .is_none_or(|above| parse::<8>(above).is_some())
            .then_some(Self {
                trace,
                span: Some(span),
                flags,
            })
    }

    /// Reads a `uber-trace-id`, all of `text`: the trace, the span, the span above and the flags. Zeros in front of an id may
    /// be missing.
    pub(crate) fn jaeger(text: &[u8]) -> Option<Self> {
        let mut parts = text.splitn(4, |&byte| byte == b':');
        let trace = padded(parts.next()?)?;
        let span = padded(parts.next()?)?;
        let _above: [u8; 8] = hex(parts.next()?)?;
        let [flags] = hex(parts.next()?)?;
        Some(Self {
            trace,
            span: Some(span),
            flags: Some(flags & SAMPLED),
        })
    }

    /// Reads an `X-Amzn-Trace-Id`, all of `text`: `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`
    /// in any order, or the root's value alone.
    pub(crate) fn xray(text: &[u8]) -> Option<Self> {
        let mut trace = parse_xray(text);
        let (mut span, mut flags) = (None, None);
        for part in text.split(|byte| *byte == b';') {
            let mut pair = part.trim_ascii().splitn(2, |byte| *byte == b'=');
            match (pair.next(), pair.next()) {
                (Some(b"Root"), Some(root)) => trace = parse_xray(root),
                (Some(b"Parent"), Some(parent)) => span = parse(parent),
                (Some(b"Sampled"), Some(b"1")) => flags = Some(SAMPLED),
                (Some(b"Sampled"), Some(b"0")) => flags = Some(0),
                _ => {}
            }
        }
        let trace = trace?;
        Some(Self { trace, span, flags })
    }
}

/// Reads B3's trace id: 32 digits, or 16 of a trace id of half the length, which gets zeros in front.
pub(crate) fn b3_trace(text: &[u8]) -> Option<TraceId> {
    matches!(text.len(), 16 | 32).then(|| padded(text))?
}

/// Reads a byte of two digits.
fn byte(text: &[u8]) -> Option<[u8; 1]> {
    (text.len() == 2).then(|| hex(text))?
}

#[cfg(test)]
mod tests {
    use super::Header;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    type Parser = fn(&[u8]) -> Option<Header>;

    /// The first byte of the trace, the second of the span, and the flags.
    fn read(parser: Parser, text: &str) -> Option<(u8, Option<u8>, Option<u8>)> {
        let text = text.replace("$T", TRACE).replace("$S", SPAN);
        let found = parser(text.as_bytes())?;
        Some((found.trace[0], found.span.map(|span| span[1]), found.flags))
    }

    #[test]
    fn a_traceparent_is_read_as_a_whole() {
        let whole = Some((0x4b, Some(0xf0), Some(1)));
        assert_eq!(read(Header::traceparent, "00-$T-$S-01"), whole);
        assert_eq!(read(Header::traceparent, "01-$T-$S-01-more"), whole);
        for wrong in [
            "ff-$T-$S-01",
            "00-$T-$S-01-more",
            "00-z$T-$S-01",
            "00-$T-$S",
            "0-$T-$S-01",
            "00-$T-$S-1",
            "00-00000000000000000000000000000000-$S-01",
        ] {
            assert_eq!(read(Header::traceparent, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_b3_says_what_it_has() {
        for (text, flags) in [
            ("$T-$S", None),
            ("$T-$S-1", Some(1)),
            ("$T-$S-0", Some(0)),
            ("$T-$S-d", Some(1)),
            ("$T-$S-1-05e3ac9a4f6e3b90", Some(1)),
        ] {
            assert_eq!(
                read(Header::b3, text),
                Some((0x4b, Some(0xf0), flags)),
                "{text}"
            );
        }
        assert_eq!(read(Header::b3, "$S-$S-1"), Some((0, Some(0xf0), Some(1))));
        for wrong in ["0", "1", "$T", "$T-$S-x", "$T-$S-1-x", "0$T-$S-1", "$T-$T"] {
            assert_eq!(read(Header::b3, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn jaegers_ids_may_lack_zeros_in_front() {
        assert_eq!(
            read(Header::jaeger, "$T:f067aa0ba902b7:0:1"),
            Some((0x4b, Some(0xf0), Some(1)))
        );
        assert_eq!(
            read(Header::jaeger, "$S:$S:0:2"),
            Some((0, Some(0xf0), Some(0)))
        );
        for wrong in [
            "$T:$S:0",
            "$T:$S:0:1:2",
            "$T:$S:x:1",
            "0:$S:0:1",
            "$T:0:0:1",
            "::0:1",
        ] {
            assert_eq!(read(Header::jaeger, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn x_ray_names_its_parts() {
        let root = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736";
        for (more, span, flags) in [
            ("", None, None),
            (";Parent=$S;Sampled=1", Some(0xf0), Some(1)),
            (";Parent=$S;Sampled=0;Lineage=a:0", Some(0xf0), Some(0)),
            ("; Sampled=?", None, None),
        ] {
            let text = format!("{root}{more}");
            assert_eq!(
                read(Header::xray, &text),
                Some((0x4b, span, flags)),
                "{text}"
            );
        }
        assert!(read(Header::xray, "1-4bf92f35-77b34da6a3ce929d0e0e4736").is_some());
        for wrong in ["", "Root=", "Root=$T", "Parent=$S;Sampled=1", "$T"] {
            assert_eq!(read(Header::xray, wrong), None, "{wrong}");
        }
    }
}
