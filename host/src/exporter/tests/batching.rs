//! Requests that are put together, and such as are too large.

use otlet_tests::backend::{Answer, Code};

use super::*;
use crate::compression;
use crate::queue::Batching;

/// The exporter's config with a batch of so many bytes, and a delay of so many milliseconds.
fn batched(mut config: Config, max_bytes: usize, delay: u64) -> Config {
    config.queue.batch = Some(Batching {
        max_bytes,
        max_delay: Duration::from_millis(delay),
    });
    config
}

/// The numbers of all records of a request, in their order.
fn records(received: &Received) -> Vec<u64> {
    let Request::Logs(request) = &received.request else {
        panic!("{received:?}");
    };
    let scopes = request.resource_logs.iter().flat_map(|r| &r.scope_logs);
    scopes
        .flat_map(|scope| &scope.log_records)
        .map(|record| record.time_unix_nano)
        .collect()
}

/// The numbers of all records that arrived, sorted.
fn all(backend: &Backend) -> Vec<u64> {
    let mut all: Vec<_> = backend.taken().iter().flat_map(records).collect();
    all.sort_unstable();
    all
}

#[test]
fn requests_are_put_together_up_to_the_bound_and_none_is_lost_or_doubled() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        // Ten requests of ten records, and no more, fit in a lot.
        let one = payload(1, 10).framed().unwrap().len();
        let exporter = world.start(&batched(config(&backend), one * 10, 60_000));
        for number in 1..=200 {
            queue(&exporter, number, 10);
        }
        // Two lanes may each have some left that wait for their time.
        backend.wait_for(18);
        for received in backend.taken() {
            assert!(
                records(&received).len() > 50,
                "{}",
                records(&received).len()
            );
        }
        world.until(|| exporter.depth().requests <= 20);
    }
}

#[test]
fn what_is_not_enough_is_sent_after_the_delay_and_a_lone_request_as_it_is() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        let exporter = world.start(&batched(config(&backend), 1 << 20, 5));
        for number in 0..3 {
            queue(&exporter, number, 2);
        }
        world.wait(exporter.drain());
        assert_eq!(all(&backend), [0, 0, 1, 1, 2, 2]);
        assert_eq!(exporter.counters().sent_items.get(), 6);
        assert_eq!(exporter.depth(), Depth::default());
    }
}

#[test]
fn a_request_over_the_bound_is_sent_in_parts() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        let exporter = world.start(&batched(config(&backend), 10_000, 5));
        queue(&exporter, 7, 1000);
        queue(&exporter, 8, 1);
        world.wait(exporter.drain());
        let received = backend.taken();
        assert!(received.len() > 9, "{}", received.len());
        assert_eq!(all(&backend).len(), 1001);
        assert_eq!(exporter.counters().sent_items.get(), 1001);
        for one in &received {
            assert!(records(one).len() < 120, "{}", records(one).len());
        }
    }
}

#[test]
fn a_request_that_is_refused_costs_no_other_of_its_lot() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        // The lot, then of three requests the second.
        backend.script([Answer::refused(), Answer::Ok, Answer::refused()]);
        let mut config = batched(config(&backend), 1 << 20, 60_000);
        let one = payload(1, 10).framed().unwrap().len();
        config.queue.batch.as_mut().unwrap().max_bytes = (one - 5) * 3;
        config.queue.num_consumers = 1;
        let runtimes = Runtimes::start(1).unwrap();
        let exporter = Exporter::start(&config, &runtimes, &Output::stdout(), None).unwrap();
        for number in 1..=3 {
            queue(&exporter, number, 10);
        }
        world.until(|| exporter.depth().requests == 0);
        assert_eq!(backend.attempts(), 4);
        let arrived: Vec<_> = [1, 3].into_iter().flat_map(|n| vec![n; 10]).collect();
        assert_eq!(all(&backend), arrived);
        assert_eq!(exporter.counters().sent_items.get(), 20);
        assert_eq!(exporter.counters().failed_items.get(), 10);
    }
}

#[test]
fn what_a_backend_finds_too_large_is_halved_until_it_fits() {
    for code in [Code::ResourceExhausted, Code::OutOfRange] {
        for config in PROTOCOLS {
            let (world, backend) = (World::new(), Backend::start());
            // The whole, its first half, and the first half of that.
            backend.script(vec![Answer::TooLarge(code); 3]);
            let exporter = world.start(&config(&backend));
            queue(&exporter, 5, 80);
            world.wait(exporter.drain());
            assert_eq!(all(&backend), [5; 80]);
            assert!(backend.taken().len() >= 4, "{}", backend.taken().len());
            assert_eq!(exporter.counters().sent_items.get(), 80);
            assert_eq!(exporter.counters().failed_items.get(), 0);
        }
    }
}

#[test]
fn one_record_that_is_too_large_is_given_up() {
    let (world, backend) = (World::new(), Backend::start());
    backend.always(Answer::TooLarge(Code::ResourceExhausted));
    let exporter = world.start(&http(&backend));
    queue(&exporter, 5, 1);
    world.wait(exporter.drain());
    assert_eq!(backend.attempts(), 1);
    assert_eq!(exporter.counters().failed_items.get(), 1);
}

/// A change of the config, the records of two requests, and what is counted of them.
type Case<'a> = (&'a dyn Fn(Config) -> Config, [usize; 2], u64);

#[test]
fn what_is_opened_on_its_way_is_counted() {
    let packed = |number, count| {
        let message = request(number, count).encode_to_vec();
        Payload::packed(Signal::Logs, compression::deflate(Coding::Gzip, &message))
    };
    let size = |count| request(1, count).encode_to_vec().len();
    let both = size(3) + size(4);
    // As one, in parts, opened for the backend; and what nobody opens is not known.
    let as_one = |config| batched(compressed(config), both, 60_000);
    let in_parts = |config| batched(compressed(config), 10_000, 60_000);
    let cases: [Case<'_>; 4] = [
        (&as_one, [3, 4], 7),
        (&in_parts, [500, 600], 1100),
        (&|config| config, [3, 4], 7),
        (&compressed, [3, 4], 0),
    ];
    for config in PROTOCOLS {
        for (change, counts, sent) in cases {
            let (world, backend) = (World::new(), Backend::start());
            let mut config = change(config(&backend));
            config.queue.num_consumers = 1;
            let runtimes = Runtimes::start(1).unwrap();
            let exporter = Exporter::start(&config, &runtimes, &Output::stdout(), None).unwrap();
            for (number, count) in (1..).zip(counts) {
                let payload = packed(number, count);
                let _taken = exporter
                    .reserve(Size::default())
                    .unwrap()
                    .commit(payload, Size::default());
            }
            world.until(|| exporter.depth().requests == 0);
            assert_eq!(all(&backend).len(), counts.iter().sum::<usize>());
            assert_eq!(exporter.counters().sent_items.get(), sent);
        }
    }
}
