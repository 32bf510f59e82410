//! Bytes that nobody should send.

use bytes::Bytes;
use fastrand::Rng;
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use prost::Message;

use super::{
    super::{Batch, Column, Signal, Value, fields::FIELDS, schema::Table},
    requests::{points, records, spans},
};

/// Mutations of the request of each signal.
const MUTATIONS: u64 = 20_000;

fn request(signal: Signal) -> Vec<u8> {
    match signal {
        Signal::Traces => spans().encode_to_vec(),
        Signal::Metrics => points().encode_to_vec(),
        Signal::Logs => records().encode_to_vec(),
    }
}

fn is_valid(signal: Signal, bytes: &[u8]) -> bool {
    match signal {
        Signal::Traces => ExportTraceServiceRequest::decode(bytes).is_ok(),
        Signal::Metrics => ExportMetricsServiceRequest::decode(bytes).is_ok(),
        Signal::Logs => ExportLogsServiceRequest::decode(bytes).is_ok(),
    }
}

fn mutate(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(..bytes.len());
        match rng.u8(..5) {
            0 => bytes[at] = rng.u8(..),
            1 => bytes[at] ^= 1 << rng.u8(..8),
            2 => drop(bytes.remove(at)),
            3 => bytes.insert(at, rng.u8(..)),
            _ => {
                let end = (at + rng.usize(..64)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = rng.usize(..bytes.len());
                bytes.splice(to..to, piece);
            }
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
    }
}

fn columns() -> Vec<Column> {
    let fields = FIELDS
        .iter()
        .map(|field| format!("{}.{}", field.table, field.name));
    let attributes = ["resource", "scope", "record", "event", "link"]
        .map(|table| format!("{table}.attributes[\"n\"]"));
    fields
        .chain(attributes)
        .chain(
            [
                "metric.metadata[\"origin\"]",
                "exemplar.filtered_attributes[\"user\"]",
            ]
            .map(String::from),
        )
        .map(|path| Column::parse(&path).expect("a known path"))
        .collect()
}

/// Everything that a plugin can do, whether it works or not: it may fail, and never panic.
fn exercise(batch: Batch, columns: &[Column], rng: &mut Rng, worked: &mut u32) -> Batch {
    let mut work = batch.begin(1 << 20);
    let tables = Table::ALL.map(|table| table.name().to_owned());
    let mut fine = true;
    for _ in 0..4 {
        let column = &columns[rng.usize(..columns.len())];
        fine &= work.values(column).is_ok();
        fine &= work.packed(column).is_ok();
        let target = &columns[rng.usize(..columns.len())];
        *worked += u32::from(work.copy(column, target, None).is_ok());
        let value = match rng.u8(..5) {
            0 => Value::Text("edited".into()),
            1 => Value::Integer(5),
            2 => Value::Empty,
            3 => Value::Json("[1,{\"a\":null}]".into()),
            _ => Value::Double(0.5),
        };
        *worked += u32::from(work.fill(column, None, &value).is_ok());
        *worked += u32::from(work.unset(&[target], None).is_ok());
    }
    let table = &tables[rng.usize(..tables.len())];
    if let Ok(rows) = work.rows(table) {
        let mask: Vec<u8> = (0..rows.div_ceil(8)).map(|_| rng.u8(..)).collect();
        fine &= work.retain(table, &mask).is_ok();
    }
    let kinds = ["text", "key", "integer", "double", "boolean", "bytes"].map(String::from);
    if let Ok(leaves) = work.all_leaves(&tables, &kinds) {
        let some: Vec<u32> = (0..)
            .take(leaves.rows.len())
            .filter(|_| rng.bool())
            .collect();
        let texts = super::super::PackedTexts {
            data: Vec::new(),
            ends: vec![0; some.len()],
            present: vec![0b1010_1010; some.len().div_ceil(8)],
        };
        fine &= work.replace_leaves(&some, &texts).is_ok();
    }
    if fine { work.commit() } else { work.rollback() }
}

#[test]
fn mutated_requests_never_panic_and_pass_untouched_if_valid() {
    let columns = columns();
    for signal in Signal::ALL {
        let sound = request(signal);
        let (mut valid, mut refused, mut worked) = (0, 0, 0);
        for seed in 0..MUTATIONS {
            let mut rng = Rng::with_seed(seed);
            let mut bytes = sound.clone();
            mutate(&mut bytes, &mut rng);
            let is_valid = is_valid(signal, &bytes);
            valid += u32::from(is_valid);
            let batch = match Batch::new(signal, Bytes::from(bytes.clone())) {
                Ok(batch) => batch,
                Err(error) => {
                    assert!(!is_valid, "seed {seed}: {error}");
                    refused += 1;
                    continue;
                }
            };
            assert!(batch.is_untouched());
            assert_eq!(batch.splice(0), bytes);
            let back = exercise(batch, &columns, &mut rng, &mut worked);
            let spliced = back.splice(0).freeze();
            if is_valid {
                assert!(self::is_valid(signal, &spliced), "seed {seed}");
            }
        }
        // The test would prove nothing if all were refused, or none.
        let counts = [valid, refused, worked];
        assert!(counts.iter().all(|count| *count > 500), "{counts:?}");
    }
}

fn refused(bytes: &[u8]) -> String {
    Batch::new(Signal::Traces, Bytes::copy_from_slice(bytes))
        .expect_err("malformed")
        .to_string()
}

#[test]
fn errors_name_what_is_wrong_and_where() {
    assert_eq!(
        refused(&[0x0a, 5, 0]),
        "malformed traces: a length beyond the end of its message at byte 2"
    );
    assert_eq!(
        refused(&[0x02, 0]),
        "malformed traces: field number 0 at byte 0"
    );
    assert_eq!(
        refused(&[0x0f]),
        "malformed traces: an unknown wire type at byte 0"
    );
    assert_eq!(
        refused(&[0x08, 1]),
        "malformed traces: a field of another wire type than its own at byte 0"
    );
    assert_eq!(
        refused(&[0x10; 1]),
        "malformed traces: a varint without an end at byte 1"
    );
    let mut long = vec![0x10];
    long.extend([0x80; 10]);
    long.push(1);
    assert_eq!(
        refused(&long),
        "malformed traces: a varint without an end at byte 1"
    );
    assert_eq!(
        refused(&[0x13, 0x1c]),
        "malformed traces: an end of another group at byte 2"
    );
    assert_eq!(
        refused(&[0x0c]),
        "malformed traces: an end of a group that did not begin at byte 1"
    );
}

#[test]
fn too_many_records_are_refused() {
    // One resource, one scope, empty spans.
    let spans = [0x12, 0].repeat(262_145);
    let len = |len: usize| {
        let mut out = Vec::new();
        super::super::wire::put_varint(&mut out, len as u64);
        out
    };
    let scope = [&[0x12][..], &len(spans.len()), &spans].concat();
    let request = [&[0x0a][..], &len(scope.len()), &scope].concat();
    assert!(refused(&request).contains("too many records"));
    let fits = request.len() - 2;
    let scope = [&[0x12][..], &len(spans.len() - 2), &spans[2..]].concat();
    let request = [&[0x0a][..], &len(scope.len()), &scope].concat();
    assert_eq!(request.len(), fits);
    let batch = Batch::new(Signal::Traces, Bytes::from(request)).expect("as many as may be");
    assert_eq!(batch.records(), 262_144);
}
