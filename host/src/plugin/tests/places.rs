//! Where a call is made: in line while it is short, on a worker when it is not.

use super::*;

#[expect(clippy::result_large_err, reason = "what `process` returns")]
fn inline(processor: &Processor, batch: Batch) -> Result<Batch, Failure> {
    processor.process(batch, Place::Inline)
}

#[test]
fn a_processor_is_inline_once_its_calls_were_short() {
    let processor = bad("none", 0, &Limits::default());
    assert!(!processor.is_inline(Signal::Traces, 1));
    // The first call on a cold machine may be slow.
    for _ in 0..50 {
        processor.process(logs(), Place::Worker).unwrap();
    }
    assert!(processor.is_inline(Signal::Traces, 1));
    inline(&processor, logs()).unwrap();
}

#[test]
fn a_slow_call_is_given_up_in_line_and_reports_nothing() {
    let processor = bad("work", 300, &Limits::default());
    let log = logged(|| {
        let Err(Failure::Slow(batch)) = inline(&processor, traces()) else {
            panic!("it was not slow");
        };
        assert_eq!(decoded(&batch), request());
    });
    assert_eq!(log, "");
    assert!(processor.counters().is_empty());
    assert!(!processor.is_inline(Signal::Traces, 1));
    // The same batch succeeds on a worker, and reports once.
    let log = logged(|| {
        processor.process(traces(), Place::Worker).unwrap();
    });
    assert_eq!(log.matches("works").count(), 1, "{log}");
    assert_eq!(processor.counters(), [("worked".to_owned(), 1)]);
    assert!(!processor.is_inline(Signal::Traces, 1));
}

#[test]
fn a_guest_that_never_ends_is_given_up_in_line_too() {
    let processor = bad("spin", 0, &Limits::default());
    assert!(matches!(
        inline(&processor, traces()),
        Err(Failure::Slow(_))
    ));
    inline(&processor, logs()).unwrap();
}

#[test]
fn without_a_free_instance_an_inline_call_is_handed_back_and_a_worker_waits() {
    let limits = Limits {
        instances: 1,
        ..Limits::default()
    };
    let processor = bad("none", 0, &limits);
    let mut lease = processor.pool.take(Place::Worker).unwrap();
    let instance = lease.instance().unwrap();
    let Err(Failure::Busy(batch)) = inline(&processor, traces()) else {
        panic!("it was not busy");
    };
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| processor.process(batch, Place::Worker).unwrap());
        lease.give_back(instance);
        assert!(!waits.join().unwrap().is_untouched());
    });
}

#[test]
fn a_plugin_takes_the_signals_of_its_manifest() {
    let processor = processor(&ECHO, &json!({}), &Limits::default());
    assert!(processor.takes(Signal::Traces));
    assert!(!processor.takes(Signal::Logs));
}

#[test]
fn the_engine_does_not_tick_while_nothing_runs() {
    let engine = Engine::new(1).unwrap();
    let plugin = Arc::new(Plugin::load(&engine, "echo", guests::ECHO).unwrap());
    let idle = processor(&plugin, &json!({"call": "log"}), &Limits::default());
    idle.process(traces(), Place::Worker).unwrap();
    let rests = (0..1_000).any(|_| {
        let before = engine.ticks();
        std::thread::park_timeout(Duration::from_millis(50));
        engine.ticks() == before
    });
    assert!(rests);
    // And it ticks again for the next call, or this one would never be stopped.
    let bad = Arc::new(Plugin::load(&engine, "bad", guests::BAD).unwrap());
    let spins = processor(&bad, &json!({"vice": "spin"}), &hasty());
    assert!(fails(&spins).contains("deadline"));
}
