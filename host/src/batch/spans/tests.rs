//! Spans that are picked, against what prost keeps.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

use super::*;

/// The spans of the scopes of resources: of each span its trace.
fn request(shape: &[Vec<Vec<u8>>]) -> ExportTraceServiceRequest {
    let span = |trace: &u8| Span {
        trace_id: if *trace == 0 {
            vec![]
        } else {
            vec![*trace; 16]
        },
        name: format!("of {trace}"),
        attributes: vec![KeyValue::default(); usize::from(*trace)],
        ..Span::default()
    };
    let scope = |at: usize, traces: &Vec<u8>| ScopeSpans {
        scope: (!at.is_multiple_of(3)).then(|| InstrumentationScope {
            name: format!("scope {at}"),
            ..InstrumentationScope::default()
        }),
        spans: traces.iter().map(span).collect(),
        schema_url: "scope".repeat(at % 2),
    };
    let resource = |at: usize, scopes: &Vec<Vec<u8>>| ResourceSpans {
        resource: (!at.is_multiple_of(3)).then(|| Resource {
            dropped_attributes_count: u32::try_from(at).unwrap(),
            ..Resource::default()
        }),
        scope_spans: scopes
            .iter()
            .enumerate()
            .map(|(at, it)| scope(at, it))
            .collect(),
        schema_url: "resource".repeat(at % 2),
    };
    ExportTraceServiceRequest {
        resource_spans: shape
            .iter()
            .enumerate()
            .map(|(at, it)| resource(at, it))
            .collect(),
    }
}

/// The same by prost: the spans for which `keeps` says so, and what they are in.
fn kept(
    mut request: ExportTraceServiceRequest,
    keeps: impl Fn(usize) -> bool,
) -> ExportTraceServiceRequest {
    let mut row = 0;
    for resource in &mut request.resource_spans {
        for scope in &mut resource.scope_spans {
            scope.spans.retain(|_| {
                row += 1;
                keeps(row - 1)
            });
        }
        resource.scope_spans.retain(|scope| !scope.spans.is_empty());
    }
    request
        .resource_spans
        .retain(|resource| !resource.scope_spans.is_empty());
    request
}

proptest! {
    #[test]
    fn what_is_picked_is_what_prost_keeps(
        shape in vec(vec(vec(0_u8..6, 0..5), 0..4), 0..4),
        picks in any::<u64>(),
    ) {
        let request = request(&shape);
        let message = request.encode_to_vec();
        let mut ids = vec![];
        let spans = Spans::read(&message, &mut ids).unwrap();
        let traces: Vec<_> = shape.iter().flatten().flatten().map(|trace| [*trace; 16]).collect();
        prop_assert_eq!(&ids, &traces);
        prop_assert_eq!(spans.count(), traces.len());

        let keeps = |row: usize| picks >> (row % 64) & 1 == 1;
        let rows: Vec<u32> = (0..ids.len()).filter(|row| keeps(*row)).map(offset).collect();
        prop_assume!(rows.len() < ids.len());
        let mut out = vec![];
        spans.write(&message, &rows, &mut out);
        let bytes: usize = rows.iter().map(|row| spans.bytes(*row)).sum();
        prop_assert!(out.len() >= bytes);
        let written = ExportTraceServiceRequest::decode(out.as_slice()).unwrap();
        prop_assert_eq!(written, kept(request, keeps));
    }

    #[test]
    fn hostile_bytes_are_an_error_or_spans(message in vec(any::<u8>(), 0..200)) {
        let mut ids = vec![];
        if let Ok(spans) = Spans::read(&message, &mut ids) {
            prop_assert_eq!(spans.count(), ids.len());
            let rows: Vec<u32> = (0..offset(ids.len())).step_by(2).collect();
            let mut out = vec![];
            spans.write(&message, &rows, &mut out);
            spans.write_loose(&message, &mut out);
            prop_assert!(out.len() <= 3 * message.len());
        }
    }
}

#[test]
fn what_nobody_knows_goes_with_the_spans() {
    // A field 9 in the request, in a resource, and in a scope, each before what OTLP knows.
    let (mut scope, mut resource, mut message) = (vec![], vec![], vec![]);
    let spans = [Span::default(), Span::default()].map(|span| span.encode_to_vec());
    for (number, body) in [
        (9, &b"scope"[..]),
        (2, &spans[0]),
        (3, b"url"),
        (2, &spans[1]),
    ] {
        crate::batch::wire::put_len(&mut scope, number, body);
    }
    for (number, body) in [(9, &b"resource"[..]), (2, &scope)] {
        crate::batch::wire::put_len(&mut resource, number, body);
    }
    for (number, body) in [(9, &b"request"[..]), (1, &resource)] {
        crate::batch::wire::put_len(&mut message, number, body);
    }
    let spans = Spans::read(&message, &mut vec![]).unwrap();
    let (mut out, mut loose) = (vec![], vec![]);
    spans.write(&message, &[1], &mut out);
    for text in ["scope", "resource", "url"] {
        let holds = out
            .windows(text.len())
            .any(|window| window == text.as_bytes());
        assert!(holds, "{text}");
    }
    spans.write_loose(&message, &mut loose);
    assert_eq!(loose, b"\x4a\x07request");
}

#[test]
fn a_trace_is_what_stands_first_or_else_last() {
    let id = |number: u8| [vec![0x0a, 16], vec![number; 16]].concat();
    let name = vec![0x2a, 1, b'a'];
    for (span, expected) in [
        (vec![], 0),
        (id(1), 1),
        ([name.clone(), id(1)].concat(), 1),
        ([name.clone(), id(1), id(2)].concat(), 2),
        ([name, vec![0x0a, 2, 7, 7]].concat(), 0),
    ] {
        assert_eq!(trace_of(&span).unwrap(), [expected; 16]);
    }
}
