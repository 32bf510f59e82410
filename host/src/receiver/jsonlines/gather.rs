//! Gathers lines into one OTLP request.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::counters::Counters;
use super::lines::{self, Line};
use crate::batch::Signal;
use crate::payload::{self, PREFIX, Payload};

/// The records of a request: what an SDK sends at most, twice.
const MAX_RECORDS: usize = 1000;

/// The bytes of a request, unless one line is longer: a quarter of what a gRPC server takes by default.
const MAX_BYTES: usize = 1 << 20;

/// About what a record has around its body and attributes.
const AROUND: usize = 32;

/// A request that is being filled.
pub(super) struct Gather {
    resource: Resource,
    max_line_size: usize,
    records: Vec<LogRecord>,
    bytes: usize,
    /// When the lines that come now are seen.
    now: u64,
    counters: Arc<Counters>,
}

/// Records to hand on.
pub(super) struct Request {
    pub(super) payload: Payload,
    pub(super) records: usize,
}

impl Gather {
    pub(super) fn new(
        resource: &[KeyValue],
        max_line_size: usize,
        counters: &Arc<Counters>,
    ) -> Self {
        Self {
            resource: Resource {
                attributes: resource.to_vec(),
                ..Resource::default()
            },
            max_line_size,
            records: vec![],
            bytes: 0,
            now: 0,
            counters: Arc::clone(counters),
        }
    }

    /// Takes the time for what comes next.
    pub(super) fn observe(&mut self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.now = now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The bytes of the longest line.
    pub(super) fn max_line_size(&self) -> usize {
        self.max_line_size
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Adds the first line of `bytes` and gives what comes after it; nothing if it has no end yet, or no room.
    pub(super) fn add_line<'a>(
        &mut self,
        bytes: &'a [u8],
        attributes: &[KeyValue],
    ) -> Result<Option<&'a [u8]>, Full> {
        match lines::next(bytes, self.max_line_size) {
            Some(Line { bytes, cut, rest }) => {
                self.add(bytes, attributes)?;
                if cut {
                    self.counters.cuts.add(1);
                }
                Ok(Some(rest))
            }
            None => Ok(None),
        }
    }

    /// Adds a line that has no end.
    pub(super) fn add(&mut self, line: &[u8], attributes: &[KeyValue]) -> Result<(), Full> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return Ok(());
        }
        let around: usize = attributes
            .iter()
            .map(|one| 2 * one.key.len() + AROUND)
            .sum();
        let bytes = self.bytes + line.len() + around + AROUND;
        if self.records.len() >= MAX_RECORDS || (bytes > MAX_BYTES && !self.is_empty()) {
            return Err(Full);
        }
        let body = String::from_utf8_lossy(line);
        if matches!(body, Cow::Owned(_)) {
            self.counters.not_utf8.add(1);
        }
        let body = body.into_owned();
        self.bytes = bytes - line.len() + body.len();
        self.counters.bytes.add_len(line.len());
        self.records.push(LogRecord {
            observed_time_unix_nano: self.now,
            body: Some(text(body)),
            attributes: attributes.to_vec(),
            ..LogRecord::default()
        });
        Ok(())
    }

    /// The request of what was gathered, if there is anything.
    pub(super) fn finish(&mut self) -> Option<Request> {
        let records = self.records.len();
        if records == 0 {
            return None;
        }
        self.bytes = 0;
        let scope = ScopeLogs {
            log_records: std::mem::take(&mut self.records),
            ..ScopeLogs::default()
        };
        let request = ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: Some(self.resource.clone()),
                scope_logs: vec![scope],
                ..ResourceLogs::default()
            }],
        };
        let len = request.encoded_len();
        let mut framed = Vec::with_capacity(PREFIX + len);
        framed.extend(payload::prefix(false, len));
        request.encode(&mut framed).expect("a vector grows");
        let payload = Payload::plain(Signal::Logs, framed.into());
        Some(Request { payload, records })
    }
}

/// There is no room for one more line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

/// A text as OTLP has it.
pub(super) fn text(text: String) -> AnyValue {
    AnyValue {
        value: Some(Value::StringValue(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather() -> Gather {
        Gather::new(&[], MAX_BYTES, &Arc::default())
    }

    fn decoded(gather: &mut Gather) -> ExportLogsServiceRequest {
        let request = gather.finish().unwrap();
        let message = request.payload.message().unwrap();
        let decoded = ExportLogsServiceRequest::decode(message).unwrap();
        let records = decoded.resource_logs[0].scope_logs[0].log_records.len();
        assert_eq!(records, request.records);
        decoded
    }

    #[test]
    fn a_line_becomes_a_record() {
        let file = KeyValue {
            key: "log.file.name".to_owned(),
            value: Some(text("a.log".to_owned())),
            ..KeyValue::default()
        };
        let service = KeyValue {
            key: "service.name".to_owned(),
            value: Some(text("shop".to_owned())),
            ..KeyValue::default()
        };
        let counters = Arc::<Counters>::default();
        let mut gather = Gather::new(std::slice::from_ref(&service), 100, &counters);
        gather.observe();
        let rest = gather.add_line(b"{\"a\":1}\r\n\nb\xff\nc", std::slice::from_ref(&file));
        let rest = rest.unwrap().unwrap();
        let rest = gather.add_line(rest, &[]).unwrap().unwrap();
        let rest = gather.add_line(rest, &[]).unwrap().unwrap();
        assert_eq!(gather.add_line(rest, &[]), Ok(None));
        let request = decoded(&mut gather);
        let logs = &request.resource_logs[0];
        assert_eq!(logs.resource.as_ref().unwrap().attributes, [service]);
        let [first, second] = logs.scope_logs[0].log_records.as_slice() else {
            panic!("{logs:?}");
        };
        assert_eq!(first.body, Some(text("{\"a\":1}".to_owned())));
        assert_eq!(first.attributes, [file]);
        assert!(first.observed_time_unix_nano > 1_700_000_000_000_000_000);
        assert_eq!(first.time_unix_nano, 0);
        assert_eq!(second.body, Some(text("b\u{fffd}".to_owned())));
        assert_eq!((counters.not_utf8.get(), counters.cuts.get()), (1, 0));
        assert!(gather.finish().is_none());
    }

    #[test]
    fn a_request_has_bounds_in_records_and_in_bytes() {
        let mut gather = gather();
        for _ in 0..MAX_RECORDS {
            gather.add(b"a", &[]).unwrap();
        }
        assert_eq!(gather.add(b"a", &[]), Err(Full));
        decoded(&mut gather);
        // One line always has room.
        let long = vec![b'a'; 2 * MAX_BYTES];
        gather.add(&long, &[]).unwrap();
        assert_eq!(gather.add(b"a", &[]), Err(Full));
        decoded(&mut gather);
        gather.add(&vec![b'a'; MAX_BYTES - 100], &[]).unwrap();
        assert_eq!(gather.add(&[b'a'; 100], &[]), Err(Full));
    }
}
