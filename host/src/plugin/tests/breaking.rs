//! A plugin that fails again and again is left alone, and recovers by itself.

use std::thread;

use super::super::Cause;
use super::*;

#[test]
fn a_plugin_that_fails_again_and_again_is_left_alone_and_tried_again() {
    let processor = bad_if_poisoned();
    let fails = |sender, number, expected| {
        let batch = poisoned(number).from_sender(sender);
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
    for number in 0..8 {
        fails(1, number, Cause::Trap);
    }
    processor.process(traces(), Place::Worker).unwrap();
    for sender in 0..5 {
        fails(sender, i64::try_from(sender).unwrap(), Cause::Trap);
    }
    assert!(processor.is_tripped());
    assert!(
        processor.is_inline(Signal::Traces, 1 << 30),
        "nothing is waited for"
    );
    fails(9, 9, Cause::Tripped);
    // What it does well on goes on.
    assert!(!processor.is_inline(Signal::Logs, 1 << 30));
    processor.process(logs(), Place::Worker).unwrap();
    assert!(processor.is_tripped());
    let recovers = (0..1_000).any(|_| {
        thread::park_timeout(Duration::from_millis(20));
        processor.process(traces(), Place::Worker).is_ok()
    });
    assert!(recovers && !processor.is_tripped());
}

#[test]
fn what_it_does_well_on_of_another_signal_does_not_keep_it_from_being_left_alone() {
    let processor = bad_if_poisoned();
    for sender in 0..5 {
        let batch = poisoned(7 + i64::try_from(sender).unwrap()).from_sender(sender);
        processor.process(batch, Place::Worker).unwrap_err();
        processor.process(logs(), Place::Worker).unwrap();
    }
    assert!(processor.is_tripped());
}

/// A processor that traps on traces with the attribute `poison`.
fn bad_if_poisoned() -> Processor {
    let config = json!({"vice": "trap", "if": "poison"});
    Processor::new(Arc::clone(&BAD), "test", &config, &Sandbox::default(), None).unwrap()
}

/// Two spans, of which the second has the attribute `poison`.
fn poisoned(number: i64) -> Batch {
    let mut request = request();
    let span = &mut request.resource_spans[0].scope_spans[0].spans[1];
    let poison = attribute("poison", Any::StringValue("x".to_owned()));
    (span.attributes).extend([poison, attribute("number", Any::IntValue(number))]);
    Batch::new(Signal::Traces, request.encode_to_vec().into()).unwrap()
}
