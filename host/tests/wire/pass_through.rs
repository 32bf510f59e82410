//! Without processors a request leaves with the bytes it came with.

use std::collections::BTreeSet;

use otlet_tests::backend::{Backend, Protocol, Received, Request};
use otlet_tests::program::Program;

use crate::client::{Client, Encoding, compress_as, decompress};
use crate::corpus::{self, data_points, log_records, spans};
use crate::{end, start};

/// Otlet with one exporter and no processor.
fn forwarder(exporter: &str, compression: &str, backend: &Backend) -> Program {
    let endpoint = backend.endpoint();
    start(&format!(
        "exporters: {{ {exporter}: {{ endpoint: \"{endpoint}\", compression: {compression} }} }}
service:
  pipelines:
    traces: {{ receivers: [otlp], exporters: [{exporter}] }}
    metrics: {{ receivers: [otlp], exporters: [{exporter}] }}
    logs: {{ receivers: [otlp], exporters: [{exporter}] }}"
    ))
}

/// Sends every signal in every encoding and looks at what arrives.
fn every_way_in(exporter: &str, compression: &str) {
    let backend = Backend::start();
    let otlet = forwarder(exporter, compression, &backend);
    let client = Client::to(&otlet);
    let sent: Vec<_> = corpus::requests()
        .into_iter()
        .filter(|sent| sent.encoding == Encoding::Json)
        .collect();
    let signals: BTreeSet<_> = sent.iter().map(|sent| sent.signal.as_str()).collect();
    assert_eq!(signals, ["logs", "metrics", "traces"].into());
    let mut count = 0;
    for sent in &sent {
        for encoding in [Encoding::Grpc, Encoding::Protobuf, Encoding::Json] {
            for coding in [None, Some("gzip"), Some("zstd"), Some("deflate")] {
                let file = match encoding {
                    Encoding::Json => sent.file.replace(".pb", ".json"),
                    _ => sent.file.clone(),
                };
                let body = client.send(encoding, coding, &sent.signal, &corpus::read(&file));
                count += 1;
                let received = backend.wait_for(count).pop().unwrap();
                let way = format!("{file} by {encoding:?}, {coding:?}");
                assert_eq!(received.request, sent.request(), "{way}");
                let wanted = (compression != "none").then_some(compression);
                assert_eq!(received.coding.as_deref(), wanted, "{way}");
                if encoding != Encoding::Json {
                    assert_eq!(plain(&received, sent.message.len()), sent.message, "{way}");
                }
                if encoding != Encoding::Json && coding == wanted {
                    assert_eq!(received.body, body, "{way}");
                }
                let protocol = match exporter {
                    "otlp" => Protocol::Grpc,
                    _ => Protocol::Http,
                };
                assert_eq!(received.protocol, protocol, "{way}");
            }
        }
    }
    end(otlet);
    assert_eq!(backend.received().len(), 36);
}

fn plain(received: &Received, len: usize) -> Vec<u8> {
    match &received.coding {
        Some(coding) => decompress(coding, &received.body, len),
        None => received.body.to_vec(),
    }
}

#[test]
fn every_encoding_and_signal_leaves_by_grpc_as_it_came() {
    every_way_in("otlp", "none");
}

#[test]
fn every_encoding_and_signal_leaves_by_grpc_with_gzip_as_it_came() {
    every_way_in("otlp", "gzip");
}

#[test]
fn every_encoding_and_signal_leaves_by_http_as_it_came() {
    every_way_in("otlphttp", "none");
}

#[test]
fn every_encoding_and_signal_leaves_by_http_with_gzip_as_it_came() {
    every_way_in("otlphttp", "gzip");
}

#[test]
fn every_encoding_and_signal_leaves_by_grpc_with_zstd_as_it_came() {
    every_way_in("otlp", "zstd");
}

#[test]
fn every_encoding_and_signal_leaves_by_http_with_zstd_as_it_came() {
    every_way_in("otlphttp", "zstd");
}

#[test]
fn every_encoding_and_signal_leaves_by_grpc_with_deflate_as_it_came() {
    every_way_in("otlp", "deflate");
}

#[test]
fn every_encoding_and_signal_leaves_by_http_with_deflate_as_it_came() {
    every_way_in("otlphttp", "deflate");
}

#[test]
fn the_corpus_leaves_byte_by_byte_and_exactly_once() {
    let backend = Backend::start();
    let otlet = forwarder("otlp", "none", &backend);
    let client = Client::to(&otlet);
    let sent = corpus::requests();
    for sent in &sent {
        sent.replay(&client);
    }
    end(otlet);

    let received = backend.received();
    assert_eq!(received.len(), sent.len());
    // The queue may send in another order.
    let mut left: Vec<_> = received.iter().collect();
    for sent in &sent {
        let json = (sent.encoding == Encoding::Json).then(|| sent.request());
        let same = left.iter().position(|received| match &json {
            Some(request) => received.request == *request,
            None => received.body == sent.message,
        });
        let same = same.unwrap_or_else(|| panic!("{} did not arrive as it was", sent.file));
        left.swap_remove(same);
    }
    let requests: Vec<_> = received.into_iter().map(|it| it.request).collect();
    assert_facts(&requests);
}

/// The facts of the corpus's README.
fn assert_facts(requests: &[Request]) {
    let spans: Vec<_> = requests.iter().flat_map(spans).collect();
    let ids: BTreeSet<_> = spans.iter().map(|span| &span.span_id).collect();
    let traces: BTreeSet<_> = spans.iter().map(|span| &span.trace_id).collect();
    assert_eq!((spans.len(), ids.len(), traces.len()), (5863, 5863, 1610));
    assert_eq!(requests.iter().flat_map(log_records).count(), 2788);
    assert_eq!(data_points(requests), 650);
}

#[test]
fn what_came_in_several_members_or_frames_leaves_as_one() {
    for (coding, exporter) in [("gzip", "otlp"), ("zstd", "otlphttp")] {
        let backend = Backend::start();
        let otlet = forwarder(exporter, coding, &backend);
        let client = Client::to(&otlet);
        let sent = corpus::requests().remove(0);
        let (one, other) = sent.message.split_at(sent.message.len() / 2);
        let body = [one, other].map(|part| compress_as(coding, part)).concat();
        let headers = [
            ("content-type", "application/x-protobuf"),
            ("content-encoding", coding),
        ];
        let answer = client.post(&format!("/v1/{}", sent.signal), &headers, &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        // The backend of the tests reads one member or frame only.
        let received = backend.wait_for(1).remove(0);
        assert_eq!(received.coding.as_deref(), Some(coding));
        assert_eq!(plain(&received, sent.message.len()), sent.message);
        end(otlet);
    }
}
