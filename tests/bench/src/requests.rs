//! Synthetic export requests, and those of the corpus, ready to be sent.

pub mod corpus;
mod logs;
mod metrics;
mod spans;

use std::io::Write;

use anyhow::{Context, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use otlet::batch::Signal;
use prost::Message;
use serde::{Deserialize, Serialize};

use crate::otlp::{self, Protocol};

/// What a load is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Spans of about 1 KB with 20 attributes.
    Spans,
    /// The same, eight to a trace, with new trace ids whenever a request is sent again.
    Traces,
    /// Log records of about 360 B with 5 attributes.
    LogsSmall,
    /// Log records of about 850 B with 12 attributes.
    LogsLarge,
    /// Data points of sums, gauges and histograms, with 5 attributes.
    Metrics,
    /// Spans of real SDKs, as they were sent, put together to requests of the batch's size at least, but for the last.
    CorpusTraces,
    /// The same with log records.
    CorpusLogs,
    /// The same with data points.
    CorpusMetrics,
}

/// One request as it is sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its body, with its gRPC prefix where that is how it travels.
    pub body: Bytes,
    /// The records in it.
    pub records: u64,
    /// Where trace ids stand in it that are to be new whenever it is sent.
    trace_ids: Vec<usize>,
}

impl Request {
    /// The body as it is sent for the first time, the second and so on, with other trace ids each time if they are to be new.
    pub fn nth_body(&self, nth: u32) -> Bytes {
        if self.trace_ids.is_empty() || nth == 0 {
            return self.body.clone();
        }
        let mut body = BytesMut::from(&self.body[..]);
        for place in &self.trace_ids {
            // The last seven bytes are what samplers decide by; they stay random.
            for (byte, change) in body[*place..].iter_mut().zip(nth.to_be_bytes()) {
                *byte ^= change;
            }
        }
        body.freeze()
    }
}

/// The different requests of a load: enough that a tenth of their records, taken at random, is a tenth.
const LEAST_RECORDS: usize = 20_000;
const LEAST_REQUESTS: usize = 8;

impl Shape {
    /// The signal that it is of.
    pub fn signal(self) -> Signal {
        match self {
            Self::Spans | Self::Traces | Self::CorpusTraces => Signal::Traces,
            Self::LogsSmall | Self::LogsLarge | Self::CorpusLogs => Signal::Logs,
            Self::Metrics | Self::CorpusMetrics => Signal::Metrics,
        }
    }

    /// Different requests of `batch` records each, in protobuf: `count` of them, or those that the corpus has.
    pub fn messages(self, batch: usize, count: usize) -> anyhow::Result<Vec<Vec<u8>>> {
        let synthetic = |make: fn(&mut fastrand::Rng, usize) -> Vec<u8>| {
            (0..count as u64)
                .map(|seed| make(&mut fastrand::Rng::with_seed(seed), batch))
                .collect()
        };
        Ok(match self {
            Self::Spans => synthetic(|random, batch| spans::request(random, batch).encode_to_vec()),
            Self::Traces => synthetic(|random, batch| spans::traces(random, batch).encode_to_vec()),
            Self::LogsSmall => {
                synthetic(|random, batch| logs::small(random, batch).encode_to_vec())
            }
            Self::LogsLarge => {
                synthetic(|random, batch| logs::large(random, batch).encode_to_vec())
            }
            Self::Metrics => {
                synthetic(|random, batch| metrics::request(random, batch).encode_to_vec())
            }
            Self::CorpusTraces | Self::CorpusLogs | Self::CorpusMetrics => {
                corpus::joined(self.signal(), batch)?
            }
        })
    }

    fn new_trace_ids(
        self,
        message: &[u8],
        protocol: Protocol,
        gzip: bool,
    ) -> anyhow::Result<Vec<usize>> {
        if self != Self::Traces {
            return Ok(vec![]);
        }
        ensure!(!gzip, "compressed requests cannot have new trace ids");
        let prefix = match protocol {
            Protocol::Grpc => PREFIX,
            Protocol::Http => 0,
        };
        let places = otlp::trace_ids(message).context("a request that is none")?;
        Ok(places.into_iter().map(|place| prefix + place).collect())
    }

    /// A load's requests, compressed (gzip, level 6, as clients do) or not.
    pub fn requests(
        self,
        batch: usize,
        protocol: Protocol,
        gzip: bool,
    ) -> anyhow::Result<Vec<Request>> {
        let count = (LEAST_RECORDS / batch.max(1)).max(LEAST_REQUESTS);
        self.messages(batch, count)?
            .iter()
            .map(|message| {
                Ok(Request {
                    body: body(message, protocol, gzip),
                    records: otlp::records(self.signal(), message)
                        .context("a request that is none")?,
                    trace_ids: self.new_trace_ids(message, protocol, gzip)?,
                })
            })
            .collect()
    }
}

/// The bytes of gRPC's prefix.
const PREFIX: usize = 5;

fn body(message: &[u8], protocol: Protocol, gzip: bool) -> Bytes {
    let compressed;
    let body = if gzip {
        let mut encoder = GzEncoder::new(vec![], Compression::default());
        encoder.write_all(message).expect("a Vec takes every byte");
        compressed = encoder.finish().expect("a Vec takes every byte");
        &compressed[..]
    } else {
        message
    };
    let mut sent = BytesMut::with_capacity(PREFIX + body.len());
    if protocol == Protocol::Grpc {
        sent.put_u8(u8::from(gzip));
        sent.put_u32(u32::try_from(body.len()).expect("a request is small"));
    }
    sent.put_slice(body);
    sent.freeze()
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

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use std::collections::HashSet;

    #[test]
    fn requests_have_as_many_records_as_they_should() {
        for shape in [
            Shape::Spans,
            Shape::Traces,
            Shape::LogsSmall,
            Shape::LogsLarge,
            Shape::Metrics,
        ] {
            for batch in [1, 10, 1000] {
                for message in shape.messages(batch, 2).unwrap() {
                    assert_eq!(
                        otlp::records(shape.signal(), &message),
                        Some(batch as u64),
                        "{shape:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn records_are_as_large_as_they_should_be() {
        for (shape, size) in [
            (Shape::Spans, 1000),
            (Shape::LogsSmall, 360),
            (Shape::LogsLarge, 850),
        ] {
            let message = &shape.messages(1000, 1).unwrap()[0];
            let found = message.len() / 1000;
            assert!(
                (size * 97 / 100..=size * 103 / 100).contains(&found),
                "{shape:?}: {found}"
            );
        }
    }

    #[test]
    fn requests_of_the_corpus_are_put_together() {
        for shape in [Shape::CorpusTraces, Shape::CorpusLogs, Shape::CorpusMetrics] {
            let requests = shape.requests(100, Protocol::Http, false).unwrap();
            let (last, full) = requests.split_last().unwrap();
            assert!(!full.is_empty(), "{shape:?}");
            assert!(
                full.iter().all(|request| request.records >= 100),
                "{shape:?}"
            );
            assert!(last.records < 100, "{shape:?}");
        }
    }

    #[test]
    fn traces_are_new_whenever_they_are_sent() {
        let requests = Shape::Traces.requests(16, Protocol::Grpc, false).unwrap();
        let ids = |body: &Bytes| {
            let decoded = ExportTraceServiceRequest::decode(&body[PREFIX..]).unwrap();
            let spans = decoded
                .resource_spans
                .into_iter()
                .flat_map(|it| it.scope_spans);
            let ids = spans.flat_map(|it| it.spans).map(|span| span.trace_id);
            ids.collect::<HashSet<_>>()
        };
        let bodies: Vec<_> = (0..3).map(|nth| requests[0].nth_body(nth)).collect();
        assert_eq!(bodies[0], requests[0].body);
        let all: HashSet<_> = bodies.iter().flat_map(ids).collect();
        assert_eq!(all.len(), 3 * 2, "two traces of eight spans, three times");
        assert!(all.iter().all(|id| id.len() == 16));
        assert_eq!(bodies[2].len(), bodies[0].len());
    }

    #[test]
    fn a_body_says_over_grpc_what_it_is() {
        assert_eq!(&body(&[7], Protocol::Grpc, false)[..], [0, 0, 0, 0, 1, 7]);
        assert_eq!(&body(&[7], Protocol::Http, false)[..], [7]);
        assert_eq!(
            body(&[7], Protocol::Grpc, true)[..7],
            [1, 0, 0, 0, 21, 0x1f, 0x8b]
        );
    }
}
