//! Three times the load that a slow backend takes.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::num::NonZero;
use std::thread;
use std::time::Duration;

use http::Method;
use otlet_tests::backend::{Answer, Backend, Request};
use otlet_tests::program::Program;
use otlet_tests::sender::{Sender, numbers};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use super::{ENRICH, WEIGHT, app, heavy, is_taken};

const MIB: u64 = 1 << 20;
/// What otlet may hold.
const LIMIT: u64 = 32 * MIB;
/// What the backend takes at a time, on a machine of up to four cores: each has a consumer of its own at the least.
const PERMITS: usize = 4;
/// What is offered for each permit.
const LOAD: usize = 3;

fn config(backend: &Backend, exporter: &str) -> String {
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
    timeout: 1h
    {exporter}
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
pub(super) fn resident(otlet: &Program) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", otlet.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kibibytes << 10
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_three_times_the_load_memory_stays_bounded_and_the_backend_busy() {
    let queue = format!("num_consumers: {PERMITS}, queue_size: 100000, max_bytes: 1GiB");
    let exporter = format!("compression: none\n    sending_queue: {{ {queue} }}");
    // More than twice what it takes to fill what otlet may hold.
    overload(&exporter, 1, 45).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_put_together_and_compressed_at_three_times_the_load_is_within_the_bound() {
    let queue = format!("num_consumers: {PERMITS}, queue_size: 100000, max_bytes: 1GiB");
    let batch = "batch: { max_bytes: 600KB, max_delay: 5ms }";
    for (compression, rounds) in [("gzip", 12), ("none", 12)] {
        let queue = format!("sending_queue: {{ {queue}, {batch} }}");
        let exporter = format!("compression: {compression}\n    {queue}");
        overload(&exporter, 2, rounds).await;
    }
}

/// Three times what a slow backend takes, which is so many requests `together`, for as many rounds as fill the memory.
async fn overload(exporter: &str, together: usize, rounds: usize) {
    let backend = Backend::start();
    let otlet = Program::start(env!("CARGO_BIN_EXE_otlet"), &config(&backend, exporter));
    let admin = Sender::http(admin(&otlet));
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let permits = PERMITS.div_ceil(cores) * cores;
    let senders: Vec<_> = (0..permits * LOAD * together)
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
    backend.wait_until("all requests", |received| numbers(received).len() >= warm);
    let begun = backend.attempts();
    let base = resident(&otlet);

    backend.always(Answer::Hang);
    let (mut next, mut acknowledged, mut refused, mut taken) = (1, BTreeSet::new(), 0, 0);
    let mut highest = 0;
    for round in 0..rounds {
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
        backend.wait_for(begun + taken);
        assert_eq!(backend.attempts(), begun + taken, "round {round}");
        highest = highest.max(resident(&otlet));
        backend.release();
    }
    let offered = rounds * senders.len();
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
    let all = warm + acknowledged.len();
    backend.wait_until("all requests", |received| numbers(received).len() >= all);
    let given_back = async {
        while metric(&admin, "otlet_memory_held_bytes").await > 0 {
            // One may have begun to hang since.
            backend.release();
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
    let all = warm + acknowledged.len();
    backend.wait_until("all requests", |received| numbers(received).len() >= all);
    let arrived: Vec<_> = numbers(&backend.taken()).split_off(warm);
    assert_eq!(arrived, acknowledged.into_iter().collect::<Vec<_>>());
    drop(senders);
    let ended = spawn_blocking(move || {
        let mut otlet = otlet;
        otlet.terminate()
    });
    assert!(ended.await.unwrap().success());
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
  memory: {{ limit: 6MiB }}
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
