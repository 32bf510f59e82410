//! The process holds no more than it may, whatever comes: it refuses, goes on with what its backend takes, and recovers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::num::NonZero;
use std::thread;
use std::time::Duration;

use http::Method;
use libdeflater::{CompressionLvl, Compressor};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otlet::app::App;
use otlet_tests::backend::{Answer, Backend, Request};
use otlet_tests::guests;
use otlet_tests::program::Program;
use otlet_tests::sender::{Reply, Sender, method, numbers, spans};
use prost::Message;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

#[path = "support/app.rs"]
mod app;

const MIB: u64 = 1 << 20;
/// What otlet may hold.
const LIMIT: u64 = 32 * MIB;
/// What one request weighs.
const WEIGHT: usize = 256 << 10;
/// What the backend takes at a time, on a machine of up to four cores: each has a consumer of its own at the least.
const PERMITS: usize = 4;
/// What is offered for each permit.
const LOAD: usize = 3;
/// More than twice what it takes to fill what otlet may hold.
const ROUNDS: usize = 45;

/// A request with a number and a weight.
fn heavy(number: u64) -> ExportTraceServiceRequest {
    let mut request = spans([number]);
    request.resource_spans[0].scope_spans[0].spans[0].name = "x".repeat(WEIGHT);
    request
}

fn config(backend: &Backend) -> String {
    format!(
        "
receivers:
  otlp:
    protocols:
      grpc: {{ endpoint: 127.0.0.1:0, max_recv_msg_size_mib: 4 }}
      http: {{ endpoint: 127.0.0.1:0, max_request_body_size: 4MiB }}
exporters:
  otlp:
    endpoint: '{}'
    compression: none
    timeout: 1h
    sending_queue: {{ num_consumers: {PERMITS}, queue_size: 100000, max_bytes: 1GiB }}
admin: {{ endpoint: 127.0.0.1:0 }}
service:
  memory: {{ limit: 32MiB }}
  pipelines:
    traces: {{ receivers: [otlp], exporters: [otlp] }}
",
        backend.endpoint()
    )
}

/// The address of the admin endpoint, as the log says it.
fn admin(otlet: &Program) -> SocketAddr {
    let line = otlet.wait_for("admin");
    let (_, rest) = line.split_once("address=").unwrap();
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

/// One of otlet's own metrics, by the name that Prometheus knows it by.
async fn metric(admin: &Sender, name: &str) -> u64 {
    let page = admin
        .ask(Method::GET, "/metrics", &[], bytes::Bytes::new())
        .await
        .unwrap();
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    let value = page.lines().find_map(|line| {
        let (found, value) = line.split_once(' ')?;
        (found == name).then(|| value.parse().unwrap())
    });
    value.unwrap_or_else(|| panic!("no {name} in\n{page}"))
}

/// What the system says that the process has.
fn resident(otlet: &Program) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", otlet.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kibibytes << 10
}

/// A refusal that says when to try again, or an acknowledgement.
fn is_taken(reply: &Reply) -> bool {
    match reply.code {
        0 | 200 => true,
        8 | 429 => {
            assert!(reply.retry.is_some(), "{reply:?}");
            assert!(reply.message.contains("the memory of otlet"), "{reply:?}");
            false
        }
        other => panic!("{other}: {reply:?}"),
    }
}

/// Three times what a slow backend takes, for as many rounds as fill the memory twice over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_three_times_the_load_memory_stays_bounded_and_the_backend_busy() {
    let backend = Backend::start();
    let otlet = Program::start(env!("CARGO_BIN_EXE_otlet"), &config(&backend));
    let admin = Sender::http(admin(&otlet));
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let permits = PERMITS.div_ceil(cores) * cores;
    let senders: Vec<_> = (0..permits * LOAD)
        .map(|number| match number % 2 {
            0 => Sender::grpc(otlet.grpc()),
            _ => Sender::http(otlet.http()),
        })
        .collect();
    // All connections are there, and a request of each went through.
    for sender in &senders {
        let reply = sender.send(&Request::Traces(heavy(0))).await.unwrap();
        assert!(is_taken(&reply));
    }
    let warm = senders.len();
    backend.wait_for(warm);
    let base = resident(&otlet);

    backend.always(Answer::Hang);
    let (mut next, mut acknowledged, mut refused, mut taken) = (1, BTreeSet::new(), 0, 0);
    let mut highest = 0;
    for round in 0..ROUNDS {
        let mut offered = JoinSet::new();
        for sender in &senders {
            let (sender, number) = (sender.clone(), next);
            next += 1;
            offered.spawn(async move {
                let reply = sender.send(&Request::Traces(heavy(number))).await.unwrap();
                (number, is_taken(&reply))
            });
        }
        while let Some(answer) = offered.join_next().await {
            let (number, is_taken) = answer.unwrap();
            if is_taken {
                acknowledged.insert(number);
            } else {
                refused += 1;
            }
        }
        // The backend has its hands full whatever is refused; then it takes what it has.
        taken += permits;
        backend.wait_for(warm + taken);
        assert_eq!(backend.attempts(), warm + taken, "round {round}");
        highest = highest.max(resident(&otlet));
        backend.release();
    }
    let offered = ROUNDS * permits * LOAD;
    assert!(refused > offered / 4, "{refused} of {offered}");
    // What was acknowledged is what the backend takes, and what waits for it.
    assert!(acknowledged.len() >= taken * 9 / 10);
    let most = metric(&admin, "otlet_memory_most_held_bytes").await;
    assert!(most > LIMIT * 9 / 10 && most <= LIMIT, "{most}");
    assert!(highest <= base + 2 * LIMIT, "{highest} from {base}");
    assert!(metric(&admin, "otlet_memory_refusals_total").await > 0);

    // The load is over: everything that was acknowledged arrives, once, and nothing is held.
    backend.always(Answer::Ok);
    backend.release();
    backend.wait_for(warm + acknowledged.len());
    let given_back = async {
        while metric(&admin, "otlet_memory_held_bytes").await > 0 {
            tokio::task::yield_now().await;
        }
    };
    let given_back = timeout(Duration::from_secs(20), given_back).await;
    given_back.expect("what is sent is given back");
    let reply = senders[0]
        .send(&Request::Traces(heavy(next)))
        .await
        .unwrap();
    assert!(is_taken(&reply), "there is room again");
    acknowledged.insert(next);
    backend.wait_for(warm + acknowledged.len());
    let arrived: Vec<_> = numbers(&backend.taken()).split_off(warm);
    assert_eq!(arrived, acknowledged.into_iter().collect::<Vec<_>>());
    drop(senders);
    let ended = spawn_blocking(move || {
        let mut otlet = otlet;
        otlet.terminate()
    });
    assert!(ended.await.unwrap().success());
}

/// A processor that edits every request.
const ENRICH: &str =
    "enrich: { config: { actions: [{ set: 'resource.attributes[\"a\"]', value: b }] } }";

fn in_process(exporter: &str, endpoint: &str, edits: bool) -> App {
    let (processor, processors) = if edits { (ENRICH, "enrich") } else { ("", "") };
    let config = format!(
        "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors: {{ {processor} }}
exporters: {{ otlp: {{ endpoint: '{endpoint}', {exporter} }} }}
service:
  pipelines:
    traces: {{ receivers: [otlp], processors: [{processors}], exporters: [otlp] }}
"
    );
    app::start(&config, &[])
}

#[tokio::test]
async fn whatever_becomes_of_a_request_its_memory_is_given_back() {
    let message = heavy(1).encode_to_vec();
    let zstd = zstd::bulk::compress(&message, 1).unwrap();
    let bodies = [(None, &message), (Some("zstd"), &zstd)];
    for exporter in [
        "compression: none",
        "compression: zstd",
        "compression: gzip",
        "compression: none, sending_queue: { enabled: false }",
        "compression: gzip, sending_queue: { batch: { max_bytes: 600KB, max_delay: 5ms } }",
        "compression: none, sending_queue: { batch: { max_bytes: 10KB, max_delay: 5ms } }",
    ] {
        for edits in [false, true] {
            let backend = Backend::start();
            let mut otlet = in_process(exporter, &backend.endpoint(), edits);
            let memory = otlet.memory().clone();
            let sender = app::grpc(&otlet, 0);
            backend.script([Answer::refused()]);
            for (coding, body) in bodies.repeat(4) {
                let answer = sender.call(&method("traces"), coding, body).await.unwrap();
                assert!(answer.header("grpc-status").is_some(), "{answer:?}");
            }
            let garbage = sender
                .call(&method("traces"), Some("zstd"), b"garbage")
                .await;
            assert_eq!(garbage.unwrap().header("grpc-status"), Some("3"));
            drop(sender);
            otlet.shut_down().await;
            drop(otlet);
            assert!(memory.most() >= WEIGHT, "{exporter} {edits}");
            assert_eq!(memory.held(), 0, "{exporter} {edits}");
        }
    }
}

#[tokio::test]
async fn what_processors_may_need_is_refused_before_they_run() {
    // Room for a request as it comes, and not for a second that waits and its copy.
    let backend = Backend::start();
    backend.always(Answer::Hang);
    let config = format!(
        "
receivers:
  otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0, max_recv_msg_size_mib: 1 }} }} }}
processors: {{ {ENRICH} }}
exporters: {{ otlp: {{ endpoint: '{}', compression: none }} }}
service:
  memory: {{ limit: 4MiB }}
  pipelines:
    traces: {{ receivers: [otlp], processors: [enrich], exporters: [otlp] }}
",
        backend.endpoint()
    );
    let otlet = app::start(&config, &[]);
    let sender = app::grpc(&otlet, 0);
    let (mut taken, mut refused) = (0, 0);
    for number in 0..40 {
        let reply = sender.send(&Request::Traces(heavy(number))).await.unwrap();
        if is_taken(&reply) {
            taken += 1;
        } else {
            refused += 1;
        }
    }
    assert!(
        taken >= 10 && refused >= 10,
        "{taken} taken, {refused} refused"
    );
    let memory = otlet.memory();
    assert!(memory.most() <= memory.limit(), "{}", memory.most());
    // What waits has no room left for another and its copy.
    assert!(memory.held() > memory.limit() - 3 * WEIGHT);
}

/// Requests in every form, twice: plain, compressed, in two members.
async fn in_every_form(sender: &Sender) {
    let message = heavy(1).encode_to_vec();
    let gzip = |plain: &[u8]| {
        let mut compressor = Compressor::new(CompressionLvl::fastest());
        let mut gzip = vec![0; compressor.gzip_compress_bound(plain.len())];
        let len = compressor.gzip_compress(plain, &mut gzip).unwrap();
        gzip.truncate(len);
        gzip
    };
    let (half, rest) = message.split_at(message.len() / 2);
    let zstd = zstd::bulk::compress(&message, 1).unwrap();
    let bodies = [
        (None, message.clone()),
        (Some("zstd"), zstd),
        (Some("gzip"), gzip(&message)),
        (Some("gzip"), [gzip(half), gzip(rest)].concat()),
    ];
    for (coding, body) in bodies.iter().chain(&bodies) {
        let answer = sender.call(&method("traces"), *coding, body).await.unwrap();
        assert!(answer.header("grpc-status").is_some(), "{answer:?}");
    }
}

#[tokio::test]
async fn what_goes_to_the_disk_gives_its_memory_back() {
    let backend = Backend::start();
    backend.always(Answer::refused());
    let folder = tempfile::tempdir().unwrap();
    let refusing = |more: &str| format!("otlp: {{ endpoint: '{}', {more} }}", backend.endpoint());
    let written = folder.path().join("written").display().to_string();
    let batch = "compression: gzip, sending_queue: { batch: { max_bytes: 600KB, max_delay: 5ms } }";
    // How many letters there are at the least: a lot is one, and each of its requests once it is refused.
    for (exporter, processors, letters) in [
        (refusing("compression: gzip"), "", 8),
        (refusing("compression: none"), "enrich", 8),
        (refusing("sending_queue: { enabled: false }"), "enrich", 0),
        (refusing(batch), "", 8),
        (refusing(batch), "enrich", 8),
        (refusing(""), "enrich, bad", 8),
        (format!("file: {{ path: '{written}.json' }}"), "", 0),
        (
            format!("file: {{ path: '{written}.pb', format: proto }}"),
            "enrich",
            0,
        ),
        (
            format!("file: {{ path: '{written}.json' }}"),
            "enrich, bad",
            8,
        ),
    ] {
        let name = exporter.split(':').next().unwrap();
        let dead = tempfile::tempdir_in(folder.path()).unwrap();
        let dead = dead.path().join("letters");
        let config = format!(
            "
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors:
  {ENRICH}
  bad: {{ config: {{ vice: error }}, on_error: dead_letter }}
exporters: {{ {exporter} }}
dead_letters: {{ directory: '{}' }}
service:
  pipelines:
    traces: {{ receivers: [otlp], processors: [{processors}], exporters: [{name}] }}
",
            dead.display()
        );
        let mut otlet = app::start(&config, &[("bad", guests::BAD)]);
        let memory = otlet.memory().clone();
        let sender = app::grpc(&otlet, 0);
        in_every_form(&sender).await;
        drop(sender);
        otlet.shut_down().await;
        let kept = otlet.letters().unwrap().counters().written.get();
        assert!(kept >= letters, "{exporter} {processors}: {kept} letters");
        drop(otlet);
        assert!(memory.most() >= WEIGHT / 2, "{exporter} {processors}");
        assert_eq!(memory.held(), 0, "{exporter} {processors}");
    }
}

#[tokio::test]
async fn what_is_lost_at_the_end_gives_its_memory_back() {
    let backend = Backend::start();
    backend.always(Answer::Hang);
    for exporter in [
        "compression: gzip",
        "compression: none, sending_queue: { batch: { max_bytes: 600KB, max_delay: 5ms } }",
    ] {
        let otlet = in_process(exporter, &backend.endpoint(), true);
        let memory = otlet.memory().clone();
        let sender = app::grpc(&otlet, 0);
        in_every_form(&sender).await;
        assert!(memory.held() >= WEIGHT);
        drop(sender);
        assert!(otlet.abort().await > 0);
        drop(otlet);
        assert_eq!(memory.held(), 0, "{exporter}");
    }
}
