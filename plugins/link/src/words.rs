//! Ids in the words of a text: `trace_id=... span_id=...`, `"traceId": "..."`, `traceparent: 00-...-...-01`.

use crate::ids::{Context, Ids};
use crate::name::Name;

/// The longest name: `http.request.header.traceparent` and its like are known by their end.
const NAME: usize = 16;
/// What may stand between a name and its id: a quote, a separator, blanks, another quote.
const GAP: usize = 6;

/// The context that this text names.
pub(crate) fn context(text: &[u8]) -> Option<Context> {
    let mut ids = Ids::default();
    let mut previous = None;
    for word in (Words { text, at: 0 }) {
        // An id is behind its name; what is between them tells a name from a word of a sentence.
        if let Some((name, end)) = previous.take()
            && is_gap(text.get(end..word.start).unwrap_or_default())
        {
            ids.add(name, word.bytes);
        }
        previous = name_of(word.bytes).map(|name| (name, word.start + word.bytes.len()));
    }
    ids.context()
}

/// Whether this is what stands between a name and its value.
fn is_gap(gap: &[u8]) -> bool {
    let assigns = gap
        .iter()
        .filter(|byte| matches!(byte, b'=' | b':'))
        .count();
    let rest = gap
        .iter()
        .all(|byte| matches!(byte, b'=' | b':' | b' ' | b'"' | b'\'' | b'\\'));
    assigns == 1 && rest && gap.len() <= GAP
}

fn name_of(word: &[u8]) -> Option<Name> {
    if word.len() > NAME || !matches!(word.last(), Some(b'd' | b'D' | b't' | b'T')) {
        return None;
    }
    Name::of(word)
}

/// A run of letters, digits, `_`, `-` and `.`, and where it starts.
struct Word<'a> {
    start: usize,
    bytes: &'a [u8],
}

struct Words<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let within = |byte: &u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || *byte >= 0x80
        };
        let rest = self.text.get(self.at..)?;
        let skipped = rest.iter().position(within)?;
        let word = rest.get(skipped..)?;
        let length = word
            .iter()
            .position(|byte| !within(byte))
            .unwrap_or(word.len());
        let start = self.at + skipped;
        self.at = start + length;
        Some(Word {
            start,
            bytes: word.get(..length)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::context;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn found(text: &str) -> (bool, bool, Option<u8>) {
        let text = text.replace("$T", TRACE).replace("$S", SPAN);
        let context = context(text.as_bytes());
        assert!(
            context.is_none_or(|context| context.trace[0] == 0x4b),
            "{text}"
        );
        (
            context.is_some(),
            context.is_some_and(|context| context.span.is_some()),
            context.and_then(|context| context.flags),
        )
    }

    #[test]
    fn ids_are_found_behind_their_names() {
        for text in [
            "INFO [trace_id=$T span_id=$S resource.service.name=x trace_sampled=True] - msg",
            "msg traceId=$T, spanId=$S.1",
            "msg \"traceId\": \"$T\", \"spanId\": \"$S\"",
            "msg {\\\"trace_id\\\": \\\"$T\\\", \\\"span_id\\\": \\\"$S\\\"}",
            "dd.trace_id=$T dd.span_id=258 x",
            "trace_id: $T span_id: $S",
        ] {
            let text = text.replace("$S.1", "$S");
            assert_eq!(found(&text), (true, true, None), "{text}");
        }
        assert_eq!(found("trace_id=$T"), (true, false, None));
        assert_eq!(found("traceparent=00-$T-$S-01"), (true, true, Some(1)));
        assert_eq!(found("'traceparent': '00-$T-$S-00'"), (true, true, Some(0)));
    }

    #[test]
    fn look_alikes_are_left() {
        for text in [
            "served /static/app.js etag=$T",
            "request id $T done",
            "trace_id $T",
            "trace_id=",
            "trace_id=$T0",
            "trace_id=x$T",
            "trace_id=00000000000000000000000000000000",
            "trace_id=0 span_id=0",
            "parent_trace_id=$T",
            "trace_id==$T",
            "trace_id=3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            "broken json {\"trace_id\": \"4bf92f3577b34da6",
            "span_id=$S",
            "traceparent=00-$T-$S",
            "$T",
        ] {
            assert_eq!(found(text), (false, false, None), "{text}");
        }
    }
}
