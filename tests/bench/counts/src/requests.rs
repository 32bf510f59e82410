//! The requests: synthetic spans, always the same, and those of real SDKs in `tests/fixtures/corpus`, a request a signal.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use fastrand::Rng;

use crate::batch::{Signal, Value};

/// A request of one signal.
#[derive(Clone, Debug)]
pub struct Request {
    /// What its cases are named after.
    pub name: &'static str,
    /// Its signal.
    pub signal: Signal,
    /// Its bytes.
    pub bytes: Bytes,
    /// The key of a record's attribute that many of its records have.
    pub key: &'static str,
    /// A field that few or none of its records have, and what is written to it.
    pub rare: (&'static str, Value),
}

/// Spans of the synthetic request: as many as make the cost of the request itself vanish.
const SPANS: usize = 500;

/// Every request.
pub fn all() -> Result<Vec<Request>> {
    let text = || Value::Text("ot=th:e666".to_owned());
    let corpus = |name, signal, key, rare| {
        let bytes = corpus(signal)?;
        anyhow::Ok(Request {
            name,
            signal,
            bytes,
            key,
            rare,
        })
    };
    let state = || ("span.trace_state", text());
    let event = ("log.event_name", text());
    let flags = ("record.flags", Value::Integer(1));
    Ok(vec![
        Request {
            name: "synthetic spans",
            signal: Signal::Traces,
            bytes: spans().into(),
            key: "http.route",
            rare: state(),
        },
        corpus("corpus spans", Signal::Traces, "http.route", state())?,
        corpus("corpus logs", Signal::Logs, "order_id", event)?,
        corpus("corpus points", Signal::Metrics, "http.method", flags)?,
    ])
}

/// The corpus of a signal, joined: encoded messages that follow each other are one message.
fn corpus(signal: Signal) -> Result<Bytes> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/corpus");
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).context("the corpus")? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(signal.name()) && name.ends_with(".pb") {
            files.push(path);
        }
    }
    files.sort();
    let mut joined = Vec::new();
    for file in files {
        joined.extend(fs::read(file)?);
    }
    Ok(joined.into())
}

/// 1 KB a span with 21 attributes, of a tenth with an event, as the other instrument's.
fn spans() -> Vec<u8> {
    let mut random = Rng::with_seed(1);
    let scopes = ["http.server", "http.client"].map(|name| {
        let scope = message(1, [text(1, name), text(2, "1.45.1")].concat());
        let spans = (0..SPANS / 2).flat_map(|_| message(2, span(&mut random)));
        message(2, scope.into_iter().chain(spans).collect())
    });
    let attributes = (0..12).flat_map(|i| {
        let key = format!("resource.attribute.{i}");
        attribute(1, &key, text(1, &format!("value-{i}-of-resource")))
    });
    let resource = message(1, attributes.collect());
    message(1, [resource, scopes.concat()].concat())
}

fn span(random: &mut Rng) -> Vec<u8> {
    const ROUTES: [&str; 4] = [
        "/orders/{id}",
        "/cart/{id}/items",
        "/users/{id}/profile",
        "/products/{sku}/reviews",
    ];
    let route = ROUTES[random.usize(..ROUTES.len())];
    let start = 1_780_000_000_000_000_000 + random.u64(..1_000_000_000);
    let url = format!(
        "https://shop.example.com{route}?page={}&sort=price",
        random.u16(..)
    );
    let address = format!("10.1.{}.{}", random.u8(..), random.u8(..));
    let agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126";
    let mut out = [
        message(1, id::<16>(random)),
        message(2, id::<8>(random)),
        message(4, id::<8>(random)),
        text(5, &format!("GET {route}")),
        number(6, 2),
        fixed(7, start),
        fixed(8, start + random.u64(1..50_000_000)),
        attribute(9, "http.request.method", text(1, "GET")),
        attribute(9, "http.response.status_code", number(3, 200)),
        attribute(9, "url.full", text(1, &url)),
        attribute(9, "user_agent.original", text(1, agent)),
        attribute(9, "network.peer.address", text(1, &address)),
        attribute(9, "network.peer.port", number(3, random.u16(1024..).into())),
        attribute(9, "http.route", text(1, route)),
        attribute(9, "retry", number(2, random.bool().into())),
        attribute(9, "ratio", fixed(4, random.f64().to_bits())),
        attribute(9, "thread.id", number(3, random.u16(..).into())),
    ]
    .concat();
    for i in 0..11 {
        let key = format!("app.attribute.{i:02}");
        let value = format!("{:016x}-{i}", random.u64(..));
        out.extend(attribute(9, &key, text(1, &value)));
    }
    if random.u8(..10) == 0 {
        let order = text(1, &format!("order:{}", random.u32(..)));
        let event = [
            fixed(1, start),
            text(2, "cache miss"),
            attribute(3, "cache.key", order),
        ];
        out.extend(message(11, event.concat()));
    }
    // The status of a span is often set to nothing, and its flags come last.
    out.extend(message(15, Vec::new()));
    out.extend([0x85, 0x01, 0x00, 0x01, 0x00, 0x00]);
    out
}

fn id<const N: usize>(random: &mut Rng) -> Vec<u8> {
    (0..N).map(|_| random.u8(1..)).collect()
}

fn attribute(number: u8, key: &str, value: Vec<u8>) -> Vec<u8> {
    message(number, [text(1, key), message(2, value)].concat())
}

fn text(number: u8, text: &str) -> Vec<u8> {
    message(number, text.into())
}

fn message(number: u8, body: Vec<u8>) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    put_varint(&mut out, body.len() as u64);
    out.extend(body);
    out
}

fn number(number: u8, value: u64) -> Vec<u8> {
    let mut out = vec![number << 3];
    put_varint(&mut out, value);
    out
}

fn fixed(number: u8, value: u64) -> Vec<u8> {
    let mut out = vec![number << 3 | 1];
    out.extend(value.to_le_bytes());
    out
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}
