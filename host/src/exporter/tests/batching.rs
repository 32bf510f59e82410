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
        world.until(|| exporter.queue().depth().requests <= 20);
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
        assert_eq!(exporter.queue().depth(), Depth::default());
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
        world.until(|| exporter.queue().depth().requests == 0);
        assert_eq!(backend.attempts(), 4);
        let arrived: Vec<_> = [1, 3].into_iter().flat_map(|n| vec![n; 10]).collect();
        assert_eq!(all(&backend), arrived);
        assert_eq!(exporter.counters().sent_items.get(), 20);
        assert_eq!(exporter.counters().failed_items.get(), 10);
    }
}

/// A request of records with the numbers from 0, all in a resource with a text of so many bytes.
fn numbered(count: u64, said: usize) -> ExportLogsServiceRequest {
    let mut request = request(0, 0);
    for resource in &mut request.resource_logs {
        resource.schema_url = "s".repeat(said);
        for scope in &mut resource.scope_logs {
            let log = |number| LogRecord {
                time_unix_nano: number,
                ..LogRecord::default()
            };
            scope.log_records = (0..count).map(log).collect();
        }
    }
    request
}

/// Whether a request has a record that no other should suffer for.
fn is_bad(request: &Request) -> bool {
    let Request::Logs(request) = request else {
        return true;
    };
    let scopes = request.resource_logs.iter().flat_map(|it| &it.scope_logs);
    let mut records = scopes.flat_map(|scope| &scope.log_records);
    records.any(|record| [0, 500, 501, 999].contains(&record.time_unix_nano))
}

#[test]
fn of_what_several_senders_sent_no_more_is_given_up_than_what_is_refused() {
    for config in PROTOCOLS {
        for (said, is_packed) in [(0, false), (5000, false), (0, true)] {
            let (world, backend) = (World::new(), Backend::start());
            backend.always(Answer::RefusedIf(is_bad));
            let exporter = world.start(&if is_packed {
                compressed(config(&backend))
            } else {
                config(&backend)
            });
            let message = numbered(1000, said).encode_to_vec();
            let payload = Payload::plain(Signal::Logs, framed(false, &message)).joined(true);
            let size = Size {
                bytes: payload.size() as u64,
                items: 1000,
            };
            let reserved = exporter.reserve(size).unwrap();
            let _taken = reserved.commit(payload, size);
            world.wait(exporter.drain());
            let good = (0..1000).filter(|number| ![0, 500, 501, 999].contains(number));
            assert_eq!(all(&backend), good.collect::<Vec<_>>());
            assert_eq!(exporter.counters().failed_items.get(), 4);
            assert_eq!(exporter.counters().sent_items.get(), 996);
            let attempts = backend.attempts();
            assert!(attempts < 4 * 12, "{attempts}");
        }
    }
}

#[test]
fn what_one_sender_sent_is_given_up_as_a_whole_and_so_is_what_is_refused_too_often() {
    for is_joined in [false, true] {
        let (world, backend) = (World::new(), Backend::start());
        backend.always(Answer::refused());
        let exporter = world.start(&grpc(&backend));
        let message = numbered(1000, 0).encode_to_vec();
        let payload = Payload::plain(Signal::Logs, framed(false, &message)).joined(is_joined);
        let size = Size {
            bytes: payload.size() as u64,
            items: 1000,
        };
        let _taken = exporter.reserve(size).unwrap().commit(payload, size);
        world.wait(exporter.drain());
        assert_eq!(exporter.counters().failed_items.get(), 1000);
        let attempts = backend.attempts();
        assert_eq!(attempts > 1, is_joined);
        assert!(attempts < 200, "{attempts}");
    }
}

#[test]
fn a_request_that_ends_in_the_middle_of_a_field_does_not_hold_those_that_follow() {
    let (world, backend) = (World::new(), Backend::start());
    let config = batched(compressed(grpc(&backend)), 1 << 20, 60_000);
    let runtimes = Runtimes::start(1).unwrap();
    let exporter = Exporter::start(&config, &runtimes, &Output::stdout(), None).unwrap();
    // An unknown field of 10,000 bytes, of which none is there: those behind it would be its content.
    let messages = [
        vec![0x7a, 0x90, 0x4e],
        request(7, 10).encode_to_vec(),
        request(8, 10).encode_to_vec(),
    ];
    for message in messages {
        let payload = Payload::packed(Signal::Logs, compression::deflate(Coding::Gzip, &message));
        let size = Size {
            bytes: payload.size() as u64,
            items: 0,
        };
        let _taken = exporter.reserve(size).unwrap().commit(payload, size);
    }
    world.wait(exporter.drain());
    let arrived: Vec<_> = [7, 8].into_iter().flat_map(|n| vec![n; 10]).collect();
    assert_eq!(all(&backend), arrived);
    assert_eq!(exporter.counters().failed_requests.get(), 1);
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
            world.until(|| exporter.queue().depth().requests == 0);
            assert_eq!(all(&backend).len(), counts.iter().sum::<usize>());
            assert_eq!(exporter.counters().sent_items.get(), sent);
        }
    }
}
