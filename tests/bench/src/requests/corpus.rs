//! The requests of real SDKs in `tests/fixtures/corpus`.

use std::fs;
use std::path::Path;

use anyhow::Context;
use otlet::batch::Signal;
use serde_json::Value;

use crate::otlp;

/// The requests of a signal, in the order in which they were sent.
pub fn files(signal: Signal) -> anyhow::Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/corpus");
    let index = fs::read_to_string(folder.join("index.jsonl")).context("the corpus's index")?;
    let mut requests = vec![];
    for line in index.lines() {
        let line: Value = serde_json::from_str(line)?;
        let text = |key: &str| line.get(key).and_then(Value::as_str).context("the index");
        if text("signal")? == signal.name() {
            requests.push(fs::read(folder.join(text("file")?))?);
        }
    }
    Ok(requests)
}

/// The same put together to requests of at least so many records; the last one has what is left.
pub fn joined(signal: Signal, batch: usize) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut requests = vec![];
    let (mut whole, mut records) = (vec![], 0);
    for message in files(signal)? {
        records += otlp::records(signal, &message).context("the corpus is valid")?;
        // Encoded messages that follow each other are one message.
        whole.extend(message);
        if records >= batch as u64 {
            requests.push(std::mem::take(&mut whole));
            records = 0;
        }
    }
    requests.push(whole);
    Ok(requests)
}
