//! Every limit, obeyed and violated: what is within it goes on, what is not is contained.

use super::vices::contained;
use super::*;

#[test]
fn a_guest_that_ends_before_its_deadline_is_let_go_on() {
    let processor = bad("work", 20, &Limits::default());
    processor.process(traces(), Place::Worker).unwrap();
    assert_eq!(processor.counters(), [("worked".to_owned(), 1)]);
}

#[test]
fn a_guest_that_spins_meets_its_deadline() {
    contained("spin", 0, &hasty(), "its deadline of 30 ms");
}

#[test]
fn configure_has_a_time_of_its_own() {
    // A tenth of that time, which is a tenth of the program's in these tests, and more than the deadline.
    for (vice, n) in [("work", 100), ("none", 0)] {
        let config = json!({"vice": vice, "n": n, "in": "configure"});
        let sandbox = within(&hasty());
        Processor::new(Arc::clone(&BAD), "test", &config, &sandbox, None).unwrap();
    }
    let config = json!({"vice": "spin", "in": "configure"});
    let sandbox = within(&hasty());
    let error = Processor::new(Arc::clone(&BAD), "test", &config, &sandbox, None).unwrap_err();
    assert!(
        error.to_string().contains("its deadline of 1000 ms"),
        "{error}"
    );
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
fn what_a_guest_is_handed_has_a_bound() {
    let limits = Limits {
        handed: 1 << 20,
        ..Limits::default()
    };
    // A request of some 200 bytes, as often as that.
    let processor = bad("read", 2_000, &limits);
    processor.process(traces(), Place::Worker).unwrap();
    contained("read", 10_000, &limits, "more than 1048576 bytes");
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
fn so_many_columns_are_opened_and_no_more() {
    let limits = Limits::default();
    // Beside the one that it edits.
    let processor = bad("columns", 1_023, &limits);
    processor.process(traces(), Place::Worker).unwrap();
    contained("columns", 1_024, &limits, "at most 1024 columns");
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
    for (lines, dropped) in [(7, 0), (10_000, 9_993)] {
        let processor = bad("flood", lines, &limits);
        let log = logged(|| {
            processor.process(traces(), Place::Worker).unwrap();
        });
        assert_eq!(log.lines().count(), 7, "{log}");
        assert!(log.contains("line 0 forged"), "{log}");
        assert_eq!(processor.dropped_lines(), dropped);
    }
}

#[test]
fn a_wide_log_line_is_cut() {
    let processor = bad("wide", 1_000, &Limits::default());
    let log = logged(|| {
        processor.process(traces(), Place::Worker).unwrap();
    });
    assert_eq!(log.matches("wide").count(), 51, "{log}");
}
