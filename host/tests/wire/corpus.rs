//! The requests of `tests/fixtures/corpus`, in the order and by the protocols in which they once arrived.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use otlet_tests::backend::Request;
use prost::Message;
use serde_json::Value;

use crate::client::{Client, Encoding};

/// One request.
pub(crate) struct Sent {
    /// Its file, such as `logs-0001.pb`.
    pub(crate) file: String,
    /// Such as `logs`.
    pub(crate) signal: String,
    /// How it came.
    pub(crate) encoding: Encoding,
    /// Whether it was compressed.
    pub(crate) gzip: bool,
    /// Its protobuf.
    pub(crate) message: Bytes,
}

/// Reads a file of the corpus.
pub(crate) fn read(file: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/corpus");
    fs::read(folder.join(file)).unwrap()
}

/// Reads a file with one JSON value a line.
pub(crate) fn lines(file: &str) -> Vec<Value> {
    let text = String::from_utf8(read(file)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// All 319 requests.
pub(crate) fn requests() -> Vec<Sent> {
    let requests: Vec<_> = lines("index.jsonl")
        .iter()
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            Sent {
                encoding: match text("proto").as_str() {
                    "grpc" => Encoding::Grpc,
                    "http/protobuf" => Encoding::Protobuf,
                    "http/json" => Encoding::Json,
                    other => panic!("protocol {other:?}"),
                },
                gzip: text("enc") == "gzip",
                signal: text("signal"),
                message: read(&text("file")).into(),
                file: text("file"),
            }
        })
        .collect();
    assert_eq!(requests.len(), 319);
    requests
}

impl Sent {
    /// What it says.
    pub(crate) fn request(&self) -> Request {
        let message = self.message.clone();
        match self.signal.as_str() {
            "traces" => Request::Traces(Message::decode(message).unwrap()),
            "metrics" => Request::Metrics(Message::decode(message).unwrap()),
            _ => Request::Logs(Message::decode(message).unwrap()),
        }
    }

    /// Sends it as it once came, which must be taken.
    pub(crate) fn replay(&self, client: &Client) {
        let json = self.encoding == Encoding::Json;
        let body = if json {
            read(&self.file.replace(".pb", ".json"))
        } else {
            self.message.to_vec()
        };
        client.send(
            self.encoding,
            self.gzip.then_some("gzip"),
            &self.signal,
            &body,
        );
    }
}

/// The spans of a request.
pub(crate) fn spans(request: &Request) -> Vec<&Span> {
    let Request::Traces(request) = request else {
        return vec![];
    };
    (request.resource_spans.iter())
        .flat_map(|resource| &resource.scope_spans)
        .flat_map(|scope| &scope.spans)
        .collect()
}

/// The log records of a request.
pub(crate) fn log_records(request: &Request) -> Vec<&LogRecord> {
    let Request::Logs(request) = request else {
        return vec![];
    };
    (request.resource_logs.iter())
        .flat_map(|resource| &resource.scope_logs)
        .flat_map(|scope| &scope.log_records)
        .collect()
}

/// The data points in all of these requests.
pub(crate) fn data_points(requests: &[Request]) -> usize {
    requests
        .iter()
        .filter(|request| matches!(request, Request::Metrics(_)))
        .map(Request::items)
        .sum()
}
