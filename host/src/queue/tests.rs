//! Room, lanes and deliveries, without an exporter.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::*;
use crate::acceptance::Accepted;
use crate::batch::Signal;

/// What a request costs beyond its bytes.
const OVERHEAD: u64 = 512;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn config(sizer: Sizer, queue_size: u64) -> Config {
    Config {
        queue_size,
        sizer,
        ..Config::default()
    }
}

fn size(bytes: u64, items: u64) -> Size {
    Size { bytes, items }
}

fn payload() -> Payload {
    Payload::plain(Signal::Logs, Bytes::from_static(&[0; 5]))
}

fn is_full<T>(result: &Result<T, Refusal>) -> bool {
    matches!(result, Err(Refusal::Full { .. }))
}

#[test]
fn a_reservation_that_is_dropped_gives_its_room_back() {
    let queue = Queue::new("otlp", &config(Sizer::Requests, 1), 1);
    let first = queue.reserve(size(100, 7)).unwrap();
    assert_eq!(
        queue.depth(),
        Depth {
            requests: 1,
            items: 7,
            bytes: 100 + OVERHEAD
        }
    );
    assert!(is_full(&queue.reserve(size(1, 1))));
    assert_eq!(queue.refused(), 1);
    drop(first);
    assert_eq!(queue.depth(), Depth::default());
    let _room = queue.reserve(size(1, 1)).unwrap();
}

#[test]
fn each_sizer_counts_its_own_unit() {
    for (sizer, bound) in [
        (Sizer::Requests, 2),
        (Sizer::Items, 10),
        (Sizer::Bytes, 200),
    ] {
        let queue = Queue::new("otlp", &config(sizer, bound), 1);
        let first = queue.reserve(size(100, 5)).unwrap();
        let second = queue.reserve(size(100, 5)).unwrap();
        assert!(is_full(&queue.reserve(size(1, 1))), "{sizer:?}");
        drop((first, second));
        assert_eq!(queue.depth(), Depth::default());
    }
}

#[test]
fn the_bound_in_bytes_holds_whatever_the_sizer_counts() {
    let config = Config {
        max_bytes: 2 * (1000 + OVERHEAD),
        ..config(Sizer::Requests, 1000)
    };
    let queue = Queue::new("otlp", &config, 1);
    let first = queue.reserve(size(1000, 1)).unwrap();
    let second = queue.reserve(size(1000, 1)).unwrap();
    assert!(is_full(&queue.reserve(size(0, 0))));
    drop(first);
    let third = queue.reserve(size(1000, 1)).unwrap();
    drop((second, third));
    assert_eq!(queue.depth(), Depth::default());
}

#[test]
fn what_can_never_fit_is_not_worth_trying_again() {
    let queue = Queue::new("otlp", &config(Sizer::Items, 10), 1);
    let refusal = queue.reserve(size(1, 11)).err().unwrap();
    assert!(matches!(refusal, Refusal::TooLarge(_)), "{refusal}");
    assert_eq!(refusal.retry_after(), None);
}

#[test]
fn a_request_may_be_larger_than_reserved_and_is_charged_for_it() {
    let queue = Queue::new("otlp", &config(Sizer::Bytes, 100), 1);
    let room = queue.reserve(size(60, 3)).unwrap();
    let _taken = room.commit(payload(), size(150, 9));
    assert_eq!(
        queue.depth(),
        Depth {
            requests: 1,
            items: 9,
            bytes: 150 + OVERHEAD
        }
    );
    assert!(is_full(&queue.reserve(size(1, 1))));
}

#[test]
fn a_request_smaller_than_reserved_gives_the_rest_back() {
    let queue = Queue::new("otlp", &config(Sizer::Bytes, 100), 1);
    let room = queue.reserve(size(100, 3)).unwrap();
    assert!(is_full(&queue.reserve(size(1, 1))));
    let _taken = room.commit(payload(), size(40, 1));
    let _rest = queue.reserve(size(60, 1)).unwrap();
    assert!(is_full(&queue.reserve(size(1, 1))));
}

#[test]
fn an_enabled_queue_answers_at_once_and_a_disabled_one_after_the_backend() {
    runtime().block_on(async {
        let enabled = Queue::new("otlp", &Config::default(), 1);
        let taken = enabled.reserve(size(1, 1)).unwrap();
        assert_eq!(
            taken.commit(payload(), size(1, 1)).wait().await,
            Ok(Accepted::default())
        );

        let disabled = Queue::new(
            "otlp",
            &Config {
                enabled: false,
                ..Config::default()
            },
            1,
        );
        let room = disabled.reserve(size(1, 1)).unwrap();
        let mut waits = Box::pin(room.commit(payload(), size(1, 1)).wait());
        assert!(timeout(Duration::ZERO, &mut waits).await.is_err());
        let (_payload, ticket) = disabled.take(0).await.unwrap().split();
        let no = Refusal::Rejected("no".to_owned());
        ticket.settle(Err(no.clone()));
        assert_eq!(waits.await, Err(no));
        assert_eq!(disabled.depth(), Depth::default());
    });
}

#[test]
fn a_sender_that_left_is_noticed() {
    runtime().block_on(async {
        let config = Config {
            enabled: false,
            ..Config::default()
        };
        let queue = Queue::new("otlp", &config, 1);
        let delivery = queue
            .reserve(size(1, 1))
            .unwrap()
            .commit(payload(), size(1, 1));
        let (_payload, mut ticket) = queue.take(0).await.unwrap().split();
        assert!(!ticket.is_abandoned());
        drop(delivery);
        ticket.abandoned().await;
        assert!(ticket.is_abandoned());
    });
}

#[test]
fn a_lane_that_has_nothing_takes_from_another() {
    runtime().block_on(async {
        let queue = Queue::new("otlp", &Config::default(), 2);
        queue.adopt(0);
        let _taken = queue
            .reserve(size(1, 1))
            .unwrap()
            .commit(payload(), size(1, 1));
        assert!(queue.take(1).await.is_some());
    });
}

#[test]
fn a_request_stays_on_its_thread_unless_another_alone_is_idle() {
    runtime().block_on(async {
        let queue = Queue::new("otlp", &Config::default(), 2);
        queue.adopt(0);
        let put = || {
            queue
                .reserve(size(1, 1))
                .unwrap()
                .commit(payload(), size(1, 1))
        };
        let mut here = Box::pin(queue.take(0));
        let mut there = Box::pin(queue.take(1));
        assert!(timeout(Duration::ZERO, &mut here).await.is_err());
        assert!(timeout(Duration::ZERO, &mut there).await.is_err());
        let _first = put();
        let first = here.await;
        assert!(first.is_some());
        assert!(timeout(Duration::ZERO, &mut there).await.is_err());
        // Nobody is idle here any more.
        let _second = put();
        assert!(there.await.is_some());
    });
}

#[test]
fn a_stopped_queue_counts_what_it_drops_and_refuses_the_rest() {
    runtime().block_on(async {
        let queue = Queue::new("otlp", &Config::default(), 2);
        let late = queue.reserve(size(1, 1)).unwrap();
        for items in [3, 4] {
            let room = queue.reserve(size(1, items)).unwrap();
            let _taken = room.commit(payload(), size(1, items));
        }
        queue.stop();
        let lost = Lost {
            requests: 2,
            items: 7,
        };
        assert_eq!(queue.ended().await, lost);
        assert!(queue.take(0).await.is_none());
        queue.stopped().await;
        // Whoever had room and commits too late is told so, and may try again elsewhere: nothing is lost.
        let refusal = late.commit(payload(), size(1, 1)).wait().await.unwrap_err();
        assert!(refusal.retry_after().is_some());
        assert!(matches!(
            queue.reserve(size(1, 1)),
            Err(Refusal::Unavailable { .. })
        ));
        assert_eq!(queue.lost(), lost);
        queue.emptied().await;
        assert_eq!(queue.depth(), Depth::default());
    });
}

#[test]
fn a_closed_queue_is_empty_only_when_what_was_reserved_has_been_sent() {
    runtime().block_on(async {
        let queue = Queue::new("otlp", &Config::default(), 1);
        let room = queue.reserve(size(1, 1)).unwrap();
        queue.close();
        assert!(queue.reserve(size(1, 1)).is_err());
        let mut emptied = Box::pin(queue.emptied());
        assert!(timeout(Duration::ZERO, &mut emptied).await.is_err());
        assert_eq!(
            room.commit(payload(), size(1, 1)).wait().await,
            Ok(Accepted::default())
        );
        assert!(timeout(Duration::ZERO, &mut emptied).await.is_err());
        let (_payload, ticket) = queue.take(0).await.unwrap().split();
        ticket.settle(Ok(Accepted::default()));
        emptied.await;
    });
}

#[test]
fn many_threads_leave_the_counts_at_zero_and_never_pass_the_bounds() {
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 3000;
    let bound = Config {
        max_bytes: 20 * (100 + OVERHEAD),
        ..config(Sizer::Items, 64)
    };
    let queue = Queue::new("otlp", &bound, 2);
    let start = Arc::new(Barrier::new(usize::try_from(THREADS).unwrap() + 2));
    let committed = Arc::new(AtomicU64::new(0));
    let takers: Vec<_> = (0..2)
        .map(|lane| {
            let (queue, start) = (queue.clone(), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                runtime().block_on(async {
                    let mut taken = 0;
                    while let Some(queued) = queue.take(lane).await {
                        taken += 1;
                        queued.split().1.settle(Ok(Accepted::default()));
                    }
                    taken
                })
            })
        })
        .collect();
    let givers: Vec<_> = (0..THREADS)
        .map(|seed| {
            let (queue, start) = (queue.clone(), Arc::clone(&start));
            let committed = Arc::clone(&committed);
            thread::spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                start.wait();
                for _round in 0..ROUNDS {
                    let reserved = size(random.u64(0..=100), random.u64(0..=8));
                    let Ok(room) = queue.reserve(reserved) else {
                        thread::yield_now();
                        continue;
                    };
                    // Nothing grows in this test, so the bounds must hold at every moment.
                    let depth = queue.depth();
                    assert!(depth.items <= 64 && depth.bytes <= 20 * (100 + OVERHEAD));
                    if random.u8(0..4) > 0 {
                        let actual = size(
                            random.u64(0..=reserved.bytes),
                            random.u64(0..=reserved.items),
                        );
                        let _taken = room.commit(payload(), actual);
                        committed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    for giver in givers {
        giver.join().unwrap();
    }
    runtime()
        .block_on(async { timeout(Duration::from_secs(10), queue.emptied()).await })
        .unwrap();
    assert_eq!(queue.depth(), Depth::default());
    queue.stop();
    let taken: u64 = takers.into_iter().map(|taker| taker.join().unwrap()).sum();
    assert_eq!(taken, committed.load(Ordering::Relaxed));
    assert!(taken > THREADS * ROUNDS / 20, "only {taken} were taken");
    assert_eq!(queue.lost(), Lost::default());
}
