//! What is no OTLP gets a clean answer, and otlet lives on.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use otlet_tests::backend::{Backend, Request};
use otlet_tests::sender::method;
use prost::Message;

use crate::client::{Client, Encoding, compress};
use crate::corpus;
use crate::{end, start};

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const JSON: (&str, &str) = ("content-type", "application/json");
const GZIP: (&str, &str) = ("content-encoding", "gzip");

/// A field of 100 bytes of which one came.
const GARBAGE: &[u8] = &[0x0a, 100, 1];

/// A span whose attribute has a number where its text should be.
const DEEP_GARBAGE: &[u8] = b"\x0a\x0d\x12\x0b\x12\x09\x4a\x07\x0a\x01k\x12\x02\x08\x01";

/// Runs otlet with a pipeline for traces alone, whose processor opens what is compressed and drops nothing, and gives what
/// the backend has once otlet has ended.
fn with_otlet(send: impl FnOnce(&Client)) -> Vec<Request> {
    with_processor("sample", send)
}

fn with_processor(processor: &str, send: impl FnOnce(&Client)) -> Vec<Request> {
    let backend = Backend::start();
    let endpoint = backend.endpoint();
    let otlet = start(&format!(
        "processors: {{ {processor}: {{}} }}
exporters: {{ otlp: {{ endpoint: \"{endpoint}\", compression: none }} }}
service:
  pipelines:
    traces: {{ receivers: [otlp], processors: [{processor}], exporters: [otlp] }}"
    ));
    let client = Client::to(&otlet);
    send(&client);
    client.send(Encoding::Grpc, None, "traces", &good());
    client.send(Encoding::Protobuf, None, "traces", &good());
    end(otlet);
    let received = backend.received().into_iter().map(|it| it.request);
    received.collect()
}

fn good() -> Vec<u8> {
    corpus::read("traces-0069.pb")
}

/// Only the good requests came out.
fn assert_good_alone(received: &[Request]) {
    let good = Request::Traces(ExportTraceServiceRequest::decode(good().as_slice()).unwrap());
    assert_eq!(received, [good.clone(), good]);
}

/// A path, headers and a body, and the answer's status.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8], u16);

#[test]
fn what_is_no_otlp_over_http_is_refused_and_otlet_lives_on() {
    let received = with_otlet(|client| {
        let good = good();
        let gzip = compress(GARBAGE);
        let mut damaged = compress(&good).to_vec();
        let middle = damaged.len() / 2;
        damaged[middle..][..9].fill(0xff);
        let cases: &[Case<'_>] = &[
            ("/v1/profiles", &[PROTOBUF], &good, 404),
            ("/", &[PROTOBUF], &good, 404),
            ("/v1/logs", &[PROTOBUF], &corpus::read("logs-0001.pb"), 404),
            ("/v1/traces", &[("content-type", "text/plain")], &good, 415),
            ("/v1/traces", &[], &good, 415),
            (
                "/v1/traces",
                &[PROTOBUF, ("content-encoding", "br")],
                &good,
                415,
            ),
            ("/v1/traces", &[PROTOBUF], GARBAGE, 400),
            ("/v1/traces", &[PROTOBUF], b"not protobuf at all", 400),
            ("/v1/traces", &[PROTOBUF, GZIP], &good, 400),
            ("/v1/traces", &[PROTOBUF, GZIP], &damaged, 400),
            ("/v1/traces", &[PROTOBUF, GZIP], &gzip, 400),
            ("/v1/traces", &[JSON], b"{\"resourceSpans\": [", 400),
            ("/v1/traces", &[JSON, GZIP], &gzip, 400),
            ("/v1/traces", &[JSON], &good, 400),
        ];
        for (path, headers, body, status) in cases {
            let answer = client.post(path, headers, body);
            assert_eq!(answer.status, *status, "{path} {headers:?}: {answer:?}");
            assert!(!answer.body.is_empty(), "{path} {headers:?}: {answer:?}");
        }
        let answer = client.get("/v1/traces");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    });
    assert_good_alone(&received);
}

#[test]
fn what_is_no_otlp_over_grpc_is_refused_and_otlet_lives_on() {
    let received = with_otlet(|client| {
        let traces = method("traces");
        let good = good();
        // INVALID_ARGUMENT is 3 and UNIMPLEMENTED 12.
        let cases: &[(&str, Option<&str>, &[u8], &str)] = &[
            ("/opentelemetry.Nothing/Export", None, &good, "12"),
            (&method("logs"), None, &corpus::read("logs-0001.pb"), "12"),
            (&traces, Some("br"), &good, "12"),
            (&traces, None, GARBAGE, "3"),
            (&traces, None, b"not protobuf at all", "3"),
            (&traces, Some("gzip"), &good, "3"),
            (&traces, Some("gzip"), &compress(GARBAGE), "3"),
        ];
        for (path, compressed, message, status) in cases {
            let answer = client.call(path, *compressed, message);
            let got = (answer.status, answer.header("grpc-status"));
            assert_eq!(
                got,
                (200, Some(*status)),
                "{path} {compressed:?}: {answer:?}"
            );
            let message = answer.header("grpc-message").unwrap_or_default();
            assert!(!message.is_empty(), "{path} {compressed:?}: {answer:?}");
        }
    });
    assert_good_alone(&received);
}

#[test]
fn requests_without_records_are_taken_and_not_passed_on() {
    let empty_scope = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans::default()],
            ..ResourceSpans::default()
        }],
    };
    let received = with_otlet(|client| {
        for message in [vec![], empty_scope.encode_to_vec()] {
            client.send(Encoding::Grpc, None, "traces", &message);
            client.send(Encoding::Protobuf, None, "traces", &message);
        }
        client.send(Encoding::Json, None, "traces", b"{}");
        client.send(
            Encoding::Json,
            Some("gzip"),
            "traces",
            br#"{"resourceSpans":[]}"#,
        );
    });
    assert_good_alone(&received);
}

#[test]
fn what_a_plugin_finds_malformed_is_told_with_its_place() {
    let received = with_processor("redact", |client| {
        let answer = client.post("/v1/traces", &[PROTOBUF], DEEP_GARBAGE);
        let said = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(answer.status, 400, "{said}");
        assert!(
            said.contains("malformed traces: ") && said.contains("at byte 13"),
            "{said}"
        );
        let answer = client.call(&method("traces"), None, DEEP_GARBAGE);
        assert_eq!(answer.header("grpc-status"), Some("3"), "{answer:?}");
    });
    assert_good_alone(&received);
}
