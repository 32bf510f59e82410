//! Synthetic export requests, framed for gRPC.

use std::io::Write;

use bytes::{BufMut, Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span};
use prost::Message;
use serde::Serialize;

use crate::{EXPORT_LOGS, EXPORT_TRACES};

/// What a load is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// 1,000 spans of about 1 KB with 21 attributes.
    Spans,
    /// 1,000 log records of about 340 B with 5 attributes.
    Logs,
    /// 10 spans of about 1 KB.
    SmallSpans,
}

impl Shape {
    /// The records of one request.
    pub fn records(self) -> usize {
        match self {
            Self::Spans | Self::Logs => 1000,
            Self::SmallSpans => 10,
        }
    }

    /// The gRPC method that takes it.
    pub fn path(self) -> &'static str {
        match self {
            Self::Spans | Self::SmallSpans => EXPORT_TRACES,
            Self::Logs => EXPORT_LOGS,
        }
    }

    /// `count` different requests in protobuf.
    pub fn messages(self, count: u64) -> Vec<Vec<u8>> {
        (0..count)
            .map(|seed| {
                let mut random = fastrand::Rng::with_seed(seed);
                match self {
                    Self::Spans | Self::SmallSpans => {
                        spans(&mut random, self.records()).encode_to_vec()
                    }
                    Self::Logs => logs(&mut random, self.records()).encode_to_vec(),
                }
            })
            .collect()
    }

    /// `count` different requests with their gRPC prefix, compressed (gzip, level 6, as clients do) or not.
    pub fn framed(self, count: u64, gzip: bool) -> Vec<Bytes> {
        self.messages(count)
            .iter()
            .map(|message| frame(message, gzip))
            .collect()
    }
}

fn frame(message: &[u8], gzip: bool) -> Bytes {
    let compressed;
    let body = if gzip {
        let mut encoder = GzEncoder::new(vec![], Compression::default());
        encoder.write_all(message).expect("a Vec takes every byte");
        compressed = encoder.finish().expect("a Vec takes every byte");
        &compressed[..]
    } else {
        message
    };
    let mut framed = BytesMut::with_capacity(5 + body.len());
    framed.put_u8(u8::from(gzip));
    framed.put_u32(u32::try_from(body.len()).expect("a request is small"));
    framed.put_slice(body);
    framed.freeze()
}

fn text(value: impl Into<String>) -> Option<AnyValue> {
    Some(AnyValue {
        value: Some(Value::StringValue(value.into())),
    })
}

fn attribute(key: &str, value: Option<AnyValue>) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value,
        ..KeyValue::default()
    }
}

fn integer(value: i64) -> Option<AnyValue> {
    Some(AnyValue {
        value: Some(Value::IntValue(value)),
    })
}

fn id(random: &mut fastrand::Rng, len: usize) -> Vec<u8> {
    (0..len).map(|_| random.u8(1..)).collect()
}

fn resource() -> Option<Resource> {
    let attributes = (0..12)
        .map(|i| {
            attribute(
                &format!("resource.attribute.{i}"),
                text(format!("value-{i}-of-resource")),
            )
        })
        .chain([attribute("service.name", text("checkout"))])
        .collect();
    Some(Resource {
        attributes,
        ..Resource::default()
    })
}

fn scope(name: &str) -> Option<InstrumentationScope> {
    Some(InstrumentationScope {
        name: name.to_owned(),
        version: "1.45.1".to_owned(),
        ..Default::default()
    })
}

const STATUS: [i64; 6] = [200, 200, 200, 201, 404, 500];
const ROUTES: [&str; 4] = [
    "/orders/{id}",
    "/cart/{id}/items",
    "/users/{id}/profile",
    "/products/{sku}/reviews",
];

fn span(random: &mut fastrand::Rng) -> Span {
    let route = ROUTES[random.usize(..ROUTES.len())];
    let start = 1_780_000_000_000_000_000 + random.u64(..1_000_000_000);
    let mut attributes = vec![
        attribute("http.request.method", text("GET")),
        attribute(
            "http.response.status_code",
            integer(STATUS[random.usize(..STATUS.len())]),
        ),
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
    attributes.extend((0..11).map(|i| {
        attribute(
            &format!("app.attribute.{i:02}"),
            text(format!("{:016x}-{i}", random.u64(..))),
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
        ..Span::default()
    }
}

fn spans(random: &mut fastrand::Rng, count: usize) -> ExportTraceServiceRequest {
    let scope_spans = ["http.server", "http.client"]
        .map(|name| ScopeSpans {
            scope: scope(name),
            spans: (0..count / 2).map(|_| span(random)).collect(),
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

fn log(random: &mut fastrand::Rng) -> LogRecord {
    let time = 1_780_000_000_000_000_000 + random.u64(..1_000_000_000);
    LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: time,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        body: text(format!(
            "order {} accepted for customer {} in {} ms",
            random.u32(..),
            random.u16(..),
            random.u8(..)
        )),
        attributes: vec![
            attribute("code.file.path", text("/srv/shop/checkout/views.py")),
            attribute("code.function.name", text("accept_order")),
            attribute("code.line.number", integer(i64::from(random.u8(..)))),
            attribute("order_id", text(format!("ord-{:08x}", random.u32(..)))),
            attribute("otelServiceName", text("checkout")),
        ],
        trace_id: id(random, 16),
        span_id: id(random, 8),
        flags: 3,
        ..LogRecord::default()
    }
}

fn logs(random: &mut fastrand::Rng, count: usize) -> ExportLogsServiceRequest {
    let log_records = (0..count).map(|_| log(random)).collect();
    let scope_logs = vec![ScopeLogs {
        scope: scope("shop.checkout"),
        log_records,
        ..ScopeLogs::default()
    }];
    let resource_logs = vec![ResourceLogs {
        resource: resource(),
        scope_logs,
        ..ResourceLogs::default()
    }];
    ExportLogsServiceRequest { resource_logs }
}
