//! Ids in a text that is a JSON object: under its keys, in the maps that hold a record's own context, or in the words of
//! its message. One walk without recursion; a text that is cut off names nothing.

use crate::ids::{Context, Ids, first};
use crate::name::{Name, is_holder, is_list_of_holders};
use crate::words;

/// Keys whose text is a log line of its own.
const MESSAGES: [&[u8]; 7] = [
    b"message", b"msg", b"log", b"event", b"body", b"Message", b"@m",
];

/// Whether the text under this key is a log line of its own.
pub(crate) fn is_message(key: &[u8]) -> bool {
    MESSAGES.contains(&key)
}

/// The context that this JSON object names.
pub(crate) fn context(text: &[u8]) -> Option<Context> {
    let mut walk = Walk { text, at: 0 };
    let (mut top, mut held, mut said) = (Ids::default(), Ids::default(), None);
    walk.entries(|walk, key| {
        match walk.peek() {
            b'{' if is_holder(key) => return walk.held(key, &mut held),
            b'[' if is_holder(key) => return walk.list_of_held(key, &mut held),
            b'"' if is_message(key) && said.is_none() => {
                said = words::context(walk.string()?);
                return Some(());
            }
            _ => {}
        }
        walk.value(Name::of(key), &mut top)
    })?;
    walk.end()?;
    first([top.context_with(&held), said])
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

    /// Goes on behind an object, with what goes on behind the value under each of its keys.
    fn entries(&mut self, mut entry: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.expect(b'{')?;
        while self.expect(b'}').is_none() {
            let key = self.string()?;
            self.expect(b':')?;
            entry(self, key)?;
            self.separator()?;
        }
        Some(())
    }

    /// Goes on behind a map of the record's own.
    fn held(&mut self, holder: &[u8], ids: &mut Ids) -> Option<()> {
        self.entries(|walk, key| walk.value(Name::within(holder, key), ids))
    }

    /// Goes on behind a list of the record's own: of such maps, or of log4j's `{"key": ..., "value": ...}`.
    fn list_of_held(&mut self, holder: &[u8], ids: &mut Ids) -> Option<()> {
        let are_maps = is_list_of_holders(holder);
        self.expect(b'[')?;
        while self.expect(b']').is_none() {
            match self.peek() {
                b'{' if are_maps => self.held(holder, ids)?,
                b'{' => self.pair(holder, ids)?,
                _ => self.skip()?,
            }
            self.expect(b',')
                .or_else(|| (self.peek() == b']').then_some(()))?;
        }
        Some(())
    }

    /// Goes on behind an object that is an entry of a map.
    fn pair(&mut self, holder: &[u8], ids: &mut Ids) -> Option<()> {
        let (mut name, mut value) = (None, None);
        self.entries(|walk, key| {
            let part = match key {
                b"key" => &mut name,
                b"value" => &mut value,
                _ => return walk.skip(),
            };
            if walk.peek() != b'"' {
                return walk.skip();
            }
            *part = Some(walk.string()?);
            Some(())
        })?;
        if let (Some(name), Some(value)) = (name, value)
            && let Some(name) = Name::within(holder, name)
        {
            ids.add(name, value);
        }
        Some(())
    }

    /// Goes on behind a value, and takes it in if it has such a name.
    fn value(&mut self, name: Option<Name>, ids: &mut Ids) -> Option<()> {
        let is_text = self.peek() == b'"';
        let Some(name) = name else {
            return self.skip();
        };
        if is_text {
            ids.add(name, self.string()?);
            return Some(());
        }
        let start = self.at;
        self.skip()?;
        ids.add_literal(name, self.text.get(start..self.at)?);
        Some(())
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
            r#"{"Scopes":["a",{"Message":"x"},{"TraceId":"$T","SpanId":"$S","a":[{}]}],"n":{}}"#,
            r#"{"contextMap":[{"key":"trace_id","value":"$T"},1,{"key":"n","value":2},{"value":"$S","key":"span_id"}]}"#,
            r#"{"b3":"$T-$S-1","n":1}"#,
            r#"{"trace_id":"$T","span":{"id":"$S"}}"#,
            r#"{"trace":{"id":"$T"},"span_id":"$S"}"#,
            r#"{"mdc":{"trace_id":"$T"},"span_id":"$S"}"#,
        ] {
            assert_eq!(found(text), (true, true), "{text}");
        }
        assert_eq!(
            found(r#"{"trace_id": "$T", "span_id": "0"}"#),
            (true, false)
        );
    }

    #[test]
    fn numbers_and_booleans_are_taken_in_where_they_may_stand() {
        for (more, flags) in [
            (r#""trace_flags":"01""#, Some(1)),
            (r#""trace_flags":3"#, Some(3)),
            (r#""otelTraceSampled":true"#, Some(1)),
            (r#""otelTraceSampled": false "#, Some(0)),
            (r#""trace_flags":null"#, None),
            (r#""trace_flags":{"a":1}"#, None),
            (r#""trace_flags":1.5"#, None),
        ] {
            let text = format!(r#"{{"trace_id":"{TRACE}",{more}}}"#);
            let context = context(text.as_bytes()).unwrap();
            assert_eq!(context.flags, flags, "{text}");
        }
        let text = r#"{"dd.trace_id":11803532876627986230,"_dd.p.tid":"4bf92f3577b34da6","dd.span_id":258}"#;
        assert_eq!(found(text), (true, true));
    }

    #[test]
    fn ids_of_others_are_left() {
        for text in [
            r#"{"links":[{"trace_id":"$T","span_id":"$S"}]}"#,
            r#"{"parent":{"trace_id":"$T"}}"#,
            r#"{"etag":"$T"}"#,
            r#"{"trace_id":["$T"]}"#,
            r#"{"Scopes":[[{"TraceId":"$T"}]]}"#,
            r#"{"spans":[{"TraceId":"$T"}]}"#,
            r#"{"contextMap":[{"trace_id":"$T"},{"key":"trace_id"},{"value":"$T"},{"key":"a","value":"$T"}]}"#,
            r#"{"order":[{"key":"trace_id","value":"$T"}]}"#,
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
