//! What a backend says in `partial_success` reaches a sender that waits for it.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use otlet_tests::backend::{Answer, Backend};
use otlet_tests::program::Program;
use otlet_tests::sender::{Answer as Told, method};
use prost::Message;

use crate::client::Client;
use crate::corpus::{self, Sent};
use crate::{end, start};

const WORDS: &str = "no room for \u{e4}ll of it";

/// Otlet between a sender and these backends.
fn relay(backends: &[&Backend], queue: bool) -> Program {
    let queue = format!("sending_queue: {{ enabled: {queue} }}");
    let (exporters, names): (Vec<_>, Vec<_>) = (backends.iter().enumerate())
        .map(|(number, backend)| {
            let name = format!("otlp/{number}");
            let endpoint = backend.endpoint();
            (
                format!("{name}: {{ endpoint: '{endpoint}', {queue} }}"),
                name,
            )
        })
        .unzip();
    let (exporters, names) = (exporters.join(", "), names.join(", "));
    start(&format!(
        "exporters: {{ {exporters} }}
service:
  pipelines:
    traces: {{ receivers: [otlp], exporters: [{names}] }}
    metrics: {{ receivers: [otlp], exporters: [{names}] }}
    logs: {{ receivers: [otlp], exporters: [{names}] }}"
    ))
}

fn partial(rejected: i64, words: &str) -> Answer {
    Answer::Partial {
        rejected,
        message: words.to_owned(),
    }
}

/// A request of each signal, in JSON as well.
fn requests() -> Vec<Sent> {
    let mut requests = corpus::requests();
    requests.retain(|sent| sent.encoding == crate::client::Encoding::Json);
    requests
}

/// What an export response in protobuf says; the responses of the signals are the same on the wire.
fn said(message: &[u8]) -> Option<(i64, String)> {
    let response = ExportLogsServiceResponse::decode(message).unwrap();
    let partial = response.partial_success?;
    Some((partial.rejected_log_records, partial.error_message))
}

fn by_grpc(client: &Client, sent: &Sent) -> Option<(i64, String)> {
    let answer = client.call(&method(&sent.signal), None, &sent.message);
    assert_eq!(answer.header("grpc-status"), Some("0"), "{answer:?}");
    let len = u32::from_be_bytes(answer.body[1..5].try_into().unwrap());
    assert_eq!(len as usize, answer.body.len() - 5);
    said(&answer.body[5..])
}

fn by_http(client: &Client, sent: &Sent, kind: &str, body: &[u8]) -> Told {
    let path = format!("/v1/{}", sent.signal);
    let answer = client.post(&path, &[("content-type", kind)], body);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some(kind));
    answer
}

#[test]
fn a_sender_that_waits_hears_it_in_every_encoding_and_signal() {
    let backend = Backend::start();
    backend.always(partial(2, WORDS));
    let otlet = relay(&[&backend], false);
    let client = Client::to(&otlet);
    let expected = Some((2, WORDS.to_owned()));
    for sent in requests() {
        assert_eq!(by_grpc(&client, &sent), expected);
        let protobuf = by_http(&client, &sent, "application/x-protobuf", &sent.message);
        assert_eq!(said(&protobuf.body), expected);
        let json = corpus::read(&sent.file.replace(".pb", ".json"));
        let answer = by_http(&client, &sent, "application/json", &json);
        let read: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let rejected = match sent.signal.as_str() {
            "traces" => "rejectedSpans",
            "metrics" => "rejectedDataPoints",
            _ => "rejectedLogRecords",
        };
        let partial = serde_json::json!({ rejected: "2", "errorMessage": WORDS });
        assert_eq!(read, serde_json::json!({ "partialSuccess": partial }));
    }
    end(otlet);
}

#[test]
fn of_two_backends_the_larger_rejection_is_told() {
    let (one, other) = (Backend::start(), Backend::start());
    let otlet = relay(&[&one, &other], false);
    let client = Client::to(&otlet);
    let sent = requests().remove(0);
    one.script([
        partial(1, "one"),
        partial(4, "one"),
        Answer::Ok,
        partial(1, "one"),
    ]);
    other.script([
        partial(3, "other"),
        Answer::Ok,
        partial(0, "a warning"),
        Answer::refused(),
    ]);
    assert_eq!(by_grpc(&client, &sent), Some((3, "other".to_owned())));
    assert_eq!(by_grpc(&client, &sent), Some((4, "one".to_owned())));
    assert_eq!(by_grpc(&client, &sent), Some((0, "a warning".to_owned())));
    // A refusal goes before everything.
    let answer = client.call(&method(&sent.signal), None, &sent.message);
    assert_eq!(answer.header("grpc-status"), Some("3"), "{answer:?}");
    end(otlet);
}

#[test]
fn a_backends_words_are_cut_and_cleaned_before_they_are_passed_on() {
    let backend = Backend::start();
    let words = format!("a\u{1b}[2J\n{}", "x".repeat(500));
    backend.always(partial(1, &words));
    let otlet = relay(&[&backend], false);
    let (_, told) = by_grpc(&Client::to(&otlet), &requests()[0]).unwrap();
    assert_eq!(told.chars().count(), 200);
    assert!(told.starts_with("a [2J x"), "{told}");
    end(otlet);
}

#[test]
fn a_sender_that_does_not_wait_is_told_nothing() {
    let backend = Backend::start();
    backend.always(partial(2, WORDS));
    let otlet = relay(&[&backend], true);
    assert_eq!(by_grpc(&Client::to(&otlet), &requests()[0]), None);
    backend.wait_for(1);
    otlet.wait_for("the backend took a request in part");
    end(otlet);
}

#[test]
fn no_more_is_told_than_was_sent() {
    let backend = Backend::start();
    backend.always(partial(999, WORDS));
    let otlet = relay(&[&backend], false);
    let sent = requests().remove(0);
    let items = i64::try_from(sent.request().items()).unwrap();
    let told = by_grpc(&Client::to(&otlet), &sent);
    assert_eq!(told, Some((items, WORDS.to_owned())));
    end(otlet);
}
