//! Metrics on their way to the pipelines.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;
use crate::acceptance::Accepted;
use crate::batch::Signal;

const PATIENCE: Duration = Duration::from_secs(30);

type Answers = Arc<Mutex<Vec<Result<Accepted, Refusal>>>>;

/// What comes out; these are the first answers, and all that comes after them is taken.
fn behind(answers: Vec<Result<Accepted, Refusal>>) -> (Next, mpsc::Receiver<Payload>) {
    let (sender, came) = mpsc::channel(1000);
    let answers: Answers = Arc::new(Mutex::new(answers));
    let next: Next = Arc::new(move |payload| {
        let mut answers = answers.lock().unwrap();
        let answer = if answers.is_empty() {
            Ok(Accepted::default())
        } else {
            answers.remove(0)
        };
        sender.try_send(payload).unwrap();
        Box::pin(async move { answer })
    });
    (next, came)
}

fn unavailable() -> Refusal {
    Refusal::Unavailable {
        what: "away".to_owned(),
        after: Duration::from_secs(1),
    }
}

fn start(config: &Config, next: Next, memory: &Memory) -> (SpanMetrics, Runtimes) {
    let runtimes = Runtimes::start(1).unwrap();
    let connector = SpanMetrics::start(config, &runtimes, next, None, memory).unwrap();
    (connector, runtimes)
}

async fn give(connector: &SpanMetrics, spans: Vec<Span>) {
    let framed = [vec![0; PREFIX], of_shop(spans)].concat();
    let payload = Payload::plain(Signal::Traces, Bytes::from(framed));
    let reserved = connector.reserve().unwrap();
    reserved.commit(&payload).wait().await.unwrap();
}

fn only(payload: &Payload) -> Shown {
    let mut all = All::new();
    read(payload.framed().unwrap(), &mut all);
    assert_eq!(all.len(), 1, "{all:?}");
    all.into_values().next().unwrap()
}

fn every(interval: Duration, temporality: Temporality) -> Config {
    Config {
        metrics_flush_interval: interval,
        aggregation_temporality: temporality,
        ..config()
    }
}

#[tokio::test]
async fn a_series_that_counts_from_its_beginning_is_shown_as_0_and_then_as_what_it_is() {
    let (next, mut came) = behind(vec![]);
    let memory = Memory::new(64 << 20);
    let brief = Duration::from_millis(20);
    let (connector, _runtimes) = start(&every(brief, Temporality::Cumulative), next, &memory);
    give(&connector, vec![span("get", 1), span("get", 20)]).await;
    let first = only(&came.recv().await.unwrap());
    assert_eq!((first.calls, first.duration.unwrap().count), (0, 2));
    let second = only(&came.recv().await.unwrap());
    assert_eq!((second.calls, second.times.0), (2, first.times.0));
    assert!(first.times.0 <= first.times.1 && first.times.1 < second.times.1);
    timeout(PATIENCE, connector.finish()).await.unwrap();
    assert_eq!(connector.pending(), Lost::default());
}

#[tokio::test]
async fn what_was_counted_is_handed_on_at_the_end_whatever_the_interval() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let (next, mut came) = behind(vec![Err(unavailable()), Err(unavailable())]);
        let memory = Memory::new(64 << 20);
        let long = Duration::from_hours(1);
        let (connector, _runtimes) = start(&every(long, temporality), next, &memory);
        give(&connector, vec![span("get", 1), span("get", 20)]).await;
        assert_eq!(
            (connector.pending().requests, connector.pending().items),
            (1, 2)
        );
        timeout(PATIENCE, connector.finish()).await.unwrap();
        for _ in 0..3 {
            assert_eq!(only(&came.recv().await.unwrap()).calls, 2);
        }
        assert!(connector.reserve().is_err());
        assert_eq!(connector.counters().retries.get(), 2);
        drop(connector);
        assert_eq!(memory.held(), 0);
    }
}

#[tokio::test]
async fn who_has_leave_is_waited_for_at_the_end() {
    let (next, mut came) = behind(vec![]);
    let memory = Memory::unbounded();
    let long = Duration::from_hours(1);
    let (connector, _runtimes) = start(&every(long, Temporality::Delta), next, &memory);
    let reserved = connector.reserve().unwrap();
    let framed = [vec![0; PREFIX], of_shop(vec![span("get", 1)])].concat();
    let payload = Payload::plain(Signal::Traces, Bytes::from(framed));
    let (finished, ()) = tokio::join!(timeout(PATIENCE, connector.finish()), async {
        while connector.reserve().is_ok() {
            tokio::task::yield_now().await;
        }
        reserved.commit(&payload).wait().await.unwrap();
    });
    finished.unwrap();
    assert_eq!(only(&came.recv().await.unwrap()).calls, 1);
}

#[tokio::test]
async fn what_counts_from_time_to_time_is_handed_on_once_however_often_it_is_refused() {
    let refused = (0..3).map(|_| Err(unavailable())).collect();
    let (next, mut came) = behind(refused);
    let memory = Memory::unbounded();
    let brief = Duration::from_millis(10);
    let (connector, _runtimes) = start(&every(brief, Temporality::Delta), next, &memory);
    give(&connector, vec![span("get", 1), span("get", 20)]).await;
    let first = came.recv().await.unwrap();
    // What comes meanwhile is in the next.
    give(&connector, vec![span("get", 1)]).await;
    for _ in 0..3 {
        assert_eq!(came.recv().await.unwrap().framed(), first.framed());
    }
    let (first, second) = (only(&first), only(&came.recv().await.unwrap()));
    assert_eq!((first.calls, second.calls), (2, 1));
    assert_eq!(second.times.0, first.times.1);
    give(&connector, vec![span("get", 1)]).await;
    let third = only(&came.recv().await.unwrap());
    assert_eq!((third.calls, third.times.0), (1, second.times.1));
    timeout(PATIENCE, connector.finish()).await.unwrap();
    assert!(came.try_recv().is_err());
}

#[tokio::test]
async fn what_is_refused_for_good_is_counted() {
    let (next, mut came) = behind(vec![Err(Refusal::Rejected("no".to_owned()))]);
    let memory = Memory::unbounded();
    let long = Duration::from_hours(1);
    let (connector, _runtimes) = start(&every(long, Temporality::Delta), next, &memory);
    give(&connector, vec![span("get", 1)]).await;
    timeout(PATIENCE, connector.finish()).await.unwrap();
    assert_eq!(only(&came.recv().await.unwrap()).calls, 1);
    assert_eq!(connector.counters().failed_items.get(), 2);
    assert!(came.try_recv().is_err());
}

#[tokio::test]
async fn what_is_not_handed_on_when_it_ends_at_once_is_told() {
    let (next, mut came) = behind(vec![]);
    let memory = Memory::unbounded();
    let long = Duration::from_hours(1);
    let (connector, _runtimes) = start(&every(long, Temporality::Delta), next, &memory);
    give(&connector, vec![span("get", 1), span("get", 1)]).await;
    let lost = timeout(PATIENCE, connector.abort()).await.unwrap();
    assert_eq!((lost.requests, lost.items), (1, 2));
    assert!(came.try_recv().is_err());
}

#[tokio::test]
async fn memory_that_is_full_holds_up_no_metrics() {
    let (next, mut came) = behind(vec![]);
    let config = every(Duration::from_hours(1), Temporality::Delta);
    let memory = Memory::new(config.aside() + 1024);
    let (connector, _runtimes) = start(&config, next, &memory);
    let rest = memory.take(1024).unwrap();
    give(&connector, vec![span("get", 1)]).await;
    timeout(PATIENCE, connector.finish()).await.unwrap();
    assert_eq!(only(&came.recv().await.unwrap()).calls, 1);
    drop(rest);
    let (next, _came) = behind(vec![]);
    let runtimes = Runtimes::start(1).unwrap();
    let memory = Memory::new(config.aside() - 1);
    let error = SpanMetrics::start(&config, &runtimes, next, None, &memory).err();
    assert!(error.unwrap().to_string().contains("service.memory.limit"));
}
