//! Rows that nobody edited are walked in a quicker way than others: it must see the same in whatever bytes.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use prost::Message as _;

use super::{
    super::{Batch, Leaves, Misuse, Signal, Transaction, Value},
    BUDGET, column,
    requests::{points, records, spans},
};

const TABLES: [&str; 7] = [
    "resource", "scope", "metric", "record", "event", "link", "exemplar",
];
const KINDS: [&str; 6] = ["text", "key", "integer", "double", "boolean", "bytes"];

/// A request made with OTLP's types, and those of real SDKs.
fn requests(signal: Signal) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/corpus");
    let corpus = fs::read_dir(folder).expect("the corpus");
    let corpus = corpus.map(|entry| entry.expect("a file").path());
    let corpus = corpus.filter(|path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        name.starts_with(signal.name()) && path.extension().is_some_and(|kind| kind == "pb")
    });
    let mut requests: Vec<_> = corpus.map(|path| fs::read(path).expect("a file")).collect();
    requests.sort();
    // Many kinds of rows in turn.
    requests.push(requests.concat());
    requests.push(match signal {
        Signal::Traces => spans().encode_to_vec(),
        Signal::Metrics => points().encode_to_vec(),
        Signal::Logs => records().encode_to_vec(),
    });
    requests
}

fn leaves(work: &mut Transaction, kinds: &[&str]) -> Result<Leaves, Misuse> {
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    work.all_leaves(&names(&TABLES), &names(kinds))
}

/// The leaves of a request, and of the same with edits in every row of fields that are no leaves.
fn both(signal: Signal, bytes: Vec<u8>, kinds: &[&str]) -> Option<[Result<Leaves, Misuse>; 2]> {
    let batch = Batch::new(signal, Bytes::from(bytes)).ok()?;
    let plain = leaves(&mut batch.clone().begin(BUDGET), kinds);
    let mut work = batch.begin(BUDGET);
    for path in [
        "record.flags",
        "event.time_unix_nano",
        "link.flags",
        "exemplar.time_unix_nano",
    ] {
        work.fill(&column(path), None, &Value::Integer(7)).ok()?;
    }
    Some([plain, leaves(&mut work, kinds)])
}

#[test]
fn rows_without_edits_have_the_leaves_of_rows_with_edits_elsewhere() {
    for signal in Signal::ALL {
        for request in requests(signal) {
            for kinds in [&KINDS[..], &["text", "integer", "double", "bytes"]] {
                let [plain, edited] = both(signal, request.clone(), kinds).expect("a request");
                let plain = plain.expect("leaves");
                assert!(!plain.rows.is_empty());
                assert_eq!(Ok(plain), edited);
            }
        }
    }
}

#[test]
fn the_same_holds_in_damaged_requests() {
    let mut random = fastrand::Rng::with_seed(3);
    let mut seen = [0, 0];
    for signal in Signal::ALL {
        for request in requests(signal) {
            if request.len() > 20_000 {
                continue;
            }
            for _ in 0..50 {
                let mut request = request.clone();
                for _ in 0..random.usize(1..4) {
                    let at = random.usize(..request.len());
                    request[at] = match random.u8(..3) {
                        0 => request[at] ^ 1 << random.u8(..8),
                        1 => request[random.usize(..request.len())],
                        _ => random.u8(..),
                    };
                }
                let Some([plain, edited]) = both(signal, request, &KINDS) else {
                    continue;
                };
                seen[usize::from(plain.is_ok())] += 1;
                match (plain, edited) {
                    (Ok(plain), Ok(edited)) => assert_eq!(plain, edited),
                    (plain, edited) => assert_eq!(plain.is_err(), edited.is_err()),
                }
            }
        }
    }
    assert!(seen.iter().all(|seen| *seen > 20), "{seen:?}");
}
