//! Reads of every span of a request what counting it takes: a few fields, and the attributes of a few keys. One walk over the
//! bytes, and nothing is copied that encoders write as nearly all do.
//!
//! For whoever counts all spans of all requests. Not for editing, nor for what is asked of some rows: see
//! [`Transaction`](super::Transaction).

use std::borrow::Cow;

use super::WireError;
use super::any::{AnyRef, KeyValue, check_depth, elements, plain_text, put_any, short_pair};
use super::json::render;
use super::wire::{FIXED64, Field, LEN, Reader, VARINT, Wired, put_len};

/// The most bytes of JSON that an array or a map is shown with.
const MOST_JSON: usize = 4096;

/// Keys of attributes, none twice.
#[derive(Debug)]
pub struct Keys {
    keys: Box<[Box<[u8]>]>,
    /// A bit for each length that one of them has.
    lengths: u64,
}

/// What a span says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Observed<'a> {
    /// Its trace's id, as it stands there.
    pub trace_id: &'a [u8],
    /// Its own.
    pub span_id: &'a [u8],
    /// W3C's trace state.
    pub trace_state: &'a [u8],
    /// Its name, which need not be UTF-8.
    pub name: &'a [u8],
    /// Its kind, by its number.
    pub kind: u64,
    /// Its status, by its code.
    pub status: u64,
    /// When it began, in nanoseconds since 1970.
    pub start: u64,
    /// When it ended.
    pub end: u64,
}

/// The body of an attribute's value.
pub type Body<'a> = Cow<'a, [u8]>;

/// Who is told of spans.
pub trait Observer {
    /// The spans that follow are of this resource.
    fn resource(&mut self, resource: &[u8]);

    /// A span, and the values of the keys that were asked for, in their order.
    fn span(&mut self, span: &Observed<'_>, values: &[Option<Body<'_>>]);

    /// A span that cannot be read.
    fn unreadable(&mut self);
}

impl Keys {
    /// These keys.
    pub fn new<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let keys: Box<[Box<[u8]>]> = keys.map(|key| key.as_bytes().into()).collect();
        let lengths = keys.iter().fold(0, |all, key| all | bit(key));
        Self { keys, lengths }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.keys.len()
    }

    /// Puts an attribute's value in its key's place. Of equal keys the first counts.
    #[inline]
    fn look<'a>(&self, body: &'a [u8], values: &mut [Option<Body<'a>>]) -> Wired<()> {
        let pair = match short_pair(body) {
            Some((key, _)) if self.lengths & bit(key) == 0 => return Ok(()),
            Some((key, value)) => KeyValue {
                key,
                value: Some(Cow::Borrowed(value)),
            },
            None => KeyValue::decode(body)?,
        };
        let place = self.keys.iter().position(|key| **key == *pair.key);
        if let Some(slot) = place.and_then(|at| values.get_mut(at))
            && slot.is_none()
        {
            *slot = Some(pair.value.unwrap_or_default());
        }
        Ok(())
    }
}

/// A key's length as a bit; all long ones share one.
#[inline]
fn bit(key: &[u8]) -> u64 {
    1 << key.len().min(63)
}

/// Tells of every span of a request.
pub fn observe(message: &[u8], keys: &Keys, observer: &mut impl Observer) -> Result<(), WireError> {
    let mut values = vec![None; keys.count()];
    request(message, keys, &mut values, observer).map_err(|malformed| {
        WireError(format!("malformed traces: {}", malformed.describe(message)))
    })
}

fn request<'a>(
    message: &'a [u8],
    keys: &Keys,
    values: &mut [Option<Body<'a>>],
    observer: &mut impl Observer,
) -> Wired<()> {
    let mut fields = Reader::new(message);
    while let Some(field) = fields.next()? {
        if field.number != 1 {
            continue;
        }
        let body = field.message(message)?;
        observer.resource(&resource(body)?);
        let mut scopes = Reader::new(body);
        while let Some(field) = scopes.next()? {
            if field.number != 2 {
                continue;
            }
            let scope = field.message(body)?;
            let mut spans = Reader::new(scope);
            while let Some(field) = spans.next()? {
                if field.number == 2 {
                    let body = field.message(scope)?;
                    match span(body, keys, values) {
                        Ok(span) => observer.span(&span, values),
                        Err(_) => observer.unreadable(),
                    }
                }
            }
        }
    }
    Ok(())
}

/// The resource of some spans, which may stand behind them, and in pieces.
fn resource(body: &[u8]) -> Wired<Cow<'_, [u8]>> {
    let mut found: Option<Cow<'_, [u8]>> = None;
    let mut fields = Reader::new(body);
    while let Some(field) = fields.next_of(1 << 1)? {
        let piece = field.message(body)?;
        found = Some(match found {
            None => Cow::Borrowed(piece),
            Some(joined) => Cow::Owned([&joined, piece].concat()),
        });
    }
    Ok(found.unwrap_or_default())
}

#[inline]
fn span<'a>(body: &'a [u8], keys: &Keys, values: &mut [Option<Body<'a>>]) -> Wired<Observed<'a>> {
    values.fill(None);
    let mut span = Observed::default();
    let mut fields = Reader::new(body);
    let attribute = Field::short_tag(9);
    loop {
        while let Some(pair) = fields.next_short(attribute) {
            keys.look(pair, values)?;
        }
        let Some(field) = fields.next()? else {
            return Ok(span);
        };
        match field.number {
            1 => span.trace_id = field.message(body)?,
            2 => span.span_id = field.message(body)?,
            3 => span.trace_state = field.message(body)?,
            5 => span.name = field.message(body)?,
            6 => span.kind = number(&field, VARINT, body)?,
            7 => span.start = number(&field, FIXED64, body)?,
            8 => span.end = number(&field, FIXED64, body)?,
            9 => keys.look(field.message(body)?, values)?,
            15 => {
                let status = field.message(body)?;
                let mut fields = Reader::new(status);
                while let Some(field) = fields.next_of(1 << 3)? {
                    span.status = number(&field, VARINT, status)?;
                }
            }
            _ => {}
        }
    }
}

#[inline]
fn number(field: &Field<'_>, wire: u8, bytes: &[u8]) -> Wired<u64> {
    field.expect(wire, bytes)?;
    Ok(field.value)
}

/// Tells of the attributes of a resource, as far as they can be read: each key with its value's body.
pub fn attributes(resource: &[u8], mut tell: impl FnMut(&[u8], &[u8])) {
    let mut fields = Reader::new(resource);
    while let Ok(Some(field)) = fields.next() {
        if field.number == 1
            && field.wire == LEN
            && let Ok(pair) = KeyValue::decode(field.body)
        {
            tell(pair.key, pair.value.as_deref().unwrap_or_default());
        }
    }
}

/// Adds the body of a value as it is written the shortest, so that equal values are equal bytes. Arrays and maps are shown as
/// JSON text; what cannot be read is nothing.
pub fn put_value(body: &[u8], out: &mut Vec<u8>) {
    if let Some(text) = plain_text(body) {
        return put_len(out, 1, text);
    }
    match AnyRef::decode(body) {
        Ok(value @ (AnyRef::Array(_) | AnyRef::Map(_))) => {
            let mut json = String::new();
            if !matches!(render(&value, 0, MOST_JSON, &mut json), Ok(true)) {
                let end = json.floor_char_boundary(MOST_JSON);
                json.truncate(end);
            }
            put_len(out, 1, json.as_bytes());
        }
        Ok(value) => put_any(out, &value),
        Err(_) => {}
    }
}

/// Whether a text is UTF-8, as backends ask for.
pub fn is_readable(body: &[u8]) -> bool {
    text(body).is_none_or(|text| str::from_utf8(text).is_ok())
}

/// Adds the body of a value so that every backend reads it: U+FFFD where a text is not UTF-8, and arrays and maps in which one is
/// not as JSON text.
pub fn put_readable(body: &[u8], out: &mut Vec<u8>) {
    match AnyRef::decode(body) {
        Ok(AnyRef::Text(text)) => put_len(out, 1, String::from_utf8_lossy(text).as_bytes()),
        Ok(AnyRef::Array(_) | AnyRef::Map(_)) if matches!(readable(body, 0), Ok(true)) => {
            out.extend_from_slice(body);
        }
        _ => put_value(body, out),
    }
}

fn readable(body: &[u8], depth: usize) -> Wired<bool> {
    match AnyRef::decode(body)? {
        AnyRef::Text(text) => Ok(str::from_utf8(text).is_ok()),
        AnyRef::Array(list) => {
            check_depth(depth, body)?;
            for element in elements(&list) {
                if !readable(element?, depth + 1)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        AnyRef::Map(list) => {
            check_depth(depth, body)?;
            for pair in elements(&list) {
                let KeyValue { key, value } = KeyValue::decode(pair?)?;
                let value = value.unwrap_or_default();
                if str::from_utf8(key).is_err() || !readable(&value, depth + 1)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(true),
    }
}

/// Adds the body of a text.
pub fn put_text(text: &[u8], out: &mut Vec<u8>) {
    put_len(out, 1, text);
}

/// The text in a value's body; none if it is something else.
pub fn text(body: &[u8]) -> Option<&[u8]> {
    match AnyRef::decode(body) {
        Ok(AnyRef::Text(text)) => Some(text),
        _ => None,
    }
}

/// Adds an attribute as field `number` of its message; `body` is that of its value.
pub fn put_attribute(out: &mut Vec<u8>, number: u32, key: &[u8], body: &[u8]) {
    super::any::put_attribute(out, number, key, body);
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::common::v1::{
        AnyValue, ArrayValue, KeyValue, any_value::Value,
    };
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
    use prost::Message as _;

    use super::*;

    fn pair(key: &str, value: Value) -> KeyValue {
        KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        }
    }

    fn text_of(text: &str) -> Value {
        Value::StringValue(text.to_owned())
    }

    #[derive(Default)]
    struct Seen {
        resources: Vec<Vec<u8>>,
        spans: Vec<String>,
        unreadable: usize,
    }

    impl Observer for Seen {
        fn resource(&mut self, resource: &[u8]) {
            self.resources.push(resource.to_vec());
        }

        fn span(&mut self, span: &Observed<'_>, values: &[Option<Body<'_>>]) {
            let values: Vec<_> = values
                .iter()
                .map(|value| {
                    value
                        .as_ref()
                        .map(|body| AnyValue::decode(&**body).unwrap())
                })
                .map(|value| value.and_then(|value| value.value))
                .collect();
            let name = String::from_utf8_lossy(span.name);
            self.spans.push(format!(
                "{name} {} {} {} {values:?}",
                span.kind,
                span.status,
                span.end.wrapping_sub(span.start)
            ));
        }

        fn unreadable(&mut self) {
            self.unreadable += 1;
        }
    }

    fn seen(message: &[u8], keys: &[&str]) -> Seen {
        let mut seen = Seen::default();
        observe(message, &Keys::new(keys.iter().copied()), &mut seen).unwrap();
        seen
    }

    fn request() -> ExportTraceServiceRequest {
        let long = "x".repeat(300);
        let span = |name: &str, attributes| Span {
            trace_id: vec![1; 16],
            name: name.to_owned(),
            kind: 2,
            start_time_unix_nano: 100,
            end_time_unix_nano: 350,
            attributes,
            status: Some(Status {
                code: 2,
                message: "no".to_owned(),
            }),
            ..Span::default()
        };
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(Resource {
                    attributes: vec![pair("service.name", text_of("shop"))],
                    ..Resource::default()
                }),
                scope_spans: vec![ScopeSpans {
                    spans: vec![
                        span(
                            "one",
                            vec![
                                pair("other", text_of("x")),
                                pair("a.long", text_of(&long)),
                                pair("code", Value::IntValue(404)),
                                pair("code", Value::IntValue(500)),
                            ],
                        ),
                        span("two", vec![]),
                    ],
                    ..ScopeSpans::default()
                }],
                ..ResourceSpans::default()
            }],
        }
    }

    #[test]
    fn fields_and_the_first_value_of_each_key_are_told() {
        let seen = seen(&request().encode_to_vec(), &["code", "a.long", "none"]);
        let long = "x".repeat(300);
        assert_eq!(
            seen.spans,
            [
                format!("one 2 2 250 [Some(IntValue(404)), Some(StringValue({long:?})), None]"),
                "two 2 2 250 [None, None, None]".to_owned(),
            ]
        );
        let resource = Resource::decode(&*seen.resources[0]).unwrap();
        assert_eq!(resource.attributes[0].key, "service.name");
    }

    #[test]
    fn a_resource_behind_its_spans_and_in_pieces_is_theirs() {
        let request = request();
        let spans = &request.resource_spans[0];
        let piece = |key: &str| Resource {
            attributes: vec![pair(key, text_of("v"))],
            ..Resource::default()
        };
        let mut body = vec![];
        put_len(&mut body, 2, &spans.scope_spans[0].encode_to_vec());
        put_len(&mut body, 1, &piece("a").encode_to_vec());
        put_len(&mut body, 1, &piece("b").encode_to_vec());
        let mut message = vec![];
        put_len(&mut message, 1, &body);
        let seen = seen(&message, &[]);
        let resource = Resource::decode(&*seen.resources[0]).unwrap();
        let keys: Vec<_> = resource.attributes.iter().map(|pair| &*pair.key).collect();
        assert_eq!(keys, ["a", "b"]);
        assert_eq!((seen.resources.len(), seen.spans.len()), (1, 2));
    }

    #[test]
    fn a_span_that_cannot_be_read_costs_itself_alone() {
        let spans = [
            vec![0x2a, 1, b'a'],
            vec![0x2a, 9, b'a'],
            vec![0x32, 0],
            vec![],
        ];
        let mut scope = vec![];
        for span in &spans {
            put_len(&mut scope, 2, span);
        }
        let (mut resource, mut message) = (vec![0x0a, 2, 0x10, 1], vec![]);
        put_len(&mut resource, 2, &scope);
        put_len(&mut message, 1, &resource);
        let seen = seen(&message, &["k"]);
        assert_eq!((seen.spans.len(), seen.unreadable), (2, 2));
    }

    #[test]
    fn equal_values_are_equal_bytes() {
        let put = |body: &[u8]| {
            let mut out = vec![];
            put_value(body, &mut out);
            out
        };
        // A length in two bytes, and a text that another takes the place of.
        assert_eq!(
            put(&[0x0a, 0x82, 0, b'a', b'b']),
            put(&[0x0a, 2, b'a', b'b'])
        );
        assert_eq!(put(&[0x0a, 1, b'x', 0x0a, 1, b'a']), put(&[0x0a, 1, b'a']));
        assert_eq!(put(&[0x18, 0x85, 0]), put(&[0x18, 5]));
        let list = AnyValue {
            value: Some(Value::ArrayValue(ArrayValue {
                values: vec![AnyValue {
                    value: Some(text_of("a")),
                }],
            })),
        };
        let shown = AnyValue::decode(&*put(&list.encode_to_vec())).unwrap();
        assert_eq!(shown.value, Some(text_of("[\"a\"]")));
        assert!(put(&[0x0a, 9]).is_empty());
    }
}
