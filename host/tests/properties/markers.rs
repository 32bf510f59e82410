//! Nothing that holds text may be forgotten: every string, bytes and any-value place of OTLP's messages, keys included, is
//! filled with a marker of its own, and `all_leaves` must give each one exactly once.

use std::collections::BTreeMap;

use otlet::batch::Batch;
use otlet_plugin::{Kind, Signal, Table, testing::Request};
use serde_json::Value as Json;

use crate::{
    columns::host_signal,
    generate::Generator,
    leaves::{list, of_host},
    runs::BUDGET,
};

/// What holds bytes or text and is no leaf, with the reason.
const NOT_LEAVES: &[(&str, &str)] = &[
    ("traceId", "random, read and written by `ids`"),
    ("spanId", "random, read and written by `ids`"),
    ("parentSpanId", "random, read and written by `ids`"),
];

/// Numbers that JSON writes as strings.
const NUMBERS: &[&str] = &[
    "startTimeUnixNano",
    "endTimeUnixNano",
    "timeUnixNano",
    "observedTimeUnixNano",
    "count",
    "zeroCount",
    "bucketCounts",
    "asInt",
    "intValue",
    "quantile",
    "value",
];

/// Puts markers into the OTLP JSON of a request.
#[derive(Default)]
struct Marker {
    next: u32,
    /// Every marker, with the way to its place.
    placed: BTreeMap<String, String>,
}

impl Marker {
    /// A marker of 16 letters, which is base64, too.
    fn place(&mut self, way: &str) -> String {
        let marker = format!("marker{:010}", self.next);
        self.next += 1;
        self.placed.insert(marker.clone(), way.to_owned());
        marker
    }

    fn mark(&mut self, way: &str, json: &mut Json) {
        let field = way.rsplit('.').next().unwrap_or_default().to_owned();
        match json {
            Json::Array(items) => items.iter_mut().for_each(|item| self.mark(way, item)),
            Json::Object(fields) => {
                for (name, value) in fields {
                    self.mark(&format!("{way}.{name}"), value);
                }
            }
            Json::String(_) if NUMBERS.contains(&field.as_str()) => {}
            Json::String(_) if NOT_LEAVES.iter().any(|(name, _)| *name == field) => {}
            Json::String(text) if field == "bytesValue" => {
                // Twelve bytes are sixteen letters of base64, and text themselves.
                let marker = format!("bytes{:07}", self.next);
                self.next += 1;
                self.placed.insert(marker.clone(), way.to_owned());
                *text = base64(marker.as_bytes());
            }
            Json::String(text) => *text = self.place(way),
            _ => {}
        }
    }
}

/// Without what is null: NaN has no number in JSON, and OTLP's JSON is not what is tested here.
fn without_nulls(json: &mut Json) {
    match json {
        Json::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(without_nulls);
        }
        Json::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        _ => {}
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (threes, rest) = bytes.as_chunks::<3>();
    assert!(rest.is_empty(), "whole threes need no padding");
    let letters = threes.iter().flat_map(|[a, b, c]| {
        let bits = u32::from(*a) << 16 | u32::from(*b) << 8 | u32::from(*c);
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[(bits >> shift) as usize & 63]))
    });
    letters.collect()
}

/// The last two fields of a way, which tell a kind of place.
fn ending(way: &str) -> String {
    let fields: Vec<_> = way.rsplit('.').take(2).collect();
    fields.into_iter().rev().collect::<Vec<_>>().join(".")
}

#[test]
fn every_place_that_holds_text_is_a_leaf() {
    let tables: Vec<_> = Table::ALL
        .iter()
        .map(|table| table.name().to_owned())
        .collect();
    let kinds = [Kind::Text, Kind::Key, Kind::Bytes].map(|kind| kind.name().to_owned());
    let mut endings: BTreeMap<String, usize> = BTreeMap::new();
    for signal in Signal::ALL {
        for seed in 0..60 {
            let mut json = Generator::new(seed).request(*signal).to_json();
            without_nulls(&mut json);
            let mut marker = Marker::default();
            marker.mark("request", &mut json);
            let request = Request::from_json(&json.to_string()).unwrap();
            let batch = Batch::new(host_signal(*signal), request.to_protobuf().into()).unwrap();
            let leaves = batch.begin(BUDGET).all_leaves(&tables, &kinds).unwrap();
            let mut left = marker.placed.clone();
            for (.., text) in list(&of_host(leaves)) {
                assert!(
                    left.remove(&text).is_some(),
                    "given twice, or never placed: {text}"
                );
            }
            assert!(
                left.is_empty(),
                "{signal}, seed {seed}: no leaves: {left:?}"
            );
            for way in marker.placed.values() {
                *endings.entry(ending(way)).or_default() += 1;
            }
        }
    }
    // Were a kind of place never marked, nothing would have been proven of it.
    for place in [
        "resourceSpans.schemaUrl",
        "scopeSpans.schemaUrl",
        "resourceMetrics.schemaUrl",
        "scopeMetrics.schemaUrl",
        "resourceLogs.schemaUrl",
        "scopeLogs.schemaUrl",
        "entityRefs.schemaUrl",
        "entityRefs.type",
        "entityRefs.idKeys",
        "entityRefs.descriptionKeys",
        "scope.name",
        "scope.version",
        "spans.traceState",
        "spans.name",
        "status.message",
        "events.name",
        "links.traceState",
        "logRecords.severityText",
        "logRecords.eventName",
        "body.stringValue",
        "body.bytesValue",
        "metrics.name",
        "metrics.description",
        "metrics.unit",
        "metadata.key",
        "filteredAttributes.key",
        "attributes.key",
        "value.stringValue",
        "value.bytesValue",
        "values.key",
        "values.stringValue",
        "values.bytesValue",
    ] {
        assert!(endings.contains_key(place), "never marked: {place}");
    }
}
