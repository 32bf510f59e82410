//! The queue in front of an exporter: bounds, draining, and waiting for the backend.

use otlet_tests::backend::Answer;

use super::*;
use crate::acceptance::Accepted;

#[test]
fn a_full_queue_refuses_and_has_room_again_once_the_backend_answers() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        backend.always(Answer::Hang);
        let mut config = config(&backend);
        config.queue.queue_size = 3;
        let exporter = world.start(&config);
        for number in 0..3 {
            queue(&exporter, number, 1);
        }
        let refusal = send(&exporter, 3, 1).err().unwrap();
        assert!(matches!(&refusal, Refusal::Full { what, .. } if what.contains(&config.name)));
        assert_eq!(exporter.queue().refused(), 1);
        backend.wait_for(3);
        backend.always(Answer::Ok);
        backend.release();
        world.until(|| exporter.queue().depth().requests == 0);
        queue(&exporter, 3, 1);
        world.wait(exporter.drain());
        assert_eq!(numbers(&backend.taken()), [0, 1, 2, 3]);
    }
}

#[test]
fn no_more_requests_are_sent_at_a_time_than_there_are_consumers() {
    let (world, backend) = (World::new(), Backend::start());
    backend.always(Answer::Hang);
    let mut config = grpc(&backend);
    config.queue.num_consumers = 4;
    let exporter = world.start(&config);
    for number in 0..20 {
        queue(&exporter, number, 1);
    }
    backend.wait_for(4);
    backend.always(Answer::Ok);
    assert_eq!(backend.attempts(), 4);
    backend.release();
    world.wait(exporter.drain());
    assert_eq!(numbers(&backend.taken()), (0..20).collect::<Vec<_>>());
}

#[test]
fn draining_sends_what_waits_and_takes_no_more() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        backend.always(Answer::unavailable());
        let exporter = world.start(&config(&backend));
        for number in 0..150 {
            queue(&exporter, number, 2);
        }
        backend.wait_for_attempts(10);
        let mut drained = Box::pin(exporter.drain());
        world.wait(async {
            let now = tokio::time::timeout(Duration::from_millis(1), &mut drained).await;
            assert!(now.is_err());
        });
        assert!(matches!(
            send(&exporter, 150, 1),
            Err(Refusal::Unavailable { .. })
        ));
        backend.always(Answer::Ok);
        world.wait(drained);
        assert_eq!(numbers(&backend.taken()), (0..150).collect::<Vec<_>>());
        assert_eq!(exporter.counters().sent_items.get(), 300);
        assert_eq!(exporter.queue().depth(), Depth::default());
    }
}

#[test]
fn aborting_says_how_much_is_lost() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        backend.always(Answer::Hang);
        let exporter = world.start(&config(&backend));
        for number in 0..30 {
            queue(&exporter, number, 3);
        }
        // Some wait for an answer, the others for a consumer.
        backend.wait_for(10);
        let lost = world.wait(exporter.queue().abort());
        assert_eq!(
            lost,
            Lost {
                requests: 30,
                items: 90
            }
        );
        world.until(|| exporter.queue().depth() == Depth::default());
    }
}

#[test]
fn without_a_queue_the_sender_waits_for_the_backend() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        backend.script([Answer::unavailable(), Answer::Hang]);
        let exporter = world.start(&without_queue(config(&backend)));
        let mut waits = Box::pin(send(&exporter, 1, 1).unwrap().wait());
        world.wait(async {
            let now = tokio::time::timeout(Duration::from_millis(1), &mut waits).await;
            assert!(now.is_err());
        });
        backend.wait_for(2);
        backend.release();
        assert_eq!(world.wait(waits), Ok(Accepted::default()));
        assert_eq!(exporter.queue().depth(), Depth::default());
    }
}

#[test]
fn without_a_queue_the_backends_refusal_is_the_senders() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        let asked = Duration::from_secs(7);
        backend.script([Answer::refused(), Answer::throttled(asked)]);
        let exporter = world.start(&without_queue(config(&backend)));
        let refusal = world
            .wait(send(&exporter, 1, 1).unwrap().wait())
            .unwrap_err();
        assert!(matches!(refusal, Refusal::Rejected(_)), "{refusal}");
        // To wait for 7 s would take longer than the sender waits: it is told at once.
        let before = Instant::now();
        let refusal = world
            .wait(send(&exporter, 2, 1).unwrap().wait())
            .unwrap_err();
        assert!(before.elapsed() < Duration::from_secs(5));
        assert!(
            matches!(&refusal, Refusal::Unavailable { after, .. } if *after == asked),
            "{refusal:?}"
        );
        assert_eq!(backend.attempts(), 2);
        // What the sender tries again is not given up.
        let counters = exporter.counters();
        assert_eq!(counters.failed_requests.get(), 1);
        assert_eq!(counters.returned_requests.get(), 1);
        assert_eq!(counters.returned_items.get(), 1);
    }
}

#[test]
fn without_a_queue_a_backend_that_is_away_is_the_senders_to_try_again() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        let mut config = without_queue(config(&backend));
        config.retry.enabled = false;
        drop(backend);
        let exporter = world.start(&config);
        let refusal = world
            .wait(send(&exporter, 1, 1).unwrap().wait())
            .unwrap_err();
        assert!(refusal.retry_after().is_some(), "{refusal}");
    }
}

#[test]
fn without_a_queue_many_requests_go_at_a_time_within_the_queues_bounds() {
    let (world, backend) = (World::new(), Backend::start());
    backend.always(Answer::Hang);
    let mut config = without_queue(grpc(&backend));
    config.queue.queue_size = 40;
    config.queue.num_consumers = 1;
    let exporter = world.start(&config);
    let waits: Vec<_> = (0..40)
        .map(|number| send(&exporter, number, 1).unwrap())
        .collect();
    assert!(matches!(send(&exporter, 40, 1), Err(Refusal::Full { .. })));
    backend.wait_for(40);
    backend.release();
    for wait in waits {
        assert_eq!(world.wait(wait.wait()), Ok(Accepted::default()));
    }
}

#[test]
fn when_a_sender_leaves_the_attempt_under_way_ends_and_no_other_begins() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        backend.script([Answer::Hang]);
        let exporter = world.start(&without_queue(config(&backend)));
        let delivery = send(&exporter, 1, 1).unwrap();
        backend.wait_for(1);
        drop(delivery);
        backend.release();
        world.until(|| exporter.counters().sent_requests.get() == 1);

        backend.always(Answer::unavailable());
        let mut config = without_queue(config(&backend));
        config.retry.initial_interval = Duration::from_secs(4);
        config.retry.max_interval = Duration::from_secs(4);
        config.retry.randomization_factor = 0.0;
        let exporter = world.start(&config);
        let delivery = send(&exporter, 2, 1).unwrap();
        backend.wait_for(2);
        drop(delivery);
        let left = Instant::now();
        world.until(|| exporter.queue().depth().requests == 0);
        assert!(left.elapsed() < Duration::from_secs(3));
        assert_eq!(exporter.counters().returned_requests.get(), 1);
        assert_eq!(exporter.counters().failed_requests.get(), 0);
        assert_eq!(backend.attempts(), 2);
    }
}

#[test]
fn without_a_queue_an_abort_tells_the_sender_to_try_again_and_loses_nothing() {
    let (world, backend) = (World::new(), Backend::start());
    backend.always(Answer::Hang);
    let exporter = world.start(&without_queue(grpc(&backend)));
    let delivery = send(&exporter, 1, 1).unwrap();
    backend.wait_for(1);
    assert_eq!(world.wait(exporter.queue().abort()), Lost::default());
    let refusal = world.wait(delivery.wait()).unwrap_err();
    assert!(refusal.retry_after().is_some(), "{refusal}");
}

#[test]
fn an_exporter_that_is_dropped_ends_its_tasks() {
    let (world, backend) = (World::new(), Backend::start());
    let exporter = world.start(&grpc(&backend));
    queue(&exporter, 1, 1);
    world.wait(exporter.drain());
    let queue = exporter.queue.clone();
    drop(exporter);
    world.wait(queue.stopped());
    assert!(world.wait(queue.take(0)).is_none());
}
