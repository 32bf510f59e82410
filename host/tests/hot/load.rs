//! Versions that are swapped under load.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use otlet_tests::metrics::{Metrics, scrape, scrape_until};

use super::*;

const SWAPS: usize = 100;
const SENDERS: u64 = 2;
/// The spans of one request.
const SPANS: u64 = 5;
/// Numbers of spans are the sender's, the request's and the span's own.
const REQUESTS: u64 = 1 << 32;

/// What one sender did.
struct Sent {
    requests: u64,
    longest: Duration,
}

/// Sends one request after the other until it is told to stop.
async fn send(sender: Sender, number: u64, stop: Arc<AtomicBool>) -> Sent {
    let mut sent = Sent {
        requests: 0,
        longest: Duration::ZERO,
    };
    while !stop.load(Ordering::Relaxed) {
        let first = (number * REQUESTS + sent.requests) * SPANS;
        let request = Request::Traces(spans(first..first + SPANS));
        let began = Instant::now();
        let reply = sender.send(&request).await.unwrap();
        sent.longest = sent.longest.max(began.elapsed());
        assert_eq!(reply.code, 0, "{}", reply.message);
        sent.requests += 1;
    }
    sent
}

#[allow(
    clippy::print_stderr,
    reason = "the figure is for whoever runs the test"
)]
#[test]
fn a_hundred_swaps_lose_double_and_mix_nothing() {
    let versions = [good(1), good(2)];
    let hot = Hot::start(&[("stamp.wasm", &versions[0])], &["stamp"]);
    let stop = Arc::<AtomicBool>::default();
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(1).enable_all().build().unwrap();
    let senders: Vec<_> = (0..SENDERS)
        .map(|number| runtime.spawn(send(hot.sender(), number, Arc::clone(&stop))))
        .collect();
    for swap in 1..=SWAPS {
        hot.swap("stamp.wasm", &versions[swap % 2]);
    }
    stop.store(true, Ordering::Relaxed);
    let sent: Vec<Sent> = senders
        .into_iter()
        .map(|sender| runtime.block_on(sender).unwrap())
        .collect();
    let requests: u64 = sent.iter().map(|sent| sent.requests).sum();
    let all = usize::try_from(requests * SPANS).unwrap();
    let received = (hot.backend).wait_until("all spans", |received| stamps(received).len() >= all);
    let stamps = stamps(&received);
    assert_eq!(stamps.len(), all);
    let mut seen = [0; 3];
    for (number, sent) in (0..).zip(&sent) {
        let (mut before, mut changes) = (1, 0);
        for request in 0..sent.requests {
            let first = (number * REQUESTS + request) * SPANS;
            let of_request: Vec<_> = (first..first + SPANS).flat_map(|id| &stamps[&id]).collect();
            let version = *of_request[0];
            assert_eq!(of_request, [&version; 5], "request {request} of {number}");
            changes += usize::from(version != before);
            before = version;
            seen[usize::try_from(version).unwrap()] += 1;
        }
        assert!(changes >= SWAPS / 2, "only {changes} swaps were seen");
        assert!(changes <= SWAPS, "{changes} swaps were seen");
        eprintln!(
            "sender {number}: {} requests, {changes} swaps between them, the longest pause {:?}",
            sent.requests, sent.longest
        );
    }
    assert!(seen[0] == 0 && seen[1] > 0 && seen[2] > 0, "{seen:?}");
}

#[test]
fn counters_go_on_over_versions_and_what_is_replaced_is_freed() {
    let hot = Hot::start(&[("stamp.wasm", &good(1))], &["stamp"]);
    let of = [("processor", "stamp")];
    let stamped = |metrics: &Metrics| metrics.count("otlet_plugin_counts_total", &of);
    let memory = |metrics: &Metrics| metrics.count("otlet_processor_instance_memory_bytes", &of);
    for _ in 0..3 {
        assert_eq!(hot.sends(), 1);
    }
    let before = scrape(hot.otlet.admin());
    assert_eq!(stamped(&before), 3);
    hot.swap("stamp.wasm", &good(2));
    // What is tried on samples is in no figure, and the old version is kept through the trial.
    let swapped = scrape(hot.otlet.admin());
    assert_eq!(stamped(&swapped), 3);
    assert!(memory(&swapped) > memory(&before));
    for _ in 0..20 {
        assert_eq!(hot.sends(), 2);
    }
    scrape_until(hot.otlet.admin(), "the old version is freed", |after| {
        stamped(after) == 23 && memory(after) < memory(&swapped)
    });
}
