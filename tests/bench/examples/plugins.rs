//! What plugins cost, against memcpy and against native Rust that decodes, edits and encodes with prost:
//! `cargo run --profile dist -p otlet-bench --example plugins`, and after `--` a word to
//! have only the rows that contain it, and a number of rounds, so that a profiler sees little else.
//!
//! CPU time of one thread, median of rounds in turn, so that a busy machine changes all rows alike. Read the ratios. The last rows
//! are what `isolate: batch` costs: a batch of 10 spans, by an instance that is used again and by one of its own.
#![allow(
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "an instrument, whose output is what it is for"
)]

use std::env;
use std::hint::black_box;

use anyhow::{Context as _, Result};
use bytes::{BufMut as _, Bytes, BytesMut};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use otlet::batch::Signal;
use otlet::payload::PREFIX;
use otlet::plugin::{Engine, Isolate, Place};
use otlet_bench::otlp::Protocol;
use otlet_bench::requests::Shape;
use otlet_bench::sandbox::{batch, bundled, cpu, processor, processor_of, through};
use otlet_tests::guests;
use prost::Message as _;
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds, unless told otherwise.
const ROUNDS: usize = 51;
/// Spans of a request.
const SPANS: usize = 1000;

/// What has to hold of the last 7 bytes of a trace id to be in a tenth of all.
const TENTH: u64 = 0xe6_6666_6666_6666;

/// One row of the table: what it does to a request, and how often a round does it.
struct Row {
    name: &'static str,
    run: Box<dyn Fn(&Bytes)>,
    nanoseconds: Vec<f64>,
}

fn main() -> Result<()> {
    let engine = Engine::new(16)?;
    let wanted = env::args().nth(1).unwrap_or_default();
    let rounds = match env::args().nth(2) {
        Some(rounds) => rounds.parse().context("the number of rounds")?,
        None => ROUNDS,
    };
    let mut rows = rows(&engine)?;
    rows.retain(|row| row.name.contains(&wanted));
    // Behind their gRPC prefix, as the receiver holds them: a copy to another alignment measured 6 times slower.
    let requests: Vec<_> = Shape::Spans
        .requests(SPANS, Protocol::Grpc, false)?
        .into_iter()
        .take(8)
        .map(|request| request.body.slice(PREFIX..))
        .collect();
    let spans = SPANS * requests.len();
    for _ in 0..=rounds {
        for row in &mut rows {
            let before = cpu();
            for request in &requests {
                (row.run)(request);
            }
            row.nanoseconds.push((cpu() - before) / spans as f64);
        }
    }
    let bytes = requests.iter().map(Bytes::len).sum::<usize>() / spans;
    println!(
        "{} requests of 1,000 spans of {bytes} bytes; ns a span",
        requests.len()
    );
    println!("{:<44} {:>9} {:>9}", "", "median", "least");
    for row in &mut rows {
        // The first round warms up.
        row.nanoseconds.remove(0);
        row.nanoseconds.sort_by(f64::total_cmp);
        let [least, median] = [0, rounds / 2].map(|at| row.nanoseconds.get(at).copied());
        let (least, median) = (least.unwrap_or_default(), median.unwrap_or_default());
        println!("{:<44} {median:>9.1} {least:>9.1}", row.name);
    }
    println!(
        "{:<44} {:>9.0} ns a call",
        "a call that does nothing, in line",
        empty(&engine)?
    );
    for (name, wasm, config) in [
        ("a small guest", guests::STAMP, json!({})),
        ("sample", bundled("sample")?, json!({"percentage": 10})),
        ("redact", bundled("redact")?, json!({})),
    ] {
        let name = format!("{name}: 10 spans");
        if name.contains(&wanted) {
            let [again, fresh] = [Isolate::Processor, Isolate::Batch]
                .map(|isolate| a_batch(&engine, wasm, &config, isolate, rounds));
            let (again, fresh) = (again?, fresh?);
            println!("{name:<44} {again:>9.0} ns a batch, {fresh:.0} with `isolate: batch`");
        }
    }
    Ok(())
}

fn rows(engine: &Engine) -> Result<Vec<Row>> {
    let tenth = json!({"percentage": 10});
    let copy = json!({"actions": [{
        "copy": "record.attributes[\"http.route\"]", "to": "record.attributes[\"route\"]",
    }]});
    let processor = |name: &str, config| processor(engine, name, config);
    Ok(vec![
        row("memcpy", |request| {
            let mut copy = BytesMut::with_capacity(PREFIX + request.len());
            copy.put_bytes(0, PREFIX);
            copy.put_slice(request);
            black_box(copy);
        }),
        row("walk", |request| {
            black_box(batch(Signal::Traces, request));
        }),
        row(
            "walk and splice, no plugin",
            through(Signal::Traces, vec![]),
        ),
        row("prost: decode, encode", |request| native(request, |_| {})),
        row("prost: keep a tenth", |request| {
            native(request, |spans| spans.retain(is_kept));
        }),
        row(
            "sample: keep a tenth",
            through(Signal::Traces, vec![processor("sample", &tenth)?]),
        ),
        row("prost: read one attribute, set another", |request| {
            native(request, read_and_set);
        }),
        row(
            "enrich: read one attribute, set another",
            through(Signal::Traces, vec![processor("enrich", &copy)?]),
        ),
        row(
            "redact: every leaf",
            through(Signal::Traces, vec![processor("redact", &json!({}))?]),
        ),
        row(
            "redact, enrich, sample",
            through(
                Signal::Traces,
                vec![
                    processor("redact", &json!({}))?,
                    processor("enrich", &copy)?,
                    processor("sample", &tenth)?,
                ],
            ),
        ),
    ])
}

fn row(name: &'static str, run: impl Fn(&Bytes) + 'static) -> Row {
    Row {
        name,
        run: Box::new(run),
        nanoseconds: Vec::new(),
    }
}

fn native(request: &Bytes, edit: impl Fn(&mut Vec<Span>)) {
    let mut decoded = ExportTraceServiceRequest::decode(request.clone())
        .expect("the instrument makes valid requests");
    for resource in &mut decoded.resource_spans {
        for scope in &mut resource.scope_spans {
            edit(&mut scope.spans);
        }
    }
    black_box(decoded.encode_to_vec());
}

fn is_kept(span: &Span) -> bool {
    let random = span.trace_id.iter().skip(9);
    random.fold(0, |random, byte| random << 8 | u64::from(*byte)) >= TENTH
}

fn read_and_set(spans: &mut Vec<Span>) {
    for span in spans {
        let route = span.attributes.iter().find(|at| at.key == "http.route");
        if let Some(mut route) = route.cloned() {
            "route".clone_into(&mut route.key);
            span.attributes.push(route);
        }
    }
}

/// What a small batch costs, where an instance lives so long: the median of rounds.
fn a_batch(
    engine: &Engine,
    wasm: &[u8],
    config: &serde_json::Value,
    isolate: Isolate,
    rounds: usize,
) -> Result<f64> {
    const BATCHES: u32 = 100;
    let run = through(
        Signal::Traces,
        vec![processor_of(engine, "plugin", wasm, config, isolate)?],
    );
    let request = Shape::Spans.messages(10, 1)?.into_iter().next();
    let request = Bytes::from(request.context("one request")?);
    let mut taken: Vec<_> = (0..=rounds)
        .map(|_| {
            let before = cpu();
            (0..BATCHES).for_each(|_| run(&request));
            (cpu() - before) / f64::from(BATCHES)
        })
        .collect();
    // The first round warms up.
    taken.remove(0);
    taken.sort_by(f64::total_cmp);
    Ok(taken.get(rounds / 2).copied().unwrap_or_default())
}

/// What it costs to enter a plugin that has nothing to do.
fn empty(engine: &Engine) -> Result<f64> {
    const CALLS: u32 = 100_000;
    let processor = processor(engine, "enrich", &json!({}))?;
    let request = Shape::Spans
        .messages(10, 1)?
        .into_iter()
        .next()
        .context("one request")?;
    let mut batch = batch(Signal::Traces, &Bytes::from(request));
    let before = cpu();
    for _ in 0..CALLS {
        batch = processor
            .process(batch, Place::Inline)
            .ok()
            .context("an empty call failed")?;
    }
    Ok((cpu() - before) / f64::from(CALLS))
}
