//! How long an instance lives: until it grew large, broke a limit, or was given its number of batches.

use super::super::Isolate;
use super::*;

#[test]
fn a_guest_that_was_refused_memory_is_not_used_again() {
    let limits = Limits {
        memory: 16 << 20,
        instances: 1,
        ..Limits::default()
    };
    let processor = bad("grab", 17, &limits);
    // It carries on, and its edits count.
    let batch = processor.process(traces(), Place::Worker).unwrap();
    assert!(!batch.is_untouched());
    let lease = processor.pool.take(Place::Inline);
    assert!(lease.unwrap().instance().is_none());
}

#[test]
fn an_instance_that_grew_large_is_not_used_again() {
    let processor = bad("hold", 20, &Limits::default());
    processor.process(traces(), Place::Worker).unwrap();
    assert!(
        processor
            .pool
            .take(Place::Inline)
            .unwrap()
            .instance()
            .is_none()
    );

    let processor = bad("hold", 2, &Limits::default());
    processor.process(traces(), Place::Worker).unwrap();
    assert!(
        processor
            .pool
            .take(Place::Inline)
            .unwrap()
            .instance()
            .is_some()
    );
}

#[test]
fn an_instance_lives_for_a_number_of_batches() {
    let processor = bad("age", 0, &Limits::default());
    let ages = (0..102).map(|_| age(&processor));
    let expected = (1..=100).chain([1, 2]);
    assert!(ages.eq(expected));
}

#[test]
fn an_instance_for_each_batch_remembers_nothing() {
    let sandbox = Sandbox {
        isolate: Isolate::Batch,
        ..Sandbox::default()
    };
    let config = json!({"vice": "age"});
    let processor = Processor::new(Arc::clone(&BAD), "test", &config, &sandbox, None).unwrap();
    for _ in 0..3 {
        assert_eq!(age(&processor), 1);
        assert_eq!(processor.instances(), 0);
    }
}

/// How many batches the instance was given that works on the next.
fn age(processor: &Processor) -> i64 {
    let batch = processor.process(traces(), Place::Worker).unwrap();
    let request = decoded(&batch);
    let span = &request.resource_spans[0].scope_spans[0].spans[0];
    match of(span, "edited") {
        Some(Any::IntValue(age)) => *age,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_leaks_in_every_batch_costs_instances_and_never_more_than_their_memory() {
    let limits = Limits {
        memory: 64 << 20,
        ..Limits::default()
    };
    let processor = bad("leak", 3, &limits);
    for _ in 0..100 {
        processor.process(traces(), Place::Worker).unwrap();
        assert!(processor.stats().memory() <= 64 << 20);
    }
}
