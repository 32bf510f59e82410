//! A badly behaved guest tries every vice that it has while a good pipeline carries load beside it.
//!
//! For each: the process lives, the good pipeline, its receiver and the admin endpoint answer meanwhile, and the vice's own
//! counter has risen, or the vice was none.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "everything here is a test, the functions that tests share included"
)]

mod alone;
mod leaks;
mod load;
mod rows;

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use otlet_tests::backend::{Backend, Request};
use otlet_tests::guests;
use otlet_tests::metrics::{Metrics, page, scrape};
use otlet_tests::program::Program;
use otlet_tests::sender::{Sender, numbers, spans};
use tempfile::TempDir;
use tokio::task::{JoinHandle, spawn_blocking, yield_now};
use tokio::time::timeout;

const INVALID_ARGUMENT: u16 = 3;

/// How long an answer may take that no vice should hold up, on a machine with other things to do.
const PATIENCE: Duration = Duration::from_mins(1);

/// A vice, how much of it, and the cause that its batches fail for; none where they do not.
const VICES: [(&str, usize, Option<&str>); 37] = [
    ("trap", 0, Some("trap")),
    ("error", 1 << 19, Some("error")),
    ("no words", 0, Some("trap")),
    ("spin", 0, Some("deadline")),
    ("recurse", 0, Some("trap")),
    ("hold", 300, Some("memory")),
    ("read", 0, Some("trap")),
    ("give", 16, Some("trap")),
    ("edits", 1 << 20, Some("trap")),
    ("value", 1_100, Some("trap")),
    ("blow-up", 600, Some("trap")),
    ("replace", 1_100, Some("trap")),
    ("column", 0, Some("trap")),
    ("columns", 2_000, Some("trap")),
    ("table", 0, Some("trap")),
    ("row", 0, Some("trap")),
    ("descending", 0, Some("trap")),
    ("mask", 0, Some("trap")),
    ("drop-rows", 0, Some("trap")),
    ("pointer", 0, Some("trap")),
    ("print", 0, Some("trap")),
    ("ends", 0, Some("trap")),
    ("backwards", 0, Some("trap")),
    ("present", 0, Some("trap")),
    ("utf8", 0, Some("trap")),
    ("string", 0, Some("trap")),
    ("re-enter", 0, Some("trap")),
    ("leaves", 0, Some("trap")),
    ("counters", 65, Some("trap")),
    ("random", 65_537, Some("trap")),
    ("no such vice", 0, Some("trap")),
    ("flood", 100_000, None),
    ("wide", 100_000, None),
    ("grab", 300, None),
    ("leak", 10, None),
    ("garbage", 0, None),
    ("counters", 64, None),
];

/// What a guest with WASI does wrong, and the cause.
const WASI_VICES: [(&str, Option<&str>); 2] = [
    ("{ sleep: true }", Some("deadline")),
    ("{ print: 100000 }", None),
];

/// A directory of plugins.
fn plugins(files: &[(&str, &[u8])]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, wasm) in files {
        fs::write(directory.path().join(format!("{name}.wasm")), wasm).unwrap();
    }
    directory
}

fn run(config: String) -> JoinHandle<Program> {
    spawn_blocking(move || Program::start(env!("CARGO_BIN_EXE_otlet"), &config))
}

/// A pipeline a vice, and a good one.
fn whole(backend: &Backend, directory: &TempDir) -> String {
    let vices = VICES.iter().map(|(vice, n, cause)| {
        let config = format!("{{ vice: '{vice}', n: {n} }}");
        (format!("bad/{}", name(vice, *n)), config, *cause)
    });
    let wasi = (1..).zip(WASI_VICES);
    let wasi = wasi.map(|(i, (config, cause))| (format!("wasi/{i}"), config.to_owned(), cause));
    let (mut receivers, mut processors, mut pipelines) =
        (String::new(), String::new(), String::new());
    let endpoint = "{ protocols: { grpc: { endpoint: 127.0.0.1:0 } } }";
    for (name, config, cause) in vices.chain(wasi) {
        let id = name.replace('/', "-");
        let on_error = if cause.is_some() { "reject" } else { "pass" };
        let deadline = if cause == Some("deadline") {
            "300ms"
        } else {
            "30s"
        };
        writeln!(receivers, "  otlp/{id}: {endpoint}").unwrap();
        writeln!(
            processors,
            "  {name}: {{ config: {config}, on_error: {on_error}, limits: {{ instances: 1, handed: 1MiB, deadline: {deadline} }} }}"
        )
        .unwrap();
        writeln!(
            pipelines,
            "    traces/{id}: {{ receivers: [otlp/{id}], processors: [{name}], exporters: [otlp] }}"
        )
        .unwrap();
    }
    format!(
        "
admin: {{ endpoint: 127.0.0.1:0 }}
plugins: {{ directory: '{}' }}
receivers:
  otlp/good: {endpoint}
{receivers}
processors:
  enrich: {{ config: {{ actions: [{{ set: 'resource.attributes[\"shop\"]', value: north }}] }} }}
{processors}
# So that what is good waits for the backend, and not the backend for it.
exporters: {{ otlp: {{ endpoint: '{}', sending_queue: {{ enabled: false }} }} }}
service:
  pipelines:
    traces/good: {{ receivers: [otlp/good], processors: [enrich], exporters: [otlp] }}
{pipelines}
",
        directory.path().display(),
        backend.endpoint()
    )
}

fn name(vice: &str, n: usize) -> String {
    format!("{}-{n}", vice.replace(' ', "-"))
}

/// Requests that go through the good pipeline, and scrapes, until this is told to end.
struct Good {
    done: Arc<AtomicBool>,
    /// Requests that were answered, and scrapes.
    answered: Arc<AtomicU64>,
    scraped: Arc<AtomicU64>,
    sending: JoinHandle<()>,
    scraping: JoinHandle<()>,
}

impl Good {
    fn start(sender: Sender, admin: SocketAddr) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let (answered, scraped) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (ends, count) = (Arc::clone(&done), Arc::clone(&answered));
        let sending = tokio::spawn(async move {
            while !ends.load(Ordering::Relaxed) {
                let request = Request::Traces(spans([count.load(Ordering::Relaxed)]));
                let reply = timeout(PATIENCE, sender.send(&request)).await;
                let reply = reply.expect("the good pipeline answers").unwrap();
                assert_eq!(reply.code, 0, "{}", reply.message);
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let (ends, count) = (Arc::clone(&done), Arc::clone(&scraped));
        let scraping = spawn_blocking(move || {
            while !ends.load(Ordering::Relaxed) {
                assert_eq!(page(admin, "/healthz").0, 200);
                assert!(!scrape(admin).families().is_empty());
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self {
            done,
            answered,
            scraped,
            sending,
            scraping,
        }
    }

    /// Waits until both have got further.
    async fn goes_on(&self) {
        let counts = || [&self.answered, &self.scraped].map(|count| count.load(Ordering::Relaxed));
        let before = counts();
        let further = async {
            while (0..2).any(|i| counts()[i] <= before[i] + 1) {
                assert!(!self.sending.is_finished() && !self.scraping.is_finished());
                yield_now().await;
            }
        };
        timeout(PATIENCE, further).await.expect("the good goes on");
    }

    async fn end(self) -> u64 {
        self.done.store(true, Ordering::Relaxed);
        self.sending.await.unwrap();
        self.scraping.await.unwrap();
        self.answered.load(Ordering::Relaxed)
    }
}

async fn metrics(admin: SocketAddr) -> Metrics {
    spawn_blocking(move || scrape(admin)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_vice_stays_where_it_is_while_good_pipelines_carry_on() {
    let backend = Backend::start();
    let directory = plugins(&[("bad", guests::BAD), ("wasi", guests::WASI)]);
    let mut otlet = run(whole(&backend, &directory)).await.unwrap();
    let admin = otlet.admin();
    let good = Good::start(Sender::grpc(otlet.grpc_of("otlp/good")), admin);
    let bad = VICES.map(|(vice, n, cause)| (format!("bad/{}", name(vice, n)), cause));
    let wasi = (1..)
        .zip(WASI_VICES)
        .map(|(i, (_, cause))| (format!("wasi/{i}"), cause));
    for (processor, cause) in bad.into_iter().chain(wasi) {
        let receiver = format!("otlp/{}", processor.replace('/', "-"));
        let sender = Sender::grpc(otlet.grpc_of(&receiver));
        for _ in 0..2 {
            let request = Request::Traces(spans([1_000_000, 1_000_001]));
            let reply = timeout(PATIENCE, sender.send(&request)).await;
            let reply = reply.expect("the vice's own sender is answered").unwrap();
            // Nothing that the plugin says is the sender's to know.
            let (code, message) = match cause {
                Some(_) => (INVALID_ARGUMENT, format!("processor {processor} failed")),
                None => (0, String::new()),
            };
            assert_eq!((reply.code, reply.message), (code, message), "{processor}");
        }
        good.goes_on().await;
        let metrics = metrics(admin).await;
        let of = ("processor", processor.as_str());
        if let Some(cause) = cause {
            let failures = "otlet_processor_failures_total";
            let risen = metrics.count(failures, &[of, ("error_type", cause)]);
            assert_eq!(risen, 2, "{processor}: {cause}");
        } else {
            let batches = metrics.count("otlet_processor_batches_total", &[of]);
            assert_eq!(batches, 2, "{processor}");
            let dropped = metrics.count("otlet_plugin_dropped_log_lines_total", &[of]);
            let floods = processor.contains("flood") || processor.contains("wasi");
            assert_eq!(dropped > 1_000, floods, "{processor}: {dropped}");
        }
    }
    let sent = good.end().await;
    ends_well(&mut otlet);
    is_of_few_words(&otlet);
    // What was good arrived, whole and once; of the rest what was let pass, twice each.
    let mut arrived = numbers(&backend.received());
    let passed = arrived.split_off(arrived.partition_point(|number| *number < 1_000_000));
    assert_eq!(arrived, (0..sent).collect::<Vec<_>>());
    assert_eq!(passed.len(), 7 * 2 * 2, "{passed:?}");
}

/// What plugins say is cut, and of those that fail closed nothing is logged.
fn is_of_few_words(otlet: &Program) {
    let said = otlet.said();
    let longest = said.lines().map(str::len).max();
    assert!(
        longest.is_some_and(|longest| longest < 1_024),
        "{longest:?}"
    );
    assert!(said.contains("line 0 forged") && said.contains("wide wide"));
    for words in ["xxx", "was wrong", "by bad", "unreachable"] {
        assert!(!said.contains(words), "{words}");
    }
}

/// The vices of the guest, read from its source, are those above.
#[test]
fn every_vice_that_the_guest_has_is_tried() {
    let source = include_str!("../../../tests/guests/bad/src/lib.rs");
    let (_, vices) = source.split_once("match self.vice.as_str()").unwrap();
    let (vices, _) = vices.split_once("no vice is called").unwrap();
    let arms = vices.lines().map(str::trim_start);
    let names = arms.filter_map(|line| line.strip_prefix('"')?.split_once('"'));
    let names: Vec<_> = names
        .filter(|(_, rest)| rest.starts_with(" =>") || rest.starts_with(" if"))
        .map(|(name, _)| name)
        .collect();
    assert!(names.len() > 30, "{names:?}");
    // These do no wrong.
    let good = ["none", "work", "age", "square"];
    for name in names {
        let is_tried = VICES.iter().any(|(vice, ..)| *vice == name);
        assert!(is_tried || good.contains(&name), "{name}");
    }
}

fn ends_well(otlet: &mut Program) {
    assert!(otlet.terminate().success());
    assert!(!otlet.said().contains("panicked"));
}

/// So many spans, of which the guest traps on one.
fn with_poison(count: u64, one: usize) -> ExportTraceServiceRequest {
    let mut request = spans(0..count);
    let span = &mut request.resource_spans[0].scope_spans[0].spans[one];
    span.attributes.push(KeyValue {
        key: "poison".to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue("x".to_owned())),
        }),
        ..KeyValue::default()
    });
    request
}
