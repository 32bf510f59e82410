//! What was acknowledged arrives: backends that are slow, stalled or out of order, and a program that is ended or killed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use otlet_tests::backend::{Answer, Backend, Request};
use otlet_tests::program::Program;
use otlet_tests::sender::{Sender, numbers, spans};
use tokio::sync::Notify;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

#[path = "support/app.rs"]
mod app;
/// `RetryInfo` of one second, in base64: field 1 is a duration, whose field 1 is the seconds.
const ONE_SECOND: &str = "CgIIAQ";
const RESOURCE_EXHAUSTED: u16 = 8;
const UNAVAILABLE: u16 = 14;

fn request(number: u64) -> Request {
    Request::Traces(spans([number]))
}

fn run(config: &str) -> Program {
    Program::start(env!("CARGO_BIN_EXE_otlet"), config)
}

/// One receiver, one exporter.
fn forwarding(exporter: &str, endpoint: &str, keys: &str) -> String {
    format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
exporters: {{ {exporter}: {{ endpoint: '{endpoint}', {keys} }} }}
service:
  pipelines:
    traces: {{ receivers: [otlp], exporters: [{exporter}] }}
"
    )
}

#[tokio::test]
async fn everything_that_waits_is_sent_after_a_sigterm() {
    const REQUESTS: u64 = 150;
    let backend = Backend::start();
    backend.always(Answer::Hang);
    let keys = "timeout: 60s, sending_queue: { num_consumers: 2 }";
    let mut otlet = run(&forwarding("otlp", &backend.endpoint(), keys));
    let sender = Sender::grpc(otlet.grpc());
    for number in 0..REQUESTS {
        assert_eq!(sender.send(&request(number)).await.unwrap().code, 0);
    }
    // Two are on their way and not taken; the others have not left otlet.
    assert!(backend.wait_for(2).len() <= 2);
    assert_eq!(backend.taken().len(), 0);

    otlet.signal("TERM");
    otlet.wait_for("shutting down");
    assert!(backend.attempts() <= 2);
    backend.always(Answer::After(
        Duration::from_millis(5),
        Box::new(Answer::Ok),
    ));
    backend.release();
    // The sender has to hear that its connection ends.
    let ended = spawn_blocking(move || otlet.ended()).await.unwrap();
    assert_eq!(ended.code(), Some(0));
    assert_eq!(numbers(&backend.taken()), (0..REQUESTS).collect::<Vec<_>>());
}

#[tokio::test]
async fn small_requests_arrive_together_each_record_once_and_a_sigterm_sends_the_rest() {
    const REQUESTS: u64 = 400;
    for (exporter, coding) in [("otlp", "gzip"), ("otlphttp", "none")] {
        let backend = Backend::start();
        let keys = format!(
            "compression: {coding}, sending_queue: {{ batch: {{ max_bytes: 16KiB, max_delay: 1m }} }}"
        );
        let mut otlet = run(&forwarding(exporter, &backend.endpoint(), &keys));
        let sender = Sender::grpc(otlet.grpc());
        for number in 0..REQUESTS {
            assert_eq!(sender.send(&request(number)).await.unwrap().code, 0);
        }
        otlet.signal("TERM");
        let ended = spawn_blocking(move || otlet.ended()).await.unwrap();
        assert_eq!(ended.code(), Some(0));
        let received = backend.taken();
        assert!(received.len() < 40, "{}", received.len());
        assert_eq!(numbers(&received), (0..REQUESTS).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_kill_9_when_the_queue_is_off() {
    let backend = Backend::start();
    backend.always(Answer::After(
        Duration::from_millis(2),
        Box::new(Answer::Ok),
    ));
    let keys = "sending_queue: { enabled: false }";
    let mut otlet = run(&forwarding("otlp", &backend.endpoint(), keys));

    let next = Arc::new(AtomicU64::new(0));
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let enough = Arc::new(Notify::new());
    let mut senders = JoinSet::new();
    for _ in 0..16 {
        let sender = Sender::grpc(otlet.grpc());
        let (next, enough) = (Arc::clone(&next), Arc::clone(&enough));
        let acknowledged = Arc::clone(&acknowledged);
        senders.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                // Until the program is gone.
                let Ok(reply) = sender.send(&request(number)).await else {
                    return;
                };
                assert_eq!(reply.code, 0, "{}", reply.message);
                let mut acknowledged = acknowledged.lock().unwrap();
                acknowledged.insert(number);
                if acknowledged.len() == 300 {
                    enough.notify_one();
                }
            }
        });
    }
    enough.notified().await;
    otlet.kill();
    while let Some(ended) = senders.join_next().await {
        ended.unwrap();
    }

    let acknowledged = acknowledged.lock().unwrap();
    // It was killed with requests in flight.
    assert!(acknowledged.len() >= 300);
    assert!((acknowledged.len() as u64) < next.load(Ordering::Relaxed));
    let taken: BTreeSet<u64> = numbers(&backend.taken()).into_iter().collect();
    let lost: Vec<_> = acknowledged.difference(&taken).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[tokio::test]
async fn a_stalled_exporter_makes_no_copies_at_the_other_and_runs_no_processor_for_what_it_refuses()
{
    const ROOM: u64 = 5;
    let (healthy, stalled) = (Backend::start(), Backend::start());
    stalled.always(Answer::Hang);
    let config = format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors: {{ sample: }}
exporters:
  otlp/healthy: {{ endpoint: '{}' }}
  otlp/stalled: {{ endpoint: '{}', timeout: 60s, sending_queue: {{ queue_size: {ROOM}, num_consumers: 1 }} }}
service:
  pipelines:
    traces: {{ receivers: [otlp], processors: [sample], exporters: [otlp/healthy, otlp/stalled] }}
",
        healthy.endpoint(),
        stalled.endpoint()
    );
    let mut otlet = app::start(&config, &[]);
    let sender = app::grpc(&otlet, 0);
    for number in 0..ROOM {
        assert_eq!(sender.send(&request(number)).await.unwrap().code, 0);
    }
    for number in ROOM..30 {
        let reply = sender.send(&request(number)).await.unwrap();
        assert_eq!(reply.code, RESOURCE_EXHAUSTED, "{}", reply.message);
        assert_eq!(reply.retry.as_deref(), Some(ONE_SECOND));
        assert!(reply.message.contains("otlp/stalled"), "{}", reply.message);
    }
    let batches = |otlet: &otlet::app::App| {
        let counters = &otlet.stages()[0].counters;
        counters.batches.get()
    };
    assert_eq!(batches(&otlet), ROOM);

    // What was refused may come again once there is room.
    stalled.wait_for(1);
    stalled.always(Answer::Ok);
    stalled.release();
    stalled.wait_for(5);
    let again = 100;
    let sent =
        async { while sender.send(&request(again)).await.unwrap().code == RESOURCE_EXHAUSTED {} };
    timeout(Duration::from_secs(10), sent).await.unwrap();
    otlet.shut_down().await;
    assert_eq!(batches(&otlet), ROOM + 1);
    for backend in [&healthy, &stalled] {
        assert_eq!(numbers(&backend.received()), [0, 1, 2, 3, 4, again]);
    }
}

/// Sends through a backend that does everything wrong; every request has to get there.
async fn survives_a_bad_backend(exporter: &str) {
    const REQUESTS: u64 = 60;
    let backend = Backend::start();
    let wrongs = [
        Answer::unavailable(),
        Answer::Lose,
        Answer::Ok,
        Answer::throttled(Duration::from_millis(20)),
        Answer::Reset,
        Answer::Http {
            status: 503,
            retry_after: None,
        },
        Answer::After(Duration::from_millis(20), Box::new(Answer::Ok)),
    ];
    backend.script(wrongs.into_iter().cycle().take(140));
    let keys = "retry_on_failure: { initial_interval: 5ms, max_interval: 50ms }";
    let config = forwarding(exporter, &backend.endpoint(), keys);
    let mut otlet = app::start(&config, &[]);
    let sender = app::grpc(&otlet, 0);
    for number in 0..REQUESTS {
        assert_eq!(sender.send(&request(number)).await.unwrap().code, 0);
    }
    otlet.shut_down().await;
    let mut taken = numbers(&backend.taken());
    // A lost answer makes a second copy, which is what at least once means.
    assert!(taken.len() > 60, "{} copies", taken.len());
    taken.dedup();
    assert_eq!(taken, (0..REQUESTS).collect::<Vec<_>>());
}

#[tokio::test]
async fn everything_gets_to_a_grpc_backend_that_refuses_throttles_and_loses_answers() {
    survives_a_bad_backend("otlp").await;
}

#[tokio::test]
async fn everything_gets_to_an_http_backend_that_refuses_throttles_and_loses_answers() {
    survives_a_bad_backend("otlphttp").await;
}

#[tokio::test]
async fn a_backend_that_throttles_is_given_the_time_it_asks_for() {
    for exporter in ["otlp", "otlphttp"] {
        let backend = Backend::start();
        let asked = Duration::from_secs(1);
        backend.script([Answer::throttled(asked)]);
        let keys = "retry_on_failure: { initial_interval: 1ms, max_interval: 1ms }";
        let config = forwarding(exporter, &backend.endpoint(), keys);
        let otlet = app::start(&config, &[]);
        let sender = app::grpc(&otlet, 0);
        assert_eq!(sender.send(&request(1)).await.unwrap().code, 0);
        let received = backend.wait_for(2);
        assert!(received[1].at - received[0].at >= asked, "{exporter}");
        assert_eq!(numbers(&backend.taken()), [1]);
    }
}

#[tokio::test]
async fn a_sender_that_waits_for_the_backend_hears_what_it_said() {
    let backend = Backend::start();
    backend.script([Answer::refused()]);
    let keys = "sending_queue: { enabled: false }";
    let otlet = app::start(&forwarding("otlp", &backend.endpoint(), keys), &[]);
    let sender = app::grpc(&otlet, 0);
    assert_eq!(sender.send(&request(1)).await.unwrap().code, 3);
    assert_eq!(sender.send(&request(2)).await.unwrap().code, 0);
    assert_eq!(numbers(&backend.taken()), [2]);
}

/// A port of 127.0.0.1 that nobody listens on.
fn nobody() -> SocketAddr {
    Backend::start().stop()
}

#[tokio::test]
async fn otlet_starts_while_its_backend_is_down_and_delivers_once_it_is_there() {
    for exporter in ["otlp", "otlphttp"] {
        let addr = nobody();
        let keys = "retry_on_failure: { initial_interval: 10ms, max_interval: 50ms }";
        let mut otlet = run(&forwarding(exporter, &format!("http://{addr}"), keys));
        let sender = Sender::grpc(otlet.grpc());
        for number in 0..20 {
            assert_eq!(sender.send(&request(number)).await.unwrap().code, 0);
        }
        let line = otlet.wait_for("the backend does not take requests");
        assert!(line.contains("cannot be reached"), "{line}");
        assert!(line.contains("refused"), "{line}");
        let backend = Backend::start_at(addr).unwrap();
        backend.wait_for(20);
        otlet.wait_for("the backend takes requests again");
        assert!(
            spawn_blocking(move || otlet.terminate())
                .await
                .unwrap()
                .success()
        );
        assert_eq!(numbers(&backend.taken()), (0..20).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_backend_whose_name_does_not_exist_is_said_so_and_holds_up_no_other() {
    let backend = Backend::start();
    let mut otlet = run(&format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
exporters:
  otlp: {{ endpoint: '{}', sending_queue: {{ enabled: false }} }}
  otlp/nowhere: {{ endpoint: 'http://otlet.invalid:4317' }}
  otlp/now: {{ endpoint: 'http://otlet.invalid:4317', sending_queue: {{ enabled: false }} }}
service:
  pipelines:
    traces: {{ receivers: [otlp], exporters: [otlp, otlp/nowhere] }}
    logs: {{ receivers: [otlp], exporters: [otlp/now] }}
",
        backend.endpoint()
    ));
    let sender = Sender::grpc(otlet.grpc());
    assert_eq!(sender.send(&request(1)).await.unwrap().code, 0);
    backend.wait_for(1);
    let line = otlet.wait_for("the backend does not take requests");
    assert!(line.contains("otlp/nowhere"), "{line}");
    assert!(
        line.contains("name `otlet.invalid` cannot be looked up"),
        "{line}"
    );
    // Nothing is acknowledged that only such a backend gets, where senders wait.
    let logs = Request::Logs(ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![LogRecord::default()],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    });
    let reply = sender.send(&logs).await.unwrap();
    assert_eq!(reply.code, UNAVAILABLE, "{}", reply.message);
    assert!(reply.message.contains("otlp/now"), "{}", reply.message);
    // What was acknowledged is waited for, and counted when it is given up.
    otlet.signal("TERM");
    otlet.wait_for("shutting down");
    otlet.signal("TERM");
    let ended = spawn_blocking(move || (otlet.ended(), otlet.said()))
        .await
        .unwrap();
    assert!(!ended.0.success());
    assert!(ended.1.contains("requests=1"), "{}", ended.1);
}

#[tokio::test]
async fn connections_that_grow_old_lose_no_request() {
    const SENDERS: u64 = 4;
    const EACH: u64 = 150;
    let backend = Backend::start();
    backend.always(Answer::After(
        Duration::from_millis(2),
        Box::new(Answer::Ok),
    ));
    let config = forwarding(
        "otlp",
        &backend.endpoint(),
        "sending_queue: { enabled: false }",
    );
    let keepalive =
        "endpoint: 127.0.0.1:0, keepalive: { server_parameters: { max_connection_age: 100ms } }";
    let otlet = app::start(&config.replace("endpoint: 127.0.0.1:0", keepalive), &[]);
    let mut senders = JoinSet::new();
    for first in 0..SENDERS {
        let sender = app::grpc(&otlet, 0);
        senders.spawn(async move {
            for number in first * EACH..(first + 1) * EACH {
                let reply = sender.send(&request(number)).await.unwrap();
                assert_eq!(reply.code, 0, "{}", reply.message);
            }
        });
    }
    senders.join_all().await;
    assert_eq!(
        numbers(&backend.taken()),
        (0..SENDERS * EACH).collect::<Vec<_>>()
    );
    let listening = otlet.receivers()[0].grpc().unwrap();
    assert!(listening.counters().connections.get() > SENDERS);
    assert_eq!(listening.counters().aborted.get(), 0);
}
