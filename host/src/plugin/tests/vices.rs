//! Every vice is contained: the batch is as it was, and the next batch fares well.

use std::thread;

use super::*;

/// Has a processor fail on traces for a reason, twice, and do well on logs after each time.
pub(super) fn contained(vice: &str, n: usize, limits: &Limits, reason: &str) {
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
fn misuse_of_the_batch_is_a_trap_that_says_what_was_wrong() {
    let limits = Limits::default();
    contained("column", 0, &limits, "there is no column 1000000");
    contained("table", 0, &limits, "tablet");
    for vice in [
        "row",
        "descending",
        "mask",
        "drop-rows",
        "pointer",
        "print",
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
    contained("no words", 0, &limits, "utf-8");
}

#[test]
fn a_guest_that_is_entered_again_while_it_takes_an_answer_traps() {
    contained(
        "re-enter",
        0,
        &Limits::default(),
        "cannot leave component instance",
    );
}

#[test]
fn what_a_plugin_that_fails_closed_says_of_a_batch_is_not_logged() {
    let sandbox = Sandbox::default();
    let config = json!({"vice": "flood", "n": 20});
    for (on_error, is_said) in [
        (None, false),
        (Some(OnError::Drop), false),
        (Some(OnError::Pass), true),
    ] {
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
