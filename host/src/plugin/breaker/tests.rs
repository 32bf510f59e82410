//! Who can trip it, and how it recovers.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A batch of this sender that is the only one of its number.
fn batch(sender: u64, batch: u64) -> Failing {
    Failing { sender, batch }
}

/// A breaker that several senders tripped just now.
fn tripped(now: Instant) -> Breaker {
    let breaker = Breaker::default();
    for sender in 0..4 {
        assert_eq!(breaker.failed_at(batch(sender, sender), now), None);
    }
    assert!(!breaker.is_tripped());
    let change = breaker.failed_at(batch(4, 4), now);
    assert_eq!(change, Some(Change::Tripped(FIRST)));
    assert!(breaker.is_tripped());
    breaker
}

/// A breaker that one sender tripped, and when.
fn tripped_alone(now: Instant) -> (Breaker, Instant) {
    let breaker = Breaker::default();
    for number in 0..5 {
        assert_eq!(breaker.failed_at(batch(7, number), now), None);
    }
    let change = breaker.failed_at(batch(7, 5), now + ALONE);
    assert_eq!(change, Some(Change::Tripped(FIRST)));
    (breaker, now + ALONE)
}

#[test]
fn failures_of_several_senders_without_a_success_trip_it() {
    let now = Instant::now();
    let breaker = tripped(now);
    assert!(!breaker.admits_at(9, now));
    assert!(!breaker.admits_at(9, now + FIRST / 2));
}

#[test]
fn it_says_when_the_plugin_is_tried_next() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    assert_eq!(breaker.position_at(now), Position::Closed);
    assert_eq!(breaker.failed_at(batch(0, 0), now), None);
    assert_eq!(breaker.position_at(now), Position::Closed);
    let breaker = tripped(now);
    assert_eq!(breaker.position_at(now), Position::Open(FIRST));
    let half = FIRST / 2;
    assert_eq!(breaker.position_at(now + half), Position::Open(half));
    let later = now + 2 * FIRST;
    assert_eq!(breaker.position_at(later), Position::Open(Duration::ZERO));
    assert!(breaker.admits_at(1, later));
    assert_eq!(breaker.position_at(later), Position::HalfOpen(LONGEST));
    assert_eq!(breaker.succeeded(), Some(Change::Recovered));
    assert_eq!(breaker.position_at(later), Position::Closed);
}

#[test]
fn a_success_of_anybody_begins_the_count_anew() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for round in 0..100 {
        for sender in 0..4 {
            let now = now + SECOND * round;
            assert_eq!(breaker.failed_at(batch(sender, sender), now), None);
        }
        assert_eq!(breaker.succeeded(), None);
    }
    assert!(breaker.admits(0));
}

#[test]
fn one_sender_trips_it_only_where_nothing_else_succeeds_for_a_while() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for number in 0..1_000 {
        assert_eq!(breaker.failed_at(batch(7, number), now), None);
    }
    assert_eq!(breaker.failed_at(batch(8, 1), now + ALONE / 2), None);
    let change = breaker.failed_at(batch(7, 2), now + ALONE);
    assert_eq!(change, Some(Change::Tripped(FIRST)));
}

#[test]
fn one_bad_sender_among_others_behind_its_address_trips_it_for_none() {
    let (breaker, mut now) = (Breaker::default(), Instant::now());
    // A client that sends every five seconds, beside one that sends a hundred batches a second.
    for number in 0..100_000 {
        now += SECOND / 100;
        assert_eq!(breaker.failed_at(batch(7, number), now), None);
        if number % 500 == 0 {
            assert!(breaker.admits_at(7, now));
            assert_eq!(breaker.succeeded(), None);
        }
    }
}

#[test]
fn a_batch_that_is_sent_again_and_again_is_one() {
    let (breaker, now) = (Breaker::default(), Instant::now());
    for second in 0..1_000 {
        for number in 0..4 {
            let failing = batch(u64::from(second), number);
            assert_eq!(breaker.failed_at(failing, now + SECOND * second), None);
        }
    }
}

#[test]
fn who_sends_seldom_from_behind_the_address_of_a_bad_sender_is_tried_soon() {
    let (breaker, mut now) = tripped_alone(Instant::now());
    let mut last = now;
    // An hour of nothing but what fails, whenever it is let.
    for number in 0..36_000 {
        now += SECOND / 10;
        if breaker.admits_at(7, now) {
            assert!(now <= last + 2 * ALONE, "{:?}", now - last);
            last = now;
            assert!(breaker.failed_at(batch(7, number), now).is_some());
        }
    }
    assert!(breaker.admits_at(7, last + 2 * ALONE));
    assert_eq!(breaker.succeeded(), Some(Change::Recovered));
    // And what was bad has to begin anew.
    assert_eq!(breaker.failed_at(batch(7, 1), now), None);
}

#[test]
fn it_tries_one_batch_after_the_pause_and_recovers_by_itself() {
    let now = Instant::now();
    let breaker = tripped(now);
    let later = now + FIRST;
    assert!(breaker.admits_at(1, later));
    assert!(!breaker.admits_at(2, later), "one is enough");
    assert_eq!(breaker.succeeded(), Some(Change::Recovered));
    assert!(!breaker.is_tripped());
    assert!(breaker.admits(1) && breaker.admits(2));
    assert_eq!(breaker.succeeded(), None);
}

#[test]
fn a_try_that_fails_doubles_the_pause_up_to_a_bound() {
    let mut now = Instant::now();
    let breaker = tripped(now);
    let mut pause = FIRST;
    for number in 0..10 {
        now += 2 * pause;
        assert!(breaker.admits_at(1, now));
        pause = (2 * pause).min(LONGEST);
        let change = breaker.failed_at(batch(1, number), now);
        assert_eq!(change, Some(Change::Tripped(pause)));
    }
    assert_eq!(pause, LONGEST);
}

#[test]
fn the_next_try_is_of_another_sender_if_one_comes() {
    let now = Instant::now();
    let breaker = tripped(now);
    let first = now + FIRST;
    assert!(breaker.admits_at(1, first));
    assert_eq!(
        breaker.failed_at(batch(1, 1), first),
        Some(Change::Tripped(2 * FIRST))
    );
    let second = first + 2 * FIRST;
    assert!(!breaker.admits_at(1, second));
    assert!(breaker.admits_at(2, second));
    assert_eq!(breaker.succeeded(), Some(Change::Recovered));
}

#[test]
fn a_try_of_which_nothing_is_learned_is_made_again() {
    let now = Instant::now();
    let breaker = tripped(now);
    assert!(breaker.admits_at(1, now + FIRST));
    breaker.learned_nothing();
    assert!(breaker.admits_at(1, now + FIRST));
    // Nor does one that is lost keep it open for ever.
    assert!(!breaker.admits_at(1, now + 2 * FIRST));
    assert!(breaker.admits_at(1, now + FIRST + LONGEST));
}

#[test]
fn batches_are_told_apart_by_what_is_in_them() {
    let failing = |bytes: &'static [u8]| {
        let batch = Batch::new(Signal::Traces, bytes.into()).unwrap();
        Failing::of(&batch).batch
    };
    // Fields that OTLP does not have, and what is not there.
    assert_eq!(failing(&[0x78, 1]), failing(&[0x78, 1]));
    assert_ne!(failing(&[0x78, 1]), failing(&[0x78, 2]));
    assert_ne!(failing(&[0x78, 1]), failing(&[]));
}
