//! Every vice is contained: the batch is as it was, and the next batch fares well.

use std::thread;

use super::super::{Cause, Isolate};
use super::*;

/// Has a processor fail on traces for a reason, twice, and do well on logs after each time.
fn contained(vice: &str, n: usize, limits: &Limits, reason: &str) {
    let processor = bad(vice, n, limits);
    for _ in 0..2 {
        let failed = fails(&processor);
        assert!(failed.contains(reason), "{vice}: {failed}");
        assert!(failed.len() < 512, "{vice}: {} bytes", failed.len());
        let batch = processor.process(logs(), Place::Worker).unwrap();
        assert_eq!(batch.splice(0), logs().splice(0));
    }
}

#[test]
fn a_guest_without_vice_edits_its_batch() {
    let batch = bad("none", 0, &Limits::default())
        .process(traces(), Place::Worker)
        .unwrap();
    for span in &decoded(&batch).resource_spans[0].scope_spans[0].spans {
        assert_eq!(
            of(span, "edited"),
            Some(&Any::StringValue("by bad".to_owned()))
        );
    }
}

#[test]
fn an_error_fails_the_batch_alone_and_is_cut() {
    contained("error", 3, &Limits::default(), "xxx was wrong");
    contained("error", 1 << 20, &Limits::default(), "xxx…");
}

#[test]
fn a_trap_is_contained() {
    contained("trap", 0, &Limits::default(), "unreachable");
}

#[test]
fn recursion_without_end_is_a_trap() {
    contained("recurse", 0, &Limits::default(), "stack");
}

#[test]
fn a_guest_that_spins_meets_its_deadline() {
    contained("spin", 0, &hasty(), "its deadline of 30 ms");
}

#[test]
fn a_guest_that_ends_before_its_deadline_is_let_go_on() {
    let processor = bad("work", 20, &Limits::default());
    processor.process(traces(), Place::Worker).unwrap();
    assert_eq!(processor.counters(), [("worked".to_owned(), 1)]);
}

#[test]
fn a_guest_gets_the_memory_it_may_have_and_no_more() {
    let limits = Limits {
        memory: 16 << 20,
        ..Limits::default()
    };
    let processor = bad("hold", 8, &limits);
    processor.process(traces(), Place::Worker).unwrap();
    contained("hold", 17, &limits, "its limit of 16777216 bytes of memory");
}

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
fn misuse_of_the_batch_is_a_trap_that_says_what_was_wrong() {
    let limits = Limits::default();
    contained("column", 0, &limits, "there is no column 1000000");
    contained("columns", 2_000, &limits, "at most 1024 columns");
    contained("table", 0, &limits, "tablet");
    for vice in [
        "row",
        "descending",
        "mask",
        "ends",
        "utf8",
        "leaves",
        "present",
        "backwards",
    ] {
        let reason = fails(&bad(vice, 0, &limits));
        assert!(!reason.contains("unreachable"), "{vice}: {reason}");
        contained(vice, 0, &limits, &reason);
    }
    contained("string", 0, &limits, "utf-8");
}

#[test]
fn what_a_guest_is_handed_has_a_bound() {
    let limits = Limits {
        handed: 1 << 20,
        ..Limits::default()
    };
    contained("read", 0, &limits, "more than 1048576 bytes");
}

#[test]
fn what_a_guest_gives_in_one_call_has_a_bound() {
    let limits = Limits {
        handed: 4 << 20,
        ..Limits::default()
    };
    // Two rows get a value each; more than the bound traps before anybody counts rows.
    contained("give", 3, &limits, "3 values for 2 rows");
    contained("give", 5, &limits, "fuel");
}

#[test]
fn the_number_of_edits_has_a_bound() {
    let limits = Limits {
        handed: 64 << 10,
        ..Limits::default()
    };
    let processor = bad("edits", 500, &limits);
    processor.process(traces(), Place::Worker).unwrap();
    contained("edits", 2_048, &limits, "more than 65536 bytes");
}

#[test]
fn a_value_may_be_as_large_as_a_batch_may_become_and_no_larger() {
    let limits = Limits::default();
    let processor = bad("value", 1_000, &limits);
    processor.process(traces(), Place::Worker).unwrap();
    contained(
        "value",
        1_040,
        &limits,
        "more than 8 times what it was and 1048576",
    );
}

#[test]
fn a_batch_may_grow_by_its_factor_and_no_more() {
    let limits = Limits {
        growth: 2,
        ..Limits::default()
    };
    let reason = "more than 2 times what it was and 1048576";
    // One value that is charged once and written twice.
    let processor = bad("blow-up", 500, &limits);
    let batch = processor.process(traces(), Place::Worker).unwrap();
    assert!(batch.splice(0).len() > 1_000 << 10);
    contained("blow-up", 520, &limits, reason);
    // And a request in the place of the one that came.
    let processor = bad("replace", 1_000, &limits);
    processor.process(traces(), Place::Worker).unwrap();
    contained("replace", 1_040, &limits, reason);
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

#[test]
fn randomness_is_bounded() {
    contained("random", 65_537, &Limits::default(), "at most 65536 bytes");
    let processor = bad("random", 65_536, &Limits::default());
    processor.process(traces(), Place::Worker).unwrap();
}

#[test]
fn counters_are_bounded_and_those_of_a_failed_call_do_not_count() {
    let processor = bad("counters", 64, &Limits::default());
    processor.process(traces(), Place::Worker).unwrap();
    assert_eq!(processor.counters().len(), 64);
    let processor = bad("counters", 65, &Limits::default());
    assert!(fails(&processor).contains("at most 64 counters"));
    assert!(processor.counters().is_empty());
}

#[test]
fn a_flood_of_log_lines_is_cut_to_its_rate_and_no_line_is_forged() {
    let limits = Limits {
        log_lines: 7,
        ..Limits::default()
    };
    let processor = bad("flood", 10_000, &limits);
    let log = logged(|| {
        processor.process(traces(), Place::Worker).unwrap();
    });
    assert_eq!(log.lines().count(), 7, "{log}");
    assert!(log.contains("line 0 forged"), "{log}");
}

#[test]
fn what_a_plugin_that_fails_closed_says_of_a_batch_is_not_logged() {
    let sandbox = Sandbox::default();
    let config = json!({"vice": "flood", "n": 20});
    for (on_error, is_said) in [(None, false), (Some(OnError::Pass), true)] {
        let plugin = Arc::clone(&BAD);
        let processor = Processor::new(plugin, "test", &config, &sandbox, on_error).unwrap();
        let log = logged(|| {
            processor.process(traces(), Place::Worker).unwrap();
        });
        assert_eq!(log.contains("forged"), is_said, "{log}");
        assert_eq!(log.contains("withheld"), !is_said, "{log}");
        assert_eq!(processor.dropped_lines(), if is_said { 10 } else { 19 });
    }
}

#[test]
fn a_plugin_that_fails_again_and_again_is_left_alone_and_tried_again() {
    let config = json!({"vice": "trap", "if": "poison"});
    let plugin = Arc::clone(&BAD);
    let processor = Processor::new(plugin, "test", &config, &Sandbox::default(), None).unwrap();
    let fails = |sender, expected| {
        let batch = poisoned().from_sender(sender);
        match processor.process(batch, Place::Worker) {
            Err(Failure::Failed {
                batch,
                cause,
                retryable,
                ..
            }) => {
                assert!(batch.is_untouched());
                assert_eq!(retryable, expected == Cause::Tripped);
                assert_eq!(cause, expected);
            }
            other => panic!("{other:?}"),
        }
    };
    // One sender's poison is its own.
    for _ in 0..8 {
        fails(1, Cause::Trap);
    }
    processor.process(traces(), Place::Worker).unwrap();
    for sender in 0..5 {
        fails(sender, Cause::Trap);
    }
    assert!(processor.is_tripped());
    assert!(processor.is_inline(1 << 30), "nothing is waited for");
    fails(9, Cause::Tripped);
    let recovers = (0..1_000).any(|_| {
        thread::park_timeout(Duration::from_millis(20));
        processor.process(traces(), Place::Worker).is_ok()
    });
    assert!(recovers && !processor.is_tripped());
}

/// Two spans, of which the second has the attribute `poison`.
fn poisoned() -> Batch {
    let mut request = request();
    request.resource_spans[0].scope_spans[0].spans[1]
        .attributes
        .push(attribute("poison", Any::StringValue("x".to_owned())));
    Batch::new(Signal::Traces, request.encode_to_vec().into()).unwrap()
}

#[test]
fn a_wide_log_line_is_cut() {
    let processor = bad("wide", 1_000, &Limits::default());
    let log = logged(|| {
        processor.process(traces(), Place::Worker).unwrap();
    });
    assert_eq!(log.matches("wide").count(), 51, "{log}");
}

#[test]
fn a_vice_in_configure_is_found_at_load() {
    for (vice, n, reason) in [
        ("error", 2, "xx; was wrong"),
        ("trap", 0, "unreachable"),
        ("recurse", 0, "stack"),
        ("hold", 257, "its limit of 268435456 bytes"),
        ("row", 0, "during `process` alone"),
        // Ten times less in these tests than in the program.
        ("spin", 0, "its deadline of 1000 ms"),
    ] {
        let config = json!({"vice": vice, "n": n, "in": "configure"});
        let sandbox = Sandbox::default();
        let error = Processor::new(Arc::clone(&BAD), "test", &config, &sandbox, None).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("plugin \"bad\" 6.6.6: `configure` failed: "),
            "{text}"
        );
        assert!(text.contains(reason), "{text}");
    }
}

#[test]
fn good_batches_pass_while_bad_ones_fail_on_other_threads() {
    let limits = Limits {
        instances: 3,
        ..hasty()
    };
    let processor = bad("spin", 0, &limits);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..4 {
                    assert!(fails(&processor).contains("deadline"));
                }
            });
        }
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let batch = processor.process(logs(), Place::Worker).unwrap();
                    assert!(batch.is_untouched());
                }
            });
        }
    });
}
