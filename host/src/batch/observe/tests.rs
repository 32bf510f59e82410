//! Spans that are written by prost, and by hand where it cannot.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value::Value};
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
