//! Names of OTLP that the load, the sink and the forwarder share, and the number of records in a request. It shares no code
//! with otlet, so that a mistake there is no mistake here.

use otlet::batch::Signal;
use prost::encoding::{WireType, decode_key, decode_varint};
use serde::{Deserialize, Serialize};

/// How requests travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// gRPC over HTTP/2.
    #[default]
    Grpc,
    /// Protobuf over HTTP/1.1.
    Http,
}

/// The gRPC method or HTTP path for a signal.
pub const fn path(protocol: Protocol, signal: Signal) -> &'static str {
    match (protocol, signal) {
        (Protocol::Grpc, Signal::Traces) => {
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        }
        (Protocol::Grpc, Signal::Metrics) => {
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
        }
        (Protocol::Grpc, Signal::Logs) => {
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
        }
        (Protocol::Http, Signal::Traces) => "/v1/traces",
        (Protocol::Http, Signal::Metrics) => "/v1/metrics",
        (Protocol::Http, Signal::Logs) => "/v1/logs",
    }
}

/// The signal whose method or path this is.
pub fn signal(protocol: Protocol, called: &str) -> Option<Signal> {
    Signal::ALL
        .into_iter()
        .find(|signal| path(protocol, *signal) == called)
}

/// The numbers of the fields that lead to the records of a request.
const fn way(signal: Signal) -> &'static [&'static [u32]] {
    match signal {
        Signal::Traces | Signal::Logs => &[&[1], &[2], &[2]],
        // Gauges, sums, histograms, exponential histograms and summaries have data points.
        Signal::Metrics => &[&[1], &[2], &[2], &[5, 7, 9, 10, 11], &[1]],
    }
}

/// The spans, log records or data points of an encoded request; none where it is not valid.
pub fn records(signal: Signal, message: &[u8]) -> Option<u64> {
    let mut records = 0;
    visit(message, 0, way(signal), &mut |_, _| records += 1)?;
    Some(records)
}

/// Where the trace ids of an encoded request of spans stand; none where it is not valid.
pub fn trace_ids(message: &[u8]) -> Option<Vec<usize>> {
    let mut places = vec![];
    visit(message, 0, &[&[1], &[2], &[2], &[1]], &mut |place, id| {
        if id.len() == 16 {
            places.push(place);
        }
    })?;
    Some(places)
}

/// Shows what the way leads to, and where it stands in the whole, of which `message` begins at `start`.
fn visit(
    message: &[u8],
    start: usize,
    way: &[&[u32]],
    found: &mut dyn FnMut(usize, &[u8]),
) -> Option<()> {
    let Some((wanted, further)) = way.split_first() else {
        found(start, message);
        return Some(());
    };
    let mut rest = message;
    while !rest.is_empty() {
        let (number, wire) = decode_key(&mut rest).ok()?;
        let len = match wire {
            WireType::Varint => {
                decode_varint(&mut rest).ok()?;
                continue;
            }
            WireType::ThirtyTwoBit => 4,
            WireType::SixtyFourBit => 8,
            WireType::LengthDelimited => usize::try_from(decode_varint(&mut rest).ok()?).ok()?,
            WireType::StartGroup | WireType::EndGroup => return None,
        };
        let place = start + message.len() - rest.len();
        let (inner, after) = rest.split_at_checked(len)?;
        rest = after;
        if wire == WireType::LengthDelimited && wanted.contains(&number) {
            visit(inner, place, further, found)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_has_as_many_records_as_its_readme_says() {
        let of = |signal: Signal| -> u64 {
            crate::requests::corpus::files(signal)
                .unwrap()
                .iter()
                .map(|message| records(signal, message).unwrap())
                .sum()
        };
        assert_eq!(of(Signal::Traces), 5863);
        assert_eq!(of(Signal::Logs), 2788);
        assert_eq!(of(Signal::Metrics), 650);
    }

    #[test]
    fn what_is_no_request_has_no_records() {
        assert_eq!(records(Signal::Traces, &[]), Some(0));
        assert_eq!(records(Signal::Traces, &[0x0a, 5, 1]), None);
        assert_eq!(records(Signal::Logs, &[0xff; 11]), None);
    }

    #[test]
    fn every_path_is_that_of_its_signal() {
        for protocol in [Protocol::Grpc, Protocol::Http] {
            for of in Signal::ALL {
                assert_eq!(signal(protocol, path(protocol, of)), Some(of));
            }
            assert_eq!(signal(protocol, "/v1/profiles"), None);
        }
    }
}
