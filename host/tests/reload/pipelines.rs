//! Pipelines that change under load, and those that do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use otlet_tests::backend::Backend;
use otlet_tests::metrics::scrape;
use otlet_tests::program::Program;
use otlet_tests::requests::{kv, text};
use otlet_tests::sender::Sender;
use tokio::task::JoinSet;

use super::{APPLIED, arrived, once, run, send, shop, to, traces};

/// Senders on one connection each that never stop.
struct Load {
    tasks: JoinSet<()>,
    next: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
}

impl Load {
    /// Begins to send; every request must be taken at once.
    fn begin(senders: impl IntoIterator<Item = Sender>) -> Self {
        let (next, over) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let mut tasks = JoinSet::new();
        for sender in senders {
            let (next, over) = (Arc::clone(&next), Arc::clone(&over));
            tasks.spawn(async move {
                while !over.load(Ordering::SeqCst) {
                    send(&sender, next.fetch_add(1, Ordering::SeqCst)).await;
                }
            });
        }
        Self { tasks, next, over }
    }

    /// Waits until so many more were sent, and gives the number of the next.
    async fn go_on(&mut self, more: u64) -> u64 {
        let goal = self.sent() + more;
        while self.sent() < goal {
            assert_eq!(self.tasks.len(), 2);
            assert!(self.tasks.try_join_next().is_none(), "a sender failed");
            tokio::task::yield_now().await;
        }
        self.sent()
    }

    fn sent(&self) -> u64 {
        self.next.load(Ordering::SeqCst)
    }

    /// Stops, and gives how many were sent.
    async fn end(mut self) -> u64 {
        self.over.store(true, Ordering::SeqCst);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        self.sent()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_gains_and_loses_a_processor_under_load() {
    let backend = Backend::start();
    // Senders are quick, and what waits is not what this is about.
    let to = to(&backend.endpoint()) + ", sending_queue: { queue_size: 1000000 }";
    let exporters = [("otlp", to.as_str())];
    let bare = traces(&[], &exporters);
    let otlet = run(&bare);
    let mut load = Load::begin([Sender::grpc(otlet.grpc()), Sender::http(otlet.http())]);
    load.go_on(50).await;
    let mut stamped = vec![];
    for value in ["north", "south"] {
        let line = otlet.reload(&traces(&[("enrich", &shop(value))], &exporters), APPLIED);
        let what = if value == "north" {
            "added=processors.enrich changed=service.pipelines.traces"
        } else {
            "changed=processors.enrich"
        };
        assert!(line.contains(what), "{line}");
        // What comes from now on has the change.
        let from = load.sent() + 2;
        load.go_on(50).await;
        stamped.push((value, from, load.sent() - 2));
    }
    otlet.reload(&bare, APPLIED);
    let bare_from = load.sent() + 2;
    load.go_on(50).await;
    let sent = load.end().await;
    let received = backend.wait_until("everything", |received| once(received).len() as u64 == sent);
    assert_eq!(once(&received), (0..sent).collect());
    for span in arrived(&received) {
        let number = u64::from_be_bytes(span.span_id.as_slice().try_into().unwrap());
        for (value, from, to) in &stamped {
            // The last of them may have come when the next config was there.
            if (*from..*to).contains(&number) && number + 2 < sent {
                assert_eq!(span.attributes.len(), 1, "{number}");
                let is_it = span.attributes == [kv("shop", text(value))];
                assert!(is_it || number >= to - 2, "{number}: {:?}", span.attributes);
            }
        }
        if number >= bare_from {
            assert!(span.attributes.is_empty(), "{number}");
        }
    }
    let metrics = scrape(otlet.admin());
    for protocol in ["grpc", "http"] {
        let of = [("protocol", protocol)];
        let accepted = metrics.count("otlet_receiver_accepted_connections_total", &of);
        assert_eq!((protocol, accepted), (protocol, 1));
    }
    let requests = metrics.count(
        "otlet_receiver_accepted_requests_total",
        &[("signal", "traces")],
    );
    assert_eq!(requests, sent);
}

#[tokio::test]
async fn what_did_not_change_keeps_its_counters_and_its_instances() {
    let backend = Backend::start();
    let endpoint = backend.endpoint();
    let config = |level: &str, extra: &str| {
        let traces = traces(
            &[
                ("enrich", &shop("north")),
                ("redact", "config: { detectors: [email] }"),
            ],
            &[("otlp", &to(&endpoint))],
        );
        let extra = format!(
            "    logs: {{ receivers: [otlp], processors: [{extra}], exporters: [otlp] }}\n"
        );
        let logs = format!("service:\n  telemetry: {{ logs: {{ level: {level} }} }}\n");
        traces.replacen("service:\n", &logs, 1).replacen(
            "processors:\n",
            "processors:\n  link:\n  sample: { config: { percentage: 50 } }\n",
            1,
        ) + &extra
    };
    let otlet = run(&config("info", "link, sample"));
    let sender = Sender::grpc(otlet.grpc());
    for number in 0..3 {
        send(&sender, number).await;
    }
    let before = scrape(otlet.admin());
    // The pipeline `logs` is another one, and that of traces is not touched.
    otlet.reload(&config("debug", "sample, link"), APPLIED);
    let after = scrape(otlet.admin());
    for name in [
        "otlet_processor_batches_total",
        "otlet_processor_edits_total",
        "otlet_processor_duration_seconds_count",
        "otlet_processor_instances",
    ] {
        for processor in ["enrich", "redact", "link", "sample"] {
            let of = [("processor", processor)];
            assert_eq!(
                before.sum(name, &of).to_bits(),
                after.sum(name, &of).to_bits(),
                "{name} {processor}"
            );
        }
    }
    assert_eq!(
        after.count("otlet_processor_batches_total", &[("processor", "enrich")]),
        3
    );
    for number in 3..5 {
        send(&sender, number).await;
    }
    let after = scrape(otlet.admin());
    assert_eq!(
        after.count("otlet_processor_batches_total", &[("processor", "enrich")]),
        5
    );
    let sent = |metrics: &otlet_tests::metrics::Metrics| {
        metrics.count("otlet_receiver_requests_total", &[("protocol", "grpc")])
    };
    assert_eq!((sent(&before), sent(&after)), (3, 5));
    backend.wait_for(5);
}

/// The names of a process's threads.
#[cfg(target_os = "linux")]
fn threads(otlet: &Program) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", otlet.id())).unwrap();
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).ok();
    let names = tasks.filter_map(|task| name(task.unwrap()));
    names.map(|name| name.trim().to_owned()).collect()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_worker_threads_of_a_pipeline_that_is_gone_end() {
    let backend = Backend::start();
    let to = to(&backend.endpoint());
    let one = traces(&[("enrich", &shop("north"))], &[("otlp", &to)]);
    let second = format!("processors:\n  enrich/b: {{ {} }}\n", shop("south"));
    let two = one.replacen("processors:\n", &second, 1)
        + "    traces/b: { receivers: [otlp], processors: [enrich/b], exporters: [otlp] }\n";
    let otlet = run(&two);
    // The first batch of a processor goes to a worker thread.
    let sender = Sender::grpc(otlet.grpc());
    send(&sender, 0).await;
    let of = |name: &str| {
        threads(&otlet)
            .iter()
            .filter(|thread| *thread == name)
            .count()
    };
    assert_eq!((of("otlet-traces"), of("otlet-traces/b")), (1, 1));
    let line = otlet.reload(&one, APPLIED);
    let removed = "removed=processors.enrich/b, service.pipelines.traces/b";
    assert!(line.contains(removed), "{line}");
    while of("otlet-traces/b") > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(of("otlet-traces"), 1);
    send(&sender, 1).await;
    backend.wait_for(3);
}
