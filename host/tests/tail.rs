//! Whole traces: spans are held by the connector `groupbytrace`, and what was acknowledged comes through it once.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Status;
use otlet_tests::backend::{Answer, Backend, Received, Request};
use otlet_tests::metrics::{scrape, scrape_until};
use otlet_tests::program::{Program, command};
use otlet_tests::sender::{Reply, Sender, method, numbers, spans};
use prost::Message;
use tokio::task::spawn_blocking;

const OTLET: &str = env!("CARGO_BIN_EXE_otlet");
const RESOURCE_EXHAUSTED: u16 = 8;
const PATIENCE: Duration = Duration::from_secs(20);
const APPLIED: &str = "the config was reloaded";

/// What keeps whole traces with an error, and nothing else.
const ERRORS: &str = "by: trace, percentage: 0, keep: { errors: true }";

/// Traces come to a connector with these keys, go through `sample`, and on to a backend with these.
fn config(keys: &str, sample: &str, endpoint: &str, exporter: &str) -> String {
    format!(
        "
admin: {{ endpoint: 127.0.0.1:0 }}
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors: {{ sample: {{ config: {{ {sample} }} }} }}
connectors: {{ groupbytrace: {{ {keys} }} }}
exporters:
  otlp:
    endpoint: '{endpoint}'
    retry_on_failure: {{ initial_interval: 50ms, max_interval: 100ms }}
    {exporter}
service:
  pipelines:
    traces: {{ receivers: [otlp], exporters: [groupbytrace] }}
    traces/whole: {{ receivers: [groupbytrace], processors: [sample], exporters: [otlp] }}
"
    )
}

/// Spans of traces, by the numbers of both; an error where the trace's is negative.
fn request(of: &[(i64, u64)]) -> Request {
    let mut request: ExportTraceServiceRequest = spans(of.iter().map(|(_, number)| *number));
    let resources = request.resource_spans.iter_mut();
    let scopes = resources.flat_map(|resource| &mut resource.scope_spans);
    for (span, (trace, _)) in scopes.flat_map(|scope| &mut scope.spans).zip(of) {
        span.trace_id = trace.abs().to_be_bytes().repeat(2);
        span.status = (*trace < 0).then(|| Status {
            code: 2,
            ..Status::default()
        });
    }
    Request::Traces(request)
}

async fn give(sender: &Sender, of: &[(i64, u64)]) -> Reply {
    sender.send(&request(of)).await.unwrap()
}

async fn send(sender: &Sender, of: &[(i64, u64)]) {
    let reply = give(sender, of).await;
    assert_eq!(reply.code, 0, "{reply:?}");
}

async fn terminate(mut otlet: Program) {
    otlet.signal("TERM");
    let ended = spawn_blocking(move || otlet.ended()).await.unwrap();
    assert_eq!(ended.code(), Some(0));
}

fn held(otlet: &Program, spans: u64) {
    scrape_until(otlet.admin(), "spans to be held", |metrics| {
        metrics.count("otlet_connector_held_items", &[]) == spans
    });
}

/// How many requests hold spans of a trace.
fn parts(received: &[Received], trace: u64) -> usize {
    let id = trace.to_be_bytes().repeat(2);
    let has = |one: &&Received| match &one.request {
        Request::Traces(request) => {
            let resources = request.resource_spans.iter();
            let scopes = resources.flat_map(|resource| &resource.scope_spans);
            let mut spans = scopes.flat_map(|scope| &scope.spans);
            spans.any(|span| span.trace_id == id)
        }
        _ => false,
    };
    received.iter().filter(has).count()
}

#[tokio::test]
async fn one_error_that_comes_last_keeps_its_trace_of_several_requests_and_connections() {
    let backend = Backend::start();
    let otlet = Program::start(
        OTLET,
        &config("wait_duration: 1h", ERRORS, &backend.endpoint(), ""),
    );
    let (one, other) = (Sender::grpc(otlet.grpc()), Sender::grpc(otlet.grpc()));
    send(&one, &[(1, 11), (2, 21), (1, 12), (3, 31)]).await;
    send(&other, &[(3, 32), (1, 13)]).await;
    send(&one, &[(2, 22), (3, 33)]).await;
    send(&other, &[(-1, 14)]).await;
    held(&otlet, 9);
    let metrics = scrape(otlet.admin());
    assert_eq!(metrics.count("otlet_connector_held_traces", &[]), 3);
    assert!(metrics.count("otlet_connector_held_memory_bytes", &[]) > 4 * 512);
    assert!(backend.received().is_empty());
    terminate(otlet).await;
    assert_eq!(numbers(&backend.taken()), [11, 12, 13, 14]);
    assert_eq!(parts(&backend.taken(), 1), 1);
}

#[tokio::test]
async fn a_trace_goes_on_once_its_time_has_come_and_what_comes_later_is_late() {
    let backend = Backend::start();
    let otlet = Program::start(
        OTLET,
        &config(
            "wait_duration: 100ms",
            "percentage: 100",
            &backend.endpoint(),
            "",
        ),
    );
    let sender = Sender::grpc(otlet.grpc());
    send(&sender, &[(1, 11), (2, 21), (1, 12)]).await;
    assert_eq!(numbers(&backend.wait_for(1)), [11, 12, 21]);
    held(&otlet, 0);
    send(&sender, &[(1, 13), (4, 41)]).await;
    backend.wait_for(2);
    let metrics = scrape_until(otlet.admin(), "all to be taken", |metrics| {
        metrics.count("otlet_connector_sent_items_total", &[]) == 5
    });
    let count = |name| metrics.count(name, &[]);
    assert_eq!(count("otlet_connector_late_traces_total"), 1);
    assert_eq!(count("otlet_connector_early_traces_total"), 0);
    assert_eq!(count("otlet_connector_held_memory_bytes"), 0);
    terminate(otlet).await;
    assert_eq!(numbers(&backend.taken()), [11, 12, 13, 21, 41]);
}

#[tokio::test]
async fn at_a_bound_the_oldest_traces_go_on_early() {
    let backend = Backend::start();
    let keys = "wait_duration: 1h, num_traces: 3";
    let otlet = Program::start(
        OTLET,
        &config(keys, "percentage: 100", &backend.endpoint(), ""),
    );
    let sender = Sender::grpc(otlet.grpc());
    for trace in 1..=10_i64 {
        let number = trace.unsigned_abs();
        send(&sender, &[(trace, 10 * number), (trace, 10 * number + 1)]).await;
    }
    let early = backend.wait_until("seven traces", |received| numbers(received).len() == 14);
    assert_eq!(numbers(&early)[12..], [70, 71]);
    held(&otlet, 6);
    let metrics = scrape(otlet.admin());
    assert_eq!(metrics.count("otlet_connector_early_traces_total", &[]), 7);
    terminate(otlet).await;
    assert_eq!(numbers(&backend.taken()).len(), 20);
    for trace in 1..=10 {
        assert_eq!(parts(&backend.taken(), trace), 1);
    }
}

#[tokio::test]
async fn while_the_backend_is_down_spans_are_held_and_more_are_refused_and_none_is_lost() {
    const SPANS: u64 = 500;
    let backend = Backend::start();
    backend.always(Answer::Hang);
    let exporter = "timeout: 60s\n    sending_queue: { queue_size: 2, num_consumers: 1 }";
    let keys = "wait_duration: 10ms, max_bytes: 1MiB";
    let otlet = Program::start(
        OTLET,
        &config(keys, "percentage: 100", &backend.endpoint(), exporter),
    );
    let sender = Sender::grpc(otlet.grpc());
    let (mut taken, mut refused) = (0, None);
    let begun = Instant::now();
    // Its queue may still have room for what was held when the first is refused.
    while refused.is_none() || !otlet.said().contains("it is held on") {
        assert!(begun.elapsed() < PATIENCE, "{}", otlet.said());
        let numbers = taken..taken + SPANS;
        let of: Vec<_> = numbers
            .map(|number| (i64::try_from(number / 10).unwrap() + 1, number))
            .collect();
        let reply = give(&sender, &of).await;
        if reply.code == 0 {
            taken += SPANS;
        } else {
            refused = Some(reply);
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.code, RESOURCE_EXHAUSTED, "{refused:?}");
    assert!(
        refused.message.contains("connector \"groupbytrace\""),
        "{refused:?}"
    );
    assert!(refused.retry.is_some());
    assert!(taken > 2 * SPANS, "{taken}");
    assert!(backend.taken().is_empty());
    backend.always(Answer::Ok);
    backend.release();
    terminate(otlet).await;
    assert_eq!(numbers(&backend.taken()), (0..taken).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_connectors_one_behind_the_other_hold_arrives_after_a_sigterm() {
    let backend = Backend::start();
    let config = config(
        "wait_duration: 1h",
        ERRORS,
        &backend.endpoint(),
        "sending_queue: { enabled: false }",
    );
    let config = config
        .replace(
            "connectors: {",
            "connectors: { groupbytrace/b: { wait_duration: 1h }, ",
        )
        .replace("exporters: [otlp]", "exporters: [groupbytrace/b]");
    let last = "    traces/last: { receivers: [groupbytrace/b], exporters: [otlp] }\n";
    let otlet = Program::start(OTLET, &(config + last));
    let sender = Sender::grpc(otlet.grpc());
    for number in 0..50 {
        let trace = i64::try_from(number % 5).unwrap() + 1;
        let sign = if number == 49 { -1 } else { 1 };
        send(&sender, &[(sign * trace, number)]).await;
    }
    terminate(otlet).await;
    let expected: Vec<_> = (0..50).filter(|number| number % 5 == 4).collect();
    assert_eq!(numbers(&backend.taken()), expected);
}

#[tokio::test]
async fn a_reload_keeps_what_is_held_for_other_processors_and_hands_it_on_from_another_connector() {
    let backend = Backend::start();
    let config = |keys, sample| config(keys, sample, &backend.endpoint(), "");
    let nothing = "percentage: 0";
    let otlet = Program::start(OTLET, &config("wait_duration: 1h", nothing));
    let sender = Sender::grpc(otlet.grpc());
    send(&sender, &[(1, 11), (2, 21)]).await;
    held(&otlet, 2);
    otlet.reload(&config("wait_duration: 1h", ERRORS), APPLIED);
    send(&sender, &[(-1, 12)]).await;
    held(&otlet, 3);
    // Another connector: what the one before holds goes on at once, through the processors that there were.
    let other = config("wait_duration: 1h", nothing).replace("groupbytrace", "groupbytrace/b");
    otlet.reload(&other, APPLIED);
    assert_eq!(numbers(&backend.wait_for(1)), [11, 12]);
    otlet.wait_for("has handed on what it held");
    send(&sender, &[(1, 13)]).await;
    held(&otlet, 1);
    // None at all.
    let without = format!(
        "
admin: {{ endpoint: 127.0.0.1:0 }}
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
exporters: {{ otlp: {{ endpoint: '{}' }} }}
service: {{ pipelines: {{ traces: {{ receivers: [otlp], exporters: [otlp] }} }} }}
",
        backend.endpoint()
    );
    let line = otlet.reload(&without, APPLIED);
    assert!(line.contains("connectors.groupbytrace/b"), "{line}");
    send(&sender, &[(1, 14)]).await;
    terminate(otlet).await;
    assert_eq!(numbers(&backend.taken()), [11, 12, 14]);
}

#[tokio::test]
async fn other_settings_of_a_connector_are_kept_to_with_all_that_it_holds() {
    let backend = Backend::start();
    let config = |keys| config(keys, "percentage: 100", &backend.endpoint(), "");
    let otlet = Program::start(OTLET, &config("wait_duration: 1h"));
    let sender = Sender::grpc(otlet.grpc());
    send(&sender, &[(1, 11), (2, 21), (3, 31)]).await;
    held(&otlet, 3);
    let keys = "wait_duration: 30m, num_traces: 2, max_bytes: 8MiB";
    otlet.reload(&config(keys), APPLIED);
    // No more traces than that.
    assert_eq!(numbers(&backend.wait_for(1)), [11]);
    send(&sender, &[(2, 22)]).await;
    held(&otlet, 3);
    let metrics = scrape(otlet.admin());
    let count = |name| metrics.count(name, &[]);
    assert_eq!(count("otlet_connector_memory_limit_bytes"), 8 << 20);
    assert_eq!(count("otlet_connector_early_traces_total"), 1);
    assert_eq!(count("otlet_connector_draining_items"), 0);
    otlet.reload(&config("wait_duration: 50ms"), APPLIED);
    backend.wait_until("what is due now", |received| numbers(received).len() == 4);
    held(&otlet, 0);
    terminate(otlet).await;
    assert_eq!(numbers(&backend.taken()), [11, 21, 22, 31]);
    assert_eq!(parts(&backend.taken(), 2), 1);
}

/// A request of one span whose name is not text.
fn malformed(number: u64) -> Vec<u8> {
    let name = format!("GET /{number}");
    let mut message = spans([number]).encode_to_vec();
    let mut places = message.windows(name.len());
    let at = places.position(|bytes| bytes == name.as_bytes()).unwrap();
    message[at] = 0xff;
    message
}

#[tokio::test]
async fn a_malformed_span_is_refused_to_its_sender_and_costs_no_other_theirs() {
    let backend = Backend::start();
    let endpoint = backend.endpoint();
    let otlet = Program::start(
        OTLET,
        &config("wait_duration: 1h", "percentage: 100", &endpoint, ""),
    );
    let (good, bad) = (Sender::grpc(otlet.grpc()), Sender::grpc(otlet.grpc()));
    send(&good, &[(1, 11), (2, 21)]).await;
    let answer = bad
        .call(&method("traces"), None, &malformed(66))
        .await
        .unwrap();
    assert_eq!(answer.header("grpc-status"), Some("3"), "{answer:?}");
    let said = answer.header("grpc-message").unwrap_or_default();
    assert!(said.contains("UTF-8") && said.contains("`name`"), "{said}");
    send(&good, &[(1, 12)]).await;
    held(&otlet, 3);
    terminate(otlet).await;
    assert_eq!(numbers(&backend.taken()), [11, 12, 21]);
}

/// Whether a request has a span that a backend may take for wrong.
fn is_bad(request: &Request) -> bool {
    let Request::Traces(request) = request else {
        return true;
    };
    let scopes = request.resource_spans.iter().flat_map(|it| &it.scope_spans);
    let mut spans = scopes.flat_map(|scope| &scope.spans);
    spans.any(|span| span.name == "GET /500")
}

#[tokio::test]
async fn a_span_that_the_backend_refuses_costs_none_of_those_that_it_went_with() {
    let backend = Backend::start();
    backend.always(Answer::RefusedIf(is_bad));
    // With a queue, and where the connector hears of it.
    for exporter in ["", "sending_queue: { enabled: false }"] {
        let endpoint = backend.endpoint();
        let config = config("wait_duration: 1h", "percentage: 100", &endpoint, exporter);
        let otlet = Program::start(OTLET, &config);
        let senders = [Sender::grpc(otlet.grpc()), Sender::grpc(otlet.grpc())];
        for number in 0..1000 {
            let trace = i64::try_from(number / 4).unwrap() + 1;
            let sender = &senders[usize::try_from(number % 2).unwrap()];
            send(sender, &[(trace, number)]).await;
        }
        terminate(otlet).await;
    }
    let arrived = numbers(&backend.taken());
    let expected = (0..1000).filter(|number| *number != 500);
    let twice: Vec<_> = expected.flat_map(|number| [number; 2]).collect();
    assert_eq!(arrived, twice);
}

#[tokio::test]
async fn what_is_larger_than_an_exporters_queue_goes_on_in_parts_and_traces_stay_whole() {
    let backend = Backend::start();
    let exporter = "sending_queue: { sizer: items, queue_size: 7 }";
    let endpoint = backend.endpoint();
    let otlet = Program::start(
        OTLET,
        &config("wait_duration: 1h", "percentage: 100", &endpoint, exporter),
    );
    let sender = Sender::grpc(otlet.grpc());
    // Each trace in two requests.
    for half in 0..2 {
        let of: Vec<_> = (0..20_i64)
            .flat_map(|trace| (0..3_i64).map(move |span| (trace + 1, trace * 6 + half * 3 + span)))
            .map(|(trace, number)| (trace, number.unsigned_abs()))
            .collect();
        send(&sender, &of).await;
    }
    held(&otlet, 120);
    terminate(otlet).await;
    let taken = backend.taken();
    assert_eq!(numbers(&taken), (0..120).collect::<Vec<_>>());
    for trace in 1..=20 {
        assert_eq!(parts(&taken, trace), 1, "{trace}");
    }
}

#[tokio::test]
async fn what_a_connector_that_is_gone_holds_is_told_and_counted_as_lost_if_otlet_must_end() {
    let backend = Backend::start();
    backend.always(Answer::Hang);
    let exporter = "timeout: 60s\n    sending_queue: { enabled: false }";
    let config = config(
        "wait_duration: 1h",
        "percentage: 100",
        &backend.endpoint(),
        exporter,
    );
    let mut otlet = Program::start(OTLET, &config);
    let sender = Sender::grpc(otlet.grpc());
    for number in 0..3 {
        send(&sender, &[(1, number), (2, 10 + number)]).await;
    }
    held(&otlet, 6);
    otlet.reload(&config.replace("groupbytrace", "groupbytrace/b"), APPLIED);
    send(&sender, &[(1, 4)]).await;
    scrape_until(otlet.admin(), "both to hold", |metrics| {
        let count = |name, connector| metrics.count(name, &[("connector", connector)]);
        count("otlet_connector_draining_items", "groupbytrace") == 6
            && count("otlet_connector_held_items", "groupbytrace/b") == 1
    });
    otlet.signal("TERM");
    otlet.wait_for("shutting down");
    otlet.signal("TERM");
    otlet.wait_for("lost_requests=4");
    let ended = spawn_blocking(move || otlet.ended()).await.unwrap();
    assert_eq!(ended.code(), Some(1));
}

#[tokio::test]
async fn what_the_pipelines_refuse_for_good_is_a_dead_letter_that_is_replayed_to_them() {
    let backend = Backend::start();
    let folder = tempfile::tempdir().unwrap();
    let letters = folder.path().join("dead");
    let config = |exporter| {
        let config = config("wait_duration: 10ms", ERRORS, &backend.endpoint(), exporter);
        format!(
            "dead_letters: {{ directory: '{}' }}\n{config}",
            letters.display()
        )
    };
    // A queue in which two spans never have room.
    let small = config("sending_queue: { sizer: items, queue_size: 1 }");
    let otlet = Program::start(OTLET, &small);
    let sender = Sender::grpc(otlet.grpc());
    send(&sender, &[(-1, 11), (1, 12), (2, 21)]).await;
    let line = otlet.wait_for("were refused for good");
    assert!(line.contains("dead_letter=true"), "{line}");
    terminate(otlet).await;
    assert!(backend.received().is_empty());

    let file = folder.path().join("replay.yaml");
    std::fs::write(&file, config("")).unwrap();
    let mut replay = command(OTLET);
    replay.arg("replay").arg(&letters).arg("--config").arg(file);
    let output = spawn_blocking(move || replay.output())
        .await
        .unwrap()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(numbers(&backend.taken()), [11, 12]);
    let left = std::fs::read_dir(&letters).unwrap().flatten();
    let left = left.filter(|entry| entry.path().extension().is_some_and(|it| it == "otlp"));
    assert_eq!(left.count(), 0);
}
