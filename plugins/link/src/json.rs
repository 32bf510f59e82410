//! Ids in a text that is a JSON object: under its keys, in the maps that hold a record's own context, or in the words of
//! its message. One walk without recursion; a text that is cut off names nothing.

use crate::ids::{Context, Ids, first};
use crate::name::{Name, is_holder};
use crate::words;

/// Keys whose text is a log line of its own.
const MESSAGES: [&[u8]; 5] = [b"message", b"msg", b"log", b"event", b"body"];

/// The context that this JSON object names.
pub(crate) fn context(text: &[u8]) -> Option<Context> {
    let mut walk = Walk { text, at: 0 };
    let (mut top, mut held, mut said) = (Ids::default(), Ids::default(), None);
    let mut holder: Option<&[u8]> = None;
    walk.expect(b'{')?;
    loop {
        if walk.expect(b'}').is_some() {
            if holder.take().is_none() {
                break;
            }
            walk.separator()?;
            continue;
        }
        let key = walk.string()?;
        walk.expect(b':')?;
        match (walk.peek(), holder) {
            (b'{', None) if is_holder(key) => {
                walk.expect(b'{')?;
                holder = Some(key);
                continue;
            }
            (b'"', None) => {
                let value = walk.string()?;
                match Name::of(key) {
                    Some(name) => top.add(name, value),
                    None if said.is_none() && MESSAGES.contains(&key) => {
                        said = words::context(value);
                    }
                    None => {}
                }
            }
            (b'"', Some(holder)) => {
                let value = walk.string()?;
                if let Some(name) = Name::within(holder, key) {
                    held.add(name, value);
                }
            }
            _ => walk.skip()?,
        }
        walk.separator()?;
    }
    walk.end()?;
    first([top.context(), held.context(), said])
}

/// A place in a JSON text.
struct Walk<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    /// The next byte that is not blank; 0 at the end.
    fn peek(&mut self) -> u8 {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.text.get(self.at).copied().unwrap_or(0)
    }

    /// Goes on behind this byte, if it is the next.
    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek() == byte).then(|| self.at += 1)
    }

    /// Goes on behind a comma, or up to the end of the object.
    fn separator(&mut self) -> Option<()> {
        self.expect(b',')
            .or_else(|| (self.peek() == b'}').then_some(()))
    }

    /// Goes on behind a string. Its escapes stay as they are.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let rest = self.text.get(self.at..)?;
        let mut escaped = false;
        let length = rest.iter().position(|&byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        })?;
        self.at += length + 1;
        rest.get(..length)
    }

    /// Goes on behind a value.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                b'"' => drop(self.string()?),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                byte if byte.is_ascii_alphanumeric() || byte == b'-' => self.literal(),
                _ => return None,
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// Goes on behind a number, boolean or null.
    fn literal(&mut self) {
        let within = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
        while self.text.get(self.at).is_some_and(within) {
            self.at += 1;
        }
    }

    /// Nothing but blanks follows.
    fn end(&mut self) -> Option<()> {
        self.peek();
        (self.at == self.text.len()).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::context;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    /// Whether the trace, and whether the span, is found.
    fn found(text: &str) -> (bool, bool) {
        let text = text.replace("$T", TRACE).replace("$S", SPAN);
        let context = context(text.as_bytes());
        assert!(
            context.is_none_or(|context| context.trace[0] == 0x4b),
            "{text}"
        );
        (
            context.is_some(),
            context.is_some_and(|context| context.span.is_some()),
        )
    }

    #[test]
    fn ids_are_found_under_their_keys() {
        for text in [
            r#"{"trace_id": "$T", "span_id": "$S"}"#,
            r#" {"n":{"a":[1,{"b":"}"}]},"traceId":"$T","x":-1.5e+3,"ok":true,"spanId":"$S"} "#,
            r#"{"message":"a \"quoted\" \\","otelTraceID":"$T","otelSpanID":"$S"}"#,
            r#"{"dd":{"trace_id":"$T","span_id":"258"},"n":1}"#,
            r#"{"trace":{"id":"$T"},"span":{"id":"$S"}}"#.replace("\"},\"span\":{\"id\"", "\",\"span_id\"").as_str(),
            r#"{"log":"INFO [trace_id=$T span_id=$S] - x\n","stream":"stdout"}"#,
            r#"{"traceparent":"00-$T-$S-01"}"#,
        ] {
            assert_eq!(found(text), (true, true), "{text}");
        }
        assert_eq!(
            found(r#"{"trace_id": "$T", "span_id": "0"}"#),
            (true, false)
        );
    }

    #[test]
    fn ids_of_others_are_left() {
        for text in [
            r#"{"links":[{"trace_id":"$T","span_id":"$S"}]}"#,
            r#"{"parent":{"trace_id":"$T"}}"#,
            r#"{"etag":"$T"}"#,
            r#"{"trace_id":["$T"]}"#,
            r#"{"trace_id":{"id":"$T"}}"#,
            r#"{"note":"trace_id=$T"}"#,
            "{}",
        ] {
            assert_eq!(found(text), (false, false), "{text}");
        }
    }

    #[test]
    fn what_is_no_whole_object_names_nothing() {
        let whole = r#"{"trace_id": "$T", "a": {"b": [1, "x"]}, "n": true}"#;
        for (end, _) in whole.char_indices() {
            let (cut, _) = whole.split_at(end);
            assert_eq!(found(cut), (false, false), "{cut}");
        }
        for text in [
            r#"[{"trace_id":"$T"}]"#,
            r#"{"trace_id":"$T"} x"#,
            r#"{"trace_id" "$T"}"#,
            r#"{"a":]},"trace_id":"$T"}"#,
            r#""$T""#,
        ] {
            assert_eq!(found(text), (false, false), "{text}");
        }
    }
}
