//! The ids that Spring Boot and Sleuth write without a name: `[shop,4bf9...4736,00f0...02b7]`, with `,true` or `,false`
//! behind them in older ones, and `[4bf9...4736-00f0...02b7]` in newer ones. The bracket and both lengths tell them from hashes.

use crate::header::{Header, SAMPLED};
use crate::id::{SpanId, TraceId, parse};

/// The longest name of an application.
const APPLICATION: usize = 64;
/// The digits of a trace id, of a span id, and of both with a dash in between.
const TRACE: usize = 32;
const SPAN: usize = 16;
const BOTH: usize = TRACE + 1 + SPAN;

/// The ids that this word of the text begins.
pub(crate) fn ids(text: &[u8], start: usize, word: &[u8]) -> Option<Header> {
    let before = text.get(..start)?;
    let after = text.get(start + word.len()..)?;
    match word.len() {
        BOTH => joined(before, word, after),
        TRACE => listed(before, word, after),
        _ => None,
    }
}

fn joined(before: &[u8], word: &[u8], after: &[u8]) -> Option<Header> {
    if before.last() != Some(&b'[') || after.first() != Some(&b']') {
        return None;
    }
    let (trace, span) = word.split_at_checked(TRACE)?;
    header(parse(trace)?, parse(span.strip_prefix(b"-")?)?, None)
}

fn listed(before: &[u8], word: &[u8], after: &[u8]) -> Option<Header> {
    let before = before.strip_suffix(b",")?;
    let application = before.rchunks(APPLICATION + 1).next()?;
    let edge = |byte: &&u8| matches!(byte, b'[' | b']' | b',' | b'\n');
    if application.iter().rev().find(edge) != Some(&b'[') {
        return None;
    }
    let (span, rest) = after.strip_prefix(b",")?.split_at_checked(SPAN)?;
    let flags = if rest.starts_with(b"]") {
        None
    } else if rest.starts_with(b",true]") {
        Some(SAMPLED)
    } else if rest.starts_with(b",false]") {
        Some(0)
    } else {
        return None;
    };
    header(parse(word)?, parse(span)?, flags)
}

#[expect(clippy::unnecessary_wraps, reason = "what its callers return")]
fn header(trace: TraceId, span: SpanId, flags: Option<u8>) -> Option<Header> {
    Some(Header {
        trace,
        span: Some(span),
        flags,
    })
}

#[cfg(test)]
mod tests {
    use super::{Header, ids};

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    /// The ids that the word behind the `<` begins, if it does; it ends at the next letter that no id has.
    fn found(text: &str) -> Option<Header> {
        let text = text.replace("$T", TRACE).replace("$S", SPAN);
        let (before, rest) = text.split_once('<').unwrap();
        let within = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        let word = rest.split(|letter| !within(letter)).next().unwrap();
        let text = [before, rest].concat();
        let header = ids(text.as_bytes(), before.len(), word.as_bytes())?;
        assert_eq!((header.trace[0], header.span.unwrap()[1]), (0x4b, 0xf0));
        Some(header)
    }

    #[test]
    fn ids_in_brackets_are_found() {
        for (text, flags) in [
            ("INFO [shop,<$T,$S] x", None),
            ("[,<$T,$S]", None),
            ("INFO [shop-api,<$T,$S,true] x", Some(1)),
            ("INFO [shop-api,<$T,$S,false] x", Some(0)),
            ("INFO [main] [<$T-$S] x", None),
        ] {
            assert_eq!(found(text).unwrap().flags, flags, "{text}");
        }
    }

    #[test]
    fn other_lists_are_left() {
        let long = format!("[{},<$T,$S]", "a".repeat(65));
        for text in [
            "shop,<$T,$S]",
            "[a,b,<$T,$S]",
            "[a] b,<$T,$S]",
            "[shop,<$T,$S",
            "[shop,<$T,$S,maybe]",
            "[shop,<$T,$T]",
            "[shop,<$S,$S]",
            "[shop,<$T]",
            "[shop,<$T,]",
            "[<$T]",
            "<$T-$S]",
            "[<$T-$S",
            "[<$T.$S]",
            long.as_str(),
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
