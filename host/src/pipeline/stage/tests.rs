use std::sync::{LazyLock, mpsc};

use bytes::Bytes;
use otlet_tests::guests;
use otlet_tests::sender::spans;
use prost::Message;
use serde_json::json;

use super::*;
use crate::plugin::{Engine, Limits, Plugin, Sandbox};

static BAD: LazyLock<Arc<Plugin>> = LazyLock::new(|| {
    let engine = Engine::new(64).unwrap();
    Arc::new(Plugin::load(&engine, "bad", guests::BAD).unwrap())
});

/// A version that has this vice; one without edits every batch.
fn version(vice: &str) -> Processor {
    let config = json!({"vice": vice, "n": 20});
    Processor::new(Arc::clone(&BAD), "test", &config, &Sandbox::default(), None).unwrap()
}

fn batch() -> Batch {
    Batch::new(Signal::Traces, Bytes::from(spans([1]).encode_to_vec())).unwrap()
}

/// Swaps in a version; what it is told comes out of the result.
fn swap(stage: &Stage, new: Processor) -> mpsc::Receiver<Option<Cause>> {
    let (tell, told) = mpsc::sync_channel(1);
    drop(stage.swap(new, Box::new(move |cause, _| tell.send(cause).unwrap())));
    told
}

/// Whether a batch is edited by the version that it runs on; otherwise why that failed.
fn run(stage: &Stage) -> Result<bool, Cause> {
    match stage.run(batch(), Place::Worker, None) {
        Ran::Done(batch) => Ok(!batch.is_untouched()),
        Ran::Failed(batch, failed) => {
            assert!(batch.is_untouched());
            Err(failed.cause)
        }
        _ => panic!("it was neither done nor failed"),
    }
}

#[test]
fn the_next_batch_runs_on_the_new_version_and_the_old_one_goes_after_the_trial() {
    let stage = Stage::new(version("trap"));
    assert_eq!(run(&stage), Err(Cause::Trap));
    let old = Arc::downgrade(&stage.processor());
    let told = swap(&stage, version("none"));
    for _ in 0..19 {
        assert_eq!(run(&stage), Ok(true));
        assert!(told.try_recv().is_err());
        assert!(old.upgrade().is_some());
    }
    assert_eq!(run(&stage), Ok(true));
    assert_eq!(told.try_recv(), Ok(None));
    assert!(old.upgrade().is_none());
}

#[test]
fn one_trap_deadline_or_breach_brings_the_old_version_back_and_the_batch_is_run_again() {
    for (vice, cause) in [
        ("trap", Cause::Trap),
        ("spin", Cause::Deadline),
        ("hold", Cause::Memory),
    ] {
        let stage = Stage::new(version("none"));
        let limits = Limits {
            deadline: std::time::Duration::from_millis(30),
            memory: 8 << 20,
            ..Limits::default()
        };
        let sandbox = Sandbox {
            limits,
            ..Sandbox::default()
        };
        let config = json!({"vice": vice, "n": 64});
        let new = Processor::new(Arc::clone(&BAD), "test", &config, &sandbox, None).unwrap();
        let told = swap(&stage, new);
        assert_eq!(run(&stage), Ok(true), "{vice}");
        assert_eq!(told.try_recv(), Ok(Some(cause)), "{vice}");
        assert_eq!(stage.counters.failed.get(), 0);
    }
}

#[test]
fn three_errors_bring_the_old_version_back_and_the_third_batch_is_run_again() {
    let stage = Stage::new(version("none"));
    let told = swap(&stage, version("error"));
    assert_eq!(run(&stage), Err(Cause::Error));
    assert_eq!(run(&stage), Err(Cause::Error));
    assert!(told.try_recv().is_err());
    assert_eq!(run(&stage), Ok(true));
    assert_eq!(told.try_recv(), Ok(Some(Cause::Error)));
    assert_eq!(run(&stage), Ok(true));
}

#[test]
fn a_failure_after_the_first_batches_brings_nothing_back() {
    let stage = Stage::new(version("trap"));
    let told = swap(&stage, version("none"));
    let late = stage.turn();
    for _ in 0..19 {
        assert_eq!(run(&stage), Ok(true));
    }
    // The twenty-first has begun before the first has ended.
    let turn = stage.turn();
    assert!(late.counts && !turn.counts);
    assert!(told.try_recv().is_err());
    drop(late);
    assert_eq!(told.try_recv(), Ok(None));
    assert!(!stage.roll_back());
}

#[test]
fn a_batch_that_was_handed_over_ends_on_the_version_that_it_began_on() {
    let stage = Stage::new(version("work"));
    let began = stage.processor();
    let Ran::HandOver(batch, turn) = stage.run(batch(), Place::Inline, None) else {
        panic!("it works for 20 ms");
    };
    let _told = swap(&stage, version("trap"));
    let Ran::Done(batch) = stage.run(batch, Place::Worker, Some(turn)) else {
        panic!("the new version got it");
    };
    assert!(!batch.is_untouched());
    assert_eq!(began.counters(), [("worked".to_owned(), 1)]);
}

#[test]
fn a_batch_that_waits_for_a_version_that_is_rolled_back_runs_on_the_old_one() {
    let stage = Stage::new(version("none"));
    let _told = swap(&stage, version("work"));
    let went = stage.processor();
    let Ran::HandOver(batch, turn) = stage.run(batch(), Place::Inline, None) else {
        panic!("it works for 20 ms");
    };
    assert!(stage.roll_back());
    assert!(matches!(
        stage.run(batch, Place::Worker, Some(turn)),
        Ran::Done(_)
    ));
    assert_eq!(went.counters(), []);
}

#[test]
fn what_comes_back_is_the_last_version_that_was_not_on_trial() {
    let stage = Stage::new(version("none"));
    let first = swap(&stage, version("error"));
    let given_up = Arc::downgrade(&stage.processor());
    let second = swap(&stage, version("trap"));
    assert!(given_up.upgrade().is_none());
    assert_eq!(run(&stage), Ok(true));
    assert_eq!(second.try_recv(), Ok(Some(Cause::Trap)));
    assert_eq!(first.try_recv(), Err(mpsc::TryRecvError::Disconnected));
}

#[test]
fn a_version_counts_on_where_the_one_before_it_stood() {
    let stage = Stage::new(version("work"));
    assert_eq!(run(&stage), Ok(true));
    let new = stage.processor().with(Arc::clone(&BAD), None).unwrap();
    let _told = swap(&stage, new);
    assert_eq!(run(&stage), Ok(true));
    assert_eq!(stage.processor().counters(), [("worked".to_owned(), 2)]);
    assert_eq!(stage.processor().stats().durations.durations().count(), 2);
}
