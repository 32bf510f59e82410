//! A connector between what a test sends and what the test takes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otlet_tests::sender::spans;
use prost::Message;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;
use crate::batch::Signal;
use crate::payload::prefix;
use crate::queue::Lost;

const PATIENCE: Duration = Duration::from_secs(30);

/// What comes out, and what is said to it, in turn; the last goes on.
struct Behind {
    came: mpsc::Receiver<Payload>,
    answers: Arc<Mutex<Vec<Result<Accepted, Refusal>>>>,
}

fn behind(answers: Vec<Result<Accepted, Refusal>>) -> (Next, Behind) {
    let (sender, came) = mpsc::channel(1000);
    let answers = Arc::new(Mutex::new(answers));
    let told = Arc::clone(&answers);
    let next: Next = Arc::new(move |payload| {
        let (sender, told) = (sender.clone(), Arc::clone(&told));
        Box::pin(async move {
            let mut told = told.lock().unwrap();
            let answer = if told.len() > 1 {
                told.remove(0)
            } else {
                told.first()
                    .cloned()
                    .unwrap_or_else(|| Ok(Accepted::default()))
            };
            sender.try_send(payload).unwrap();
            answer
        })
    });
    (next, Behind { came, answers })
}

impl Behind {
    async fn next(&mut self) -> Payload {
        let came = timeout(PATIENCE, self.came.recv()).await;
        came.expect("it comes in time").unwrap()
    }
}

fn full() -> Refusal {
    Refusal::Full {
        what: "a queue".to_owned(),
        after: Duration::from_secs(1),
    }
}

/// Numbers as spans, each with a trace of its own.
fn request(numbers: std::ops::Range<u64>) -> (Payload, Size) {
    let mut request = spans(numbers.clone());
    let resources = request.resource_spans.iter_mut();
    let scopes = resources.flat_map(|resource| &mut resource.scope_spans);
    for span in scopes.flat_map(|scope| &mut scope.spans) {
        span.trace_id = span.span_id.repeat(2);
    }
    let message = request.encode_to_vec();
    let framed = [&prefix(false, message.len())[..], &message].concat();
    let size = Size {
        bytes: framed.len() as u64,
        items: numbers.end - numbers.start,
    };
    (Payload::plain(Signal::Traces, Bytes::from(framed)), size)
}

fn records(payload: &Payload) -> usize {
    let request = ExportTraceServiceRequest::decode(payload.message().unwrap()).unwrap();
    let scopes = request.resource_spans.iter().flat_map(|it| &it.scope_spans);
    scopes.map(|scope| scope.spans.len()).sum()
}

fn config(wait: Duration) -> Config {
    Config {
        wait_duration: wait,
        ..Config::named("groupbytrace")
    }
}

fn start(config: &Config, next: Next, memory: &Memory) -> (Connector, Runtimes) {
    let runtimes = Runtimes::start(2).unwrap();
    let connector = Connector::start(config, &runtimes, next, None, memory, false).unwrap();
    (connector, runtimes)
}

async fn give(connector: &Connector, memory: &Memory, numbers: std::ops::Range<u64>) {
    let (payload, size) = request(numbers);
    let payload = payload.charged(memory.nothing()).unwrap();
    let reserved = connector.reserve(&payload, size).unwrap();
    reserved.commit(payload, size).wait().await.unwrap();
}

#[tokio::test]
async fn what_is_refused_for_now_is_held_until_it_is_taken() {
    let (next, mut behind) = behind(vec![
        Err(full()),
        Err(full()),
        Err(full()),
        Ok(Accepted::default()),
    ]);
    let memory = Memory::new(64 << 20);
    let (connector, _runtimes) = start(&config(Duration::from_millis(1)), next, &memory);
    give(&connector, &memory, 0..5).await;
    loop {
        assert_eq!(records(&behind.next().await), 5);
        if behind.answers.lock().unwrap().len() == 1 {
            break;
        }
        assert_eq!(connector.queue().depth().items, 5);
    }
    timeout(PATIENCE, connector.queue().finish()).await.unwrap();
    assert_eq!(connector.counters().sent_items.get(), 5);
    assert_eq!(connector.queue().depth().bytes, 0);
    // The batches that came here hold the rest.
    behind.came.close();
    while behind.came.recv().await.is_some() {}
    assert_eq!(memory.held(), ASIDE);
}

#[tokio::test]
async fn what_is_refused_for_good_is_counted_and_let_go_of() {
    let (next, mut behind) = behind(vec![Err(Refusal::Rejected("no".to_owned()))]);
    let memory = Memory::new(64 << 20);
    let (connector, _runtimes) = start(&config(Duration::from_millis(1)), next, &memory);
    give(&connector, &memory, 0..5).await;
    assert_eq!(records(&behind.next().await), 5);
    timeout(PATIENCE, connector.queue().finish()).await.unwrap();
    let counters = connector.counters();
    assert_eq!(
        (counters.failed_items.get(), counters.sent_items.get()),
        (5, 0)
    );
    assert_eq!(connector.queue().lost(), Lost::default());
}

/// The numbers of the spans of a batch.
fn numbers(payload: &Payload) -> Vec<u64> {
    let request = ExportTraceServiceRequest::decode(payload.message().unwrap()).unwrap();
    let scopes = request.resource_spans.iter().flat_map(|it| &it.scope_spans);
    let spans = scopes.flat_map(|scope| &scope.spans);
    let number = |id: &[u8]| u64::from_be_bytes(id.try_into().unwrap());
    spans.map(|span| number(&span.span_id)).collect()
}

/// Refuses batches for which something is said of their numbers; what is taken is in the list.
fn strict(refuses: fn(&[u64]) -> Option<Refusal>) -> (Next, Arc<Mutex<Vec<u64>>>) {
    let taken = Arc::<Mutex<Vec<u64>>>::default();
    let into = Arc::clone(&taken);
    let next: Next = Arc::new(move |payload| {
        assert!(payload.is_joined());
        let numbers = numbers(&payload);
        let answer = if let Some(refusal) = refuses(&numbers) {
            Err(refusal)
        } else {
            into.lock().unwrap().extend(numbers);
            Ok(Accepted::default())
        };
        Box::pin(async { answer })
    });
    (next, taken)
}

#[tokio::test]
async fn of_what_is_refused_for_good_the_rest_goes_on() {
    let (next, taken) = strict(|numbers| {
        let is_bad = numbers.iter().any(|number| [17, 800].contains(number));
        is_bad.then(|| Refusal::Rejected("no".to_owned()))
    });
    let memory = Memory::new(64 << 20);
    let (connector, _runtimes) = start(&config(Duration::from_hours(1)), next, &memory);
    give(&connector, &memory, 0..700).await;
    give(&connector, &memory, 700..1000).await;
    timeout(PATIENCE, connector.queue().finish()).await.unwrap();
    let mut taken = std::mem::take(&mut *taken.lock().unwrap());
    taken.sort_unstable();
    let good = (0..1000).filter(|number| ![17, 800].contains(number));
    assert_eq!(taken, good.collect::<Vec<_>>());
    let counters = connector.counters();
    assert_eq!(
        (counters.failed_items.get(), counters.sent_items.get()),
        (2, 998)
    );
    assert_eq!(memory.held(), ASIDE);
}

#[tokio::test]
async fn what_is_too_large_for_a_queue_goes_on_in_parts_however_many() {
    let (next, taken) = strict(|numbers| {
        (numbers.len() > 3).then(|| Refusal::TooLarge("larger than the queue".to_owned()))
    });
    let memory = Memory::new(64 << 20);
    let (connector, _runtimes) = start(&config(Duration::from_hours(1)), next, &memory);
    give(&connector, &memory, 0..1000).await;
    timeout(PATIENCE, connector.queue().finish()).await.unwrap();
    assert_eq!(taken.lock().unwrap().len(), 1000);
    assert_eq!(connector.counters().failed_items.get(), 0);
}

#[tokio::test]
async fn where_others_find_no_memory_much_that_is_held_goes_on_early() {
    let (next, taken) = strict(|_numbers| None);
    let memory = Memory::new(ASIDE + (8 << 20));
    let (connector, _runtimes) = start(&config(Duration::from_hours(1)), next, &memory);
    // Too little to be asked for.
    give(&connector, &memory, 0..10).await;
    assert!(memory.take(8 << 20).is_err());
    give(&connector, &memory, 10..40_000).await;
    let others = async {
        while memory.take(4 << 20).is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, others).await.unwrap();
    assert!(connector.counters().early.get() > 10_000);
    timeout(PATIENCE, connector.queue().finish()).await.unwrap();
    assert_eq!(taken.lock().unwrap().len(), 40_000);
    assert_eq!(memory.held(), ASIDE);
}

#[tokio::test]
async fn what_finds_no_room_in_memory_goes_on_in_the_room_aside() {
    let (next, mut behind) = behind(vec![]);
    let memory = Memory::new(ASIDE + (1 << 20));
    let config = Config {
        num_traces: 100,
        ..config(Duration::from_hours(1))
    };
    let (connector, _runtimes) = start(&config, next, &memory);
    let (payload, size) = request(0..1000);
    let payload = payload.charged(memory.nothing()).unwrap();
    let reserved = connector.reserve(&payload, size).unwrap();
    // Somebody else has the rest.
    let mut rest = memory.nothing();
    rest.grow(memory.limit() - memory.held()).unwrap();
    reserved.commit(payload, size).wait().await.unwrap();
    let came = behind.next().await;
    assert_eq!(records(&came), 900);
    assert_eq!(came.memory().map(Memory::limit), Some(usize::MAX));
    drop(rest);
    timeout(PATIENCE, connector.queue().finish()).await.unwrap();
    let came = behind.next().await;
    assert_eq!(records(&came), 100);
    assert_eq!(came.memory().map(Memory::limit), Some(memory.limit()));
}

#[tokio::test]
async fn at_a_bound_the_oldest_go_on_early_and_what_finds_no_room_is_refused() {
    let (next, mut behind) = behind(vec![Err(full())]);
    let memory = Memory::unbounded();
    let config = Config {
        num_traces: 10,
        max_bytes: 1 << 20,
        ..config(Duration::from_hours(1))
    };
    let (connector, _runtimes) = start(&config, next, &memory);
    give(&connector, &memory, 0..30).await;
    // Twenty of thirty are too many, and nobody takes them.
    assert_eq!(records(&behind.next().await), 20);
    let mut taken = 30;
    let refusal = loop {
        let (payload, size) = request(taken..taken + 1000);
        match connector.reserve(&payload, size) {
            Ok(reserved) => reserved.commit(payload, size).wait().await.unwrap(),
            Err(refusal) => break refusal,
        };
        taken += 1000;
        assert!(taken < 1_000_000, "there is no bound");
    };
    assert!(refusal.retry_after().is_some(), "{refusal}");
    assert_eq!(connector.queue().depth().items, taken);
    // Now they are taken, and there is room again.
    behind.answers.lock().unwrap().clear();
    let all_but_ten = async {
        while connector.counters().sent_items.get() < taken - 10 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, all_but_ten).await.unwrap();
    assert!(connector.counters().early.get() >= taken - 10);
    let (payload, size) = request(0..1000);
    assert!(connector.reserve(&payload, size).is_ok());
}

#[tokio::test]
async fn what_is_held_when_it_ends_at_once_is_counted_as_lost() {
    let (next, _behind) = behind(vec![]);
    let memory = Memory::unbounded();
    let (connector, _runtimes) = start(&config(Duration::from_hours(1)), next, &memory);
    give(&connector, &memory, 0..3).await;
    give(&connector, &memory, 3..5).await;
    let lost = timeout(PATIENCE, connector.queue().abort()).await.unwrap();
    assert_eq!((lost.requests, lost.items), (2, 5));
}

#[test]
fn without_room_for_what_it_sets_aside_it_does_not_start() {
    let (next, _behind) = behind(vec![]);
    let runtimes = Runtimes::start(1).unwrap();
    let memory = Memory::new(ASIDE - 1);
    let config = config(Duration::from_secs(1));
    let error = Connector::start(&config, &runtimes, next, None, &memory, false).err();
    assert!(error.unwrap().to_string().contains("service.memory.limit"));
}
