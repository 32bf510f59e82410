//! The corpus through the bundled plugins, held against facts that other programs computed.

use std::collections::{BTreeMap, BTreeSet};

use otlet_tests::backend::{Backend, Request};

use crate::client::Client;
use crate::corpus::{self, Sent, data_points, log_records, spans};
use crate::scanner::Scanner;
use crate::{end, start};

/// Sends the corpus through processors. Without a queue it arrives in the order in which it was sent.
pub(crate) fn through(
    processors: &str,
    traces: &str,
    metrics: &str,
    logs: &str,
) -> (Vec<Sent>, Vec<Request>) {
    let backend = Backend::start();
    let endpoint = backend.endpoint();
    let otlet = start(&format!(
        "processors: {processors}
exporters: {{ otlp: {{ endpoint: \"{endpoint}\", sending_queue: {{ enabled: false }} }} }}
service:
  pipelines:
    traces: {{ receivers: [otlp], processors: {traces}, exporters: [otlp] }}
    metrics: {{ receivers: [otlp], processors: {metrics}, exporters: [otlp] }}
    logs: {{ receivers: [otlp], processors: {logs}, exporters: [otlp] }}"
    ));
    let client = Client::to(&otlet);
    let sent = corpus::requests();
    for sent in &sent {
        sent.replay(&client);
    }
    end(otlet);
    let received = backend.received().into_iter().map(|it| it.request);
    (sent, received.collect())
}

/// Every log record without a trace id of its own must leave as `links.jsonl` says, and every other one as it came.
fn assert_linked(sent: &[Sent], received: &[Request]) {
    let mut lines = corpus::lines("links.jsonl").into_iter();
    let mut linked = 0;
    for (sent, received) in sent.iter().zip(received) {
        let before = sent.request();
        let after = log_records(received);
        for (before, after) in log_records(&before).into_iter().zip(after) {
            assert_eq!(before.time_unix_nano, after.time_unix_nano);
            let ids = (hex(&after.trace_id), hex(&after.span_id));
            if !before.trace_id.is_empty() {
                assert_eq!(ids, (hex(&before.trace_id), hex(&before.span_id)));
                continue;
            }
            let line = lines.next().unwrap();
            assert_eq!(line["file"], sent.file);
            assert_eq!(line["time_unix_nano"], before.time_unix_nano);
            let named = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            assert_eq!(ids, (named("trace_id"), named("span_id")), "{line}");
            linked += usize::from(!after.trace_id.is_empty());
        }
    }
    assert_eq!(lines.next(), None);
    assert_eq!(linked, 232);
}

fn hex(id: &[u8]) -> String {
    use std::fmt::Write as _;
    id.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

#[test]
fn nothing_planted_gets_past_redact_and_every_log_finds_its_trace() {
    let (sent, after) = through(
        "{ link: {}, redact: {} }",
        "[redact]",
        "[redact]",
        "[link, redact]",
    );
    let before: Vec<_> = sent.iter().map(Sent::request).collect();

    let scanner = Scanner::new();
    let planted = scanner.scan(&before);
    let occurrences = |found: &BTreeMap<String, usize>| found.values().sum::<usize>();
    assert_eq!(occurrences(&planted.emails), 1766);
    assert_eq!(occurrences(&planted.cards), 1073);
    assert_eq!(occurrences(&planted.tokens), 385);
    assert_eq!(occurrences(&planted.phones), 409);
    assert_eq!(occurrences(&planted.addresses), 464);
    assert_eq!(occurrences(&planted.passwords), 180);

    let left = scanner.scan(&after);
    assert!(left.is_clean(), "{left:?}");
    assert_eq!(planted.decoys.len(), 9);
    assert_eq!(left.decoys, planted.decoys);

    assert_eq!(after.len(), sent.len());
    for ((sent, before), after) in sent.iter().zip(&before).zip(&after) {
        assert_eq!(before.items(), after.items(), "{}", sent.file);
    }
    assert_eq!(after.iter().flat_map(spans).count(), 5863);
    assert_eq!(after.iter().flat_map(log_records).count(), 2788);
    assert_eq!(data_points(&after), 650);
    assert_linked(&sent, &after);
}

/// The ids of the spans of each trace.
fn traces(requests: &[Request]) -> BTreeMap<Vec<u8>, BTreeSet<Vec<u8>>> {
    let mut traces = BTreeMap::<_, BTreeSet<_>>::new();
    for span in requests.iter().flat_map(spans) {
        let of_trace = traces.entry(span.trace_id.clone()).or_default();
        assert!(of_trace.insert(span.span_id.clone()), "a span came twice");
    }
    traces
}

#[test]
fn a_tenth_of_the_traces_is_kept_whole_and_with_its_logs() {
    let (sent, after) = through(
        "{ sample: { config: { percentage: 10 } } }",
        "[sample]",
        "[]",
        "[sample]",
    );
    let before: Vec<_> = sent.iter().map(Sent::request).collect();
    let sent = traces(&before);
    let kept = traces(&after);
    assert_eq!(sent.len(), 1610);
    assert!((129..=193).contains(&kept.len()), "{} traces", kept.len());
    for (trace, spans) in &kept {
        assert_eq!(sent.get(trace), Some(spans), "trace {}", hex(trace));
    }
    // Also a log's trace, and logs without one are kept. Logs whose trace never arrived are decided by the id alone.
    let logs = |requests: &[Request]| -> Vec<_> {
        let mut logs: Vec<_> = requests
            .iter()
            .flat_map(log_records)
            .filter(|log| {
                let is_lone = log.trace_id.is_empty();
                is_lone || kept.contains_key(&log.trace_id)
            })
            .map(|log| (log.time_unix_nano, log.trace_id.clone()))
            .collect();
        logs.sort();
        logs
    };
    assert_eq!(logs(&after), logs(&before));
    let foreign = |log: &&opentelemetry_proto::tonic::logs::v1::LogRecord| {
        sent.contains_key(&log.trace_id) && !kept.contains_key(&log.trace_id)
    };
    assert_eq!(
        after.iter().flat_map(log_records).filter(foreign).count(),
        0
    );
    assert_eq!(data_points(&after), 650);
}
