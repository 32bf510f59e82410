//! What fails again and again leaves nothing behind.

use super::*;

/// Requests to each of the bad pipelines, before what is held is looked at for the first time.
const FIRST: u64 = 5;

/// Requests to each after that.
const MORE: u64 = 40;

/// A vice, and how much of it: instances are thrown away with memory, with a stack, and in the middle of a call to the host.
const LEAKS: [(&str, &str); 4] = [
    ("bad/trap", "{ vice: trap }"),
    ("bad/recurse", "{ vice: recurse }"),
    ("bad/hold", "{ vice: hold, n: 300 }"),
    ("wasi", "{ sleep: true }"),
];

/// Open files, threads and resident bytes of a process.
fn held(otlet: &Program) -> (usize, usize, usize) {
    let of = |what: &str| format!("/proc/{}/{what}", otlet.id());
    let count = |what: &str| fs::read_dir(of(what)).unwrap().count();
    let pages = fs::read_to_string(of("statm")).unwrap();
    let pages = pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap();
    (count("fd"), count("task"), pages * 4_096)
}

#[tokio::test]
async fn what_fails_again_and_again_leaves_nothing_behind() {
    let backend = Backend::start();
    let directory = plugins(&[("bad", guests::BAD), ("wasi", guests::WASI)]);
    let processors = LEAKS.map(|(name, config)| {
        format!("  {name}: {{ config: {config}, on_error: drop, limits: {{ deadline: 2ms, instances: 1 }} }}")
    });
    let pipelines = LEAKS.map(|(name, _)| {
        let id = name.replace('/', "-");
        format!("    traces/{id}: {{ receivers: [otlp], processors: [{name}], exporters: [otlp] }}")
    });
    let config = format!(
        "
admin: {{ endpoint: 127.0.0.1:0 }}
plugins: {{ directory: '{}' }}
receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 127.0.0.1:0 }} }} }} }}
processors:
{}
exporters: {{ otlp: {{ endpoint: '{}' }} }}
service:
  pipelines:
{}
",
        directory.path().display(),
        processors.join("\n"),
        backend.endpoint(),
        pipelines.join("\n"),
    );
    let mut otlet = run(config).await.unwrap();
    let sender = Sender::grpc(otlet.grpc());
    let send = async |numbers: std::ops::Range<u64>| {
        for number in numbers {
            let reply = sender
                .send(&Request::Traces(spans([number])))
                .await
                .unwrap();
            assert_eq!(reply.code, 0, "{}", reply.message);
        }
    };
    send(0..FIRST).await;
    let (files, threads, bytes) = held(&otlet);
    send(FIRST..FIRST + MORE).await;
    let metrics = metrics(otlet.admin()).await;
    for (name, _) in LEAKS {
        let of = [("processor", name)];
        let failures = metrics.count("otlet_processor_failures_total", &of);
        assert_eq!(failures, FIRST + MORE, "{name}");
        assert_eq!(metrics.count("otlet_processor_instances", &of), 0, "{name}");
        assert_eq!(
            metrics.count("otlet_processor_instance_memory_bytes", &of),
            0,
            "{name}"
        );
    }
    let (files_after, threads_after, bytes_after) = held(&otlet);
    // The connection of the scrape may be among them.
    assert!(files_after <= files + 2, "{files} and {files_after} files");
    assert!(
        threads_after <= threads + 2,
        "{threads} and {threads_after} threads"
    );
    let more = bytes_after.saturating_sub(bytes) >> 20;
    assert!(more < 64, "{more} MiB more");
    ends_well(&mut otlet);
    assert!(backend.received().is_empty());
}
