//! Texts that tell of no trace, by the bytes next to a few signs: most of them, whose words need not be looked at one by one.

use wide::u8x16;

use super::GAP;

/// How all names end that tell of a trace by themselves, in small letters and without what joins their parts.
const ENDINGS: [&[u8]; 4] = [b"traceid", b"operationid", b"traceparent", b"b3"];
/// The digits of a trace id that needs no name.
const ID: usize = 32;
const LANES: usize = 16;
/// What begins a colour, which may stand in a name.
const ESCAPE: u8 = 0x1b;

/// Whether the words of this text may tell of a trace: one before a separator ends as the names do, or an id is behind a bracket
/// or a comma.
pub(super) fn may_tell(text: &[u8]) -> bool {
    let (vectors, rest) = text.as_chunks();
    let mut last = [0; LANES];
    for (byte, there) in last.iter_mut().zip(rest) {
        *byte = *there;
    }
    let mut vectors = vectors.iter().chain([&last]).enumerate();
    vectors.any(|(number, vector)| {
        let mut signs = signs(*vector);
        while signs != 0 {
            if tells(text, number * LANES + signs.trailing_zeros() as usize) {
                return true;
            }
            signs &= signs - 1;
        }
        false
    })
}

/// A bit for each of these bytes that may be the sign of a trace.
fn signs(bytes: [u8; LANES]) -> u32 {
    let bytes = u8x16::new(bytes);
    let is = |byte| bytes.simd_eq(u8x16::splat(byte));
    (is(b'=') | is(b':') | is(b'[') | is(b',') | is(ESCAPE)).to_bitmask()
}

fn tells(text: &[u8], sign: usize) -> bool {
    let Some((before, [sign, after @ ..])) = text.split_at_checked(sign) else {
        return false;
    };
    match *sign {
        b'=' | b':' => is_named(before),
        ESCAPE => true,
        _ => after
            .get(..ID)
            .is_some_and(|id| id.iter().all(u8::is_ascii_hexdigit)),
    }
}

/// Whether a name that tells of a trace is at the end of this, but for what may be between a name and its separator.
fn is_named(before: &[u8]) -> bool {
    let gap = |byte: &&u8| matches!(byte, b' ' | b'"' | b'\'' | b'\\');
    let gap = before.iter().rev().take(GAP).take_while(gap).count();
    let name = before.get(..before.len() - gap).unwrap_or_default();
    matches!(name.last(), Some(b'd' | b'D' | b't' | b'T' | b'3'))
        && ENDINGS.iter().any(|ending| ends_with(name, ending))
}

fn ends_with(name: &[u8], ending: &[u8]) -> bool {
    let joint = |byte: &&u8| matches!(byte, b'_' | b'-' | b'.');
    let mut letters = name.iter().rev().filter(|byte| !joint(byte));
    let mut ending = ending.iter().rev();
    ending.all(|letter| {
        letters
            .next()
            .is_some_and(|byte| byte.eq_ignore_ascii_case(letter))
    })
}

#[cfg(test)]
mod tests {
    use super::may_tell;
    use crate::words::of_words;

    const PIECES: [&str; 52] = [
        "trace",
        "Trace",
        "span",
        "id",
        "Id",
        "ID",
        "_",
        "-",
        ".",
        " ",
        "=",
        ":",
        "\"",
        "'",
        "\\\"",
        "\\",
        "[",
        "]",
        "{",
        "}",
        ",",
        ", ",
        "(",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "00f067aa0ba902b7",
        "1-5759e988-bd862e3fe1be46a994272793",
        "258",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "traceparent",
        "b3",
        "B3",
        "x-b3-",
        "dd",
        "otel",
        "mdc",
        "context",
        "operation_Id",
        "uber-",
        "xray-",
        "p.tid",
        "flags",
        "01",
        "sampled",
        "true",
        "msg",
        "\u{fc}",
        "\x1b[36m",
        "4bf92f3577b34da6",
        "trace_id=",
        "traceId: ",
        "[shop,",
        "/",
    ];

    const IDS: [&str; 5] = [
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "1-5759e988-bd862e3fe1be46a994272793",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "4bf92f3577b34da6-00f067aa0ba902b7-1",
        "4bf92f3577b34da6:1:0:1",
    ];
    const NAMES: [&str; 12] = [
        "traceId",
        "trace-id",
        "mdc.trace_id",
        "operation_Id",
        "traceparent",
        "TRACEPARENT",
        "b3",
        "dd.trace_id",
        "uber-trace-id",
        "x-b3-traceid",
        "trace_i.d",
        "",
    ];

    #[test]
    fn what_words_tell_is_told_by_their_signs() {
        let mut dice = 1_u64;
        let mut roll = |sides: usize| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(dice >> 33).unwrap() % sides
        };
        let mut told = 0;
        for _ in 0..30_000 {
            let mut text = String::new();
            for _ in 0..roll(7) {
                text.push_str(PIECES[roll(PIECES.len())]);
            }
            if roll(2) == 0 {
                text.push_str(NAMES[roll(NAMES.len())]);
                text.push_str(["=", ":", " = ", "\": \"", "='", "[", ","][roll(7)]);
                text.push_str(IDS[roll(IDS.len())]);
            }
            if of_words(text.as_bytes()).is_some() {
                told += 1;
                assert!(may_tell(text.as_bytes()), "{text}");
            }
        }
        assert!(told > 500, "{told} texts told of a trace");
    }

    #[test]
    fn most_texts_tell_of_nothing() {
        for text in [
            "",
            "2026-06-09 10:22:31,412 INFO [main] c.e.Shop : order 7 paid, user_id=42 id=x",
            "GET /traces?span_id=00f067aa0ba902b7",
            "trace_id 4bf92f3577b34da6a3ce929d0e0e4736",
            "x=4bf92f3577b34da6a3ce929d0e0e4736",
        ] {
            assert!(!may_tell(text.as_bytes()), "{text}");
        }
    }
}
