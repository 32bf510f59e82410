//! Ids in the words of a text: `trace_id=... span_id=...`, `"traceId": "..."`, `traceparent: 00-...-...-01`, and Spring's
//! `[app,...,...]`.

mod telling;

use std::borrow::Cow;

use crate::foreign::Foreign;
use crate::ids::{Context, Ids};
use crate::name::Name;
use crate::spring;

/// The longest name: `http.request.header.traceparent` and its like are known by their end.
const NAME: usize = 17;
/// What may stand between a name and its id: a quote, a separator, blanks, another quote.
const GAP: usize = 6;
/// The longest value of several words that there is use for, which X-Ray writes.
const VALUE: usize = 256;

/// The context that this text names.
pub(crate) fn context(text: &[u8]) -> Option<Context> {
    telling::may_tell(text).then(|| of_words(text)).flatten()
}

/// The context that these words name, looked at one by one.
fn of_words(text: &[u8]) -> Option<Context> {
    let text = &*without_colours(text);
    let mut ids = Ids::default();
    let mut foreign = text.contains(&b'{').then(Foreign::default);
    let mut previous = None;
    let mut last = 0..0;
    for word in (Words { text, at: 0 }) {
        if let Some(foreign) = &mut foreign {
            let gap = text.get(last.end..word.start).unwrap_or_default();
            foreign.pass(text.get(last).unwrap_or_default(), gap);
            last = word.start..word.start + word.bytes.len();
            if foreign.is_here() {
                previous = None;
                continue;
            }
        }
        // An id is behind its name; what is between them tells a name from a word of a sentence.
        if let Some((name, end)) = previous.take()
            && is_gap(text.get(end..word.start).unwrap_or_default())
        {
            match name {
                Name::Jaeger | Name::XRay => ids.add(name, value_at(text, word.start)),
                _ => ids.add(name, without_stop(word.bytes)),
            }
        } else if let Some(header) = spring::ids(text, word.start, word.bytes) {
            ids.add_header(Some(header));
        }
        let is_part = matches!(text.get(..word.start), Some([.., b'/' | b'@']));
        let name = name_of(word.bytes).filter(|_| !is_part);
        previous = name.map(|name| (name, word.start + word.bytes.len()));
    }
    ids.context()
}

/// The text with blanks for what colours a terminal: `ESC [ 36 m`.
fn without_colours(text: &[u8]) -> Cow<'_, [u8]> {
    const ESCAPE: u8 = 0x1b;
    if !text.contains(&ESCAPE) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(|byte| *byte == ESCAPE);
    let mut plain = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        let codes = |byte: &u8| byte.is_ascii_digit() || *byte == b';';
        let rest = part.strip_prefix(b"[").and_then(|codes_and_rest| {
            let end = codes_and_rest.iter().position(|byte| !codes(byte))?;
            codes_and_rest.get(end..)?.strip_prefix(b"m")
        });
        plain.push(b' ');
        plain.extend_from_slice(rest.unwrap_or(part));
    }
    Cow::Owned(plain)
}

/// A value of several words: up to a blank, a quote, a comma or a bracket.
fn value_at(text: &[u8], start: usize) -> &[u8] {
    let value = text.get(start..).unwrap_or_default();
    let value = value.get(..VALUE).unwrap_or(value);
    let ends = |byte: &u8| {
        byte.is_ascii_whitespace()
            || matches!(byte, b'"' | b'\'' | b'\\' | b',' | b']' | b'}' | b')')
    };
    let end = value.iter().position(ends).unwrap_or(value.len());
    without_stop(value.get(..end).unwrap_or_default())
}

/// A value without the full stop of a sentence that it ends.
fn without_stop(value: &[u8]) -> &[u8] {
    value.strip_suffix(b".").unwrap_or(value)
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
    if word.len() > NAME
        || !matches!(
            word.last(),
            Some(b'd' | b'D' | b't' | b'T' | b's' | b'S' | b'3')
        )
    {
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
            "done, trace_id=$T, span_id=$S.",
            "INFO:root:{\"trace_id\": \"$T\", \"span_id\": \"$S\"}",
            "[{trace_id=$T, span_id=$S}] paid",
            "{mdc={trace_id=$T, span_id=$S}, msg=x}",
            "x context={trace_id=$T, span_id=$S}",
            "Scopes: [{\"trace_id\": \"$T\", \"span_id\": \"$S\"}]",
            "x links=[{trace_id=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}] trace_id=$T span_id=$S",
            "a {b={}} {trace_id=$T} span_id=$S",
        ] {
            let text = text.replace("$S.1", "$S");
            let flags = text.contains("trace_sampled=True").then_some(1);
            assert_eq!(found(&text), (true, true, flags), "{text}");
        }
        assert_eq!(found("trace_id=$T"), (true, false, None));
        assert_eq!(found("traceparent=00-$T-$S-01"), (true, true, Some(1)));
        assert_eq!(found("'traceparent': '00-$T-$S-00'"), (true, true, Some(0)));
    }

    #[test]
    fn headers_and_flags_are_read_behind_their_names() {
        for (text, flags) in [
            ("trace_id=$T span_id=$S trace_flags=01", Some(1)),
            ("trace_id: $T span_id: $S trace_flags: 00", Some(0)),
            ("trace_id=$T span_id=$S otelTraceSampled=False", Some(0)),
            ("b3: $T-$S-1", Some(1)),
            ("uber-trace-id=$T:$S:0:1 next", Some(1)),
            ("'uber-trace-id': '$T:$S:0:0'", Some(0)),
            (
                "dd.trace_id=11803532876627986230 _dd.p.tid=4bf92f3577b34da6 dd.span_id=258",
                None,
            ),
            (
                "X-Amzn-Trace-Id: Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=$S;Sampled=1",
                Some(1),
            ),
            (
                "AWS-XRAY-TRACE-ID=1-4bf92f35-77b34da6a3ce929d0e0e4736 span_id=$S",
                None,
            ),
            (
                "XRAY TraceId: 1-4bf92f35-77b34da6a3ce929d0e0e4736\tSpanId: $S",
                None,
            ),
            (
                "\x1b[36mtrace_id\x1b[0m=\x1b[1;35m$T\x1b[0m \x1b[36mspan_id\x1b[0m=$S",
                None,
            ),
            ("INFO [shop,$T,$S,true] 1 --- [main] x", Some(1)),
            ("INFO 1 --- [shop] [main] [$T-$S] x", None),
        ] {
            assert_eq!(found(text), (true, true, flags), "{text}");
        }
    }

    #[test]
    fn look_alikes_are_left() {
        for text in [
            "served /static/app.js etag=$T",
            "request id $T done",
            "trace_id $T",
            "trace_id=",
            "trace_id=$T0",
            "trace_id=$T.x",
            "[{\"trace_id\":\"$T\"},{\"trace_id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}]",
            "sent [ { \"trace_id\": \"$T\" } ]",
            "links: [{\"trace_id\":\"$T\"}]",
            "links=[{trace_id=x}, {trace_id=$T}]",
            "x links={trace_id=$T}",
            "{links=[{trace_id=$T}], msg=x}",
            "msg {\"links\": {\"a\": {}, \"trace_id\": \"$T\"}}",
            "msg {\\\"links\\\": [{\\\"trace_id\\\": \\\"$T\\\"}]}",
            "foo/trace_id=$T",
            "a@trace_id=$T",
            "trace_id=x$T",
            "trace_id=00000000000000000000000000000000",
            "trace_id=0 span_id=0",
            "parent_trace_id=$T",
            "trace_id==$T",
            "trace_id=3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            "broken json {\"trace_id\": \"4bf92f3577b34da6",
            "span_id=$S",
            "traceparent=00-$T-$S",
            "uber-trace-id=$T:$S:0",
            "b3=$T",
            "web3: $T-$S-1",
            "X-Amzn-Trace-Id: Root=",
            "[md5,$T,size]",
            "\x1b[36m$T",
            "trace_id=4bf92f3577b34da6\x1b[0ma3ce929d0e0e4736",
            "\x1b",
            "$T",
        ] {
            assert_eq!(found(text), (false, false, None), "{text}");
        }
    }
}
