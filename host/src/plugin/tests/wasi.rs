//! Components that import WASI, as plain cargo builds them.

use super::*;

#[test]
fn a_wasi_component_works_on_a_worker_and_sees_nothing_of_the_host() {
    let processor = processor(&WASI, &json!({}), &Limits::default());
    let batch = processor.process(traces(), Place::Worker).unwrap();
    let resource = decoded(&batch).resource_spans[0].resource.clone().unwrap();
    let seen = resource.attributes.iter().find(|seen| seen.key == "seen");
    assert_eq!(seen, Some(&attribute("seen", Any::IntValue(0))));
}

#[test]
fn what_it_prints_is_logged_under_its_name() {
    let log = logged(|| {
        let processor = processor(&WASI, &json!({}), &Limits::default());
        processor.process(traces(), Place::Worker).unwrap();
    });
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    for (line, parts) in lines
        .iter()
        .zip([["INFO", "configured"], ["WARN", "sees 0 things"]])
    {
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
        assert!(line.contains("processor=\"test\""), "{line}");
    }
}

#[test]
fn it_is_never_called_in_line() {
    let processor = processor(&WASI, &json!({}), &Limits::default());
    for _ in 0..50 {
        processor.process(traces(), Place::Worker).unwrap();
    }
    assert!(!processor.is_inline(1));
    let failure = processor.process(traces(), Place::Inline).unwrap_err();
    assert!(matches!(failure, Failure::Slow(_)));
}

#[test]
fn a_guest_that_sleeps_in_the_host_meets_ten_times_its_deadline() {
    let limits = Limits {
        deadline: Duration::from_millis(5),
        ..Limits::default()
    };
    let processor = processor(&WASI, &json!({"sleep": true}), &limits);
    assert!(fails(&processor).contains("its deadline of 5 ms"));
}

#[test]
fn it_can_be_loaded_and_called_inside_of_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let processor = processor(&WASI, &json!({}), &Limits::default());
        let batch = processor.process(traces(), Place::Worker).unwrap();
        assert!(!batch.is_untouched());
    });
}
