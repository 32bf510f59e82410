//! Trace and span ids as they are written: in hexadecimal, and together in a W3C traceparent.

/// A trace id.
pub type TraceId = [u8; 16];
/// A span id.
pub type SpanId = [u8; 8];

/// The ids and flags of a traceparent: `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traceparent {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
    pub(crate) flags: u8,
}

impl Traceparent {
    /// Reads one, of any version that may be, all of `text`.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let mut parts = text.splitn(5, |&byte| byte == b'-');
        let [version] = hex(parts.next()?)?;
        let trace = parse(parts.next()?)?;
        let span = parse(parts.next()?)?;
        let [flags] = hex(parts.next()?)?;
        let allowed = version != 0xff && (version > 0 || parts.next().is_none());
        allowed.then_some(Self { trace, span, flags })
    }
}

/// Reads an id of `N` bytes, all of `text`: neither shorter, longer, nor zeros.
pub(crate) fn parse<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    hex(text).filter(|id| *id != [0; N])
}

/// Reads a span id in decimal, as Datadog writes it.
pub(crate) fn parse_decimal(text: &[u8]) -> Option<SpanId> {
    let number: u64 = str::from_utf8(text).ok()?.parse().ok()?;
    (number != 0).then(|| number.to_be_bytes())
}

fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut id = [0; N];
    for (byte, [high, low]) in id.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(id)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{SpanId, TraceId, Traceparent, parse, parse_decimal};

    #[test]
    fn ids_have_their_length_and_are_not_zeros() {
        assert_eq!(
            parse::<8>(b"00f067aa0ba902B7"),
            Some([0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7])
        );
        for text in [
            "",
            "0",
            "00f067aa0ba902b",
            "00f067aa0ba902b70",
            "0000000000000000",
            "zzf067aa0ba902b7",
            "00f067aa-ba902b7",
        ] {
            assert_eq!(parse::<8>(text.as_bytes()), None::<SpanId>, "{text}");
        }
        assert_eq!(
            parse::<16>(b"3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
            None::<TraceId>
        );
        assert_eq!(parse_decimal(b"258"), Some([0, 0, 0, 0, 0, 0, 1, 2]));
        assert_eq!(parse_decimal(b"0"), None);
        assert_eq!(parse_decimal(b"18446744073709551616"), None);
    }

    #[test]
    fn a_traceparent_is_read_as_a_whole() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let found = Traceparent::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (found.trace[0], found.span[1], found.flags),
            (0x4b, 0xf0, 1)
        );
        let later = text.replacen("00", "01", 1) + "-more";
        assert!(Traceparent::parse(later.as_bytes()).is_some());
        for wrong in [
            text.replacen("00", "ff", 1),
            text.to_owned() + "-more",
            text.replace("4b", "zb"),
            text.replace("-01", ""),
        ] {
            assert_eq!(Traceparent::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
