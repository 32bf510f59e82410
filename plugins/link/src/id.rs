//! Trace and span ids as they are written: in hexadecimal, with a `0x` before them, in decimal, in the forms of AWS X-Ray
//! and Google Cloud.

/// A trace id.
pub type TraceId = [u8; 16];
/// A span id.
pub type SpanId = [u8; 8];

/// Python's `hex` drops the zeros in front. More of them than this are dropped once in a million ids.
const DROPPED: usize = 4;

/// Reads an id of `N` bytes, all of `text`: neither shorter, longer, nor zeros.
pub(crate) fn parse<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    padded(text)
}

/// Reads an id of `N` bytes of which zeros in front may be missing, all of `text`.
pub(crate) fn padded<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    hex(text).filter(|id| *id != [0; N])
}

/// Reads a trace id as it is usually written, all of `text`: 32 digits, with `0x` before them, X-Ray's
/// `1-5759e988-bd862e3fe1be46a994272793`, or Google Cloud's `projects/shop/traces/...`.
pub(crate) fn parse_trace(text: &[u8]) -> Option<TraceId> {
    parse(text)
        .or_else(|| parse_number(text))
        .or_else(|| parse_xray(text))
        .or_else(|| parse_path(text))
}

/// Reads a span id as it is usually written, all of `text`: 16 digits, or with `0x` before them.
pub(crate) fn parse_span(text: &[u8]) -> Option<SpanId> {
    parse(text).or_else(|| parse_number(text))
}

/// Reads a number in decimal, as Datadog writes its ids.
pub(crate) fn parse_decimal(text: &[u8]) -> Option<u64> {
    let number: u64 = str::from_utf8(text).ok()?.parse().ok()?;
    (number != 0).then_some(number)
}

/// Reads X-Ray's form of a trace id: a version, the time and the rest.
pub(crate) fn parse_xray(text: &[u8]) -> Option<TraceId> {
    let (time, rest) = text.strip_prefix(b"1-")?.split_at_checked(8)?;
    let rest = rest.strip_prefix(b"-").filter(|rest| rest.len() == 24)?;
    let mut id = [0; 32];
    let (front, back) = id.split_at_mut(8);
    front.copy_from_slice(time);
    back.copy_from_slice(rest);
    parse(&id)
}

/// Reads up to `2 * N` digits as a number of `N` bytes.
pub(crate) fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.is_empty() || text.len() > 2 * N {
        return None;
    }
    let mut id = [0; N];
    for (byte, digits) in id.iter_mut().rev().zip(text.rchunks(2)) {
        *byte = match digits {
            [high, low] => digit(*high)? << 4 | digit(*low)?,
            [low] => digit(*low)?,
            _ => return None,
        };
    }
    Some(id)
}

/// Reads `0x...`, of which few zeros in front are missing.
fn parse_number<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digits = text
        .strip_prefix(b"0x")
        .or_else(|| text.strip_prefix(b"0X"))?;
    if digits.len() + DROPPED < 2 * N {
        return None;
    }
    padded(digits)
}

/// Reads the end of `projects/shop/traces/...`, in which JSON may have escaped the slashes.
fn parse_path(text: &[u8]) -> Option<TraceId> {
    let path = text.strip_prefix(b"projects")?;
    let mut parts = path.rsplitn(2, |byte| *byte == b'/');
    let (id, before) = (parts.next()?, parts.next()?);
    let before = before.strip_suffix(b"\\").unwrap_or(before);
    before.ends_with(b"/traces").then(|| parse(id))?
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
    use super::{SpanId, TraceId, padded, parse, parse_decimal, parse_span, parse_trace};

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
        assert_eq!(parse_decimal(b"258"), Some(258));
        assert_eq!(parse_decimal(b"0"), None);
        assert_eq!(parse_decimal(b"18446744073709551616"), None);
        assert_eq!(padded(b"102"), Some([0, 0, 0, 0, 0, 0, 1, 2]));
    }

    #[test]
    fn trace_ids_are_read_in_the_forms_of_their_makers() {
        let id = parse::<16>(b"5759e988bd862e3fe1be46a994272793");
        assert!(id.is_some());
        for text in [
            "5759e988bd862e3fe1be46a994272793",
            "5759E988BD862E3FE1BE46A994272793",
            "0x5759e988bd862e3fe1be46a994272793",
            "1-5759e988-bd862e3fe1be46a994272793",
            "projects/shop/traces/5759e988bd862e3fe1be46a994272793",
            r"projects\/shop\/traces\/5759e988bd862e3fe1be46a994272793",
        ] {
            assert_eq!(parse_trace(text.as_bytes()), id, "{text}");
        }
        assert_eq!(
            parse_trace(b"0x9e988bd862e3fe1be46a994272793").unwrap()[..2],
            [0, 9]
        );
        assert_eq!(parse_span(b"0xf067aa0ba902b7").unwrap()[..2], [0, 0xf0]);
    }

    #[test]
    fn what_looks_like_one_of_these_forms_is_not() {
        for text in [
            "5759e988-bd86-2e3f-e1be-46a994272793",
            "2-5759e988-bd862e3fe1be46a994272793",
            "1-5759e988-bd862e3fe1be46a99427279",
            "1-5759e988bd862e3fe1be46a994272793",
            "1-00000000-000000000000000000000000",
            "0x5759e988bd862e3fe1be46a",
            "0x5759e988bd862e3fe1be46a9942727930",
            "0x",
            "projects/shop/spans/5759e988bd862e3fe1be46a994272793",
            "shop/traces/5759e988bd862e3fe1be46a994272793",
            "projects/traces",
        ] {
            assert_eq!(parse_trace(text.as_bytes()), None, "{text}");
        }
    }
}
