//! Spans of servers and clients.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};

use super::{attribute, id, integer, resource, scope, text};

const STATUS: [i64; 6] = [200, 200, 200, 201, 404, 500];
const ROUTES: [&str; 4] = [
    "/orders/{id}",
    "/cart/{id}/items",
    "/users/{id}/profile",
    "/products/{sku}/reviews",
];

fn span(random: &mut fastrand::Rng) -> Span {
    let route = ROUTES[random.usize(..ROUTES.len())];
    let code = STATUS[random.usize(..STATUS.len())];
    let start = 1_780_000_000_000_000_000 + random.u64(..1_000_000_000);
    let mut attributes = vec![
        attribute("http.request.method", text("GET")),
        attribute("http.response.status_code", integer(code)),
        attribute(
            "url.full",
            text(format!(
                "https://shop.example.com{route}?page={}&sort=price",
                random.u16(..)
            )),
        ),
        attribute(
            "user_agent.original",
            text("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126"),
        ),
        attribute(
            "network.peer.address",
            text(format!("10.1.{}.{}", random.u8(..), random.u8(..))),
        ),
        attribute("network.peer.port", integer(i64::from(random.u16(1024..)))),
        attribute("http.route", text(route)),
        attribute(
            "retry",
            Some(AnyValue {
                value: Some(Value::BoolValue(random.bool())),
            }),
        ),
        attribute(
            "ratio",
            Some(AnyValue {
                value: Some(Value::DoubleValue(random.f64())),
            }),
        ),
        attribute("thread.id", integer(i64::from(random.u16(..)))),
    ];
    attributes.extend((0..10).map(|i| {
        attribute(
            &format!("app.attribute.{i:02}"),
            text(format!(
                "{:016x}-{:08x}-{i}",
                random.u64(..),
                random.u32(..)
            )),
        )
    }));
    let events = if random.u8(..10) == 0 {
        vec![span::Event {
            time_unix_nano: start,
            name: "cache miss".to_owned(),
            attributes: vec![attribute(
                "cache.key",
                text(format!("order:{}", random.u32(..))),
            )],
            ..span::Event::default()
        }]
    } else {
        vec![]
    };
    Span {
        trace_id: id(random, 16),
        span_id: id(random, 8),
        parent_span_id: id(random, 8),
        flags: 0x100,
        name: format!("GET {route}"),
        kind: 2,
        start_time_unix_nano: start,
        end_time_unix_nano: start + random.u64(1..50_000_000),
        attributes,
        events,
        status: (code == 500).then(|| Status {
            code: StatusCode::Error.into(),
            ..Status::default()
        }),
        ..Span::default()
    }
}

pub(super) fn request(random: &mut fastrand::Rng, count: usize) -> ExportTraceServiceRequest {
    let scope_spans = [
        ("http.server", count.div_ceil(2)),
        ("http.client", count / 2),
    ]
    .map(|(name, count)| ScopeSpans {
        scope: scope(name),
        spans: (0..count).map(|_| span(random)).collect(),
        ..ScopeSpans::default()
    })
    .to_vec();
    let resource_spans = vec![ResourceSpans {
        resource: resource(),
        scope_spans,
        ..Default::default()
    }];
    ExportTraceServiceRequest { resource_spans }
}

/// The same spans, but eight to a trace.
pub(super) fn traces(random: &mut fastrand::Rng, count: usize) -> ExportTraceServiceRequest {
    let mut request = request(random, count);
    let groups = request.resource_spans.iter_mut();
    let spans = groups
        .flat_map(|it| &mut it.scope_spans)
        .flat_map(|it| &mut it.spans);
    let mut trace_id = vec![];
    for (index, span) in spans.enumerate() {
        if index % 8 == 0 {
            trace_id.clone_from(&span.trace_id);
        }
        span.trace_id.clone_from(&trace_id);
    }
    request
}
