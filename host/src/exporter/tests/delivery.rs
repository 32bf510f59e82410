//! Failures, retries, and what is lost.

use otlet_tests::backend::{Answer, Code};

use super::*;

#[test]
fn a_retryable_refusal_is_tried_again_until_it_is_taken() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        backend.script([
            Answer::unavailable(),
            Answer::Reset,
            Answer::Http {
                status: 502,
                retry_after: None,
            },
            Answer::throttled(Duration::ZERO),
        ]);
        let exporter = world.start(&config(&backend));
        queue(&exporter, 1, 5);
        world.wait(exporter.drain());
        assert_eq!(numbers(&backend.taken()), [1]);
        // The client itself may try a request again that was reset on a connection just taken from its pool.
        assert!(backend.attempts() >= 5);
        assert_eq!(exporter.counters().sent_items.get(), 5);
        assert!(exporter.counters().retries.get() >= 4);
        assert_eq!(exporter.counters().failed_requests.get(), 0);
    }
}

#[test]
fn a_permanent_refusal_is_counted_and_not_tried_again() {
    for config in PROTOCOLS {
        for answer in [
            Answer::refused(),
            Answer::Http {
                status: 302,
                retry_after: None,
            },
            Answer::Http {
                status: 404,
                retry_after: Some("0".to_owned()),
            },
        ] {
            let (world, backend) = (World::new(), Backend::start());
            backend.always(answer);
            let exporter = world.start(&config(&backend));
            queue(&exporter, 1, 5);
            world.wait(exporter.drain());
            assert_eq!(backend.attempts(), 1);
            assert_eq!(exporter.counters().failed_requests.get(), 1);
            assert_eq!(exporter.counters().failed_items.get(), 5);
            assert_eq!(exporter.counters().sent_requests.get(), 0);
            assert_eq!(exporter.queue().depth(), Depth::default());
        }
    }
}

#[test]
fn resource_exhausted_is_tried_again_only_with_a_retry_info() {
    let (world, backend) = (World::new(), Backend::start());
    backend.always(Answer::Status {
        code: Code::ResourceExhausted,
        retry_after: None,
    });
    let exporter = world.start(&grpc(&backend));
    queue(&exporter, 1, 1);
    world.wait(exporter.drain());
    assert_eq!(backend.attempts(), 1);
    assert_eq!(exporter.counters().failed_requests.get(), 1);
}

#[test]
fn the_delay_that_the_backend_asks_for_is_obeyed() {
    let over_http = |value: &str| Answer::Http {
        status: 503,
        retry_after: Some(value.to_owned()),
    };
    for (config, answer, delay) in [
        (
            PROTOCOLS[0],
            Answer::throttled(Duration::from_millis(400)),
            Duration::from_millis(400),
        ),
        (
            PROTOCOLS[0],
            Answer::Status {
                code: Code::Unavailable,
                retry_after: Some(Duration::from_millis(300)),
            },
            Duration::from_millis(300),
        ),
        (PROTOCOLS[0], over_http("1"), Duration::from_secs(1)),
        (PROTOCOLS[1], over_http("1"), Duration::from_secs(1)),
    ] {
        let (world, backend) = (World::new(), Backend::start());
        backend.script([answer]);
        let exporter = world.start(&config(&backend));
        queue(&exporter, 1, 1);
        let received = backend.wait_for(2);
        // Without the delay it would be 15 ms at most.
        assert!(received[1].at - received[0].at >= delay);
    }
}

#[test]
fn a_request_is_given_up_when_its_time_is_over() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        backend.always(Answer::unavailable());
        let mut config = config(&backend);
        config.retry.max_elapsed_time = Duration::from_millis(200);
        let exporter = world.start(&config);
        queue(&exporter, 1, 5);
        world.wait(exporter.drain());
        assert!(backend.attempts() > 2);
        assert_eq!(exporter.counters().failed_items.get(), 5);
        assert_eq!(
            exporter.counters().retries.get(),
            u64::try_from(backend.attempts() - 1).unwrap()
        );
    }
}

#[test]
fn a_backend_that_does_not_answer_is_asked_again_after_the_timeout() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        backend.script([Answer::Hang]);
        let mut config = config(&backend);
        config.timeout = Duration::from_millis(150);
        let exporter = world.start(&config);
        queue(&exporter, 1, 1);
        let received = backend.wait_for(2);
        assert!(received[1].at - received[0].at >= Duration::from_millis(100));
        world.wait(exporter.drain());
        assert_eq!(exporter.counters().sent_requests.get(), 1);
    }
}

#[test]
fn a_lost_answer_delivers_twice_and_never_not_at_all() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        backend.script([Answer::Lose]);
        let exporter = world.start(&config(&backend));
        queue(&exporter, 9, 1);
        world.wait(exporter.drain());
        assert_eq!(numbers(&backend.taken()), [9, 9]);
        assert_eq!(exporter.counters().sent_requests.get(), 1);
    }
}

#[test]
fn a_partial_success_is_counted_and_not_tried_again() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        backend.script([Answer::Partial {
            rejected: 2,
            message: "too old".to_owned(),
        }]);
        let exporter = world.start(&config(&backend));
        queue(&exporter, 1, 5);
        world.wait(exporter.drain());
        assert_eq!(backend.attempts(), 1);
        assert_eq!(exporter.counters().sent_requests.get(), 1);
        assert_eq!(exporter.counters().sent_items.get(), 3);
        assert_eq!(exporter.counters().rejected_items.get(), 2);
    }
}

#[test]
fn a_backend_that_comes_back_on_its_port_is_found_again() {
    for config in PROTOCOLS {
        let (world, backend) = (World::new(), Backend::start());
        let exporter = world.start(&config(&backend));
        queue(&exporter, 1, 1);
        backend.wait_for(1);
        world.until(|| exporter.queue().depth().requests == 0);
        let addr = backend.stop();
        queue(&exporter, 2, 1);
        world.until(|| exporter.counters().retries.get() >= 2);
        let backend = Backend::start_at(addr).unwrap();
        world.wait(exporter.drain());
        assert_eq!(numbers(&backend.taken()), [2]);
        assert_eq!(exporter.counters().failed_requests.get(), 0);
    }
}

#[test]
fn a_stalled_backend_does_not_slow_another_exporter() {
    for (stalled, well) in [(PROTOCOLS[0], PROTOCOLS[1]), (PROTOCOLS[1], PROTOCOLS[0])] {
        let (world, slow, quick) = (World::new(), Backend::start(), Backend::start());
        slow.always(Answer::Hang);
        let stalled = world.start(&stalled(&slow));
        let well = world.start(&well(&quick));
        for number in 0..100 {
            queue(&stalled, number, 1);
            queue(&well, number, 1);
        }
        world.wait(well.drain());
        assert_eq!(numbers(&quick.received()), (0..100).collect::<Vec<_>>());
        assert_eq!(stalled.counters().sent_requests.get(), 0);
        assert_eq!(stalled.queue().depth().requests, 100);
    }
}
