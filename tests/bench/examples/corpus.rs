//! What each bundled plugin costs a record of real telemetry, against native Rust that decodes and encodes the same requests
//! with prost and does nothing else: `cargo run --profile dist -p otlet-bench --example corpus`, and after `--` a word to have
//! only the rows that contain it.
//!
//! CPU time of one thread, median of rounds in turn, so that a busy machine changes all rows alike. Read the ratios.
#![allow(
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "an instrument, whose output is what it is for"
)]

use std::env;
use std::hint::black_box;

use anyhow::Result;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otlet::batch::Signal;
use otlet::plugin::Engine;
use otlet_bench::requests::corpus;
use otlet_bench::sandbox::{batch, cpu, processor, through};
use prost::Message;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds of all rows.
const ROUNDS: usize = 31;

/// The least records of a request: those of the corpus are joined until they have as many, since most of them are small.
const RECORDS: usize = 500;

/// One row of the table.
struct Row {
    name: String,
    run: Box<dyn Fn(&Bytes)>,
    nanoseconds: Vec<f64>,
}

fn main() -> Result<()> {
    let engine = Engine::new(64)?;
    let wanted = env::args().nth(1).unwrap_or_default();
    for signal in Signal::ALL {
        let requests: Vec<_> = corpus::joined(signal, RECORDS)?
            .into_iter()
            .map(Bytes::from)
            .collect();
        measure(signal, &requests, rows(&engine, signal, &wanted)?);
    }
    Ok(())
}

fn rows(engine: &Engine, signal: Signal, wanted: &str) -> Result<Vec<Row>> {
    let native: fn(&Bytes) = match signal {
        Signal::Traces => native::<ExportTraceServiceRequest>,
        Signal::Metrics => native::<ExportMetricsServiceRequest>,
        Signal::Logs => native::<ExportLogsServiceRequest>,
    };
    let mut rows = vec![Row {
        name: "prost: decode, encode".to_owned(),
        run: Box::new(native),
        nanoseconds: vec![],
    }];
    for (plugin, config) in CONFIGS {
        let name = format!("{plugin} {config}");
        if !name.contains(wanted) {
            continue;
        }
        let processor = processor(engine, plugin, &serde_json::from_str(config)?)?;
        if processor.takes(signal) {
            rows.push(Row {
                name,
                run: Box::new(through(signal, vec![processor])),
                nanoseconds: vec![],
            });
        }
    }
    Ok(rows)
}

/// Plugins and their configs.
const CONFIGS: &[(&str, &str)] = &[
    ("sample", r#"{"percentage": 10}"#),
    (
        "sample",
        r#"{"rates": [{"of": "resource.attributes[\"service.name\"]", "percentages": {"flask-shop": 50}}]}"#,
    ),
    (
        "sample",
        r#"{"metrics": {"drop": {"metric.name": {"matches": "^db[.]"}}}}"#,
    ),
    ("link", "{}"),
    ("link", r#"{"lift": true}"#),
    (
        "enrich",
        r#"{"actions": [{"copy": "resource.attributes[\"service.name\"]", "to": "record.attributes[\"service\"]"}]}"#,
    ),
    (
        "enrich",
        r#"{"actions": [{"set": "record.attributes[\"op\"]", "template": "{resource.attributes[\"service.name\"]} {span.name}"}]}"#,
    ),
    (
        "enrich",
        r#"{"actions": [{"extract": "log.body", "pattern": "order (?P<order>[0-9]+)"}]}"#,
    ),
    ("redact", "{}"),
    ("redact", r#"{"detectors": ["email"]}"#),
    ("redact", r#"{"sql": "shape"}"#),
];

fn native<M: Message + Default>(request: &Bytes) {
    let decoded = M::decode(request.clone()).expect("the corpus is valid");
    black_box(decoded.encode_to_vec());
}

fn measure(signal: Signal, requests: &[Bytes], mut rows: Vec<Row>) {
    let records: u32 = (requests.iter())
        .map(|request| batch(signal, request).records())
        .sum();
    for _ in 0..=ROUNDS {
        for row in &mut rows {
            let before = cpu();
            for request in requests {
                (row.run)(request);
            }
            row.nanoseconds.push((cpu() - before) / f64::from(records));
        }
    }
    let bytes = requests.iter().map(Bytes::len).sum::<usize>();
    println!(
        "{}: {} requests of {records} records and {bytes} bytes; ns a record",
        signal.name(),
        requests.len()
    );
    let mut base = None;
    for row in &mut rows {
        // The first round warms up.
        row.nanoseconds.remove(0);
        row.nanoseconds.sort_by(f64::total_cmp);
        let median = row.nanoseconds.get(ROUNDS / 2).copied().unwrap_or_default();
        let ratio = median / *base.get_or_insert(median);
        println!("{median:>9.0} {ratio:>6.2}  {}", row.name);
    }
}
